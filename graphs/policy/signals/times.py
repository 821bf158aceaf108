"""time signals: on which days, between which hours and dates a turn comes, by the clock of a zone (UTC unless given).

`from` is inclusive, `to` is not, and both dates are. With `to` before `from` the time goes on past midnight, and its
`days` are those on which it begins: Friday 22:00 to 06:00 holds on Saturday at 03:00. A turn of which no time is
known, or no zone, gives a fault.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from graphs.policy.policy import Signal
from graphs.policy.request import Reading
from graphs.policy.signals.family import Family, Kind, Kit, Problem, Read, fired
from graphs.policy.signals.turn import Turn

__all__ = ["DAYS", "TIME", "clock", "day_of"]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)", re.ASCII)
_DAY_MINUTES = 24 * 60


def clock(text: str) -> int | None:
    """Return the minutes after midnight that `HH:MM` stands for, up to 24:00; None for anything else."""
    match = _CLOCK.fullmatch(text.strip())
    minutes = 60 * int(match[1]) + int(match[2]) if match else None
    return minutes if minutes is not None and minutes <= _DAY_MINUTES else None


def day_of(text: str) -> int | None:
    """Return which day of the week a name stands for, Monday 0; None for anything else."""
    name = text.strip().casefold()
    return next((at for at in range(7) if name in (DAYS[at], _LONG[at])), None)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError):  # unknown zones are KeyErrors too, of ZoneInfo's own class
        return None
    except KeyError:
        return None


def _prepare(signal: Signal, _: Kit) -> Read:
    fields = signal.fields
    zone = _zone(fields.get("zone", "UTC"))
    days = {day_of(d) for d in fields["days"]} if "days" in fields else set(range(7))
    begins, ends = clock(fields.get("from", "00:00")) or 0, clock(fields.get("to", "24:00")) or 0
    first = _date(fields["date_from"]) if "date_from" in fields else None
    last = _date(fields["date_until"]) if "date_until" in fields else None

    def read(turn: Turn) -> Reading:
        now = turn.request.now
        if now is None or now.utcoffset() is None:
            return Reading(False, 0.0, fault="the time of the turn, with its zone, is not known")
        local = now.astimezone(zone)
        opened = _opened(local, begins, ends)
        fires = (
            opened is not None
            and opened.weekday() in days
            and (first is None or opened >= first)
            and (last is None or opened <= last)
        )
        return fired(fires, float(fires), None, local.strftime("%a %Y-%m-%d %H:%M"))

    return read


def _opened(local: datetime, begins: int, ends: int) -> date | None:
    """Return the day on which the span that holds `local` began, None if none does."""
    at = _minutes(local.time())
    if begins < ends:
        return local.date() if begins <= at < ends else None
    if at >= begins:
        return local.date()
    return local.date() - timedelta(days=1) if at < ends else None


def _minutes(at: time) -> float:
    return 60 * at.hour + at.minute + (at.second + at.microsecond / 1e6) / 60


def _problems(signal: Signal) -> Iterator[Problem]:
    fields = signal.fields
    for day in fields.get("days") or ():
        if day_of(day) is None:
            yield Problem("days", f"{day!r} is no day, expected some of {', '.join(DAYS)}")
    for name in ("from", "to"):
        if name in fields and clock(fields[name]) is None:
            yield Problem(name, f"is {fields[name]!r}, expected a time as 09:00")
    for name in ("date_from", "date_until"):
        if name in fields and _date(fields[name]) is None:
            yield Problem(name, f"is {fields[name]!r}, expected a date as 2026-12-24")
    if clock(fields.get("from", "")) == _DAY_MINUTES:
        yield Problem("from", "is 24:00, expected a time before it, as 00:00", "out_of_range")
    if _zone(fields.get("zone", "UTC")) is None:
        yield Problem("zone", f"is {fields['zone']!r}, expected an IANA time zone as Europe/Berlin")
    if clock(fields.get("from", "00:00")) == clock(fields.get("to", "24:00")):
        yield Problem("to", "is as `from` is: no time lies between them", "out_of_range")
    low, high = _date(fields.get("date_from", "")), _date(fields.get("date_until", ""))
    if low and high and low > high:
        yield Problem("date_until", f"is {high}, before `date_from`, {low}", "out_of_range")
    if not set(fields) & {"days", "from", "to", "date_from", "date_until"}:
        yield Problem("days", "is missing, and so are `from`, `to`, `date_from`, `date_until`")


TIME = Family(
    fields={
        "days": Kind.TEXTS,
        **dict.fromkeys(("from", "to", "date_from", "date_until", "zone"), Kind.TEXT),
    },
    prepare=_prepare,
    problems=_problems,
)
