"""Threads in PostgreSQL, beside the tests of the same numbers on SQLite."""

import asyncio
import hashlib
import os
import random
import signal
import time
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, empty_checkpoint
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import BASE_CAPABILITIES

from agents.errors import CheckpointError
from app.server.conversations import open_conversations
from graphs.checkpoints import open_threads
from graphs.gateway import shared_rests
from graphs.gateway.breaker import Breaker
from graphs.gateway.shared_rests import SharedRests
from graphs.locks import turn_on
from graphs.results import CHANNEL
from graphs.savers import postgres_limits
from tests.faults.test_at_once import BAR, rounds_of_two_processes
from tests.faults.test_kill import Run, echo, said, script
from tests.support import postgres
from tests.support.agents import answer, fake_agent, fake_graph, model_at, say
from tests.support.bars import bar
from tests.support.commits import counted_commits
from tests.support.provider import FakeProvider, Seen, Wire, ok
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(postgres.missing() is not None, reason=str(postgres.missing()))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres.server() as address:
        yield address


@pytest.fixture
def place(server: str, request: pytest.FixtureRequest) -> str:
    """Return the address of a database of the test's own."""
    import psycopg

    name = f"d{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}"
    with psycopg.connect(server, autocommit=True) as session:
        session.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type, unused-ignore]
    return server.replace("/postgres?", f"/{name}?")


def on(thread: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}


def kept_keys(place: str) -> set[str]:
    """Return the keys of the calls whose results are stored."""
    import psycopg

    with psycopg.connect(place) as session:
        there = session.execute("SELECT to_regclass('checkpoint_writes')").fetchone()
        if there is None or there[0] is None:
            return set()
        rows = session.execute(
            "SELECT task_id FROM checkpoint_writes WHERE channel = %s", (CHANNEL,)
        ).fetchall()
    return {hashlib.sha256(f"{call} m 1".encode()).hexdigest()[:32] for (call,) in rows}


