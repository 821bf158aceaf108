"""The graph: the state machine's nodes and conditional edges, and nothing else.

Example:
    graph = build_graph(catalog="catalog.yaml", checkpointer=saver)
    await graph.ainvoke({"messages": "What is 17% of 2,350?"}, {"configurable": {"thread_id": "1"}})
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.store.base import BaseStore

from agents.errors import CatalogError
from graphs.catalog import Catalog
from graphs.checkpoints import strict
from graphs.guard import guarded, guarded_late
from graphs.machine import (
    ANSWER_EVENTS,
    OUTCOME_EVENTS,
    RESTING,
    Event,
    Phase,
    destinations,
)
from graphs.nodes.answer import answer
from graphs.nodes.ask import clarify, refuse
from graphs.nodes.observe import after_observe, observe
from graphs.nodes.phases import event_of, handing_over, resting
from graphs.nodes.route import after_route, route
from graphs.options import Options
from graphs.services import Services
from graphs.state import Context, Input, Led, Output, State
from graphs.steps import Nodes
from graphs.threads import MomaGraph

LATE = "agent"
"""The node in which agents run that were registered after the graph was built."""
Builder = StateGraph[Any, Any, Any, Any]
_DECIDING = frozenset({"observe", "route", "clarify", "refuse", *Phase})
"""The nodes that only decide (see `graphs.steps`)."""
_OWN = frozenset({*_DECIDING, "answer", LATE})
_TAKEN = frozenset({*_OWN, *State.__annotations__, START, END})


def build_graph(
    *,
    catalog: Catalog | str | Path = "catalog.yaml",
    checkpointer: BaseCheckpointSaver[Any] | bool | None = None,
    store: BaseStore | None = None,
    options: Options | None = None,
    services: Services | None = None,
) -> MomaGraph:
    """Build and compile the orchestrator.

    Args:
        catalog: the agents and models, or the path of their file.
        checkpointer: where threads are kept; made strict in what it unpickles. None keeps none; True, inside another
            graph, keeps them where that one does.
        store: LangGraph's store, handed to agents.
        options: what the operator set.
        services: what the nodes share, to keep hold of it; made from `catalog` if not given.

    Raises:
        CatalogError: the catalogue or one of its agents is broken.
    """
    if services is None:
        loaded = catalog if isinstance(catalog, Catalog) else Catalog.from_file(catalog)
        services = Services.from_catalog(loaded, options)
    builder: Builder = StateGraph(
        State, context_schema=Context, input_schema=Input, output_schema=Output
    )
    agents = _add_agents(builder, services)
    _add_router(builder, services, agents)
    _add_phases(builder, services)
    saver = strict(checkpointer) if isinstance(checkpointer, BaseCheckpointSaver) else checkpointer
    compiled = builder.compile(checkpointer=saver, store=store, name="moma")
    listens = services.options.feedback != "off"
    return MomaGraph.from_compiled(
        compiled,
        admission=services.admission,
        kinds=_kinds(services, agents),
        listens=listens,
        foresee=services.ahead.foresee,
        go_on=services.go_on,
    )


def _add_agents(builder: Builder, services: Services) -> list[str]:
    """Add a guarded node for each agent with a graph, and one for those that come later."""
    known = {i: a.graph for i, a in services.registry.agents.items() if a.graph is not None}
    if clash := sorted(agent_id for agent_id in known if agent_id in _TAKEN):
        raise CatalogError(
            f"the agent id {clash[0]!r} is the name of a node or a field of the graph; choose another"
        )
    for agent_id, graph in known.items():
        _add(builder, agent_id, guarded(agent_id, graph, services))
    _add(builder, LATE, guarded_late(services))
    outcomes = destinations(OUTCOME_EVENTS | {Event.BACK_WAITING})
    for node in (*known, LATE):
        builder.add_conditional_edges(node, _edge(event_of), outcomes)
    return list(known)


def _add_router(builder: Builder, services: Services, agents: list[str]) -> None:
    """Add the nodes that name the turn, route it, and answer for the router or by a model."""
    _add(builder, "observe", observe(services))
    _add(builder, "route", route(services))
    _add(builder, "clarify", clarify(services))
    _add(builder, "answer", answer(services))
    _add(builder, "refuse", refuse)
    builder.add_edge(START, "observe")
    held: dict[Hashable, str] = {f"{Event.CONTINUE}: {agent}": agent for agent in (*agents, LATE)}
    builder.add_conditional_edges(
        "observe",
        _edge(lambda led: _known(after_observe(led), held)),
        {**held, Event.NEW_REQUEST.value: "route", Event.CLOSE.value: Phase.CLOSED.value},
    )
    started: dict[Hashable, str] = {f"{Event.START}: {agent}": agent for agent in (*agents, LATE)}
    builder.add_conditional_edges(
        "route",
        _edge(lambda led: _known(after_route(led), started)),
        {
            **started,
            Event.CLARIFY.value: "clarify",
            Event.NONE.value: "answer",
            Event.REFUSE.value: "refuse",
        },
    )
    builder.add_edge("clarify", destinations([Event.CLARIFY])[Event.CLARIFY])
    builder.add_edge("refuse", destinations([Event.REFUSE])[Event.REFUSE])
    builder.add_conditional_edges("answer", _edge(event_of), destinations(ANSWER_EVENTS))


def _add_phases(builder: Builder, services: Services) -> None:
    """Add a node for each phase."""
    for phase in sorted(RESTING):
        _add(builder, phase.value, resting(phase, services))
        builder.add_edge(phase.value, END)
    _add(builder, Phase.HANDING_OVER.value, handing_over(services))
    builder.add_conditional_edges(
        Phase.HANDING_OVER.value,
        _edge(event_of),
        {Event.ROUTE_AGAIN.value: "route", Event.EXHAUSTED.value: "answer"},
    )


def _kinds(services: Services, agents: Sequence[str]) -> Nodes:
    """Return what is known of the nodes, of which `agents` run an agent's graph."""
    # Who asks a model to break a tie does more than decide.
    deciding = _DECIDING - {"route"} if services.options.tie_break else _DECIDING
    graphs = {i: services.registry.agents[i].graph for i in agents}
    of_states = frozenset(i for i, graph in graphs.items() if isinstance(graph, CompiledStateGraph))
    return Nodes(deciding=deciding, repeatable=frozenset({"answer"}), graphs=of_states)


def _edge(label: Callable[[Led], str]) -> Callable[[Led], Awaitable[str]]:
    """Return a coroutine function for an edge: LangGraph calls a plain function in a thread of its own, each time."""

    async def edge(led: Led) -> str:
        return label(led)

    return edge


def _add(builder: Builder, name: str, node: Any) -> None:
    """Add a node; LangGraph's overloads do not take a function that another one returned."""
    builder.add_node(name, node)


def _known(label: str, agents: Mapping[Hashable, str]) -> str:
    """Return the edge of an agent, or the one of `agent` if it came after the graph was built."""
    event, colon, _ = label.partition(": ")
    return label if not colon or label in agents else f"{event}: {LATE}"
