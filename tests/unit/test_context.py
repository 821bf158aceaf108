"""A caller's context is checked where it is made, and a paused turn returns its own state."""

import math
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import interrupt

from agents.contract import done
from agents.errors import InputError
from graphs import Context
from graphs.record import troubles
from graphs.turn import clean_text
from tests.support.agents import fake_agent, fake_graph, on, say


@pytest.mark.parametrize("field", ["grants", "include", "exclude"])
def test_a_text_where_a_list_belongs_opens_nothing(field: str) -> None:
    with pytest.raises(InputError, match=f"context {field}: given the text 'pay'"):
        Context(**{field: "pay"})  # type: ignore[arg-type]


@pytest.mark.parametrize("budget", [-1, math.nan, "0.01", True])
def test_a_budget_that_is_no_amount_is_refused(budget: Any) -> None:
    with pytest.raises(InputError, match="budget_usd"):
        Context(budget_usd=budget)


def paying() -> Any:
    return fake_agent("pay", lambda *_: done(f"answered {interrupt({'question': 'pay?'})}"))


async def test_a_turn_that_waits_for_an_approval_returns_its_own_record() -> None:
    graph = fake_graph(fake_agent("alpha"), paying(), saver=InMemorySaver())
    await say(graph, "alpha please")
    paused = await say(graph, "pay please")
    assert "__interrupt__" in paused
    assert (paused["phase"], paused["active_agent"]) == ("awaiting_approval", "pay")
    assert (paused["record"]["turn"], paused["record"]["served_by"]["id"]) == (2, "pay")


def test_so_does_one_from_synchronous_code() -> None:
    graph = fake_graph(paying(), saver=InMemorySaver())
    paused = graph.invoke({"messages": [{"role": "user", "content": "pay please"}]}, on("t"))
    assert (paused["phase"], paused["record"]["turn"]) == ("awaiting_approval", 1)


def test_a_terminals_escape_sequences_leave_nothing_behind() -> None:
    assert clean_text("2+2\x1b[2J \x1b]0;title\x07now") == "2+2 now"
    with pytest.raises(InputError, match="empty"):
        clean_text("\x01\x02\x1b[31m")


async def test_what_went_wrong_on_the_way_is_told() -> None:
    def broken(*_: Any) -> Any:
        raise ValueError("boom")

    result = await say(fake_graph(fake_agent("alpha", broken)), "alpha please")
    assert troubles(result["record"]) == ["alpha failed: it broke (ValueError)"]
