"""structure signals: how a text is built: whether, how often, how densely something occurs, or in which order.

A density counts matches for each unit of text: a word, or a character of a script without blanks. Counting ends at
`MOST_MATCHES`; a density is then that of the text up to there. With `include_history` all texts that a model would read
are one to it, but what is looked for lies within one of them. The score is 1 or 0; the detail has the number.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from graphs.policy.policy import Signal
from graphs.policy.request import Reading
from graphs.policy.signals.family import Family, Kind, Kit, Problem, Read, fired, is_texts
from graphs.policy.signals.passage import UNSPACED, Passage, is_unspaced, matched
from graphs.policy.signals.patterns import (
    MOST_MATCHES,
    compiled,
    count_matches,
    normal,
    pattern_fault,
)
from graphs.policy.signals.predicate import PREDICATE, predicate, predicate_problems
from graphs.policy.signals.turn import Turn

__all__ = ["STRUCTURE"]

TYPES = ("exists", "count", "density", "sequence")
SOURCES = ("regex", "keyword_set", "sequence", "text_bytes")
_PARTS = {
    "type", "source", "pattern", "keywords", "sequences", "case_sensitive",
}  # fmt: skip
_UNIT = re.compile(rf"[{UNSPACED}]|\w+?(?=[{UNSPACED}]|\b)")
Measure = Callable[[Sequence[Passage]], float]


def _prepare(signal: Signal, _: Kit) -> Read:
    feature: Mapping[str, Any] = signal.fields["feature"]
    measure = _measure(feature)
    holds = predicate(signal.fields.get("predicate") or {"gt": 0})
    history = bool(signal.fields.get("include_history"))

    def read(turn: Turn) -> Reading:
        value = measure(turn.passages(history=history))
        return fired(fires := holds(value), float(fires), None, f"{feature['type']} {value:.3g}")

    return read


def _measure(feature: Mapping[str, Any]) -> Measure:
    source: Mapping[str, Any] = feature["source"]
    sensitive = _sensitive(source)
    if source["type"] == "text_bytes":
        return lambda passages: sum(len(passage.text.encode()) for passage in passages)
    if source["type"] == "sequence":
        return _sequence(source["sequences"], sensitive=sensitive)
    pattern = compiled(_sought(source), case_sensitive=sensitive)
    if feature["type"] == "exists":
        return lambda passages: float(any(pattern.search(f) for p in passages for f in p.forms))
    if feature["type"] == "count":
        return lambda passages: sum(_counted(pattern, passage)[0] for passage in passages)

    def density(passages: Sequence[Passage]) -> float:
        counted = [_counted(pattern, passage) for passage in passages]
        read = sum(units(text.decode(errors="ignore")) for _, text in counted)
        return sum(found for found, _ in counted) / max(1, read)

    return density


def _counted(pattern: Any, passage: Passage) -> tuple[int, bytes]:
    """Return how often a pattern is found, and where: in the form of the text in which it is found most often."""
    counted = ((*count_matches(pattern, form), form) for form in passage.forms)
    found, end, form = max(counted, key=lambda each: each[0])
    return found, form[:end]


def _sought(source: Mapping[str, Any]) -> str:
    """Return the pattern that is found where a source's regular expression or one of its keywords is."""
    if source["type"] == "regex":
        return normal(source["pattern"])
    return "|".join(f"(?:{_literal(keyword)})" for keyword in source["keywords"])


def _sensitive(source: Mapping[str, Any]) -> bool:
    return bool(source.get("case_sensitive", source["type"] == "regex"))


def units(text: str) -> int:
    """Return how many units a text has: words, and characters of scripts without blanks."""
    return sum(1 for _ in _UNIT.finditer(text))


def _literal(keyword: str) -> str:
    """Return the pattern of a keyword, whole words where it begins or ends with a letter or digit of ASCII."""
    keyword = matched(keyword)
    escaped = r"\s+".join(re.escape(part) for part in keyword.split())
    if is_unspaced(keyword):
        return escaped
    opens = r"\b" if re.match(r"[A-Za-z0-9_]", keyword.strip()) else ""
    closes = r"\b" if re.search(r"[A-Za-z0-9_]$", keyword.strip()) else ""
    return opens + escaped + closes


