"""Ratings and scores from made-up comparisons whose truth is known."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from graphs.routing.ordinal import BINARY, Cuts, OrdinalScale, _overall
from graphs.routing.preferences import MARGINS, Pairs, Verdict, merged, swapped
from graphs.routing.ratings import bradley_terry, elo

TRUTH = np.linspace(-1.5, 1.5, 6)
CUTS = (-1.8, -0.5, 0.5, 1.8)


def compared(
    queries: int = 600, *, stray: float = 1.2, seed: int = 0, binary: bool = False
) -> tuple[Pairs, NDArray[np.float64]]:
    """Return all models compared along a circle on each query, and their true ratings there."""
    random = np.random.default_rng(seed)
    m = len(TRUTH)
    rating = TRUTH + random.normal(0, stray, (queries, m))
    rows = []
    for query in range(queries):
        circle = random.permutation(m)
        for one, other in zip(circle, np.roll(circle, 1), strict=True):
            said = rating[query, one] - rating[query, other] + random.logistic()
            margin = int(np.sign(said)) if binary else int(np.searchsorted(CUTS, said)) - 2
            rows.append((query, int(one), int(other), margin))
    return Pairs.from_rows(rows, queries=queries, models=m), rating


def test_orders_merge_as_stated() -> None:
    first, far, same = Verdict.FIRST, Verdict.FIRST_FAR, Verdict.SAME
    assert merged(far, far) == far
    assert merged(far, first) == first
    assert merged(first, swapped(first)) == same
    assert merged(far, same) == same
    for one, other in itertools.product(Verdict, Verdict):
        assert swapped(swapped(one)) == one
        assert merged(one, other) == merged(other, one)
        assert merged(swapped(one), swapped(other)) == swapped(merged(one, other))
    assert sorted(MARGINS.values()) == [-2, -1, 0, 1, 2]


def test_the_numbers_are_those_of_the_paper() -> None:
    assert [(v.value, MARGINS[v]) for v in sorted(Verdict)] == [
        (0, 0),
        (1, 1),
        (2, -1),
        (3, 2),
        (4, -2),
    ]


@pytest.mark.parametrize("rate", [bradley_terry, elo])
def test_ratings_order_models_and_their_intervals_hold(rate: object) -> None:
    pairs, _ = compared()
    rated = rate(pairs)  # type: ignore[operator]
    assert (np.diff(rated.rating) > 0).all()
    assert rated.rating.mean() == pytest.approx(1000)
    assert (rated.low < rated.rating).all()
    assert (rated.rating < rated.high).all()
    assert (rated.error > 0).all()


def test_bradley_terry_finds_the_strengths_that_made_the_comparisons() -> None:
    pairs, _ = compared(3000, stray=0.0, binary=True)
    rated = bradley_terry(pairs, draws=20)
    found = (rated.rating - 1000) / (400 / np.log(10))
    assert found == pytest.approx(TRUTH, abs=4 * rated.error.max() * np.log(10) / 400)


def test_who_always_wins_has_a_finite_rating() -> None:
    pairs = Pairs.from_rows([(q, 0, 1, 2) for q in range(20)], queries=20, models=3)
    rated = bradley_terry(pairs, draws=5)
    assert np.isfinite(rated.rating).all()
    assert rated.rating[0] > rated.rating[2] > rated.rating[1]


def test_the_cuts_are_found_where_nothing_strays() -> None:
    pairs, _ = compared(3000, stray=0.0)
    cuts, overall = _overall(pairs)
    assert (cuts.better, cuts.much) == pytest.approx((0.5, 1.8), abs=0.1)
    assert overall == pytest.approx(TRUTH, abs=0.1)


def test_scores_follow_the_truth_of_each_query() -> None:
    pairs, rating = compared()
    scale = OrdinalScale.fit(pairs)
    assert 0.7 < scale.spread < 1.4
    scores = scale.scores(pairs)
    assert ((scores > 0) & (scores < 1)).all()
    assert scale.ratings(pairs).mean(axis=1) == pytest.approx(0, abs=1e-3)
    mine = (scores - scores.mean(axis=0)).ravel()
    theirs = (rating - rating.mean(axis=1, keepdims=True) - TRUTH).ravel()
    assert np.corrcoef(mine, theirs)[0, 1] > 0.5


def test_labels_of_two_outcomes_are_bradley_terry() -> None:
    pairs, _ = compared(binary=True)
    scale = OrdinalScale.fit(pairs)
    assert scale.cuts == BINARY
    assert (np.diff(scale.overall) > 0).all()


def test_swapping_all_pairs_changes_nothing() -> None:
    pairs, _ = compared(100)
    turned = Pairs(
        queries=pairs.queries, models=pairs.models, query=pairs.query,
        first=pairs.second, second=pairs.first, margin=-pairs.margin,
    )  # fmt: skip
    one, other = OrdinalScale.fit(pairs), OrdinalScale.fit(turned)
    assert one.scores(pairs) == pytest.approx(other.scores(turned), abs=1e-3)


def test_what_was_not_compared_keeps_its_overall_rating() -> None:
    pairs, _ = compared(50)
    scale = OrdinalScale.fit(pairs)
    one = Pairs.from_rows([(0, 0, 1, 2)], queries=2, models=len(TRUTH))
    rated = scale.ratings(one)
    assert rated[1] == pytest.approx(scale.overall)
    assert rated[0, 2:] == pytest.approx(scale.overall[2:])
    assert rated[0, 0] > scale.overall[0]
    assert rated[0, 1] < scale.overall[1]


def test_slopes_are_those_of_the_loss() -> None:
    pairs, _ = compared(20)
    scale = OrdinalScale(overall=np.zeros(len(TRUTH)), cuts=Cuts(0.5, 1.8), spread=1.0)
    rated = scale.ratings(pairs)

    def loss(ratings: NDArray[np.float64]) -> float:
        low, high = scale.cuts.bounds(pairs.margin)
        d = ratings[pairs.query, pairs.first] - ratings[pairs.query, pairs.second]
        chance = 1 / (1 + np.exp(low - d)) - 1 / (1 + np.exp(high - d))
        return float(0.5 * (ratings**2).sum() - np.log(chance).sum())

    random = np.random.default_rng(1)
    for _ in range(20):
        assert loss(rated) <= loss(rated + random.normal(0, 0.01, rated.shape))
