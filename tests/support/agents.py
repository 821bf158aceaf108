"""A house with fake agents and a fake encoder: the graph, LangGraph and the gateway around them are the real ones."""

import inspect
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from numpy.typing import NDArray

from agents.card import AgentCard
from agents.contract import AgentContext, AgentState, done
from agents.registry import Agent, AgentGraph, Registry
from agents.replies import normalise
from graphs import Catalog, Context, Options, Services, build_graph
from graphs.catalog import Kind
from graphs.gateway.gateway import Gateway
from graphs.gateway.local import LocalServers
from graphs.gateway.models import Model, Price
from graphs.routing.encoder import Encoder
from graphs.routing.evidence import FEATURES
from graphs.routing.fitted import Fitted
from graphs.threads import MomaGraph

Work = Callable[[AgentState, Runtime[AgentContext]], Any]
"""What a fake agent does in its one node; it may be a coroutine function."""


class FakeEncoder:
    """A bag of words: texts are as near as the words that they share."""

    name, dim = "fake", 512

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.full((len(texts), self.dim), 1e-6, np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in normalise(text).split():
                row[zlib.crc32(word.encode()) % self.dim] += 1
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


@dataclass
class FakeAgent:
    """An agent that is found by its own id, and what its runs were given."""

    card: AgentCard
    graph: AgentGraph
    seen: list[AgentState] = field(default_factory=list)

    @property
    def runs(self) -> int:
        return len(self.seen)


def fake_agent(agent_id: str, work: Work | None = None, **card: Any) -> FakeAgent:
    """Return an agent that does `work`, by default to say that it is done."""
    seen: list[AgentState] = []

    async def node(state: AgentState, runtime: Runtime[AgentContext]) -> Any:
        seen.append(state)
        if work is None:
            return done(f"{agent_id} did it.")
        result = work(state, runtime)
        return await result if inspect.isawaitable(result) else result

    builder = StateGraph(AgentState, context_schema=AgentContext)
    builder.add_node("work", node)
    builder.add_edge(START, "work")
    builder.add_edge("work", END)
    card = {"description": agent_id, **card}
    return FakeAgent(AgentCard(id=agent_id, **card), builder.compile(), seen)


class FakeFitted(Fitted):
    """Judges by shared words alone, so that tests of the graph do not hang on fitted numbers.

    An agent fits with the probability 0.5 from a cosine of 0.36 on; its holder keeps the floor against one that is as
    near, and while its question waits against most.
    """

    def __init__(self) -> None:
        object.__setattr__(self, "trees", None)
        object.__setattr__(self, "space", None)
        object.__setattr__(self, "general", None)

    def space_for(self, encoder: str) -> None:
        return None

    def probabilities(
        self, rows: NDArray[np.float32], *, for_none: float = 0.0
    ) -> NDArray[np.float64]:
        column = {name: rows[:, place] for place, name in enumerate(FEATURES)}
        scores = 14 * (column["user any"].astype(np.float64) - 0.36)
        holder = column["holder"] > 0
        scores[holder] += 1.1
        asked = holder & (column["reply asks"] > 0)
        scores[asked] = np.maximum(scores[asked], 0) + 1.5
        scores[-1] = for_none
        weights = np.exp(scores)
        shares: NDArray[np.float64] = weights / weights.sum()
        return shares


class FakeServices(Services):
    """The real services with a fake encoder and a fake judgement."""

    encoder: Encoder = FakeEncoder()

    def _fitted(self) -> Fitted:
        return FakeFitted()

    def _encoder(self) -> Encoder:
        return self.encoder


def fake_services(
    *agents: FakeAgent, models: Sequence[Model] = (), home: Path = Path("unused"), **options: Any
) -> FakeServices:
    """Return a house of `agents` and `models`; the first model is the default."""
    given = Options(home=home, **options)
    catalog = Catalog(
        agents=tuple(a.card for a in agents),
        models=tuple(models),
        kinds=(Kind(id="writing", examples=("write a poem",)),),
        default_model=models[0].id if models else None,
    )
    registry = Registry(Agent(a.card, a.graph) for a in agents)
    gateway = Gateway(models, limits=given.limits)
    services = FakeServices(catalog, registry, gateway, LocalServers.from_models([]), given)
    registry.on_change(services._follow)
    services._take_policy()
    return services


def fake_graph(
    *agents: FakeAgent, saver: BaseCheckpointSaver[Any] | None = None, **rest: Any
) -> MomaGraph:
    """Return the orchestrator over a house of `agents`."""
    return build_graph(services=fake_services(*agents, **rest), checkpointer=saver)


def model_at(base_url: str, model_id: str = "m", **rest: Any) -> Model:
    """Return a model behind an OpenAI-compatible address."""
    facts: dict[str, Any] = {
        "litellm": f"openai/{model_id}",
        "price": Price(input=1.0, output=2.0),
        "context_tokens": 8192,
        "max_output_tokens": 64,
        "quality": {"writing": 0.5},
    }
    return Model(id=model_id, base_url=base_url, **{**facts, **rest})


async def say(
    graph: MomaGraph, text: Any, *, thread: str = "t", context: Context | None = None
) -> dict[str, Any]:
    """Send one message and return what comes out."""
    result: dict[str, Any] = await graph.ainvoke(
        {"messages": [{"role": "user", "content": text}]}, on(thread), context=context
    )
    return result


def on(thread: str) -> Any:
    """Return the config that names a thread."""
    return {"configurable": {"thread_id": thread}}


def served_by(result: dict[str, Any]) -> tuple[str, str]:
    """Return who served a turn: `agent`, `model` or `router`, and which."""
    served = result["record"]["served_by"]
    return served["kind"], served["id"]


def answer(result: dict[str, Any]) -> str:
    """Return what the user reads."""
    return str(result["messages"][-1].text)
