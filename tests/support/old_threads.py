"""Threads in every phase, as a release of MoMA saves them: `python -m tests.support.old_threads FILE` writes them.

Each released version's file stays in `tests/faults/fixtures`, where later versions go on with its threads.
"""

import asyncio
import sqlite3
import sys
from contextlib import closing
from datetime import UTC
from pathlib import Path
from typing import Any

from langchain_core.messages import HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.types import interrupt

from agents.contract import done, needs_input
from graphs import build_graph
from graphs.checkpoints import open_sqlite
from graphs.threads import MomaGraph
from tests.support.agents import fake_agent, fake_services, model_at, on, say
from tests.support.provider import FakeProvider, ok

THREADS = {
    "idle": ["write a poem"],
    "engaged": ["alpha"],
    "awaiting_input": ["asker"],
    "awaiting_approval": ["shredder"],
    "awaiting_choice": ["alpha beta"],
    "closed": ["alpha", "bye"],
}
CUT = "cut short"
"""A thread whose last turn was killed when the model's answer had been kept."""
_LATEST = """DELETE FROM checkpoints WHERE checkpoint_id < (SELECT max(c.checkpoint_id) FROM checkpoints AS c
    WHERE c.thread_id = checkpoints.thread_id AND c.checkpoint_ns = checkpoints.checkpoint_ns)"""
_ORPHANS = "DELETE FROM writes WHERE checkpoint_id NOT IN (SELECT checkpoint_id FROM checkpoints)"


def graph_of(saver: BaseCheckpointSaver[Any], base_url: str) -> MomaGraph:
    """Return the graph that wrote the threads, and that goes on with them."""

    def ask(state: Any, runtime: Any) -> Any:
        asked = state["memory"].get("asked")
        if asked:
            return done(f"Booked for {state['request']}.")
        return needs_input("When?", memory={"asked": True})

    def shred(state: Any, runtime: Any) -> Any:
        verdict = interrupt({"kind": "approval", "question": "Delete it?"})
        return done("Deleted." if verdict == "yes" else "Kept.")

    agents = [
        fake_agent("alpha"),
        fake_agent("beta"),
        fake_agent("asker", ask),
        fake_agent("shredder", shred),
    ]
    services = fake_services(*agents, models=[model_at(base_url)])
    services.zone = UTC  # a kept answer is known by its prompt, which names the day
    return build_graph(services=services, checkpointer=saver)


class _Killed(Exception):
    pass


async def write(path: Path) -> None:
    """Write the threads and drop all but their newest checkpoints."""
    with FakeProvider(ok("A poem.")) as provider:
        async with open_sqlite(path) as saver:
            graph = graph_of(saver, provider.base_url)
            for thread, texts in THREADS.items():
                for text in texts:
                    await say(graph, text, thread=thread)
                assert (await graph.aget_state(on(thread))).values["phase"] == thread
            await _cut_short(graph)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(_LATEST)
        db.execute(_ORPHANS)
        db.execute("PRAGMA journal_mode=DELETE")
        db.execute("VACUUM")


async def _cut_short(graph: MomaGraph) -> None:
    saver: Any = graph.checkpointer
    keep = saver.aput_writes

    async def aput_writes(config: Any, writes: Any, *rest: Any) -> None:
        if any(name == "decision" and value["calls"] for name, value in writes):
            raise _Killed
        await keep(config, writes, *rest)

    async def aput(*_: Any) -> Any:
        raise _Killed

    saver.aput_writes, put = aput_writes, saver.aput

    async def aput_until(config: Any, checkpoint: Any, *rest: Any) -> Any:
        calls = checkpoint["channel_values"].get("decision", {}).get("calls")
        return await (aput if calls else put)(config, checkpoint, *rest)

    saver.aput = aput_until
    try:
        await graph.ainvoke({"messages": [HumanMessage("write a poem", id="cut")]}, on(CUT))
    except _Killed:
        return
    raise AssertionError("the turn was not cut short")


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1])))
