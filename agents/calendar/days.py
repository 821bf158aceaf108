"""Reads any phrase for a day or a moment against a frame. It accounts for every word or reads nothing."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from agents.calendar.absolute import (
    month_number,
    read_absolute,
    read_period,
    split_year,
    weekday_number,
)
from agents.calendar.amounts import AMOUNT, read_amount, shift
from agents.calendar.clocks import TIME, read_clock
from agents.calendar.feasts import find_feast, last_of_month, nth_weekday
from agents.calendar.frame import Frame, Reading, checked_year, in_year
from agents.calendar.trouble import ImpossibleError, NotUnderstoodError
from agents.calendar.wording import MONTH, MONTHS, WEEKDAY, WEEKDAYS, clock_text, short_day

Reader = Callable[[str, Frame], Reading | None]

_DEEPEST = 3
_WORDS = {"today": 0, "now": 0, "tomorrow": 1, "yesterday": -1, "the day after tomorrow": 2}
_WORDS |= {
    "day after tomorrow": 2,
    "the day before yesterday": -2,
    "day before yesterday": -2,
    "this day": 0,
}
_ORDINALS = {
    "first": 1,
    "1st": 1,
    "second": 2,
    "2nd": 2,
    "third": 3,
    "3rd": 3,
    "fourth": 4,
    "4th": 4,
}
_ORDINALS |= {
    "fifth": 5,
    "5th": 5,
    "last": -1,
    "final": -1,
    "second to last": -2,
    "penultimate": -2,
}
THAT = frozenset({"that", "that day", "that date", "it", "then", "the result"})
_BARE_NUMBER = re.compile(r"(?:the )?(\d{1,2})(?:st|nd|rd|th)?")
_ON_WEEKDAY = re.compile(rf"(?:(?:at )?{TIME} (?:on )?)?{WEEKDAY}(?: at {TIME})?")
_DAY_OF = re.compile(rf"(?:the )?\d{{1,2}}(?:st|nd|rd|th)? (?:of )?({MONTH}(?: .+)?)")


def read_day(phrase: str, frame: Frame, *, depth: int = 0) -> Reading:
    """Return the day that the whole phrase names.

    Raises:
        NotUnderstoodError: some words are no part of a day.
        ImpossibleError: the day does not exist or is not in the calendar.
    """
    words = re.sub(r"^(?:on|by|the date of|the day of|date of) ", "", phrase.strip())
    if depth <= _DEEPEST:
        for reader in _READERS:
            if (reading := reader(words, frame)) is not None:
                return reading
        if (reading := _shifted(words, frame, depth)) is not None:
            return reading
    raise NotUnderstoodError(f"{phrase!r} is not a day that I can read")


def read_moment(phrase: str, frame: Frame) -> Reading:
    """Return the day that the phrase names, with its time of day if it says one.

    A time alone is its nearest moment in the frame's direction.
    """
    words = phrase.strip()
    if words in ("now", "right now", "this moment"):
        return _present(frame)
    if alone := re.fullmatch(rf"(?:at )?({TIME})", words):
        if (clock := read_clock(alone[1])) and not alone[1].isdigit():
            day = _nearest_day(clock.time, frame)
            notes = clock.notes + (
                ()
                if day == frame.today
                else (f"{clock_text(clock.time)} taken on {short_day(day)}.",)
            )
            return Reading(day=day, clock=clock.time, notes=notes)
    for pattern in (
        rf"(?P<day>.+?) at (?P<time>{TIME})",
        rf"(?:at )?(?P<time>{TIME}) (?:on )?(?P<day>.+)",
    ):
        match = re.fullmatch(pattern, words)
        clock = read_clock(match["time"]) if match and not match["time"].strip().isdigit() else None
        if match and clock:
            reading = read_day(match["day"], frame)
            return replace(reading, clock=clock.time, notes=reading.notes + clock.notes)
    return read_day(words, frame)


def read_span(start: str, end: str, frame: Frame) -> tuple[Reading, Reading]:
    """Return two moments, the second of which is meant to follow the first; a year said once holds for both."""
    number, month = _BARE_NUMBER.fullmatch(start), _DAY_OF.fullmatch(end)
    if number and month:
        start = f"{number[1]} {month[1]}"
    elif _is_clock(start) and _is_clock(end):
        frame = frame.looking(past=False, anchor=frame.today)
    last = read_moment(end, frame)
    first = read_moment(start, frame)
    if first.open_year and not last.open_year:
        first = read_moment(start, frame.looking(past=True, anchor=last.day))
    elif last.open_year:
        last = read_moment(end, frame.looking(past=False, anchor=first.day))
    elif last.moment < first.moment and _ON_WEEKDAY.fullmatch(end):
        last = replace(last, day=last.day + timedelta(7))
    elif _is_clock(start) and last.clock and not _is_clock(end):
        # The day is said once, at the end.
        first = replace(first, day=last.day, notes=())
        if first.moment > last.moment:
            first = replace(first, day=last.day - timedelta(1))
    elif last.clock and first.clock and last.moment < first.moment and _is_clock(end):
        day = last.day + timedelta(1)
        last = replace(last, day=day, notes=(f"{clock_text(last.moment)} taken on the day after.",))
    return first, last


def read_week(phrase: str, frame: Frame) -> Reading:
    """Return a day in the week that the phrase names (`this week`, `next week`), or the day it names."""
    if match := re.fullmatch(r"(?:the )?(this|next|last|current) week", phrase):
        return Reading(day=frame.today + timedelta({"next": 7, "last": -7}.get(match[1], 0)))
    return read_day(phrase, frame)


def _present(frame: Frame) -> Reading:
    return Reading(day=frame.today, clock=frame.now.time().replace(tzinfo=None, fold=0))


def _is_clock(phrase: str) -> bool:
    return re.fullmatch(rf"(?:at )?{TIME}", phrase) is not None


def _nearest_day(clock: time, frame: Frame) -> date:
    """Return today, or the day on which a bare time next comes (or last came)."""
    if frame.anchor:
        return frame.anchor
    now = frame.now.replace(tzinfo=None)
    moment = datetime.combine(frame.today, clock)
    if frame.past and moment > now:
        return frame.today - timedelta(1)
    return frame.today + timedelta(1) if not frame.past and moment < now else frame.today


def _word(phrase: str, frame: Frame) -> Reading | None:
    if phrase in THAT and frame.that:
        return Reading(day=frame.that)
    if phrase == "tonight":
        return Reading(day=frame.today)
    return Reading(day=frame.today + timedelta(_WORDS[phrase])) if phrase in _WORDS else None


def _weekday(phrase: str, frame: Frame) -> Reading | None:
    """Read `friday`, `next friday`, `last friday`, `friday next week`; what "next" means is said."""
    match = re.fullmatch(
        rf"(?:(this|next|last|coming|the coming|this coming|past|this past) )?({WEEKDAY})(?: (this|next|last) week)?",
        phrase,
    )
    if match is None or (match[1] and match[3]):
        return None
    number = weekday_number(match[2])
    if match[3]:
        monday = frame.today - timedelta(frame.today.weekday())
        return Reading(
            day=monday + timedelta(number + {"this": 0, "next": 7, "last": -7}[match[3]])
        )
    which = (match[1] or "").split()[-1:] or [""]
    if which[0] in ("last", "past") or (frame.past and not which[0]):
        return Reading(day=frame.today - timedelta((frame.today.weekday() - number - 1) % 7 + 1))
    ahead = (number - frame.today.weekday() - 1) % 7 + 1
    if which[0] == "this":
        ahead %= 7
    day = frame.today + timedelta(ahead)
    notes = (
        (f"Next {WEEKDAYS[number].capitalize()} taken as the first one after today.",)
        if which[0] == "next"
        else ()
    )
    return Reading(day=day, notes=notes)


def _nth(phrase: str, frame: Frame) -> Reading | None:
    """Read `last friday of november`, `third monday in january 2028`, `last day of next month`."""
    match = re.fullmatch(
        rf"(?:the )?({'|'.join(_ORDINALS)}) ({WEEKDAY}|day|working day|business day) (?:of|in) (?:the )?(.+)",
        phrase,
    )
    if match is None:
        return None
    nth, kind, period = _ORDINALS[match[1]], match[2], match[3]
    wrong = f"There is no {match[1]} {kind} in {period}."
    if whole := re.fullmatch(r"(this |next |last |current )?(month|year)", period):
        back = {"next ": 1, "last ": -1}.get(whole[1] or "", 0)
        index = (
            frame.today.year * 12
            + frame.today.month
            - 1
            + back * (1 if whole[2] == "month" else 12)
        )
        year, month = checked_year(index // 12), index % 12 + 1
        if whole[2] == "month":
            return in_year(
                lambda y: _pick(y, month, kind, nth), year=year, frame=frame, wrong=wrong
            )
        return in_year(
            lambda y: _pick(y, 1 if nth > 0 else 12, kind, nth), year=year, frame=frame, wrong=wrong
        )
    name, said = split_year(period, frame)
    if not name and said is not None:
        return in_year(
            lambda y: _pick(y, 1 if nth > 0 else 12, kind, nth), year=said, frame=frame, wrong=wrong
        )
    if re.fullmatch(MONTH, name):
        month = month_number(name)
        wrong = f"There is no {match[1]} {kind} in {MONTHS[month - 1].capitalize()}."
        return in_year(
            lambda y: _pick(y, month, kind, nth), year=said, frame=frame, wrong=wrong, said=False
        )
    return None


def _pick(year: int, month: int, kind: str, nth: int) -> date:
    """Return the nth day, working day or weekday of a month; ValueError where there is none."""
    if kind == "day":
        return (
            date(year, month, nth) if nth > 0 else last_of_month(year, month) + timedelta(nth + 1)
        )
    if kind.endswith(" day"):
        days = [date(year, month, day) for day in range(1, last_of_month(year, month).day + 1)]
        return [day for day in days if day.weekday() < 5][nth - 1 if nth > 0 else nth]
    return nth_weekday(year, month, weekday=weekday_number(kind), nth=nth)


def _edge(phrase: str, frame: Frame) -> Reading | None:
    """Read `the end of the month`, `the start of next year`, `the weekend`, `next year`, `next month`."""
    if re.fullmatch(r"(?:the |this |the next |the coming )?weekend", phrase):
        day = frame.today + timedelta((5 - frame.today.weekday()) % 7)
        return Reading(day=day, notes=("The weekend taken to start on Saturday.",))
    match = re.fullmatch(
        r"(?:(?:the )?(end|start|beginning) of )?(?:the )?(this |next |last )?(year|month|week)",
        phrase,
    )
    if match is None or not (match[1] or match[2] == "next "):
        return None
    step = {"next ": 1, "last ": -1}.get(match[2] or "", 0)
    ends = match[1] == "end"
    if match[3] == "week":
        monday = frame.today + timedelta(7 * step - frame.today.weekday())
        day = monday + timedelta(6 if ends else 0)
    elif match[3] == "month":
        index = frame.today.year * 12 + frame.today.month - 1 + step
        first = date(checked_year(index // 12), index % 12 + 1, 1)
        day = last_of_month(first.year, first.month) if ends else first
    else:
        year = checked_year(frame.today.year + step)
        day = date(year, 12, 31) if ends else date(year, 1, 1)
    return Reading(day=day, notes=(f"{phrase.capitalize()} taken as {short_day(day)}.",))


def _feast(phrase: str, frame: Frame) -> Reading | None:
    rest, year = split_year(phrase, frame)
    direction = re.match(r"(?:the )?(next|last|this|upcoming|coming) ", rest)
    name = rest[direction.end() :] if direction else rest
    feast = find_feast(name)
    if feast is None or (direction and year is not None):
        return None
    if direction:
        frame = frame.looking(past=direction[1] == "last")
    wrong = f"My rule for {name.title()} does not hold in that year."
    notes = (feast.note,) if feast.note else ()
    reading = in_year(feast.rule, year=year, frame=frame, wrong=wrong, said=False)
    return replace(reading, notes=notes + reading.notes)


def _friday_the_thirteenth(phrase: str, frame: Frame) -> Reading | None:
    """Read `the next friday the 13th`: the nearest month whose given day is that weekday."""
    match = re.fullmatch(
        rf"(?:the )?(?:(next|last) )?({WEEKDAY}) the (\d{{1,2}})(?:st|nd|rd|th)", phrase
    )
    if match is None:
        return None
    weekday, number = weekday_number(match[2]), int(match[3])
    step = -1 if match[1] == "last" or (frame.past and not match[1]) else 1
    index = frame.today.year * 12 + frame.today.month - 1
    for candidate in range(index, index + step * 400, step):
        year, month = checked_year(candidate // 12), candidate % 12 + 1
        if not 1 <= number <= last_of_month(year, month).day:
            continue
        day = date(year, month, number)
        if day.weekday() == weekday and (day - frame.today).days * step > 0:
            return Reading(day=day)
    raise ImpossibleError(f"No {WEEKDAYS[weekday].capitalize()} falls on a day {number}.")


def _shifted(phrase: str, frame: Frame, depth: int) -> Reading | None:
    """Read `3 weeks before 10 june`, `in 100 days`, `2 years ago`, `a week on friday`."""
    for pattern, sign in _SHIFTS:
        match = re.fullmatch(pattern, phrase)
        if match is None:
            continue
        amount = read_amount(match["amount"])
        base = match.groupdict().get("base")
        start = (
            read_day(base, frame, depth=depth + 1) if base and base != "now" else _present(frame)
        )
        zone = frame.now.tzinfo
        assert zone is not None
        moved = shift(start.moment, amount, sign=sign, zone=zone)
        clock = moved.moment.time() if amount.seconds else None
        return replace(start, day=moved.moment.date(), clock=clock, notes=start.notes + moved.notes)
    return None


_SHIFTS: tuple[tuple[str, int], ...] = (
    (rf"(?P<amount>{AMOUNT}) (?:after|from|past|following|since) (?P<base>.+)", 1),
    (rf"(?P<amount>{AMOUNT}) (?:before|prior to|until) (?P<base>.+)", -1),
    (rf"(?P<amount>{AMOUNT}) (?:on|come) (?P<base>{WEEKDAY})", 1),
    (rf"(?:in|after) (?P<amount>{AMOUNT})(?: from now| time)?", 1),
    (rf"(?P<amount>{AMOUNT}) (?:hence|later|from now|from here)", 1),
    (rf"(?P<amount>{AMOUNT}) (?:ago|earlier|back)", -1),
    (rf"(?P<base>.+?) (?:plus|\+) (?P<amount>{AMOUNT})", 1),
    (rf"(?P<base>.+?) (?:minus|-) (?P<amount>{AMOUNT})", -1),
    (rf"(?P<base>{WEEKDAY}) in (?P<amount>{AMOUNT})", 1),
)

_READERS: tuple[Reader, ...] = (
    _word,
    _weekday,
    _friday_the_thirteenth,
    _nth,
    _edge,
    _feast,
    read_absolute,
    read_period,
)
