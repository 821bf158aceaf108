"""The design matrix of a learned head: the embedding beside the standardised surface features.

It knows no score. The two blocks are scaled so that one ridge penalty suits both.
"""

from dataclasses import dataclass

import numpy as np

from graphs.routing.estimators.base import Matrix, Queries

__all__ = ["Design"]

_LIMIT = 3.0
"""Standard deviations; a query that is stranger than that on a feature counts as this strange."""
_VECTOR, _SURFACE = 4.0, 0.25
"""A unit vector of 384 numbers has entries of about 0.05, a standardised feature of about 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What standardises the surface features, (f,) each, and centres the columns, (d + f,)."""

    mean: Matrix
    scale: Matrix
    centre: Matrix

    @classmethod
    def fit(cls, queries: Queries) -> "Design":
        """Read means and scales off `queries`."""
        surface = queries.surface
        scale = surface.std(axis=0)
        raw = cls(
            mean=surface.mean(axis=0),
            scale=np.where(scale > 1e-9, scale, 1.0),
            centre=np.zeros(queries.vectors.shape[1] + surface.shape[1]),
        )
        return cls(mean=raw.mean, scale=raw.scale, centre=raw.matrix(queries).mean(axis=0))

    def matrix(self, queries: Queries) -> Matrix:
        """Return the centred rows of `queries`, (n, d + f)."""
        d = queries.vectors.shape[1]
        rows = np.empty((len(queries), len(self.centre)))
        np.multiply(queries.vectors, _VECTOR, out=rows[:, :d])
        standard = (queries.surface - self.mean) / self.scale
        rows[:, d:] = np.minimum(np.maximum(standard, -_LIMIT), _LIMIT) * _SURFACE
        rows -= self.centre
        return rows
