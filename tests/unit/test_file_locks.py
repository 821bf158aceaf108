"""Locks between processes: one has a lock at a time, another lets it in between, and who ends has none."""

import asyncio
import subprocess
import sys
from pathlib import Path

from graphs.checkpoints import open_sqlite
from graphs.locks import lock_of, turn_on
from graphs.savers.file_locks import shared_file_locks
from tests.support.waiting import PATIENCE_S, until

ROOT = Path(__file__).parents[2]
OTHER = """
import asyncio, sys
from pathlib import Path
from graphs.savers.file_locks import shared_file_locks
with shared_file_locks(Path(sys.argv[1])) as locks:
    print([asyncio.run(locks.take(name)) for name in sys.argv[2:]], flush=True)
    sys.stdin.read()
"""


def other_process(path: Path, *names: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", OTHER, str(path), *names],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def took(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


async def test_a_lock_is_one_process_s_until_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "locks"
    with shared_file_locks(path) as locks, shared_file_locks(path) as again:
        assert again is locks
        assert await locks.take("a")
        with other_process(path, "a", "b") as other:
            assert took(other) == "[False, True]"
            assert not await locks.take("b")
            other.kill()
        assert await locks.take("b")
        await locks.give_back("a")
        with other_process(path, "a", "b") as other:
            assert took(other) == "[True, False]"
            other.kill()


async def test_a_turn_waits_for_another_process_and_gives_way_when_it_is_cancelled(
    tmp_path: Path,
) -> None:
    path = tmp_path / "threads.sqlite"
    async with open_sqlite(path) as saver, open_sqlite(path) as same:
        assert lock_of(saver, "t") is lock_of(same, "t")
        with other_process(tmp_path / "threads.sqlite.lock", "t") as other:
            assert took(other) == "[True]"

            async def turn() -> None:
                async with turn_on(saver, "t"):
                    pass

            vain, waiting = asyncio.create_task(turn()), asyncio.create_task(turn())
            await asyncio.sleep(0.05)
            vain.cancel()
            await until(vain.done)
            await asyncio.sleep(0.05)
            assert not waiting.done()
            other.kill()
        async with asyncio.timeout(PATIENCE_S):
            await waiting
