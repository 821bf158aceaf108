"""From predicted quality and price to an order of models: Pareto frontier, then TOPSIS with constant anchors.

It knows no model, no query and no prediction method: rows of numbers in, an order out. The anchors never come from
the pool, so each row's closeness depends on that row alone: masking, adding or removing a model reorders no other
(the rank reversal of textbook TOPSIS; Garcia-Cascales & Lamata, 2012). With fixed anchors the comparison of two
frontier rows changes sign once as the preference grows, hence quality and cost are monotone in it.

Prices count by their square root. A logarithm would ask as much quality for the step from 0.0001 to 0.001 USD as for
that from 0.01 to 0.1, so that money goes where it buys little; `benchmarks/README.md` has the figures. The scale has no
end, so that the runs of an agent for 2 and for 20 USD are as far apart as they should be.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.errors import InputError

__all__ = [
    "HALF_WAY_USD",
    "NAMED",
    "Option",
    "Ranked",
    "closeness",
    "frontier",
    "frontier_rows",
    "preference_weight",
    "quality_weight",
    "rank",
    "rank_rows",
    "significant",
]

_DIGITS, _QUALITY_DIGITS = 11, 9
"""Prices and qualities that differ by less are equal: two models with the same records must be."""
HALF_WAY_USD = 1.0
"""The price of a query half way from the ideal, nothing, to the anti-ideal, a price without bound."""
PRICE_AT_EVEN = 3.0
"""How much more price weighs than quality at the preference 0.5. Prices of a query are far from half way, 0.0001
to 0.01 USD as a rule, so that with equal weights `auto` would hardly ever be worth less than the best."""
NAMED = {"cost": 0.0, "auto": 0.5, "performance": 1.0}

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One model as the choice sees it."""

    id: str
    quality: float
    """Predicted, 0 to 1."""
    cost_usd: float
    """Predicted for this query."""
    uncertainty: float = 0.0
    """One standard deviation of the predicted quality."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """An option on the frontier, with its closeness to the ideal (0 to 1)."""

    option: Option
    closeness: float


def preference_weight(preference: str | float) -> float:
    """Return the preference as a number, 0 (cheapest) to 1 (best).

    Raises:
        InputError: neither a known name nor a number from 0 to 1.
    """
    if isinstance(preference, str) and preference in NAMED:
        return NAMED[preference]
    try:
        number = float(preference)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 <= number <= 1:
        raise InputError(
            f"the preference {preference!r:.60} is not cost, auto, performance or a number from 0 to 1"
        )
    return number


def quality_weight(preference: float) -> float:
    """Return the weight of quality in TOPSIS, 0 to 1, for a preference from 0 to 1; that of price is the rest."""
    return preference / (preference + PRICE_AT_EVEN * (1 - preference))


def closeness(quality: Numbers, cost_usd: Numbers, preference: float) -> Numbers:
    """Return TOPSIS closeness D- / (D+ + D-) under constant anchors (Hwang & Yoon, 1981), row by row.

    Args:
        quality: the predicted qualities, any shape, clipped to 0..1.
        cost_usd: the predicted prices, the same shape.
        preference: 0 (cheapest) to 1 (best).
    """
    weight = quality_weight(preference)
    good = np.clip(quality, 0, 1)
    dear = 1 - 1 / (1 + np.sqrt(np.maximum(cost_usd, 0) / HALF_WAY_USD))
    to_ideal = np.hypot(weight * (1 - good), (1 - weight) * dear)
    to_worst = np.hypot(weight * good, (1 - weight) * (1 - dear))
    near: Numbers = to_worst / (to_ideal + to_worst)
    return near


def significant(values: Numbers) -> Numbers:
    """Return numbers without their last bits, which depend on how a product of matrices was cut up."""
    size = np.floor(np.log10(np.maximum(np.abs(values), 1e-30)))
    scale = 10.0 ** (_DIGITS - 1 - size)
    return np.asarray(np.round(values * scale) / scale)


def frontier_rows(quality: Numbers, cost_usd: Numbers) -> NDArray[np.intp]:
    """Return the rows (m,) that no other beats on quality at no more cost, cheapest first; of equal ones the first."""
    quality, cost_usd = np.round(quality, _QUALITY_DIGITS), significant(cost_usd)
    order = np.lexsort((-quality, cost_usd))
    best = np.maximum.accumulate(quality[order])
    kept: NDArray[np.intp] = order[quality[order] > np.concatenate([[-np.inf], best[:-1]])]
    return kept


def rank_rows(quality: Numbers, cost_usd: Numbers, preference: float) -> NDArray[np.intp]:
    """Return the rows of the frontier in the order of choice; ties go to the cheaper, then to the earlier row."""
    rows = frontier_rows(quality, cost_usd)
    near = closeness(quality[rows], cost_usd[rows], preference)
    ranked: NDArray[np.intp] = rows[np.argsort(-near, kind="stable")]
    return ranked


def frontier(options: Sequence[Option]) -> list[Option]:
    """Return the options that no other beats on quality at no more cost, cheapest first.

    Of options equal in both the lowest id stays, so that the choice never depends on their order.
    """
    by_id = sorted(options, key=lambda option: option.id)
    return [by_id[row] for row in frontier_rows(*_columns(by_id))]


def rank(options: Sequence[Option], preference: str | float) -> list[Ranked]:
    """Return the frontier in the order of choice; the first answers, the rest are the fallbacks.

    Ties go to the cheaper, then to the lower id.
    """
    number = preference_weight(preference)
    if not options:
        return []
    by_id = sorted(options, key=lambda option: option.id)
    quality, cost = _columns(by_id)
    near = closeness(quality, cost, number)
    return [Ranked(by_id[row], float(near[row])) for row in rank_rows(quality, cost, number)]


def _columns(options: Sequence[Option]) -> tuple[Numbers, Numbers]:
    quality = np.array([option.quality for option in options], np.float64)
    return quality, np.array([option.cost_usd for option in options], np.float64)
