"""An MCP server's tools as an agent: a model chooses a call, a person approves what may change something.

What the model may choose is the enum of its structured output, so that small models can choose too and a forged name
cannot be decoded; what comes back is checked against it again. What a tool returns is data: it is shown to the model as
such, and whatever it says, a call that may change something waits for a person.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt
from mcp import Client, MCPError

from agents.contract import AgentContext, AgentState, declined, done, failed, needs_input
from agents.elsewhere.entries import McpEntry
from agents.elsewhere.mcp_model import Chooser, Step
from agents.elsewhere.mcp_sessions import McpSessions
from agents.elsewhere.mcp_tools import (
    ToolCard,
    checked_arguments,
    named_arguments,
    result_text,
    tool_cards,
)
from agents.elsewhere.wording import one_line
from agents.errors import AgentError, UnreachableError
from agents.replies import approved

__all__ = ["build"]

_PAGES = 10


class McpState(AgentState, total=False):
    """What one run holds."""

    tools: list[ToolCard]
    steps: list[Step]
    call: Step
    """The call that is to be made."""
    go: Literal["choose", "approve", "call", "end"]


class _Server:
    """One agent's server: its entry, its connections, and how it is called."""

    def __init__(self, agent_id: str, entry: McpEntry, *, title: str) -> None:
        self.id, self.entry, self.title = agent_id, entry, title
        self.sessions = McpSessions(entry, name=agent_id)

    async def tools(self, context: AgentContext) -> list[ToolCard]:
        """Return the tools of this moment."""
        try:
            listed = await self.sessions.run(
                _listed, user=context.user, home=context.home, again=True
            )
        except MCPError as error:
            raise UnreachableError(
                f"the MCP server {self.id} does not list its tools ({error.code})"
            ) from error
        return tool_cards(listed, self.entry, server=self.id)

    async def call(self, call: Step, context: AgentContext) -> Step:
        """Make a call; what a server says against it is a result."""
        work = partial(_called, name=call["tool"], arguments=call["arguments"])
        try:
            result = await self.sessions.run(work, user=context.user, home=context.home)
        except MCPError as error:
            return {**call, "result": f"refused: {one_line(str(error))}", "ok": False}
        return {**call, "result": result_text(result), "ok": not result.is_error}


def build(
    agent_id: str, entry: McpEntry, *, title: str
) -> CompiledStateGraph[McpState, AgentContext, Any, Any]:
    """Return the agent of an MCP server; the server is started, or called, when it is first needed."""
    server = _Server(agent_id, entry, title=title)
    graph: Any = StateGraph(McpState, context_schema=AgentContext)
    graph.add_node("list", partial(_list, server=server))
    graph.add_node("choose", partial(_choose, server=server))
    graph.add_node("approve", partial(_approve, server=server))
    graph.add_node("call", partial(_call, server=server))
    graph.add_edge(START, "list")
    for node, following in {
        "list": ["choose"],
        "choose": ["choose", "approve", "call"],
        "approve": ["call"],
        "call": ["choose"],
    }.items():
        graph.add_conditional_edges(
            node, lambda state: state["go"], {**{n: n for n in following}, "end": END}
        )
    compiled: CompiledStateGraph[McpState, AgentContext, Any, Any] = graph.compile(name=agent_id)
    return compiled


async def _list(
    state: McpState, runtime: Runtime[AgentContext], *, server: _Server
) -> dict[str, Any]:
    if state.get("event") == "cancel":
        return _end(done("All right, nothing more is done."))
    if runtime.context.model is None:
        return _end(failed("no model may serve it, and it needs one to choose a tool"))
    return {"tools": await server.tools(runtime.context), "steps": [], "go": "choose"}


