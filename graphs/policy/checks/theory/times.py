"""What is known of time signals: it is one moment, and the windows that are open then fire.

Windows of one zone are compared on each day that differs from the others; windows of different zones are held
independent, since their offsets change during the year.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from graphs.policy.checks.atoms import Atoms
from graphs.policy.policy import Signal

__all__ = ["write_times"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK = date(2026, 1, 5)
"""A Monday; which week stands for all where no date is named does not matter."""


def write_times(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let the windows that are open at one moment fire."""
    zones: defaultdict[str, list[Signal]] = defaultdict(list)
    for signal in signals:
        zones[str(signal.fields.get("zone", "UTC"))].append(signal)
    for zone, found in zones.items():
        moments = [
            (
                f"{moment.isoformat(timespec='minutes')} {zone}",
                frozenset(s.key for s in found if is_open(s, moment)),
            )
            for moment in _moments(found)
        ]
        opened = atoms.one_of("time", moments, keys=[signal.key for signal in found])
        for key, literal in opened.items():
            atoms.define(key, literal)


def _moments(signals: Sequence[Signal]) -> Iterator[datetime]:
    """Yield the moments between which nothing opens or closes."""
    times = {
        time(0),
        *(t for s in signals for name in ("from", "to") if (t := _time(s.fields.get(name)))),
    }
    for day in sorted(_days(signals)):
        for moment in sorted(times):
            yield datetime.combine(day, moment)


def _days(signals: Sequence[Signal]) -> set[date]:
    """Return a week without named dates, and the days around each date that is named."""
    named = {d for s in signals for d in _dates(s)}
    days = {_WEEK + timedelta(n) for n in range(7)}
    for day in named:
        days |= {day + timedelta(n) for n in range(-8, 9)}
    return days


def _dates(signal: Signal) -> Iterator[date]:
    for name in ("dates", "from_date", "to_date"):
        given = signal.fields.get(name, ())
        for text in given if isinstance(given, list | tuple) else (given,):
            try:
                yield date.fromisoformat(str(text))
            except ValueError:
                continue  # the signals' own check names it


def is_open(signal: Signal, moment: datetime) -> bool:
    """Return whether a window is open at a moment of its zone; one over midnight belongs to the day it opens on."""
    start, end = _time(signal.fields.get("from")) or time(0), _time(signal.fields.get("to"))
    clock, day = moment.time(), moment.date()
    if end is None or start < end:
        return clock >= start and (end is None or clock < end) and _on(signal, day)
    if clock >= start:
        return _on(signal, day)
    return clock < end and _on(signal, day - timedelta(1))


def _on(signal: Signal, day: date) -> bool:
    days = signal.fields.get("days")
    dates = signal.fields.get("dates")
    if isinstance(dates, list | tuple) and day.isoformat() not in map(str, dates):
        return False
    return not isinstance(days, list | tuple) or _DAYS[day.weekday()] in [
        str(d).lower()[:3] for d in days
    ]


def _time(given: Any) -> time | None:
    try:
        return time.fromisoformat(str(given))
    except ValueError:
        return None
