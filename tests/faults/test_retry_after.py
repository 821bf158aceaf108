"""Test 13: a deployment that says when it may be asked again, on a clock of the test's own, over real HTTP."""

import random
from dataclasses import dataclass

import pytest

from graphs.gateway import transport
from graphs.gateway.gateway import Gateway
from graphs.gateway.transport import Limits
from tests.support.bars import bar
from tests.support.provider import FakeProvider, Reply, Seen, Wire, ok, status
from tests.support.turns import VirtualClock, chat_of, pool_of, run
from tests.support.waiting import PATIENCE_S

TURN_S = 60.0
LIMITS = Limits(connect=PATIENCE_S, first_token=PATIENCE_S, idle=PATIENCE_S, turn=TURN_S)


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Pay for the import before anything is timed."""
    transport.load()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a deployment says, and who else there is."""

    told: float
    code: int
    others: bool
    left: float
    """Of the turn's time."""


def _case(number: int) -> Case:
    chance = random.Random(number)
    return Case(
        told=round(chance.choice([chance.uniform(0, 4), chance.uniform(4, 120)]), 3),
        code=chance.choice([429, 429, 503]),
        others=chance.random() < 0.5,
        left=chance.uniform(1, TURN_S),
    )


@pytest.mark.parametrize("n", [20, pytest.param(200, marks=pytest.mark.faults)])
async def test_13_retry_after(n: int) -> None:
    early = idle = 0
    clock = VirtualClock()
    asked: list[float] = []
    script: list[Reply] = []

    async def reply(wire: Wire, seen: Seen) -> None:
        asked.append(clock.now)
        await script[min(len(asked), len(script)) - 1](wire, seen)

    with FakeProvider(reply) as limited, FakeProvider(ok("Other.")) as other:
        for number in range(n):
            case = _case(number)
            refusal = status(case.code, headers={"Retry-After": str(case.told)})
            script[:], asked[:] = [refusal, ok("First.")], []
            gateway = Gateway(
                pool_of([limited, other]), limits=LIMITS, clock=clock, sleep=clock.sleep
            )
            order = ["m0", "m1"] if case.others else ["m0"]
            began = clock.now
            ended = await run(
                gateway, chat_of("Hi.", gateway, order=order, turn=case.left, clock=clock)
            )
            waited = clock.now - began
            # A later turn, one that comes at any moment, is bound by what the first was told.
            clock.now += random.Random(number).uniform(0, 0.5 * case.told)
            await run(gateway, chat_of("Hi.", gateway, order=["m0", "m1"], clock=clock))
            early += any(moment < began + case.told for moment in asked[1:])
            if case.told >= case.left:
                # Nobody waits for what the turn will not see.
                at_once = not waited and ended.text == ("Other." if case.others else "")
                idle += not at_once
    if n >= 200:
        bar(
            13,
            "429 and 503 with Retry-After",
            n,
            f"{early} asked earlier than told, {idle} not given to another model at once",
            "0 and 0",
        )
    assert early == 0
    assert idle == 0
