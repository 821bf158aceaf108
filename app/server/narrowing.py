"""What a request asks for, within what its key may have: the runtime context of its turn.

A request can narrow what its caller may have and never widens it; grants and users come from the key alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from agents.errors import InputError
from agents.schemas import validator_of
from app.server.callers import ApiCaller
from app.server.errors import ApiError
from app.server.messages import instructions_of
from app.server.request import ChatRequest, NamedTool, SchemaFormat, TextFormat
from graphs.budgets import Left
from graphs.machine import Phase
from graphs.masks import Moment, agent_refusal
from graphs.routing.choice import preference_weight
from graphs.services import Services
from graphs.state import Context, Preference

__all__ = ["AGENT", "AUTO", "agent_fault", "context_of", "named_model", "outside"]

AUTO, AGENT = "auto", "agent:"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the field `model` says."""

    candidate: str | None = None
    """The agent or model that alone may serve."""
    preference: Preference | None = None


def context_of(request: ChatRequest, caller: ApiCaller, services: Services) -> Context:
    """Return the context of the turn that a request asks for.

    Raises:
        ApiError: the model is not known, may not be used, or two fields contradict each other.
        InputError: what is asked of the model is none.
    """
    asked = named_model(request.model, caller, services)
    if None not in (request.preference, asked.preference) and (
        preference_weight(request.preference or 0) != preference_weight(asked.preference or 0)
    ):
        raise ApiError(
            400,
            f"the model {request.model!r} and the preference {request.preference!r} contradict each other; send one",
            param="preference",
        )
    preference = next(
        (p for p in (request.preference, asked.preference, caller.key.preference) if p is not None),
        None,
    )
    limits = [x for x in (caller.key.budget_usd, request.max_cost_usd) if x is not None]
    exclude = outside(
        caller, services, models=request.allowed_models, agents=request.allowed_agents
    )
    if asked.candidate in exclude:
        raise ApiError(
            400, f"the model {request.model!r} is not among those allowed", param="model"
        )
    return Context(
        user=caller.user,
        grants=caller.key.grants,
        preference=preference,
        budget_usd=min(limits) if limits else None,
        include=(asked.candidate,) if asked.candidate else (),
        exclude=exclude,
        call=_call(request),
        checked=request.checked,
        metadata=request.metadata or {},
    )


def named_model(name: str, caller: ApiCaller, services: Services) -> _Asked:
    """Return what the field `model` asks for.

    Raises:
        ApiError: there is no such model or agent, or the caller may not use it.
    """
    head, colon, tail = name.partition(":")
    if head == AUTO:
        if not colon:
            return _Asked()
        try:
            preference_weight(tail)
        except InputError as error:
            raise ApiError(404, str(error), code="model_not_found", param="model") from None
        return _Asked(preference=tail)
    agents, models = services.registry.agents, services.gateway.models
    candidate = tail if name.startswith(AGENT) else name
    there = agents if name.startswith(AGENT) else models
    if candidate not in there:
        known = f"{AUTO}, {AUTO}:cost, {AUTO}:performance, {AGENT}ID or the id of a model"
        raise ApiError(
            404,
            f"the model {name!r:.100} does not exist; expected {known}, see /v1/models",
            code="model_not_found",
            param="model",
        )
    if candidate in agents and candidate in models:
        raise ApiError(400, f"{candidate!r} names an agent and a model; it cannot be asked for")
    patterns = caller.key.agents if there is agents else caller.key.models
    fault = None if _fits(candidate, patterns) else "the key does not allow it"
    if there is agents:
        fault = fault or agent_fault(candidate, caller, services)
    if fault:
        raise ApiError(403, f"{name!r} cannot be used: {fault}", code="not_allowed", param="model")
    return _Asked(candidate=candidate)


def agent_fault(agent_id: str, caller: ApiCaller, services: Services) -> str | None:
    """Return why the caller may not use an agent whatever the turn, or None."""
    agent = services.registry.agents.get(agent_id)
    refusal = agent_refusal(
        agent.card if agent else None,
        agent_id,
        caller=services.caller(Context(user=caller.user, grants=caller.key.grants), Left(None)),
        moment=Moment(phase=Phase.IDLE, holder=agent_id),
        runnable=agent_id in services.runnable(),
    )
    return (
        refusal.reason
        if refusal and refusal.code in ("unknown", "disabled", "no_graph", "grants")
        else None
    )


def outside(
    caller: ApiCaller,
    services: Services,
    *,
    models: Sequence[str] | None = None,
    agents: Sequence[str] | None = None,
) -> tuple[str, ...]:
    """Return the agents and models that the key, or the wildcards of the request, leave out."""
    kept_agents = [caller.key.agents, *([] if agents is None else [agents])]
    kept_models = [caller.key.models, *([] if models is None else [models])]
    return (
        *_left_out(services.registry.agents, kept_agents),
        *_left_out(services.gateway.models, kept_models),
    )


def _left_out(ids: Iterable[str], lists: Sequence[Sequence[str]]) -> list[str]:
    asked = [patterns for patterns in lists if "*" not in patterns]
    if not asked:
        return []
    return [i for i in ids if not all(_fits(i, patterns) for patterns in asked)]


def _fits(candidate: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(candidate, pattern) for pattern in patterns)


def _call(request: ChatRequest) -> dict[str, Any]:
    """Return what the request asks of the model."""
    if None not in (request.max_tokens, request.max_completion_tokens):
        raise ApiError(
            400, "send max_completion_tokens or max_tokens, not both", param="max_tokens"
        )
    plain: dict[str, Any] = {
        "max_tokens": request.max_completion_tokens or request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "presence_penalty": request.presence_penalty,
        "frequency_penalty": request.frequency_penalty,
        "stop": [request.stop] if isinstance(request.stop, str) else request.stop or None,
        "seed": request.seed,
        "reasoning_effort": request.reasoning_effort,
        "parallel_tool_calls": request.parallel_tool_calls,
        "user": request.user,
        "instructions": instructions_of(request.messages) or None,
    }
    if request.response_format is not None and not isinstance(request.response_format, TextFormat):
        plain["response_format"] = _format(request)
    if request.tools:
        plain["tools"] = [tool.model_dump(exclude_none=True) for tool in request.tools]
    choice = request.tool_choice
    if not request.tools:
        if choice not in (None, "none", "auto"):
            raise ApiError(400, "tool_choice needs tools", param="tool_choice")
        plain["parallel_tool_calls"] = None
    else:
        _check_choice(request)
        plain["tool_choice"] = (
            choice if isinstance(choice, str) or choice is None else choice.model_dump()
        )
    return {name: value for name, value in plain.items() if value is not None}


def _check_choice(request: ChatRequest) -> None:
    """Refuse the choice of a tool that is not given."""
    choice, given = request.tool_choice, [tool.function.name for tool in request.tools or ()]
    if isinstance(choice, NamedTool) and choice.function.name not in given:
        raise ApiError(
            400,
            f"tool_choice: given {choice.function.name!r}, expected one of the tools: {', '.join(given)}",
            code="invalid_value",
            param="tool_choice",
        )


def _format(request: ChatRequest) -> dict[str, Any]:
    """Return the form that the answer must have.

    Raises:
        ApiError: its schema is none, or refers to what is not in it.
    """
    form = request.response_format
    assert form is not None
    if isinstance(form, SchemaFormat) and form.json_schema.schema_ is not None:
        try:
            validator_of(form.json_schema.schema_)
        except InputError as error:
            message = f"response_format: the schema cannot be used: {error}"
            raise ApiError(400, message, param="response_format") from None
    return form.model_dump(exclude_none=True, by_alias=True)
