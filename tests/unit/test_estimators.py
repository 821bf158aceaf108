"""Estimators of quality on outcomes of known structure: each finds it, alike every time, whatever little it is told."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from graphs.routing.estimators.adam import train
from graphs.routing.estimators.avengers import AvengersPro
from graphs.routing.estimators.base import (
    UNKNOWN_DOMAIN,
    Estimator,
    Fit,
    Queries,
    Training,
    splits,
    text_splits,
    texts,
)
from graphs.routing.estimators.clusters import Clusters
from graphs.routing.estimators.combined import Combined
from graphs.routing.estimators.factorisation import Factorisation
from graphs.routing.estimators.item_response import ItemResponse, TwoParameter
from graphs.routing.estimators.kmeans import kmeans
from graphs.routing.estimators.lbfgs import minimise
from graphs.routing.estimators.linear import LinearHead
from graphs.routing.estimators.local import LocalComponents
from graphs.routing.estimators.mixture import MixtureOfExperts
from graphs.routing.estimators.mlp import MLP
from graphs.routing.estimators.ridge import RotatedRidge
from graphs.routing.estimators.uniroute import UniRouteKMeans, UniRouteLearnedMap
from graphs.routing.estimators.zero import ZeroRouter

FITS: dict[str, Fit] = {
    "uniroute-kmeans": UniRouteKMeans.fit,
    "uniroute-map": UniRouteLearnedMap.fit,
    "avengers": AvengersPro.fit,
    "item-response": ItemResponse.fit,
    "factorisation": Factorisation.fit,
    "linear": LinearHead.fit,
    "mlp": MLP.fit,
    "mixture": MixtureOfExperts.fit,
}
each = pytest.mark.parametrize("fit", FITS.values(), ids=FITS)

SUBJECTS = 4
CHANCE = np.array([[0.98, 0.75, 0.7], [0.9, 0.5, 0.2], [0.5, 0.2, 0.9], [0.4, 0.1, 0.05]])
"""Of three models in four subjects, which differ in difficulty and in who is best."""


def outcomes(n: int, *, seed: int, graded: bool = False) -> Training:
    """Return queries in four directions, and scores drawn by `CHANCE`."""
    random = np.random.default_rng(seed)
    subject = random.integers(SUBJECTS, size=n)
    vectors = np.eye(SUBJECTS, 12)[subject] + random.normal(0, 0.12, (n, 12))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    draws = random.random((n, 3))
    chance = CHANCE[subject]
    scores = (draws + chance) / 2 if graded else (draws < chance).astype(np.float64)
    queries = Queries(
        vectors=vectors.astype(np.float32),
        surface=np.column_stack([random.normal(50, 9, n), np.full(n, 3.0)]),
    )
    return Training(queries=queries, scores=scores, domains=np.full(n, UNKNOWN_DOMAIN))


def squared_error(estimator: Estimator, on: Training) -> float:
    return float(((estimator.predict(on.queries).mean - on.scores) ** 2).mean())


SEEN, UNSEEN = outcomes(400, seed=1), outcomes(1000, seed=2)


@each
def test_it_finds_what_the_overall_scores_do_not_tell(fit: Fit) -> None:
    zero = squared_error(ZeroRouter.fit(SEEN), UNSEEN)
    assert squared_error(fit(SEEN), UNSEEN) < 0.85 * zero


@each
def test_equal_outcomes_give_equal_estimates(fit: Fit) -> None:
    few = SEEN.take(np.arange(120))
    first, second = (fit(few).predict(UNSEEN.queries) for _ in range(2))
    assert first.mean.tobytes() == second.mean.tobytes()
    assert first.deviation.tobytes() == second.deviation.tobytes()


def degenerate() -> dict[str, Training]:
    few = SEEN.take(np.arange(30))
    same = Queries(vectors=np.repeat(few.queries.vectors[:1], 30, axis=0), surface=np.ones((30, 2)))
    return {
        "one row": SEEN.take(np.array([0])),
        "two rows": SEEN.take(np.array([0, 1])),
        "one model": Training(queries=few.queries, scores=few.scores[:, :1], domains=few.domains),
        "always right": Training(queries=few.queries, scores=np.ones((30, 3)), domains=few.domains),
        "always wrong": Training(
            queries=few.queries, scores=np.zeros((30, 3)), domains=few.domains
        ),
        "graded": outcomes(30, seed=3, graded=True),
        "one query again and again": Training(queries=same, scores=few.scores, domains=few.domains),
    }


@each
@pytest.mark.parametrize("training", degenerate().values(), ids=degenerate())
def test_it_bears_what_tells_little(fit: Fit, training: Training) -> None:
    estimator = fit(training)
    strange = Queries(vectors=-UNSEEN.queries.vectors[:5], surface=np.array([[1e9, -1e9]] * 5))
    for queries in (UNSEEN.queries.take(np.arange(7)), strange, strange.take(np.arange(0))):
        mean, deviation = estimator.predict(queries)
        assert mean.shape == deviation.shape == (len(queries), training.scores.shape[1])
        assert np.isfinite(mean).all()
        assert ((mean >= 0) & (mean <= 1)).all()
        assert np.isfinite(deviation).all()
        assert (deviation > 0).all()


@each
def test_more_outcomes_make_it_surer(fit: Fit) -> None:
    many = fit(outcomes(600, seed=4)).predict(UNSEEN.queries).deviation.mean()
    few = fit(SEEN.take(np.arange(60))).predict(UNSEEN.queries).deviation.mean()
    assert many < few


# Clusters


@pytest.mark.parametrize(
    "fit", [RotatedRidge.fit, LocalComponents.fit, Combined.fit, LinearHead.fit]
)
def test_runs_of_the_same_texts_teach_no_more_than_one(fit: Fit) -> None:
    random = np.random.default_rng(0)
    once = outcomes(120, seed=0)
    chance = replace(once, scores=random.integers(0, 2, once.scores.shape).astype(float))
    runs = chance.take(np.tile(np.arange(120), 4))
    fresh = outcomes(200, seed=1).queries
    alone, again = (fit(training).predict(fresh).mean for training in (chance, runs))
    moved = np.abs(alone - chance.scores.mean(axis=0)).mean()
    assert np.abs(again - chance.scores.mean(axis=0)).mean() < moved + 0.05


@pytest.mark.parametrize("folds", [2, 5])
def test_no_text_is_in_two_parts(folds: int) -> None:
    rows = outcomes(40, seed=0).queries.vectors
    again = rows[np.random.default_rng(1).integers(0, 40, 200)]
    parts = text_splits(again, folds)
    assert len(parts) == folds
    assert sorted(np.concatenate([held for _, held in parts])) == list(range(200))
    for fitted, held in parts:
        assert len({*fitted, *held}) == 200
        assert not set(texts(again)[fitted]) & set(texts(again)[held])


def test_texts_that_are_there_once_are_split_as_rows() -> None:
    parts = text_splits(outcomes(40, seed=0).queries.vectors, 5, seed=3)
    for (fitted, held), (rows, others) in zip(parts, splits(40, 5, seed=3), strict=True):
        assert fitted.tolist() == rows.tolist()
        assert held.tolist() == others.tolist()


def test_the_clusters_are_the_subjects() -> None:
    centroids = kmeans(SEEN.queries.vectors, SUBJECTS)
    assert sorted(centroids.argmax(axis=1).tolist()) == list(range(SUBJECTS))


def test_outcomes_that_do_not_depend_on_the_query_make_one_cluster() -> None:
    shuffled = SEEN.scores[np.random.default_rng(0).permutation(len(SEEN))]
    training = Training(queries=SEEN.queries, scores=shuffled, domains=SEEN.domains)
    fitted = UniRouteKMeans.fit(training)
    assert len(fitted.clusters.centroids) == 1
    expected = ZeroRouter.fit(training).predict(UNSEEN.queries)
    assert np.allclose(fitted.predict(UNSEEN.queries).mean, expected.mean)


def test_an_empty_cluster_takes_the_overall_mean() -> None:
    away = np.zeros((1, 12), np.float32)
    away[0, -1] = -5
    clusters = Clusters.fit(np.vstack([SEEN.queries.vectors[:1], away]), SEEN)
    assert np.allclose(clusters.quality[1], SEEN.scores.mean(axis=0))
    assert (clusters.error[1] > clusters.error[0]).all()


@pytest.mark.parametrize("kind", [UniRouteKMeans, UniRouteLearnedMap, AvengersPro])
def test_a_new_model_changes_no_other(
    kind: type[UniRouteKMeans | UniRouteLearnedMap | AvengersPro],
) -> None:
    before = kind.fit(
        Training(queries=SEEN.queries, scores=SEEN.scores[:, :2], domains=SEEN.domains)
    )
    labelled = outcomes(300, seed=5)
    third = Training(
        queries=labelled.queries, scores=labelled.scores[:, 2:], domains=labelled.domains
    )
    after = before.with_model(third)
    was, now = before.predict(UNSEEN.queries), after.predict(UNSEEN.queries)
    assert now.mean.shape == (len(UNSEEN), 3)
    assert np.array_equal(after.clusters.quality[:, :2], before.clusters.quality)
    assert np.array_equal(after.clusters.error[:, :2], before.clusters.error)
    assert np.allclose(now.mean[:, :2], was.mean, rtol=0, atol=1e-12)
    new = ((now.mean[:, 2] - UNSEEN.scores[:, 2]) ** 2).mean()
    assert new < 0.85 * UNSEEN.scores[:, 2].var()


def test_the_map_is_learned_from_the_scores() -> None:
    start = UniRouteLearnedMap.start(SEEN, SUBJECTS)
    blank = replace(start, weights=np.zeros_like(start.weights), bias=np.zeros_like(start.bias))
    learned, epochs, error = blank.learn(SEEN, UNSEEN)
    assert epochs > 0
    assert squared_error(learned, UNSEEN) == pytest.approx(error, abs=1e-3)
    assert squared_error(learned, UNSEEN) < 0.9 * squared_error(blank, UNSEEN)


# Avengers-Pro's own rule

PRICES = np.array([3.0, 2.0, 1.0])


def chosen(performance: float) -> NDArray[np.intp]:
    fitted = AvengersPro.fit(SEEN)
    costs = fitted.costs(SEEN.queries, np.tile(PRICES, (len(SEEN), 1)))
    return fitted.decide(UNSEEN.queries, costs, performance=performance)


def test_avengers_takes_the_cheapest_or_the_best_of_the_clusters() -> None:
    assert (chosen(0) == 2).all()
    best = chosen(1)
    subject = UNSEEN.queries.vectors.argmax(axis=1)
    assert (best == CHANCE.argmax(axis=1)[subject]).mean() > 0.9


def test_avengers_spends_more_for_performance() -> None:
    spent = [PRICES[chosen(weight)].mean() for weight in (0, 0.25, 0.5, 0.75, 1)]
    assert spent == sorted(spent)
    assert spent[0] < spent[-1]


# Heads and what fits them


def test_item_response_orders_models_by_ability_and_queries_by_difficulty() -> None:
    random = np.random.default_rng(0)
    difficulty = 4 * SEEN.queries.vectors[:, 0]
    ability = np.array([1.0, 2.0, 3.0])
    chance = 1 / (1 + np.exp(difficulty[:, None] - ability))
    training = Training(
        queries=SEEN.queries,
        scores=(random.random(chance.shape) < chance) * 1.0,
        domains=SEEN.domains,
    )
    fitted = ItemResponse.fit(training)
    for head in fitted.heads:
        assert isinstance(head, TwoParameter)
        ability = (head.ease / head.discrimination).tolist()
        assert ability == sorted(ability)
    mean = fitted.predict(SEEN.queries).mean
    assert np.corrcoef(mean.mean(axis=1), -difficulty)[0, 1] > 0.8


def test_adam_and_lbfgs_find_the_least_squares() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(200, 3))
    truth = np.array([[1.0], [-2.0], [0.5]])
    targets = rows @ truth

    def slope(weights: NDArray[Any], batch: NDArray[np.intp]) -> Any:
        return rows[batch].T @ (rows[batch] @ weights - targets[batch]) / len(batch)

    found, _, _ = train(
        [np.zeros((3, 1), np.float32)],
        lambda parameters, batch: [slope(parameters[0], batch).astype(np.float32)],
        None,
        rows=200,
        rate=0.1,
        epochs=60,
    )
    assert np.allclose(found[0], truth, atol=1e-2)
    every = np.arange(200)
    exact = minimise(
        lambda p: (float(((rows @ p[0] - targets) ** 2).sum() / 400), [slope(p[0], every)]),
        [np.zeros((3, 1))],
    )
    assert np.allclose(exact[0], truth, atol=1e-3)


def test_adam_returns_the_parameters_of_the_best_epoch() -> None:
    losses = iter([5.0, 3.0, 1.0, *[2.0] * 20])
    seen: list[float] = []

    def held(parameters: list[NDArray[np.float32]]) -> float:
        seen.append(float(parameters[0][0]))
        return next(losses)

    found, epochs, loss = train(
        [np.zeros(1, np.float32)],
        lambda parameters, batch: [np.ones(1, np.float32)],
        held,
        rows=10,
        rate=0.1,
        epochs=20,
    )
    assert (epochs, loss) == (2, 1.0)
    assert float(found[0][0]) == seen[2]
    assert len(seen) < 12


def test_decay_draws_weights_to_zero_and_leaves_biases() -> None:
    run: Callable[..., tuple[list[NDArray[np.float32]], int, float]] = partial(
        train,
        [np.ones((2, 2), np.float32), np.ones(2, np.float32)],
        lambda parameters, batch: [np.zeros_like(p) for p in parameters],
        None,
        rows=100,
        rate=0.1,
        epochs=10,
    )
    (weights, bias), _, _ = run(decay=1.0)
    assert (weights < 0.7).all()
    assert (bias == 1).all()
