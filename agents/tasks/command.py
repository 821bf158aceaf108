"""The wishes a text can hold, and the words that name a list and its tasks. It reads no sentence.

A command is *sure* when its words name the list, a task or a reminder; one that is not sure counts
only if it matches a task that exists, so that "delete all my files" is never taken for one.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

ADJECTIVE = (
    r"(?:open|pending|current|remaining|outstanding|unfinished|overdue|late|completed?|done|finished"
    r"|upcoming|due|today's|tomorrow's|this week's|next|new|whole|entire)"
)
NOUN = r"(?:tasks?|to-?dos?|reminders?)(?: items?)?"
LIST = r"(?:(?:tasks?|to-?dos?|to do|shopping|grocery|reminders?) list|list)"
MY_LIST = rf"(?:(?:my|our) {LIST}|the (?:tasks?|to-?dos?|to do|shopping|grocery) list|my (?:tasks|to-?dos|reminders))"


class Verb(StrEnum):
    """What can be asked of the list."""

    ADD = "add"
    LIST = "list"
    COMPLETE = "complete"
    REOPEN = "reopen"
    RESCHEDULE = "reschedule"
    RENAME = "rename"
    DELETE = "delete"
    STATUS = "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One wish: what to do, with which tasks, and with what."""

    verb: Verb
    target: str = ""
    """The words that name the tasks; `*` for all of them."""
    value: str = ""
    """The new task's words, the new date's words, the new title, or the scope of a listing."""
    sure: bool = True
    remind: bool = False
    """Whether it spoke of reminding."""
    repeats: bool = False
    """Whether the new task was to come back, such as every monday."""


def match(pattern: str, text: str) -> re.Match[str] | None:
    """Match the whole text, in any case."""
    return re.fullmatch(pattern, text, re.IGNORECASE)


def names_task(target: str) -> bool:
    """Return whether the words of a target say that it is a task."""
    number = r"(?:number |no\.? ?|#)?\d{1,5}"
    return bool(
        match(rf"(?:(?:the|my|that|this|our) )?(?:.+ )?{NOUN}", target)
        or match(
            rf"(?:(?:the|my|that|this) )?{NOUN} (?:to|about|for|on|of|called|named|#|{number}).*",
            target,
        )
        or match(rf"{number}(?:(?:,| and|, and) {number})*", target)
        or match(rf".+ (?:on|from|off|in) {MY_LIST}", target)
    )
