"""The index on small cases: order, masks, changes, refusals."""

import threading
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from agents.errors import RoutingError
from graphs.routing.index import VectorIndex

ENCODER = "tiny@1"
IDS = ["b", "a", "c", "ü\ud800", ""]
ROWS = np.array([[1, 0], [1, 0], [0, 1], [-1, 0], [0.5, 0.5]], np.float32)
EAST = np.array([[1, 0]], np.float32)


@pytest.fixture
def index() -> VectorIndex:
    return VectorIndex.from_vectors(IDS, ROWS)


def ids_of(hits: list[tuple[str, float]]) -> list[str]:
    return [id_ for id_, _ in hits]


# Search


def test_hits_come_best_first_and_ties_by_id(index: VectorIndex) -> None:
    assert index.search(EAST, 3) == [[("a", 1.0), ("b", 1.0), ("", 0.5)]]


def test_a_tie_at_the_end_goes_to_the_smaller_id(index: VectorIndex) -> None:
    assert index.search(EAST, 1) == [[("a", 1.0)]]


def test_ties_of_many_are_cut_by_id() -> None:
    ids = [f"{n:04}" for n in range(1000)]
    index = VectorIndex.from_vectors(ids[::-1], np.ones((1000, 2), np.float32))
    assert ids_of(index.search(EAST, 7)[0]) == ids[:7]


def test_more_neighbours_than_vectors_are_all_of_them(index: VectorIndex) -> None:
    assert sorted(ids_of(index.search(EAST, 10_000)[0])) == sorted(IDS)


def test_only_allowed_ids_come_back(index: VectorIndex) -> None:
    assert ids_of(index.search(EAST, 2, allowed={"c", "b", "unknown"})[0]) == ["b", "c"]
    assert index.search(EAST, 2, allowed=["c", "c"]) == [[("c", 0.0)]]


@pytest.mark.parametrize("allowed", [[], {"unknown"}], ids=["nothing", "unknown"])
def test_nothing_allowed_gives_empty_lists(index: VectorIndex, allowed: list[str]) -> None:
    assert index.search(np.vstack([EAST, EAST]), 3, allowed=allowed) == [[], []]


def test_an_empty_index_gives_empty_lists() -> None:
    empty = VectorIndex.from_vectors([], np.empty((0, 2), np.float32))
    assert empty.search(EAST, 3) == [[]]
    assert (len(empty), empty.dim) == (0, 2)


def test_no_query_gives_no_list(index: VectorIndex) -> None:
    assert index.search(np.empty((0, 2), np.float32), 3) == []


def test_a_zero_query_ties_everything(index: VectorIndex) -> None:
    assert index.search(np.zeros((1, 2)), 2) == [[("", 0.0), ("a", 0.0)]]


def test_the_largest_numbers_give_finite_scores() -> None:
    rows = np.full((1, 384), 1e15)
    [[(_, score)]] = VectorIndex.from_vectors(["a"], rows).search(-rows, 1)
    assert score == pytest.approx(-384e30)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (np.ones((1, 3)), r"\(1, 3\), expected \(n, 2\)"),
        (np.ones(2), r"\(2,\), expected \(n, 2\)"),
        (np.array([[1.0, np.nan]]), "not finite"),
        (np.array([[np.inf, 0.0]]), "not finite"),
        (np.array([[1e300, 0.0]]), "not finite"),
        (np.array([["x", "y"]]), "expected numbers"),
    ],
    ids=["dimension", "flat", "nan", "inf", "beyond float32", "text"],
)
def test_a_query_that_is_no_vector_is_refused(
    index: VectorIndex, query: npt.NDArray[Any], message: str
) -> None:
    with pytest.raises(RoutingError, match=message):
        index.search(query, 1)


@pytest.mark.parametrize("k", [0, -1])
def test_no_neighbours_cannot_be_asked_for(index: VectorIndex, k: int) -> None:
    with pytest.raises(RoutingError, match=f"{k} neighbours"):
        index.search(EAST, k)


def test_a_query_scores_the_same_alone_and_among_many() -> None:
    """A matrix product in place of single ones would round by position, and equal vectors would no longer tie."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((300, 384)).astype(np.float32)
    vectors[100:200] = vectors[:100]
    index = VectorIndex.from_vectors([str(n) for n in range(300)], vectors)
    queries = rng.standard_normal((50, 384)).astype(np.float32)
    together = index.search(queries, 300)
    assert together == [index.search(query[None], 300)[0] for query in queries]
    assert together == index.search(queries, 300, allowed={str(n) for n in range(300)})
    for hits in together:
        scores = dict(hits)
        assert all(scores[str(n)] == scores[str(n + 100)] for n in range(100))


# Changes


def test_removed_ids_are_gone_and_the_rest_stays(index: VectorIndex) -> None:
    index.remove(["b", "", "b"])
    assert ids_of(index.search(EAST, 9)[0]) == ["a", "c", "ü\ud800"]
    assert "b" not in index
    assert "a" in index
    index.add(["b"], np.array([[2, 0]]))
    assert index.search(EAST, 1) == [[("b", 2.0)]]


def test_everything_can_be_removed_and_added_again(index: VectorIndex) -> None:
    index.remove(IDS)
    assert index.search(EAST, 1) == [[]]
    index.add(IDS, ROWS)
    assert index.search(EAST, 3) == VectorIndex.from_vectors(IDS, ROWS).search(EAST, 3)


@pytest.mark.parametrize(
    ("ids", "rows", "message"),
    [
        (["new", "a"], np.ones((2, 2)), "'a' is in the index already"),
        (["new", "new"], np.ones((2, 2)), "'new' is in the index already"),
        (["new"], np.ones((2, 2)), "1 ids came with 2 vectors"),
        (["new"], np.ones((1, 3)), r"\(1, 3\), expected \(n, 2\)"),
        (["new"], np.array([[np.nan, 1]]), "not finite"),
    ],
    ids=["taken", "twice", "number", "dimension", "nan"],
)
def test_a_refused_addition_changes_nothing(
    index: VectorIndex, ids: list[str], rows: npt.NDArray[Any], message: str
) -> None:
    before = index.search(EAST, 9)
    with pytest.raises(RoutingError, match=message):
        index.add(ids, rows)
    assert index.search(EAST, 9) == before
    assert len(index) == len(IDS)


def test_a_refused_removal_changes_nothing(index: VectorIndex) -> None:
    with pytest.raises(RoutingError, match="'unknown' is not in the index"):
        index.remove(["a", "unknown"])
    assert "a" in index


@pytest.mark.parametrize("shape", [(3,), (0,), (1, 0), (1, 2, 2)], ids=str)
def test_vectors_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(RoutingError, match="expected"):
        VectorIndex.from_vectors(["a"] * shape[0], np.ones(shape))


def test_searches_stay_whole_while_another_thread_changes_the_index() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((400, 16)).astype(np.float32)
    ids = [str(n) for n in range(400)]
    index = VectorIndex.from_vectors(ids[:200], vectors[:200])
    expected = dict(VectorIndex.from_vectors(ids, vectors).search(vectors[:1], 400)[0])
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            index.add(ids[200:], vectors[200:])
            index.remove(ids[200:])

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(200):
            hits = index.search(vectors[:1], 400)[0]
            assert len(hits) in (200, 400)
            assert all(expected[id_] == score for id_, score in hits)
    finally:
        stop.set()
        thread.join()
