"""What a phrase about a day is read against, and what reading it gives. It knows no words."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time

from agents.calendar.trouble import ImpossibleError
from agents.calendar.wording import short_day


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The present and the conventions that settle what a phrase leaves open."""

    now: datetime
    day_first: bool = True
    that: date | None = None
    """The day of the last answer, for "that day"."""
    past: bool = False
    """Whether a day without a year is the last one rather than the next one."""
    anchor: date | None = None
    """The day to look forward or back from, where it is not today."""

    @property
    def today(self) -> date:
        """The day on the user's calendar."""
        return self.now.date()

    @property
    def origin(self) -> date:
        """The day that an open year is counted from."""
        return self.anchor or self.today

    def looking(self, *, past: bool, anchor: date | None = None) -> "Frame":
        """Return the frame with another direction."""
        return replace(self, past=past, anchor=anchor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A day as read, perhaps with a time, and what was assumed."""

    day: date
    clock: time | None = None
    notes: tuple[str, ...] = ()
    open_year: bool = False
    """Whether the year was chosen and not said."""

    @property
    def moment(self) -> datetime:
        """The moment without zone; midnight where no time was said."""
        return datetime.combine(self.day, self.clock or time(0))


def in_year(
    rule: Callable[[int], date],
    *,
    year: int | None,
    frame: Frame,
    wrong: str,
    notes: tuple[str, ...] = (),
    said: bool = True,
) -> Reading:
    """Return the day that `rule` gives in `year`, or else in the nearest year in the frame's direction.

    Args:
        rule: gives the day in a year, or raises ValueError where there is none.
        year: the year that was said, if any.
        frame: the direction and the day to look from.
        wrong: the sentence for a day that does not exist.
        notes: what is to be said with any day.
        said: whether an open year is worth a note; not where the answer shows it anyway.
    """
    if year is not None:
        try:
            return Reading(day=rule(checked_year(year)), notes=notes)
        except ValueError as error:
            raise ImpossibleError(wrong) from error
    step = -1 if frame.past else 1
    for candidate in range(frame.origin.year - step, frame.origin.year + 10 * step, step):
        try:
            day = rule(candidate)
        except ValueError:
            continue
        if (day - frame.origin).days * step >= 0:
            which = "the last one" if frame.past else "the next one"
            assumed = (f"Assuming {short_day(day)}{_which(frame, which)}.",) if said else ()
            return Reading(day=day, notes=notes + assumed, open_year=True)
    raise ImpossibleError(wrong)


def checked_year(year: int) -> int:
    """Return the year if the calendar has it, else raise ImpossibleError."""
    if not 1 <= year <= 9999:
        raise ImpossibleError(
            f"The year {year:,} is not in my calendar, which holds the years 1 to 9999."
        )
    return year


def _which(frame: Frame, which: str) -> str:
    return f", {which}" if frame.anchor is None else ""
