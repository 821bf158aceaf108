"""Where embedding signals fire: caps on the unit sphere, and whether those of two signals meet or lie in one another.

A text fires on the nearest of several candidates where its vector has at least the threshold's cosine with one of them:
a cap around each. On the mean of the cosines it fires where it has enough of a cosine with the mean of the candidates:
one cap around its direction. What is found holds for texts with one vector (of a long one the end has a second), and as
far as the encoder puts the candidates where they were measured.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from graphs.policy.checks.space import Axiom
from graphs.policy.checks.theory.thresholds import threshold_of
from graphs.policy.policy import Policy, Signal
from graphs.routing.encoder import Encoder, encode_checked

__all__ = ["Caps", "Rows", "axioms", "caps_of", "inside"]

Rows = NDArray[np.float64]
_SLACK = 0.01
"""Of an angle: about as far as rounding moves an int8 vector."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The caps of one signal; in any of them it fires."""

    key: str
    examples: tuple[str, ...]
    rows: Rows
    """The examples' vectors, (n, d)."""
    centres: Rows
    """The caps' middles, (m, d)."""
    least: float
    """The score from which on it fires."""
    angle: float
    """From the middle to the edge, in radians; below 0 where no text can fire."""
    mean: bool

    def scores(self, rows: Rows) -> Rows:
        """Return the signal's score at each of the vectors `rows`."""
        cosines = rows @ self.rows.T
        return np.asarray(cosines.mean(axis=1) if self.mean else cosines.max(axis=1))


def caps_of(
    policy: Policy, encoder: Encoder, *, plugged: Collection[str] = ()
) -> Mapping[str, Caps]:
    """Return the caps of a policy's embedding signals, by key; all examples are embedded at once.

    Args:
        policy: its signals.
        encoder: tells where their examples lie.
        plugged: the keys of signals that a classifier reads instead.
    """
    there = [s for s in policy.signals.values() if s.key not in plugged]
    signals = [s for s in there if s.type == "embedding" and _examples(s)]
    texts = list(dict.fromkeys(text for signal in signals for text in _examples(signal)))
    if not texts:
        return {}
    rows = np.asarray(encode_checked(encoder, texts), dtype=np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    vectors = dict(zip(texts, rows, strict=True))
    return {
        signal.key: _caps(signal, np.stack([vectors[t] for t in _examples(signal)]))
        for signal in signals
    }


def _examples(signal: Signal) -> tuple[str, ...]:
    given = signal.fields.get("candidates")
    return tuple(map(str, given)) if isinstance(given, list | tuple) else ()


def _caps(signal: Signal, rows: Rows) -> Caps:
    mean = str(signal.fields.get("aggregation_method", "max")).casefold() == "mean"
    least = threshold_of(signal) or 0.0
    cosine, centres = least, rows
    if mean:
        middle = rows.mean(axis=0)
        length = max(float(np.linalg.norm(middle)), 1e-9)
        cosine, centres = least / length, (middle / length)[None]
    return Caps(
        key=signal.key,
        examples=_examples(signal),
        rows=rows,
        centres=centres,
        least=least,
        angle=float(np.arccos(max(cosine, -1.0))) if cosine <= 1 else -1.0,
        mean=mean,
    )


def axioms(caps: Mapping[str, Caps]) -> Iterator[Axiom]:
    """Yield what the caps say of which signals fire together."""
    for one in caps.values():
        if one.angle < 0:
            yield ((one.key, False),)
    for one, two in combinations(caps.values(), 2):
        angles = _angles(one.centres, two.centres)
        if (angles > one.angle + two.angle + _SLACK).all():
            yield ((one.key, False), (two.key, False))
        for inner, outer, between in ((one, two, angles), (two, one, angles.T)):
            if (between + inner.angle + _SLACK <= outer.angle).any(axis=1).all():
                yield ((inner.key, False), (outer.key, True))


def _angles(one: Rows, two: Rows) -> Rows:
    return np.arccos(np.clip(one @ two.T, -1.0, 1.0))


def inside(caps: Caps, texts: Sequence[str], rows: Rows) -> Mapping[str, float]:
    """Return the texts on which the signal fires, with its scores there."""
    if not texts:
        return {}
    scored = zip(texts, caps.scores(rows).tolist(), strict=True)
    return {text: score for text, score in scored if score >= caps.least}
