"""Answers questions about single days: their date and weekday, date arithmetic, week numbers, leap years."""

import calendar
import re
from dataclasses import replace
from datetime import date, timedelta

from agents.calendar.absolute import read_absolute, weekday_number
from agents.calendar.amounts import read_amount, shift
from agents.calendar.answer import Answer, old_style
from agents.calendar.answer_clocks import home_zone
from agents.calendar.clocks import with_day
from agents.calendar.days import THAT, read_moment, read_week
from agents.calendar.frame import Frame, Reading, checked_year
from agents.calendar.grammar import Question
from agents.calendar.trouble import NotUnderstoodError
from agents.calendar.wording import long_day, plural, short_day, weekday_name, with_capitals

_BACK = frozenset({"before", "prior to", "ago", "earlier", "off", "minus", "-"})
_PAST = re.compile(r"\b(?:was|were|did|fell|ago)\b")


def shift_day(question: Question, frame: Frame) -> Answer:
    """Answer which day or moment lies some time after or before another."""
    amount = read_amount(question["amount"])
    base = question.get("base", "now")
    taken_away = question["asked"].startswith(("subtract", "take", "minus"))
    back = question["sense"] in _BACK or (question["sense"] == "from" and taken_away)
    start = read_moment(base, frame.looking(past=_looks_back(question)))
    moved = shift(start.moment, amount, sign=-1 if back else 1, zone=home_zone(frame))
    timed = bool(amount.seconds) or (start.clock is not None and base != "now")
    if base == "now" and amount.seconds % 60 == 0:
        moved = replace(moved, moment=moved.moment.replace(second=0, microsecond=0))
    lead = _lead(question, start, back=back, timed=timed, frame=frame)
    result = with_day(moved.moment) if timed else long_day(moved.moment)
    verb = "was" if moved.moment < frame.now.replace(tzinfo=None) and back else "is"
    iso = moved.moment.isoformat() if timed else moved.moment.date().isoformat()
    notes = start.notes + moved.notes + old_style(start.day, moved.moment.date())
    data = {"result": iso, "start": start.moment.isoformat() if timed else start.day.isoformat()}
    return Answer(
        text=f"{lead} {verb} **{result}**.", data=data, notes=notes, that=moved.moment.date()
    )


def describe_day(question: Question, frame: Frame) -> Answer:
    """Answer the date and weekday of a phrase, today's if there is none."""
    asked = question["asked"]
    phrase = question.get("date", "today")
    if asked.startswith("when") and re.fullmatch(r"[\d/.-]+", phrase):
        raise NotUnderstoodError("figures ask for no date")
    reading = read_moment(phrase, frame.looking(past=_looks_back(question)))
    distance = (reading.day - frame.today).days
    tense = "is" if distance == 0 else "will be" if distance > 0 else "was"
    if reading.clock and phrase not in ("now", "today"):
        text = f"That {tense} **{with_day(reading.moment)}**."
    elif distance == 0:
        text = f"Today is **{long_day(reading.day)}**."
    elif phrase in THAT or _is_date(phrase, frame):
        text = (
            f"{short_day(reading.day)} {tense} a **{weekday_name(reading.day)}**{_away(distance)}."
        )
    else:
        text = f"{with_capitals(phrase)}: **{long_day(reading.day)}**{_away(distance)}."
    data = {"date": reading.day.isoformat(), "weekday": weekday_name(reading.day)}
    notes = reading.notes + old_style(reading.day)
    return Answer(text=text, data=data, notes=notes, that=reading.day)


def check_day(question: Question, frame: Frame) -> Answer:
    """Answer whether a day is a given weekday, a weekend day or a working day."""
    reading = read_moment(question.get("date", "today"), frame.looking(past=_looks_back(question)))
    what, weekday = question["what"], reading.day.weekday()
    notes = reading.notes
    if what in ("weekend", "the weekend"):
        holds = weekday >= 5
    elif what in ("weekday", "working day", "business day", "workday"):
        holds = weekday < 5
        notes += ("Working days are Monday to Friday; public holidays are not considered.",)
    else:
        holds = weekday == weekday_number(what)
    tense = "is" if reading.day >= frame.today else "was"
    text = f"**{'Yes' if holds else 'No'}**: {short_day(reading.day)} {tense} a {weekday_name(reading.day)}."
    data = {"holds": holds, "date": reading.day.isoformat(), "weekday": weekday_name(reading.day)}
    return Answer(text=text, data=data, notes=notes + old_style(reading.day), that=reading.day)


