"""What a profile says of the catalogue's models on one query, beside what is only assumed of the others.

It knows no prices: lengths of answers, which the caller's prices turn into money. A model that is not in the profile
keeps its assumed quality; one that is in the profile alone is nobody's to call.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from graphs.routing.corrections import Corrections
from graphs.routing.estimators.base import Queries
from graphs.routing.features import surface
from graphs.routing.hashed_words import hashed_words
from graphs.routing.profile import Profile
from graphs.routing.quality import ASSUMED_DEVIATION, Prediction, overall_quality

__all__ = ["MeasuredModels"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredModels:
    """A profile, which of its columns are models of the catalogue, and what that declares of each overall."""

    profile: Profile
    columns: tuple[int, ...]
    declared: Mapping[str, float]
    version: str | None = None
    """The profile's id, where it is known."""

    @classmethod
    def of(
        cls,
        profile: Profile,
        models: Mapping[str, Mapping[str, float]],
        *,
        version: str | None = None,
    ) -> "MeasuredModels":
        """Find the catalogue's models, each with its assumed quality by kind, in the profile."""
        columns = tuple(c for c, model in enumerate(profile.models) if model in models)
        declared = {model: overall_quality(by_kind) for model, by_kind in models.items()}
        return cls(profile=profile, columns=columns, declared=declared, version=version)

    @property
    def said(self) -> str:
        """How many of the profile's models are the catalogue's, and which are not."""
        names = self.profile.models
        others = [name for column, name in enumerate(names) if column not in self.columns]
        rest = f"; not: {', '.join(others)}" if others else ""
        return (
            f"{len(self.columns)} of {len(names)} models of the profile are in the catalogue{rest}"
        )

    @property
    def overall(self) -> dict[str, float]:
        """What each of the catalogue's models scored over all that was recorded, or what is declared of it."""
        mean = self.profile.quality.zero.mean
        shift = self.profile.quality.shift
        if shift.size:
            mean = np.clip(mean + shift.mean(axis=0), 0, 1)
        return {**self.declared, **{self.profile.models[c]: float(mean[c]) for c in self.columns}}

    def predict(
        self,
        text: str,
        vector: NDArray[np.float32],
        *,
        assumed: Prediction | None,
        corrections: Corrections | None = None,
    ) -> Prediction | None:
        """Return `assumed` with what is measured in its place.

        Args:
            text: the query.
            vector: its embedding, (d,).
            assumed: what the catalogue's kinds of task foretell; None if it has none, so that of a model that was not
                measured only the overall quality counts.
            corrections: what feedback says of the profile's models.
        """
        if not self.columns:
            return assumed
        query = Queries(
            vectors=vector[None, :], surface=surface([text]), words=hashed_words([text])
        )
        found = self.profile.quality.foresee(query)
        tokens = self.profile.costs.output_tokens(query)[0]
        base = assumed or Prediction(
            quality=self.declared,
            uncertainty=dict.fromkeys(self.declared, ASSUMED_DEVIATION),
            output_tokens=300.0,
            kind="general",
            nearness=0.0,
            far=False,
        )
        names = {column: self.profile.models[column] for column in self.columns}
        share = found.domains[0]
        measured = replace(
            base,
            quality={**base.quality, **_picked(names, found.estimate.mean[0])},
            uncertainty={**base.uncertainty, **_picked(names, found.estimate.deviation[0])},
            answer_tokens={m: t for m, t in _picked(names, tokens).items() if np.isfinite(t)},
            nearness=float(found.nearness[0]),
            far=bool(found.trust[0] == 0),
            measured=frozenset(names.values()),
            region=int(share.argmax()),
            profile=self.version,
        )
        return measured if corrections is None else _corrected(measured, names, share, corrections)


def _corrected(
    prediction: Prediction,
    names: dict[int, str],
    share: NDArray[np.float64],
    corrections: Corrections,
) -> Prediction:
    """Return the prediction as feedback moves it; `share` (g,) is how probable each domain is."""
    before = prediction.quality
    after = {
        name: float(np.clip(before[name] + share @ corrections.shift[:, column], 0, 1))
        for column, name in names.items()
    }
    hunches = {
        name: (
            float(before[name] + share @ corrections.belief[:, column]),
            float(share @ corrections.deviation[:, column]),
        )
        for column, name in names.items()
    }
    return replace(
        prediction,
        quality={**before, **after},
        corrections={n: q - before[n] for n, q in after.items() if q != before[n]},
        hunches=hunches,
    )


def _picked(names: dict[int, str], row: NDArray[np.float64]) -> dict[str, float]:
    return {name: float(row[column]) for column, name in names.items()}
