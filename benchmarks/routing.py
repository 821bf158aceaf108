"""How long routing a turn takes with its embedding: the `route` step of the decision record, on new texts."""

import argparse
import asyncio
import statistics
import tempfile
from pathlib import Path
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver

from benchmarks.report import print_table
from graphs import Catalog, Options, Services, build_graph

TEXTS = (
    "What is {n} percent of 2,350?",
    "How many days are there until {n} March next year?",
    "remind me to call customer number {n}",
    "How many orders above {n} euros did we get from Germany last month?",
    "What do my documents say about section {n} of the lease?",
)


async def _routed(graph: Any, text: str, thread: str) -> dict[str, Any]:
    """Run a turn up to its decision and return the record."""
    parts = graph.astream(
        {"messages": [{"role": "user", "content": text}]},
        {"configurable": {"thread_id": thread}},
        stream_mode="custom",
    )
    async for part in parts:
        if part["type"] == "route":
            record: dict[str, Any] = part["record"]
            await parts.aclose()
            return record
    raise SystemExit(f"no decision on {text!r}")


async def _main(turns: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        services = Services.from_catalog(
            Catalog.from_file("catalog.yaml"), Options(home=Path(folder))
        )
        graph = build_graph(services=services, checkpointer=InMemorySaver())
        services.router()
        times = []
        for n in range(turns + 10):
            text = TEXTS[n % len(TEXTS)].format(n=n)
            record = await _routed(graph, text, thread=f"t{n}")
            times.append(record["timings_ms"]["route"])
        services.close()
    times = sorted(times[10:])
    row = [
        str(len(services.cards())),
        f"{statistics.median(times):.2f}",
        f"{times[int(0.95 * len(times))]:.2f}",
        f"{times[-1]:.2f}",
        "12",
    ]
    print_table(
        f"Routing a turn with its embedding, {turns} texts of about 10 tokens",
        ["agents", "p50 ms", "p95 ms", "max ms", "goal p50 ms"],
        [row],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=200)
    asyncio.run(_main(parser.parse_args().turns))
