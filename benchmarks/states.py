"""More of the encoder's last hidden state than its mean, to see whether a head learns more from it.

Mean, maximum and first token of the token states, each at length 1, side by side. Nothing that is shipped uses them.
"""

import numpy as np
import numpy.typing as npt

from graphs.routing.encoders.minilm import OnnxEncoder
from graphs.routing.encoders.rows import Vectors

__all__ = ["StateEncoder"]


class StateEncoder(OnnxEncoder):
    """The shipped encoder's token states, summed up in three ways; the first 384 numbers are the shipped vector."""

    name = f"{OnnxEncoder.name}+max+first"
    dim = 3 * OnnxEncoder.dim

    def _pooled(self, hidden: Vectors, mask: npt.NDArray[np.int64]) -> Vectors:
        highest = np.where(mask[:, :, None] > 0, hidden, -np.inf).max(axis=1)
        blocks = (super()._pooled(hidden, mask), highest, hidden[:, 0])
        rows: Vectors = np.hstack([b / np.linalg.norm(b, axis=1, keepdims=True) for b in blocks])
        return rows
