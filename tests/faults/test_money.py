"""Test 30 (a): more calls at once than there is money for, over real HTTP. Nothing is overspent."""

import asyncio
from pathlib import Path

import pytest

from agents.errors import BudgetError
from graphs.budgets import BudgetLimits, Budgets, Spender
from graphs.gateway import transport
from graphs.gateway.gateway import Gateway
from graphs.gateway.models import Price, count_message
from graphs.gateway.transport import Limits
from tests.support.bars import bar
from tests.support.provider import FakeProvider, ok
from tests.support.turns import chat_of, pool_of, run
from tests.support.waiting import PATIENCE_S

LIMITS = Limits(connect=PATIENCE_S, first_token=PATIENCE_S, idle=PATIENCE_S, turn=PATIENCE_S)
READ = count_message({"role": "user", "content": "Hi."})
WRITTEN = 256
PRICE = Price(input=1, output=2)
MOST = PRICE.of(READ, WRITTEN)


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Pay for the import before anything is timed."""
    transport.load()


@pytest.mark.parametrize("which", ["turn", "thread", "user", "day"])
@pytest.mark.parametrize(("n", "paid"), [(40, 10), pytest.param(200, 50, marks=pytest.mark.faults)])
async def test_30a_calls_at_once_on_a_budget_for_fewer(
    which: str, n: int, paid: int, tmp_path: Path
) -> None:
    budget = (paid + 0.5) * MOST
    limits = BudgetLimits(**{which: budget})
    # Two processes, as far as the file of what was spent can tell.
    both = [Budgets(limits, home=tmp_path) for _ in range(2)]
    spender = Spender(user="ann", thread="t")
    shared = both[0].ledger(spender)  # the calls of one turn have one ledger, all others one each
    with FakeProvider(ok("Yes.", usage=(READ, WRITTEN))) as provider:
        gateway = Gateway(pool_of([provider], price=PRICE), limits=LIMITS)
        unpriced = Gateway(pool_of([provider], price=None), limits=LIMITS)
        chats = [
            chat_of(
                "Hi.",
                gateway,
                ledger=shared if which == "turn" else both[number % 2].ledger(spender),
            )
            for number in range(n)
        ]
        ends = await asyncio.gather(*(run(gateway, chat) for chat in chats))
        asked = len(provider.requests)
        unknown = await run(unpriced, chat_of("Hi.", unpriced, ledger=both[0].ledger(spender)))
        assert len(provider.requests) == asked, "a price that is not known is refused"
    ledgers = {id(chat.ledger): chat.ledger for chat in chats}.values()
    spent = sum(ledger.spent_usd for ledger in ledgers)
    refused = sum(isinstance(ended.error, BudgetError) for ended in ends)
    for budgets in both:
        budgets.close()
    if n >= 200:
        bar(
            30,
            f"(a) calls at once, {which}'s budget for {paid}",
            n,
            f"{asked} made, {refused} refused, {max(0.0, spent - budget):.6f} USD overspent",
            "0 overspent; an unknown price refused",
        )
    assert isinstance(unknown.error, BudgetError)
    assert (asked, refused) == (paid, n - paid)
    assert spent == pytest.approx(paid * MOST)
