"""What workers on one PostgreSQL database share: the money of their users, and which models rest."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from agents.errors import BudgetError
from graphs.budgets import BudgetLimits, Budgets, Spender
from graphs.gateway.breaker import FAILURES_TO_OPEN
from graphs.gateway.ledger import Call
from graphs.gateway.models import Price
from tests.support import postgres
from tests.support.agents import fake_agent, fake_services, model_at
from tests.support.bars import bar
from tests.support.provider import FakeProvider, status
from tests.support.turns import chat_of, run
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(postgres.missing() is not None, reason=str(postgres.missing()))
ONE = Price(input=0, output=1e6)
"""One USD a token."""
ANN = Spender(user="ann", thread="t")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres.server() as address:
        yield address


@pytest.mark.one_size
def test_30a_workers_at_once_on_a_budget_for_fewer(
    server: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    limits = BudgetLimits(thread=70, user=50)
    workers = [
        Budgets(limits, home=tmp_path_factory.mktemp("worker"), database=server) for _ in range(4)
    ]

    def call(number: int) -> bool:
        ledger = workers[number % len(workers)].ledger(ANN)
        try:
            reserved = ledger.reserve("m", ONE, input_tokens=0, output_tokens=2)
        except BudgetError:
            return False
        ledger.settle(reserved, Call(model="m", ok=True, cost_usd=1))
        return True

    with ThreadPoolExecutor(20) as pool:
        made = sum(pool.map(call, range(200)))
        made += sum(pool.map(call, range(20)))  # what was set aside and not used is there again
    left = workers[0].left(ANN).usd
    for worker in workers:
        worker.close()
    bar(
        30,
        "(a) calls of 4 workers at once, PostgreSQL",
        220,
        f"{made} made, {max(0, made - 50)} USD overspent",
        "0 overspent",
    )
    assert 45 <= made <= 50
    assert left == 50 - made


def test_a_call_made_again_is_charged_once_and_a_lost_session_is_opened_anew(server: str) -> None:
    import psycopg

    from graphs.gateway.accounts import Account
    from graphs.gateway.postgres_accounts import PostgresAccounts

    of = [Account(name="user x", whose="you today", limit_usd=5, day=date(2026, 1, 1))]
    first, second = PostgresAccounts.from_url(server), PostgresAccounts.from_url(server)
    first.charge(of, 4, model="m", call="c")
    second.charge(of, 4, model="m", call="c")
    with psycopg.connect(server, autocommit=True) as session:
        others = "pid <> pg_backend_pid() AND backend_type = 'client backend'"
        session.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")  # type: ignore[arg-type, unused-ignore]
    with pytest.raises(BudgetError, match="cannot be read or written"):
        second.left_usd(of)
    assert second.left_usd(of) == 1
    second.correct(of, "c", cost_usd=3)
    assert second.left_usd(of) == 2
    first.close()
    second.close()


def test_a_database_that_cannot_be_reached_leaves_nothing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    budgets = Budgets(
        BudgetLimits(day=1),
        home=tmp_path_factory.mktemp("w"),
        database="postgresql://127.0.0.1:1/x",
    )
    left = budgets.left(ANN)
    assert left.usd == 0
    assert "cannot be read" in left.fault


async def test_a_model_that_rests_in_one_worker_rests_in_all(server: str) -> None:
    with FakeProvider(status(500)) as broken:
        models = [model_at(broken.base_url)]
        one, two = (
            fake_services(fake_agent("alpha"), models=models, database=server) for _ in "12"
        )
        for _ in range(FAILURES_TO_OPEN):
            await run(one.gateway, chat_of("Hi.", one.gateway))
        assert one.gateway.breaker_open("m")
        await until(lambda: two.gateway.breaker_open("m"))
        asked = len(broken.requests)
        ended = await run(two.gateway, chat_of("Hi.", two.gateway))
        assert "resting after failures" in str(ended.error)
        assert len(broken.requests) == asked
    for services in (one, two):
        services.close()
    assert not [t for t in threading.enumerate() if t.name == "moma-rests" and t.is_alive()]
