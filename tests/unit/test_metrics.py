"""The measures of routers, on numbers that can be worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluate.metrics import (
    aiq,
    apgr,
    area,
    arena,
    calibration_error,
    cost_at,
    coverage,
    cpt,
    recovered,
    reliability,
    score_within,
)

COSTS, SCORES = np.array([3.0, 1.0, 2.0]), np.array([0.7, 0.5, 0.8])


def test_area_is_the_mean_of_the_best_score_so_far() -> None:
    # From 0.4 at 0 up to 0.5 at 1 and 0.8 at 2, then flat, since the dearest point is worse.
    expected = (0.45 + 0.65 + 0.8) / 3
    assert area(COSTS, SCORES, cheapest=(0, 0.4), until=3) == pytest.approx(expected, abs=1e-4)


def test_the_area_of_a_router_without_a_cheap_point_starts_at_the_cheapest_model() -> None:
    alone = area(np.array([3.0]), np.array([0.8]), cheapest=(0, 0.4), until=3)
    assert alone == pytest.approx(0.6, abs=1e-4)


def test_the_area_up_to_the_cheapest_cost_is_the_score_there() -> None:
    found = area(np.array([1.0, 2.0]), np.array([0.6, 0.9]), cheapest=(1, 0.6), until=1)
    assert found == pytest.approx(0.6)


def test_cost_at_is_the_least_that_reaches_the_score() -> None:
    assert cost_at(COSTS, SCORES, 0.7) == 2
    assert cost_at(COSTS, SCORES, 0.8) == 2
    assert cost_at(COSTS, SCORES, 0.81) is None


def test_score_within_a_budget() -> None:
    assert score_within(COSTS, SCORES, 1.5) == 0.5
    assert score_within(COSTS, SCORES, 9) == 0.8
    assert score_within(COSTS, SCORES, 0.5) is None


def test_aiq_takes_the_hull_and_extends_it_to_the_largest_cost_of_all() -> None:
    curves = {
        # The middle point lies under the line from first to last: the hull leaves it out.
        "straight": (np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.1, 1.0])),
        "short": (np.array([0.0, 1.0]), np.array([0.5, 0.5])),
        "falling": (np.array([0.0, 2.0]), np.array([0.6, 0.2])),
    }
    found = aiq(curves)
    assert found == pytest.approx({"straight": 0.5, "short": 0.5, "falling": 0.6})
    dearer = aiq({**curves, "dear": (np.array([4.0]), np.array([1.0]))})
    assert dearer["straight"] == pytest.approx(0.75)


GAINS = (np.array([0.0, 0.0, 1.0, 1.0]), np.array([1.0, 1.0, 1.0, 1.0]))


def test_what_a_perfect_order_recovers() -> None:
    weak, strong = GAINS
    shares, part = recovered(strong - weak, weak, strong)
    assert part.tolist() == [0, 0.5, 1, 1, 1]
    assert apgr(shares, part) == pytest.approx(0.75)
    assert cpt(shares, part, 0.5) == pytest.approx(0.25)
    assert cpt(shares, part, 0.75) == pytest.approx(0.375)


def test_who_expects_the_same_of_all_recovers_half() -> None:
    weak, strong = GAINS
    shares, part = recovered(np.zeros(4), weak, strong)
    assert part.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert apgr(shares, part) == pytest.approx(0.5)
    assert cpt(shares, part, 0.8) == pytest.approx(0.8)


def test_a_strong_model_must_be_stronger() -> None:
    weak, strong = GAINS
    with pytest.raises(ValueError, match=r"0\.5000 less"):
        recovered(weak, strong, weak)


def test_arena_is_mostly_accuracy_and_a_little_cost() -> None:
    # Half way between 0.0044 and 200 USD for 1,000 queries on the logarithm.
    middle = math.sqrt(0.0044 * 200) / 1000
    assert arena(0.8, middle) == pytest.approx(1.1 * 0.8 * 0.5 / (0.08 + 0.5))
    assert arena(1, 0.0044 / 1000) == pytest.approx(1)
    assert arena(0.9, 1) == 0
    assert arena(0, 0.2) == 0


def test_reliability_and_calibration_error_by_bins() -> None:
    said = np.array([0.1, 0.1, 0.9, 0.9, 1.0])
    happened = np.array([0.0, 1.0, 1.0, 1.0, 0.0])
    mean_said, mean_happened, counts = reliability(said, happened, bins=2)
    assert mean_said == pytest.approx([0.1, 2.8 / 3])
    assert mean_happened == pytest.approx([0.5, 2 / 3])
    assert counts.tolist() == [2, 3]
    expected = (2 * 0.4 + 3 * (2.8 / 3 - 2 / 3)) / 5
    assert calibration_error(said, happened, bins=2) == pytest.approx(expected)


def test_intervals_of_true_chances_hold_as_often_as_they_say() -> None:
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(400), 40)
    chance = np.repeat(random.uniform(0.2, 0.8, (400, 2)), 40, axis=0)
    outcome = (random.random(chance.shape) < chance).astype(np.float64)
    sure = np.zeros(chance.shape)
    assert coverage(chance, sure, outcome, groups, quantile=1.645) == pytest.approx(0.9, abs=0.03)
    off = np.clip(chance + np.repeat(random.normal(0, 0.1, (400, 2)), 40, axis=0), 0, 1)
    assert coverage(off, sure, outcome, groups, quantile=1.645) < 0.8
    said = np.full(chance.shape, 0.1)
    assert coverage(off, said, outcome, groups, quantile=1.645) == pytest.approx(0.9, abs=0.04)


points = st.lists(st.tuples(st.floats(0, 10), st.floats(0, 1)), min_size=1, max_size=12)


@given(points=points, more=points)
def test_more_points_never_make_a_goal_dearer_or_a_budget_worth_less(
    points: list[tuple[float, float]], more: list[tuple[float, float]]
) -> None:
    few, many = np.array(points), np.array(points + more)
    reached, before = (cost_at(of[:, 0], of[:, 1], 0.5) for of in (many, few))
    assert before is None or (reached is not None and reached <= before)
    best, was = (score_within(of[:, 0], of[:, 1], 5.0) for of in (many, few))
    assert was is None or (best is not None and best >= was)


@given(points=points)
def test_the_hull_is_never_below_a_point_of_its_router(points: list[tuple[float, float]]) -> None:
    costs, scores = np.array(points).T
    whole = aiq({"router": (costs, scores), "until": (np.array([10.0]), np.array([0.0]))})
    # Flat from the best point on.
    best = scores.argmax()
    assert whole["router"] >= scores[best] * (10 - costs[best]) / 10 - 1e-9
