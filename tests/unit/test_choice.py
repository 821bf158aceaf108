"""The choice on small pools: names of the preference, ties, ends of the scales."""

from typing import Any

import numpy as np
import pytest

from agents.errors import InputError
from graphs.routing.choice import (
    HALF_WAY_USD,
    NAMED,
    Option,
    closeness,
    frontier,
    preference_weight,
    quality_weight,
    rank,
    significant,
)


def near(_: str, quality: float, cost: float, preference: float) -> float:
    return float(closeness(np.array(quality), np.array(cost), preference))


def option(id_: str, quality: float, cost: float) -> Option:
    return Option(id=id_, quality=quality, cost_usd=cost)


@pytest.mark.parametrize(
    ("preference", "weight"),
    [
        ("cost", 0.0),
        ("auto", 0.5),
        ("performance", 1.0),
        (0, 0.0),
        (1, 1.0),
        (0.25, 0.25),
        ("0.7", 0.7),
    ],
)
def test_a_preference_is_a_name_or_a_number(preference: str | float, weight: float) -> None:
    assert preference_weight(preference) == weight


@pytest.mark.parametrize(
    "preference",
    [
        float("nan"), "nan", float("inf"), "-inf", -0.01, 1.01, 10**400, "", "Auto", "best",
        None, [], {}, 1j, "x" * 10**6,
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_what_was_given(preference: Any) -> None:
    with pytest.raises(InputError, match="is not cost, auto, performance or a number") as caught:
        preference_weight(preference)
    assert len(str(caught.value)) < 200


def test_every_name_has_a_weight_in_between() -> None:
    assert all(0 <= weight <= 1 for weight in NAMED.values())


def test_equal_options_are_one_by_the_lowest_id() -> None:
    assert [o.id for o in frontier([option("b", 0.5, 0.1), option("a", 0.5, 0.1)])] == ["a"]


def test_a_tie_goes_to_the_cheaper() -> None:
    # Where nothing but price counts, prices that no number can tell from the anti-ideal are equally far.
    dear = [option("a", 0.9, 3e40), option("b", 0.8, 2e40)]
    assert [r.option.id for r in rank(dear, "cost")] == ["b", "a"]


def test_prices_beyond_a_dollar_count_too() -> None:
    runs = [option("a", 0.80, 20.0), option("b", 0.78, 2.0)]
    assert rank(runs, "auto")[0].option.id == "b"
    assert rank(runs, "performance")[0].option.id == "a"


def test_for_auto_a_hair_of_quality_is_not_worth_a_hundred_times_the_price() -> None:
    pool = [option("dear", 0.92, 0.05), option("cheap", 0.90, 0.0005)]
    assert rank(pool, "auto")[0].option.id == "cheap"
    assert rank(pool, "performance")[0].option.id == "dear"


def test_the_rest_of_the_frontier_is_the_fallback_order() -> None:
    pool = [
        option("a", 0.3, 1e-5),
        option("b", 0.6, 1e-3),
        option("c", 0.9, 1e-1),
        option("x", 0.2, 1.0),
    ]
    assert [r.option.id for r in rank(pool, "performance")] == ["c", "b", "a"]
    assert [r.option.id for r in rank(pool, "cost")] == ["a", "b", "c"]


def test_nothing_to_choose_from_is_no_error() -> None:
    assert rank([], "auto") == []


def test_the_ideal_and_its_opposite_are_the_ends_of_closeness() -> None:
    for preference in (0.0, 0.5, 1.0):
        assert near("ideal", 1.0, 0.0, preference) == 1.0
        assert near("worst", 0.0, np.inf, preference) == 0.0


@pytest.mark.parametrize(
    ("quality", "cost", "preference", "expected"),
    [
        (0.5, HALF_WAY_USD, 0.75, 0.5),  # in the middle of both scales, at equal weights
        (0.5, 0.0, 0.75, 5**0.5 / (1 + 5**0.5)),
        (0.8, np.inf, 0.75, 0.8 / (0.8 + 1.04**0.5)),
        (0.3, 1e-3, 1.0, 0.3),
        (0.3, 0.0625, 0.0, 0.8),
        (0.5, HALF_WAY_USD, 0.9, 0.5),
    ],
)
def test_closeness_is_the_share_of_the_distance_from_the_worst(
    quality: float, cost: float, preference: float, expected: float
) -> None:
    assert near("m", quality, cost, preference) == pytest.approx(expected)


def test_quality_weighs_more_the_higher_the_preference() -> None:
    weights = [quality_weight(p / 10) for p in range(11)]
    assert weights == sorted(weights)
    assert (weights[0], weights[-1]) == (0.0, 1.0)
    assert quality_weight(0.75) == 0.5


def test_the_dearer_of_two_models_with_the_same_records_is_never_first() -> None:
    cheap, dear = option("a", 0.7, 0.001), option("b", 0.7000000000000001, 0.01)
    assert [ranked.option.id for ranked in rank([cheap, dear], 1.0)] == ["a"]


def test_a_price_is_told_without_its_last_bits() -> None:
    given = np.array([0.0, 0.0007893993042097233, 0.0007893993042097226])
    assert significant(given).tolist() == [0.0, 0.00078939930421, 0.00078939930421]
