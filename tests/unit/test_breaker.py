"""When a deployment rests, and how it comes back."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.gateway.breaker import (
    FAILURES_TO_OPEN,
    FIRST_REST_S,
    LONGEST_REST_S,
    WINDOW_S,
    Breaker,
    Permit,
)


class FakeClock:
    """A clock that stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def taken(breaker: Breaker) -> Permit:
    permit = breaker.admit()
    assert permit is not None
    return permit


def opened(clock: FakeClock) -> Breaker:
    breaker = Breaker(clock)
    for _ in range(FAILURES_TO_OPEN):
        breaker.fail(taken(breaker))
    return breaker


def test_it_opens_after_five_failures_in_a_row(clock: FakeClock) -> None:
    breaker = Breaker(clock)
    for _ in range(FAILURES_TO_OPEN - 1):
        breaker.fail(taken(breaker))
    assert not breaker.open
    breaker.fail(taken(breaker))
    assert breaker.open
    assert breaker.admit() is None


def test_a_success_between_failures_starts_the_count_anew(clock: FakeClock) -> None:
    breaker = Breaker(clock)
    for _ in range(2):
        for _ in range(FAILURES_TO_OPEN - 1):
            breaker.fail(taken(breaker))
        breaker.succeed(taken(breaker))
    assert not breaker.open


def test_after_its_rest_it_admits_one_probe(clock: FakeClock) -> None:
    breaker = opened(clock)
    clock.now = FIRST_REST_S - 0.01
    assert breaker.open
    clock.now = FIRST_REST_S
    assert not breaker.open
    assert breaker.admit() is Permit.PROBE
    assert breaker.open
    assert breaker.admit() is None


def test_a_probe_that_succeeds_closes_it_and_the_next_rest_is_short_again(clock: FakeClock) -> None:
    breaker = opened(clock)
    clock.now = FIRST_REST_S
    breaker.fail(taken(breaker))
    clock.now += 2 * FIRST_REST_S
    breaker.succeed(taken(breaker))
    assert breaker.admit() is Permit.CALL
    for _ in range(FAILURES_TO_OPEN):
        breaker.fail(Permit.CALL)
    clock.now += FIRST_REST_S
    assert not breaker.open


def test_each_failed_probe_doubles_the_rest_up_to_the_longest(clock: FakeClock) -> None:
    breaker, rests = opened(clock), []
    for _ in range(7):
        began = clock.now
        while breaker.open:
            clock.now += 1
        rests.append(clock.now - began)
        breaker.fail(taken(breaker))
    assert rests == [10, 20, 40, 80, 160, 300, 300]
    assert max(rests) == LONGEST_REST_S


def test_a_cancelled_probe_lets_another_one_through(clock: FakeClock) -> None:
    breaker = opened(clock)
    clock.now = FIRST_REST_S
    breaker.release(taken(breaker))
    assert breaker.admit() is Permit.PROBE


@pytest.mark.parametrize("end", ["fail", "release"])
def test_an_old_call_that_ends_during_a_probe_does_not_end_the_probe(
    clock: FakeClock, end: str
) -> None:
    breaker = Breaker(clock)
    old = taken(breaker)
    for _ in range(FAILURES_TO_OPEN):
        breaker.fail(taken(breaker))
    clock.now = FIRST_REST_S
    taken(breaker)
    getattr(breaker, end)(old)
    assert breaker.admit() is None


def test_old_calls_that_fail_do_not_lengthen_the_rest(clock: FakeClock) -> None:
    breaker = opened(clock)
    clock.now = FIRST_REST_S - 1
    breaker.fail(Permit.CALL)
    clock.now = FIRST_REST_S
    assert not breaker.open


def test_an_old_call_that_succeeds_does_not_end_the_rest(clock: FakeClock) -> None:
    breaker = opened(clock)
    breaker.succeed(Permit.CALL)
    assert breaker.open


@pytest.mark.parametrize(("bad_of_ten", "opens"), [(5, False), (6, True)])
def test_it_opens_when_more_than_half_of_ten_calls_fail(
    clock: FakeClock, bad_of_ten: int, opens: bool
) -> None:
    breaker = Breaker(clock)
    for number in range(10):
        assert not breaker.open
        # Good ones lie between, so that five never fail in a row.
        ends = breaker.fail if number % 2 or number >= 20 - 2 * bad_of_ten else breaker.succeed
        ends(taken(breaker))
    assert breaker.open is opens


