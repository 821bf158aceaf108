"""Draws the compiled graph as Mermaid text: the phases as states, the agents as one group, an edge an event.

It reads the graph that runs, so the picture cannot drift from it.
"""

from collections import defaultdict
from typing import Any

from langgraph.graph import END, START
from langgraph.graph.state import CompiledStateGraph

from graphs.machine import Phase

_GROUP = "agents"
_NAMES = {START: "START", END: "END"}
_PHASES = frozenset(phase.value for phase in Phase)
_STEPS = frozenset({"observe", "route", "clarify", "answer", "refuse"})


def draw(graph: CompiledStateGraph[Any, Any, Any, Any], *, phase: str | None = None) -> str:
    """Return the Mermaid flowchart of `graph`, with `phase` marked."""
    nodes = list(graph.builder.nodes)
    agents = [node for node in nodes if node not in _PHASES | _STEPS]
    lines = ["flowchart LR", "  START([START])", "  END([END])"]
    lines += [f"  {step}" for step in nodes if step in _STEPS]
    lines += [f"  subgraph {_GROUP}", *(f"    {_id(a)}[[{a}]]" for a in agents), "  end"]
    lines += [f"  {name}({name})" for name in nodes if name in _PHASES]
    for (source, target), events in sorted(_edges(graph, set(agents)).items(), key=_order):
        arrow = f"-->|{', '.join(sorted(events))}|" if events else "-->"
        lines.append(f"  {_id(source)} {arrow} {_id(target)}")
    if phase:
        lines.append(f"  style {phase} stroke-width:4px")
    return "\n".join(lines)


def _edges(
    graph: CompiledStateGraph[Any, Any, Any, Any], agents: set[str]
) -> dict[tuple[str, str], set[str]]:
    """Return the events that lead from a node to another; none where the edge has no condition.

    Read off the builder, because LangGraph's own drawing keeps one event for each pair of nodes.
    """
    edges: dict[tuple[str, str], set[str]] = defaultdict(set)

    def between(source: str, target: str) -> set[str]:
        return edges[_GROUP if source in agents else source, _GROUP if target in agents else target]

    for source, target in graph.builder.edges:
        between(source, target)
    for source, branches in graph.builder.branches.items():
        for branch in branches.values():
            for label, target in (branch.ends or {}).items():
                between(source, target).add(str(label).partition(":")[0])
    return edges


def _id(node: str) -> str:
    # An agent's own id may be a word of Mermaid's; the phases and steps are not.
    return _NAMES.get(node, node if node in _PHASES | _STEPS | {_GROUP} else f"a_{node}")


def _order(item: tuple[tuple[str, str], set[str]]) -> tuple[int, str, str]:
    source, target = item[0]
    sources = [START, "observe", "route", _GROUP, Phase.HANDING_OVER.value]
    return (sources.index(source) if source in sources else len(sources), source, target)
