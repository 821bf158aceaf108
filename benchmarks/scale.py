"""What a turn costs a server of MoMA: processor time, memory, bytes, commits, by where threads are kept and by workers.

Workers are server processes on the same threads; requests go to them in turn. The provider is that of
`benchmarks.load`, on the same machine, as is the client. With PostgreSQL its own processor time is counted beside that
of the workers. Each turn is on a new thread; then threads have dialogues of twenty turns, whose last shows how they
grow.
"""

import argparse
import asyncio
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.load import Server, free_port, process, provider_command, wait_ready, write_catalog
from benchmarks.report import print_table

_DIALOGUE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What turns cost."""

    turns_a_second: float
    processor_ms: float
    """A turn, of all workers."""
    memory_mb: float
    """Resident, of one worker, afterwards."""
    first_kb: float
    """Stored for the first turn of a thread."""
    last_kb: float
    """Stored for the last turn of a dialogue of twenty."""
    commits: float | None
    """Transactions of the database a turn; None where none counts them."""
    database_ms: float | None
    """Processor time of the database a turn."""
    connections: int | None


class Store:
    """What is kept, in figures: a folder, or a PostgreSQL database in it."""

    def __init__(self, folder: Path, address: str | None) -> None:
        self._folder, self._address = folder, address

    def size(self) -> int:
        """Return the bytes of the threads and what is beside them."""
        if self._address is None:
            files = [*self._folder.rglob("*.sqlite")]
            for file in files:
                with closing(sqlite3.connect(file)) as db:
                    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return sum(file.stat().st_size for file in files)
        return int(self._ask("SELECT pg_database_size(current_database())"))

    def commits(self) -> int | None:
        """Return the transactions so far; the database tells them a second late."""
        if self._address is None:
            return None
        time.sleep(2)
        ask = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        return int(self._ask(ask))

    def connections(self) -> int | None:
        """Return how many are open but this one."""
        if self._address is None:
            return None
        ask = "SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database()"
        return int(self._ask(ask))

    def processor_s(self) -> float | None:
        """Return the processor time of the database's processes that run."""
        if self._address is None:
            return None
        return sum(
            Server(url="", pid=int(entry.name)).processor_s()
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and _name_of(entry) == "postgres"
        )

    def _ask(self, question: str) -> Any:
        import psycopg

        with psycopg.connect(self._address or "", autocommit=True) as db:
            answer: Any = db.execute(question.encode())
            return answer.fetchone()[0]


def _name_of(entry: Path) -> str:
    try:
        return (entry / "comm").read_text().strip()
    except OSError:
        return ""


async def flood(
    urls: Sequence[str], *, turns: range, at_once: int, thread: Callable[[int], str]
) -> float:
    """Send turns of these numbers to the workers in turn and return the seconds that they took."""
    left = iter(turns)
    async with httpx.AsyncClient(timeout=120, verify=False) as client:

        async def worker() -> None:
            for n in left:
                text = f"Write a limerick about the ship number {n} of the fleet {thread(n)}"
                answer = await client.post(
                    f"{urls[n % len(urls)]}/v1/chat/completions",
                    json={"model": "auto", "messages": [{"role": "user", "content": text}]},
                    headers={"x-session-id": thread(n)},
                )
                assert answer.status_code == 200, answer.text

        began = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(at_once)))
        return time.perf_counter() - began


def measure(workers: int, *, turns: int, at_once: int, address: str | None) -> Cost:
    """Return what turns cost so many workers on one machine."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        base_url = stack.enter_context(process(provider_command(port), port)).url + "/v1"
        environment = {
            "MOMA_CATALOG": str(write_catalog(folder, base_url)),
            "MOMA_HOME": str(folder / "moma"),
            **({"MOMA_CHECKPOINTS": address} if address else {}),
        }
        servers: list[Server] = []
        for _ in range(workers):
            port = free_port()
            command = [sys.executable, "-m", "app.server", "--port", str(port)]
            servers.append(stack.enter_context(process(command, port, **environment)))
            wait_ready(servers[-1].url)
        urls, store, mark = [s.url for s in servers], Store(folder, address), time.time_ns()

        def run(turns: range, at_once: int, thread: Callable[[int], str]) -> float:
            return asyncio.run(flood(urls, turns=turns, at_once=at_once, thread=thread))

        run(range(40 * workers), at_once, lambda n: f"warm-{mark}-{n}")
        size, commits, database = store.size(), store.commits(), store.processor_s()
        used = sum(s.processor_s() for s in servers)
        took = run(range(turns), at_once, lambda n: f"{mark}-{n}")
        used = sum(s.processor_s() for s in servers) - used
        open_now, memory = store.connections(), statistics.mean(map(_memory_mb, servers))
        database_after, commits_after = store.processor_s(), store.commits()
        first = (store.size() - size) / turns
        last = []
        for dialogue in range(5):
            run(range(_DIALOGUE - 1), 1, lambda n, d=dialogue: f"long-{mark}-{d}")  # type: ignore[misc]
            before = store.size()
            run(range(_DIALOGUE - 1, _DIALOGUE), 1, lambda n, d=dialogue: f"long-{mark}-{d}")  # type: ignore[misc]
            last.append(store.size() - before)
    return Cost(
        turns_a_second=turns / took,
        processor_ms=1e3 * used / turns,
        memory_mb=memory,
        first_kb=first / 1024,
        last_kb=statistics.mean(last) / 1024,
        commits=_per_turn(commits, commits_after, turns),
        database_ms=_per_turn(database, database_after, turns / 1e3),
        connections=open_now,
    )


def _per_turn(before: float | None, after: float | None, turns: float) -> float | None:
    return None if before is None or after is None else (after - before) / turns


def _memory_mb(server: Server) -> float:
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _commit_ms(folder: Path) -> float:
    """Return what a commit to a SQLite file takes, as the threads' file makes it."""
    took = []
    with closing(sqlite3.connect(folder / "probe.sqlite", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE t (x BLOB)")
        for _ in range(200):
            began = time.perf_counter()
            db.execute("INSERT INTO t VALUES (?)", (os.urandom(2_000),))
            took.append(time.perf_counter() - began)
    return 1e3 * statistics.median(took)


def main(given: argparse.Namespace) -> None:
    """Measure every number of workers on SQLite and, if there is an address, on PostgreSQL; print the table."""
    rows = []
    for address in (None, given.postgres) if given.postgres else (None,):
        for workers in given.workers:
            cost = measure(workers, turns=given.turns, at_once=given.at_once, address=address)
            rows.append(
                [
                    f"{'PostgreSQL' if address else 'SQLite'}, {workers}",
                    f"{cost.turns_a_second:.0f}",
                    f"{cost.processor_ms:.1f}",
                    "" if cost.database_ms is None else f"{cost.database_ms:.1f}",
                    f"{cost.memory_mb:.0f}",
                    f"{cost.first_kb:.1f}",
                    f"{cost.last_kb:.1f}",
                    "" if cost.commits is None else f"{cost.commits:.1f}",
                    "" if cost.connections is None else f"{cost.connections}",
                ]
            )
    print_table(
        f"{given.turns} turns, {given.at_once} at once",
        [
            "threads, workers",
            "turns/s",
            "processor ms a turn",
            "database ms a turn",
            "MB a worker",
            "KB a first turn",
            "KB a 20th turn",
            "transactions a turn",
            "connections",
        ],
        rows,
    )
    with tempfile.TemporaryDirectory() as folder:
        print(f"A commit to a SQLite file takes {_commit_ms(Path(folder)):.2f} ms here.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=800)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--postgres", help="the address of an empty database on this machine")
    main(parser.parse_args())
