"""The graph around a turn, beside bare LangGraph with as many steps, the same saver and the same durability.

Both run a turn that an agent serves: observe, route, the agent (a subgraph of one node), a phase. The text's vector is
in the encoder's cache, so that what is timed is the graph. Turns alternate between the two, each on a new thread.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, AnyMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages

from agents.card import AgentCard, Skill
from agents.contract import AgentContext, AgentState, done
from benchmarks.report import print_table
from graphs import Catalog, Context, Options, build_graph
from graphs.checkpoints import open_sqlite

TEXT = "please echo this sentence back to me"


class BareState(TypedDict, total=False):
    """A plain chat state."""

    messages: Annotated[list[AnyMessage], add_messages]
    outcome: dict[str, Any]


def build_echo(_: dict[str, Any]) -> Any:
    """Return the graph of an agent that repeats the request."""
    graph = StateGraph(AgentState, context_schema=AgentContext)
    graph.add_node("echo", lambda state: done(state["request"]))
    graph.add_edge(START, "echo")
    return graph.compile(name="echo")


def build_bare(saver: BaseCheckpointSaver[Any]) -> Any:
    """Return a graph of the same steps that routes by a constant and records nothing."""
    inner = build_echo({})

    async def first(_: BareState) -> dict[str, Any]:
        return {}

    async def agent(state: BareState) -> dict[str, Any]:
        result = await inner.ainvoke(
            {"request": state["messages"][-1].content}, context=AgentContext(home=Path())
        )
        return {"messages": [AIMessage(result["outcome"]["text"])], "outcome": result["outcome"]}

    graph: Any = StateGraph(BareState, context_schema=Context)
    graph.add_node("observe", first)
    graph.add_node("route", first)
    graph.add_node("agent", agent)
    graph.add_node("engaged", first)
    graph.add_edge(START, "observe")
    graph.add_conditional_edges("observe", lambda _: "on", {"on": "route"})
    graph.add_conditional_edges("route", lambda _: "on", {"on": "agent"})
    graph.add_conditional_edges("agent", lambda _: "on", {"on": "engaged"})
    graph.add_edge("engaged", END)
    return graph.compile(checkpointer=saver)


def _catalog() -> Catalog:
    card = AgentCard(
        id="echo",
        description="Echoes a sentence back.",
        skills=(Skill(id="echo", examples=(TEXT,)),),
        run="benchmarks.overhead:build_echo",
    )
    return Catalog(agents=(card,))


async def _turn(graph: Any, thread: str) -> float:
    began = time.perf_counter()
    result = await graph.ainvoke(
        {"messages": [{"role": "user", "content": TEXT}]},
        {"configurable": {"thread_id": thread}},
        durability="sync",
    )
    took = 1e3 * (time.perf_counter() - began)
    assert result["messages"][-1].content == TEXT
    return took


async def _compare(name: str, saver: BaseCheckpointSaver[Any], home: Path, turns: int) -> list[str]:
    moma = build_graph(catalog=_catalog(), checkpointer=saver, options=Options(home=home))
    bare = build_bare(saver)
    for n in range(20):
        await _turn(moma, f"warm-moma-{n}")
        await _turn(bare, f"warm-bare-{n}")
    ours, theirs = [], []
    for n in range(turns):
        theirs.append(await _turn(bare, f"bare-{n}"))
        ours.append(await _turn(moma, f"moma-{n}"))
    a, b = statistics.median(ours), statistics.median(theirs)
    return [name, f"{a:.2f}", f"{b:.2f}", f"{a - b:.2f}", f"{b / a:.2f}"]


async def _main(turns: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        rows = [await _compare("in memory", InMemorySaver(), home, turns)]
        async with open_sqlite(home / "threads.sqlite") as saver:
            rows.append(await _compare("SQLite, sync", saver, home, turns))
    print_table(
        "A turn served by an agent, median of "
        f"{turns} turns (goal: at least 0.8 times as fast as bare LangGraph)",
        ["saver", "MoMA ms", "bare ms", "difference ms", "bare / MoMA"],
        rows,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=300)
    asyncio.run(_main(parser.parse_args().turns))
