"""Fitted trees as arrays: in single precision they say what they said in double. LightGBM is not needed here."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.fit_agents.boosting import _as_arrays, mean_trees
from graphs.routing.trees import Trees


def tree(threshold: float) -> Trees:
    """Return a tree of one question: at most the threshold -1, above it 1."""
    leaves = {"left_child": {"leaf_value": -1.0}, "right_child": {"leaf_value": 1.0}}
    return _as_arrays(
        [{"split_feature": 0, "decision_type": "<=", "threshold": threshold, **leaves}]
    )


@given(
    threshold=st.floats(-1e6, 1e6, allow_subnormal=False),
    value=st.floats(-1e6, 1e6, width=32, allow_subnormal=False),
)
def test_a_number_goes_the_way_that_its_threshold_in_double_precision_sends_it(
    threshold: float, value: float
) -> None:
    assert tree(threshold)(np.array([[value]], np.float32))[0] == (-1 if value <= threshold else 1)


def test_a_threshold_that_rounds_to_the_number_above_it_does_not_let_that_number_through() -> None:
    below = np.float32(-13.815509)
    above = np.nextafter(below, np.float32(np.inf))
    threshold = 0.1 * float(below) + 0.9 * float(above)
    assert np.float32(threshold) == above
    rows = np.array([[below], [above]])
    assert tree(threshold)(rows).tolist() == [-1, 1]


def test_the_mean_of_two_sets_of_trees_says_the_mean_of_what_they_say() -> None:
    alone = _as_arrays([{"leaf_value": 4.0}])
    rows = np.array([[0.0], [2.0]])
    assert mean_trees(tree(1.0), alone)(rows).tolist() == [1.5, 2.5]
