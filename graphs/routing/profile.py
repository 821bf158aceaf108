"""A profile: what was learnt of models from recorded outcomes. It knows no prices but those that it was fitted with.

`profile_files` keeps it in a folder.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.errors import RoutingError
from graphs.routing.costs import CostModel, Prices
from graphs.routing.estimators.base import Training
from graphs.routing.estimators.combined import Combined, Head
from graphs.routing.estimators.local import Group, LocalComponents
from graphs.routing.estimators.mixture import Comparisons, MixtureOfExperts
from graphs.routing.estimators.zero import ZeroRouter
from graphs.routing.joint import Joint
from graphs.routing.joint_fit import fit_joint
from graphs.routing.outcomes import Answers

__all__ = ["Part", "Profile", "built", "split"]

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The models in the order of the columns, what is expected of them, and where that comes from."""

    encoder: str
    models: tuple[str, ...]
    quality: Combined
    costs: CostModel
    sources: tuple[str, ...]
    """The names of the outcome tables."""
    rows: int
    """How many recorded queries it was fitted on."""
    joint: Joint | None = None
    """How those worth calling answer together, none added later; None where no answers were recorded."""

    @property
    def regions(self) -> int:
        """Into how many domains queries are read, by which feedback is told apart."""
        return len(self.quality.domains.means)

    @classmethod
    def fit(
        cls,
        training: Training,
        costs: NDArray[np.float64],
        *,
        encoder: str,
        models: tuple[str, ...],
        sources: tuple[str, ...],
        prices: Prices | None = None,
        answers: Answers | None = None,
        comparisons: Comparisons | None = None,
        head: Head = "auto",
    ) -> "Profile":
        """Fit on recorded outcomes, `costs` (n, m) in USD and maybe `answers` (n, m) of `models` (m,), and on pairs."""
        quality, held_out = Combined.fit_held_out(training, costs, comparisons, head=head)
        return cls(
            encoder=encoder,
            models=models,
            quality=quality,
            costs=CostModel.fit(training.queries, costs, prices=prices),
            sources=sources,
            rows=len(training),
            joint=None
            if answers is None
            else fit_joint(held_out.mean, training.scores, costs, answers, models),
        )

    def with_model(
        self,
        model: str,
        training: Training,
        costs: NDArray[np.float64],
        *,
        prices: Prices | None = None,
    ) -> "Profile":
        """Return the profile with one model more, from its scores and `costs`, (n, 1) each.

        Raises:
            RoutingError: the model is in the profile already.
        """
        if model in self.models:
            raise RoutingError(
                f"the model {model!r} is in the profile already: remove it first, or fit anew"
            )
        return replace(
            self,
            models=(*self.models, model),
            quality=self.quality.with_model(training),
            costs=self.costs.with_models(training.queries, costs, prices=prices),
        )

    def shifted(self, shift: Matrix) -> "Profile":
        """Return the profile with `shift` (g, m), by domain and model, added to the predicted quality for good."""
        before = self.quality.shift
        whole = before + shift if before.size else shift
        return replace(self, quality=replace(self.quality, shift=whole))

    def without_model(self, model: str) -> "Profile":
        """Return the profile without `model`: none of its numbers stay.

        What several models were fitted on together, as the components of their scores, stays as it is.

        Raises:
            RoutingError: it is not in the profile, or the only one.
        """
        if model not in self.models or len(self.models) == 1:
            raise RoutingError(
                f"the model {model!r} cannot be removed; the profile has {', '.join(self.models)}"
            )
        parts = [part for name, part in zip(self.models, split(self), strict=True) if name != model]
        left = tuple(name for name in self.models if name != model)
        joint = self.joint.only(left) if self.joint else None
        return replace(built(self, left, parts), joint=joint if joint and joint.models else None)


@dataclass(frozen=True, slots=True)
class Part:
    """What is kept of one model: its numbers, and the neighbours of its own if it was added later."""

    numbers: Mapping[str, Any]
    neighbours: Group | None = None