@pytest.mark.parametrize(("bad_of_ten", "run"), [(0, 5), (1, 6), (2, 9), (3, 12)])
def test_where_calls_fail_anyway_a_run_has_to_be_longer_than_chance_makes_it(
    clock: FakeClock, bad_of_ten: int, run: int
) -> None:
    breaker = Breaker(clock)
    for number in range(40):
        ends = breaker.fail if 0 < number % 10 <= bad_of_ten else breaker.succeed
        ends(taken(breaker))
    for _ in range(run - 1):
        breaker.fail(taken(breaker))
    assert not breaker.open
    breaker.fail(Permit.CALL)
    assert breaker.open


def test_a_third_of_failures_at_random_opens_it_rarely(clock: FakeClock) -> None:
    chance, rests = random.Random(0), 0
    breaker = Breaker(clock)
    for _ in range(20_000):
        clock.now += 0.05
        if (permit := breaker.admit()) is None:
            rests += 1
        elif chance.random() < 0.3:
            breaker.fail(permit)
        else:
            breaker.succeed(permit)
    assert rests < 0.05 * 20_000


def test_calls_that_are_long_past_count_no_more(clock: FakeClock) -> None:
    breaker = Breaker(clock)
    for _ in range(3):
        for _ in range(4):
            breaker.fail(taken(breaker))
        breaker.succeed(taken(breaker))
        clock.now += WINDOW_S
    assert not breaker.open


def test_a_deployment_that_asks_to_wait_is_held_and_then_called_as_before(clock: FakeClock) -> None:
    breaker = Breaker(clock)
    breaker.hold(7)
    breaker.hold(3)
    assert (breaker.admit(), breaker.rest_s, breaker.held_s) == (None, 7, 7)
    clock.now = 7
    assert (breaker.admit(), breaker.rest_s, breaker.held_s) == (Permit.CALL, 0, 0)


def test_a_deployment_that_asks_for_years_is_asked_again_after_the_longest_rest(
    clock: FakeClock,
) -> None:
    breaker = Breaker(clock)
    told: list[float] = []
    breaker.on_rest = told.append
    breaker.hold(1e9)
    assert (breaker.rest_s, told) == (LONGEST_REST_S, [LONGEST_REST_S])
    clock.now = LONGEST_REST_S
    assert breaker.admit() is Permit.CALL


def test_a_wait_that_outlasts_the_rest_is_kept_by_the_probe(clock: FakeClock) -> None:
    breaker = opened(clock)
    breaker.hold(FIRST_REST_S + 5)
    clock.now = FIRST_REST_S + 4
    assert breaker.admit() is None
    clock.now = FIRST_REST_S + 5
    assert breaker.admit() is Permit.PROBE


def test_only_one_of_many_threads_gets_the_probe(clock: FakeClock) -> None:
    breaker = opened(clock)
    clock.now = FIRST_REST_S
    together = threading.Barrier(16)

    def ask(_: int) -> Permit | None:
        together.wait()
        return breaker.admit()

    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(ask, range(16)))
    assert got.count(Permit.PROBE) == 1
    assert got.count(None) == 15


@given(
    st.lists(st.sampled_from(["admit", "succeed", "fail", "release", "wait", "hold"]), max_size=60)
)
def test_whatever_happens_there_is_one_probe_at_most_and_it_always_comes_back(
    steps: list[str],
) -> None:
    clock = FakeClock()
    breaker, held = Breaker(clock), list[Permit]()
    for step in steps:
        if step == "admit":
            permit = breaker.admit()
            held += [] if permit is None else [permit]
        elif step == "wait":
            clock.now += 7
        elif step == "hold":
            breaker.hold(20)
        elif held:
            permit = held.pop()
            getattr(breaker, step)(permit)
        assert held.count(Permit.PROBE) <= 1
    for permit in held:
        breaker.release(permit)
    clock.now += LONGEST_REST_S
    assert breaker.admit() is not None
