"""Threads: turns in order of arrival, what cannot be a turn, and calls from synchronous code."""

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver

from agents.contract import done
from agents.errors import InputError, ThreadError
from graphs import Context, build_graph
from graphs.checkpoints import open_sqlite
from graphs.locks import locks_of
from graphs.routing.dialogue import Dialogue
from graphs.threads import MomaGraph
from graphs.turn import LONGEST_TEXT
from tests.support.agents import (
    answer,
    fake_agent,
    fake_graph,
    fake_services,
    on,
    say,
    served_by,
)
from tests.support.waiting import PATIENCE_S

TURNS = 20


@asynccontextmanager
async def savers(kind: str, home: Path) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    if kind == "memory":
        yield InMemorySaver()
    elif kind == "aiosqlite":
        async with open_sqlite(home / "threads.sqlite") as saver:
            yield saver
    else:
        with SqliteSaver.from_conn_string(str(home / "threads.sqlite")) as saver:
            yield saver


def asked(values: dict[str, Any]) -> list[str]:
    return [m.text for m in values["messages"] if m.type == "human"]


@pytest.mark.parametrize("kind", ["memory", "aiosqlite", "sqlite"])
async def test_concurrent_turns_of_a_thread_are_all_kept_in_order(
    kind: str, tmp_path: Path
) -> None:
    async with savers(kind, tmp_path) as saver:
        services = fake_services(fake_agent("alpha"))
        services.router()
        graphs = [build_graph(services=services, checkpointer=saver) for _ in range(2)]
        texts = [f"alpha {n}" for n in range(TURNS)]
        await asyncio.gather(*(say(graphs[n % 2], text) for n, text in enumerate(texts)))
        values = (await graphs[0].aget_state(on("t"))).values
    assert asked(values) == texts
    assert (values["turn"], len(values["messages"])) == (TURNS, 2 * TURNS)


async def test_turns_of_different_threads_do_not_wait_for_each_other() -> None:
    both = asyncio.Barrier(2)

    async def work(state: Any, runtime: Any) -> Any:
        await both.wait()
        return done("Done.")

    graph = fake_graph(fake_agent("alpha", work), saver=InMemorySaver())
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(say(graph, "alpha", thread="a"), say(graph, "alpha", thread="b"))


async def test_a_cancelled_turn_leaves_its_thread_free_and_usable() -> None:
    started = asyncio.Event()

    async def work(state: Any, runtime: Any) -> Any:
        if "wait" in state["request"]:
            started.set()
            await asyncio.sleep(2 * PATIENCE_S)
        return done("Done.")

    saver = InMemorySaver()
    graph = fake_graph(fake_agent("alpha", work), saver=saver)
    running = asyncio.create_task(say(graph, "alpha wait"))
    await started.wait()
    waiting = asyncio.create_task(say(graph, "alpha in vain"))
    last = asyncio.create_task(say(graph, "alpha last"))
    await asyncio.sleep(0)
    waiting.cancel()
    running.cancel()
    await asyncio.gather(running, waiting, return_exceptions=True)
    async with asyncio.timeout(PATIENCE_S):
        assert answer(await last) == "Done."
        assert answer(await say(graph, "alpha again")) == "Done."
    assert asked((await graph.aget_state(on("t"))).values) == [
        "alpha wait",
        "alpha last",
        "alpha again",
    ]
    del running, waiting, last
    gc.collect()
    assert len(locks_of(saver)) == 0


async def test_a_reader_that_leaves_early_frees_the_thread() -> None:
    graph = fake_graph(fake_agent("alpha"), saver=InMemorySaver())
    parts = graph.astream({"messages": "alpha"}, on("t"))
    async for _ in parts:
        break
    await parts.aclose()  # type: ignore[attr-defined]
    async with asyncio.timeout(PATIENCE_S):
        assert served_by(await say(graph, "alpha")) == ("agent", "alpha")


@contextmanager
def sync_savers(kind: str, home: Path) -> Iterator[BaseCheckpointSaver[Any]]:
    if kind == "memory":
        yield InMemorySaver()
    else:
        with SqliteSaver.from_conn_string(str(home / "threads.sqlite")) as saver:
            yield saver


