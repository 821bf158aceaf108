"""Classifiers over the cards' own examples, fitted when cards are loaded: no training, one solve and one count.

Linear discriminant analysis over the vectors, with a shrunken shared covariance (Friedman, 1989), and naive Bayes over
the words; the more examples an agent has, the more its words count. Not there where examples are few.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.routing.known import Known
from graphs.routing.naive_bayes import NaiveBayes, count_words

__all__ = ["ExampleHead", "fit_head"]

Matrix = NDArray[np.float32]
FEWEST_EXAMPLES = 60
FEWEST_AN_AGENT = 3
MOST_AGENTS = 2_000
SHRINKAGE = 0.2
ENOUGH_WORDS = 50
"""Examples an agent from which words count as much as vectors."""
SHARPNESS = 2.0
_SAMPLE = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleHead:
    """Weights (d, agents) and biases for vectors, counts for words, and the scales that make them comparable."""

    ids: tuple[str, ...]
    weights: Matrix
    biases: Matrix
    words: NaiveBayes
    scales: tuple[float, float]
    trust: float
    """How much words count beside vectors, 0 to 1."""

    def probabilities(self, vector: Matrix, text: str) -> dict[str, float]:
        """Return each agent's share, as if one of them were meant."""
        near = (vector @ self.weights + self.biases) / self.scales[0]
        scores = near + self.trust * self.words.shares(text) / self.scales[1]
        scores = SHARPNESS * scores
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        return dict(zip(self.ids, shares.tolist(), strict=True))


def fit_head(known: Sequence[Known], examples: Sequence[Sequence[str]]) -> ExampleHead | None:
    """Fit on the agents that have examples; None if there are too few, or too many agents.

    Args:
        known: the agents.
        examples: for each the texts of its examples.
    """
    pairs = [(k, e) for k, e in zip(known, examples, strict=True) if len(e) >= FEWEST_AN_AGENT]
    pairs.sort(key=lambda pair: pair[0].id)
    count = sum(len(e) for _, e in pairs)
    if not 2 <= len(pairs) <= MOST_AGENTS or count < FEWEST_EXAMPLES:
        return None
    rows = [k.examples for k, _ in pairs]
    weights, biases = _discriminant(rows, count)
    words = count_words([e for _, e in pairs])
    every = np.concatenate(rows)
    step = max(1, count // _SAMPLE)
    texts = [t for _, e in pairs for t in e][::step]
    near = float(np.std(every[::step] @ weights + biases))
    said = float(np.std([words.shares(t) for t in texts]))
    return ExampleHead(
        ids=tuple(k.id for k, _ in pairs),
        weights=weights,
        biases=biases,
        words=words,
        scales=(max(near, 1e-6), max(said, 1e-6)),
        trust=min(1.0, count / len(pairs) / ENOUGH_WORDS),
    )


def _discriminant(rows: Sequence[Matrix], count: int) -> tuple[Matrix, Matrix]:
    means = np.stack([r.mean(axis=0) for r in rows])
    spread = sum(
        ((r - m).T @ (r - m) for r, m in zip(rows, means, strict=True)),
        np.zeros((means.shape[1], means.shape[1]), np.float32),
    ) / max(count - len(means), 1)
    ridge = float(np.trace(spread)) / len(spread) + 1e-9
    shrunk = (1 - SHRINKAGE) * spread + SHRINKAGE * ridge * np.eye(len(spread), dtype=np.float32)
    weights = np.linalg.solve(shrunk, means.T).astype(np.float32)
    biases = (-0.5 * np.einsum("nd,dn->n", means, weights)).astype(np.float32)
    return weights, biases
