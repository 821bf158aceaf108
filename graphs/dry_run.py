"""Computes who would serve a text, without running it: the nodes that decide, on a thread's state as it stands.

It calls no agent and no model, and writes nothing.
"""

from collections.abc import Mapping
from typing import Any, cast

from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.runtime import Runtime

from graphs.machine import Event
from graphs.nodes.observe import after_observe, observe, resume_approval
from graphs.nodes.route import routed
from graphs.sent import clean_message
from graphs.services import Services
from graphs.state import Context, State
from graphs.turn import text_of


async def dry_run(
    text: str | BaseMessage,
    services: Services,
    *,
    values: Mapping[str, Any] | None = None,
    context: Context | None = None,
    waits: bool = False,
) -> dict[str, Any]:
    """Return the decision record of `text` as far as it is decided before anything runs.

    Args:
        text: the user's next message, or the result of a tool.
        services: the agents and routers.
        values: the state of the thread, as `graph.get_state(config).values` gives it; None is a new thread.
        context: who would be calling.
        waits: whether an agent waits for an approval in the thread, which the message would answer.

    Raises:
        InputError: the text is empty or too long.
    """
    earlier = dict(values or {})
    message = clean_message(HumanMessage(text) if isinstance(text, str) else text)
    if waits:
        answered = resume_approval(earlier, text_of(message.content), paid_usd=0.0)
        return {**answered["decision"], "dry_run": True}
    state = {**earlier, "messages": [*earlier.get("messages", ()), message]}
    state |= await observe(services)(cast(State, state), {}, Runtime(context=context or Context()))
    if after_observe(cast(State, state)) == Event.NEW_REQUEST:
        state |= await routed(cast(State, state), context, services, may_call=False)
    record: dict[str, Any] = {**state["decision"], "dry_run": True}
    if state["event"] != Event.NEW_REQUEST and record["agents"]["decision"] is None:
        reason = f"{state['target']} goes on" if state["target"] else "the dialogue is closed"
        record["agents"] = {**record["agents"], "agent": state["target"], "reason": reason}
    return record
