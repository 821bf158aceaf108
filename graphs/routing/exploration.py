"""Which turns look beyond the first choice, and at what: a small share, by the hash of the decision's id.

A canary takes each model's quality as it may well be, drawn from what evidence leaves open (Thompson, 1933), so that a
model that changed is noticed though it is not the first choice. The same id draws the same: a turn can be replayed.
"""

import hashlib
from collections.abc import Mapping

import numpy as np

__all__ = ["Hunch", "drawn", "is_canary"]

Hunch = tuple[float, float]
"""The likeliest quality of a model and one standard deviation of what is left open."""


def is_canary(decision: str, share: float) -> bool:
    """Whether the turn of `decision` is one of the `share`, 0 to 1, of turns that explore."""
    return _number(decision, "canary") / 2**64 < share


def drawn(decision: str, hunches: Mapping[str, Hunch]) -> dict[str, float]:
    """Return a quality, 0 to 1, for each model, drawn for this decision; other models do not change what one draws."""
    found = {}
    for model, (mean, deviation) in hunches.items():
        chance = np.random.default_rng(_number(decision, model))
        found[model] = float(np.clip(mean + deviation * chance.standard_normal(), 0, 1))
    return found


def _number(decision: str, of: str) -> int:
    text = f"{decision}\0{of}".encode(errors="surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")
