"""Reads days of the calendar: "20 July 1969", "3/4", "2027-05-01", "the 4th", "June 2027". Relative days are elsewhere.

dateparser reads the words; the year is settled here, and a shape that it would have to guess at never reaches it.
"""

import calendar
import re
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING

from agents.calendar.frame import Frame, Reading, checked_year, in_year
from agents.calendar.trouble import ImpossibleError
from agents.calendar.wording import MONTH, MONTHS, WEEKDAY, WEEKDAYS, short_day, weekday_name

if TYPE_CHECKING:
    from dateparser.date import DateDataParser

_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_WORDED = re.compile(rf"(?:(?:the )?({_DAY}) (?:of )?({MONTH})|({MONTH}) (?:the )?({_DAY}))")
_GLUED = re.compile(rf"({_DAY})[- ]?({MONTH})[- ]?(\d{{4}}|\d{{2}})")
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_NUMERIC = re.compile(r"(\d{1,2})([/.-])(\d{1,2})(?:\2(\d{4}|\d{2}))?")
_YEAR = re.compile(
    r"(.*?) ?(?:(?:of|in|for) )?(?:(this|next|last) year|(?:the )?(?:year )?(\d{3,})|year (\d{1,4})|'(\d{2}))"
)


def split_year(phrase: str, frame: Frame) -> tuple[str, int | None]:
    """Return the phrase without the year at its end, and that year if one is said."""
    match = _YEAR.fullmatch(phrase)
    if match is None:
        return phrase, None
    rest, relative, digits, spelled, short = match.groups()
    if relative:
        year = frame.today.year + {"last": -1, "this": 0, "next": 1}[relative]
    elif short:
        year = century_year(int(short), frame)
    else:
        year = int(digits or spelled)
    return rest.strip(), year


def century_year(two_digits: int, frame: Frame) -> int:
    """Return the year that two digits stand for: not after this year if looking back, else within 1969 to 2068."""
    if frame.past:
        century = frame.today.year // 100 * 100
        return century + two_digits - (100 if century + two_digits > frame.today.year else 0)
    return two_digits + (1900 if two_digits > 68 else 2000)


def read_absolute(phrase: str, frame: Frame) -> Reading | None:
    """Return the day of the calendar that the whole phrase names, or None."""
    named, rest = _named_weekday(phrase)
    reading = _iso(rest) or _numeric(rest, frame) or _worded(rest, frame) or _of_month(rest, frame)
    if reading is None or named is None:
        return reading
    if weekday_name(reading.day).lower() == named:
        return reading
    raise ImpossibleError(
        f"{short_day(reading.day)} is a {weekday_name(reading.day)}, not a {named.capitalize()}."
    )


def read_period(phrase: str, frame: Frame) -> Reading | None:
    """Return the first day of a month or a year named alone, saying so, or None."""
    rest, year = split_year(phrase, frame)
    if not rest and year is not None:
        return Reading(
            day=date(checked_year(year), 1, 1), notes=(f"{year} taken as 1 January {year}.",)
        )
    if re.fullmatch(rf"(?:the )?(?:month of )?{MONTH}", rest):
        month = month_number(rest.split()[-1])
        reading = in_year(lambda y: date(y, month, 1), year=year, frame=frame, wrong="")
        return Reading(
            day=reading.day,
            notes=(f"{MONTHS[month - 1].capitalize()} taken as {short_day(reading.day)}.",),
            open_year=reading.open_year,
        )
    return None


def month_number(word: str) -> int:
    """Return 1 to 12 for the name of a month or its beginning."""
    return next(number for number, name in enumerate(MONTHS, start=1) if name.startswith(word[:3]))


def weekday_number(word: str) -> int:
    """Return 0 (Monday) to 6 for the name of a weekday or its beginning."""
    return next(number for number, name in enumerate(WEEKDAYS) if name.startswith(word[:3]))


def _named_weekday(phrase: str) -> tuple[str | None, str]:
    match = re.fullmatch(rf"(?:on )?({WEEKDAY}) (?:the )?(.*\d.*)", phrase)
    if match is None:
        return None, phrase
    return WEEKDAYS[weekday_number(match[1])], match[2]


def _iso(phrase: str) -> Reading | None:
    match = _ISO.fullmatch(phrase)
    return _exact(int(match[1]), int(match[2]), int(match[3])) if match else None


