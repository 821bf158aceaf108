"""Which agent the words of a text speak for, by multinomial naive Bayes over words and pairs of words of the examples.

It sees what an embedding blurs: exact words. It is counted, not trained, and knows texts and agents by number only.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["NaiveBayes", "count_words"]

SMOOTHING = 0.1
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class NaiveBayes:
    """Log probabilities: one for each agent and unseen word, and what a seen word adds."""

    unseen: NDArray[np.float64]
    seen: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]
    """For each word the agents whose examples have it, and what it adds to each."""

    def shares(self, text: str) -> NDArray[np.float64]:
        """Return the logarithm of each agent's share, as if one of them were meant."""
        return self._shares(_words(text))

    def shares_a_word(self, text: str) -> NDArray[np.float64]:
        """Return `shares` a word: words are no independent witnesses, and of a long text the sum is too sure."""
        words = _words(text)
        return self._shares(words) / max(1, len(words))

    def _shares(self, words: Sequence[str]) -> NDArray[np.float64]:
        known = [w for w in words if w in self.seen]
        scores = len(known) * self.unseen
        for word in known:
            agents, added = self.seen[word]
            scores[agents] += added
        top = scores.max()
        logarithms: NDArray[np.float64] = scores - top - math.log(float(np.exp(scores - top).sum()))
        return logarithms


def count_words(examples: Sequence[Sequence[str]]) -> NaiveBayes:
    """Count the words of each agent's examples."""
    counts = [Counter(w for text in texts for w in _words(text)) for texts in examples]
    vocabulary = len({word for count in counts for word in count})
    total = np.array([sum(count.values()) for count in counts], float)
    unseen = math.log(SMOOTHING) - np.log(total + SMOOTHING * vocabulary)
    places: dict[str, list[tuple[int, float]]] = {}
    for agent, count in enumerate(counts):
        for word, n in count.items():
            added = math.log((n + SMOOTHING) / SMOOTHING)
            places.setdefault(word, []).append((agent, added))
    seen = {
        word: (np.array([a for a, _ in at]), np.array([added for _, added in at]))
        for word, at in places.items()
    }
    return NaiveBayes(unseen, seen)


def _words(text: str) -> list[str]:
    """Return the words and the pairs of neighbouring words of a text, each once."""
    words = _WORD.findall(text[:_LONGEST].casefold())
    pairs = [f"{a} {b}" for a, b in pairwise(words)]
    return list(dict.fromkeys([*words, *pairs]))
