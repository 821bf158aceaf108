"""What was spent is kept for all processes, never passes a limit, and if it cannot be read nothing more is spent."""

import subprocess
import sys
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import BudgetError
from graphs.budgets import BudgetLimits, Budgets, Spender
from graphs.gateway.accounts import Account, Accounts, FileAccounts, Purse
from graphs.gateway.ledger import Call, Ledger
from graphs.gateway.models import Price

ROOT = Path(__file__).parents[2]
ONE = Price(input=0, output=1e6)
"""One USD a token."""


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return FileAccounts.from_file(tmp_path / "spent.sqlite")


def charge(accounts: Accounts, of: Sequence[Account], usd: float, *, call: str = "") -> str:
    """Charge for a call, by default one that was not made before, and return its name."""
    call = call or uuid.uuid4().hex
    accounts.charge(of, usd, model="m", call=call)
    return call


def account(name: str = "a", limit: float = 10, day: date | None = None) -> Account:
    return Account(name=name, whose="this thread", limit_usd=limit, day=day)


def test_what_was_charged_and_not_used_comes_back(accounts: Accounts) -> None:
    charged = charge(accounts, [account()], 8)
    assert accounts.left_usd([account()]) == 2
    accounts.correct([account()], charged, cost_usd=3)
    assert accounts.left_usd([account()]) == 7


def test_a_call_that_is_made_again_after_its_process_died_is_charged_once(
    accounts: Accounts, tmp_path: Path
) -> None:
    day = date(2026, 1, 1)
    of = [account(), account("user", 5, day)]
    charge(accounts, of, 4, call="first")
    again = FileAccounts.from_file(tmp_path / "spent.sqlite")
    charge(again, of, 4, call="first")  # it would not fit the second account twice
    assert again.left_usd(of) == 1
    with pytest.raises(BudgetError):
        charge(again, of, 4, call="second")
    again.correct(of, "first", cost_usd=3)
    assert (again.left_usd(of[:1]), again.left_usd(of[1:])) == (7, 2)
    charge(again, of, 1, call="first")  # settled, so it is another
    assert again.left_usd(of) == 1
    again.close()


def test_what_does_not_fit_one_account_is_charged_to_none(accounts: Accounts) -> None:
    small = account("small", 1)
    with pytest.raises(BudgetError) as refused:
        charge(accounts, [account(), small], 2)
    assert str(refused.value) == (
        "a call to m may cost 2.000000 USD and 1.000000 is left to this thread"
    )
    assert accounts.left_usd([account()]) == 10
    charge(accounts, [account(), small], 1)
    assert (accounts.left_usd([account()]), accounts.left_usd([small])) == (9, 0)


def test_more_than_the_limit_may_have_been_spent_and_then_nothing_is_left(
    accounts: Accounts,
) -> None:
    accounts.correct([account()], charge(accounts, [account()], 1), cost_usd=12)
    assert accounts.left_usd([account()]) == 0
    with pytest.raises(BudgetError, match=r"0\.000000 is left"):
        charge(accounts, [account()], 0.5)


@pytest.mark.parametrize("limit", [float("nan"), float("inf"), -1.0])
def test_a_senseless_limit_leaves_nothing(accounts: Accounts, limit: float) -> None:
    with pytest.raises(BudgetError):
        charge(accounts, [account(limit=limit)], 1)


@pytest.mark.parametrize("usd", [float("nan"), float("inf")])
def test_a_senseless_price_is_refused(accounts: Accounts, usd: float) -> None:
    with pytest.raises(BudgetError):
        charge(accounts, [account()], usd)


def test_days_that_are_over_are_forgotten_and_threads_are_not(accounts: Accounts) -> None:
    first, second, third = (date(2026, 1, day) for day in (1, 2, 3))
    charge(accounts, [account("thread"), account("d1", day=first)], 1)
    charge(accounts, [account("d2", day=second)], 1)
    assert accounts.left_usd([account("d1", day=first)]) == 9  # of turns that began before midnight
    charge(accounts, [account("d3", day=third)], 1)
    assert accounts.left_usd([account("d1", day=first)]) == 10
    assert accounts.left_usd([account("thread")]) == 9


