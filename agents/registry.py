"""Which agents there are at this moment. It knows cards and compiled graphs, no routing and no permissions.

Agents come and go at run time; every change gives the registry a new `version`, which goes into decision records.
"""

import difflib
import importlib
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from langgraph.graph.state import CompiledStateGraph, StateGraph

from agents.card import AgentCard, Skill, cards_hash, check_id, check_unique, skeleton
from agents.elsewhere.checks import fault_of
from agents.elsewhere.graph import as_agent
from agents.errors import CatalogError, MomaError
from agents.extras import how_to_install

AgentGraph = CompiledStateGraph[Any, Any, Any, Any]
Listener = Callable[[AgentCard | None, AgentCard | None], None]


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
        self._lock = threading.RLock()
        self._agents: Mapping[str, Agent] = MappingProxyType({a.card.id: a for a in agents})
        self._twins = {skeleton(i): i for i in self._agents}
        self._hashed: tuple[Mapping[str, Agent], str] = ({}, "")
        self._listeners: list[Listener] = []

    @property
    def agents(self) -> Mapping[str, Agent]:
        """The agents of this moment."""
        return self._agents

    @property
    def version(self) -> str:
        """A hash of all cards."""
        agents, hashed = self._hashed
        if agents is not self._agents:
            agents = self._agents
            hashed = cards_hash([a.card for a in agents.values()])
            self._hashed = agents, hashed
        return hashed

    def on_change(self, listener: Listener) -> None:
        """Call `listener(before, after)` after each change; None stands for no card.

        What it raises undoes the change.
        """
        self._listeners.append(listener)

    def register(self, card: AgentCard, graph: AgentGraph | None = None) -> None:
        """Add an agent, or replace the one with the same id.

        The graph may be any compiled one with `messages` in its state. What the card says of where its agent is is not
        followed: such a card may come from anywhere.

        Raises:
            CatalogError: the id is not legal, or looks like another's, or a skill is none, or the graph is not
                compiled or cannot be given a message.
        """
        check_id(card.id)
        _check_types(card, graph)
        graph = None if graph is None else as_agent(card.id, graph)
        with self._lock:
            twin = self._twins.get(skeleton(card.id), card.id)
            if twin != card.id:
                raise CatalogError(
                    f"the id {card.id!r} is not to be told from {twin!r}; choose another"
                )
            before = self._agents.get(card.id)
            agents = {**self._agents, card.id: Agent(card, graph)}
            self._change(agents, before.card if before else None, card)
            self._twins[skeleton(card.id)] = card.id

    def unregister(self, agent_id: str) -> None:
        """Remove an agent; unknown ids are an error so that a typo is seen.

        Raises:
            CatalogError: there is no such agent.
        """
        with self._lock:
            before = self._known(agent_id).card
            left = {i: a for i, a in self._agents.items() if i != agent_id}
            self._change(left, before, None)
            del self._twins[skeleton(agent_id)]

    def enable(self, agent_id: str, enabled: bool) -> None:
        """Switch an agent on or off: the kill switch.

        Raises:
            CatalogError: there is no such agent.
        """
        with self._lock:
            agent = self._known(agent_id)
            self.register(replace(agent.card, enabled=enabled), agent.graph)

    def _known(self, agent_id: str) -> Agent:
        if agent_id in self._agents:
            return self._agents[agent_id]
        close = difflib.get_close_matches(agent_id, self._agents, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"{len(self._agents)} others are known"
        raise CatalogError(f"no agent {agent_id!r}; {hint}")

    def _change(
        self, agents: dict[str, Agent], before: AgentCard | None, after: AgentCard | None
    ) -> None:
        old, self._agents = self._agents, MappingProxyType(agents)
        try:
            for listener in self._listeners:
                listener(before, after)
        except BaseException:
            self._agents = old
            raise


def _check_types(card: AgentCard, graph: Any) -> None:
    """Check what a program made by hand: no file's types were checked before.

    Raises:
        CatalogError: a skill is no `Skill`, or the graph is not compiled.
    """
    strange = next(((n, s) for n, s in enumerate(card.skills) if not isinstance(s, Skill)), None)
    if strange is not None:
        at, skill = strange
        raise CatalogError(
            f"agent {card.id!r}: skills[{at}]: given a {type(skill).__name__}, expected a Skill"
        )
    if graph is None or isinstance(graph, CompiledStateGraph):
        return
    hint = "; call its compile()" if isinstance(graph, StateGraph) else ""
    raise CatalogError(
        f"agent {card.id!r}: given a {type(graph).__name__}, expected a compiled StateGraph{hint}"
    )


def build_agent(card: AgentCard) -> Agent:
    """Build the graph of the agent where its card says it is: by import, or behind a server. No server is called yet.

    Raises:
        CatalogError: the path does not import, or does not lead to a compiled graph, and what broke in it is the
            cause; or an address cannot be followed; or an extra is not installed.
    """
    if (fault := fault_of(card)) is not None:
        raise CatalogError(f"agent {card.id!r}: {'.'.join(fault[0])}: {fault[1]}")
    if card.run:
        return Agent(card, as_agent(card.id, _imported(card)))
    for kind in ("remote", "mcp", "a2a"):
        entry = getattr(card, kind)
        if entry is not None:
            try:
                module = importlib.import_module(f"agents.elsewhere.{kind}")
            except ImportError as error:
                raise CatalogError(
                    f"agent {card.id!r}: {kind}: {error.name or error} is not installed; install the extra "
                    f"'protocols': {how_to_install('protocols')}"
                ) from None
            return Agent(card, module.build(card.id, entry, title=card.title))
    return Agent(card, None)


def _imported(card: AgentCard) -> AgentGraph:
    module, _, name = card.run.partition(":")
    try:
        found: Any = getattr(importlib.import_module(module), name or "build")
        if not isinstance(found, CompiledStateGraph) and not callable(found):
            raise TypeError(f"{name} is neither a function nor a compiled graph")
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise CatalogError(
            f"agent {card.id!r}: run: given {card.run!r}, expected 'module:function' that can be imported ({error})"
        ) from None
    except (Exception, SystemExit) as error:
        raise _broken(card, "importing", error) from error
    if isinstance(found, CompiledStateGraph):
        if card.options:
            raise CatalogError(
                f"agent {card.id!r}: options: {card.run} is a graph and takes none; name a function that builds it"
            )
        return found
    try:
        graph = found(card.options)
    except MomaError:
        raise
    except (Exception, SystemExit) as error:
        raise _broken(card, "building", error) from error
    if not isinstance(graph, CompiledStateGraph):
        raise CatalogError(
            f"agent {card.id!r}: {card.run} returned {type(graph).__name__}, expected a compiled StateGraph"
        )
    return graph


def _broken(card: AgentCard, doing: str, error: BaseException) -> CatalogError:
    said = " ".join(str(error).split())[:200]
    return CatalogError(
        f"agent {card.id!r}: run: {doing} {card.run!r} failed with {type(error).__name__}: {said}"
    )
