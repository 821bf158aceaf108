"""Fits boosted trees on groups, with LightGBM: the softmax over a group's rows gets the cross-entropy of the right one.

It knows nothing of what the features mean. LightGBM is needed here alone, and not where the trees are used.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.fit_agents.policy import Group
from graphs.routing.trees import Trees

__all__ = ["fit_trees", "mean_trees"]

_SETTINGS = {
    "num_leaves": 31,
    "learning_rate": 0.08,
    "min_data_in_leaf": 40,
    "min_sum_hessian_in_leaf": 1.0,
    "lambda_l2": 5.0,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "max_depth": 8,
    "use_missing": False,
    "num_threads": 1,
    "seed": 1,
    "verbose": -1,
}
_BINS = 127
_TOLERANCE = 1e-4


def fit_trees(groups: Sequence[Group], *, rounds: int) -> Trees:
    """Return `rounds` trees, or fewer where there is nothing left to split."""
    import lightgbm

    rows = np.concatenate([g.rows for g in groups])
    sizes = np.array([len(g.rows) for g in groups])
    starts = np.cumsum([0, *sizes[:-1]])
    labels = np.zeros(len(rows))
    labels[starts + np.array([g.right for g in groups])] = 1
    group_of = np.repeat(np.arange(len(groups)), sizes)

    def slopes(
        scores: NDArray[np.float64], _: object
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        shares = np.exp(scores - np.maximum.reduceat(scores, starts)[group_of])
        shares /= np.add.reduceat(shares, starts)[group_of]
        return shares - labels, 2 * np.maximum(shares * (1 - shares), 1e-4)

    data = lightgbm.Dataset(rows, label=labels, params={"max_bin": _BINS})
    settings = {**_SETTINGS, "objective": slopes}
    booster = lightgbm.train(settings, data, num_boost_round=rounds)
    trees = _as_arrays([t["tree_structure"] for t in booster.dump_model()["tree_info"]])
    few = rows[:: max(1, len(rows) // 1000)]
    differs = np.abs(trees(few) - booster.predict(few, num_threads=1)) > _TOLERANCE
    assert not differs.any(), "the arrays say something else than the trees"
    return trees


def mean_trees(one: Trees, other: Trees) -> Trees:
    """Return trees whose sum is the mean of the sums of two sets: each leaf counts half."""
    nodes = max(one.feature.shape[1], other.feature.shape[1])
    feature, threshold, left = (
        np.concatenate([_widened(getattr(part, name), nodes, fill) for part in (one, other)])
        for name, fill in (("feature", -1), ("threshold", 0), ("left", 0))
    )
    halved = np.where(feature < 0, threshold / 2, threshold).astype(np.float32)
    return Trees(feature=feature, threshold=halved, left=left)


def _widened(rows: NDArray[Any], nodes: int, fill: int) -> NDArray[Any]:
    wide = np.full((len(rows), nodes), fill, rows.dtype)
    wide[:, : rows.shape[1]] = rows
    return wide


def _as_arrays(roots: Sequence[dict[str, Any]]) -> Trees:
    found = [_nodes(root) for root in roots]
    shape = (len(found), max(map(len, found)))
    feature = np.full(shape, -1, np.int16)
    threshold = np.zeros(shape, np.float32)
    left = np.zeros(shape, np.int16)
    for row, nodes in enumerate(found):
        for column, values in enumerate(nodes):
            feature[row, column], threshold[row, column], left[row, column] = values
            # Rounded down, a number in single precision is on the same side of it as before.
            if feature[row, column] >= 0 and float(threshold[row, column]) > values[1]:
                threshold[row, column] = np.nextafter(threshold[row, column], np.float32(-np.inf))
    return Trees(feature=feature, threshold=threshold, left=left)


def _nodes(root: dict[str, Any]) -> list[tuple[int, float, int]]:
    """Return feature, threshold and left child of each node as Trees has them."""
    nodes: list[tuple[int, float, int]] = [(-1, 0.0, 0)]
    waiting = deque([(root, 0)])
    while waiting:
        node, at = waiting.popleft()
        if "split_feature" not in node:
            nodes[at] = (-1, node["leaf_value"], at)
            continue
        assert node["decision_type"] == "<=", "every feature is a number"
        first = len(nodes)
        nodes += [(-1, 0.0, 0)] * 2
        nodes[at] = (node["split_feature"], node["threshold"], first)
        waiting.append((node["left_child"], first))
        waiting.append((node["right_child"], first + 1))
    return nodes
