"""Answers a turn by a cascade: a model is asked, its answer held back and checked, and a dearer one asked if need be.

Whom to ask next and when to stop is the cascade's own rule, the same that is measured on recorded answers. A second
model that is asked whatever the first one says is asked beside it. Nothing is shown before the end. Each call is
reserved, settled and masked as any other.
"""

import asyncio
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from langchain_core.messages import AIMessage, BaseMessage
from langgraph.constants import TAG_NOSTREAM

from agents.errors import BrokenAnswerError, DeadlineError, NoModelError, ProviderError
from graphs.checking.asking import (
    CONFIDENCE,
    VERIFIER,
    ConfidenceCheck,
    Consult,
    Messages,
    VerifierCheck,
)
from graphs.checking.calibration import Calibration
from graphs.checking.check import AnswerCheck, Asked, Finding, Given
from graphs.checking.form import FORM, FormCheck
from graphs.checking.names import AGREEMENT
from graphs.checking.signals import LOGPROBS, LogprobCheck, short_answer
from graphs.gateway.chat_model import GatewayChatModel
from graphs.gateway.ledger import Ledger
from graphs.routing.cascade import DEPTHS, Cascade, Course, Heard
from graphs.routing.joint import Joint
from graphs.tracing import step

__all__ = ["MOST_CALLS", "Candidate", "Checked", "ModelOf", "Rules", "checked_answer"]

MOST_CALLS = 4
"""Models that one turn asks for an answer, those that fail too; the cascade stops before that as a rule."""
MARGIN_S = 1.0
"""Of the turn's time that is kept for showing what there is."""
_CHECK_TOKENS = 100
_FEW = 4
"""Candidates up to which three calls are looked ahead: with verdicts to foresee five take 60 ms, and eight 0.5 s."""
_UNFITTED = {VERIFIER: (2 / 3, 1 / 3)}
"""How likely a check speaks well of right and of wrong answers where none was calibrated: see `asking.UNCALIBRATED`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model that the cascade may ask."""

    model: str
    quality: float
    """Predicted, 0 to 1."""
    cost_usd: float
    """Predicted for this turn."""


ModelOf = Callable[[str, float], GatewayChatModel]
"""Makes the chat model of one call: of a model's id, and the deadline on the monotonic clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What one turn is checked by."""

    checks: tuple[str, ...]
    verifier: str | None
    calibration: Calibration | None
    joint: Joint
    """Of the candidates, in their order."""
    price: float
    """What a USD must buy of quality."""
    deadline: float
    """On the monotonic clock."""
    allowed: frozenset[str]
    """The models that every mask lets be called in this turn, a verifier too."""


@dataclass(slots=True, kw_only=True)
class Checked:
    """What came of it: the message to show, None where no model answered, and the account for the record."""

    message: AIMessage | None = None
    failure: ProviderError | None = None
    account: dict[str, Any] = field(default_factory=dict)


