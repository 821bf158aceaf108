"""A store that fails in the middle of a turn: the turn is refused and not acknowledged, and nothing else suffers."""

import asyncio
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from agents.contract import done
from agents.errors import CheckpointError
from graphs import checkpoints
from graphs.checkpoints import open_sqlite
from graphs.savers.sqlite_saver import SqliteThreads
from graphs.threads import MomaGraph
from tests.support.agents import answer, fake_agent, fake_graph, on
from tests.support.bars import bar

Fault = Callable[[Path, SqliteThreads], AbstractContextManager[None]]
AT_ONCE = 5


@contextmanager
def locked(path: Path, saver: SqliteThreads) -> Iterator[None]:
    """Let another program hold the file for longer than a turn waits, and write to it."""
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    holder.execute("CREATE TABLE IF NOT EXISTS foreign_to_moma (n)")
    try:
        yield
    finally:
        holder.execute("COMMIT")
        holder.close()


@contextmanager
def read_only(path: Path, saver: SqliteThreads) -> Iterator[None]:
    """Let every write be refused, as of a file that may not be written; root may write any."""
    writer = saver.writer
    writer._pool.submit(writer._db.execute, "PRAGMA query_only=ON").result()
    try:
        yield
    finally:
        writer._pool.submit(writer._db.execute, "PRAGMA query_only=OFF").result()


@contextmanager
def disk_full(path: Path, saver: SqliteThreads) -> Iterator[None]:
    """Let no file be written past its first bytes, which is less than a page of the store."""
    now, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (now, most))


FAULTS: dict[str, Fault] = {"locked": locked, "read-only": read_only, "disk full": disk_full}


@pytest.fixture(autouse=True)
def _short_wait(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "full_size" not in request.node.name:
        monkeypatch.setattr(checkpoints, "BUSY_MS", 100)


class House:
    """A graph whose agent lets the store fail in the middle of its turn, if it is told to."""

    def __init__(self, path: Path, saver: SqliteThreads, fault: Fault) -> None:
        self.path, self.saver, self.fault = path, saver, fault
        self.strikes: list[AbstractContextManager[None]] = []
        self.struck: set[str] = set()

        def work(state: Any, runtime: Any) -> Any:
            if "fail" in state["request"] and state["request"] not in self.struck:
                self.struck.add(state["request"])
                self.strikes.append(self.fault(path, saver))
                self.strikes[0].__enter__()
            return done("Done.")

        self.graph: MomaGraph = fake_graph(fake_agent("alpha", work), saver=saver)

    def mend(self) -> None:
        self.strikes.pop().__exit__(None, None, None)

    async def say(self, text: str, thread: str) -> str:
        message = HumanMessage(text, id=f"{thread}: {text}")
        return answer(await self.graph.ainvoke({"messages": [message]}, on(thread)))

    async def texts(self, thread: str) -> list[str]:
        values = (await self.graph.aget_state(on(thread))).values
        return [m.text for m in values["messages"]]


async def refused(house: House, turns: int) -> int:
    """Take that many turns of which a fault strikes the first; return how many end as they should.

    Other turns run at once on other threads: none may be acknowledged and not kept.
    """
    good = 0
    for n in range(turns):
        others = [f"{n} other {m}" for m in range(AT_ONCE)]
        await asyncio.gather(*(house.say("alpha before", thread) for thread in others))
        names = [f"{n} struck", *others]
        ended = await asyncio.gather(
            house.say(f"alpha fail {n}", names[0]),
            *(house.say("alpha beside", thread) for thread in others),
            return_exceptions=True,
        )
        house.mend()
        good += isinstance(ended[0], CheckpointError)
        assert all(isinstance(end, CheckpointError) or end == "Done." for end in ended), ended
        for thread, end in zip(others, ended[1:], strict=True):
            if end == "Done.":
                assert (await house.texts(thread))[2:] == ["alpha beside", "Done."]
            assert await house.say("alpha beside", thread) == "Done."
            assert await house.texts(thread) == ["alpha before", "Done.", "alpha beside", "Done."]
        assert await house.say(f"alpha fail {n}", names[0]) == "Done."
        assert await house.texts(names[0]) == [f"alpha fail {n}", "Done."]
    return good


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize(
    "turns", [2, pytest.param(10, marks=pytest.mark.faults)], ids=["quick", "full"]
)
async def test_a_turn_whose_store_fails_is_refused_and_goes_on_later(
    kind: str, turns: int, tmp_path: Path
) -> None:
    path = tmp_path / "threads.sqlite"
    async with open_sqlite(path) as saver:
        good = await refused(House(path, saver, FAULTS[kind]), turns)
    bar(4, f"the store fails: {kind}", turns, f"{good} refused", "all refused, others unaffected")
    assert good == turns


@pytest.mark.faults
async def test_a_lock_of_five_seconds_at_full_size(tmp_path: Path) -> None:
    path = tmp_path / "threads.sqlite"
    async with open_sqlite(path) as saver:
        house = House(path, saver, locked)
        await house.say("alpha before", "t")
        for seconds, expected in ((2.0, "Done."), (8.0, None)):
            holding = locked(path, saver)
            holding.__enter__()
            asyncio.get_running_loop().call_later(seconds, holding.__exit__, None, None, None)
            if expected:
                assert await house.say("alpha waits", "t") == expected
            else:
                with pytest.raises(CheckpointError, match=r"locked\); the turn was not taken"):
                    await house.say("alpha in vain", "t")
                await asyncio.sleep(4)
        assert (await house.texts("t"))[-2:] == ["alpha waits", "Done."]
        assert await house.say("alpha in vain", "t") == "Done."
    bar(4, "the store is locked for 2 s and 8 s", 2, "waited, refused", "wait 5 s, then refuse")


@pytest.mark.parametrize(
    "cuts", [4, pytest.param(50, marks=pytest.mark.faults)], ids=["quick", "full"]
)
async def test_a_truncated_store_is_refused_and_other_stores_go_on(
    cuts: int, tmp_path: Path
) -> None:
    path = tmp_path / "threads.sqlite"
    async with open_sqlite(path) as saver:
        house = House(path, saver, locked)
        for n in range(5):
            await house.say("alpha", f"thread {n}")
    whole = path.read_bytes()
    refusals = 0
    async with open_sqlite(tmp_path / "other.sqlite") as other:
        beside = House(tmp_path / "other.sqlite", other, locked)
        for n in range(cuts):
            # The last cuts fall into the last page, of which SQLite itself takes what is missing for zeros.
            kept = len(whole) - n if n > cuts // 2 else len(whole) * (n + 1) // (cuts + 1)
            path.write_bytes(whole[:kept])
            try:
                async with open_sqlite(path):
                    pass
            except CheckpointError:
                refusals += 1
            assert await beside.say(f"alpha {n}", "t") == "Done."
    bar(4, "the store is truncated", cuts, f"{refusals} refused", "all refused, others unaffected")
    assert refusals == cuts
