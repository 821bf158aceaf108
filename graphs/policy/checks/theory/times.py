"""What is known of time signals: it is one moment, and the spans that hold it fire.

Spans of one zone are compared at each moment at which one of them begins or ends, on each day that differs from others;
those of different zones are held independent, since their offsets change during the year.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from graphs.policy.checks.atoms import Atoms
from graphs.policy.policy import Signal

__all__ = ["Span", "span_of", "write_times"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONDAY = date(2026, 1, 5)
"""Where no date is named, its week stands for all."""
_MIDNIGHT = 24 * 60


@dataclass(frozen=True, slots=True)
class Span:
    """When a time signal fires, by the clock of its zone; minutes after midnight."""

    begins: int
    ends: int
    days: frozenset[int]
    first: date
    last: date

    def holds(self, day: date, minute: int) -> bool:
        """Return whether a moment lies in the span; what goes on past midnight belongs to the day it began on."""
        if self.begins < self.ends:
            return self.begins <= minute < self.ends and self._on(day)
        if minute >= self.begins:
            return self._on(day)
        return minute < self.ends and self._on(day - timedelta(1))

    def _on(self, day: date) -> bool:
        return day.weekday() in self.days and self.first <= day <= self.last


def write_times(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let the spans that hold one moment fire."""
    zones: defaultdict[str, dict[str, Span]] = defaultdict(dict)
    for signal in signals:
        if (span := span_of(signal)) is not None:
            zones[str(signal.fields.get("zone", "UTC"))][signal.key] = span
    for zone, spans in zones.items():
        moments = (
            (
                _shown(day, minute, zone),
                frozenset(k for k, s in spans.items() if s.holds(day, minute)),
            )
            for day, minute in _moments(list(spans.values()))
        )
        for key, literal in atoms.one_of("time", moments, keys=list(spans)).items():
            atoms.define(key, literal)


def _moments(spans: Sequence[Span]) -> Iterator[tuple[date, int]]:
    """Yield a moment of each stretch in which nothing begins or ends."""
    minutes = sorted({0, *(s.begins for s in spans), *(s.ends % _MIDNIGHT for s in spans)})
    named = {d for s in spans for d in (s.first, s.last) if d not in (date.min, date.max)}
    days = {_MONDAY + timedelta(n) for n in range(7)}
    for day in named:  # a week on each side, in which every weekday comes
        days |= {day + timedelta(n) for n in range(-8, 9)}
    for day in sorted(days):
        for minute in minutes:
            yield day, minute


def _shown(day: date, minute: int, zone: str) -> str:
    moment = datetime.combine(day, time(minute // 60, minute % 60))
    return f"{moment.isoformat(timespec='minutes')} {zone}"


def span_of(signal: Signal) -> Span | None:
    """Return a signal's span; None if it cannot be read, which the signals' own check tells."""
    fields = signal.fields
    try:
        named = [str(day).strip().casefold()[:3] for day in fields.get("days", _DAYS)]
        return Span(
            _minutes(fields.get("from", "00:00")),
            _minutes(fields.get("to", "24:00")),
            frozenset(map(_DAYS.index, named)),
            date.fromisoformat(str(fields.get("date_from", date.min))),
            date.fromisoformat(str(fields.get("date_until", date.max))),
        )
    except (TypeError, ValueError):
        return None


def _minutes(given: object) -> int:
    hours, _, minutes = str(given).strip().partition(":")
    return 60 * int(hours) + int(minutes)
