"""Checked answers over calls that were made before: what a live turn would ask, check and show, by its own code.

Calls stand in for models: text, finish, token probabilities, processor seconds and time of each are as they were. The
cascade is given what a turn has: predictions, the profile's joint beliefs, the calibration. No score is looked at.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.profile.call_log import Call
from graphs.checking.calibration import Calibration
from graphs.checking.check import Asked, Given
from graphs.checking.form import FORM, FormCheck
from graphs.checking.signals import LOGPROBS, short_answer
from graphs.routing.cascade import Cascade, Heard
from graphs.routing.joint import Joint
from graphs.routing.outcomes import Outcomes

__all__ = ["Run", "Setting", "run_checked"]

Matrix = NDArray[np.float64]
USD_AN_HOUR = 1.0
Calls = Mapping[tuple[str, str], Call]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Which checks count."""

    agreement: bool
    calibration: Calibration | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What n questions came to, (n,) each."""

    scores: Matrix
    seconds: Matrix
    """Of the processor, all calls."""
    calls: Matrix
    ms: Matrix
    """Until the answer is shown: calls follow each other."""
    sure: Matrix
    """How likely the shown answer was thought to be right."""
    at_once_ms: Matrix
    """The same where the dearest is asked beside the first, and dropped if that is enough."""
    at_once_seconds: Matrix


def run_checked(
    outcomes: Outcomes,
    calls: Calls,
    joint: Joint,
    quality: Matrix,
    costs: Matrix,
    price: float,
    setting: Setting,
) -> Run:
    """Run the cascade on every question.

    Args:
        outcomes: n questions and m models.
        calls: what each model said.
        joint: of k of the models.
        quality: predicted, (n, m).
        costs: predicted, (n, m), in USD.
        price: what a USD must buy.
        setting: which checks count.
    """
    columns = [outcomes.models.index(model) for model in joint.models]
    rows = [
        _one(
            outcomes, row, calls, joint, quality[row, columns], costs[row, columns], price, setting
        )
        for row in range(len(outcomes))
    ]
    by_part = np.array(rows, np.float64).T
    names = ("scores", "seconds", "calls", "ms", "sure", "at_once_ms", "at_once_seconds")
    return Run(**dict(zip(names, by_part, strict=True)))


def _one(
    outcomes: Outcomes,
    row: int,
    calls: Calls,
    joint: Joint,
    quality: Matrix,
    costs: Matrix,
    price: float,
    setting: Setting,
) -> Sequence[float]:
    verdicts = None
    if setting.calibration is not None:
        verdicts = np.array([[setting.calibration.verdicts[m] for m in joint.models]])
    cascade = Cascade(
        joint, quality[None], costs[None], np.array([price]), verdicts=verdicts, insist=True
    )
    made: list[Call] = []
    while len(column := cascade.calls()):
        place = int(column[0])
        call = calls[outcomes.ids[row], joint.models[place]]
        made.append(call)
        said = Given(
            model=call.model, text=call.answer, predicted=float(quality[place]), finish=call.finish
        )
        cascade.hear([_heard(said, call, outcomes.queries[row], setting, len(made))])
    course = cascade.ended[0]
    shown = outcomes.models.index(joint.models[course.chosen])
    seconds, ms = [c.compute_s or 0.0 for c in made], [c.ms for c in made]
    dear = calls[outcomes.ids[row], joint.models[int(costs.argmax())]]
    first = made[0]
    both = first.model != dear.model
    dropped = min(1.0, first.ms / dear.ms) if len(made) == 1 and both else 1.0
    used = [s for c, s in zip(made, seconds, strict=True) if c.model != dear.model]
    return (
        outcomes.scores[row, shown],
        sum(seconds),
        len(made),
        sum(ms),
        course.confidence,
        # Beside each other both have a core of their own.
        sum(ms)
        if len(made) == 1
        else max(first.ms, dear.ms) + sum(c.ms for c in made[1:] if c.model != dear.model),
        sum(used) + dropped * (dear.compute_s or 0.0),
    )


def _heard(said: Given, call: Call, query: str, setting: Setting, number: int) -> Heard:
    """Return what a turn would hear of an answer."""
    form = asyncio.run(FormCheck().find(said, Asked(text=query)))
    if form is not None and form.fails:
        return Heard("")
    short = short_answer(said.text) if setting.agreement else None
    odds = form.log_odds if form is not None else 0.0
    if setting.calibration is not None and call.logprobs is not None:
        moved = setting.calibration.log_odds(LOGPROBS, call.model, call.logprobs) or 0.0
        odds = setting.calibration.together({FORM: odds, LOGPROBS: moved})
    return Heard(short or f"answer {number}", free=short is None, odds=math.exp(odds))
