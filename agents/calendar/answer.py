"""The shape of an answer and the small moves that every kind shares. It knows no question."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from agents.calendar.wording import with_notes

_GREGORIAN_START = date(1582, 10, 15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the user reads, the same as values, and the day that "that day" means from now on."""

    text: str
    data: Mapping[str, Any]
    notes: tuple[str, ...] = field(default=())
    that: date | None = None

    @property
    def markdown(self) -> str:
        """The text with its assumptions."""
        return with_notes(self.text, self.notes)


def old_style(*days: date) -> tuple[str, ...]:
    """Return the note that a day before the Gregorian calendar needs."""
    if any(day < _GREGORIAN_START for day in days):
        return (
            "Days before 15 October 1582 are given in the Gregorian calendar, not the Julian one of their time.",
        )
    return ()
