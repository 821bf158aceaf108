"""Folds what people type into plain words, and writes dates and counts for people.

It knows no clock and no calendar rule.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, time

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
WEEKDAY = (
    r"(?:mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs?(?:day)?)?|fri(?:day)?"
    r"|sat(?:urday)?|sun(?:day)?)"
)
MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
LONGEST_REQUEST = 240
_NAMES = frozenset(
    (*WEEKDAYS, *MONTHS, "easter", "christmas", "thanksgiving", "halloween", "pentecost", "advent")
)
_ORDINALS = (
    ("first", "1st"),
    ("second", "2nd"),
    ("third", "3rd"),
    ("fourth", "4th"),
    ("fifth", "5th"),
)

_REWRITES: tuple[tuple[str, str], ...] = (
    (r"[\u2018\u2019\u02bc`]", "'"),
    (r"[\u2010-\u2015\u2212]", "-"),
    (r"\b([ap])\.\s?m\b\.?", r"\1m"),
    (r"(\d),(\d{3})(?!\d)", r"\1\2"),
    (r"\b(what|when|how|where|it|that)'?s\b", r"\1 is"),
    (r"[,;()\[\]\"*!?]+", " "),
    (r"\.(?=\s|$)", " "),
    (r"\b(\d{1,2})\s*o'?\s?clock\b", r"\1:00"),
    (r"\s+", " "),
    (r"\bwhat (time|day|date|year|month) it (is|was|will be)\b", r"what \1 \2 it"),
    (r"\bwhat (the (?:\w+ )?(?:time|date|day)) is\b", r"what is \1"),
    (r"\btime ?zones?\b", "timezone"),
    *((rf"\b{word} of (?={MONTH}\b)", f"{day} of ") for word, day in _ORDINALS),
)
_LEAD = re.compile(
    r"(?:hey|hi|hello|ok|okay|so|well|please|pls|also|now|then|quick question:?|just|exactly"
    r"|(?:can|could|would|will) you(?: please| quickly)?(?= (?:tell|give|calculate|work|compute|find|check|say|show))"
    r"|(?:tell|give|show|remember) me(?! the history)|do you (?:happen to )?know|any idea|say"
    r"|i(?: would|'d)? (?:want|need|like) to know|i wonder|i am wondering|i'm wondering"
    r"|calculate|compute|work out|find(?: out)?|check) (?=.)"
)
_TAIL = re.compile(r" (?:please|pls|thanks|thank you|for me|exactly|do you know)$")


def plain(text: str) -> str:
    """Return `text` in lower case, without accents, politeness and the punctuation that carries no sense."""
    words = unicodedata.normalize("NFKD", text).casefold()
    words = "".join(mark for mark in words if not unicodedata.combining(mark))
    for pattern, replacement in _REWRITES:
        words = re.sub(pattern, replacement, words).strip()
    while lead := _LEAD.match(words):
        words = words[lead.end() :]
    while tail := _TAIL.search(words):
        words = words[: tail.start()]
    return words


def plural(number: int | float, unit: str) -> str:
    """Return the number, grouped by thousands, with its unit in the right number."""
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def listed(parts: Sequence[str]) -> str:
    """Return the parts as a person would list them: `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def with_capitals(phrase: str) -> str:
    """Return a plain phrase with capitals at its start and on the names of days, months and great feasts."""
    words = [word.capitalize() if word in _NAMES else word for word in phrase.split()]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def weekday_name(day: date) -> str:
    """Return the English name of the weekday, whatever the machine's locale."""
    return WEEKDAYS[day.weekday()].capitalize()


def short_day(day: date) -> str:
    """Return the date as `25 December 2026`."""
    return f"{day.day} {MONTHS[day.month - 1].capitalize()} {day.year}"


def long_day(day: date) -> str:
    """Return the date as `Friday 25 December 2026`."""
    return f"{weekday_name(day)} {short_day(day)}"


def clock_text(clock: time | datetime) -> str:
    """Return the time of day as `15:30`, with seconds only where there are any."""
    text = f"{clock.hour:02}:{clock.minute:02}"
    return f"{text}:{clock.second:02}" if clock.second else text


def with_notes(text: str, notes: Sequence[str]) -> str:
    """Return the answer with its assumptions below it, each once, in italics."""
    unique = tuple(dict.fromkeys(notes))
    return f"{text}\n\n*{' '.join(unique)}*" if unique else text