@pytest.mark.faults
def test_turns_survive_kills(place: str) -> None:
    turns, kills = 100, 10
    chance, twice = random.Random(1), 0
    with FakeProvider(echo) as provider:
        run = Run(place, provider, script(turns))
        for _ in range(kills):
            before, kept = len(provider.requests), kept_keys(place)
            run.kill_after(chance.randrange(2 * turns // kills - 1), chance.uniform(0, 0.05))
            sent = {seen.headers["idempotency-key"] for seen in provider.requests[before:]}
            twice += len(kept & sent)
        run.finish()
        keys = [seen.headers["idempotency-key"] for seen in provider.requests]
        kept_texts = asyncio.run(said(run))
    expected: dict[str, list[str]] = {}
    for turn in run.turns:
        expected.setdefault(turn.thread, []).extend([turn.text, f"You said {turn.text}."])
    lost = sum(f"You said {t.text}." not in kept_texts[t.thread] for t in run.acknowledged)
    repeated = len(keys) - len(set(keys))
    bar(
        1,
        "kill -9, then resume, PostgreSQL",
        turns,
        f"{kills} kills: {lost} lost, {repeated} calls repeated, {twice} paid twice once stored",
        "0 lost, 0 doubled, 0 paid twice once stored",
    )
    assert kept_texts == expected
    assert (len(set(keys)), twice) == (turns, 0)
    assert repeated <= kills


@pytest.mark.parametrize(
    "rounds", [1, pytest.param(20, marks=pytest.mark.faults)], ids=["quick", "full"]
)
def test_turns_at_once_in_two_processes(rounds: int, place: str) -> None:
    _, _, whole = rounds_of_two_processes(place, rounds)
    bar(24, "the same from two processes, PostgreSQL", rounds, f"{whole} of {rounds} whole", BAR)
    assert whole == rounds


@pytest.mark.one_size
async def test_it_conforms(server: str) -> None:
    @checkpointer_test(name="PostgreSQL")
    async def saver() -> AsyncGenerator[BaseCheckpointSaver[Any], None]:
        async with open_threads(server) as threads:
            yield threads

    report = await validate(saver)
    base = [report.results[capability.value] for capability in BASE_CAPABILITIES]
    passed = sum(bool(result.passed) for result in base)
    tests = sum(result.tests_passed for result in base)
    bar(6, "conformance suite, PostgreSQL", tests, f"{passed} of {len(base)}", "5 of 5")
    assert [result.failures for result in base if result.failures] == []
    assert passed == 5


def on_disk(place: str) -> int:
    """Return how many checkpoints of the orchestrator another process would find."""
    import psycopg

    with psycopg.connect(place) as session:
        row = session.execute("SELECT count(*) FROM checkpoints WHERE checkpoint_ns = ''")
        return int((row.fetchone() or (0,))[0])


async def test_a_models_turn_is_two_transactions_and_all_before_its_call_is_on_the_disk(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from graphs.savers.postgres_writer import PostgresWriter

    commits, found = counted_commits(monkeypatch, PostgresWriter), []

    async def reply(wire: Wire, seen: Seen) -> None:
        found.append(await asyncio.to_thread(on_disk, place))
        await ok("Yes.")(wire, seen)

    with FakeProvider(reply) as provider:
        async with open_threads(place) as saver:
            graph = fake_graph(models=[model_at(provider.base_url)], saver=saver)
            assert answer(await say(graph, "write a poem")) == "Yes."
            assert on_disk(place) == 6
            assert len([step async for step in saver.alist(on("t"))]) == 6
    assert found == [4]
    assert len(commits) == 2


async def test_a_turn_that_cannot_be_stored_takes_no_other_along(place: str) -> None:
    async with open_threads(place) as saver:
        graph = fake_graph(fake_agent("alpha"), saver=saver)
        stored: Any = {"source": "update", "step": 1, "parents": {}}
        refused = {**empty_checkpoint(), "channel_values": {"text": "no \x00 in a text"}}
        outcomes = await asyncio.gather(
            say(graph, "alpha", thread="a"),
            saver.aput(on("b"), refused, stored, {}),  # type: ignore[arg-type]
            say(graph, "alpha", thread="c"),
            return_exceptions=True,
        )
        assert [isinstance(outcome, CheckpointError) for outcome in outcomes] == [0, 1, 0]
        assert sorted(await saver.thread_ids()) == ["a", "c"]
        await saver.adelete_thread("a")
        assert await saver.count_threads() == 1


async def test_a_thread_is_pruned_with_what_was_left_of_it(place: str) -> None:
    async with open_threads(place) as saver:
        await say(fake_graph(fake_agent("alpha"), saver=saver), "alpha", thread="a")
        saver.writer.leave(
            ("UPDATE checkpoints SET thread_id = 'b' WHERE thread_id = %s", [("a",)])
        )
        await saver.aprune(["b"], strategy="delete")
        assert await saver.thread_ids() == []


async def test_who_is_cancelled_leaves_no_lock_behind(place: str) -> None:
    async with open_threads(place) as first, open_threads(place) as second:

        async def turn(number: int) -> None:
            async with turn_on(first, f"t{number}"):
                await asyncio.sleep(0.001)

        turns = [asyncio.create_task(turn(number)) for number in range(60)]
        for number, running in enumerate(
            turns
        ):  # some while they take their lock, some while they give it back
            asyncio.get_running_loop().call_later(0.0005 * number, running.cancel)
        await asyncio.wait(turns)
        for number in range(60):
            async with asyncio.timeout(5), turn_on(second, f"t{number}"):
                pass


async def test_a_turn_whose_lock_is_lost_cannot_be_stored(place: str) -> None:
    import psycopg

    stored: Any = {"source": "update", "step": 1, "parents": {}}
    async with open_threads(place) as saver:
        async with turn_on(saver, "t"):
            await saver.aput(on("t"), empty_checkpoint(), stored, {})
            with psycopg.connect(place, autocommit=True) as session:
                session.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                )
            await asyncio.sleep(0.1)
            with pytest.raises(CheckpointError, match="was lost"):
                await saver.aput(on("t"), empty_checkpoint(), stored, {})
        async with turn_on(saver, "t"):
            await saver.aput(on("t"), empty_checkpoint(), stored, {})


async def test_a_database_that_gives_no_answer_is_not_waited_for_for_ever(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    monkeypatch.setattr(postgres_limits, "_ANSWER_S", 0.3)
    stored: Any = {"source": "update", "step": 1, "parents": {}}
    async with open_threads(place) as saver:
        with psycopg.connect(place) as session:
            session.execute("LOCK TABLE checkpoints IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(CheckpointError, match="no answer"):
                await saver.aget_tuple(on("t"))
            with pytest.raises(CheckpointError, match="no answer"):
                await saver.aput(on("t"), empty_checkpoint(), stored, {})
        assert await saver.aget_tuple(on("t")) is None


async def test_turns_that_wait_for_a_session_that_hangs_end_together(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hold(thread: str) -> None:
        async with turn_on(saver, thread):
            pass

    async with open_threads(place) as saver:
        await hold("t")
        behind = saver._locks._session.info.backend_pid  # type: ignore[union-attr]
        monkeypatch.setattr(postgres_limits, "_ANSWER_S", 1.0)
        os.kill(behind, signal.SIGSTOP)
        began = time.monotonic()
        turns = [hold(f"t{number}") for number in range(5)]
        outcomes = await asyncio.gather(*turns, return_exceptions=True)
        took = time.monotonic() - began
        os.kill(behind, signal.SIGCONT)
        assert ["no answer" in str(outcome) for outcome in outcomes] == [True] * 5
        assert took < 5, "psycopg alone would wait for as long until the server has cancelled"
        await hold("t")


async def test_a_write_to_a_database_that_hangs_is_refused_in_its_time(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    stored: Any = {"source": "update", "step": 1, "parents": {}}
    async with open_threads(place) as saver:
        await saver.aput(on("t"), empty_checkpoint(), stored, {})
        monkeypatch.setattr(postgres_limits, "_ANSWER_S", 1.0)
        with psycopg.connect(place, autocommit=True) as session:
            behind = session.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchall()
        for (pid,) in behind:
            os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(CheckpointError, match="no answer"):
            await saver.aput(on("t"), empty_checkpoint(), stored, {})
        took = time.monotonic() - began
        for (pid,) in behind:
            os.kill(pid, signal.SIGCONT)
        assert took < 5, "psycopg alone would wait for as long until the server has cancelled"
        await saver.aput(on("t"), empty_checkpoint(), stored, {})


async def test_a_database_that_is_not_there_is_told_on_one_line_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("graphs.savers.postgres.CONNECT_S", 1.0)
    with pytest.raises(CheckpointError, match="No such file") as caught:
        async with open_threads(f"postgresql://postgres@/postgres?host={tmp_path}"):
            pass
    assert "\n" not in str(caught.value)
    assert caplog.records == []


async def test_a_rest_is_told_though_the_connection_broke(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    monkeypatch.setattr(shared_rests, "INTERVAL_S", 0.05)
    told, heard = Breaker(), Breaker()
    rests = [SharedRests(place, {"m": breaker}).start() for breaker in (told, heard)]
    try:
        with psycopg.connect(place, autocommit=True) as session:
            await asyncio.sleep(0.3)
            session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        told.hold(60.0)
        await until(lambda: heard.open)
    finally:
        for one in rests:
            one.close()


async def test_servers_that_start_at_once_on_a_new_database_make_its_tables_once(
    place: str,
) -> None:
    async def started() -> None:
        async with open_conversations(place):
            pass

    outcomes = await asyncio.gather(*(started() for _ in range(4)), return_exceptions=True)
    assert outcomes == [None] * 4


@pytest.mark.faults
async def test_a_database_that_goes_away_refuses_the_turn_and_its_locks_come_back() -> None:
    with postgres.server() as address:
        async with open_threads(address) as saver:
            graph = fake_graph(fake_agent("alpha"), saver=saver)
            assert answer(await say(graph, "alpha")) == "alpha did it."
            assert await saver.count_threads() == 1
            import psycopg

            others = "pid <> pg_backend_pid() AND backend_type = 'client backend'"
            async with await psycopg.AsyncConnection.connect(address, autocommit=True) as session:
                ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                await session.execute(ended + others)  # type: ignore[arg-type, unused-ignore]
            outcomes = [await _tried(graph) for _ in range(8)]
            assert outcomes[-1] == "alpha did it."
            async with turn_on(saver, "t"):
                pass
    with pytest.raises(CheckpointError, match="the database of the saved threads cannot be used"):
        async with open_threads(address):
            pass


async def _tried(graph: Any) -> str:
    try:
        return answer(await say(graph, "alpha"))
    except CheckpointError as error:
        return type(error).__name__
