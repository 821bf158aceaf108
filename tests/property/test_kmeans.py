"""K-means on any rows: its sums are sums, its distances are distances, and it finds each of few distinct rows."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from graphs.routing.estimators.kmeans import kmeans, squared_distances, totals

numbers = st.integers(-3, 3)
tables = st.integers(1, 4).flatmap(
    lambda d: st.lists(st.lists(numbers, min_size=d, max_size=d), min_size=1, max_size=12)
)


def rows(table: list[list[int]]) -> NDArray[np.float32]:
    return np.array(table, np.float32)


@given(table=tables, k=st.integers(1, 15))
@settings(max_examples=60, deadline=None)
def test_there_are_as_many_centroids_as_asked_or_as_there_are_rows(
    table: list[list[int]], k: int
) -> None:
    vectors = rows(table)
    distinct = len({tuple(row) for row in table})
    centroids = kmeans(vectors, k)
    assert len(centroids) == min(k, distinct)
    assert np.array_equal(centroids, kmeans(vectors, k))
    if k >= distinct:
        assert squared_distances(vectors, centroids).min(axis=1).max() < 1e-4


@given(table=tables)
@settings(max_examples=60, deadline=None)
def test_one_centroid_is_the_mean(table: list[list[int]]) -> None:
    vectors = rows(table)
    assert np.allclose(kmeans(vectors, 1), vectors.mean(axis=0), atol=1e-5)


@given(table=tables, data=st.data())
@settings(max_examples=60, deadline=None)
def test_totals_are_sums_and_counts_by_label(table: list[list[int]], data: st.DataObject) -> None:
    values = rows(table)
    labels = np.array(
        data.draw(st.lists(st.integers(0, 4), min_size=len(table), max_size=len(table)))
    )
    sums, counts = totals(labels, values, 5)
    for label in range(5):
        assert np.allclose(sums[label], values[labels == label].sum(axis=0))
        assert counts[label] == (labels == label).sum()