async def _choose(
    state: McpState, runtime: Runtime[AgentContext], *, server: _Server
) -> dict[str, Any]:
    """Let the model say what is next, and with which arguments."""
    steps = state["steps"]
    chooser = Chooser(
        title=server.title,
        request=state["request"],
        history=state.get("history") or (),
        tools=state["tools"],
        steps=steps,
        context=runtime.context,
    )
    verb = await chooser.next(may_call=len(steps) < server.entry.steps)
    if verb == "answer":
        return _end(done(await chooser.answer(), data=_used(steps)))
    if verb == "ask":
        return _end(needs_input(await chooser.question(), memory=state.get("memory") or {}))
    if verb == "decline":
        return _end(declined(f"none of the tools of {server.title} fits the request"))
    tool = next((t for t in state["tools"] if verb == f"call {t['name']}"), None)
    if tool is None:
        return _end(failed("the model did not say which tool it needs"))
    arguments, fault = checked_arguments(tool, await chooser.arguments(tool))
    if any(s["tool"] == tool["name"] and s["arguments"] == arguments for s in steps):
        # It has what it asks for: a weak model goes in circles.
        return _end(done(await chooser.answer(), data=_used(steps)))
    call = Step(tool=tool["name"], arguments=arguments, result="", ok=False)
    fault = fault or await _denied(call, runtime.context)
    if fault:
        return {"steps": [*steps, {**call, "result": f"not called: {fault}"}], "go": "choose"}
    return {"call": call, "go": "approve" if tool["changes"] else "call"}


async def _approve(
    state: McpState, runtime: Runtime[AgentContext], *, server: _Server
) -> dict[str, Any]:
    """Show the very call that is to be made. It runs again from its start when the answer comes."""
    call = state["call"]
    verdict = approved(
        interrupt(
            {
                "kind": "approval",
                "question": f"May {server.title} run `{call['tool']}`?",
                "details": named_arguments(call["arguments"]),
                "agent": server.id,
            }
        )
    )
    if verdict is None:
        return _end(declined(f"that is no yes or no, so {call['tool']} was not run"))
    return {"go": "call"} if verdict else _end(done(f"`{call['tool']}` was not run."))


async def _call(
    state: McpState, runtime: Runtime[AgentContext], *, server: _Server
) -> dict[str, Any]:
    """Make the call. One that may change something is made once, even if the process dies meanwhile."""
    context, call = runtime.context, state["call"]
    tools = {
        tool["name"]: tool for tool in await server.tools(context)
    }  # it may have changed since
    tool = tools.get(call["tool"])
    if tool is None or checked_arguments(tool, call["arguments"])[1] is not None:
        return _end(failed(f"the MCP server {server.id} has changed {call['tool']} meanwhile"))
    if why := await _denied(call, context):
        return _end(failed(f"{call['tool']} was not called: {why}"))
    asked = next(t for t in state["tools"] if t["name"] == call["tool"])
    if tool["changes"] and not asked["changes"]:
        return {"tools": [*tools.values()], "go": "choose"}
    if not tool["changes"] and not asked["changes"]:
        made = await server.call(call, context)
        return {"steps": [*state["steps"], made], "go": "choose"}
    if context.begin is not None and not await context.begin(_key(call, runtime)):
        return _end(_unknown(call, "the process ended while it ran"))
    try:
        made = await server.call(call, context)
    except AgentError as error:
        return _end(_unknown(call, str(error)))
    return {"steps": [*state["steps"], made], "go": "choose"}


async def _denied(call: Step, context: AgentContext) -> str:
    """Return why the policy lets a call not be made, empty if it does."""
    return "" if context.allows is None else await context.allows(call["tool"], call["arguments"])


def _unknown(call: Step, why: str) -> AgentState:
    """Return the outcome of a call that may have changed something: the user must know, so nobody else answers."""
    text = (
        f"I cannot say whether `{call['tool']}` was done: {why}. Look before you ask for it again."
    )
    return done(text, data={"unknown": call["tool"]})


def _key(call: Step, runtime: Runtime[AgentContext]) -> str:
    info = runtime.execution_info
    text = json.dumps(
        [info.task_id if info else "", call["tool"], call["arguments"]], sort_keys=True
    )
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _used(steps: Sequence[Step]) -> dict[str, Any]:
    """Return what was called, as values for programs."""
    return {"tools": [{k: s[k] for k in ("tool", "arguments", "ok")} for s in steps]}


def _end(outcome: AgentState) -> dict[str, Any]:
    return {**outcome, "go": "end"}


async def _listed(client: Client) -> list[Any]:
    tools: list[Any] = []
    cursor = None
    for _ in range(_PAGES):
        page = await client.list_tools(cursor=cursor, cache_mode="refresh")
        tools += page.tools
        cursor = page.next_cursor
        if cursor is None:
            break
    return tools


async def _called(client: Client, *, name: str, arguments: dict[str, Any]) -> Any:
    return await client.call_tool(name, arguments)
