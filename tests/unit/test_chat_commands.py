"""The slash commands: each shows something or changes the session, and none of them runs a turn."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import interrupt
from rich.console import Console

from agents.contract import AgentState, done, needs_input
from agents.errors import InputError
from app.chat import view
from app.chat.commands import COMMANDS, Session, check_thread, run_command, where
from graphs import build_graph
from graphs.spoken import Ended, run_turn
from tests.support.agents import fake_agent, fake_services, model_at
from tests.support.waiting import PATIENCE_S


@pytest.fixture
async def session() -> AsyncIterator[Session]:
    agents = (
        fake_agent("alpha", description="Does alpha. And more."),
        fake_agent("beta", grants=frozenset({"finance"})),
        fake_agent("asker", lambda s, r: needs_input("When?", memory={"a": 1})),
        fake_agent("deleter", lambda s, r: done(interrupt({"question": "Delete all?"}))),
    )
    models = [model_at("http://127.0.0.1:9/v1"), model_at("", "locked", key="NO_SUCH_KEY")]
    services = fake_services(*agents, models=models)
    graph = build_graph(services=services, checkpointer=InMemorySaver())
    yield Session(graph, services, "one")
    services.close()


async def say(session: Session, text: str) -> None:
    async for part in run_turn(session.graph, text, thread=session.thread, context=session.context):
        if isinstance(part, Ended):
            session.keep(part)


def drawn(thing: Any, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(thing)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


async def show(session: Session, line: str) -> str:
    return drawn(await run_command(session, line))


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("name", sorted(COMMANDS))
async def test_every_command_can_be_shown_before_and_after_a_turn(
    name: str, width: int, session: Session
) -> None:
    assert drawn(await run_command(session, name), width).strip()
    await say(session, "alpha please")
    assert drawn(await run_command(session, f" {name}  "), width).strip()
    assert session.record is not None
    assert session.record["turn"] == 1


async def test_help_names_every_command(session: Session) -> None:
    text = await show(session, "/help")
    assert all(name in text for name in COMMANDS)


@pytest.mark.parametrize("line", ["/", "/nope", "/why!", "/x" * 500])
async def test_an_unknown_command_points_to_help(line: str, session: Session) -> None:
    with pytest.raises(InputError, match="/help") as caught:
        await run_command(session, line)
    assert len(str(caught.value)) < 100


async def test_agents_shows_what_each_does_and_why_one_is_masked(session: Session) -> None:
    text = await show(session, "/agents")
    assert "Does alpha." in text
    assert "And more" not in text
    assert "finance" in text


async def test_models_shows_prices_and_why_one_is_masked(session: Session) -> None:
    text = await show(session, "/models")
    assert "1 / 2" in text
    assert "NO_SUCH_KEY is not set" in text


async def test_a_budget_masks_the_models_that_cost_more(session: Session) -> None:
    assert "USD" not in await show(session, "/models")
    await run_command(session, "/budget 0")
    assert "of 0.000000 left" in await show(session, "/models")


@pytest.mark.parametrize(
    ("given", "kept"), [("0.01", 0.01), ("$2", 2.0), ("0", 0.0), ("none", None)]
)
async def test_the_budget_is_taken(given: str, kept: float | None, session: Session) -> None:
    await run_command(session, f"/budget {given}")
    assert session.context.budget_usd == kept


@pytest.mark.parametrize("given", ["-1", "nan", "inf", "cheap", "1 2"])
async def test_what_is_no_budget_changes_nothing(given: str, session: Session) -> None:
    with pytest.raises(InputError, match="USD"):
        await run_command(session, f"/budget {given}")
    assert session.context.budget_usd is None


async def test_the_preference_is_taken_and_what_is_none_is_refused(session: Session) -> None:
    assert "auto" in await show(session, "/prefer")
    assert "0.25" in await show(session, "/prefer 0.25")
    with pytest.raises(InputError, match="fast"):
        await run_command(session, "/prefer fast")
    assert session.context.preference == "0.25"


async def test_going_to_a_thread_takes_up_where_it_stands(session: Session) -> None:
    await say(session, "alpha please")
    await run_command(session, "/thread two")
    assert (session.thread, session.phase, session.turns) == ("two", "idle", 0)
    assert session.record is None
    await say(session, "asker please")
    text = await show(session, "/thread one")
    assert "turn 1, engaged" in text
    assert session.record is not None
    assert session.record["served_by"]["id"] == "alpha"
    assert "When?" in await show(session, "/thread two")


async def test_going_to_a_thread_with_a_pending_approval_shows_its_question(
    session: Session,
) -> None:
    await say(session, "deleter please")
    await run_command(session, "/thread two")
    text = await show(session, "/thread one")
    assert "Delete all?" in text
    assert session.phase == "awaiting_approval"
    assert "idle → awaiting_approval, event new_request" in await show(session, "/why")
    await say(session, "no")
    assert "Delete all?" not in drawn(where(session))


async def test_a_thread_brings_the_answer_of_its_last_turn(session: Session) -> None:
    await say(session, "alpha please")
    answer = session.answered
    await run_command(session, "/thread two")
    assert session.answered == ""
    await say(session, "asker please")
    await run_command(session, "/thread one")
    assert answer
    assert session.answered == answer
    await run_command(session, "/thread two")
    assert (session.answered, session.asked) == ("When?", "When?")


async def test_a_request_that_was_cut_short_is_no_question_of_the_agent() -> None:
    works = asyncio.Event()

    async def ask_or_work(state: AgentState, _: Any) -> Any:
        if state["request"] == "asker please":
            return needs_input("When?", memory={"a": 1})
        works.set()
        await asyncio.sleep(PATIENCE_S)

    services = fake_services(fake_agent("asker", ask_or_work))
    session = Session(
        build_graph(services=services, checkpointer=InMemorySaver()), services, thread="one"
    )
    await say(session, "asker please")
    turn = asyncio.ensure_future(say(session, "tomorrow"))
    await asyncio.wait_for(works.wait(), PATIENCE_S)
    turn.cancel()
    await asyncio.wait([turn])
    text = await show(session, "/thread one")
    services.close()
    assert "When?" in text
    assert "tomorrow" not in text
    assert session.answered == "When?"
    assert session.record is not None
    assert (session.record["turn"], session.record["phase_to"]) == (2, None)
    why = drawn(view.why(session.record))
    assert "awaiting_input → … (not ended), event continue" in why
    assert "an agent answered" not in why
    assert "cost" not in why


@pytest.mark.parametrize("thread", ["", "a\nb", "\udcff", "x" * 201, "\x1b[2J"])
async def test_a_thread_id_that_cannot_be_kept_is_refused(thread: str, session: Session) -> None:
    with pytest.raises(InputError, match="1 to 200 printable"):
        check_thread(thread)
    with pytest.raises(InputError):
        await session.enter(thread)
    assert session.thread == "one"


async def test_the_graph_is_drawn_with_the_phase_marked(session: Session) -> None:
    await say(session, "alpha please")
    text = await show(session, "/graph")
    assert "flowchart" in text
    assert "→  engaged" in text


async def test_quit_leaves(session: Session) -> None:
    await run_command(session, "/quit")
    assert session.leaving
