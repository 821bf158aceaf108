"""jailbreak signals: marks of an attempt to take a model out of its rules.

With the method "pattern" the built-in patterns count, and each of `jailbreak_patterns` as a phrase that is sure; the
score is how sure all marks found are together. With "contrastive" the score is the greatest cosine with
`jailbreak_patterns` less that with `benign_patterns`, both with defaults. "hybrid" takes whichever fires, else the
greater score. "classifier", which is also what no method means, is read by pattern unless a classifier is given for it.
With `include_history` each text that a model would read is read, and the greatest score counts.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import prod
from typing import Any

from graphs.policy.policy import Signal
from graphs.policy.request import Reading
from graphs.policy.signals.embedding import nearest
from graphs.policy.signals.family import Family, Kind, Kit, Problem, Read, fired
from graphs.policy.signals.jailbreak_patterns import BENIGN, HOSTILE, PATTERNS
from graphs.policy.signals.keyword import Found, phrase_finder
from graphs.policy.signals.passage import View, matched
from graphs.policy.signals.patterns import any_of, own
from graphs.policy.signals.turn import Turn

__all__ = ["JAILBREAK", "attempt"]

THRESHOLD = 0.5
CONTRAST_THRESHOLD = 0.2
METHODS = ("", "pattern", "contrastive", "hybrid", "classifier", "embedding")


def attempt(text: bytes) -> tuple[float, str]:
    """Return how sure the built-in patterns are that a view of a text is an attempt, and of which kinds."""
    if _net().search(text) is None:
        return 0.0, ""
    found = [(weight, kind) for pattern, weight, kind in _ready() if pattern.search(text)]
    return 1 - prod(1 - weight for weight, _ in found), ", ".join(
        dict.fromkeys(k for _, k in found)
    )


@lru_cache(maxsize=1)
def _net() -> Any:
    """Return what any of the patterns is found by; most texts have none."""
    return any_of(tuple(pattern for pattern, _, _ in PATTERNS))


@lru_cache(maxsize=1)
def _ready() -> tuple[tuple[Any, float, str], ...]:
    return tuple((own(pattern), weight, kind) for pattern, weight, kind in PATTERNS)


def _prepare(signal: Signal, kit: Kit) -> Read:
    method = _method(signal)
    if method == "contrastive":
        return _contrast(signal, kit)
    if method == "hybrid":
        return _either(_patterns(signal), _contrast(signal, kit))
    return _patterns(signal)


def _patterns(signal: Signal) -> Read:
    threshold = float(signal.fields.get("threshold", THRESHOLD))
    given = signal.fields.get("jailbreak_patterns") or ()
    phrases = [(phrase, phrase_finder(phrase)) for phrase in given]
    history = bool(signal.fields.get("include_history"))
    attempt(b"")

    def read(turn: Turn) -> Reading:
        views = [v for passage in turn.passages(history=history) for v in passage.views]
        score, detail = max(_judge(view, phrases) for view in views)
        return fired(score >= threshold and score > 0, score, threshold, detail)

    return read


def _judge(view: View, phrases: Sequence[tuple[str, Found]]) -> tuple[float, str]:
    if found := next((phrase for phrase, is_in in phrases if is_in(view)), None):
        return 1.0, found
    return view.once("attempt", lambda: attempt(view.joined))


def _contrast(signal: Signal, kit: Kit) -> Read:
    threshold = float(signal.fields.get("threshold", CONTRAST_THRESHOLD))
    history = bool(signal.fields.get("include_history"))
    hostile, benign = (kit.vectors(texts) for texts in _sides(signal))

    def read(turn: Turn) -> Reading:
        parts = [turn.vectors]
        if history and turn.before():
            parts.append(turn.once("embedded before", lambda: turn.embed(turn.before())))
        # Each row by itself: a harmless beginning says nothing of how a text ends.
        rows = [row[None] for part in parts for row in part]
        margin = max(nearest(row, hostile)[0] - nearest(row, benign)[0] for row in rows)
        return fired(margin >= threshold, margin, threshold, f"margin {margin:+.3f}")

    return read


def _either(first: Read, second: Read) -> Read:
    def read(turn: Turn) -> Reading:
        readings = [first(turn), second(turn)]
        return max(
            (r for r in readings if isinstance(r, Reading)), key=lambda r: (r.fires, r.score)
        )

    return read


def _method(signal: Signal) -> str:
    given = str(signal.fields.get("method", "")).casefold()
    return "hybrid" if given == "embedding" else given  # its older name


def _contrasts(signal: Signal) -> bool:
    return _method(signal) in ("contrastive", "hybrid")


def _sides(signal: Signal) -> tuple[Sequence[str], Sequence[str]]:
    return (
        signal.fields.get("jailbreak_patterns") or HOSTILE,
        signal.fields.get("benign_patterns") or BENIGN,
    )


def _problems(signal: Signal) -> Iterator[Problem]:
    if _method(signal) == "classifier":
        yield Problem(
            "method",
            "is 'classifier': without one, patterns are read",
            "without_classifier",
            hint="give a classifier for jailbreak",
            severe=False,
        )
    for text in signal.fields.get("jailbreak_patterns") or ():
        if not matched(text).strip():
            yield Problem("jailbreak_patterns", f"{text!r} is found in no text")
    if signal.fields.get("benign_patterns") and not _contrasts(signal):
        yield Problem(
            "benign_patterns", "count only with the method 'contrastive' or 'hybrid'", severe=False
        )
    if str(signal.fields.get("direction", "request")).casefold() != "request":
        yield Problem("direction", "answers are not read here, expected 'request'")


JAILBREAK = Family(
    fields={
        "method": Kind.TEXT,
        "threshold": Kind.SHARE,
        "include_history": Kind.FLAG,
        "jailbreak_patterns": Kind.TEXTS,
        "benign_patterns": Kind.TEXTS,
        "direction": Kind.TEXT,
    },
    choices={"method": METHODS},
    examples=lambda s: [t for side in _sides(s) for t in side] if _contrasts(s) else (),
    embeds=_contrasts,
    prepare=_prepare,
    problems=_problems,
)
