"""Reads lengths of time ("3 weeks and 2 days", "an hour and a half") and adds them to moments.

It knows no present moment.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from fractions import Fraction
from typing import Literal

from dateutil.relativedelta import relativedelta  # type: ignore[import-untyped]

from agents.calendar.trouble import ImpossibleError, NotUnderstoodError
from agents.calendar.wording import listed, plural

_SECONDS = {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "hr": 3600, "h": 3600}
_DAYS = {"day": 1, "night": 1, "week": 7, "wk": 7, "fortnight": 14}
_MONTHS = {
    "month": 1,
    "quarter": 3,
    "year": 12,
    "yr": 12,
    "decade": 120,
    "century": 1200,
    "centurie": 1200,
}
_WORKING = frozenset({"working day", "business day", "weekday", "workday", "week day", "work day"})
_WORDS = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
} | {"a": 1, "an": 1, "couple": 2, "dozen": 12, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60}
_WORDS |= {"seventy": 70, "eighty": 80, "ninety": 90}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}

UNIT = (
    r"(?:(?:working|business|week|work) days?|weekdays?|workdays?|seconds?|secs?|minutes?|mins?|hours?|hrs?|h"
    r"|days?|nights?|weeks?|wks?|fortnights?|months?|quarters?|years?|yrs?|decades?|century|centuries)"
)
_WORD = rf"(?:{'|'.join([*_WORDS, *_SCALES])})"
NUMBER = (
    rf"(?:\d+(?:\.\d+)?(?:\s?\^\s?\d+|e\d+)?(?: (?:{'|'.join(_SCALES)}))?"
    rf"|{_WORD}(?:[ -](?:and )?{_WORD}){{0,5}}(?: of)?)"
)
_ITEM = rf"(?:half an? {UNIT}|{NUMBER}(?: and a half)?[ -]?{UNIT}(?: and a half)?)"
AMOUNT = rf"(?:{_ITEM}(?:(?: and)? {_ITEM}){{0,5}})"

LARGEST_DAYS = 4_000_000
"""More days than lie between the years 1 and 9999."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """A length of time, by the parts that add differently."""

    text: str
    months: int = 0
    days: int = 0
    seconds: int = 0
    working: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shifted:
    """Where an addition ended, and what had to be assumed."""

    moment: datetime
    notes: tuple[str, ...] = ()


def read_amount(phrase: str) -> Amount:
    """Read a whole phrase as a length of time.

    Raises:
        NotUnderstoodError: some words are no part of a length.
        ImpossibleError: the length is larger than the calendar.
    """
    if not re.fullmatch(AMOUNT, phrase):
        raise NotUnderstoodError(f"{phrase!r} is not a length of time")
    totals = dict.fromkeys(("months", "days", "seconds", "working"), Fraction(0))
    for item in re.finditer(_ITEM, phrase):
        number, unit = _item(item[0])
        kind, factor = _unit(unit)
        totals[kind] += number * factor
    if totals["days"].denominator > 1:  # half a day is 12 hours
        whole = totals["days"].numerator // totals["days"].denominator
        totals["seconds"] += (totals["days"] - whole) * 86400
        totals["days"] = Fraction(whole)
    if any(total.denominator > 1 for total in totals.values()):
        raise NotUnderstoodError(
            f"{phrase!r} has a part that is no whole number of months, working days or seconds"
        )
    span = (
        totals["months"] * 31 + totals["days"] + totals["working"] * 2 + totals["seconds"] / 86400
    )
    if span > LARGEST_DAYS:
        raise ImpossibleError(
            f"{phrase.capitalize()} is longer than my calendar, which holds the years 1 to 9999."
        )
    return Amount(text=phrase, **{kind: int(total) for kind, total in totals.items()})


def shift(moment: datetime, amount: Amount, *, sign: int, zone: tzinfo) -> Shifted:
    """Return the moment `amount` after (sign 1) or before (sign -1) a moment without zone, on `zone`'s clocks.

    Hours, minutes and seconds are elapsed time, also across a change of the clocks; days and months keep the
    clock time.

    Raises:
        ImpossibleError: the result is not in the years 1 to 9999.
    """
    notes: list[str] = []
    try:
        shifted: datetime = moment + relativedelta(months=sign * amount.months)
        if amount.months and shifted.day != moment.day:
            notes.append(f"That month has no day {moment.day}, so its last day is taken.")
        shifted += timedelta(days=sign * amount.days)
        if amount.working:
            shifted = datetime.combine(
                _working(shifted.date(), sign * amount.working), shifted.time()
            )
            notes.append("Working days are Monday to Friday; public holidays are not taken out.")
        if amount.seconds:
            elapsed = shifted.replace(tzinfo=zone).astimezone(UTC) + timedelta(
                seconds=sign * amount.seconds
            )
            shifted = elapsed.astimezone(zone).replace(tzinfo=None)
    except (OverflowError, ValueError) as error:
        raise ImpossibleError(
            f"{amount.text.capitalize()} leads out of my calendar, which holds the years 1 to 9999."
        ) from error
    return Shifted(moment=shifted, notes=tuple(notes))


def working_days(start: date, end: date) -> int:
    """Return how many days from `start` to `end`, both counted, are Monday to Friday."""
    import numpy as np  # loads slowly; few questions need it

    return int(np.busday_count(np.datetime64(start, "D"), np.datetime64(end, "D") + 1))


def calendar_parts(start: date, end: date) -> str:
    """Return the length between two days in years, months and days, start first."""
    parts = relativedelta(end, start)
    named = ((parts.years, "year"), (parts.months, "month"), (parts.days, "day"))
    return listed([plural(number, unit) for number, unit in named if number]) or plural(0, "day")


def whole_months(start: date, end: date) -> tuple[int, int]:
    """Return the whole months between two days, and the days left over."""
    parts = relativedelta(end, start)
    return parts.years * 12 + parts.months, parts.days


def elapsed_parts(seconds: int) -> str:
    """Return a number of seconds in days, hours, minutes and seconds; seconds only below an hour."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    named = ((days, "day"), (hour, "hour"), (minute, "minute"), (0 if hours else second, "second"))
    return listed([plural(number, unit) for number, unit in named if number]) or plural(0, "second")


