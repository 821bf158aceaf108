"""Reads times of day and puts them on a zone's clocks, also where clocks change.

It knows no place names and no present.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from agents.calendar.trouble import EDGE, ImpossibleError
from agents.calendar.wording import clock_text, long_day, plural, short_day

TIME = (
    r"(?:noon|midday|midnight|(?:half past|(?:a )?quarter (?:past|to)) [a-z0-9]+(?: ?[ap]m)?"
    r"|\d{1,2}(?:[:.h]\d{2}(?::\d{2})?)? ?(?:[ap]m)?)"
)
_HOURS = {
    name: number
    for number, name in enumerate(
        "one two three four five six seven eight nine ten eleven twelve".split(), start=1
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A time of day as read, and what was assumed about it."""

    time: time
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A moment on a zone's clocks, and what had to be said because they change."""

    moment: datetime
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A moment at which a zone's clocks change."""

    before: datetime
    after: datetime

    @property
    def forward(self) -> bool:
        """Whether an hour is lost."""
        return _offset(self.after) > _offset(self.before)


def read_clock(phrase: str) -> Clock | None:
    """Return the time of day that the whole phrase says, or None."""
    if phrase in ("noon", "midday"):
        return Clock(time=time(12))
    if phrase == "midnight":
        return Clock(time=time(0))
    if spoken := re.fullmatch(
        r"(half past|(?:a )?quarter (?:past|to)) ([a-z]+|\d{1,2})(?: ?([ap]m))?", phrase
    ):
        hour = _HOURS.get(spoken[2], int(spoken[2]) if spoken[2].isdigit() else None)
        minutes = 30 if "half" in spoken[1] else 15 if "past" in spoken[1] else -15
        return _clock(hour, minutes, 0, spoken[3])
    if digits := re.fullmatch(r"(\d{1,2})(?:[:.h](\d{2})(?::(\d{2}))?)? ?([ap]m)?", phrase):
        return _clock(int(digits[1]), int(digits[2] or 0), int(digits[3] or 0), digits[4])
    return None


def place(local: datetime, zone: tzinfo, *, where: str) -> Placed:
    """Return a moment without zone on the clocks of `zone`: out of a gap, the first where it is repeated.

    Raises:
        ImpossibleError: the moment is at the edge of the calendar.
    """
    aware = local.replace(tzinfo=zone, fold=0)
    try:
        real = aware.astimezone(UTC).astimezone(zone)
    except OverflowError as error:
        raise ImpossibleError(EDGE) from error
    said = f"{clock_text(local)} on {short_day(local)} in {where}"
    if real.replace(tzinfo=None) != local:
        note = f"{said} does not exist: clocks go forward; {clock_text(real)} taken."
        return Placed(moment=real, notes=(note,))
    if aware.utcoffset() != aware.replace(fold=1).utcoffset():
        note = f"{said} happens twice: clocks go back; the first one taken."
        return Placed(moment=aware, notes=(note,))
    return Placed(moment=aware)


def offset_text(moment: datetime) -> str:
    """Return the offset of a moment as `UTC+5:30`."""
    minutes = int(_offset(moment).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}{f':{rest:02}' if rest else ''}"


def minutes_ahead(here: datetime, there: datetime) -> int:
    """Return by how many minutes the second moment's clock is ahead of the first's."""
    return int((_offset(there) - _offset(here)).total_seconds()) // 60


def ahead_text(here: datetime, there: datetime) -> str:
    """Return how far the second moment's clock is from the first's: `8 hours ahead of`."""
    minutes = minutes_ahead(here, there)
    if not minutes:
        return "the same time as"
    hours, rest = divmod(abs(minutes), 60)
    parts = [plural(hours, "hour")] * bool(hours) + [plural(rest, "minute")] * bool(rest)
    return f"{' '.join(parts)} {'ahead of' if minutes > 0 else 'behind'}"


def next_changes(start: datetime, zone: tzinfo, *, count: int = 2) -> list[Change]:
    """Return the next changes of a zone's clocks within three years of `start`, soonest first."""
    found: list[Change] = []
    day = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for _ in range(3 * 366):
        following = day + timedelta(days=1)
        if _offset(day.astimezone(zone)) != _offset(following.astimezone(zone)):
            found.append(_change(day, following, zone))
            if len(found) == count:
                break
        day = following
    return found


def with_day(moment: datetime) -> str:
    """Return a moment as `15:30 on Friday 25 December 2026`."""
    return f"{clock_text(moment)} on {long_day(moment)}"


def _change(low: datetime, high: datetime, zone: tzinfo) -> Change:
    """Halve the span until it is the minute in which the offset changes."""
    local: Callable[[datetime], datetime] = lambda moment: moment.astimezone(zone)  # noqa: E731
    offset = _offset(local(low))
    while high - low > timedelta(minutes=1):
        middle = low + timedelta(minutes=int((high - low).total_seconds()) // 120)
        if _offset(local(middle)) == offset:
            low = middle
        else:
            high = middle
    after = local(high)
    return Change(before=(high + offset).replace(tzinfo=local(low).tzinfo), after=after)


def _clock(hour: int | None, minute: int, second: int, half: str | None) -> Clock | None:
    """Check the parts of a time and settle morning or afternoon."""
    if hour is None or hour > 23 or minute > 59 or second > 59 or (half and not 1 <= hour <= 12):
        return None
    notes: tuple[str, ...] = ()
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    minutes = (hour * 60 + minute) % 1440
    moment = time(minutes // 60, minutes % 60, second)
    if not half and 1 <= hour <= 11:
        notes = (f"{clock_text(moment)} read on the 24-hour clock.",)
    return Clock(time=moment, notes=notes)


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta(0)