def split(profile: Profile) -> list[Part]:
    """Return what belongs to each model alone, in the order of the columns."""
    quality, costs = profile.quality, profile.costs
    places = [
        (g, c) for g, group in enumerate(quality.local.groups) for c in range(len(group.mean))
    ]
    parts = []
    for column, (number, own) in enumerate(places):
        group = quality.local.groups[number]
        numbers = {
            "mean": float(quality.zero.mean[column]),
            "error": float(quality.zero.error[column]),
            "domain_means": quality.domains.means[:, column].tolist(),
            "domain_errors": quality.domains.errors[:, column].tolist(),
            "ridge_mean": float(quality.ridge.mean[column]),
            "ridge_loadings": quality.ridge.loadings[:, column].tolist(),
            "ridge_noise": float(quality.ridge.noise[column]),
            "local_mean": float(group.mean[own]),
            "local_loadings": group.loadings[:, own].tolist(),
            "spread": float(quality.spread[column]),
            "cost_weights": costs.weights[:, column].tolist(),
            "cost_bias": float(costs.bias[column]),
            "cost_low": float(costs.low[column]),
            "cost_high": float(costs.high[column]),
            "cost_smear": float(costs.smear[column]),
            "price": None if np.isnan(costs.prices[column, 0]) else costs.prices[column].tolist(),
        }
        if (experts := quality.experts) is not None:
            numbers["experts_loadings"] = experts.loadings[:, :, column].ravel().tolist()
            numbers["experts_floor"] = float(experts.floor[column])
        if quality.shift.size:
            numbers["shift"] = quality.shift[:, column].tolist()
        parts.append(Part(numbers, group if number else None))
    return parts


def built(shared: Profile, models: tuple[str, ...], parts: list[Part]) -> Profile:
    """Return a profile of `parts` on what is shared."""
    of = [part.numbers for part in parts]
    quality, costs = shared.quality, shared.costs

    def row(key: str) -> Matrix:
        return np.array([numbers[key] for numbers in of], np.float64)

    def columns(key: str) -> Matrix:
        return np.array([numbers[key] for numbers in of], np.float64).reshape(len(of), -1).T

    prices = [numbers["price"] or (np.nan, np.nan) for numbers in of]
    return replace(
        shared,
        models=models,
        quality=replace(
            quality,
            zero=ZeroRouter(mean=row("mean"), error=row("error")),
            domains=replace(
                quality.domains, means=columns("domain_means"), errors=columns("domain_errors")
            ),
            ridge=replace(
                quality.ridge,
                mean=row("ridge_mean"),
                loadings=columns("ridge_loadings"),
                noise=row("ridge_noise"),
            ),
            local=LocalComponents(groups=_groups(quality.local.groups[0], parts)),
            spread=row("spread"),
            shift=columns("shift")
            if any("shift" in numbers for numbers in of)
            else np.zeros((0, 0)),
            experts=_experts(quality.experts, parts),
        ),
        costs=replace(
            costs,
            weights=columns("cost_weights"),
            bias=row("cost_bias"),
            low=row("cost_low"),
            high=row("cost_high"),
            smear=row("cost_smear"),
            prices=np.array(prices, np.float64).reshape(len(of), 2),
        ),
    )


def _experts(shared: MixtureOfExperts | None, parts: list[Part]) -> MixtureOfExperts | None:
    if shared is None:
        return None
    loadings = [part.numbers["experts_loadings"] for part in parts]
    floor = [part.numbers["experts_floor"] for part in parts]
    return replace(
        shared,
        loadings=np.array(loadings, np.float64)
        .reshape(len(parts), *shared.outputs)
        .transpose(1, 2, 0),
        floor=np.array(floor, np.float64),
    )


def _groups(first: Group, parts: list[Part]) -> tuple[Group, ...]:
    """Return the first group with the models that were fitted together, then one for each that was added."""
    together = [part.numbers for part in parts if part.neighbours is None]
    loadings = [numbers["local_loadings"] for numbers in together]
    head = replace(
        first,
        mean=np.array([numbers["local_mean"] for numbers in together], np.float64),
        # None is left where all models were added later.
        loadings=np.array(loadings, np.float64).reshape(len(together), len(first.counts)).T,
    )
    return (head, *(part.neighbours for part in parts if part.neighbours is not None))
