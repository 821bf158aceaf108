"""Classifiers over the cards' own examples, fitted when cards are loaded: no training, two solves and one count.

Kernel ridge regression over the vectors (see `kernel`), linear discriminant analysis over them with a shrunken shared
covariance (Friedman, 1989), and naive Bayes over the words. With few examples an agent the first is the best of the
three; the more there are, the more the others count. Not there where examples are few.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from graphs.routing.kernel import KernelRidge, fit_kernel
from graphs.routing.known import Known
from graphs.routing.naive_bayes import NaiveBayes, count_words

__all__ = ["ExampleHead", "fit_head"]

Matrix = NDArray[np.float32]
FEWEST_EXAMPLES = 60
FEWEST_AN_AGENT = 3
MOST_AGENTS = 2_000
SHRINKAGE = 0.2
KERNEL_WORTH = 6.0
"""What the three scores count as logarithms of odds. Fitted on train rows of CLINC150, BANKING77, HWU64 and MetaTool
with 3 to 80 examples an agent, the same numbers came out for all."""
DISCRIMINANT_WORTH = 0.05
ENOUGH = 10
"""Examples an agent from which the discriminant and the words count half of that."""
WORDS_WORTH = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleHead:
    """Weights (d, agents) and biases for vectors, likenesses, and counts of words."""

    ids: tuple[str, ...]
    kernel: KernelRidge
    weights: Matrix
    biases: Matrix
    words: NaiveBayes
    worth: float
    """What the words count."""
    _last: dict[tuple[bytes, str], dict[str, float]] = field(default_factory=dict, repr=False)
    """What was asked last, with its answer: a turn asks twice, for candidates and for the evidence."""

    def probabilities(
        self, vector: Matrix, text: str, *, cosines: Matrix | None = None
    ) -> dict[str, float]:
        """Return each agent's share, as if one of them were meant.

        Args:
            vector: of the text, a unit row (d,).
            text: the text.
            cosines: of the vector with every example it was fitted on, agent after agent in the order of `ids`; None
                where they are not known yet.
        """
        asked = vector.tobytes(), text
        found = self._last.get(asked)
        if found is None:
            found = self._read(vector, text, cosines)
            self._last.clear()
            self._last[asked] = found
        return found

    def _read(self, vector: Matrix, text: str, cosines: Matrix | None) -> dict[str, float]:
        kernel = self.kernel
        alike = kernel(vector[None, :])[0] if cosines is None else kernel.of_cosines(cosines)
        scores = vector @ self.weights + self.biases + KERNEL_WORTH * alike
        scores = scores + self.worth * self.words.shares_a_word(text)
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
    each = count / len(rows)
    share = each / (each + ENOUGH)
    worth = np.float32(DISCRIMINANT_WORTH * share)
    owners = np.repeat(np.arange(len(rows)), [len(r) for r in rows])
    return ExampleHead(
        ids=tuple(k.id for k, _ in pairs),
        kernel=fit_kernel(np.concatenate(rows), owners),
        weights=worth * weights,
        biases=worth * biases,
        words=count_words([e for _, e in pairs]),
        worth=WORDS_WORTH * share,
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
