"""Answers questions about the time of day and time zones: what time it is, conversions, differences, clock changes."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from agents.calendar.answer import Answer
from agents.calendar.clocks import (
    ahead_text,
    minutes_ahead,
    next_changes,
    offset_text,
    place,
    read_clock,
    with_day,
)
from agents.calendar.days import read_day
from agents.calendar.frame import Frame
from agents.calendar.grammar import Question
from agents.calendar.place_names import ABBREVIATIONS
from agents.calendar.places import Place, find_place, home_note, zone_name
from agents.calendar.trouble import EDGE, ImpossibleError, NotUnderstoodError, UnknownPlaceError
from agents.calendar.wording import clock_text, listed, long_day

_ASKS_TIME = (
    "what time is it",
    "what is the time",
    "what is the current time",
    "what is the local time",
)


def home_zone(frame: Frame) -> tzinfo:
    """Return the zone of the user's clock."""
    zone = frame.now.tzinfo
    assert zone is not None
    return zone


def tell_time(question: Question, frame: Frame) -> Answer:
    """Answer what time it is here, or in one or more places."""
    if "place" not in question:
        text = f"It is **{clock_text(frame.now.replace(second=0))}** on {long_day(frame.now)}."
        data = {
            "time": frame.now.isoformat(timespec="seconds"),
            "zone": zone_name(home_zone(frame)),
        }
        return Answer(text=text, data=data, notes=(home_note(home_zone(frame)),), that=frame.today)
    places = _places(question, frame)
    lines: list[str] = []
    data_places: list[dict[str, str]] = []
    for somewhere in places:
        there = frame.now.astimezone(somewhere.zone).replace(second=0, microsecond=0)
        lines.append(
            f"It is **{clock_text(there)}** on {long_day(there)} in {somewhere.name} "
            f"({offset_text(there)}), {ahead_text(frame.now, there)} your time."
        )
        data_places.append(
            {"place": somewhere.name, "zone": zone_name(somewhere.zone), "time": there.isoformat()}
        )
    values: Mapping[str, Any] = {"places": data_places} if len(places) > 1 else data_places[0]
    notes = tuple(note for somewhere in places for note in somewhere.notes)
    return Answer(text="\n\n".join(lines), data=values, notes=notes, that=frame.today)


def tell_zone(question: Question, frame: Frame) -> Answer:
    """Answer which time zone a place keeps."""
    try:
        somewhere = find_place(question["place"], home=home_zone(frame))
    except UnknownPlaceError as error:
        if len(error.place.split()) > 2:
            raise NotUnderstoodError("no such place") from error
        raise
    there = frame.now.astimezone(somewhere.zone)
    zone = f"**{zone_name(somewhere.zone)}**"
    text = f"{_capital(somewhere.name)} is in {zone}, now {offset_text(there)}{_short_name(there)}."
    data = {"zone": zone_name(somewhere.zone), "offset": offset_text(there)}
    return Answer(text=text, data=data, notes=somewhere.notes)


def convert_time(question: Question, frame: Frame) -> Answer:
    """Answer what time it is somewhere when it is a given time elsewhere."""
    home = home_zone(frame)
    clock = read_clock(question["time"])
    if clock is None:
        raise NotUnderstoodError(f"{question['time']!r} is not a time of day")
    if question["time"].isdigit() and " time" not in question["asked"]:
        raise NotUnderstoodError("a bare number is no time of day")
    source, target = _pair(question, home, first="source", second="target")
    day, notes = frame.now.astimezone(source.zone).date(), clock.notes
    if "day" in question:
        reading = read_day(question["day"], frame)
        day, notes = reading.day, notes + reading.notes
    start = place(datetime.combine(day, clock.time), source.zone, where=source.name)
    try:
        there = start.moment.astimezone(UTC).astimezone(target.zone)
    except OverflowError as error:
        raise ImpossibleError(EDGE) from error
    same_day = there.date() == start.moment.date()
    when = f"**{clock_text(there)}** {'the same day' if same_day else f'on {long_day(there)}'}"
    text = f"{with_day(start.moment)} in {source.name} is {when} in {target.name}."
    notes += (
        source.notes
        + target.notes
        + start.notes
        + _season(source, start.moment)
        + _season(target, there)
    )
    data = {"from": start.moment.isoformat(), "to": there.isoformat()}
    data |= {"from_zone": zone_name(source.zone), "to_zone": zone_name(target.zone)}
    return Answer(text=_capital(text), data=data, notes=notes, that=there.date())


