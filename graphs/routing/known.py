"""An agent as routing knows it: vectors of its card's texts by kind, its words, and how alike its examples are."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from graphs.routing.card_texts import CardTexts
from graphs.routing.space import Space
from graphs.routing.words import stems

__all__ = ["Known", "known_agent"]

Vectors = NDArray[np.float32]
_SAME = 0.999
_FEW = 3
"""With fewer examples nothing can be said of how alike they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An agent's card in numbers."""

    id: str
    purposes: Vectors
    inputs: Vectors
    examples: Vectors
    learnt: Vectors | None
    """The purposes under the learnt map, as unit rows; None where there is no map for this encoder."""
    learnt_inputs: Vectors | None
    words: frozenset[str]
    stated: frozenset[str]
    """The stems of what it says of itself, without its examples."""
    named: frozenset[str]
    """The stems of its name and its category."""
    spread: tuple[float, float]
    """Mean and deviation of each example's cosine with the nearest other one; NaN if there are few."""

    @property
    def mean(self) -> Vectors:
        """The unit vector (d,) in the middle of all its texts."""
        rows = np.concatenate([self.purposes, self.inputs, self.examples])
        middle: Vectors = rows.mean(axis=0)
        return middle / max(float(np.linalg.norm(middle)), 1e-6)

    def without(self, vector: Vectors) -> "Known":
        """Return the agent without the examples that have this unit vector."""
        if not len(self.examples):
            return self
        return replace(self, examples=self.examples[self.examples @ vector < _SAME])


def known_agent(
    agent_id: str, texts: CardTexts, vectors: Vectors, *, space: Space | None = None
) -> Known:
    """Return an agent in numbers.

    Args:
        agent_id: its id.
        texts: its card's texts.
        vectors: (n, d), a unit row for each of `texts.all()`.
        space: what was fitted for the encoder, if anything.
    """
    first = len(texts.purposes)
    second = first + len(texts.inputs)
    examples = vectors[second:]
    name = " ".join([texts.name, *texts.category])
    return Known(
        id=agent_id,
        purposes=vectors[:first],
        inputs=vectors[first:second],
        examples=examples,
        learnt=space.map(vectors[:first]) if space else None,
        learnt_inputs=space.map(vectors[first:second]) if space else None,
        words=stems(" ".join([name, *texts.all()])),
        stated=stems(" ".join([name, *texts.purposes, *texts.inputs])),
        named=stems(name),
        spread=_spread(examples),
    )


def _spread(examples: Vectors) -> tuple[float, float]:
    if len(examples) < _FEW:
        return (float("nan"), float("nan"))
    alike = examples @ examples.T
    np.fill_diagonal(alike, -1)
    nearest = alike.max(axis=1)
    return float(nearest.mean()), float(nearest.std()) + 0.02
