"""The choice over random pools: no rank reversal, nothing dominated, and a preference that moves one way."""

import math
import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.routing.choice import Option, closeness, frontier, rank

WEIGHTS = [n / 49 for n in range(50)]
QUALITIES = st.sampled_from([n / 40 for n in range(41)])
# Equal steps of the logarithm; zero is a local model's price.
COSTS = st.just(0.0) | st.sampled_from([10 ** (e / 4) for e in range(-28, 9)])
POOLS = st.lists(st.tuples(QUALITIES, COSTS), min_size=1, max_size=12).map(
    lambda rows: [
        Option(id=f"m{n}", quality=quality, cost_usd=cost) for n, (quality, cost) in enumerate(rows)
    ]
)
WEIGHT = st.sampled_from(WEIGHTS)


def near(quality: float, cost: float, preference: float) -> float:
    return float(closeness(np.array([quality]), np.array([cost]), preference)[0])


def order(pool: list[Option], weight: float) -> list[str]:
    return [ranked.option.id for ranked in rank(pool, weight)]


def beats(one: Option, other: Option) -> bool:
    better = one.quality > other.quality or one.cost_usd < other.cost_usd
    return better and one.quality >= other.quality and one.cost_usd <= other.cost_usd


@given(POOLS, WEIGHT, st.data())
def test_taking_any_options_away_reorders_no_other(
    pool: list[Option], weight: float, data: st.DataObject
) -> None:
    left = data.draw(st.lists(st.sampled_from(pool), unique=True))
    before, after = order(pool, weight), order(left, weight)
    kept = [i for i in before if i in after]
    # What the missing ones had dominated may appear in `after`; what was there keeps its order.
    assert [i for i in after if i in before] == kept
    ids = {option.id for option in left}
    assert [i for i in before if i in ids] == kept


@given(POOLS, QUALITIES, COSTS, WEIGHT)
def test_a_new_option_reorders_no_other(
    pool: list[Option], quality: float, cost: float, weight: float
) -> None:
    more = order([*pool, Option(id="new", quality=quality, cost_usd=cost)], weight)
    assert [i for i in order(pool, weight) if i in more] == [i for i in more if i != "new"]


@given(POOLS, WEIGHT)
def test_closeness_is_a_matter_of_the_option_alone(pool: list[Option], weight: float) -> None:
    for ranked in rank(pool, weight):
        assert ranked.closeness == near(ranked.option.quality, ranked.option.cost_usd, weight)
        assert 0 <= ranked.closeness <= 1


@given(POOLS, WEIGHT)
def test_nothing_dominated_is_ranked_and_nothing_else_is_left_out(
    pool: list[Option], weight: float
) -> None:
    ranked = {r.option.id for r in rank(pool, weight)}
    for option in pool:
        dominated = any(beats(other, option) for other in pool)
        twins = [o.id for o in pool if (o.quality, o.cost_usd) == (option.quality, option.cost_usd)]
        assert (option.id in ranked) == (not dominated and option.id == min(twins))


@given(POOLS)
@settings(max_examples=250, deadline=None)
def test_quality_and_cost_of_the_choice_grow_with_the_preference(pool: list[Option]) -> None:
    chosen = [rank(pool, weight)[0].option for weight in WEIGHTS]
    assert [o.quality for o in chosen] == sorted(o.quality for o in chosen)
    assert [o.cost_usd for o in chosen] == sorted(o.cost_usd for o in chosen)


@given(POOLS)
def test_the_ends_of_the_preference_are_the_cheapest_and_the_best(pool: list[Option]) -> None:
    assert rank(pool, "cost")[0].option.cost_usd == min(o.cost_usd for o in pool)
    assert rank(pool, "performance")[0].option.quality == max(o.quality for o in pool)


@given(POOLS, WEIGHT, st.randoms(use_true_random=False))
def test_the_order_of_the_options_does_not_count(
    pool: list[Option], weight: float, chance: random.Random
) -> None:
    shuffled = chance.sample(pool, len(pool))
    assert order(shuffled, weight) == order(pool, weight)
    assert frontier(shuffled) == frontier(pool)


@given(
    st.floats(allow_nan=False),
    st.floats(min_value=0, allow_nan=False),
    st.floats(0, 1),
)
def test_closeness_is_finite_for_any_numbers(quality: float, cost: float, weight: float) -> None:
    found = near(quality, cost, weight)
    assert math.isfinite(found)
    assert 0 <= found <= 1
