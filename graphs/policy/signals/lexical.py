"""How nearly a text has a keyword: BM25's term weight, shared character n-grams, edits of a word. All from 0 to 1.

It reads a bounded part of the text's words and knows no signal.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from graphs.policy.signals.passage import View, matched, words_of
from graphs.routing.words import stems

__all__ = ["bm25_scorer", "fuzzy_scorer", "ngram_scorer"]

Scorer = Callable[[View], float]
BM25_THRESHOLD = 0.1
NGRAM_THRESHOLD = 0.6
NGRAM_ARITY = 3
FUZZY_THRESHOLD = 0.85
_K1, _B, _USUAL_WORDS = 1.2, 0.75, 20
_WINDOWS = 2_000
_FUZZY_WORDS = 500
_LONGEST_WORD = 40
_LEAST_ALIKE = 0.6


def bm25_scorer(keyword: str) -> Scorer:
    """Return the mean weight of the keyword's stems in a text, as BM25 weighs a term, divided by its bound.

    One text has no rare and common words, so the part of the formula that weighs them is left out. A word that occurs
    once has 0.45 in a text of 20 words and 0.1 in one of 200.
    """
    sought = [s for word in words_of(matched(keyword).casefold()) for s in stems(word) or (word,)]

    def score(view: View) -> float:
        length = _K1 * (1 - _B + _B * len(view.words) / _USUAL_WORDS)
        counts = [view.stems[stem] or view.words.count(stem) for stem in sought]
        return sum(n / (n + length) for n in counts) / len(counts) if counts else 0.0

    return score


def ngram_scorer(keyword: str, *, arity: int) -> Scorer:
    """Return the best Dice coefficient of the keyword's character n-grams with those of as many words of the text."""
    words = words_of(matched(keyword).casefold()) or (matched(keyword).casefold(),)
    sought = ngrams(" ".join(words), arity)

    def score(view: View) -> float:
        windows = view.once(("windows", len(words)), lambda: _windows(view.words, len(words)))
        shared = ((len(sought & (n := ngrams(w, arity))), len(n)) for w in windows)
        return max((2 * both / (len(sought) + n) for both, n in shared), default=0.0)

    return score


def fuzzy_scorer(keyword: str, *, threshold: float) -> Scorer:
    """Return 1 for a text with a word, or as many words as the keyword has, that is nearly the keyword, else 0.

    Args:
        keyword: the word or phrase.
        threshold: below 1 the similarity of difflib, from 1 on how many letters may be wrong.
    """
    sought = " ".join(words_of(matched(keyword).casefold())) or matched(keyword).casefold()
    least = threshold if threshold < 1 else max(_LEAST_ALIKE, 1 - threshold / len(sought))
    span = sought.count(" ") + 1

    def score(view: View) -> float:
        key = ("fuzzy", span)
        windows = view.once(key, lambda: _windows(view.words[:_FUZZY_WORDS], span))
        return float(any(_alike(sought, window, least) for window in windows))

    return score


def _alike(sought: str, word: str, least: float) -> bool:
    if 2 * min(len(sought), len(word)) < least * (len(sought) + len(word)):
        return False
    matcher = SequenceMatcher(None, word, sought, autojunk=False)
    return matcher.quick_ratio() >= least - 1e-9 and matcher.ratio() >= least - 1e-9


def _windows(words: Sequence[str], size: int) -> tuple[str, ...]:
    """Return each run of `size` words once, in order, without those that have a very long one."""
    read = [w if len(w) <= _LONGEST_WORD else "" for w in words[:_WINDOWS]]
    runs = zip(*(read[at:] for at in range(size)), strict=False)
    return tuple(Counter(" ".join(run) for run in runs if all(run)))


@lru_cache(maxsize=8192)
def ngrams(text: str, arity: int) -> frozenset[str]:
    """Return the n-grams of a text with a blank at each end."""
    padded = f" {text} "
    return frozenset(padded[at : at + arity] for at in range(max(1, len(padded) - arity + 1)))
