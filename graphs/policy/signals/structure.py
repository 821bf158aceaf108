"""structure signals: how a text is built: whether, how often, how densely something occurs, or in which order.

A density counts matches for each unit of text: a word, or a character of a script without blanks. Counting ends at
`MOST_MATCHES`; a density is then that of the text up to there. The score is 1 or 0; the detail has the number.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from graphs.policy.policy import Signal
from graphs.policy.request import Reading
from graphs.policy.signals.family import Family, Kind, Kit, Problem, Read, fired, is_texts
from graphs.policy.signals.patterns import MOST_MATCHES, compiled, count_matches, pattern_fault
from graphs.policy.signals.predicate import PREDICATE, predicate, predicate_problems
from graphs.policy.signals.turn import Turn, is_unspaced

__all__ = ["STRUCTURE"]

TYPES = ("exists", "count", "density", "sequence")
SOURCES = ("regex", "keyword_set", "sequence", "text_bytes")
_PARTS = {
    "type", "source", "pattern", "keywords", "sequences", "case_sensitive",
}  # fmt: skip
_UNIT = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]|\\w+?"
    "(?=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]|\\b)"
)
Measure = Callable[[Turn], float]


def _prepare(signal: Signal, _: Kit) -> Read:
    feature: Mapping[str, Any] = signal.fields["feature"]
    measure = _measure(feature)
    holds = predicate(signal.fields.get("predicate") or {"gt": 0})

    def read(turn: Turn) -> Reading:
        value = measure(turn)
        return fired(fires := holds(value), float(fires), None, f"{feature['type']} {value:.3g}")

    return read


def _measure(feature: Mapping[str, Any]) -> Measure:
    source: Mapping[str, Any] = feature["source"]
    sensitive = bool(source.get("case_sensitive", source["type"] == "regex"))
    if source["type"] == "text_bytes":
        return lambda turn: len(turn.utf8)
    if source["type"] == "sequence":
        return _sequence(source["sequences"], sensitive=sensitive)
    texts = [source["pattern"]] if source["type"] == "regex" else map(_literal, source["keywords"])
    pattern = compiled_any(tuple(texts), case_sensitive=sensitive)
    if feature["type"] == "exists":
        return lambda turn: float(pattern.search(turn.utf8) is not None)
    if feature["type"] == "count":
        return lambda turn: count_matches(pattern, turn.utf8)[0]

    def density(turn: Turn) -> float:
        found, end = count_matches(pattern, turn.utf8)
        read = turn.text if end == len(turn.utf8) else turn.utf8[:end].decode(errors="ignore")
        return found / max(1, units(read))

    return density


def compiled_any(patterns: tuple[str, ...], *, case_sensitive: bool) -> Any:
    """Return a pattern that is found where one of `patterns` is."""
    if len(patterns) == 1:
        return compiled(patterns[0], case_sensitive=case_sensitive)
    return compiled("|".join(f"(?:{p})" for p in patterns), case_sensitive=case_sensitive)


def units(text: str) -> int:
    """Return how many units a text has: words, and characters of scripts without blanks."""
    return sum(1 for _ in _UNIT.finditer(text))


def _literal(keyword: str) -> str:
    """Return the pattern of a keyword, whole words where it begins or ends with a letter or digit of ASCII."""
    escaped = r"\s+".join(re.escape(part) for part in keyword.split())
    if is_unspaced(keyword):
        return escaped
    opens = r"\b" if re.match(r"[A-Za-z0-9_]", keyword.strip()) else ""
    closes = r"\b" if re.search(r"[A-Za-z0-9_]$", keyword.strip()) else ""
    return opens + escaped + closes


def _sequence(sequences: list[list[str]], *, sensitive: bool) -> Measure:
    """Return how many of the sequences a text has: their markers in order, one behind the other."""
    ready = [[compiled(_literal(m), case_sensitive=sensitive) for m in s] for s in sequences]

    def count(turn: Turn) -> float:
        return sum(_in_order(markers, turn.utf8) for markers in ready)

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
        elif fault := pattern_fault(pattern):
            yield Problem("feature", f"the pattern {pattern!r}: {fault}", "unsafe_regex")
    elif which == "keyword_set" and not is_texts(source.get("keywords")):
        yield Problem("feature", "its source has no `keywords`, expected a list of texts")
    elif which == "keyword_set":
        yield from _too_large("|".join(map(_literal, source["keywords"])))
    elif which == "sequence":
        given = source.get("sequences")
        if not isinstance(given, list) or not given or not all(map(is_texts, given)):
            yield Problem("feature", "its source has no `sequences`, expected lists of texts")


def _too_large(pattern: str) -> Iterator[Problem]:
    if fault := pattern_fault(pattern):
        yield Problem("feature", f"the keywords together: {fault}", "unsafe_regex")


STRUCTURE = Family(
    fields={"feature": Kind.FIELDS, "predicate": PREDICATE},
    required=frozenset({"feature"}),
    prepare=_prepare,
    problems=_problems,
)
