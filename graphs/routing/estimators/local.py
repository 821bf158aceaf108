"""Neighbours in rotated coordinates: how far to look is chosen for each component of the scores.

The difficulty of a query, the first component, shows in a few neighbours; what sets models apart needs many, and is
shrunk by as much as leave-one-out asks. A model that was added later has recorded queries of its own.
It knows no domain and nothing beyond the neighbours.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from graphs.routing.estimators.base import Estimate, Matrix, Queries, Rows, Training, texts
from graphs.routing.estimators.neighbours import index_rows
from graphs.routing.index import VectorIndex

__all__ = ["Group", "LocalComponents"]

_COUNTS = (10, 20, 40, 80, 160, 320)
_BLOCK = 1024
_AXES = 64
_CHANCE = 8.0
"""How much of its variance, in units of 1/n, a component must lose by looking at neighbours."""
_MOST = 32
"""Components; those of a thousand models beyond these are noise."""


@dataclass(frozen=True, kw_only=True)  # no slots: `_rings` is kept on the object
class Group:
    """Models that were recorded on the same queries.

    `axes` (d, a) are the principal axes of the vectors, on which neighbours are looked for: a sixth of the numbers to
    read, for neighbours that serve as well. `components` (n, r) are the centred scores in rotated coordinates,
    `counts` (r,) how many neighbours each component takes, `trust` (r,) what their mean counts for; `loadings` (r, m)
    lead back to the m models about `mean` (m,).
    """

    axes: NDArray[np.float32]
    index: VectorIndex
    mean: Matrix
    components: Matrix
    counts: NDArray[np.intp]
    trust: Matrix
    loadings: Matrix

    @classmethod
    def fit(cls, training: Training, *, axes: NDArray[np.float32] | None = None) -> "Group":
        """Choose each component's count and trust by leave-one-out; the axes are those of its own if not given."""
        axes = principal_axes(training.queries.vectors) if axes is None else axes
        vectors = training.queries.vectors @ axes
        mean = training.scores.mean(axis=0)
        centred = training.scores - mean
        _, rotation = np.linalg.eigh(centred.T @ centred)
        rotation = rotation[:, ::-1][:, :_MOST]
        components = centred @ rotation
        index = index_rows(vectors)
        counts, trust = _chosen(index, vectors, texts(training.queries.vectors), components)
        kept = trust > 0
        return cls(
            axes=axes,
            index=index,
            mean=mean,
            components=components[:, kept],
            counts=counts[kept],
            trust=trust[kept],
            loadings=rotation.T[kept],
        )

    def predict(self, queries: Queries) -> tuple[Matrix, Matrix]:
        """Return the expected scores, (n, m), not clipped, and the nearness of the nearest recorded query, (n,).

        Nearness is the inner product on the axes: at most the cosine, and less for what the axes do not know.
        """
        deepest = int(self.counts.max(initial=1))
        cosines, rows = self.index.nearest_rows(queries.vectors @ self.axes, deepest)
        rings, place = self._rings
        columns = np.arange(len(self.counts))
        predicted = np.empty((len(queries), len(self.counts)))
        for query, near in enumerate(rows):
            sums = np.add.reduceat(self.components.take(near, axis=0), rings).cumsum(axis=0)
            predicted[query] = sums[place, columns] / self.counts
        scores: Matrix = self.mean + (predicted * self.trust) @ self.loadings
        return scores, cosines[:, 0].astype(np.float64)

    @cached_property
    def _rings(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return where the rings between two counts begin, and how many of them each component sums up."""
        depths, place = np.unique(self.counts, return_inverse=True)
        return np.concatenate([[0], depths[:-1]]).astype(np.intp), place


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalComponents:
    """The groups in the order of their models."""

    groups: tuple[Group, ...]

    @classmethod
    def fit(cls, training: Training) -> "LocalComponents":
        """Fit one group of all models."""
        return cls(groups=(Group.fit(training),))

    def predict(self, queries: Queries) -> Estimate:
        """Return the shrunken means over the neighbours; its deviation is what the neighbours move."""
        return self.predict_near(queries)[0]

    def predict_near(self, queries: Queries) -> tuple[Estimate, Matrix]:
        """Return the estimate, and the nearness of the nearest of the queries that were fitted on, (n,)."""
        found = [group.predict(queries) for group in self.groups]
        mean = np.clip(np.hstack([scores for scores, _ in found]), 0, 1)
        overall = np.concatenate([group.mean for group in self.groups])
        return Estimate(mean, np.abs(mean - overall)), found[0][1]

    def with_model(self, training: Training) -> "LocalComponents":
        """Return this with one model more, from scores (n, 1)."""
        added = Group.fit(training, axes=self.groups[0].axes)
        return LocalComponents(groups=(*self.groups, added))


def principal_axes(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the axes, (d, at most `_AXES`), along which `vectors` (n, d) are largest; they are not centred."""
    gram = vectors.T.astype(np.float64) @ vectors
    _, axes = np.linalg.eigh(gram)
    return np.ascontiguousarray(axes[:, ::-1][:, :_AXES], np.float32)


def _chosen(
    index: VectorIndex, vectors: NDArray[np.float32], text: Rows, components: Matrix
) -> tuple[NDArray[np.intp], Matrix]:
    """Return for each component the count and trust with the least leave-one-out error; trust 0: none helps."""
    n, r = components.shape
    candidates = [count for count in _COUNTS if count <= n - np.bincount(text).max()]
    counts, trust = np.ones(r, np.intp), np.zeros(r)
    if not candidates:
        return counts, trust
    means = _leave_one_out(index, vectors, text, components, candidates)
    # The best of several counts lowers the error a little even where there is nothing to find.
    least = (components**2).mean(axis=0) * (1 - _CHANCE / n)
    for count, near in zip(candidates, means, strict=True):
        slope = (near * components).sum(axis=0) / np.maximum((near**2).sum(axis=0), 1e-12)
        slope = np.clip(slope, 0, 1)
        error = ((components - slope * near) ** 2).mean(axis=0)
        better = error < least
        counts[better], trust[better], least[better] = count, slope[better], error[better]
    return counts, trust


def _leave_one_out(
    index: VectorIndex,
    vectors: NDArray[np.float32],
    text: Rows,
    components: Matrix,
    counts: list[int],
) -> Matrix:
    """Return the mean of each row's nearest others, of another `text` (n,), (counts, n, r)."""
    n, most = len(components), int(np.bincount(text).max())
    means = np.empty((len(counts), *components.shape))
    for start in range(0, n, _BLOCK):
        block = np.arange(start, min(start + _BLOCK, n))
        _, found = index.nearest_rows(vectors[block], min(counts[-1] + most, n))
        for row, near in zip(block, found, strict=True):
            sums = components[near[text[near] != text[row]][: counts[-1]]].cumsum(axis=0)
            for place, count in enumerate(counts):
                means[place, row] = sums[count - 1] / count
    return means
