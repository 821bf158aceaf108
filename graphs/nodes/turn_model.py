"""Makes the chat model that answers for a turn: which models it stands for, who pays for it, until when it may take."""

import asyncio
from collections.abc import Sequence

from graphs.gateway.chat_model import GatewayChatModel
from graphs.nodes.models import spender
from graphs.results import Results
from graphs.services import Services
from graphs.state import Context, State

__all__ = ["turn_model"]


async def turn_model(
    order: Sequence[str],
    state: State,
    context: Context | None,
    services: Services,
    *,
    results: Results | None,
) -> GatewayChatModel:
    """Return the model that is the first of `order` that can answer, within the turn's budgets and its time."""
    paying = spender(state, context, services)
    return GatewayChatModel(
        gateway=services.gateway,
        order=tuple(order),
        ledger=await services.with_books(services.budgets.ledger, paying),
        deadline=services.deadline(state["decision"]["id"]),
        caller=context.user if context else None,
        loop=asyncio.get_running_loop(),
        results=results,
    )