@given(st.lists(st.integers(0, 10**7), max_size=30))
def test_sums_are_exact(prices: list[int]) -> None:
    with TemporaryDirectory() as folder:
        accounts = FileAccounts.from_file(Path(folder) / "spent.sqlite")
        _check_sums(accounts, prices)


def _check_sums(accounts: Accounts, prices: list[int]) -> None:
    for price in prices:
        charged = charge(accounts, [account(limit=1_000)], price / 1e6)
        accounts.correct([account(limit=1_000)], charged, cost_usd=0)
    assert accounts.left_usd([account(limit=1_000)]) == 1_000
    accounts.close()


CHARGE = """
import sys, uuid
from pathlib import Path
from agents.errors import BudgetError
from graphs.gateway.accounts import Account, FileAccounts
accounts, made = FileAccounts.from_file(Path(sys.argv[1])), 0
for _ in range(40):
    try:
        of = [Account(name="a", whose="you", limit_usd=50)]
        accounts.charge(of, 1, model="m", call=uuid.uuid4().hex)
        made += 1
    except BudgetError:
        pass
print(made)
"""


def test_four_processes_at_once_never_pass_the_limit(tmp_path: Path, accounts: Accounts) -> None:
    path = str(tmp_path / "spent.sqlite")
    running = [
        subprocess.Popen(
            [sys.executable, "-c", CHARGE, path], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    made = sum(int(process.communicate()[0]) for process in running)
    assert made == 50
    assert accounts.left_usd([account(limit=50)]) == 0


def test_two_hundred_threads_never_pass_the_limit(accounts: Accounts) -> None:
    purse = Purse(accounts, [account("user", 50), account("day", 70)])

    def call(_: int) -> bool:
        ledger = Ledger(purse=purse)
        try:
            reserved = ledger.reserve("m", ONE, input_tokens=0, output_tokens=1)
        except BudgetError:
            return False
        ledger.settle(reserved, Call(model="m", ok=True, cost_usd=1))
        return True

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(call, range(200))) == 50
    assert purse.left_usd == 0


@pytest.mark.parametrize("content", [b"not a database, but long enough to be one" * 99, None])
def test_if_the_file_cannot_be_read_nothing_more_is_spent(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "spent.sqlite"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    budgets = Budgets(BudgetLimits(user=1), home=tmp_path)
    spender = Spender(user="ann", thread=None)
    assert budgets.left(spender).usd == 0
    assert "cannot be read" in budgets.left(spender).fault
    ledger = budgets.ledger(spender)
    with pytest.raises(BudgetError, match="what was spent so far cannot be read"):
        ledger.reserve("m", ONE, input_tokens=0, output_tokens=1)
    free = Price(input=0, output=0)
    assert ledger.reserve("m", free, input_tokens=9, output_tokens=9).usd == 0


def test_a_file_that_breaks_while_it_is_used_refuses_and_an_answer_is_not_lost(
    accounts: Accounts,
) -> None:
    ledger = Ledger(purse=Purse(accounts, [account()]))
    reserved = ledger.reserve("m", ONE, input_tokens=0, output_tokens=1)
    accounts.close()
    ledger.settle(reserved, Call(model="m", ok=True, cost_usd=1))
    assert ledger.spent_usd == 1
    with pytest.raises(BudgetError, match="cannot be read or written"):
        ledger.reserve("m", ONE, input_tokens=0, output_tokens=1)


def test_the_file_is_for_its_owner_only_and_made_only_where_it_is_needed(tmp_path: Path) -> None:
    spender = Spender(user="ann", thread="t", turn_limit=1, spent=0.25)
    home = tmp_path / "home"
    assert Budgets(BudgetLimits(), home=home).left(spender).usd == 0.75
    assert not home.exists()
    budgets = Budgets(BudgetLimits(turn=0.5, thread=9), home=home)
    assert budgets.left(spender).usd == 0.25
    assert (home / "spent.sqlite").stat().st_mode & 0o077 == 0
    budgets.close()
