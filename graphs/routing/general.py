"""How much a text reads like a request to a language model, and what that says against staying with an agent.

Who is in the middle of something with an agent asks for a joke or a fact now and then. What was said before then
speaks for the agent all the more, though none of its card's texts does. It knows vectors and numbers, no catalogue.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["SUREST_FOR_NONE", "GeneralRequests", "log_odds_of_none"]

_SUREST = 8.0
"""Log-odds beyond which no text goes."""
SUREST_FOR_NONE = 2.2
"""Log-odds of "none" up to which a text alone brings it, nine in ten: so many of those turns are nobody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralRequests:
    """Fitted numbers for unit vectors of dimension d."""

    weights: NDArray[np.float32]
    """(d + 1,): of the logistic regression on a text's vector; the last is the constant."""
    worth: NDArray[np.float32]
    """(2,): of the log-odds where they are above 0, and of their product with how near the nearest candidate is."""

    def log_odds(self, vector: NDArray[np.float32]) -> float:
        """Return the log-odds that a text asks something of a language model, and is no turn with an agent."""
        odds = float(self.weights[:-1] @ vector + self.weights[-1])
        return min(max(odds, -_SUREST), _SUREST)

    def for_none(self, vector: NDArray[np.float32], nearest: float) -> float:
        """Return what is to be added to the log-odds of "none" while an agent holds the floor, 0 or more.

        Args:
            vector: of the text, (d,).
            nearest: the highest cosine of the text with one of a candidate's texts.
        """
        return max(0.0, float(self.worth @ self.evidence(vector, nearest)))

    def evidence(self, vector: NDArray[np.float32], nearest: float) -> NDArray[np.float64]:
        """Return what `worth` is of, (2,)."""
        odds = max(0.0, self.log_odds(vector))
        return np.array([odds, odds * nearest])


def log_odds_of_none(scores: NDArray[np.float64]) -> float:
    """Return the log-odds of the last score against all others."""
    return float(scores[-1] - np.logaddexp.reduce(scores[:-1]))
