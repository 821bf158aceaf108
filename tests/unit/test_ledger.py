"""Money is set aside before a call and settled after it, and never overspent."""

import json
import math
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import BudgetError
from graphs.gateway.ledger import Call, Ledger, Reserved
from graphs.gateway.models import Price

ONE = Price(input=0, output=1e6)
"""One USD a token, so that sums are exact."""


def reserve(ledger: Ledger, tokens: int, price: Price | None = ONE) -> Reserved:
    return ledger.reserve("m", price, input_tokens=0, output_tokens=tokens)


def paid(usd: float | None) -> Call:
    return Call(model="m", ok=True, cost_usd=usd)


def test_what_is_reserved_is_not_left_and_what_is_not_used_comes_back() -> None:
    ledger = Ledger(10)
    reserved = reserve(ledger, 8)
    assert ledger.left_usd == 2
    ledger.settle(reserved, paid(3))
    assert (ledger.left_usd, ledger.spent_usd) == (7, 3)


def test_a_call_that_does_not_fit_is_refused_with_both_numbers() -> None:
    ledger = Ledger(10)
    reserve(ledger, 8)
    with pytest.raises(BudgetError) as refused:
        reserve(ledger, 3)
    assert str(refused.value) == "a call to m may cost 3.000000 USD and 2.000000 is left"
    assert not refused.value.may_retry
    assert reserve(ledger, 2).usd == 2


def test_a_price_that_is_not_known_is_refused_under_a_budget_only() -> None:
    with pytest.raises(BudgetError, match="not known"):
        reserve(Ledger(10), 1, price=None)
    assert reserve(Ledger(), 1, price=None) == Reserved()


@pytest.mark.parametrize("budget", [math.nan, -1.0])
def test_a_senseless_budget_refuses(budget: float) -> None:
    with pytest.raises(BudgetError):
        reserve(Ledger(budget), 1)


def test_nothing_left_still_lets_a_free_model_answer() -> None:
    free = Price(input=0, output=0)
    assert reserve(Ledger(0), 100, free).usd == 0


def test_a_call_that_cost_more_than_reserved_leaves_nothing() -> None:
    ledger = Ledger(10)
    ledger.settle(reserve(ledger, 9), paid(12))
    assert ledger.left_usd == 0
    with pytest.raises(BudgetError):
        reserve(ledger, 1)


def test_without_a_budget_nothing_is_refused_and_all_is_counted() -> None:
    ledger = Ledger()
    ledger.settle(reserve(ledger, 1000), paid(1000))
    ledger.settle(reserve(ledger, 1), paid(None))
    assert (ledger.spent_usd, ledger.left_usd) == (1000, None)


def test_who_listens_hears_of_the_calls_that_were_made() -> None:
    heard: list[Call] = []
    ledger = Ledger(10, told=heard.append)
    ledger.note(paid(0))
    ledger.give_back(reserve(ledger, 9), paid(0))
    ledger.settle(reserve(ledger, 9), paid(3))
    assert (heard, ledger.left_usd, len(ledger.calls)) == ([paid(3)], 7, 3)


def test_calls_are_plain_json_and_a_copy() -> None:
    ledger = Ledger()
    ledger.note(paid(1))
    calls = ledger.calls
    assert json.loads(json.dumps(calls)) == calls
    calls.clear()
    assert len(ledger.calls) == 1


@given(
    st.integers(0, 60),
    st.lists(st.tuples(st.integers(0, 20), st.floats(0, 1)), max_size=30),
)
def test_while_calls_cost_no_more_than_reserved_the_budget_holds(
    budget: int, asked: list[tuple[int, float]]
) -> None:
    ledger, open_calls = Ledger(budget), list[tuple[Reserved, float]]()
    for tokens, share in asked:
        try:
            open_calls.append((reserve(ledger, tokens), share))
        except BudgetError:
            assert ledger.left_usd is not None
            assert tokens > ledger.left_usd
        if share < 0.5 and open_calls:
            reserved, used = open_calls.pop(0)
            ledger.settle(reserved, paid(math.floor(reserved.usd * used)))
        assert sum(r.usd for r, _ in open_calls) + ledger.spent_usd <= budget


def test_two_hundred_threads_never_overspend() -> None:
    ledger = Ledger(50)

    def call(_: int) -> bool:
        try:
            reserved = reserve(ledger, 1)
        except BudgetError:
            return False
        ledger.settle(reserved, paid(1))
        return True

    with ThreadPoolExecutor(50) as pool:
        served = sum(pool.map(call, range(200)))
    assert (served, ledger.spent_usd, ledger.left_usd) == (50, 50, 0)


def test_fewer_than_no_tokens_make_no_room() -> None:
    ledger = Ledger(budget_usd=1.0)
    with pytest.raises(BudgetError):
        ledger.reserve("m", Price(input=1.0, output=1.0), input_tokens=1, output_tokens=-1_000_000)
