"""Ratings and scores from made-up comparisons whose truth is known."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from graphs.routing.pair_scores import PairScale
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


def test_scores_follow_the_truth_of_each_query() -> None:
    pairs, rating = compared()
    scores = PairScale.fit(pairs).scores(pairs)
    assert ((scores >= 0) & (scores <= 1)).all()
    mine = (scores - scores.mean(axis=0)).ravel()
    theirs = (rating - rating.mean(axis=1, keepdims=True) - TRUTH).ravel()
    assert np.corrcoef(mine, theirs)[0, 1] > 0.5


def test_levels_do_not_hang_on_whom_a_model_met() -> None:
    # Two equal models: one met only the weakest, one only the strongest.
    rows = [(q, 0, 1, 2) for q in range(50)] + [(q, 2, 3, -2) for q in range(50)]
    rows += [(q, 0, 2, 0) for q in range(50)]
    scale = PairScale.fit(Pairs.from_rows(rows, queries=50, models=4))
    assert scale.level == pytest.approx([0, -1, 0, 1], abs=1e-6)


def test_scores_are_half_the_gain_against_the_mean() -> None:
    rows = [(0, 0, 1, 1), (1, 0, 1, 1), (2, 0, 1, -1), (3, 0, 1, 1)]
    pairs = Pairs.from_rows(rows, queries=5, models=2)
    scale = PairScale.fit(pairs)
    assert scale.level == pytest.approx([0.125, -0.125], abs=1e-5)
    scores = scale.scores(pairs)
    assert scores[0] == pytest.approx([0.5 + 0.5 * 0.375, 0.5 - 0.5 * 0.375], abs=1e-5)
    assert scores[4] == pytest.approx([0.5625, 0.4375], abs=1e-5)
    assert scores[:4].mean(axis=0) == pytest.approx(0.5 + 0.5 * scale.level, abs=1e-5)


def test_a_milder_label_moves_a_score_half_as_far() -> None:
    scale = PairScale(level=np.zeros(2))
    for margin, score in ((2, 1.0), (1, 0.75), (0, 0.5), (-1, 0.25), (-2, 0.0)):
        pairs = Pairs.from_rows([(0, 0, 1, margin)], queries=1, models=2)
        assert scale.scores(pairs)[0] == pytest.approx([score, 1 - score])


def test_swapping_all_pairs_changes_nothing() -> None:
    pairs, _ = compared(100)
    turned = Pairs(
        queries=pairs.queries, models=pairs.models, query=pairs.query,
        first=pairs.second, second=pairs.first, margin=-pairs.margin,
    )  # fmt: skip
    one, other = PairScale.fit(pairs), PairScale.fit(turned)
    assert one.scores(pairs) == pytest.approx(other.scores(turned))


def test_what_was_not_compared_is_at_the_mean() -> None:
    pairs = Pairs.from_rows([(0, 0, 1, 2)], queries=2, models=3)
    scores = PairScale.fit(pairs).scores(pairs)
    assert scores[:, 2] == pytest.approx(0.5)
    assert scores[0, 0] > 0.5 > scores[0, 1]


def test_no_pairs_are_no_error() -> None:
    none = Pairs.from_rows([], queries=2, models=3)
    assert PairScale.fit(none).scores(none) == pytest.approx(np.full((2, 3), 0.5))