def _exact(year: int, month: int, day: int) -> Reading:
    if not 1 <= month <= 12:
        raise ImpossibleError(
            f"There is no month {month}; a date such as 2027-05-31 or 31/05/2027 is year, month and day."
        )
    try:
        return Reading(day=date(checked_year(year), month, day))
    except ValueError as error:
        raise ImpossibleError(_missing(day, month, year)) from error


def _numeric(phrase: str, frame: Frame) -> Reading | None:
    """Read `3/4` and `03.04.27`, the day first unless only the month can be."""
    match = _NUMERIC.fullmatch(phrase)
    if match is None:
        return None
    first, second = int(match[1]), int(match[3])
    day, month = (first, second) if frame.day_first else (second, first)
    notes: tuple[str, ...] = ()
    if month > 12 and day <= 12:
        day, month = month, day
    elif first <= 12 and second <= 12 and first != second:
        order = "day before month" if frame.day_first else "month before day"
        notes = (f"Assuming {order} in {phrase}: {day} {MONTHS[month - 1].capitalize()}.",)
    if match[4]:
        year = int(match[4]) if len(match[4]) == 4 else century_year(int(match[4]), frame)
        exact = _exact(year, month, day)
        return Reading(day=exact.day, notes=notes)
    if not 1 <= month <= 12:
        return None
    return in_year(
        lambda y: date(y, month, day),
        year=None,
        frame=frame,
        wrong=_missing(day, month),
        notes=notes,
    )


def _worded(phrase: str, frame: Frame) -> Reading | None:
    """Read a day and a month in words, with dateparser, in the year that is said or assumed."""
    glued = _GLUED.fullmatch(phrase)
    if glued:
        rest = f"{glued[1]} {glued[2]}"
        year: int | None = (
            int(glued[3]) if len(glued[3]) == 4 else century_year(int(glued[3]), frame)
        )
    else:
        rest, year = split_year(phrase, frame)
    match = _WORDED.fullmatch(rest)
    if match is None:
        return None
    day_word, month_word = match[1] or match[4], match[2] or match[3]
    parsed = (
        _parser().get_date_data(f"{day_word} {MONTHS[month_number(month_word) - 1]} 2000").date_obj
    )
    day, month = int(re.sub(r"\D", "", day_word)), month_number(month_word)
    if parsed is None:
        raise ImpossibleError(_missing(day, month, year))
    wrong = _missing(day, month, year)
    return in_year(lambda y: date(y, parsed.month, parsed.day), year=year, frame=frame, wrong=wrong)


def _of_month(phrase: str, frame: Frame) -> Reading | None:
    """Read `the 4th`, `the 15th of next month`, in the nearest month that has that day."""
    match = re.fullmatch(
        r"(?:the )?(\d{1,2})(?:st|nd|rd|th)(?: (?:of )?(this|next|last) month)?", phrase
    )
    if match is None:
        return None
    number, which = int(match[1]), match[2]
    if not 1 <= number <= 31:
        raise ImpossibleError(f"No month has a day {number}.")
    origin = frame.today if which else frame.origin
    index = origin.year * 12 + origin.month - 1 + {"next": 1, "last": -1}.get(which or "", 0)
    step = -1 if frame.past else 1
    for candidate in range(index, index + (1 if which else 3 * step), 1 if which else step):
        year, month = checked_year(candidate // 12), candidate % 12 + 1
        if number > calendar.monthrange(year, month)[1]:
            continue
        day = date(year, month, number)
        if which or (day - origin).days * step >= 0:
            return Reading(
                day=day,
                notes=() if which else (f"Assuming {short_day(day)}.",),
                open_year=not which,
            )
    raise ImpossibleError(f"That month has no day {number}.")


def _missing(day: int, month: int, year: int | None = None) -> str:
    name = MONTHS[month - 1].capitalize()
    if year is None or not 1 <= year <= 9999:
        return f"{name} never has a day {day}."
    return f"{day} {name} {year} does not exist: that month has {calendar.monthrange(year, month)[1]} days."


@cache
def _parser() -> "DateDataParser":
    """Load dateparser on first use: importing it costs a tenth of a second, and its first reading another."""
    from dateparser.date import DateDataParser

    settings = {
        "REQUIRE_PARTS": ["day", "month", "year"],
        "RELATIVE_BASE": datetime(2000, 1, 1),
        "PARSERS": ["absolute-time"],
    }
    return DateDataParser(languages=["en"], settings=settings)
