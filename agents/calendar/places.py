"""Finds the time zone that a person means by a place.

It reads names from tzdata and place_names, and knows no clock.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import timedelta, timezone, tzinfo
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agents.calendar import place_names
from agents.calendar.trouble import UnknownPlaceError
from agents.calendar.wording import plain

_HERE = frozenset(
    "here, home, my time, my timezone, my local time, my zone, local time, local, my place, my city, where i am, "
    "where i live, mine, me".split(", ")
)
_OFFSET = re.compile(r"(?:utc|gmt)\s?([+-])\s?(\d{1,2})(?::?([0-5]\d))?")
_UNIVERSAL = frozenset({"utc", "gmt", "zulu", "universal time", "coordinated universal time"})
_DROPPED = re.compile(
    r"^(?:the (?!hague|netherlands))|(?: (?:standard |daylight |local )?time(?:zone)?| right now| now)$"
)
_WITH_ARTICLE = frozenset(
    {
        "us",
        "usa",
        "uk",
        "uae",
        "united states",
        "united kingdom",
        "netherlands",
        "philippines",
        "maldives",
        "bahamas",
    }
)
_CAPITAL_LETTERS = frozenset(
    {"usa", "us", "uk", "uae", "nyc", "dc", "la", "sf", "nsw", "bc", "drc", "nz"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place as named, its zone, and what was assumed about it."""

    name: str
    zone: tzinfo
    notes: tuple[str, ...] = field(default=())


def find_place(name: str, *, home: tzinfo, slot: str = "place") -> Place:
    """Return the place called `name`, a phrase in the form of `wording.plain`.

    Raises:
        UnknownPlaceError: no zone is known for it.
    """
    words = name.replace(".", " ").replace("_", " ").strip()
    words = " ".join(words.split())
    if words in _HERE:
        return Place(name="your time zone", zone=home, notes=(home_note(home),))
    while (shorter := _DROPPED.sub("", words).strip()) != words:
        words = shorter
    found = _offset(words) or _single(words) or _qualified(words)
    if found and words in _WITH_ARTICLE:
        return replace(found, name=f"the {found.name}")
    if found is None:
        raise UnknownPlaceError(titled(name), slot=slot)
    return found


def home_note(home: tzinfo) -> str:
    """Return the sentence that says which zone is the user's."""
    return f"Your time zone: {zone_name(home)}, from this machine."


def zone_name(zone: tzinfo) -> str:
    """Return the IANA name of a zone, or what a fixed offset calls itself."""
    return zone.key if isinstance(zone, ZoneInfo) else str(zone.tzname(None) or "local time")


def titled(name: str) -> str:
    """Return a plain place name with the capitals that it usually has."""
    small = {"of", "de", "da", "es", "the", "and"}
    words = [
        word.upper() if word in _CAPITAL_LETTERS else word if word in small else word.title()
        for word in name.split()
    ]
    return " ".join(words)


def _offset(words: str) -> Place | None:
    if words in _UNIVERSAL:
        return Place(name="UTC", zone=ZoneInfo("UTC"))
    if match := _OFFSET.fullmatch(words):
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        if minutes <= 14 * 60:
            zone = timezone((1 if match[1] == "+" else -1) * timedelta(minutes=minutes))
            return Place(name=str(zone), zone=zone)
    return None


def _single(words: str) -> Place | None:
    """Look a whole name up, the most particular table first."""
    if words in place_names.ABBREVIATIONS:
        key, meaning = place_names.ABBREVIATIONS[words]
        name = words.upper() if len(words) < 5 else f"{titled(words)} time"
        return Place(
            name=name,
            zone=ZoneInfo(key),
            notes=(f"{titled(words) if len(words) > 4 else words.upper()} read as {meaning}.",),
        )
    if words in place_names.AMBIGUOUS:
        key, note = place_names.AMBIGUOUS[words]
        return Place(name=titled(words), zone=ZoneInfo(key), notes=(note,))
    if words in place_names.COUNTRIES:
        key, whose = place_names.COUNTRIES[words]
        label = f"{'The ' if words in _WITH_ARTICLE else ''}{titled(words)}"
        note = f"{label} spans several time zones; this is the one of {whose}."
        return Place(
            name=titled(words), zone=ZoneInfo(key), notes=(note,) if words not in _ONE_CLOCK else ()
        )
    key_or_none = _names().get(words) or _iana(words)
    return (
        Place(name=titled(words.rpartition("/")[2]), zone=ZoneInfo(key_or_none))
        if key_or_none
        else None
    )