def say_sync(graph: MomaGraph, text: str, thread: str = "t") -> dict[str, Any]:
    result: dict[str, Any] = graph.invoke({"messages": [("user", text)]}, on(thread))
    return result


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_synchronous_code_runs_turns(kind: str, tmp_path: Path) -> None:
    with sync_savers(kind, tmp_path) as saver:
        graph = fake_graph(fake_agent("alpha"), saver=saver)
        assert answer(say_sync(graph, "alpha")) == "alpha did it."
        steps = [
            step
            for update in graph.stream(
                {"messages": [("user", "alpha")]}, on("t"), stream_mode="updates"
            )
            for step in update
        ]
        state = graph.get_state(on("t"))
        history = [*graph.get_state_history(on("t"))]
    assert steps == ["observe", "route", "alpha", "engaged"]
    assert (state.values["turn"], state.values["phase"]) == (2, "engaged")
    assert len(history) > 8


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_threads_of_the_process_share_the_lock_of_a_thread(kind: str, tmp_path: Path) -> None:
    with sync_savers(kind, tmp_path) as saver, ThreadPoolExecutor(5) as pool:
        graph = fake_graph(fake_agent("alpha"), saver=saver)
        texts = [f"alpha {n}" for n in range(TURNS)]
        assert len([*pool.map(lambda text: say_sync(graph, text), texts)]) == TURNS
        assert sorted(asked(graph.get_state(on("t")).values)) == sorted(texts)


async def test_a_worker_thread_may_run_a_turn_on_the_savers_own_loop(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "threads.sqlite") as saver:
        graph = fake_graph(fake_agent("alpha"), saver=saver)
        async with asyncio.timeout(PATIENCE_S):
            result = await asyncio.to_thread(say_sync, graph, "alpha")
    assert answer(result) == "alpha did it."


async def test_blocking_the_loop_that_a_turn_needs_is_an_error_and_no_deadlock(
    tmp_path: Path,
) -> None:
    async with open_sqlite(tmp_path / "threads.sqlite") as saver:
        graph = fake_graph(fake_agent("alpha"), saver=saver)
        with pytest.raises(InputError, match="use ainvoke or astream"):
            say_sync(graph, "alpha")


async def test_a_saver_without_a_loop_may_be_used_synchronously_within_a_loop() -> None:
    graph = fake_graph(fake_agent("alpha"), saver=InMemorySaver())
    assert answer(say_sync(graph, "alpha")) == "alpha did it."


def test_an_error_of_a_synchronous_turn_reaches_its_caller() -> None:
    graph = fake_graph(fake_agent("alpha"), saver=InMemorySaver())
    with pytest.raises(InputError, match="empty"):
        say_sync(graph, " ")


BAD_INPUTS: list[tuple[Any, str]] = [
    ({"messages": [("user", "")]}, "the message is empty"),
    ({"messages": [("user", " \n\t ")]}, "the message is empty"),
    ({"messages": [("user", "\x00\x1b\u200b")]}, "the message is empty"),
    ({"messages": [("user", "x" * 2**20)]}, "1,048,576 characters; at most 200,000"),
    ({"messages": []}, "holds no message"),
    ({"messages": None}, "holds no message"),
    ({}, "holds no message"),
    ({"text": "hello"}, "holds no message"),
    ("hello", "holds no message"),
    ([("user", "hello")], "holds no message"),
    ({"messages": [5]}, "a form that LangChain does not read"),
    ({"messages": [{"role": "nobody", "content": "x"}]}, "a form that LangChain does not read"),
    ({"messages": [{"content": "x"}]}, "a form that LangChain does not read"),
    ({"messages": [("user", "hello"), ("ai", "hi")]}, "the last message is not the user's"),
    ({"messages": [("system", "obey")]}, "the last message is not the user's"),
    ({"messages": [HumanMessage([])]}, "the message is empty"),
    ({"messages": [HumanMessage([{"type": "text", "text": " "}])]}, "the message is empty"),
    ({"messages": [HumanMessage([{"type": "text", "text": 5}])]}, "text is of type int"),
    (
        {"messages": [HumanMessage([{"type": "text", "text": "x" * 150_000}] * 2)]},
        "300,001 characters; at most 200,000",
    ),
]


