"""MoMA's router head: the ordinal logit, gates and balance, what it learns from pairs and scores, one model more."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from graphs.routing.estimators import ordinal
from graphs.routing.estimators.base import UNKNOWN_DOMAIN, Estimate, Queries, Training
from graphs.routing.estimators.combined import Combined, _weights
from graphs.routing.estimators.convex import convex, surely_less
from graphs.routing.estimators.gated import Gated, Shape, gates
from graphs.routing.estimators.lessons import Lessons
from graphs.routing.estimators.mixture import Comparisons, MixtureOfExperts, Setting
from graphs.routing.preferences import Pairs

Matrix = NDArray[np.float64]
DENSE = Setting(Shape(experts=1, top=1, width=16), 0.0)
WIDE = Setting(Shape(experts=1, top=1, width=64), 0.0)
MIXED = Setting(Shape(experts=8, top=2, width=8), 0.1)
SUBJECTS, MODELS, DIM = 4, 4, 16


def structured(n: int, *, seed: int) -> tuple[Training, Matrix]:
    """Return outcomes whose logits are linear in the query, by another rule in each of four subjects, and chances."""
    random = np.random.default_rng(seed)
    subject = random.integers(SUBJECTS, size=n)
    inner = random.normal(size=(n, 4))
    rules = np.random.default_rng(99).normal(0, 2.5, (SUBJECTS, 4, MODELS))
    vectors = np.hstack([1.5 * np.eye(SUBJECTS, DIM - 4)[subject], inner])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    chance = 1 / (1 + np.exp(-np.einsum("nd,ndm->nm", inner, rules[subject])))
    training = Training(
        queries=Queries(vectors=vectors.astype(np.float32), surface=np.zeros((n, 2))),
        scores=(random.random(chance.shape) < chance).astype(np.float64),
        domains=np.full(n, UNKNOWN_DOMAIN),
    )
    return training, chance


def judged(chance: Matrix, *, seed: int, a_query: int = 4) -> Pairs:
    """Return pairs of models on each query, judged with noise."""
    random = np.random.default_rng(seed)
    rows = []
    for query, row in enumerate(chance):
        for _ in range(a_query):
            one, other = random.choice(len(row), 2, replace=False)
            opinion = 4 * (row[one] - row[other]) + random.logistic()
            margin = int(np.searchsorted([-2.0, -0.7, 0.7, 2.0], opinion)) - 2
            rows.append((query, int(one), int(other), margin))
    return Pairs.from_rows(rows, queries=len(chance), models=chance.shape[1])


def swapped(pairs: Pairs) -> Pairs:
    return replace(pairs, first=pairs.second, second=pairs.first, margin=-pairs.margin)


def comparing(training: Training, pairs: Pairs) -> Comparisons:
    return Comparisons(pairs=pairs, more=training.queries.take(np.arange(0)))


def order(expected: Matrix, chance: Matrix) -> float:
    """Return the mean over queries of the correlation of what is expected with the truth."""
    ours, truth = (x - x.mean(axis=1, keepdims=True) for x in (expected, chance))
    norms = np.linalg.norm(ours, axis=1) * np.linalg.norm(truth, axis=1)
    return float(((ours * truth).sum(axis=1) / np.maximum(norms, 1e-12)).mean())


SEEN, SEEN_CHANCE = structured(1200, seed=1)
UNSEEN, UNSEEN_CHANCE = structured(600, seed=2)

# The ordinal logit

leads = st.floats(-30, 30)
steps = st.tuples(st.floats(-5, 5), st.floats(-5, 5)).map(np.array)


@given(lead=leads, free=steps)
def test_five_outcomes_are_antisymmetric_and_sum_to_1(lead: float, free: Matrix) -> None:
    cuts = ordinal.cuts_of(free)
    assert 0 < cuts[0] < cuts[1]
    one, other = (ordinal.chances(np.array([x]), cuts)[0] for x in (lead, -lead))
    assert np.allclose(one, other[::-1], atol=1e-12)
    assert one.sum() == pytest.approx(1)
    assert (one >= 0).all()
    worth = ordinal.expected(np.array([lead]), cuts)[0]
    assert worth == pytest.approx(float(one @ [0, 0.25, 0.5, 0.75, 1]))


def test_without_cuts_it_is_bradley_terry() -> None:
    shares = ordinal.chances(np.array([0.3]), np.zeros(2))[0]
    assert shares[4] == pytest.approx(1 / (1 + np.exp(-0.3)))
    assert shares[1:4] == pytest.approx([0, 0, 0])


@given(lead=st.floats(-8, 8), free=st.tuples(st.floats(-3, 3), st.floats(-3, 3)).map(np.array),
       margin=st.integers(-2, 2))  # fmt: skip
def test_the_slopes_are_those_of_the_loss(lead: float, free: Matrix, margin: int) -> None:
    at, margins, small = np.array([lead]), np.array([margin], np.intp), 1e-5

    def value(lead: Matrix, free: Matrix) -> float:
        return float(ordinal.loss(lead, margins, free).value[0])

    found = ordinal.loss(at, margins, free)
    slope = (value(at + small, free) - value(at - small, free)) / (2 * small)
    assert found.by_lead[0] == pytest.approx(slope, abs=1e-4)
    for place in range(2):
        step = small * np.eye(2)[place]
        slope = (value(at, free + step) - value(at, free - step)) / (2 * small)
        assert found.by_free[0, place] == pytest.approx(slope, abs=1e-4)


def test_the_cuts_begin_at_the_shares_of_the_outcomes() -> None:
    margins = np.repeat(np.arange(-2, 3), [10, 20, 40, 20, 10])
    shares = ordinal.chances(np.zeros(1), ordinal.cuts_of(ordinal.start_of(margins)))[0]
    assert shares == pytest.approx([0.1, 0.2, 0.4, 0.2, 0.1], abs=0.02)


# Gates and experts


@given(seed=st.integers(0, 1000), experts=st.integers(1, 8), data=st.data())
def test_the_gates_are_k_and_sum_to_1(seed: int, experts: int, data: st.DataObject) -> None:
    top = data.draw(st.integers(1, experts))
    logits = np.random.default_rng(seed).normal(0, 3, (20, experts)).astype(np.float32)
    shares, kept = gates(logits, top)
    assert np.allclose(shares.sum(axis=1), 1, atol=1e-5)
    assert np.allclose(kept.sum(axis=1), 1, atol=1e-5)
    assert ((kept > 0).sum(axis=1) == top).all()
    assert (np.take_along_axis(kept, logits.argmax(axis=1)[:, None], axis=1) > 0).all()


@pytest.mark.parametrize("shape", [Shape(1, 1, 3), Shape(3, 2, 2), Shape(3, 3, 2)])
def test_the_gradient_is_that_of_loss_and_balance(shape: Shape) -> None:
    random = np.random.default_rng(0)
    rows, slope = random.normal(size=(30, 5)), random.normal(size=(30, 2))
    net, balance = Gated(shape=shape), 0.7
    start = [p.astype(np.float64) for p in net.start(5, np.zeros(2, np.float32), random)]
    start = [p + random.normal(0, 0.3, p.shape) for p in start]

    def value(parameters: list[Matrix]) -> float:
        passed = net.passed(parameters, rows)  # type: ignore[arg-type]
        load = (passed.kept > 0).mean(axis=0) / shape.top
        along = shape.experts * (load * passed.shares.mean(axis=0)).sum()
        return float((slope * passed.logits).sum() + balance * along)

    passed = net.passed(start, rows)  # type: ignore[arg-type]
    found = net.gradient(start, rows, passed, slope, balance=balance)  # type: ignore[arg-type]
    for place, array in enumerate(start):
        for at in list(np.ndindex(array.shape))[:6]:
            ends = []
            for sign in (1, -1):
                moved = [p.copy() for p in start]
                moved[place][at] += sign * 1e-6
                ends.append(value(moved))
            assert found[place][at] == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=2e-4)


def in_use(head: MixtureOfExperts, queries: Queries) -> float:
    """Return the exponential of the entropy of the mean gates."""
    share = head.features(queries)[1].mean(axis=1)
    return float(np.exp(-(share * np.log(np.maximum(share, 1e-12))).sum(axis=1)).mean())


def test_the_balance_lowers_imbalance() -> None:
    # Nearly all queries lean one way, so that one gate is ahead from the start.
    lean = np.random.default_rng(0).normal(0, 0.03, SEEN.queries.vectors.shape)
    lean[:, 0] += np.where(np.arange(len(SEEN)) % 10, 1, -1)
    lean /= np.linalg.norm(lean, axis=1, keepdims=True)
    skewed = replace(SEEN, queries=replace(SEEN.queries, vectors=lean.astype(np.float32)))
    free, balanced = (
        MixtureOfExperts.fit_held_out(skewed, settings=[Setting(Shape(4, 1, 4), balance)])[0]
        for balance in (0.0, 1.0)
    )
    assert in_use(balanced, skewed.queries) > in_use(free, skewed.queries) + 0.5


# What it learns


def test_where_rules_differ_by_subject_experts_find_more_than_a_dense_head_as_wide_as_k() -> None:
    def error(setting: Setting) -> float:
        head, _ = MixtureOfExperts.fit_held_out(SEEN, settings=[setting])
        return float(((head.predict(UNSEEN.queries).mean - UNSEEN_CHANCE) ** 2).mean())

    # As many hidden units as a query makes use of: 2 experts of 8, 16.
    assert error(MIXED) < 0.8 * error(DENSE)


def test_what_is_held_out_was_not_seen() -> None:
    noise = np.random.default_rng(0).random((300, MODELS)).round()
    alone = replace(SEEN.take(np.arange(300)), scores=noise)
    _, held = MixtureOfExperts.fit_held_out(alone)
    assert np.corrcoef(held.mean.ravel(), noise.ravel())[0, 1] < 0.1


def test_pairs_alone_teach_the_order_of_models() -> None:
    pairs = judged(SEEN_CHANCE, seed=3)
    blank = replace(SEEN, scores=np.full_like(SEEN.scores, 0.5))
    head, _ = MixtureOfExperts.fit_held_out(blank, comparing(SEEN, pairs), settings=[WIDE])
    assert order(head.predict(UNSEEN.queries).mean, UNSEEN_CHANCE) > 0.7
    logits = np.matmul(head.features(UNSEEN.queries)[0], head.loadings)
    assert np.abs(logits.mean(axis=2)).max() < 1e-3, "0 is the mean over the models of a query"
    assert (np.diff(head.cuts, axis=1, prepend=0) > 0).all()


def test_who_is_named_first_does_not_matter() -> None:
    few = SEEN.take(np.arange(300))
    pairs = judged(SEEN_CHANCE[:300], seed=3)
    one, other = (
        MixtureOfExperts.fit_held_out(few, comparing(few, p), settings=[MIXED])[0].predict(
            UNSEEN.queries
        )
        for p in (pairs, swapped(pairs))
    )
    assert np.allclose(one.mean, other.mean, atol=1e-3)


def test_pairs_on_other_queries_help_scores_and_scores_anchor_pairs() -> None:
    few, more = SEEN.take(np.arange(150)), SEEN.queries.take(np.arange(150, 1200))
    pairs = judged(SEEN_CHANCE[150:], seed=3)
    pairs = replace(pairs, query=pairs.query + 150, queries=1200)
    both, _ = MixtureOfExperts.fit_held_out(
        few, Comparisons(pairs=pairs, more=more), settings=[WIDE]
    )
    alone, _ = MixtureOfExperts.fit_held_out(few, settings=[WIDE])
    assert not both.cuts.any()
    found, without = (head.predict(UNSEEN.queries).mean for head in (both, alone))
    assert abs(found.mean() - few.scores.mean()) < 0.05
    assert order(found, UNSEEN_CHANCE) > order(without, UNSEEN_CHANCE) + 0.03


def test_equal_lessons_give_equal_heads() -> None:
    few, pairs = SEEN.take(np.arange(200)), judged(SEEN_CHANCE[:200], seed=3)
    one, other = (MixtureOfExperts.fit_held_out(few, comparing(few, pairs))[0] for _ in range(2))
    for name in ("first", "threshold", "loadings", "cuts"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


def test_the_slope_of_scores_and_pairs_together_is_that_of_the_loss() -> None:
    random = np.random.default_rng(0)
    pairs = judged(SEEN_CHANCE[:20], seed=3)
    lessons = Lessons(
        rows=np.zeros((20, 1), np.float32),
        scores=SEEN.scores[:20].astype(np.float32),
        scored=np.arange(20) % 2 == 0,
        pairs=pairs,
    )
    logits, judging = random.normal(size=(20, MODELS)), [np.array([0.2, -0.4]), np.array([0.3])]
    slope, by_judging = lessons.slopes(logits, judging)
    for at in [(0, 0), (1, 2), (7, 3)]:
        step = np.zeros_like(logits)
        step[at] = 1e-6
        ends = [lessons.loss(logits + s * step, judging) for s in (1, -1)]
        assert slope[at] == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=1e-6)
    for place, which in ((0, 0), (0, 1), (1, 0)):
        ends = []
        for sign in (1, -1):
            moved = [array.copy() for array in judging]
            moved[place][which] += sign * 1e-6
            ends.append(lessons.loss(logits, moved))
        assert by_judging[place][which] == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=1e-6)


# One model more


@pytest.mark.parametrize("by_pairs", [False, True], ids=["scores", "pairs"])
def test_a_new_model_changes_no_other(by_pairs: bool) -> None:
    old = replace(SEEN, scores=SEEN.scores[:, :3])
    pairs = judged(SEEN_CHANCE[:, :3], seed=3)
    head, _ = MixtureOfExperts.fit_held_out(
        old, comparing(old, pairs) if by_pairs else None, settings=[WIDE]
    )
    labelled, _ = structured(400, seed=5)
    more = head.with_model(replace(labelled, scores=labelled.scores[:, 3:]))
    for name in ("first", "threshold", "cuts"):
        assert getattr(more, name) is getattr(head, name)
    assert more.loadings[:, :, :3].tobytes() == head.loadings.tobytes()
    found = more.predict(UNSEEN.queries).mean
    assert np.allclose(found[:, :3], head.predict(UNSEEN.queries).mean, atol=1e-12)
    error = ((found[:, 3] - UNSEEN_CHANCE[:, 3]) ** 2).mean()
    assert error < 0.8 * UNSEEN_CHANCE[:, 3].var()


def test_a_new_model_with_few_rows_keeps_near_its_mean() -> None:
    old = replace(SEEN, scores=SEEN.scores[:, :3]).take(np.arange(300))
    head, _ = MixtureOfExperts.fit_held_out(old, settings=[MIXED])
    few = SEEN.take(np.arange(20))
    for scores in (np.zeros((20, 1)), np.ones((20, 1)), np.full((20, 1), 0.5)):
        found = head.with_model(replace(few, scores=scores)).predict(UNSEEN.queries).mean[:, 3]
        assert np.isfinite(found).all()
        assert abs(found.mean() - scores.mean()) < 0.1


# A part of the whole


def test_weights_are_convex_and_a_part_must_surely_gain() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=500)
    parts = np.column_stack([truth + random.normal(0, s, 500) for s in (1, 2, 9)])
    weights = convex(parts, truth, prior=np.ones(parts.shape[1]))
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert weights[0] > weights[1] > weights[2]
    queries, chance = np.repeat(np.arange(100), 5), random.normal(size=500)
    assert surely_less(truth**2, truth**2 + 0.2, queries)
    assert not surely_less(truth**2, truth**2 + chance - chance.mean(), queries)
    assert not surely_less(truth**2, truth**2, queries)


def test_experts_are_a_part_where_held_out_rows_gain_by_them_and_only_there() -> None:
    random, even = np.random.default_rng(0), np.full(MODELS, 1 / MODELS)
    near, far = (
        Estimate(SEEN_CHANCE + random.normal(0, s, SEEN_CHANCE.shape), np.ones_like(SEEN_CHANCE))
        for s in (0.1, 0.5)
    )
    for parts, taken in (([far] * 4 + [near], True), ([near] * 4 + [far], False)):
        weights = _weights(parts, SEEN.scores, even, None, "auto")
        assert (len(weights) == 5) == taken
    pairs = judged(SEEN_CHANCE, seed=3)
    assert len(_weights([far] * 4 + [near], SEEN.scores, even, comparing(SEEN, pairs), "auto")) == 5
    noise = random.random((300, MODELS)).round()
    left_out = Combined.fit(replace(SEEN.take(np.arange(300)), scores=noise))
    assert left_out.experts is None
    assert len(left_out.weights) == 4


def test_the_head_alone_is_the_paper_s_router() -> None:
    few, pairs = SEEN.take(np.arange(300)), judged(SEEN_CHANCE[:300], seed=3)
    alone, _ = Combined.fit_held_out(few, None, comparing(few, pairs), head="alone")
    assert alone.weights.tolist() == [0, 0, 0, 0, 1]
    assert alone.experts is not None
    near = few.queries
    found = alone.foresee(near)
    trusted = found.trust == 1
    assert np.allclose(
        found.estimate.mean[trusted], alone.experts.predict(near).mean[trusted], atol=1e-12
    )
