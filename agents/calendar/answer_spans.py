"""Answers questions about lengths: until, since and between moments, the days in a month, someone's age."""

import calendar
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from agents.calendar.absolute import month_number, split_year
from agents.calendar.amounts import (
    calendar_parts,
    canonical_unit,
    elapsed_parts,
    whole_months,
    working_days,
)
from agents.calendar.answer import Answer, old_style
from agents.calendar.answer_clocks import home_zone
from agents.calendar.clocks import with_day
from agents.calendar.days import read_day, read_moment, read_span
from agents.calendar.feasts import last_of_month
from agents.calendar.frame import Frame, Reading, checked_year
from agents.calendar.grammar import Question
from agents.calendar.trouble import EDGE, ImpossibleError, MissingError, NotUnderstoodError
from agents.calendar.wording import MONTHS, clock_text, long_day, plural, short_day

_WORKING_NOTE = (
    "Monday to Friday, the first and the last day counted; public holidays are not taken out."
)
_LEFT = {
    "the year": "year",
    "this year": "year",
    "the month": "month",
    "this month": "month",
    "the week": "week",
}
_LEFT |= {"this week": "week", "the day": "day", "today": "day"}
_CLOCK_UNITS = {"second": 1, "minute": 60, "hour": 3600}


def count_until(question: Question, frame: Frame) -> Answer:
    """Answer how long it is from now to a moment."""
    if "left" in question:
        end = _after_period(_LEFT[question["left"]], frame)
        if _unit(question) == "working day":
            end = replace(end, day=end.day - timedelta(1))
    else:
        end = read_moment(question["end"], frame)
    if end.day < frame.today:
        return _count(
            end,
            _today(frame),
            question,
            frame,
            template="{end} was **{length} ago**{other}.",
            name=end,
        )
    if end.day == frame.today and end.clock is None and "left" not in question:
        return Answer(
            text=f"That is **today**, {long_day(end.day)}.",
            data={"days": 0},
            notes=end.notes,
            that=end.day,
        )
    return _count(
        _today(frame), end, question, frame, template="**{length}** until {end}{other}.", name=end
    )


def count_since(question: Question, frame: Frame) -> Answer:
    """Answer how long ago a moment was."""
    start = read_moment(question["start"], frame.looking(past=True))
    if start.day > frame.today:
        return _count(
            _today(frame),
            start,
            question,
            frame,
            template="{end} is still **{length}** away{other}.",
            name=start,
        )
    if start.day == frame.today and start.clock is None:
        return Answer(
            text=f"That is **today**, {long_day(start.day)}.",
            data={"days": 0},
            notes=start.notes,
            that=start.day,
        )
    template = "{end} was **{length} ago**{other}."
    return _count(start, _today(frame), question, frame, template=template, name=start)


def count_between(question: Question, frame: Frame) -> Answer:
    """Answer how long it is between two moments."""
    start, end = read_span(question["start"], question["end"], frame)
    if end.moment < start.moment:
        start, end = end, start
    first = with_day(start.moment) if start.clock else short_day(start.day)
    if start.clock and end.clock and start.day == end.day:
        first = clock_text(start.clock)
    template = f"From {first} to {{end}}: **{{length}}**{{other}}."
    return _count(start, end, question, frame, template=template, name=end)


def measure_period(question: Question, frame: Frame) -> Answer:
    """Answer how many days a month or a year has."""
    first, last, name = _period(question["period"], frame)
    days = (last - first).days + 1
    unit = canonical_unit(question.get("unit", "days"))
    notes: tuple[str, ...] = ()
    if unit == "working day":
        number = working_days(first, last)
        text, notes = f"{name} has **{plural(number, unit)}**.", (_WORKING_NOTE,)
    elif unit == "week":
        number = days // 7
        text = f"{name} has **{plural(number, 'week')}**" + (
            f" and {plural(days % 7, 'day')}." if days % 7 else "."
        )
    else:
        number, text = days, f"{name} has **{plural(days, 'day')}**."
    return Answer(text=text, data={unit.replace(" ", "_") + "s": number}, notes=notes)


