"""The index against brute force: the same hits in the same order for any vectors, mask and history.

The vectors are whole numbers, so both sides compute every score exactly and ties are common.
"""

import random

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agents.errors import RoutingError
from graphs.routing.index import VectorIndex

Rows = npt.NDArray[np.float32]
Stored = dict[str, list[float]]

DIM = 3
NUMBERS = st.integers(-3, 3).map(float)
VECTOR = st.lists(NUMBERS, min_size=DIM, max_size=DIM)
IDS = st.text("aé\ud800", max_size=3)  # few, so that the drawn ids meet
STORED = st.dictionaries(IDS, VECTOR, max_size=40)
QUERIES = arrays(np.float32, st.tuples(st.integers(0, 40), st.just(DIM)), elements=NUMBERS)


def build(stored: Stored) -> VectorIndex:
    return VectorIndex.from_vectors(
        list(stored), np.array(list(stored.values()), np.float32).reshape(-1, DIM)
    )


def brute_force(
    stored: Stored, queries: Rows, k: int, allowed: set[str] | None
) -> list[list[tuple[str, float]]]:
    hits = [
        [
            (id_, float(np.dot(query, row)))
            for id_, row in stored.items()
            if allowed is None or id_ in allowed
        ]
        for query in queries
    ]
    return [sorted(row, key=lambda hit: (-hit[1], hit[0]))[:k] for row in hits]


@given(
    STORED, QUERIES, st.integers(1, 50), st.none() | st.sets(IDS), st.randoms(use_true_random=False)
)
@settings(max_examples=100, deadline=None)
def test_search_equals_brute_force(
    stored: Stored, queries: Rows, k: int, allowed: set[str] | None, chance: random.Random
) -> None:
    if allowed is not None and stored:
        allowed |= set(chance.sample(sorted(stored), chance.randint(0, len(stored))))
    assert build(stored).search(queries, k, allowed=allowed) == brute_force(
        stored, queries, k, allowed
    )


@given(STORED, st.lists(st.tuples(IDS, VECTOR), max_size=30), QUERIES)
@settings(max_examples=100, deadline=None)
def test_a_changed_index_equals_one_built_anew(
    stored: Stored, changes: list[tuple[str, list[float]]], queries: Rows
) -> None:
    index = build(stored)
    now = dict(stored)
    for id_, row in changes:
        if now.pop(id_, None) is None:
            index.add([id_], np.array([row]))
            now[id_] = row
        else:
            index.remove([id_])
    assert len(index) == len(now)
    assert index.search(queries, 5) == brute_force(now, queries, 5, None)


@given(
    arrays(np.float64, (5, DIM), elements=st.floats(width=64)),
    arrays(np.float64, (2, DIM), elements=st.floats(width=64)),
    st.integers(1, 9),
)
@settings(max_examples=100, deadline=None)
def test_any_numbers_give_finite_scores_or_a_routing_error(
    vectors: npt.NDArray[np.float64], queries: npt.NDArray[np.float64], k: int
) -> None:
    ids = ["a", "b", "c", "d", "e"]
    try:
        hits = VectorIndex.from_vectors(ids, vectors).search(queries, k)
    except RoutingError:
        assert not (np.abs(np.vstack([vectors, queries])) <= 1e15).all()
        return
    for row in hits:
        assert len(row) == min(k, 5)
        assert {id_ for id_, _ in row} <= set(ids)
        assert np.isfinite([score for _, score in row]).all()


@given(st.integers(0, 2**32 - 1), st.integers(100, 400))
@settings(max_examples=30, deadline=None)
def test_hundreds_of_neighbours_of_one_query_are_those_found_for_many(seed: int, k: int) -> None:
    numbers = np.random.default_rng(seed).integers(-3, 4, (402, 8)).astype(np.float32)
    stored, queries = numbers[:400], numbers[400:]
    index = VectorIndex.from_vectors([str(row) for row in range(400)], stored)
    alone = [index.nearest_rows(query[None], k) for query in queries]
    together, _ = index.nearest_rows(queries, k)
    np.testing.assert_array_equal(np.vstack([scores for scores, _ in alone]), together)
    for query, (scores, rows) in zip(queries, alone, strict=True):
        np.testing.assert_array_equal(stored[rows[0]] @ query, scores[0])
        assert len(set(rows[0].tolist())) == k
