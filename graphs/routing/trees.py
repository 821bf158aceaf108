"""Boosted regression trees as plain arrays: what a fitted decision is, and its sum over rows of features.

ONNX Runtime walks them. It knows nothing of what the features mean.
"""

from dataclasses import dataclass, field

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

__all__ = ["Trees"]

_AT_MOST, _SUM = 0, 1
"""A node's test and how leaves are put together, as `TreeEnsemble` numbers them (https://onnx.ai/onnx/operators)."""
_OPSETS = [helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 5)]
_IR = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """Trees, one a row; node 0 is the root, and a node's right child follows its left one."""

    feature: NDArray[np.int16]
    """(trees, nodes); -1 marks a leaf."""
    threshold: NDArray[np.float32]
    """(trees, nodes); a row whose feature is at most this goes left. At a leaf, the leaf's value."""
    left: NDArray[np.int16]
    """(trees, nodes); at a leaf the node itself."""
    _session: ort.InferenceSession = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1  # the rows of a turn are few
        session = ort.InferenceSession(self._graph(), options, providers=["CPUExecutionProvider"])
        object.__setattr__(self, "_session", session)

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the sum over the trees for each row of features (n, features): (n,)."""
        given = np.ascontiguousarray(rows, np.float32)
        total: NDArray[np.float64] = self._session.run(None, {"rows": given})[0][:, 0]
        return total.astype(np.float64)

    def _graph(self) -> bytes:
        """Return the trees as ONNX has them: nodes that ask and leaves, each numbered through all trees."""
        trees, nodes = self.feature.shape
        feature, value = self.feature.ravel(), self.threshold.ravel().astype(np.float32)
        leaf = feature < 0
        # A tree that is one leaf asks something too, and comes to that leaf whatever the answer.
        asks = ~leaf
        asks[::nodes] = True
        number = np.where(leaf, np.cumsum(leaf), np.cumsum(asks)) - 1
        roots = nodes * np.arange(trees)
        yes = (self.left + roots[:, None]).ravel()[asks]
        no = yes + ~leaf[asks]
        node = helper.make_node(
            "TreeEnsemble",
            ["rows"],
            ["sums"],
            domain="ai.onnx.ml",
            aggregate_function=_SUM,
            n_targets=1,
            tree_roots=(np.cumsum(asks) - 1)[roots].tolist(),
            nodes_featureids=np.maximum(feature[asks], 0).tolist(),
            nodes_modes=numpy_helper.from_array(np.full(asks.sum(), _AT_MOST, np.uint8)),
            nodes_splits=numpy_helper.from_array(value[asks]),
            nodes_truenodeids=number[yes].tolist(),
            nodes_trueleafs=leaf[yes].astype(int).tolist(),
            nodes_falsenodeids=number[no].tolist(),
            nodes_falseleafs=leaf[no].astype(int).tolist(),
            leaf_targetids=[0] * int(leaf.sum()),
            leaf_weights=numpy_helper.from_array(value[leaf]),
        )
        given = helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["rows", "features"])
        sums = helper.make_tensor_value_info("sums", TensorProto.FLOAT, ["rows", 1])
        graph = helper.make_graph([node], "trees", [given], [sums])
        model = helper.make_model(graph, opset_imports=_OPSETS, ir_version=_IR)
        serialised: bytes = model.SerializeToString()
        return serialised