def number_day(question: Question, frame: Frame) -> Answer:
    """Answer the week number, quarter or day of the year of a day."""
    reading = read_week(question.get("date", "today"), frame)
    day, part = reading.day, question["part"]
    today = "date" not in question
    subject = f"Today, {long_day(day)}," if today else long_day(day)
    if part == "quarter":
        number, text = (
            (day.month + 2) // 3,
            f"{subject} is in **quarter {(day.month + 2) // 3}** of {day.year}.",
        )
        notes: tuple[str, ...] = ()
    elif part == "day":
        number = day.timetuple().tm_yday
        left = (date(day.year, 12, 31) - day).days
        text, notes = (
            f"{subject} is **day {number}** of {day.year}; {plural(left, 'day')} left.",
            (),
        )
    else:
        year, number, _ = day.isocalendar()
        text = f"{subject} is in **week {number}**{'' if year == day.year else f' of {year}'}."
        notes = ("ISO week: from Monday; week 1 has the year's first Thursday.",)
    data = {"number": number, "date": day.isoformat()}
    return Answer(text=text, data=data, notes=reading.notes + notes, that=day)


def date_week(question: Question, frame: Frame) -> Answer:
    """Answer from when to when a numbered week lasts."""
    year, week = read_year(question.get("year", "this year"), frame), int(question["week"])
    try:
        monday = date.fromisocalendar(year, week, 1)
        sunday = monday + timedelta(6)
    except (ValueError, OverflowError):
        return Answer(text=f"{year} has no week {week}.", data={"exists": False})
    text = f"Week {week} of {year} runs from **{long_day(monday)}** to **{long_day(sunday)}**."
    notes = ("ISO week: from Monday; week 1 has the year's first Thursday.",)
    data = {"start": monday.isoformat(), "end": sunday.isoformat()}
    return Answer(text=text, data=data, notes=notes, that=monday)


def judge_leap(question: Question, frame: Frame) -> Answer:
    """Answer whether a year has 366 days, and why."""
    year = read_year(question["year"], frame)
    leap = calendar.isleap(year)
    if year % 400 == 0:
        why = "it divides by 400"
    elif year % 100 == 0:
        why = "it divides by 100 and not by 400"
    else:
        why = f"it {'divides' if year % 4 == 0 else 'does not divide'} by 4"
    tense = "was" if year < frame.today.year else "is"
    verdict = f"**Yes**, {year} {tense}" if leap else f"**No**, {year} {tense} not"
    days = 366 if leap else 365
    return Answer(
        text=f"{verdict} a leap year ({days} days): {why}.", data={"year": year, "leap": leap}
    )


def next_leap(question: Question, frame: Frame) -> Answer:
    """Answer which leap year comes next, or came last."""
    step = 1 if question["which"] == "next" else -1
    year = frame.today.year + step
    while not calendar.isleap(checked_year(year)):
        year += step
    day = date(year, 2, 29)
    verb = "is" if step > 0 else "was"
    text = f"The {question['which']} leap year {verb} **{year}**: 29 February {verb} a {weekday_name(day)}."
    return Answer(text=text, data={"year": year}, that=day)


def read_year(phrase: str, frame: Frame) -> int:
    """Return the year of `2028`, `next year` or, for `it`, of the last answer."""
    if phrase.isdigit():
        return checked_year(int(phrase))
    if phrase in ("it", "that"):
        if frame.that is None:
            raise NotUnderstoodError("no year was named before")
        return frame.that.year
    return checked_year(frame.today.year + {"this": 0, "next": 1, "last": -1}[phrase.split()[0]])


def _looks_back(question: Question) -> bool:
    return _PAST.search(question["asked"]) is not None


def _lead(question: Question, start: Reading, *, back: bool, timed: bool, frame: Frame) -> str:
    """Say the sum that was done: `90 days after 3 March 2027`."""
    amount = question["amount"].capitalize()
    if question.get("base", "now") == "now":
        return f"{amount} ago" if back else f"{amount} from now"
    base = with_day(start.moment) if timed else short_day(start.day)
    if start.day == frame.today and not timed:
        base = f"today, {short_day(start.day)},"
    return f"{amount} {'before' if back else 'after'} {base}"


def _is_date(phrase: str, frame: Frame) -> bool:
    """Tell whether the phrase already is a date, so that its weekday is what is asked."""
    return any(mark.isdigit() for mark in phrase) and read_absolute(phrase, frame) is not None


def _away(distance: int) -> str:
    if abs(distance) < 2 or abs(distance) > 366:
        return ""
    return f" (in {distance} days)" if distance > 0 else f" ({-distance} days ago)"
