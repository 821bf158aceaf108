"""What the processes of the fault tests run: turns through the real graph, with a fake agent's house around it.

Each function gets the connection to its parent first, and sends `ready` when it begins to work.
"""

import asyncio
import os
import signal
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver

import graphs
from graphs.checkpoints import open_threads
from graphs.threads import MomaGraph
from tests.support.agents import fake_agent, fake_graph, fake_services, model_at
from tests.support.waiting import PATIENCE_S


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a thread."""

    thread: str
    text: str

    @property
    def message(self) -> HumanMessage:
        return HumanMessage(self.text, id=f"{self.thread}: {self.text}")

    @property
    def config(self) -> Any:
        return {"configurable": {"thread_id": self.thread}}


@asynccontextmanager
async def house(place: str, base_url: str) -> AsyncIterator[MomaGraph]:
    """Open a graph with one model, over the threads at `place`."""
    async with opened(place) as saver:
        services = fake_services(models=[model_at(base_url)])
        services.router()
        yield graphs.build_graph(services=services, checkpointer=saver)


@asynccontextmanager
async def opened(place: str) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """Open the threads at `place`."""
    async with open_threads(place) as saver:
        yield saver


class Nodes(AsyncCallbackHandler):
    """Sends which runs of which nodes begin; a run that is repeated has the same name."""

    def __init__(self, parent: Connection) -> None:
        self._parent = parent

    async def on_chain_start(
        self, *_: Any, metadata: dict[str, Any] | None = None, name: str = "", **__: Any
    ) -> None:
        place = metadata or {}
        if name and name == place.get("langgraph_node"):
            self._parent.send(("node", place["langgraph_checkpoint_ns"]))


def take_turns(parent: Connection, place: str, base_url: str, turns: Sequence[Turn]) -> None:
    """Take turns one by one; send each with its answer when it is acknowledged."""

    async def run() -> None:
        async with house(place, base_url) as graph:
            parent.send("ready")
            for turn in turns:
                result = await graph.ainvoke(
                    {"messages": [turn.message]},
                    turn.config | {"callbacks": [Nodes(parent)]},
                )
                parent.send(("ack", turn, result["messages"][-1].text))

    asyncio.run(run())


def take_turns_at_once(
    parent: Connection, place: str, texts: Sequence[str], rounds: int, meeting: Barrier
) -> None:
    """Send the texts at once on one thread, while another process does so too, and again on the next thread."""

    async def run() -> None:
        async with opened(place) as saver:
            graph = fake_graph(fake_agent("alpha"), saver=saver)
            parent.send("ready")
            for n in range(rounds):
                meeting.wait(PATIENCE_S)
                turns = [Turn(f"thread {n}", text) for text in texts]
                await asyncio.gather(
                    *(graph.ainvoke({"messages": [t.message]}, t.config) for t in turns)
                )
                parent.send(n)

    asyncio.run(run())


Moment = Literal["before", "during", "after"]
"""When a process dies, beside the commit of a checkpoint."""


class DyingConnection(sqlite3.Connection):
    """A connection of the writer that ends its process beside one of its commits."""

    commits_left = 0
    moment: Moment = "before"
    microseconds = 0

    def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
        if sql == "COMMIT":
            DyingConnection.commits_left -= 1
            if DyingConnection.commits_left == 0:
                self._die()
        cursor = super().execute(sql, *rest)
        if sql == "COMMIT" and DyingConnection.commits_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return cursor

    def _die(self) -> None:
        if self.moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.moment == "during":
            threading.Thread(target=self._die_soon).start()

    def _die_soon(self) -> None:
        time.sleep(self.microseconds / 1e6)
        os.kill(os.getpid(), signal.SIGKILL)


def die_in_a_write(
    parent: Connection,
    place: str,
    turns: Sequence[Turn],
    moment: Moment,
    commits: int,
    microseconds: int,
) -> None:
    """Take turns until the commit of that number, and end by SIGKILL beside it."""
    DyingConnection.commits_left, DyingConnection.moment = commits, moment
    DyingConnection.microseconds = microseconds
    sqlite3.connect = partial(sqlite3.connect, factory=DyingConnection)  # type: ignore[assignment]

    async def run() -> None:
        async with opened(place) as saver:
            graph = fake_graph(fake_agent("alpha"), saver=saver)
            parent.send("ready")
            for turn in turns:
                await graph.ainvoke({"messages": [turn.message]}, turn.config)
                parent.send(turn)

    asyncio.run(run())


def serve_until_sigterm(
    parent: Connection, place: str, base_url: str, turns: Sequence[Turn], seconds: float
) -> None:
    """Take all turns at once, as a server would; on SIGTERM let none in, finish what can be, and end in time."""

    async def run() -> None:
        ending = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
        async with house(place, base_url) as graph:
            assert graph.admission is not None

            async def take(turn: Turn) -> None:
                try:
                    result = await graph.ainvoke({"messages": [turn.message]}, turn.config)
                except BaseException as error:  # noqa: BLE001 its name is all that the parent wants
                    parent.send(("error", turn, type(error).__name__))
                else:
                    parent.send(("ack", turn, result["messages"][-1].text))

            parent.send("ready")
            tasks = [asyncio.create_task(take(turn)) for turn in turns]
            await ending.wait()
            parent.send(("left", await graph.admission.drain(seconds), ""))
            late = asyncio.create_task(take(Turn("late", "hello")))
            for task in tasks:  # their clients are told that the process ends
                task.cancel()
            await asyncio.gather(late, *tasks)

    asyncio.run(run())
