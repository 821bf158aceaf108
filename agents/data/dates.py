"""Reads a stretch of time from the words of a question: "2024-03-01", "March 2024", "Q1 2024", "last month".

It knows the calendar and the moment it is given, no clock and no table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from agents.data.words import Kind, Token

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sep sept", "october oct", "november nov", "december dec"), start=1)
    for name in names.split()
}  # fmt: skip
_UNITS = ("day", "week", "month", "quarter", "year")
_QUARTERS = {"q1": 1, "q2": 2, "q3": 3, "q4": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Days from `start` to the day before `end`, and how many tokens said so."""

    start: date
    end: date
    width: int


def read_period(tokens: Sequence[Token], at: int, *, today: date) -> Period | None:
    """Return the period that begins at token `at`; a month without a year is the last one that has begun."""
    if at >= len(tokens):
        return None
    for reader in (_iso, _relative, _month, _quarter, _year):
        period = reader(tokens, at, today)
        if period:
            return period
    return None


def _word(tokens: Sequence[Token], at: int) -> str:
    return tokens[at].word if 0 <= at < len(tokens) else ""


def _year_at(tokens: Sequence[Token], at: int) -> int | None:
    text = _word(tokens, at)
    if text.isdecimal() and len(text) == 4 and 1900 <= int(text) <= 2100:
        return int(text)
    return None


def _iso(tokens: Sequence[Token], at: int, _: date) -> Period | None:
    if tokens[at].kind is not Kind.DATE:
        return None
    text = tokens[at].text
    if len(text) == 7:
        return _of_month(int(text[:4]), int(text[5:]), width=1)
    day = date.fromisoformat(text)
    return Period(start=day, end=day + timedelta(days=1), width=1)


def _month(tokens: Sequence[Token], at: int, today: date) -> Period | None:
    day, width = _day_at(tokens, at), 0
    if day and _word(tokens, at + 1) in _MONTHS:  # 5 March
        month, width = _MONTHS[_word(tokens, at + 1)], 2
    elif _word(tokens, at) in _MONTHS:  # March, March 5
        month = _MONTHS[_word(tokens, at)]
        day = _day_at(tokens, at + 1)
        width = 2 if day else 1
    else:
        return None
    year = _year_at(tokens, at + width)
    if year is not None:
        width += 1
    else:
        year = today.year if month <= today.month else today.year - 1
    if not day:
        return _of_month(year, month, width=width)
    try:
        start = date(year, month, day)
    except ValueError:
        return None
    return Period(start=start, end=start + timedelta(days=1), width=width)


def _day_at(tokens: Sequence[Token], at: int) -> int | None:
    text = _word(tokens, at)
    for suffix in ("st", "nd", "rd", "th"):
        text = text.removesuffix(suffix)
    return int(text) if text.isdecimal() and len(text) <= 2 and 1 <= int(text) <= 31 else None


def _quarter(tokens: Sequence[Token], at: int, today: date) -> Period | None:
    number = _QUARTERS.get(_word(tokens, at))
    if number is None:
        return None
    year = _year_at(tokens, at + 1)
    first = date(year or today.year, 3 * number - 2, 1)
    return Period(start=first, end=_months_after(first, 3), width=2 if year else 1)


def _year(tokens: Sequence[Token], at: int, _: date) -> Period | None:
    width = 1 if _word(tokens, at) == "year" else 0
    year = _year_at(tokens, at + width)
    if year is None:
        return None
    return Period(start=date(year, 1, 1), end=date(year + 1, 1, 1), width=width + 1)


def _relative(tokens: Sequence[Token], at: int, today: date) -> Period | None:
    word = _word(tokens, at)
    if word in ("today", "yesterday"):
        start = today - timedelta(days=word == "yesterday")
        return Period(start=start, end=start + timedelta(days=1), width=1)
    if word not in ("this", "current", "last", "previous", "past"):
        return None
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    if following is None:
        return None
    if following.stem in _UNITS:
        start = _begin(today, following.stem)
        if word in ("this", "current"):
            return Period(start=start, end=_step(start, following.stem, 1), width=2)
        return Period(start=_step(start, following.stem, -1), end=start, width=2)
    unit = tokens[at + 2].stem if at + 2 < len(tokens) else ""
    if following.kind is Kind.NUMBER and unit in _UNITS and 1 <= following.number <= 1000:
        end = today + timedelta(days=1)
        return Period(start=_step(end, unit, -int(following.number)), end=end, width=3)
    return None


def _begin(day: date, unit: str) -> date:
    """Return the first day of the day's week, month, quarter or year."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    if unit == "quarter":
        return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    return date(day.year, 1, 1) if unit == "year" else day


def _step(day: date, unit: str, count: int) -> date:
    if unit in ("day", "week"):
        return day + timedelta(days=count * (7 if unit == "week" else 1))
    return _months_after(day, count * {"month": 1, "quarter": 3, "year": 12}[unit])


def _months_after(day: date, months: int) -> date:
    """Return the same day some months later, or the last day of that month if it is shorter."""
    index = max(0, day.year * 12 + day.month - 1 + months)
    first = date(max(1, index // 12), index % 12 + 1, 1)
    length = (date(first.year + first.month // 12, first.month % 12 + 1, 1) - first).days
    return first.replace(day=min(day.day, length))


def _of_month(year: int, month: int, *, width: int) -> Period:
    start = date(year, month, 1)
    return Period(start=start, end=_months_after(start, 1), width=width)
