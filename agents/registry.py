"""Which agents there are at this moment. It knows cards and compiled graphs, no routing and no permissions.

Agents come and go at run time; every change gives the registry a new `version`, which goes into decision records.
"""

import hashlib
import importlib
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

from langgraph.graph.state import CompiledStateGraph

from agents.card import AgentCard, check_id, check_unique, skeleton
from agents.errors import CatalogError

AgentGraph = CompiledStateGraph[Any, Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Agent:
    """A card and the graph that does the work; None where only the card is known."""

    card: AgentCard
    graph: AgentGraph | None


class Registry:
    """The agents, by id. Reading takes no lock: every change replaces the whole table."""

    def __init__(self, agents: Iterable[Agent] = ()) -> None:
        agents = tuple(agents)
        check_unique(a.card.id for a in agents)
        self._lock = threading.Lock()
        self._agents: Mapping[str, Agent] = MappingProxyType({a.card.id: a for a in agents})
        self._version: str | None = None
        self._listeners: list[Callable[[AgentCard | None, AgentCard | None], None]] = []

    @property
    def agents(self) -> Mapping[str, Agent]:
        """The agents of this moment."""
        return self._agents

    @property
    def version(self) -> str:
        """A hash of all cards."""
        if self._version is None:
            cards = [asdict(a.card) for a in self._agents.values()]
            text = json.dumps(cards, sort_keys=True, default=sorted)
            self._version = hashlib.sha256(text.encode()).hexdigest()[:16]
        return self._version

    def on_change(self, listener: Callable[[AgentCard | None, AgentCard | None], None]) -> None:
        """Call `listener(before, after)` at each change; None stands for no card."""
        self._listeners.append(listener)

    def register(self, card: AgentCard, graph: AgentGraph | None = None) -> None:
        """Add an agent, or replace the one with the same id.

        Raises:
            CatalogError: the id is not legal, or looks like another's.
        """
        check_id(card.id)
        with self._lock:
            others = {skeleton(i): i for i in self._agents if i != card.id}
            if (twin := others.get(skeleton(card.id))) is not None:
                raise CatalogError(
                    f"the id {card.id!r} is not to be told from {twin!r}; choose another"
                )
            before = self._agents.get(card.id)
            self._replace({**self._agents, card.id: Agent(card, graph)})
            self._tell(before.card if before else None, card)

    def unregister(self, agent_id: str) -> None:
        """Remove an agent; unknown ids are an error so that a typo is seen."""
        with self._lock:
            if agent_id not in self._agents:
                raise CatalogError(
                    f"no agent {agent_id!r}; known: {', '.join(self._agents) or 'none'}"
                )
            before = self._agents[agent_id].card
            self._replace({i: a for i, a in self._agents.items() if i != agent_id})
            self._tell(before, None)

    def enable(self, agent_id: str, enabled: bool) -> None:
        """Switch an agent on or off: the kill switch."""
        agent = self._agents[agent_id]
        self.register(replace(agent.card, enabled=enabled), agent.graph)

    def _replace(self, agents: dict[str, Agent]) -> None:
        self._agents = MappingProxyType(agents)
        self._version = None

    def _tell(self, before: AgentCard | None, after: AgentCard | None) -> None:
        for listener in self._listeners:
            listener(before, after)


def build_agent(card: AgentCard) -> Agent:
    """Import and build the graph that `card.run` names.

    Raises:
        CatalogError: the path does not import, or does not build a compiled graph.
    """
    if not card.run:
        return Agent(card, None)
    module, _, name = card.run.partition(":")
    try:
        build = getattr(importlib.import_module(module), name or "build")
    except (ImportError, AttributeError, ValueError) as error:
        raise CatalogError(
            f"agent {card.id!r}: run: given {card.run!r}, expected 'module:function' that can be imported ({error})"
        ) from None
    graph = build(card.options)
    if not isinstance(graph, CompiledStateGraph):
        raise CatalogError(
            f"agent {card.id!r}: {card.run} returned {type(graph).__name__}, expected a compiled StateGraph"
        )
    return Agent(card, graph)
