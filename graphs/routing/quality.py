"""Predicts the quality of each model on a query from anchors: known texts with each model's quality on them.

It knows no prices and makes no choice. The anchors of a declared profile are the example requests of the catalogue's
kinds of task with each model's assumed quality; those of a measured profile are recorded outcomes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from graphs.routing.index import VectorIndex

NEIGHBOURS = 12
TEMPERATURE = 0.07
"""The softmax over the cosines of the neighbours."""
FAR, NEAR = 0.15, 0.45
"""Cosines at which the neighbours count for nothing and in full; between them linearly."""
ASSUMED_DEVIATION = 0.15
"""The standard deviation of a quality that is declared, not measured."""

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """Texts with known qualities.

    `vectors` is (n, d) with unit rows, `quality` (n, m) in 0..1 for the m models of `models`, `output_tokens` (n,).
    """

    models: tuple[str, ...]
    kinds: tuple[str, ...]
    vectors: NDArray[np.float32]
    quality: NDArray[np.float64]
    output_tokens: NDArray[np.float64]
    measured: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What is expected of each model on one query."""

    quality: Mapping[str, float]
    uncertainty: Mapping[str, float]
    """One standard deviation."""
    output_tokens: float
    kind: str
    """The kind of task of the nearest anchor."""
    nearness: float
    """The cosine of the nearest anchor."""
    far: bool
    """Nothing profiled is near: the qualities are the models' overall ones."""
    answer_tokens: Mapping[str, float] = field(default_factory=dict)
    """How long the answer of a model is expected to be, where that was measured."""
    measured: frozenset[str] = frozenset()
    """The models whose quality was measured; that of the others is assumed."""
    region: int | None = None
    """The domain of the profile that the query is likeliest in; None without a profile."""
    profile: str | None = None
    """The id of the profile's version that predicts; None without one."""
    corrections: Mapping[str, float] = field(default_factory=dict)
    """By how much feedback moved a quality, where it did."""
    hunches: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Where feedback counts, the likeliest quality of a measured model and one standard deviation of what is left
    open: what exploration draws from."""


class AnchorEstimator:
    """Softmax-weighted neighbours, shrunk to the model's overall quality as the query moves away from them."""

    def __init__(self, anchors: Anchors, index: VectorIndex) -> None:
        self.anchors = anchors
        self._index = index
        self._overall = anchors.quality.mean(axis=0)

    @classmethod
    def from_anchors(cls, anchors: Anchors) -> "AnchorEstimator":
        """Build the index over the anchors."""
        ids = [str(row) for row in range(len(anchors.vectors))]
        return cls(anchors, VectorIndex.from_vectors(ids, anchors.vectors))

    def predict(self, vector: Vector) -> Prediction:
        """Return the prediction for a query embedded as `vector` (d,), a unit vector."""
        hits = self._index.search(vector[None, :], NEIGHBOURS)[0]
        rows = np.array([int(row) for row, _ in hits])
        cosines = np.array([score for _, score in hits])
        weights = np.exp((cosines - cosines.max()) / TEMPERATURE)
        weights /= weights.sum()
        trust = float(np.clip((cosines.max() - FAR) / (NEAR - FAR), 0, 1))
        local = weights @ self.anchors.quality[rows]
        spread = weights @ (self.anchors.quality[rows] - local) ** 2
        mean = trust * local + (1 - trust) * self._overall
        away = (1 - trust) * self.anchors.quality.var(axis=0)
        base = 0.0 if self.anchors.measured else ASSUMED_DEVIATION**2
        deviation = np.sqrt(trust * spread + away + base)
        return Prediction(
            quality=dict(zip(self.anchors.models, mean.tolist(), strict=True)),
            uncertainty=dict(zip(self.anchors.models, deviation.tolist(), strict=True)),
            output_tokens=float(weights @ self.anchors.output_tokens[rows]),
            kind=self.anchors.kinds[rows[0]],
            nearness=float(cosines.max()),
            far=trust == 0.0,
        )


def overall_quality(by_kind: Mapping[str, float]) -> float:
    """Return the mean of the qualities that are declared, 0.5 where none is."""
    return sum(by_kind.values()) / len(by_kind) if by_kind else 0.5


def declared_anchors(
    *,
    models: Mapping[str, Mapping[str, float]],
    kinds: Sequence[tuple[str, int]],
    vectors: NDArray[np.float32],
) -> Anchors:
    """Return the anchors of a declared profile.

    Args:
        models: for each model its assumed quality by kind; a kind not stated takes the mean of the others.
        kinds: for each row of `vectors` its kind and the output tokens expected.
        vectors: (n, d), the embedded examples.
    """
    columns = []
    for by_kind in models.values():
        overall = overall_quality(by_kind)
        columns.append([by_kind.get(kind, overall) for kind, _ in kinds])
    return Anchors(
        models=tuple(models),
        kinds=tuple(kind for kind, _ in kinds),
        vectors=vectors,
        quality=np.array(columns, dtype=np.float64).T.reshape(len(kinds), len(models)),
        output_tokens=np.array([tokens for _, tokens in kinds], dtype=np.float64),
    )
