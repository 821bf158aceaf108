"""The pick of diverse queries."""

import numpy as np
import pytest

from graphs.routing.diverse import farthest_first


def units(angles: list[float]) -> np.ndarray:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_each_is_the_farthest_from_those_before() -> None:
    assert farthest_first(units([0.0, 0.01, 1.0, 2.2, 0.02]), 3) == [2, 3, 0]


def test_a_shorter_pick_is_the_beginning_of_a_longer_one() -> None:
    vectors = units(np.random.default_rng(0).uniform(0, 6, 50).tolist())
    whole = farthest_first(vectors, 50)
    assert sorted(whole) == list(range(50))
    for count in (0, 1, 7, 49):
        assert farthest_first(vectors, count) == whole[:count]


def test_groups_take_turns_until_they_are_empty() -> None:
    groups = ["a"] * 5 + ["b"] * 2 + [None]
    picked = farthest_first(units([0.1 * place for place in range(8)]), 8, groups=groups)
    assert [groups[row] for row in picked[:3]] == ["a", "b", None]
    assert sorted(picked) == list(range(8))


@pytest.mark.parametrize("count", [0, 3])
def test_nothing_to_pick_from_is_no_error(count: int) -> None:
    assert farthest_first(np.empty((0, 2), np.float32), count) == []


def test_equal_vectors_are_picked_in_their_order() -> None:
    assert farthest_first(units([1.0] * 4), 3) == [0, 1, 2]
