"""Writes tuned layers as graphs/routing/encoders/minilm_graph.py reads them: int8 matrices, a scale an output."""

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphs.routing.encoders.minilm_graph import LAYERS, MATRICES, layer_name

__all__ = ["write_layers"]

_LARGEST = 127


def write_layers(path: Path, weights: Mapping[str, NDArray[np.float32]], *, first: int) -> str:
    """Write the layers from `first` on and return the file's SHA-256.

    Args:
        path: the file to write.
        weights: of the model, by the names of transformers.
        first: the first layer that was tuned.

    Raises:
        OSError: the file cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for layer in range(first, LAYERS):
        own = f"encoder.layer.{layer}."
        for name in sorted(n for n in weights if n.startswith(own)):
            part = name.removeprefix(own)
            target = f"{layer_name(layer)}{part}"
            if part.removesuffix(".weight") in MATRICES:
                arrays[f"{target}_q"], arrays[f"{target}_scale"] = _quantised(weights[name].T)
            else:
                arrays[target] = weights[name]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    content = buffer.getvalue()
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _quantised(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return a matrix (inputs, outputs) as int8 and the scale of each output (1, outputs)."""
    scale = np.maximum(np.abs(matrix).max(axis=0, keepdims=True), 1e-12) / _LARGEST
    return np.rint(matrix / scale).astype(np.int8), scale.astype(np.float32)