async def checked_answer(
    candidates: Sequence[Candidate],
    prompt: Sequence[BaseMessage],
    asked: Asked,
    *,
    rules: Rules,
    model_of: ModelOf,
    ledger: Ledger,
    tell: Callable[[dict[str, Any]], None],
) -> Checked:
    """Ask, check and ask again until that is not worth it; return the best answer.

    Args:
        candidates: whom it may ask.
        prompt: what they are asked.
        asked: the request and the options of the calls.
        rules: what the turn is checked by.
        model_of: makes the model of a call.
        ledger: of the turn, to which calls are charged.
        tell: is told what goes on.
    """
    run = _Run(candidates, prompt, asked, rules, model_of, ledger, tell)
    await run.go()
    return run.ended()


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of one call."""

    said: AIMessage | ProviderError
    cost_usd: float | None
    ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """The call that is made beside the first one."""

    column: int
    task: "asyncio.Task[_Answer]"
    before: int
    """How many calls the turn had made until then."""
    began: float
    """On the monotonic clock."""


class _Run:
    """One turn's cascade."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        prompt: Sequence[BaseMessage],
        asked: Asked,
        rules: Rules,
        model_of: ModelOf,
        ledger: Ledger,
        tell: Callable[[dict[str, Any]], None],
    ) -> None:
        self._candidates, self._prompt, self._asked = candidates, [*prompt], asked
        self._rules, self._model_of = rules, model_of
        self._ledger, self._tell = ledger, tell
        self._checks = _checks_of(rules, self._consult)
        self._said: dict[int, AIMessage] = {}
        self._givers: dict[str, list[str]] = {}
        """Who gave each short answer, which is in no record."""
        self._steps: list[dict[str, Any]] = []
        self._longest_s = 0.0
        self._stopped = ""
        self._failure: ProviderError | None = None
        self._course: Course | None = None
        self._consulted: list[float | None] = []
        """What the checks of the answer that is being checked have cost."""
        self._beside: _Beside | None = None

    async def go(self) -> None:
        """Run the cascade to its end."""
        try:
            await self._go()
        finally:
            await self._drop()

    async def _go(self) -> None:
        rules, many = self._rules, self._candidates
        cascade = Cascade(
            rules.joint,
            np.array([[c.quality for c in many]]),
            np.array([[c.cost_usd for c in many]]),
            np.array([rules.price]),
            depths=DEPTHS if len(many) <= _FEW else (2, 2),
            verdicts=_verdicts(rules, many),
            insist=True,
        )
        while not self._over():
            after = cascade.one_more()
            sure = float(cascade.sure()[0])
            called = cascade.calls()
            if not len(called):
                self._stopped = self._worthless(
                    sure, int(after.column[0]), float(after.quality[0]), float(after.cost[0])
                )
                break
            column = int(called[0])
            self._ask_beside(cascade)
            if (heard := await self._ask(column)) is None:
                cascade.lose()
                continue
            cascade.hear([heard])
            self._note(column, heard, float(cascade.sure()[0]))
        cascade.stop()
        self._course = cascade.ended[0]

    def ended(self) -> Checked:
        """Return the best answer and the account."""
        shown = self._chosen()
        for taken in self._steps:
            taken["shown"] = shown is not None and taken["model"] == self._candidates[shown].model
        unshown = [s["cost_usd"] for s in self._steps if not s["shown"]]
        checks = [s["checks_usd"] for s in self._steps]
        sure = self._course.confidence if self._course else 0.0
        account = {
            "steps": self._steps,
            "stopped": self._stopped,
            "confidence": round(sure, 4),
            "unshown_usd": _sum(unshown),
            "checks_usd": _sum(checks),
        }
        self._tell({"type": "checked", "event": "stopped", "because": self._stopped})
        message = None if shown is None else self._said[shown]
        return Checked(message=message, failure=self._failure, account=account)

    def _chosen(self) -> int | None:
        """Return the column of the answer to show: the likeliest, else what the best model said at least."""
        if self._course is not None and self._course.chosen in self._said:
            best = self._course.chosen
            if self._course.confidence > 0:
                return best
        return max(self._said, key=lambda column: self._candidates[column].quality, default=None)

    def _over(self) -> bool:
        """Whether no further call is to be made, whatever it is worth."""
        late = isinstance(self._failure, DeadlineError)
        left = self._rules.deadline - time.monotonic() - MARGIN_S
        if self._said and (late or left <= self._longest_s):
            self._stopped = "the turn's time is nearly over: the best answer so far is shown"
        elif len(self._steps) >= MOST_CALLS:
            self._stopped = f"{MOST_CALLS} models were asked, which is the most"
        return late or bool(self._stopped)

    def _worthless(self, sure: float, column: int, after: float, cost: float) -> str:
        """Return why no further model is asked."""
        if column < 0:
            return "every model that may be asked was asked"
        price, model = self._rules.price, self._candidates[column].model
        return (
            f"{model} would raise the chance of a right answer from {sure:.3f} to {after:.3f} for {cost:.6f} USD, "
            f"which would have to raise it by {price * cost:.3f}"
        )

    async def _ask(self, column: int) -> Heard | None:
        """Ask a model, if it was not asked beside another, and check what it says; None where it does not answer."""
        candidate = self._candidates[column]
        answered = await self._answer(column)
        taken = self._take(candidate, answered.cost_usd, answered.ms)
        if isinstance(answered.said, ProviderError):
            self._failure = answered.said
            failed = Finding(check=FORM, said=str(answered.said), probability=0.0, fails=True)
            broken = isinstance(answered.said, BrokenAnswerError)
            taken |= {"error": str(answered.said), "checks": [failed.plain()] if broken else []}
            return None
        self._longest_s = max(self._longest_s, answered.ms / 1e3)
        self._said[column] = answered.said
        answer, self._consulted = _given(answered.said, candidate), []
        findings = await self._found(answer)
        taken["checks"] = [finding.plain() for finding in findings]
        taken["checks_usd"] = _sum(self._consulted)
        short = short_answer(answer.text) if AGREEMENT in self._rules.checks else None
        fails = any(finding.fails for finding in findings)
        return Heard(
            answer="" if fails else short or f"answer {len(self._steps)}",
            free=not fails and short is None,
            odds=math.exp(_together(findings, self._rules.calibration)),
        )

    def _ask_beside(self, cascade: Cascade) -> None:
        """Begin to ask the model, if there is one, whose answer is wanted whatever the one that is asked first says.

        Not where money is limited, of which the second might take what the first one needs, nor where a check may ask
        a model as well: what it costs could not be told from what this call does.
        """
        if self._beside is not None or self._ledger.left_usd is not None:
            return
        if {VERIFIER, CONFIDENCE} & set(self._rules.checks):
            return
        column = int(cascade.anyway()[0])
        if column < 0:
            return
        self._beside = _Beside(
            column=column,
            task=asyncio.create_task(self._called(column, margin=MARGIN_S)),
            before=len(self._ledger.calls),
            began=time.monotonic(),
        )

    async def _answer(self, column: int) -> "_Answer":
        if self._beside is not None and self._beside.column == column:
            answered = await self._beside.task
            self._beside = None
            return answered
        return await self._called(column, margin=MARGIN_S if self._said else 0.0)

    async def _called(self, column: int, *, margin: float) -> "_Answer":
        """Ask a model; `margin` is what is left of the turn's seconds when it must have answered."""
        name = self._candidates[column].model
        self._tell({"type": "checked", "event": "asked", "model": name})
        model = self._model_of(name, self._rules.deadline - margin)
        before, began = len(self._ledger.calls), time.monotonic()
        options = dict(self._asked.options)
        if _reads_logprobs(self._rules):
            options["logprobs"] = True
        said: AIMessage | ProviderError
        try:
            with step("answer"):
                said = await model.ainvoke(self._prompt, {"tags": [TAG_NOSTREAM]}, **options)
        except ProviderError as error:
            said = error
        return _Answer(said, self._cost_of(name, before), _ms(began))

    async def _drop(self) -> None:
        """End what was asked beside the first model and is wanted no more; what it cost is in the account."""
        if (beside := self._beside) is None:
            return
        beside.task.cancel()
        await asyncio.gather(beside.task, return_exceptions=True)
        candidate = self._candidates[beside.column]
        cost = self._cost_of(candidate.model, beside.before)
        self._take(candidate, cost, _ms(beside.began))["error"] = "it was not needed any more"

    def _take(self, candidate: Candidate, cost_usd: float | None, ms: float) -> dict[str, Any]:
        """Begin the account of a call, and return it."""
        taken: dict[str, Any] = {
            "model": candidate.model,
            "predicted": candidate.quality,
            "cost_usd": cost_usd,
            "checks_usd": 0.0,
            "ms": ms,
            "error": None,
            "checks": [],
            "confidence": None,
        }
        self._steps.append(taken)
        return taken

    async def _found(self, answer: Given) -> list[Finding]:
        """Return what the checks say, the cheap ones first; after one that fails no further call is made."""
        found: list[Finding] = []
        for check in self._checks:
            finding = await check.find(answer, self._asked)
            if finding is not None:
                found.append(finding)
                if finding.fails:
                    break
        return found

    def _note(self, column: int, heard: Heard, sure: float) -> None:
        taken = self._steps[-1]
        taken["confidence"] = round(sure, 4)
        if heard.answer and not heard.free:
            same = self._givers.setdefault(heard.answer, [])
            if same:
                agreed = Finding(check=AGREEMENT, said=f"{', '.join(same)} gave the same answer")
                taken["checks"].append({**agreed.plain(), "probability": round(sure, 4)})
            elif len(self._givers) > 1:
                apart = Finding(check=AGREEMENT, said="no model before it gave this answer")
                taken["checks"].append(apart.plain())
            same.append(taken["model"])
        self._tell(
            {
                "type": "checked",
                "event": "checked",
                "model": self._candidates[column].model,
                "checks": taken["checks"],
                "confidence": taken["confidence"],
            }
        )

    async def _consult(self, model: str, messages: Messages, schema: Mapping[str, Any]) -> Any:
        """Ask a model that checks."""
        if model not in self._rules.allowed:
            raise NoModelError(f"{model} may not serve this turn")
        form = {"type": "json_schema", "json_schema": {"name": schema["title"], "schema": schema}}
        asker = self._model_of(model, self._rules.deadline - MARGIN_S)
        before = len(self._ledger.calls)
        try:
            with step("check"):
                said = await asker.ainvoke(
                    [*map(dict, messages)],
                    {"tags": [TAG_NOSTREAM]},
                    response_format=form,
                    max_tokens=_CHECK_TOKENS,
                )
        finally:
            self._consulted.append(self._cost_of(model, before))
        return json.loads(str(said.text))

    def _cost_of(self, model: str, start: int) -> float | None:
        """Return what the calls of a model have cost that came after the first `start` calls of the turn."""
        calls = self._ledger.calls[start:]
        return _sum([call["cost_usd"] for call in calls if call["model"] == model])


