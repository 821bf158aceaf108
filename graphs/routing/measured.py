"""What a profile says of the catalogue's models on one query, beside what is only assumed of the others.

It knows no prices: lengths of answers, which the caller's prices turn into money. A model that is not in the profile
keeps its assumed quality; one that is in the profile alone is nobody's to call.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from graphs.routing.estimators.base import Queries
from graphs.routing.features import surface
from graphs.routing.profile import Profile
from graphs.routing.quality import Prediction

__all__ = ["MeasuredModels"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredModels:
    """A profile and which of its columns are models of the catalogue."""

    profile: Profile
    columns: tuple[int, ...]

    @classmethod
    def of(cls, profile: Profile, models: Collection[str]) -> "MeasuredModels":
        """Find the catalogue's `models` in the profile."""
        columns = tuple(c for c, model in enumerate(profile.models) if model in models)
        return cls(profile=profile, columns=columns)

    def predict(
        self, text: str, vector: NDArray[np.float32], *, assumed: Prediction | None
    ) -> Prediction | None:
        """Return `assumed` with what is measured in its place.

        Args:
            text: the query.
            vector: its embedding, (d,).
            assumed: what the catalogue declares; None if it declares nothing.
        """
        if not self.columns:
            return assumed
        query = Queries(vectors=vector[None, :], surface=surface([text]))
        found = self.profile.quality.foresee(query)
        tokens = self.profile.costs.output_tokens(query)[0]
        base = assumed or Prediction(
            quality={}, uncertainty={}, output_tokens=300.0, kind="general", nearness=0.0, far=False
        )
        names = {column: self.profile.models[column] for column in self.columns}
        return replace(
            base,
            quality={**base.quality, **_picked(names, found.estimate.mean[0])},
            uncertainty={**base.uncertainty, **_picked(names, found.estimate.deviation[0])},
            answer_tokens={m: t for m, t in _picked(names, tokens).items() if np.isfinite(t)},
            nearness=float(found.nearness[0]),
            far=bool(found.trust[0] == 0),
            measured=frozenset(names.values()),
        )


def _picked(names: dict[int, str], row: NDArray[np.float64]) -> dict[str, float]:
    return {name: float(row[column]) for column, name in names.items()}
