"""Fits the space that ships, and others that never saw half of the labels.

In use neither map nor prototypes have seen the catalogue, so the trees learn what a space is worth from turns whose
labels it was not fitted on. Some turns have no space at all, as with an encoder that nothing was fitted for.
"""

import random
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from benchmarks.fit_agents.data import Corpus
from benchmarks.fit_agents.general import for_prototypes
from benchmarks.fit_agents.learnt_map import fit_map, pairs_of
from benchmarks.fit_agents.prototypes import kinds_of, middles
from graphs.routing.agents import Encode
from graphs.routing.space import Space

__all__ = ["Fold", "Spaces", "fit_spaces"]

_FOLDS = 16
_GENERAL = 96
_WITHOUT = 0.06
_WHOLE = 0.44


@dataclass(frozen=True, slots=True)
class Fold:
    """A space, or none, and the labels that it has not seen."""

    space: Space | None
    unseen: frozenset[str] | None
    """None where that does not matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spaces:
    """The space that ships, and the folds."""

    whole: Space
    folds: tuple[Fold, ...]

    def draw(self, random_: random.Random, keys: Collection[str] = ()) -> Fold:
        """Return no space, the whole one, or a fold that has seen as few of `keys` as any."""
        share = random_.random()
        if share < _WITHOUT:
            return Fold(None, None)
        if share < _WITHOUT + _WHOLE:
            return Fold(self.whole, None)
        counts = [len(set(keys) & (fold.unseen or frozenset())) for fold in self.folds]
        most = max(counts)
        return random_.choice([f for f, n in zip(self.folds, counts, strict=True) if n == most])


def fit_spaces(corpus: Corpus, encode: Encode, *, steps: int) -> Spaces:
    """Fit them all; `steps` for each map."""
    pairs = pairs_of(corpus, encode)
    kinds, keys = kinds_of(pairs)
    general = middles(encode(for_prototypes(corpus)), _GENERAL)
    whole = Space(learnt=fit_map(pairs, seed=0, steps=steps), kinds=kinds, general=general)
    folds = []
    for n in range(_FOLDS):
        gone = _held_out(corpus, random.Random(100 + n))
        learnt = fit_map([p.without(gone) for p in pairs], seed=n + 1, steps=steps)
        kept = np.array([key not in gone for key in keys])
        folds.append(Fold(Space(learnt=learnt, kinds=kinds[kept], general=general), gone))
    return Spaces(whole=whole, folds=tuple(folds))


def _held_out(corpus: Corpus, draw: random.Random) -> frozenset[str]:
    """Return the keys of half of SGD's domains, half of the tools and half of each source's intents."""
    domains = sorted({corpus.services[n]["domain"] for n in corpus.registry})
    gone = draw.sample(domains, len(domains) // 2)
    keys = {f"sgd:{n}" for n in corpus.registry if corpus.services[n]["domain"] in gone}
    for source in corpus.sources:
        labels = list(source.by_label())
        keys |= {source.key(label) for label in draw.sample(labels, len(labels) // 2)}
    return frozenset(keys)
