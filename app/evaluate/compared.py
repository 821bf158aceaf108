"""The estimators that are compared, by the names that the report gives them. It knows no data and no rule of choice."""

from collections.abc import Callable

from graphs.routing.estimators.avengers import AvengersPro
from graphs.routing.estimators.base import Estimator, Matrix, Training
from graphs.routing.estimators.combined import Combined
from graphs.routing.estimators.domains import DomainScores
from graphs.routing.estimators.factorisation import Factorisation
from graphs.routing.estimators.item_response import ItemResponse
from graphs.routing.estimators.linear import LinearHead
from graphs.routing.estimators.local import LocalComponents
from graphs.routing.estimators.mixture import MixtureOfExperts
from graphs.routing.estimators.mlp import MLP
from graphs.routing.estimators.neighbours import Neighbours
from graphs.routing.estimators.ridge import RotatedRidge
from graphs.routing.estimators.uniroute import UniRouteKMeans, UniRouteLearnedMap
from graphs.routing.estimators.zero import ZeroRouter

__all__ = ["COMBINED", "ESTIMATORS", "PARTS", "ZERO", "FitWithCosts"]

FitWithCosts = Callable[[Training, Matrix], Estimator]
"""Fits on outcomes and their costs (n, m) in USD."""

COMBINED, ZERO = "combined", "zero"
PARTS = ("domains", "rotated ridge", "local components")
"""Of the default estimator, besides ZeroRouter."""

_BY_SCORES_ALONE: dict[str, Callable[[Training], Estimator]] = {
    ZERO: ZeroRouter.fit,
    "k nearest neighbours": Neighbours.fit,
    "UniRoute K-means": UniRouteKMeans.fit,
    "UniRoute LearnedMap": UniRouteLearnedMap.fit,
    "Avengers-Pro": AvengersPro.fit,
    "item response": ItemResponse.fit,
    "matrix factorisation": Factorisation.fit,
    "linear": LinearHead.fit,
    "MLP": MLP.fit,
    "mixture of experts": MixtureOfExperts.fit,
    **dict(zip(PARTS, (DomainScores.fit, RotatedRidge.fit, LocalComponents.fit), strict=True)),
}


def _without_costs(fit: Callable[[Training], Estimator]) -> FitWithCosts:
    return lambda training, costs: fit(training)


ESTIMATORS: dict[str, FitWithCosts] = {
    **{name: _without_costs(fit) for name, fit in _BY_SCORES_ALONE.items()},
    COMBINED: Combined.fit,
}
"""`combined` is MoMA's default."""
