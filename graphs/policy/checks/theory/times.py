"""What is known of time signals: it is one moment, and the spans that hold it fire.

Spans of one zone are compared at each moment at which one of them begins or ends, on each day that differs from others;
those of different zones are held independent, since their offsets change during the year.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from graphs.policy.checks.atoms import Atoms
from graphs.policy.policy import Signal
from graphs.policy.signals.times import DAYS, clock, day_of

__all__ = ["Span", "span_of", "write_times"]

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
        began_today = self.on(day) and self.today(minute)
        return began_today or (self.on(day - timedelta(1)) and self.past_midnight(minute))

    def on(self, day: date) -> bool:
        """Return whether it begins on a day."""
        return day.weekday() in self.days and self.first <= day <= self.last

    def today(self, minute: int) -> bool:
        """Return whether it holds at a minute of a day on which it begins."""
        return minute >= self.begins and (minute < self.ends or self.ends <= self.begins)

    def past_midnight(self, minute: int) -> bool:
        """Return whether it still holds at a minute of the day after."""
        return self.ends <= self.begins and minute < self.ends


def write_times(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let the spans that hold one moment fire."""
    zones: defaultdict[str, dict[str, Span]] = defaultdict(dict)
    for signal in signals:
        if (span := span_of(signal)) is not None:
            zones[str(signal.fields.get("zone", "UTC"))][signal.key] = span
    for zone, spans in zones.items():
        for key, literal in atoms.one_of("time", _samples(spans, zone), keys=list(spans)).items():
            atoms.define(key, literal)


def _samples(spans: Mapping[str, Span], zone: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield a moment for each set of spans that hold together, and the set; sets are bits while there are many."""
    keys, each = list(spans), list(spans.values())
    minutes = sorted({0, *(s.begins for s in each), *(s.ends % _MIDNIGHT for s in each)})
    today = [_bits(span.today(minute) for span in each) for minute in minutes]
    after = [_bits(span.past_midnight(minute) for span in each) for minute in minutes]
    seen: set[int] = set()
    for day in sorted(_days(each)):
        on = _bits(span.on(day) for span in each)
        yesterday = _bits(span.on(day - timedelta(1)) for span in each)
        for minute, now, still in zip(minutes, today, after, strict=True):
            hold = (now & on) | (still & yesterday)
            if hold not in seen:
                seen.add(hold)
                yield (
                    _shown(day, minute, zone),
                    frozenset(k for n, k in enumerate(keys) if hold >> n & 1),
                )


def _bits(flags: Iterable[bool]) -> int:
    return sum(1 << n for n, flag in enumerate(flags) if flag)


def _days(spans: Sequence[Span]) -> set[date]:
    """Return a week without named dates, and around each date that is named a week on either side."""
    days = {_MONDAY + timedelta(n) for n in range(7)}
    for span in spans:
        for day in (span.first, span.last):
            if day not in (date.min, date.max):
                days |= {_shifted(day, n) for n in range(-8, 9)}
    return days


def _shifted(day: date, days: int) -> date:
    """Return the day that many days later, within a century of the calendar's ends."""
    least, most = date.min.toordinal() + 36_525, date.max.toordinal() - 36_525
    return date.fromordinal(min(most, max(least, day.toordinal() + days)))


def _shown(day: date, minute: int, zone: str) -> str:
    moment = datetime.combine(day, time(minute // 60, minute % 60))
    return f"{moment.isoformat(timespec='minutes')} {zone}"


def span_of(signal: Signal) -> Span | None:
    """Return a signal's span; None if it cannot be read, which the signals' own check tells."""
    fields = signal.fields
    try:
        days = {day_of(str(day)) for day in fields.get("days", DAYS)}
        begins, ends = (
            clock(str(fields.get(*end))) for end in (("from", "00:00"), ("to", "24:00"))
        )
        first = date.fromisoformat(str(fields.get("date_from", date.min)).strip())
        last = date.fromisoformat(str(fields.get("date_until", date.max)).strip())
    except (TypeError, ValueError):
        return None
    if begins is None or begins == _MIDNIGHT or ends is None or None in days:
        return None
    return Span(begins, ends, frozenset(day for day in days if day is not None), first, last)
