"""Reads a short turn as a change to the last question: "and in London?", "and 100 days?".

It computes nothing.
"""

import re
from collections.abc import Mapping, Sequence

from agents.calendar.amounts import AMOUNT, UNIT
from agents.calendar.clocks import TIME
from agents.calendar.grammar import Question

_LEAD = re.compile(r"^(?:(?:and|or|but|what about|how about|same for|what if it is|what|for) )+")
_TAIL = re.compile(r"(?: (?:instead|then|too|as well))+$")
_YEAR = re.compile(r"(?:(?:in|for) )?(\d{4}|(?:this|next|last) year)")
_SLOT = {
    "time": "place",
    "zone": "place",
    "changes": "place",
    "convert": "target",
    "difference": "b",
}
_DAY_SLOT = {
    "shift": "base",
    "until": "end",
    "since": "start",
    "between": "end",
    "age": "born",
    "day": "date",
}
_DAY_SLOT |= {"check": "date", "week": "date"}
_PLACES = frozenset({"place", "source", "target", "a", "b"})
_THERE = frozenset({"that", "it", "there", "this", "that place", "that city"})


def with_last_place(
    questions: Sequence[Question], last: Mapping[str, str] | None
) -> list[Question]:
    """Return the questions with the last place where one says "there"; without those that have none to mean."""
    place = (last or {}).get(_SLOT.get((last or {}).get("kind", ""), ""))
    found = []
    for question in questions:
        meant = {slot for slot in _PLACES & set(question) if question[slot] in _THERE}
        if not meant:
            found.append(question)
        elif place:
            found.append({**question, **dict.fromkeys(meant, place)})
    return found


def follow_up(words: str, last: Mapping[str, str]) -> list[Question]:
    """Return the questions that the plain turn may ask after `last`, the likeliest first."""
    fragment = _TAIL.sub("", _LEAD.sub("", words))
    if not fragment or len(fragment.split()) > 6:
        return []
    kind = last["kind"]
    found: list[Question] = []
    if kind in _SLOT:
        if kind == "convert" and re.fullmatch(rf"(?:at )?{TIME}", fragment):
            found.append({**last, "time": fragment.removeprefix("at ")})
        place = re.sub(r"^(?:in|for|at|to|from) ", "", fragment)
        found.append({**last, _SLOT[kind]: place})
    elif year := _YEAR.fullmatch(fragment):
        found += _other_year(year[1], last)
    if kind == "shift":
        found += _other_amount(fragment, last)
    if kind in ("until", "since", "between") and (
        unit := re.fullmatch(rf"(?:in |how many )?({UNIT})", fragment)
    ):
        found.append({**last, "unit": unit[1]})
    if kind in _DAY_SLOT:
        day = re.sub(r"^(?:until|till|since|after|before|to|from|on|is|was) ", "", fragment)
        found.append({**last, _DAY_SLOT[kind]: day})
    return found


def _other_year(year: str, last: Mapping[str, str]) -> list[Question]:
    """Put another year into the last question, in its year slot or behind its day."""
    if last["kind"] in ("leap", "weekdates"):
        return [{**last, "year": year}]
    slot = _DAY_SLOT.get(last["kind"])
    if slot is None or slot not in last:
        return []
    day = re.sub(r" (?:(?:of|in) )?(?:\d{4}|(?:this|next|last) year)$", "", last[slot])
    return [{**last, slot: f"{day} {year}"}]


def _other_amount(fragment: str, last: Mapping[str, str]) -> list[Question]:
    """Put another amount, and perhaps another direction, into a sum."""
    match = re.fullmatch(
        rf"(?:in )?(?P<amount>{AMOUNT})(?: (?P<sense>after|before|ago|later|earlier))?(?: that)?",
        fragment,
    )
    if match is None:
        return []
    changed = {**last, "amount": match["amount"]}
    return [changed | {"sense": match["sense"]} if match["sense"] else changed]