def compare_zones(question: Question, frame: Frame) -> Answer:
    """Answer how far two places' clocks are apart now."""
    home = home_zone(frame)
    first, second = _pair(question, home, first="a", second="b")
    here, there = frame.now.astimezone(first.zone), frame.now.astimezone(second.zone)
    ahead = ahead_text(here, there)
    verb = "keeps" if ahead.startswith("the same") else "is"
    text = f"{_capital(second.name)} {verb} **{ahead}** {first.name}: it is {with_day(there.replace(second=0))} there"
    text += f" and {with_day(here.replace(second=0))} in {first.name}."
    data = {
        "minutes": minutes_ahead(here, there),
        "zones": [zone_name(first.zone), zone_name(second.zone)],
    }
    return Answer(
        text=text,
        data=data,
        notes=(
            *first.notes,
            *second.notes,
            "As of now; the two may change their clocks on different days.",
        ),
    )


def tell_changes(question: Question, frame: Frame) -> Answer:
    """Answer when the clocks of a place change next."""
    somewhere = find_place(question.get("place", "here"), home=home_zone(frame))
    changes = next_changes(frame.now, somewhere.zone)
    if not changes:
        text = f"The clocks in {somewhere.name} do not change in the next three years, as far as is known."
        return Answer(text=text, data={"changes": []}, notes=somewhere.notes)
    parts = [
        f"go **{'forward' if change.forward else 'back'}** on **{long_day(change.before)}**, "
        f"from {clock_text(change.before)} to {clock_text(change.after)}"
        for change in changes
    ]
    text = f"The clocks in {somewhere.name} {listed(parts).replace(' and go', ' and then go')}."
    return Answer(
        text=text,
        data={"changes": [change.after.isoformat() for change in changes]},
        notes=somewhere.notes,
    )


def _pair(question: Question, home: tzinfo, *, first: str, second: str) -> tuple[Place, Place]:
    """Find two places; ask for one that is not known only if the other is."""
    found: list[Place] = []
    unknown: list[UnknownPlaceError] = []
    for slot in (first, second):
        try:
            found.append(find_place(question.get(slot, "here"), home=home, slot=slot))
        except UnknownPlaceError as error:
            unknown.append(error)
    if not unknown:
        return found[0], found[1]
    guessed = second not in question or (first not in question and question["kind"] == "convert")
    if (
        not found
        or guessed
        or question["asked"].startswith("is ")
        or not re.fullmatch(r"[^\d ]+(?: [^\d ]+){0,2}", unknown[0].place)
    ):
        raise NotUnderstoodError("no such places") from unknown[0]
    raise unknown[0]


def _places(question: Question, frame: Frame) -> list[Place]:
    """Find a place, or several joined by `and`."""
    home, phrase = home_zone(frame), question["place"]
    try:
        return [find_place(phrase, home=home)]
    except UnknownPlaceError as error:
        names = [name.removeprefix("in ") for name in phrase.split(" and ")]
        if 2 <= len(names) <= 6:
            return [find_place(name, home=home) for name in names]
        if not question["asked"].startswith(_ASKS_TIME) or len(phrase.split()) > 3:
            raise NotUnderstoodError("no such place") from error
        raise


def _season(somewhere: Place, moment: datetime) -> tuple[str, ...]:
    """Say where an abbreviation names the half of the year that does not hold on that day."""
    name, actual = somewhere.name, moment.tzname() or ""
    if len(name) > 2 and name.lower() in ABBREVIATIONS and actual.isalpha() and actual != name:
        return (f"That day the clocks there are on {actual}.",)
    return ()


def _short_name(moment: datetime) -> str:
    name = moment.tzname() or ""
    return f" ({name})" if name.isalpha() else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
