"""Fits the space that ships, and one for each encoder that was tuned without half of the labels.

In use neither the encoder nor the space has seen the catalogue, so the trees learn what nearness is worth mostly from
turns whose labels both were fitted without. Some turns have no space at all, as with an encoder that nothing was
fitted for.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.fit_agents.data import Corpus
from benchmarks.fit_agents.general import for_prototypes
from benchmarks.fit_agents.learnt_map import fit_map, pairs_of
from benchmarks.fit_agents.prototypes import kinds_of, middles
from graphs.routing.agents import Encode
from graphs.routing.space import Space

__all__ = ["Fold", "Spaces", "fit_spaces"]

_GENERAL = 96
_WITHOUT = 0.06
_WHOLE = 0.3


@dataclass(frozen=True, slots=True)
class Fold:
    """An encoder with its space, or none, and the labels that they have not seen."""

    encode: Encode
    space: Space | None
    unseen: frozenset[str] | None
    """None where that does not matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spaces:
    """The encoder and the space that ship, and the folds."""

    encode: Encode
    whole: Space
    folds: tuple[Fold, ...]

    def draw(self, random_: random.Random, keys: Collection[str] = ()) -> Fold:
        """Return no space, the whole one, or a fold that has seen as few of `keys` as any."""
        share = random_.random()
        if share < _WITHOUT:
            return Fold(self.encode, None, None)
        if share < _WITHOUT + _WHOLE:
            return Fold(self.encode, self.whole, None)
        counts = [len(set(keys) & (fold.unseen or frozenset())) for fold in self.folds]
        most = max(counts)
        return random_.choice([f for f, n in zip(self.folds, counts, strict=True) if n == most])


def fit_spaces(
    corpus: Corpus, encode: Encode, tuned: Sequence[tuple[Encode, frozenset[str]]], *, steps: int
) -> Spaces:
    """Fit them all; `steps` for each map.

    Args:
        corpus: what is fitted on.
        encode: the encoder that ships.
        tuned: others, with the labels that each was tuned without.
        steps: of each map.
    """
    folds = tuple(
        Fold(own, _space(corpus, own, gone, seed=at + 1, steps=steps), gone)
        for at, (own, gone) in enumerate(tuned)
    )
    whole = _space(corpus, encode, frozenset(), seed=0, steps=steps)
    return Spaces(encode=encode, whole=whole, folds=folds)


def _space(corpus: Corpus, encode: Encode, gone: frozenset[str], *, seed: int, steps: int) -> Space:
    pairs = pairs_of(corpus, encode)
    kinds, keys = kinds_of(pairs)
    return Space(
        learnt=fit_map([p.without(gone) for p in pairs], seed=seed, steps=steps),
        kinds=kinds[np.array([key not in gone for key in keys])],
        general=middles(encode(for_prototypes(corpus)), _GENERAL),
    )