def _reads_logprobs(rules: Rules) -> bool:
    """Return whether token probabilities are worth anything: some providers refuse a call that asks for them."""
    fitted = rules.calibration.curves if rules.calibration else {}
    return LOGPROBS in rules.checks and LOGPROBS in fitted


def _checks_of(rules: Rules, consult: Consult) -> list[AnswerCheck]:
    """Return the checks that are on, those that cost nothing first."""
    fitted = rules.calibration
    made: list[AnswerCheck] = [
        FormCheck(),
        LogprobCheck(fitted),
        ConfidenceCheck(consult, fitted),
    ]
    if rules.verifier:
        made.append(VerifierCheck(rules.verifier, consult, fitted))
    return [check for check in made if check.name in rules.checks]


def _verdicts(rules: Rules, candidates: Sequence[Candidate]) -> Any:
    """Return how likely the checks speak well of right and of wrong answers, (1, m, 2); None where nobody knows."""
    calibration = rules.calibration
    fitted = calibration.verdicts if calibration else {}
    on = calibration is not None and any(check in calibration.curves for check in rules.checks)
    default = _UNFITTED[VERIFIER] if VERIFIER in rules.checks else (0.5, 0.5)
    rows = [fitted.get(c.model, default) if on else default for c in candidates]
    return None if all(hit == alarm for hit, alarm in rows) else np.array([rows])


def _together(findings: Sequence[Finding], calibration: Calibration | None) -> float:
    moved = {finding.check: finding.log_odds for finding in findings}
    return calibration.together(moved) if calibration else sum(moved.values())


def _given(said: AIMessage, candidate: Candidate) -> Given:
    metadata = said.response_metadata
    calls: list[dict[str, Any]] = [
        {"name": call["name"], "args": call["args"]} for call in said.tool_calls
    ]
    calls += [{"name": call["name"], "args": None} for call in said.invalid_tool_calls]
    return Given(
        model=candidate.model,
        text=str(said.text),
        predicted=candidate.quality,
        finish=str(metadata.get("finish_reason") or "stop"),
        tool_calls=calls,
        logprobs=metadata.get("logprobs") or (),
    )


def _sum(costs: Sequence[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known, 0.0) if len(known) == len(costs) else None


def _ms(began: float) -> float:
    return round(1e3 * (time.monotonic() - began), 1)