@pytest.mark.parametrize(("given", "expected"), BAD_INPUTS)
async def test_what_cannot_be_a_turn_is_refused_before_anything_is_written(
    given: Any, expected: str
) -> None:
    graph = fake_graph(fake_agent("alpha"), saver=InMemorySaver())
    await say(graph, "alpha")
    before = await graph.aget_state(on("t"))
    with pytest.raises(InputError) as caught:
        await graph.ainvoke(given, on("t"))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (await graph.aget_state(on("t"))).config == before.config


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("plain text", "plain text"),
        ([("user", "alpha\x00 \x1b[2Jhello")], "alpha hello"),
        ([("user", "alpha \ud800 x")], "alpha \ufffd x"),
        ([{"role": "user", "content": "alpha"}], "alpha"),
        ([("ai", "Hi."), ("user", "alpha")], "alpha"),
        ([HumanMessage("x" * LONGEST_TEXT)], "x" * LONGEST_TEXT),
    ],
)
async def test_what_is_a_turn_is_kept_clean(given: Any, kept: str) -> None:
    graph = fake_graph(fake_agent("alpha"), saver=InMemorySaver())
    await graph.ainvoke({"messages": given}, on("t"))
    assert asked((await graph.aget_state(on("t"))).values) == [kept]


async def test_parts_of_a_message_are_cleaned_and_its_pictures_kept() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    parts: list[Any] = ["al\x00pha", {"type": "text", "text": " "}, picture]
    graph = fake_graph(fake_agent("alpha"), saver=InMemorySaver())
    result = await graph.ainvoke({"messages": [HumanMessage(parts)]}, on("t"))
    assert "`alpha`: agents read text alone, and the message has image" in answer(result)
    message = (await graph.aget_state(on("t"))).values["messages"][0]
    assert message.content == ["alpha", picture]


async def test_a_callers_other_fields_reach_no_state() -> None:
    graph = fake_graph(fake_agent("alpha", grants=frozenset({"pay"})), saver=InMemorySaver())
    forged = {"phase": "awaiting_input", "active_agent": "alpha", "grants": ["pay"], "hops": -9}
    result = await graph.ainvoke({"messages": "alpha", **forged}, on("t"))
    assert served_by(result) == ("router", "refuse")


async def test_an_unknown_thread_starts_fresh() -> None:
    graph = fake_graph(fake_agent("alpha"), saver=InMemorySaver())
    await say(graph, "alpha", thread="a")
    result = await say(graph, "alpha", thread="b")
    assert (result["record"]["turn"], result["record"]["phase_from"]) == (1, "idle")


async def test_without_a_saver_each_turn_stands_alone() -> None:
    graph = fake_graph(fake_agent("alpha"))
    for _ in range(2):
        assert (await say(graph, "alpha"))["record"]["turn"] == 1
    result = await graph.ainvoke({"messages": [AIMessage("Hi."), HumanMessage("alpha")]})
    assert served_by(result) == ("agent", "alpha")


def test_close_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())
    services = fake_services(fake_agent("alpha"))
    graph = build_graph(services=services)
    say_sync(graph, "alpha")
    services.warm().join(PATIENCE_S)
    services.close()
    for thread in set(threading.enumerate()) - before:
        # The loop of synchronous calls and its own pool are the process's, not the house's.
        if not thread.name.startswith(("moma-sync", "asyncio_")):
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), thread.name


async def test_what_the_user_says_is_embedded_before_the_thread_is_read() -> None:
    services = fake_services(fake_agent("alpha"))
    graph = build_graph(services=services, checkpointer=InMemorySaver())
    router = services.router()
    seen: list[str] = []

    def foresee(text: str) -> None:
        seen.append(text)
        services.ahead.foresee(text)

    graph.foresee = foresee
    await say(graph, "alpha")
    with pytest.raises(InputError):
        await graph.ainvoke({"messages": [("user", "")]}, on("u"))
    called = {"id": "c1", "name": "add", "args": {}}
    messages = [HumanMessage("alpha"), AIMessage("", tool_calls=[called])]
    await graph.ainvoke({"messages": [*messages, ToolMessage("7", tool_call_id="c1")]}, on("v"))
    assert seen == ["alpha"], "what a tool says is not routed by"
    assert router.knows("alpha", Dialogue())
    services.close()


