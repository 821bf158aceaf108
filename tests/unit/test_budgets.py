"""The file of what was spent may be another program's for a while, or be lost: nothing else waits, and why is said."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from agents.contract import done
from agents.errors import BudgetError
from graphs.budgets import BudgetLimits, Budgets, Spender
from graphs.gateway import accounts, transport
from graphs.gateway.gateway import Gateway
from graphs.gateway.ledger import Ledger
from graphs.gateway.models import Price
from tests.support.agents import answer, fake_agent, fake_graph, model_at, say, served_by
from tests.support.provider import FakeProvider, ok
from tests.support.turns import chat_of, pool_of, run
from tests.support.waiting import PATIENCE_S, until

LIMITS = BudgetLimits(user=1)
ANN = Spender(user="ann", thread=None)
DEAR = Price(input=100, output=100)


@pytest.fixture(autouse=True)
def _loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    transport.load()
    monkeypatch.setattr(accounts, "BUSY_S", PATIENCE_S)


def held(home: Path) -> sqlite3.Connection:
    """Make the file and let another program hold it."""
    budgets = Budgets(LIMITS, home=home)
    assert budgets.left(ANN).usd == 1
    budgets.close()
    other = sqlite3.connect(home / "spent.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    return other


@pytest.mark.parametrize(
    ("limits", "own", "renews"),
    [
        (BudgetLimits(), None, False),
        (BudgetLimits(user=1), None, True),
        (BudgetLimits(day=1), 2, True),
        (BudgetLimits(day=1), 0.5, False),
        (BudgetLimits(user=1, turn=0.5), None, False),
        (BudgetLimits(user=1, thread=0.5), None, False),
        (BudgetLimits(thread=1), None, False),
    ],
)
def test_only_a_days_budget_is_there_again_the_next_day(
    limits: BudgetLimits, own: float | None, renews: bool, tmp_path: Path
) -> None:
    budgets = Budgets(limits, home=tmp_path)
    assert budgets.renews(Spender(user="ann", thread="t", turn_limit=own)) is renews
    budgets.close()


async def test_a_turn_that_waits_for_the_file_holds_up_no_other(tmp_path: Path) -> None:
    other = held(tmp_path)
    with FakeProvider(ok("A poem.")) as provider:
        graph = fake_graph(
            fake_agent("alpha"),
            models=[model_at(provider.base_url)],
            home=tmp_path,
            budgets=LIMITS,
        )
        waits = asyncio.create_task(say(graph, "write a poem"))
        await asyncio.sleep(0.05)  # the loop is free, so that it can let the file go
        assert not waits.done()
        other.rollback()
        assert answer(await waits) == "A poem."
    other.close()


async def test_a_call_that_is_cancelled_while_it_waits_has_cost_nothing(tmp_path: Path) -> None:
    other = held(tmp_path)
    budgets = Budgets(LIMITS, home=tmp_path)
    other.rollback()
    ledger = budgets.ledger(ANN)
    other.execute("BEGIN IMMEDIATE")
    with FakeProvider(ok("Yes.")) as provider:
        gateway = Gateway(pool_of([provider]))
        waits = asyncio.create_task(run(gateway, chat_of("Hi.", gateway, ledger=ledger)))
        await asyncio.sleep(0.05)
        waits.cancel()
        await asyncio.sleep(0)
        other.rollback()
        with pytest.raises(asyncio.CancelledError):
            await waits
        assert not provider.requests
    assert [call["error"] for call in ledger.calls] == ["cancelled"]
    await until(lambda: budgets.left(ANN).usd == 1)
    budgets.close()
    other.close()


async def test_the_user_reads_that_the_file_is_at_fault_and_not_that_money_is_short(
    tmp_path: Path,
) -> None:
    (tmp_path / "spent.sqlite").write_bytes(b"not a database, but long enough to be one" * 99)
    graph = fake_graph(
        fake_agent("alpha"),
        models=[model_at("http://127.0.0.1:1", price=DEAR)],
        home=tmp_path,
        budgets=LIMITS,
    )
    said = answer(await say(graph, "write a poem"))
    assert "what was spent so far cannot be read or written (file is not a database)" in said


async def test_an_agent_and_its_model_spend_from_the_users_budget(tmp_path: Path) -> None:
    async def asks(_: Any, runtime: Any) -> Any:
        said = await runtime.context.model.ainvoke("Say it.")
        return done(str(said.text))

    with FakeProvider(ok("It.", usage=(1_000, 1_000))) as provider:
        graph = fake_graph(
            fake_agent("alpha", asks),
            models=[model_at(provider.base_url)],
            home=tmp_path,
            budgets=LIMITS,
            saver=InMemorySaver(),
        )
        result = await say(graph, "alpha")
    assert (answer(result), served_by(result)) == ("It.", ("agent", "alpha"))
    budgets = Budgets(LIMITS, home=tmp_path)
    assert budgets.left(Spender(user="local", thread=None)).usd == pytest.approx(1 - 0.003)
    budgets.close()


def test_a_fault_is_told_where_a_call_is_refused() -> None:
    ledger = Ledger(0.0, fault="the file is gone")
    with pytest.raises(BudgetError, match=r"0\.000000 is left: the file is gone"):
        ledger.reserve("m", DEAR, input_tokens=1, output_tokens=1)