def canonical_unit(word: str) -> str:
    """Return the singular of a unit as typed: `hrs` is `hour`, `business days` is `working day`."""
    kind, factor = _unit(word)
    if kind == "working":
        return "working day"
    names = {
        ("seconds", 1): "second",
        ("seconds", 60): "minute",
        ("seconds", 3600): "hour",
        ("days", 1): "day",
    }
    names |= {
        ("days", 7): "week",
        ("days", 14): "fortnight",
        ("months", 1): "month",
        ("months", 3): "quarter",
    }
    names |= {("months", 12): "year", ("months", 120): "decade", ("months", 1200): "century"}
    return names[kind, factor]


def _item(text: str) -> tuple[Fraction, str]:
    if half := re.fullmatch(rf"half an? ({UNIT})", text):
        return Fraction(1, 2), half[1]
    match = re.fullmatch(rf"({NUMBER})(?: and a half)?[ -]?({UNIT})(?: and a half)?", text)
    assert match is not None
    extra = Fraction(1, 2) if " and a half" in text else Fraction(0)
    return _number(match[1]) + extra, match[2]


def _unit(word: str) -> tuple[str, int]:
    single = word if word == "century" else word.removesuffix("s")
    if single in _WORKING:
        return "working", 1
    for kind, table in (("seconds", _SECONDS), ("days", _DAYS), ("months", _MONTHS)):
        if single in table:
            return kind, table[single]
    raise NotUnderstoodError(f"{word!r} is not a unit of time")


def _number(text: str) -> Fraction:
    """Read digits, a power or number words; a number past every calendar is cut to one that still is."""
    words = text.removesuffix(" of")
    scale = 1
    if match := re.fullmatch(r"(\d[\d.]*)\s?(?:\^\s?(\d+)|e(\d+))?(?: ([a-z]+))?", words):
        digits, power, exponent, word = match.groups()
        scale = _SCALES.get(word or "", 1)
        base = Fraction(digits)
        if power:
            raised: Fraction = min(base, Fraction(10**6)) ** min(int(power[:3]), 99)
            return raised * scale
        return base * Fraction(10 ** min(int((exponent or "0")[:3]), 99) * scale)
    total = current = 0
    for word in re.split(r"[ -]", words.replace(" and ", " ")):
        if word in _SCALES:
            current = max(current, 1) * _SCALES[word]
            if _SCALES[word] > 100:
                total, current = total + current, 0
        else:
            current = (
                _WORDS[word]
                if word in ("couple", "dozen") and current == 1
                else current + _WORDS[word]
            )
    return Fraction(total + current)


def _working(start: date, count: int) -> date:
    import numpy as np  # loads slowly; few questions need it

    roll: Literal["backward", "forward"] = "backward" if count > 0 else "forward"
    moved = np.busday_offset(np.datetime64(start, "D"), count, roll=roll)
    day = moved.astype(object)
    if not isinstance(day, date):  # numpy gives a number where Python has no date
        raise OverflowError("past the last year")
    return day