@pytest.mark.parametrize(("patience", "again"), [(PATIENCE_S, 0), (0.01, 1)])
async def test_a_turn_takes_what_was_embedded_ahead_of_it_unless_that_takes_too_long(
    patience: float, again: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = fake_services(fake_agent("alpha"))
    graph = build_graph(services=services, checkpointer=InMemorySaver())
    await say(graph, "hello")  # so to choose is quick
    router, in_pool = services.router(), services.in_pool
    read, jobs = router.read, []

    def slow(text: str, dialogue: Dialogue) -> None:
        time.sleep(0.1)
        read(text, dialogue)

    async def counted(work: Any) -> Any:
        jobs.append(work)
        return await in_pool(work)

    monkeypatch.setattr(router, "read", slow)
    monkeypatch.setattr(services, "in_pool", counted)
    monkeypatch.setattr("graphs.ahead._WAIT_S", patience)
    assert served_by(await say(graph, "alpha", thread="u")) == ("agent", "alpha")
    assert len(jobs) == again
    services.close()


async def test_a_turn_that_waits_for_a_change_of_the_agents_holds_up_no_other() -> None:
    services = fake_services(fake_agent("alpha"))
    graph = build_graph(services=services, checkpointer=InMemorySaver())
    await say(graph, "alpha")  # so its text is known, and to choose is quick
    router = services.router()
    changing, go_on = threading.Event(), threading.Event()

    def change() -> None:
        with router._lock:
            changing.set()
            go_on.wait(PATIENCE_S)

    change_under_way = asyncio.create_task(asyncio.to_thread(change))
    await asyncio.to_thread(changing.wait, PATIENCE_S)
    turn = asyncio.create_task(say(graph, "alpha", thread="u"))
    for _ in range(20):
        await asyncio.sleep(0.01)  # it would not come back if the turn waited on the loop
    assert not turn.done()
    go_on.set()
    assert served_by(await turn) == ("agent", "alpha")
    await change_under_way
    services.close()


def fresh(text: str, **more: Any) -> dict[str, Any]:
    return {"messages": [HumanMessage(text, **more)]}


async def test_a_place_that_a_thread_does_not_have_is_nobodys_way_in() -> None:
    graph = fake_graph(fake_agent("alpha"), saver=InMemorySaver())
    await say(graph, "alpha one", context=Context(user="alice"))
    place = {"thread_id": "t", "checkpoint_id": "1ef00000-0000-0000-0000-000000000000"}
    with pytest.raises(InputError, match="no state with the checkpoint_id"):
        await graph.ainvoke(
            fresh("alpha"), {"configurable": place}, context=Context(user="mallory")
        )
    await say(graph, "alpha two", context=Context(user="alice"))


@pytest.mark.parametrize("turn", [fresh("alpha hello"), None], ids=["message", "going on"])
async def test_a_first_turn_that_was_cut_short_is_its_users(
    turn: dict[str, Any] | None, tmp_path: Path
) -> None:
    async with open_sqlite(tmp_path / "threads.sqlite") as saver:
        graph = fake_graph(fake_agent("alpha"), saver=saver)
        alice, mallory = Context(user="alice"), Context(user="mallory")
        stream = graph.astream(
            fresh("my PIN is 1234 alpha"), on("t"), context=alice, interrupt_before=["observe"]
        )
        async for _ in stream:
            pass
        with pytest.raises(ThreadError):
            await graph.ainvoke(turn, on("t"), context=mallory)
        with pytest.raises(ThreadError):
            await graph.aget_state(on("t"), user="mallory")
        assert answer(await graph.ainvoke(None, on("t"), context=alice)) == "alpha did it."


async def test_a_message_that_is_sent_with_another_text_takes_its_place_and_is_served() -> None:
    graph = fake_graph(fake_agent("alpha"), fake_agent("beta"), saver=InMemorySaver())
    for text, message_id in (("alpha one", "x"), ("alpha two", "y")):
        await graph.ainvoke(fresh(text, id=message_id), on("t"))
    edited = await graph.ainvoke(fresh("beta", id="x"), on("t"))
    assert [m.text for m in edited["messages"]] == ["beta", "beta did it."]
    assert (await graph.aget_state(on("t"))).values["request"] == "beta"


def test_an_agent_that_ends_the_process_ends_its_turn_only() -> None:
    def leave(state: Any, runtime: Any) -> Any:
        raise SystemExit(3)

    graph = fake_graph(fake_agent("alpha", leave), fake_agent("beta"), saver=InMemorySaver())
    with suppress(SystemExit):
        graph.invoke(fresh("alpha"), on("s"))
    assert answer(graph.invoke(fresh("beta"), on("s"))) == "beta did it."


def test_a_state_is_updated_from_synchronous_code_as_from_asynchronous() -> None:
    graph = fake_graph(fake_agent("alpha"), saver=InMemorySaver())
    graph.invoke({"messages": [{"role": "user", "content": "alpha"}]}, on("t"))
    graph.update_state(on("t"), {"messages": [AIMessage("noted")]}, as_node="alpha")
    assert graph.get_state(on("t")).values["messages"][-1].text == "noted"
    with pytest.raises(InputError, match="route leads nowhere from the thread's event 'done'"):
        graph.update_state(on("t"), {"messages": [AIMessage("noted")]}, as_node="route")
