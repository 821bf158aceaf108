"""Finds the words of a due date in a text: "call mum tomorrow at 9" holds "tomorrow at 9".

It knows the shape of such words and the hands of a clock; which day "next friday" is, `dates` knows.
"""

import re
from dataclasses import dataclass
from datetime import time
from functools import cache

_HOURS = "one two three four five six seven eight nine ten eleven twelve".split()
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_WEEKDAY = (
    r"(?:(?:mon|tues?|weds?|wednes|thu(?:rs?)?|fri)(?:day)?|(?:satur|sun)day"
    r"|(?<=next )(?:sat|sun)|(?<=this )(?:sat|sun)|(?<=on )(?:sat|sun)|(?<=by )(?:sat|sun))"
)
_COUNT = rf"(?:\d{{1,4}}|an?|a couple of|half an?|{'|'.join(_HOURS)})"
_UNIT = r"(?:minute|min|hour|day|week|month|year)s?"
SPAN = rf"{_COUNT} {_UNIT}"
_DAYS = (
    r"(?:the )?day after tomorrow|today|tomorrow|tmrw|tomorow|yesterday",
    rf"in {_COUNT} {_UNIT}(?: time)?",
    rf"{_COUNT} {_UNIT} from (?:now|today)",
    r"next (?:week|month|year)|(?:this|the|next) weekend",
    rf"(?:the )?end of (?:(?:the |this |next )?(?:day|week|month|year)|{_MONTH})|eod|eow|eom|eoy",
    rf"(?:{_WEEKDAY},? )?(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?:,? \d{{4}})?",
    rf"(?:{_WEEKDAY},? )?{_MONTH} (?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?",
    rf"(?:(?:next|this|coming|last) )?{_WEEKDAY}",
    r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}(?:/\d{4})?|\d{1,2}\.\d{1,2}\.\d{4}",
    r"the \d{1,2}(?:st|nd|rd|th)",
)
_PART = r"morning|afternoon|evening|night"
_CLOCK = (
    r"(?:at |@ ?|around |by )?(?:noon|midday|midnight|lunchtime)"
    rf"|(?:at |around )?(?:half past|quarter past|quarter to) (?:\d{{1,2}}|{'|'.join(_HOURS)})"
    r"|(?:at |@ ?|around |by )?\d{1,2}(?:[:.]\d\d)? ?(?:am\b|pm\b|a\.m\.|p\.m\.)"
    rf"|(?:at |@ ?)?(?:\d{{1,2}}|{'|'.join(_HOURS)}) o'?clock"
    r"|(?:at |@ ?|around |by )?\d{1,2}:\d\d"
    r"|(?:at |@ ?)\d{1,2}\.\d\d"
    rf"|(?:at |@ ?|around )(?:\d{{1,2}}|(?:{'|'.join(_HOURS)})\b)"
)
_END = r"(?![\w/]|[:-]\d|\.\d)"
_PIECE = (
    r"(?<![^\s,;:(])(?:"
    rf"(?P<day>{'|'.join(_DAYS)}){_END}(?: (?P<day_part>{_PART})\b)?"
    rf"|(?P<part>tonight|(?:this|in the) (?:{_PART})|at night)\b"
    rf"|(?P<clock>{_CLOCK}){_END})"
)
_LEAD = re.compile(
    r"(?<![^\s,;:(])(?:(?:due|by|on|for|before|until|till|starting) ){1,2}$", re.IGNORECASE
)
_GAP = re.compile(r",? (?:(?:at|on|by) )?", re.IGNORECASE)
_REPEAT = (
    rf"(?: on)? (?:(?:every|each)(?: other)? (?:(?P<when>{_WEEKDAY}|morning|evening)\b"
    r"|(?:single )?(?:day|weekday|week|month|year)\b)"
    r"|(?:daily|weekly|monthly|yearly)\b)"
)
_BARE_HOUR = re.compile(r"\d{1,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """The pieces of one date phrase, still in words; empty if not said."""

    day: str = ""
    part: str = ""
    clock: str = ""


def split_when(text: str) -> tuple[str, str]:
    """Return `text` without its date phrase, and that phrase: at the end, else at the start."""
    runs = _runs(text)
    if not runs:
        return text, ""
    start, end = runs[-1]
    if text[end:].strip(" .!?)"):
        start, end = runs[0]
        if start or text[end : end + 1] not in (" ", ",", ":", ";", "-"):
            return text, ""
    return (text[:start] + text[end:]).strip(" ,;:.!?()-"), text[start:end].strip()


def read_when(phrase: str, *, bare_hour: bool = False) -> When | None:
    """Return the pieces of a text that is a date phrase as a whole, or None.

    Args:
        phrase: one date phrase, as `split_when` returns it, or a reply.
        bare_hour: read "9" as "at 9", as after the question "When?".
    """
    text = " ".join(phrase.split()).strip(" ,;.!?")
    if bare_hour and _BARE_HOUR.fullmatch(text):
        text = f"at {text}"
    if _runs(text) != [(0, len(text))]:
        return None
    found: dict[str, str] = {}
    for piece in _piece().finditer(text):
        for name, value in piece.groupdict().items():
            if not value:
                continue
            key = "part" if name == "day_part" else name
            if key in found:
                return None
            found[key] = value.lower()
    return When(**found)


def without_repeat(text: str) -> tuple[str, bool]:
    """Return text with "every monday" made "monday", and whether there was such a thing."""
    found = _repeat().search(text)
    if found is None:
        return text, False
    once = found["when"] or ""
    once = (
        f" in the {once}" if once.lower() in ("morning", "evening") else f" {once}" if once else ""
    )
    return text[: found.start()] + once + text[found.end() :], True


def clock_times(clock: str, *, part: str) -> list[time]:
    """Return the times that a clock phrase may mean, the likeliest first; empty if there is none.

    An hour without am or pm means the daytime: "at 5" is 17:00, "at 9" is 09:00 or, once that has
    passed, 21:00.
    """
    named = {"noon": 12, "midday": 12, "lunchtime": 12, "midnight": 0}
    for word, hour in named.items():
        if word in clock:
            return [time(hour)]
    found = re.search(rf"(\d{{1,2}}|{'|'.join(_HOURS)})(?:[:.](\d\d))?", clock)
    if found is None:
        return []
    written, minute = found.group(1), int(found.group(2) or 0)
    minutes = (int(written) if written.isdigit() else _HOURS.index(written) + 1) * 60 + minute
    minutes += {"half past": 30, "quarter past": 15, "quarter to": -15}.get(
        " ".join(clock.removeprefix("at ").removeprefix("around ").split()[:2]), 0
    )
    if minute > 59 or not 0 <= minutes < 24 * 60:
        return []
    return [time(m // 60, m % 60) for m in _halves(minutes, clock=clock, part=part, hour=written)]


@cache
def _piece() -> re.Pattern[str]:
    # Compiled on first use: it takes 20 ms, which the start of a chat would pay.
    return re.compile(_PIECE, re.IGNORECASE)


@cache
def _repeat() -> re.Pattern[str]:
    return re.compile(_REPEAT, re.IGNORECASE)


def _runs(text: str) -> list[tuple[int, int]]:
    """Return where date phrases start and end: pieces that only "at", "on" or a comma part."""
    runs: list[tuple[int, int]] = []
    for piece in _piece().finditer(text):
        if runs and _GAP.fullmatch(text, runs[-1][1], piece.start()):
            runs[-1] = (runs[-1][0], piece.end())
        else:
            lead = _LEAD.search(text, max(0, piece.start() - 24), piece.start())
            runs.append((lead.start() if lead else piece.start(), piece.end()))
    return runs


def _halves(minutes: int, *, clock: str, part: str, hour: str) -> list[int]:
    noon = 12 * 60
    said = re.search(r"([ap])\.?m", clock)
    half = said.group(1) if said else {"morning": "a"}.get(part, "p" if part else "")
    if minutes >= noon + 60:
        return [] if said and half == "a" else [minutes]
    if half == "a":
        return [minutes % noon]
    if half == "p":
        return [minutes % noon + noon]
    if hour.startswith("0") or minutes >= noon:
        return [minutes]
    return [minutes + noon] if minutes < 6 * 60 + 60 else [minutes, minutes + noon]
