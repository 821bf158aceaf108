"""`GET /v1/models`: what the field `model` can say: MoMA's own choice, the caller's agents, each model."""

from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.server.callers import ApiCaller, caller_of
from app.server.errors import ApiError
from app.server.narrowing import AGENT, AUTO, agent_fault, named_model, outside
from app.server.resources import Resources
from graphs.budgets import Left
from graphs.masks import Need, model_refusal
from graphs.services import Services

__all__ = ["list_models", "show_model"]

_CHOICES = {
    AUTO: "The agent that fits, else the model with the best quality for its price.",
    f"{AUTO}:cost": "The same, as cheap as can be.",
    f"{AUTO}:performance": "The same, as good as can be.",
}
_BETWEEN = "The same, by a preference from 0 (as cheap as can be) to 1 (as good as can be)."


async def list_models(request: Request) -> Response:
    """Return all that a caller may ask for."""
    resources: Resources = request.app.state.resources
    caller = caller_of(request.headers, resources.keys)
    entries = [*_entries(caller, resources.services)]
    return JSONResponse({"object": "list", "data": entries})


async def show_model(request: Request) -> Response:
    """Return one entry of the list.

    Raises:
        ApiError: there is none with this id.
    """
    resources: Resources = request.app.state.resources
    caller = caller_of(request.headers, resources.keys)
    asked = request.path_params["model"]
    for entry in _entries(caller, resources.services):
        if entry["id"] == asked:
            return JSONResponse(entry)
    if asked.startswith(f"{AUTO}:"):
        named_model(asked, caller, resources.services)
        return JSONResponse(_entry(asked, kind="router", description=_BETWEEN))
    raise ApiError(
        404, f"the model {asked!r:.100} does not exist", code="model_not_found", param="model"
    )


def _entries(caller: ApiCaller, services: Services) -> Iterator[dict[str, Any]]:
    for name, description in _CHOICES.items():
        yield _entry(name, kind="router", description=description)
    left_out = frozenset(outside(caller, services))
    for agent_id, card in services.cards().items():
        if agent_id in left_out or agent_fault(agent_id, caller, services):
            continue
        reason = "it rests after crashes" if agent_id in services.broken() else None
        yield _entry(
            f"{AGENT}{agent_id}", kind="agent", description=card.description, masked=reason
        )
    of_caller = services.caller(None, Left(None))
    need = Need(tokens=1, residency=services.options.residency)
    for facts in services.model_facts(input_tokens=1):
        if facts.id in left_out:
            continue
        refusal = model_refusal(facts, caller=of_caller, need=need)
        yield _entry(
            facts.id,
            kind="model",
            masked=refusal.reason if refusal else None,
            modalities=sorted(facts.modalities),
            context_tokens=facts.context_tokens,
        )


def _entry(name: str, *, kind: str, masked: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "moma",
        "moma": {"kind": kind, "masked": masked, **more},
    }
