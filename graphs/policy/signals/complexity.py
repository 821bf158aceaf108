"""complexity signals: whether a text is more like hard examples or like easy ones.

The margin is the greatest cosine with a hard candidate less that with an easy one: above the threshold the text is
hard, below its negative easy, else medium. Scores: hard is the margin, easy its negative, medium 1 less the margin's
size. A `composer` is a condition on other signals, as they were read before groups are settled; if it does not hold,
the signal fires at no level.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphs.policy.policy import Signal
from graphs.policy.request import Reading
from graphs.policy.signals.embedding import nearest
from graphs.policy.signals.family import Family, Kind, Kit, Problem, Read, fired, is_texts
from graphs.policy.signals.turn import Turn

__all__ = ["COMPLEXITY", "LEVELS", "composed", "composer_keys", "levels"]

LEVELS = ("hard", "medium", "easy")
"""What a complexity signal can say, the highest first."""
THRESHOLD = 0.05
OPERATORS = ("and", "all", "or", "any", "not", "nor", "none")
HARD = (
    "Prove this theorem step by step and say where each assumption is used.",
    "Find the root cause of this failure across several services and propose a fix.",
    "Compare these three architectures by cost, latency and risk, and recommend one with reasons.",
    "Derive the formula from first principles.",
    "Design a distributed system that survives the loss of a data centre.",
    "Solve this olympiad problem and justify every step.",
    "Refactor this module so that it is thread-safe, and explain the trade-offs.",
    "Analyse the legal consequences if both parties broke the contract.",
    "Work out an optimal schedule under these constraints.",
    "Critically assess the argument of this paper and its statistics.",
)
EASY = (
    "What is the capital of Peru?",
    "Hello, how are you?",
    "Thanks a lot!",
    "Translate this word into Spanish.",
    "What does this abbreviation stand for?",
    "Fix the spelling in this sentence.",
    "How many days are in a week?",
    "Give me a synonym for happy.",
    "What time is it in Tokyo?",
    "Summarize this paragraph in one sentence.",
)


def levels(signal: Signal, margin: float) -> dict[str, Reading]:
    """Return the readings of a signal at each level, and under its own key, which stands for hard."""
    least = float(signal.fields.get("threshold", THRESHOLD))
    detail = f"margin {margin:+.3f}"
    hard = fired(margin > least, margin, least, detail)
    return {
        signal.key: hard,
        f"{signal.key}:hard": hard,
        f"{signal.key}:medium": fired(abs(margin) <= least, 1 - abs(margin), 1 - least, detail),
        f"{signal.key}:easy": fired(margin < -least, -margin, least, detail),
    }


def composed(
    signal: Signal, own: Mapping[str, Reading], others: Mapping[str, Reading]
) -> dict[str, Reading]:
    """Return a signal's readings after its composer: as they are if it holds, else none that fires."""
    composer = signal.fields.get("composer")
    if not composer or any(reading.fault for reading in own.values()):
        return dict(own)
    faults = [others[k].fault for k in composer_keys(signal) if k in others and others[k].fault]
    unknown = [key for key in composer_keys(signal) if key not in others]
    if faults or unknown:
        fault = f"its composer asks for {unknown[0]}, which is not there" if unknown else faults[0]
        return {k: Reading(False, 0.0, r.threshold, r.detail, fault) for k, r in own.items()}
    if _holds(composer, others):
        return dict(own)
    closed = "the composer does not hold"
    return {k: Reading(False, r.score, r.threshold, closed, r.fault) for k, r in own.items()}


def composer_keys(signal: Signal) -> tuple[str, ...]:
    """Return the keys of the signals that a composer asks for."""
    return tuple(_keys(signal.fields.get("composer") or {}))


def _keys(node: Any) -> Iterator[str]:
    if not isinstance(node, Mapping):
        return
    if isinstance(parts := node.get("conditions"), list):
        for part in parts:
            yield from _keys(part)
    elif "type" in node and "name" in node:
        yield f"{node['type']}:{node['name']}"


def _holds(node: Mapping[str, Any], readings: Mapping[str, Reading]) -> bool:
    if "conditions" not in node:
        return readings[f"{node['type']}:{node['name']}"].fires
    parts = [_holds(part, readings) for part in node["conditions"]]
    operator = str(node.get("operator", "and")).casefold()
    if operator in ("not", "nor", "none"):
        return not any(parts)
    return any(parts) if operator in ("or", "any") else all(parts)


def _candidates(signal: Signal, level: str, default: Sequence[str]) -> Sequence[str]:
    given = signal.fields.get(level) or {}
    return given.get("candidates") or default


def _sides(signal: Signal) -> tuple[Sequence[str], Sequence[str]]:
    return _candidates(signal, "hard", HARD), _candidates(signal, "easy", EASY)


def _prepare(signal: Signal, kit: Kit) -> Read:
    hard, easy = (kit.vectors(texts) for texts in _sides(signal))

    def read(turn: Turn) -> Mapping[str, Reading]:
        margin = nearest(turn.vectors, hard)[0] - nearest(turn.vectors, easy)[0]
        return levels(signal, margin)

    return read


def _problems(signal: Signal) -> Iterator[Problem]:
    if signal.fields.get("method", "") not in ("", "embedding"):
        yield Problem(
            "method",
            f"is {signal.fields['method']!r}, expected 'embedding'",
            hint="give a classifier for complexity",
        )
    for level in ("hard", "easy"):
        texts = (signal.fields.get(level) or {}).get("candidates", ["some"])
        if not is_texts(texts):
            yield Problem(level, "its `candidates` are no list of texts, at least one")
        for unknown in sorted(set(signal.fields.get(level) or {}) - {"candidates"}):
            yield Problem(level, f"{unknown!r} is not read, expected `candidates`", "unknown_field")
    if composer := signal.fields.get("composer"):
        yield from _composer_problems(composer)


def _composer_problems(node: Any) -> Iterator[Problem]:
    if not isinstance(node, Mapping):
        yield Problem("composer", f"{node!r} is no condition, expected {{ type, name }}")
    elif "conditions" in node:
        if str(node.get("operator", "and")).casefold() not in OPERATORS:
            yield Problem(
                "composer",
                f"its operator is {node['operator']!r}, expected one of {', '.join(OPERATORS)}",
            )
        if not isinstance(node["conditions"], list) or not node["conditions"]:
            yield Problem("composer", "has no conditions, expected a list of { type, name }")
            return
        for part in node["conditions"]:
            yield from _composer_problems(part)
    elif not (isinstance(node.get("type"), str) and isinstance(node.get("name"), str)):
        yield Problem("composer", "a condition has no `type` and `name`")
    elif node["type"] in ("complexity", "projection"):
        yield Problem("composer", f"asks for a {node['type']} signal, which is read after it")


COMPLEXITY = Family(
    fields={
        "threshold": Kind.SHARE,
        "hard": Kind.FIELDS,
        "easy": Kind.FIELDS,
        "composer": Kind.FIELDS,
        "method": Kind.TEXT,
    },
    examples=lambda signal: [text for side in _sides(signal) for text in side],
    embeds=lambda _: True,
    prepare=_prepare,
    problems=_problems,
)
