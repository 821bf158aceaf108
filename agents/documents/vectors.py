"""The optional semantic side of the search: makes, stores and compares vectors of passages.

It knows the encoder only as a function and works with any; vectors made by another encoder are noticed and made anew.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from agents.documents.store import Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PROBE = "The quick brown fox jumps over the lazy dog."
_SAME = 0.999
_BATCH = 32
_SCAN = 4_096


class Embed(Protocol):
    """Turns texts into vectors."""

    def __call__(self, texts: Sequence[str], /) -> "NDArray[np.float32]":
        """Return a float32 matrix with a row for each text."""


def complete(store: Store, embed: Embed, *, seconds: float) -> int:
    """Make the vectors that are missing until the time is over; return how many are still missing."""
    import numpy as np  # takes 100 ms, and only runs with an encoder need it

    probe = _unit(embed([_PROBE]))[0]
    stored = store.probe()
    known = np.frombuffer(stored, dtype=np.float32) if stored else np.empty(0, dtype=np.float32)
    if known.shape != probe.shape or float(known @ probe) < _SAME:
        store.forget_vectors(probe.tobytes())
    missing = store.without_vector()
    deadline = time.monotonic() + seconds
    for start in range(0, len(missing), _BATCH):
        if time.monotonic() > deadline:
            return len(missing) - start
        batch = missing[start : start + _BATCH]
        rows = _unit(embed([store.passage(number).text for number in batch]))
        store.set_vectors(
            [(number, row.tobytes()) for number, row in zip(batch, rows, strict=True)]
        )
    return 0


def nearest(store: Store, question: str, *, embed: Embed, limit: int) -> dict[int, float]:
    """Return the cosines of the passages nearest to a question, by passage id, nearest first."""
    import numpy as np  # takes 100 ms, and only runs with an encoder need it

    target = _unit(embed([question]))[0]
    best: list[tuple[float, int]] = []
    for block in store.vectors(block=_SCAN):
        rows = np.frombuffer(b"".join(data for _, data in block), dtype=np.float32)
        cosines = rows.reshape(len(block), -1) @ target
        scored = [(float(value), number) for value, (number, _) in zip(cosines, block, strict=True)]
        best = sorted(best + scored, key=lambda pair: (-pair[0], pair[1]))[:limit]
    return {number: cosine for cosine, number in best}


def _unit(rows: "NDArray[np.float32]") -> "NDArray[np.float32]":
    import numpy as np  # takes 100 ms, and only runs with an encoder need it

    matrix = np.asarray(rows, dtype=np.float32)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (matrix / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit
