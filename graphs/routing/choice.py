"""From predicted quality and price to an order of models: Pareto frontier, then TOPSIS with constant anchors.

It knows no model, no query and no prediction method: rows of numbers in, an order out. The anchors never come from
the pool, so each row's closeness depends on that row alone: masking, adding or removing a model reorders no other
(the rank reversal of textbook TOPSIS; Garcia-Cascales & Lamata, 2012). With fixed anchors the comparison of two
frontier rows changes sign once as the preference grows, hence quality and cost are monotone in it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agents.errors import InputError

CHEAPEST_USD, DEAREST_USD = 1e-6, 1.0
NAMED = {"cost": 0.0, "auto": 0.5, "performance": 1.0}


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
    """Return the weight of quality, 0 (cheapest) to 1 (best).

    Raises:
        InputError: neither a known name nor a number from 0 to 1.
    """
    if isinstance(preference, str) and preference in NAMED:
        return NAMED[preference]
    try:
        weight = float(preference)
    except (TypeError, ValueError, OverflowError):
        weight = math.nan
    if not 0 <= weight <= 1:
        raise InputError(
            f"the preference {preference!r:.60} is not cost, auto, performance or a number from 0 to 1"
        )
    return weight


def frontier(options: Sequence[Option]) -> list[Option]:
    """Return the options that no other beats on quality at no more cost, cheapest first.

    Of options equal in both the lowest id stays, so that the choice never depends on their order.
    """
    best, kept = -math.inf, []
    for option in sorted(options, key=lambda o: (o.cost_usd, -o.quality, o.id)):
        if option.quality > best:
            kept.append(option)
            best = option.quality
    return kept


def closeness(option: Option, weight: float) -> float:
    """Return TOPSIS closeness D- / (D+ + D-) under constant anchors (Hwang & Yoon, 1981).

    Args:
        option: the row; quality in 0..1, cost in USD.
        weight: the weight of quality, 0 to 1; that of cost is the rest.
    """
    quality = min(max(option.quality, 0.0), 1.0)
    span = math.log(DEAREST_USD / CHEAPEST_USD)
    cost = math.log(max(option.cost_usd, CHEAPEST_USD) / CHEAPEST_USD) / span
    cost = min(cost, 1.0)
    to_ideal = math.hypot(weight * (1 - quality), (1 - weight) * cost)
    to_worst = math.hypot(weight * quality, (1 - weight) * (1 - cost))
    return to_worst / (to_ideal + to_worst)


def rank(options: Sequence[Option], preference: str | float) -> list[Ranked]:
    """Return the frontier in the order of choice; the first answers, the rest are the fallbacks.

    Ties go to the cheaper, then to the lower id.
    """
    weight = preference_weight(preference)
    ranked = [Ranked(option, closeness(option, weight)) for option in frontier(options)]
    return sorted(ranked, key=lambda r: (-r.closeness, r.option.cost_usd, r.option.id))
