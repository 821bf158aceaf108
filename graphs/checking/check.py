"""What a check is: from an answer and what was asked to how likely the answer holds. It calls no model itself."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from graphs.checking.calibration import Calibration

__all__ = ["AnswerCheck", "Asked", "Finding", "Given", "Rated", "rated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be answered."""

    text: str
    """The user's request."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the models are called with: `tools`, `response_format` and the like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An answer that nobody has seen yet."""

    model: str
    text: str
    predicted: float
    """How likely the model was to be right before it was asked, 0 to 1."""
    finish: str = "stop"
    tool_calls: Sequence[Mapping[str, Any]] = ()
    """Each with `name` and `args`, a mapping; None where they could not be read."""
    logprobs: Sequence[float] = ()
    """The log probability of each token, where the provider tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check says of an answer. No text of the answer is in it."""

    check: str
    said: str
    """For a person."""
    probability: float | None = None
    """That the answer holds, 0 to 1; None where the check cannot tell."""
    log_odds: float = 0.0
    """By how much it moves the log odds that the answer is right."""
    fails: bool = False
    """Whether the answer cannot be used, whatever else speaks for it."""

    def plain(self) -> dict[str, Any]:
        """Return it as the decision record holds it."""
        return {
            "check": self.check,
            "said": self.said,
            "probability": None if self.probability is None else round(self.probability, 4),
            "fails": self.fails,
        }


class AnswerCheck(Protocol):
    """Says how likely an answer holds, or that it cannot tell."""

    @property
    def name(self) -> str:
        """As in the setting and in the record."""
        ...

    async def find(self, answer: Given, asked: Asked) -> Finding | None:
        """Return what the check says; None where it has nothing to go by."""
        ...


@dataclass(frozen=True, slots=True)
class Rated:
    """What a raw signal is worth."""

    probability: float | None
    log_odds: float


def rated(
    calibration: Calibration | None,
    check: str,
    answer: Given,
    raw: Sequence[float],
    *,
    default: float = 0.0,
) -> Rated:
    """Return what a raw signal says of an answer, by what was fitted.

    Args:
        calibration: what was fitted on graded answers; None where nothing was.
        check: whose signal.
        answer: on which answer.
        raw: the signal.
        default: the log odds where no curve was fitted; 0 says nothing, and then the probability is None.
    """
    found = calibration.log_odds(check, answer.model, raw) if calibration else None
    if found is None and not default:
        return Rated(None, 0.0)
    moved = default if found is None else found
    prior = min(max(answer.predicted, 0.01), 0.99)
    odds = math.log(prior / (1 - prior)) + moved
    return Rated(1 / (1 + math.exp(-odds)), moved)
