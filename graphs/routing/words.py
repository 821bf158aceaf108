"""Reads texts as words: stems, how rare each is among the cards, and how much of a text a card's words cover.

It knows no vectors and no dialogue. Stemming is a crude cut of English endings, enough to match "booking" with "book".
"""

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

__all__ = ["WordCounts", "stems"]

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ied", "ers", "ed", "es", "s", "er", "e", "y")
_SHORTEST_STEM = 3
_STOP = frozenset(
    "a about above after again all also am an and any anything are as at be because been before being below between"
    " both but by can could did do does doing don down during each few for from further get give had has have having"
    " he help her here hers him his how i i'd i'll i'm i've if in into is it it's its just know let like ll make may"
    " me might more most must my near need no nor not now of off ok okay on once one only or other our out over own"
    " please s same see shall she should so some something such t tell than thank thanks that that's the their them"
    " then there these they this those through to too under until up us use user using very want was we were what"
    " when where which while who whom why will with would yes you your yours".split()
)


@lru_cache(maxsize=256)
def stems(text: str) -> frozenset[str]:
    """Return the stems of the words of `text` that carry meaning."""
    words = (w.casefold() for w in _WORD.findall(_CAMEL.sub(" ", text)))
    return frozenset(_stem(w) for w in words if w not in _STOP and (len(w) > 1 or w.isdigit()))


def _stem(word: str) -> str:
    word = word.removesuffix("'s")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word[: -len(ending)]
    return word


class WordCounts:
    """In how many cards each stem occurs; it changes as cards come and go."""

    def __init__(self) -> None:
        self._cards = 0
        self._with: Counter[str] = Counter()

    def add(self, words: Collection[str]) -> None:
        """Count a card."""
        self._cards += 1
        self._with.update(words)

    def remove(self, words: Collection[str]) -> None:
        """Forget a card that was counted."""
        self._cards -= 1
        self._with.subtract(words)

    def plain(self) -> dict[str, Any]:
        """Return the counts as JSON holds them."""
        return {"cards": self._cards, "with": {w: n for w, n in self._with.items() if n > 0}}

    @classmethod
    def from_plain(cls, saved: Mapping[str, Any]) -> "WordCounts":
        """Read what `plain` wrote."""
        counts = cls()
        counts._cards = int(saved["cards"])
        counts._with = Counter(saved["with"])
        return counts

    def weight(self, word: str) -> float:
        """Return the inverse document frequency of a stem, 0 for one that no card has."""
        found = self._with[word]
        return math.log(1 + (self._cards - found + 0.5) / (found + 0.5)) if found > 0 else 0.0

    def weights(self, words: Collection[str]) -> dict[str, float]:
        """Return the weights of `words`, without those that no card has."""
        return {w: weight for w in sorted(words) if (weight := self.weight(w)) > 0}
