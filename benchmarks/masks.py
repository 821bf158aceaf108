"""What masking costs a turn: the masks over many agents, each looked at alone and by classes.

    python -m benchmarks.masks [--agents 10000,100000]

A third of the cards ask for a grant. Times are medians of `--turns` turns after the first, in milliseconds.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from agents.card import AgentCard
from agents.registry import Agent
from benchmarks.report import print_table
from graphs.mask_classes import MaskClasses
from graphs.masks import Caller, Moment, mask_agents

_MOMENT = Moment(phase="idle")
_GRANTED = frozenset({"g"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", default="10000,100000")
    parser.add_argument("--turns", type=int, default=9)
    arguments = parser.parse_args()
    rows = []
    for count in map(int, arguments.agents.split(",")):
        agents = _agents(count)
        began = time.perf_counter()
        classes = MaskClasses(agents)
        built = 1e3 * (time.perf_counter() - began)
        for name, caller in _callers(count).items():
            alone = _timed(partial(_one_by_one, agents, caller), arguments.turns)[1]
            first, by_class = _timed(
                partial(classes.mask, caller=caller, moment=_MOMENT), arguments.turns
            )
            times = [f"{ms:.2f}" for ms in (alone, built + first, by_class)]
            rows.append([f"{count:,}", name, *times])
    columns = ["agents", "who may serve", "each alone", "after a change", "by classes"]
    print_table("Masking, ms a turn", columns, rows)


def _agents(count: int) -> dict[str, Agent]:
    graph = cast(Any, object())  # masks ask only whether there is one
    return {
        f"a{n}": Agent(
            AgentCard(id=f"a{n}", description="x", grants=_GRANTED if n % 3 == 0 else frozenset()),
            graph,
        )
        for n in range(count)
    }


def _callers(count: int) -> dict[str, Caller]:
    named = frozenset(f"a{n}" for n in range(count // 100))
    return {
        "all": Caller(grants=_GRANTED),
        "two thirds, by a grant": Caller(),
        "all but three, excluded": Caller(grants=_GRANTED, exclude=frozenset({"a1", "a2", "a4"})),
        "one in a hundred, included": Caller(grants=_GRANTED, include=named),
    }


def _one_by_one(agents: dict[str, Agent], caller: Caller) -> None:
    cards = {i: a.card for i, a in agents.items()}
    runnable = frozenset(i for i, a in agents.items() if a.graph is not None)
    allowed, _ = mask_agents(cards, caller=caller, moment=_MOMENT, runnable=runnable)
    hash(frozenset(allowed))  # as the router's cache does


def _timed(work: Callable[[], Any], turns: int) -> tuple[float, float]:
    """Return the first time and the median of the others."""
    times = []
    for _ in range(turns + 1):
        began = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - began))
    return times[0], statistics.median(times[1:])


if __name__ == "__main__":
    main()
