"""Draws the task agent's graph: which node follows which. What the nodes do, their modules say."""

from collections.abc import Mapping
from functools import partial
from typing import Any, get_args

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agents.contract import AgentContext
from agents.errors import CatalogError
from agents.tasks.changing import approve, change, delete, reschedule
from agents.tasks.dates import DateOrder
from agents.tasks.drafting import draft, drop, revise, save
from agents.tasks.finding import choose, find, show, understand
from agents.tasks.state import TasksState, conclude

_REPLIES = frozenset({"continue", "affirm", "deny", "stay", "choose"})
_WAITING = {
    "title": "revise",
    "when": "revise",
    "confirm": "revise",
    "change": "revise",
    "pick": "choose",
    "new_date": "reschedule",
}


def build(options: Mapping[str, Any]) -> CompiledStateGraph[TasksState, AgentContext, Any, Any]:
    """Compile the task agent.

    Args:
        options: from the catalogue; `date_order` (`MDY`, `DMY` or `YMD`) says how 11/12/2026 is read.

    Raises:
        CatalogError: an option is unknown or has a wrong value.
    """
    order = _date_order(options)
    graph = StateGraph(TasksState, context_schema=AgentContext)
    graph.add_node("understand", partial(understand, order=order))
    graph.add_node("draft", partial(draft, order=order))
    graph.add_node("revise", partial(revise, order=order))
    graph.add_node("reschedule", partial(reschedule, order=order))
    graph.add_node("save", save)
    graph.add_node("find", find)
    graph.add_node("choose", choose)
    graph.add_node("show", show)
    graph.add_node("approve", approve)
    graph.add_node("change", change)
    graph.add_node("delete", delete)
    graph.add_node("drop", drop)
    graph.add_node("end", conclude)
    graph.add_conditional_edges(
        START, _entry, ["understand", "revise", "choose", "reschedule", "drop"]
    )
    for name, following in {
        "understand": ["draft", "show", "find", "end"],
        "draft": ["save", "end"],
        "revise": ["save", "understand", "drop", "end"],
        "find": ["change", "reschedule", "approve", "show", "end"],
        "choose": ["change", "reschedule", "approve", "understand", "drop", "end"],
        "reschedule": ["change", "understand", "drop", "end"],
        "approve": ["delete", "end"],
        "save": ["end"],
        "show": ["end"],
        "change": ["end"],
        "delete": ["end"],
        "drop": ["end"],
    }.items():
        graph.add_conditional_edges(name, _step, following)
    graph.add_edge("end", END)
    return graph.compile(name="tasks")


def _entry(state: TasksState) -> str:
    """Return the first node: the one that waits for a reply, or a fresh look at the request."""
    event, memory = state.get("event", "start"), state.get("memory") or {}
    if event == "cancel":
        return "drop"
    return (
        _WAITING.get(memory.get("awaiting", ""), "understand")
        if event in _REPLIES
        else "understand"
    )


def _step(state: TasksState) -> str:
    return state["step"]


def _date_order(options: Mapping[str, Any]) -> DateOrder:
    for key in options:
        if key != "date_order":
            raise CatalogError(
                f"agent 'tasks': unknown option {key!r}; expected 'date_order' or none"
            )
    order = options.get("date_order", "MDY")
    for known in get_args(DateOrder):
        if order == known:
            return known  # type: ignore[no-any-return]
    raise CatalogError(
        f"agent 'tasks': option 'date_order' is {order!r}; expected one of {', '.join(get_args(DateOrder))}"
    )
