"""What an agent is given for a run: the request with its history, and the models and tools that it may use.

It runs no agent and refuses none; what an agent may do it asks the policy call by call.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage

from agents.contract import AgentContext
from graphs.budgets import Left
from graphs.gateway.chat_model import GatewayChatModel
from graphs.gateway.ledger import Ledger
from graphs.machine import Event, Phase
from graphs.owner import user_of
from graphs.permits import judged_by
from graphs.policy.gate import Asking
from graphs.policy.tools import tool_refusal
from graphs.results import results_here
from graphs.services import Services
from graphs.state import Context, State
from graphs.turn import text_of

__all__ = ["HISTORY", "run_context", "run_input"]

HISTORY = 12
"""Earlier messages that an agent sees."""


def run_input(agent_id: str, state: State) -> dict[str, Any]:
    """Return the input of an agent's run."""
    messages = state["messages"]
    earlier = messages[-HISTORY - 1 : -1]
    history = [
        {"role": "assistant" if isinstance(m, AIMessage) else "user", "content": text_of(m.content)}
        for m in earlier
        if m.type in ("human", "ai")
    ]
    return {
        "request": state["request"],
        "event": str(state.get("event") or Event.START),
        "history": history,
        "memory": (state.get("memories") or {}).get(agent_id, {}),
    }


def run_context(
    order: Sequence[str],
    state: State,
    context: Context | None,
    services: Services,
    ledger: Ledger,
    *,
    seconds: float,
) -> AgentContext:
    """Return the context of an agent's run: who is calling, and the models and tools that the agent may use.

    Args:
        order: the models, the first choice first; without any the agent has none.
        state: of the thread.
        context: who is calling.
        services: of the process.
        ledger: to which the agent's calls of models are charged.
        seconds: how long it may take.
    """
    model, results = None, results_here()
    if order:
        model = GatewayChatModel(
            gateway=services.gateway,
            order=tuple(order),
            ledger=ledger,
            deadline=time.monotonic() + seconds,
            caller=context.user if context else None,
            whole=True,  # an agent's model writes drafts
            loop=asyncio.get_running_loop(),
            results=results,
        )
    first = services.overall_quality(order[0]) if order else 0.0
    return AgentContext(
        user=user_of(context),
        home=services.options.home,
        model=model,
        embed=services.embed,
        capable=first >= services.options.capable_from,
        begin=results.begin if results else None,
        allows=_allows(state, context, services),
        now=services.moment(state["decision"]),
    )


def _allows(
    state: State, context: Context | None, services: Services
) -> Callable[[str, Mapping[str, Any]], Awaitable[str]] | None:
    """Return what asks the policy about an agent's calls of tools; None without a policy.

    Both the rule of the turn and the one under which the arguments fall must let a call be made.
    """
    judged = judged_by(services.permits, state, context)
    if judged is None:
        return None
    gate = judged.engine.gate if judged.engine else None
    rules = judged.plugins("tools")
    asking = Asking(
        user=user_of(context),
        grants=tuple(services.caller(context, Left(None)).grants),
        phase=str(state.get("phase") or Phase.IDLE),
        holder=state.get("active_agent"),
        previous=[text_of(m.content) for m in state["messages"][:-1] if m.type == "human"],
        metadata=context.metadata if context else {},
    )

    async def why_not(tool: str, arguments: Mapping[str, Any]) -> str:
        if gate is None:
            return "the policy could not be asked"
        if why := tool_refusal(tool, rules):
            return f"the policy denies it: {why}"
        ruling = await asyncio.to_thread(gate.tool_call, tool, dict(arguments), asking=asking)
        return "" if ruling.allowed else f"the policy denies it: {ruling.reason}"

    return why_not
