"""Ranks passages by meaning: stores a vector for each and compares a question with all of them.

It knows the encoder only as a function and works with any; vectors made by another encoder are noticed and made anew.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from agents.documents.store import Store
from agents.errors import MomaError

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""Turns texts into the rows of a matrix."""
Progress = Callable[[int, int, str], None]
"""Told (passages done, passages to do, what is being done)."""

_PROBE = "The quick brown fox jumps over the lazy dog."
_SAME = 0.999
_BATCH = 32
_SCAN = 4_096


def complete(store: Store, embed: Embed | None, *, seconds: float, progress: Progress) -> int:
    """Make the vectors that are missing until the time is over; return how many are still missing."""
    probe = _unit(embed, [_PROBE])
    if probe is None:
        return 0
    stored = np.frombuffer(store.probe() or b"", dtype=np.float32)
    if stored.shape != probe[0].shape or float(stored @ probe[0]) < _SAME:
        store.forget_vectors(probe[0].tobytes())
    missing = store.without_vector()
    deadline = time.monotonic() + seconds
    for start in range(0, len(missing), _BATCH):
        if time.monotonic() > deadline:
            return len(missing) - start
        progress(start, len(missing), "reading for meaning")
        batch = missing[start : start + _BATCH]
        rows = _unit(embed, [store.passage(number).text for number in batch])
        if rows is None:
            return len(missing) - start
        store.set_vectors(
            [(number, row.tobytes()) for number, row in zip(batch, rows, strict=True)]
        )
    return 0


def nearest(store: Store, question: str, *, embed: Embed | None, limit: int) -> dict[int, float]:
    """Return the cosines of the passages nearest to a question, by passage id, nearest first."""
    target = _unit(embed, [question])
    if target is None:
        return {}
    best: list[tuple[float, int]] = []
    for block in store.vectors(block=_SCAN, size=target.nbytes):
        rows = np.frombuffer(b"".join(data for _, data in block), dtype=np.float32)
        cosines = rows.reshape(len(block), -1) @ target[0]
        scored = [(float(value), number) for value, (number, _) in zip(cosines, block, strict=True)]
        best = sorted(best + scored, key=lambda pair: (-pair[0], pair[1]))[:limit]
    return {number: cosine for cosine, number in best}


def _unit(embed: Embed | None, texts: Sequence[str]) -> NDArray[np.float32] | None:
    """Return a row of length 1 for each text; None without an encoder that works, for words find much alone."""
    try:
        matrix = np.asarray(embed(texts), dtype=np.float32) if embed else None
    except MomaError:
        return None
    if matrix is None:
        return None
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (matrix / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit
