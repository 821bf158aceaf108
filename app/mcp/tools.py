"""MoMA's tools for MCP clients: ask it something, or only ask who would answer. It knows no transport.

An approval that an agent waits for comes back as a text; the next `ask` on the thread answers it. So whoever calls can
say yes: what a client lets its model call without a person is the client's affair.
"""

import uuid
from collections.abc import Callable
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult, TextContent, ToolAnnotations

from agents.errors import MomaError
from app.chat.commands import check_thread
from graphs import Context, Services
from graphs.dry_run import dry_run
from graphs.machine import Phase
from graphs.record import explain, troubles
from graphs.spoken import Ended, run_turn
from graphs.threads import MomaGraph

__all__ = ["make_mcp"]

_INSTRUCTIONS = (
    "MoMA answers each message with the agent that fits it or, if none does, with the language model that is best for "
    "its price. Pass the thread of an answer on to go on with the dialogue."
)
_WAITS = {
    Phase.AWAITING_APPROVAL: "It waits for a yes or no of the user: ask again in this thread with the user's answer.",
    Phase.AWAITING_INPUT: "It waits for the user's answer: ask again in this thread with it.",
    Phase.AWAITING_CHOICE: "It waits for the user's choice: ask again in this thread with it.",
}


def make_mcp(
    graph: MomaGraph, services: Services, *, context: Callable[[], Context] = Context
) -> MCPServer:
    """Return an MCP server over `graph`.

    Args:
        graph: with a checkpointer, or else no thread is kept.
        services: what the graph was built with.
        context: who is calling; asked for each call.
    """
    server = MCPServer("moma", title="MoMA", instructions=_INSTRUCTIONS)
    ask_hints = ToolAnnotations(title="Ask MoMA", read_only_hint=False, open_world_hint=True)
    route_hints = ToolAnnotations(title="Who would answer", read_only_hint=True)

    @server.tool(annotations=ask_hints)
    async def ask(message: str, thread: str = "") -> CallToolResult:
        """Send a message and get the answer, with who gave it.

        Args:
            message: what the user wants to know or have done.
            thread: the thread of an earlier answer, to go on with it; empty begins a new one.
        """
        try:
            place = check_thread(thread) if thread else uuid.uuid4().hex[:12]
            return await _asked(graph, message, place, context())
        except MomaError as error:
            return _refused(error)

    @server.tool(annotations=route_hints)
    async def route(message: str, thread: str = "") -> CallToolResult:
        """Say who would answer a message and why, without running anything.

        Args:
            message: what the user might say.
            thread: the thread in which it would be said; empty is a new one.
        """
        try:
            caller, values = context(), None
            if thread:
                place: Any = {"configurable": {"thread_id": check_thread(thread)}}
                values = (await graph.aget_state(place, user=caller.user)).values
            record = await dry_run(message, services, values=values, context=caller)
        except MomaError as error:
            return _refused(error)
        agents, models = record["agents"], record["models"] or {}
        chosen = agents["agent"] or models.get("chosen") or "nobody"
        return _result(f"{chosen}: {explain(record)}", {"chosen": chosen, "record": record})

    return server


async def _asked(graph: MomaGraph, message: str, thread: str, context: Context) -> CallToolResult:
    ended = None
    async for part in run_turn(graph, message, thread=thread, context=context):
        if isinstance(part, Ended):
            ended = part
    assert ended is not None, "a turn ends"
    record = ended.record
    served = record["served_by"] or {}
    waits = _WAITS.get(Phase(ended.phase)) if ended.phase else None
    notes = [
        f"(answered by {served.get('kind')} {served.get('id')}; thread: {thread})",
        *([waits] if waits else []),
        *(f"(note: {trouble})" for trouble in troubles(record)),
    ]
    values = {
        "answer": ended.answer,
        "served_by": served,
        "thread": thread,
        "phase": ended.phase,
        "cost_usd": record["cost_usd"],
    }
    return _result("\n\n".join([ended.answer, *notes]), values, is_error=bool(record["error"]))


def _refused(error: MomaError) -> CallToolResult:
    return _result(str(error), {"error": str(error), "status": error.status}, is_error=True)


def _result(text: str, values: dict[str, Any], *, is_error: bool = False) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(text=text)], structured_content=values, is_error=is_error
    )
