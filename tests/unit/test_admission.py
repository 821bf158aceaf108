"""Who is let in: so many turns run, so many wait, the rest is refused at once; and how a process empties."""

import asyncio
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from agents.contract import done
from agents.errors import DrainingError, OverloadError
from graphs import Context
from graphs.threads import MomaGraph
from tests.support.agents import FakeAgent, answer, fake_agent, fake_graph, on, say
from tests.support.waiting import PATIENCE_S, until


class Gate:
    """An agent that works until it is opened."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.running = self.most = 0
        self.agent: FakeAgent = fake_agent("alpha", self._work)

    async def _work(self, state: Any, runtime: Any) -> Any:
        self.running += 1
        self.most = max(self.most, self.running)
        await self.opened.wait()
        self.running -= 1
        return done("Done.")


def turns(graph: MomaGraph, number: int, **context: Any) -> "list[asyncio.Task[Any]]":
    return [
        asyncio.create_task(say(graph, "alpha", thread=f"{n}", context=Context(**context)))
        for n in range(number)
    ]


async def test_so_many_run_so_many_wait_and_the_rest_is_refused_at_once() -> None:
    gate = Gate()
    graph = fake_graph(gate.agent, saver=InMemorySaver(), turns_at_once=2, turns_waiting=3)
    tasks = turns(graph, 9)
    await until(lambda: gate.running == 2 and sum(task.done() for task in tasks) == 4)
    refused = [task.exception() for task in tasks if task.done()]
    gate.opened.set()
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(task for task in tasks if not task.done()))
        assert answer(await say(graph, "alpha")) == "Done."
    assert gate.most == 2
    for error in refused:
        assert isinstance(error, OverloadError)
        assert error.retry_after >= 1
        assert str(error).startswith("5 turns run or wait already; come again in ")
    assert graph.admission is not None
    assert graph.admission.admitted == 0


async def test_one_user_does_not_take_the_places_of_the_others() -> None:
    gate = Gate()
    graph = fake_graph(gate.agent, saver=InMemorySaver(), turns_per_user=2)
    greedy = turns(graph, 3, user="greedy")
    await until(lambda: sum(task.done() for task in greedy) == 1)
    with pytest.raises(OverloadError, match="'greedy' has 2 turns under way"):
        await next(task for task in greedy if task.done())
    modest = asyncio.create_task(say(graph, "alpha", context=Context(user="modest")))
    await until(lambda: gate.running == 3)
    gate.opened.set()
    async with asyncio.timeout(PATIENCE_S):
        assert answer(await modest) == "Done."


async def test_turns_that_wait_for_their_thread_leave_the_places_to_others() -> None:
    gate = Gate()
    graph = fake_graph(gate.agent, saver=InMemorySaver(), turns_at_once=2, turns_waiting=9)
    same = [asyncio.create_task(say(graph, "alpha")) for _ in range(5)]
    await until(lambda: gate.running == 1)
    other = asyncio.create_task(say(graph, "alpha", thread="other"))
    await until(lambda: gate.running == 2)
    gate.opened.set()
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(other, *same)


async def test_a_process_that_ends_finishes_what_it_can_and_lets_nothing_in() -> None:
    gate = Gate()
    graph = fake_graph(gate.agent, saver=InMemorySaver())
    assert graph.admission is not None
    running = asyncio.create_task(say(graph, "alpha"))
    await until(lambda: gate.running == 1)
    draining = asyncio.create_task(graph.admission.drain(PATIENCE_S))
    await asyncio.sleep(0)
    with pytest.raises(DrainingError, match="about to end; send the message again"):
        await say(graph, "alpha", thread="late")
    gate.opened.set()
    assert answer(await running) == "Done."
    assert await draining == 0


async def test_a_turn_that_takes_too_long_ends_at_its_next_step_and_goes_on_later() -> None:
    gate = Gate()
    saver = InMemorySaver()
    graph = fake_graph(gate.agent, saver=saver)
    assert graph.admission is not None
    running = asyncio.create_task(say(graph, "alpha"))
    await until(lambda: gate.running == 1)
    assert await graph.admission.drain(0.01) == 1
    gate.opened.set()
    with pytest.raises(DrainingError, match="goes on when its message is sent again"):
        await running
    assert graph.admission.admitted == 0
    after = fake_graph(gate.agent, saver=saver)
    assert answer(await after.ainvoke(None, on("t"))) == "Done."
    assert gate.agent.runs == 1