_ONE_CLOCK = frozenset(
    {
        "argentina",
        "china",
        "malaysia",
        "cyprus",
        "uzbekistan",
        "kazakhstan",
        "palestine",
        "ukraine",
        "mongolia",
    }
)


def _qualified(words: str) -> Place | None:
    """Read a city with its state or country behind it: `paris texas`, `lyon france`."""
    parts = words.split()
    for cut in range(len(parts) - 1, 0, -1):
        city, region = " ".join(parts[:cut]), " ".join(parts[cut:])
        area = _area(region)
        if area is None:
            continue
        known = _single(city)
        name = f"{titled(city)}, {titled(region)}"
        if known and _country(known.zone) == _country(area.zone) and region not in _states():
            return Place(name=name, zone=known.zone)
        if known and known.zone == area.zone:
            return Place(name=name, zone=area.zone)
        if len(parts[:cut]) <= 2:
            note = f"{titled(city)} taken to keep the time of {titled(region)} ({zone_name(area.zone)})."
            return Place(name=name, zone=area.zone, notes=(note,))
    return None


def _area(words: str) -> Place | None:
    """Return a state or a country, never a city."""
    if words in _states() or words in place_names.COUNTRIES or words in _countries():
        return _single(words)
    return None


@cache
def _states() -> frozenset[str]:
    return frozenset(name for names in place_names.REGIONS.values() for name in names.split(", "))


@cache
def _table(name: str) -> tuple[tuple[str, ...], ...]:
    """Read one of the tables that tzdata ships, without its comments."""
    text = (files("tzdata") / "zoneinfo" / name).read_text(encoding="utf-8")
    return tuple(tuple(line.split("\t")) for line in text.splitlines() if line and line[0] != "#")


@cache
def _countries() -> dict[str, str]:
    """Return the zone of each country that has one zone."""
    zones: dict[str, list[str]] = {}
    for code, _, zone, *_ in _table("zone.tab"):
        zones.setdefault(code, []).append(zone)
    names = {}
    for code, name in _table("iso3166.tab"):
        if len(zones.get(code, ())) == 1:
            for variant in _variants(plain(name.split("(")[0])):
                names[variant] = zones[code][0]
    return names


def _variants(name: str) -> tuple[str, ...]:
    return (
        name,
        name.replace("&", "and"),
        name.replace("st ", "saint ", 1) if name.startswith("st ") else name,
    )


@cache
def _names() -> dict[str, str]:
    """Return every plain name with one zone: tzdata's own, then the hand-written ones, which win."""
    names = {
        plain(zone.rpartition("/")[2].replace("_", " ")): zone
        for _, _, zone, *_ in _table("zone.tab")
    }
    names |= _countries()
    for table in (place_names.REGIONS, place_names.CITIES):
        names |= {name: zone for zone, text in table.items() for name in text.split(", ")}
    return names


@cache
def _country(zone: tzinfo) -> str | None:
    key = zone_name(zone)
    return next((code for code, _, listed, *_ in _table("zone.tab") if listed == key), None)


def _iana(words: str) -> str | None:
    """Return the database's spelling of a zone written in full, such as `europe/berlin`."""
    if not re.fullmatch(r"[a-z]+(?:/[a-z -]+){1,2}", words):
        return None
    key = "/".join("_".join(part.title() for part in level.split()) for level in words.split("/"))
    try:
        return ZoneInfo(key).key
    except (ZoneInfoNotFoundError, ValueError):
        return None
