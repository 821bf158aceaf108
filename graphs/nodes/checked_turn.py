"""Makes a checked answer of a turn: who may be asked, at which price, and what is said if nobody answers."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langgraph.constants import TAG_NOSTREAM
from langgraph.runtime import Runtime

from agents.errors import NoModelError, ProviderError
from graphs.call import options_of
from graphs.checking.asking import VERIFIER
from graphs.checking.check import Asked
from graphs.gateway.chat_model import GatewayChatModel
from graphs.gateway.models import count_tokens
from graphs.nodes.checked import MOST_CALLS, Candidate, Checked, Rules, checked_answer
from graphs.nodes.models import allowed_models, typical_costs
from graphs.routing.cascade import price_of_preference
from graphs.routing.choice import preference_weight
from graphs.services import Services
from graphs.state import Context, State

_SHOWN, _SAID = 400, 20
"""Tokens of an answer and of the instructions that a verifier reads, and of what it says, as a rule."""

__all__ = ["Said", "checked_turn", "kept", "no_answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The message of a checked turn, why no model answered, None if one did, and the account for the record."""

    message: AIMessage
    error: str | None
    account: dict[str, Any]


async def checked_turn(
    state: State,
    record: Mapping[str, Any],
    model: GatewayChatModel,
    prompt: list[BaseMessage],
    call: Mapping[str, Any],
    *,
    services: Services,
    runtime: Runtime[Context],
) -> Said:
    """Return the answer of a turn, checked.

    Args:
        state: of the thread.
        record: of the turn, with the choice of its models.
        model: the turn's, whose `order` holds those that may answer.
        prompt: what they are asked.
        call: what the request asks of them.
        services: the models.
        runtime: of the node.
    """
    checking = _checking_usd(state["request"], services)
    candidates = _candidates(record["models"], model.order, services, checking_usd=checking)
    preference = preference_weight(record["models"]["preference"])
    allowed, _ = await services.with_books(allowed_models, state, runtime.context, services)
    options = services.options
    rules = Rules(
        checks=options.checks,
        verifier=options.verifier,
        calibration=services.calibration,
        joint=services.joint([c.model for c in candidates]),
        price=price_of_preference(preference),
        deadline=model.deadline,
        allowed=frozenset(allowed),
    )

    def model_of(name: str, deadline: float) -> GatewayChatModel:
        return model.model_copy(update={"order": (name,), "deadline": deadline, "whole": True})

    found = Checked()
    if candidates:
        found = await checked_answer(
            candidates,
            prompt,
            Asked(text=state["request"], options=options_of(call)),
            rules=rules,
            model_of=model_of,
            ledger=model.ledger,
            tell=runtime.stream_writer,
        )
    if found.message is not None:
        return Said(message=kept(found.message), error=None, account=found.account)
    return await _otherwise(found, candidates, model, prompt, call)


async def _otherwise(
    found: Checked,
    candidates: list[Candidate],
    model: GatewayChatModel,
    prompt: list[BaseMessage],
    call: Mapping[str, Any],
) -> Said:
    """Return the answer of the first model that could not be weighed, where one may be asked, or why there is none."""
    weighed = {c.model for c in candidates}
    left = MOST_CALLS - len(found.account.get("steps", ()))
    rest = tuple(name for name in model.order if name not in weighed)[:left]
    account = {**found.account, "stopped": "no model that was weighed and asked answered"}
    failure = found.failure or NoModelError("no model may answer")
    if rest and not isinstance(found.failure, NoModelError):
        try:
            last = model.model_copy(update={"order": rest, "whole": True})
            said = await last.ainvoke(prompt, {"tags": [TAG_NOSTREAM]}, **options_of(call))
            return Said(message=kept(said), error=None, account=account)
        except ProviderError as error:
            failure = error
    return Said(message=no_answer(failure), error=str(failure), account=account)


def kept(said: AIMessage) -> AIMessage:
    """Return an answer as the thread keeps it."""
    metadata = {k: v for k, v in said.response_metadata.items() if k != "logprobs"}
    return AIMessage(
        content=said.content,
        id=said.id,
        tool_calls=said.tool_calls,
        usage_metadata=said.usage_metadata,
        response_metadata=metadata,
    )


def no_answer(error: ProviderError) -> AIMessage:
    """Return a message that says why no model answered, with what was shown of an answer before it broke off."""
    shown = f"{error.shown}\n\n" if error.shown else ""
    text = f"{shown}*No model could answer: {error}. Your message is kept; try again.*"
    # Whoever reads the thread can tell a beginning from an answer.
    facts = {"partial": True, "status": error.status, "retry_after": error.retry_after}
    return AIMessage(text, id=f"run-{uuid.uuid4()}", response_metadata=facts)


def _candidates(
    models: Mapping[str, Any],
    order: tuple[str, ...],
    services: Services,
    *,
    checking_usd: float,
) -> list[Candidate]:
    """Return the models of the frontier that may answer; without one those of known price, by overall quality."""
    rows = [row for row in models["frontier"] if row["id"] in order]
    if not rows:
        costs = typical_costs(services, order)
        rows = [
            {"id": name, "quality": services.overall_quality(name), "cost_usd": costs[name]}
            for name in order
            if costs[name] is not None
        ]
    # Of models whose answers were recorded together it is known how they agree, and which are worth a call at all.
    known = services.recorded_together()
    rows = [row for row in rows if row["id"] in known] or rows
    return [
        Candidate(model=row["id"], quality=row["quality"], cost_usd=row["cost_usd"] + checking_usd)
        for row in rows
    ]


def _checking_usd(request: str, services: Services) -> float:
    """Return what verifying one answer is expected to cost."""
    options = services.options
    if VERIFIER not in options.checks or options.verifier is None:
        return 0.0
    price = services.gateway.models[options.verifier].price
    return 0.0 if price is None else price.of(count_tokens([request]) + _SHOWN, _SAID)
