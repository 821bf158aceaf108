"""What every encoder does to a text before and to its vectors after. It knows no encoder."""

import numpy as np
import numpy.typing as npt

from agents.errors import RoutingError
from graphs.characters import whole

__all__ = ["BATCH_TEXTS", "Vectors", "one_line", "readable", "unit_rows"]

Vectors = npt.NDArray[np.float32]

BATCH_TEXTS = 32
_CHARACTERS = 4096


def readable(text: str) -> str:
    """Return what is read of a text: its beginning, with lone surrogates as U+FFFD."""
    return whole(text[:_CHARACTERS])


def unit_rows(vectors: npt.NDArray[np.floating], *, rows: int, encoder: str) -> Vectors:
    """Return the vectors at length 1.

    Raises:
        RoutingError: there are not `rows` of them, or one is zero or not finite.
    """
    if vectors.ndim != 2 or len(vectors) != rows:
        raise RoutingError(
            f"the encoder {encoder} gave vectors of shape {vectors.shape}, expected {rows} rows"
        )
    with np.errstate(over="ignore"):  # a norm beyond float64 is refused below
        norms = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    if not (np.isfinite(norms).all() and (norms > 0).all()):
        raise RoutingError(f"the encoder {encoder} gave a vector that is zero or not finite")
    unit: Vectors = (vectors / norms).astype(np.float32)
    return unit


def one_line(error: Exception) -> str:
    """Return an error of another library as one short line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