def _sequence(sequences: list[list[str]], *, sensitive: bool) -> Measure:
    """Return how many of the sequences a text has: their markers in order, one behind the other."""
    ready = [[compiled(_literal(m), case_sensitive=sensitive) for m in s] for s in sequences]

    def count(passages: Sequence[Passage]) -> float:
        forms = [form for passage in passages for form in passage.forms]
        return sum(any(_in_order(markers, form) for form in forms) for markers in ready)

    return count


def _in_order(markers: list[Any], text: bytes) -> bool:
    at = 0
    for marker in markers:
        found = marker.search(text, at)
        if found is None:
            return False
        at = found.end()
    return True


def _problems(signal: Signal) -> Iterator[Problem]:
    feature = signal.fields["feature"]
    kind, source = feature.get("type"), feature.get("source")
    if kind not in TYPES:
        yield Problem("feature", f"its type is {kind!r}, expected one of {', '.join(TYPES)}")
        return
    if not isinstance(source, Mapping) or source.get("type") not in SOURCES:
        given = source.get("type") if isinstance(source, Mapping) else source
        yield Problem(
            "feature", f"its source's type is {given!r}, expected one of {', '.join(SOURCES)}"
        )
        return
    for unknown in sorted((set(feature) | set(source)) - _PARTS):
        yield Problem(
            "feature", f"{unknown!r} is none of {', '.join(sorted(_PARTS))}", "unknown_field"
        )
    yield from _source_problems(kind, source)
    yield from predicate_problems(
        signal,
        needed=kind in ("count", "density"),
        allowed=kind != "exists",
        most=MOST_MATCHES if kind == "count" and source["type"] != "text_bytes" else None,
    )


def _source_problems(kind: str, source: Mapping[str, Any]) -> Iterator[Problem]:
    which = source["type"]
    if (kind == "sequence") != (which == "sequence"):
        yield Problem(
            "feature",
            f"its type is {kind!r} and its source's {which!r}: both or neither must be 'sequence'",
        )
    elif which == "text_bytes" and kind != "count":
        yield Problem("feature", f"text_bytes goes with the type 'count', not with {kind!r}")
    elif which == "regex":
        pattern = source.get("pattern")
        if not isinstance(pattern, str) or not pattern:
            yield Problem("feature", "its source has no `pattern`, expected a regular expression")
        else:
            yield from _unsafe(f"the pattern {pattern!r}", _sought(source), source)
    elif which == "keyword_set" and not _are_seen(source.get("keywords")):
        yield Problem("feature", "its source has no `keywords`, expected a list of texts")
    elif which == "keyword_set":
        yield from _unsafe("the keywords together", _sought(source), source)
    elif which == "sequence":
        given = source.get("sequences")
        if not isinstance(given, list) or not given or not all(map(_are_seen, given)):
            yield Problem("feature", "its source has no `sequences`, expected lists of texts")
            return
        for marker in dict.fromkeys(marker for sequence in given for marker in sequence):
            yield from _unsafe(f"the marker {marker!r}", _literal(marker), source)


def _are_seen(value: object) -> bool:
    """Return whether a value is a list of texts, each with something that can be seen."""
    return is_texts(value) and all(matched(t).strip() for t in cast("list[str]", value))


def _unsafe(what: str, pattern: str, source: Mapping[str, Any]) -> Iterator[Problem]:
    if fault := pattern_fault(pattern, case_sensitive=_sensitive(source)):
        yield Problem("feature", f"{what}: {fault}", "unsafe_regex")


STRUCTURE = Family(
    fields={"feature": Kind.FIELDS, "predicate": PREDICATE, "include_history": Kind.FLAG},
    required=frozenset({"feature"}),
    prepare=_prepare,
    problems=_problems,
)
