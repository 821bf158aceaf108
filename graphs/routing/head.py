"""A linear classifier over the cards' own examples, fitted when cards are loaded: no training, one solve.

Linear discriminant analysis with a shrunken shared covariance (Friedman, 1989): agents with few examples borrow the
shape of the others'. It is not there where examples are few.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.routing.known import Known

__all__ = ["ExampleHead", "fit_head"]

Matrix = NDArray[np.float32]
FEWEST_EXAMPLES = 60
FEWEST_AN_AGENT = 3
SHRINKAGE = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleHead:
    """Weights (d, agents) and biases."""

    ids: tuple[str, ...]
    weights: Matrix
    biases: Matrix
    scale: float

    def probabilities(self, vector: Matrix) -> dict[str, float]:
        """Return each agent's share, as if one of them were meant."""
        scores = self.scale * (vector @ self.weights + self.biases)
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        return dict(zip(self.ids, shares.tolist(), strict=True))


def fit_head(known: Sequence[Known]) -> ExampleHead | None:
    """Fit on the agents that have examples; None if there are too few."""
    with_examples = sorted(
        (k for k in known if len(k.examples) >= FEWEST_AN_AGENT), key=lambda k: k.id
    )
    count = sum(len(k.examples) for k in with_examples)
    if len(with_examples) < 2 or count < FEWEST_EXAMPLES:
        return None
    means = np.stack([k.examples.mean(axis=0) for k in with_examples])
    spread = sum(
        ((k.examples - m).T @ (k.examples - m) for k, m in zip(with_examples, means, strict=True)),
        np.zeros((means.shape[1], means.shape[1]), np.float32),
    ) / max(count - len(means), 1)
    ridge = np.trace(spread) / len(spread)
    shrunk = (1 - SHRINKAGE) * spread + SHRINKAGE * ridge * np.eye(len(spread), dtype=np.float32)
    weights = np.linalg.solve(shrunk, means.T).astype(np.float32)
    biases = (-0.5 * np.einsum("nd,dn->n", means, weights)).astype(np.float32)
    return ExampleHead(
        ids=tuple(k.id for k in with_examples), weights=weights, biases=biases, scale=0.1
    )