def tell_age(question: Question, frame: Frame) -> Answer:
    """Answer how old someone born on a day is, or will be on another."""
    if "born" not in question:
        raise MissingError("On which day were you born? Please say the year too.", slot="born")
    phrase = question["born"]
    if re.fullmatch(r"(?:the )?(?:year )?\d{3,4}", phrase):
        return _age_by_year(int(phrase.split()[-1]), question, frame)
    born = read_day(phrase, frame.looking(past=True))
    if born.open_year:
        raise NotUnderstoodError("a birthday without a year gives no age")
    at = read_day(question["at"], frame) if "at" in question else Reading(day=frame.today)
    if born.day > at.day:
        raise ImpossibleError(
            f"{short_day(born.day)} is after {short_day(at.day)}, so nobody born then has an age."
        )
    months, _ = whole_months(born.day, at.day)
    when = "" if "at" not in question else f" on {short_day(at.day)}"
    text = f"Someone born on {long_day(born.day)} {_tense(at.day, frame)} **{plural(months // 12, 'year')} old**{when}"
    text += f" ({calendar_parts(born.day, at.day)}; {plural((at.day - born.day).days, 'day')})."
    data = {"years": months // 12, "days": (at.day - born.day).days, "born": born.day.isoformat()}
    return Answer(text=text, data=data, notes=born.notes + at.notes, that=born.day)


def _age_by_year(year: int, question: Question, frame: Frame) -> Answer:
    at = read_day(question["at"], frame).day if "at" in question else frame.today
    years = at.year - checked_year(year)
    if years < 0:
        raise ImpossibleError(f"{year} is after {at.year}, so nobody born then has an age.")
    ages = f"{years - 1} or {years} years" if years else "less than a year"
    text = f"Someone born in {year} {_tense(at, frame)} **{ages} old** on {short_day(at)}"
    text += ", depending on the birthday." if years else "."
    return Answer(text=text, data={"years": [max(years - 1, 0), years], "at": at.isoformat()})


def _tense(day: date, frame: Frame) -> str:
    return "is" if day == frame.today else "will be" if day > frame.today else "was"


def _today(frame: Frame) -> Reading:
    return Reading(day=frame.today)


def _count(
    start: Reading, end: Reading, question: Question, frame: Frame, *, template: str, name: Reading
) -> Answer:
    """Measure from start to end in the unit asked, and word it."""
    unit = _unit(question)
    if start.clock or end.clock or unit in _CLOCK_UNITS:
        length, other, data = _by_clock(start, end, unit, frame)
    elif unit == "working day":
        number = working_days(start.day, end.day)
        length, other, data = plural(number, unit), "", {"working_days": number}
    else:
        length, other, data = _by_days(start.day, end.day, unit, question["kind"])
    end_text = with_day(name.moment) if name.clock else long_day(name.day)
    notes = start.notes + end.notes + old_style(start.day, end.day)
    notes += (_WORKING_NOTE,) if unit == "working day" else ()
    if question["kind"] == "between" and unit != "working day" and not (start.clock or end.clock):
        notes += ("The last day is not counted.",)
    text = template.format(length=length, end=end_text, other=f" ({other})" if other else "")
    return Answer(
        text=text[:1].upper() + text[1:],
        data={**data, "start": _iso(start), "end": _iso(end)},
        notes=notes,
        that=name.day,
    )


def _unit(question: Question) -> str | None:
    word = question.get("unit")
    if word is None:
        return None
    return "day" if word in ("sleeps", "nights", "night") else canonical_unit(word)


def _iso(reading: Reading) -> str:
    return reading.moment.isoformat() if reading.clock else reading.day.isoformat()


def _by_days(
    start: date, end: date, unit: str | None, kind: str
) -> tuple[str, str, dict[str, int]]:
    """Return the length in the unit asked, the same in other words, and as values."""
    days = (end - start).days
    parts, in_days = calendar_parts(start, end), plural(days, "day")
    data = {"days": days}
    if unit == "week":
        weeks = plural(days // 7, "week") + (f" and {plural(days % 7, 'day')}" if days % 7 else "")
        return weeks, in_days, data | {"weeks": days // 7}
    if unit in ("month", "quarter", "year", "decade", "century"):
        size = {"month": 1, "quarter": 3, "year": 12, "decade": 120, "century": 1200}[unit]
        months, rest = whole_months(start, end)
        exact = months % size == 0 and rest == 0
        number = months // size
        shown = parts if not exact and unit in ("month", "year") else plural(number, unit)
        if unit == "month" and not exact:
            shown = plural(months, "month") + (f" and {plural(rest, 'day')}" if rest else "")
        if unit not in ("month", "year") and not exact:
            raise NotUnderstoodError(f"not a whole number of {unit}s")
        return shown, in_days, data | {f"{unit}s": number}
    weeks = plural(days // 7, "week") + (f" and {plural(days % 7, 'day')}" if days % 7 else "")
    if unit in ("day", "fortnight") or kind == "until":
        return in_days, weeks if 14 <= days <= 366 else parts if days > 366 else "", data
    return parts, in_days if parts != in_days else "", data


def _by_clock(
    start: Reading, end: Reading, unit: str | None, frame: Frame
) -> tuple[str, str, dict[str, int]]:
    """Return the elapsed time on the user's clocks, from this very moment where no start was said."""
    seconds = int((_instant(end, frame) - _instant(start, frame)).total_seconds())
    if seconds < 0:
        raise ImpossibleError(f"{clock_text(end.moment)} is before {clock_text(start.moment)}.")
    data = {"seconds": seconds}
    if unit in _CLOCK_UNITS:
        number = seconds // _CLOCK_UNITS[unit]
        rest = seconds % _CLOCK_UNITS[unit]
        shown = plural(number, unit) + (f" and {elapsed_parts(rest)}" if rest else "")
        return (
            shown,
            elapsed_parts(seconds) if seconds >= 86400 else "",
            data | {f"{unit}s": number},
        )
    return elapsed_parts(seconds), "", data


def _instant(reading: Reading, frame: Frame) -> datetime:
    """Return the moment in UTC; today without a time is now."""
    if reading.day == frame.today and reading.clock is None:
        return frame.now.astimezone(UTC).replace(second=0, microsecond=0)
    try:
        return reading.moment.replace(tzinfo=home_zone(frame)).astimezone(UTC)
    except OverflowError as error:
        raise ImpossibleError(EDGE) from error


def _after_period(kind: str, frame: Frame) -> Reading:
    """Return the first day after the present year, month, week or day."""
    today = frame.today
    if kind == "year":
        last = date(today.year, 12, 31)
    elif kind == "month":
        last = last_of_month(today.year, today.month)
    else:
        last = today + timedelta(6 - today.weekday() if kind == "week" else 0)
    try:
        return Reading(
            day=last + timedelta(1),
            notes=(f"Counted to the end of {long_day(last)}, today included.",),
        )
    except OverflowError as error:
        raise ImpossibleError("My calendar ends with the year 9999.") from error


def _period(phrase: str, frame: Frame) -> tuple[date, date, str]:
    """Return the first and last day and the name of a month or a year."""
    if match := re.fullmatch(r"(this|next|last) (month|year)", phrase):
        step = {"this": 0, "next": 1, "last": -1}[match[1]]
        index = (
            frame.today.year * 12
            + frame.today.month
            - 1
            + step * (1 if match[2] == "month" else 12)
        )
        year, month = checked_year(index // 12), index % 12 + 1
        if match[2] == "year":
            return date(year, 1, 1), date(year, 12, 31), str(year)
    elif phrase == "a leap year":
        return date(2000, 1, 1), date(2000, 12, 31), "A leap year"
    else:
        rest, said = split_year(phrase, frame)
        year = checked_year(frame.today.year if said is None else said)
        if not rest:
            return date(year, 1, 1), date(year, 12, 31), str(year)
        month = month_number(rest.removeprefix("the month of "))
    last = date(year, month, calendar.monthrange(year, month)[1])
    return date(year, month, 1), last, f"{MONTHS[month - 1].capitalize()} {year}"
