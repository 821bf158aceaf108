"""embedding, preference and reask signals: how near the text's vector lies to those of examples.

The score is the cosine; of a long text the beginning and the end are compared, and the nearer one counts.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from graphs.policy.policy import Signal
from graphs.policy.request import Reading
from graphs.policy.signals.family import Family, Kind, Kit, Problem, Read, fired
from graphs.policy.signals.turn import Turn, Vectors

__all__ = ["EMBEDDING", "PREFERENCE", "REASK", "nearest", "similarity"]

THRESHOLD = 0.5
"""For vectors of the encoder that ships; others need their own."""
REASK_THRESHOLD = 0.8
AGGREGATIONS = ("max", "mean", "any")


def nearest(parts: Vectors, examples: Vectors) -> tuple[float, int]:
    """Return the greatest cosine of a text's parts with the examples, and which example it is."""
    cosines = (parts @ examples.T).max(axis=0)
    at = int(cosines.argmax())
    return float(cosines[at]), at


def similarity(texts: Sequence[str], *, threshold: float, mean: bool, kit: Kit) -> Read:
    """Return what reads how near a turn is to `texts`: to the nearest one, or to all on average."""
    examples = kit.vectors(texts)

    def read(turn: Turn) -> Reading:
        score, at = nearest(turn.vectors, examples)
        if mean:
            score = float((turn.vectors @ examples.mean(axis=0)).max())
        return fired(score >= threshold, score, threshold, f"near: {texts[at]}")

    return read


def _embedding(signal: Signal, kit: Kit) -> Read:
    mean = str(signal.fields.get("aggregation_method", "max")).casefold() == "mean"
    threshold = float(signal.fields.get("threshold", THRESHOLD))
    return similarity(signal.fields["candidates"], threshold=threshold, mean=mean, kit=kit)


def _embedding_problems(signal: Signal) -> Iterator[Problem]:
    if str(signal.fields.get("query_modality", "text")).casefold() != "text":
        yield Problem("query_modality", "only texts are embedded here, expected 'text'")


def _preference_examples(signal: Signal) -> Sequence[str]:
    """Return the examples, or the description in their place."""
    given = signal.fields.get("examples") or [signal.fields.get("description", "")]
    return [text for text in given if text.strip()]


def _preference(signal: Signal, kit: Kit) -> Read:
    threshold = float(signal.fields.get("threshold", THRESHOLD))
    return similarity(_preference_examples(signal), threshold=threshold, mean=False, kit=kit)


def _preference_plugin(signal: Signal) -> str | None:
    if _preference_examples(signal):
        return None
    return "needs a classifier, since it has neither `examples` nor a `description`"


def _reask(signal: Signal, _: Kit) -> Read:
    threshold = float(signal.fields.get("threshold", REASK_THRESHOLD))
    lookback = int(signal.fields.get("lookback_turns", 1))

    def read(turn: Turn) -> Reading:
        before = turn.previous(lookback)
        if len(before) < lookback or not turn.text.strip():
            return fired(False, 0.0, threshold, f"{len(before)} turns before")
        rows = turn.once(("previous", lookback), lambda: turn.embed(before))
        score = float(np.min(rows @ turn.vectors[0]))
        return fired(score >= threshold, score, threshold, f"the last {lookback} turns")

    return read


def _reask_problems(signal: Signal) -> Iterator[Problem]:
    if not 1 <= signal.fields.get("lookback_turns", 1) <= 20:
        yield Problem(
            "lookback_turns",
            f"is {signal.fields['lookback_turns']}, expected 1 to 20",
            "out_of_range",
        )


EMBEDDING = Family(
    fields={
        "threshold": Kind.SHARE,
        "candidates": Kind.TEXTS,
        "aggregation_method": Kind.TEXT,
        "query_modality": Kind.TEXT,
    },
    required=frozenset({"candidates"}),
    choices={"aggregation_method": AGGREGATIONS},
    examples=lambda signal: signal.fields["candidates"],
    embeds=lambda _: True,
    prepare=_embedding,
    problems=_embedding_problems,
)
PREFERENCE = Family(
    fields={"threshold": Kind.SHARE, "examples": Kind.TEXTS},
    examples=_preference_examples,
    embeds=lambda _: True,
    prepare=_preference,
    plugin=_preference_plugin,
)
REASK = Family(
    fields={"threshold": Kind.SHARE, "lookback_turns": Kind.COUNT},
    embeds=lambda _: True,
    prepare=_reask,
    problems=_reask_problems,
)
