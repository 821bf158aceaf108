"""Processes are killed while they save an index or a profile, two of them at once: the old or the new one loads."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.support.bars import bar
from tests.support.saver import loaded

ROOT = Path(__file__).parents[2]
KINDS = ("agents", "profile")


@contextmanager
def forking(kind: str, folder: Path) -> Iterator[tuple["subprocess.Popen[str]", float]]:
    """Yield a process that forks savers, and how many seconds a save takes."""
    command = [sys.executable, "-m", "tests.support.saver", kind, str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as process:
        assert process.stdout
        yield process, float(process.stdout.readline())
        process.communicate()


def fork(process: "subprocess.Popen[str]") -> int:
    assert process.stdin
    assert process.stdout
    process.stdin.write("fork\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def kill_savers(kind: str, folder: Path, *, kills: int, random: Random) -> Counter[bool]:
    """Kill one of two savers after a moment, load, kill the other and load again; return which version was there."""
    found: Counter[bool] = Counter()
    with forking(kind, folder) as (process, seconds):
        while found.total() < kills:
            for child in (fork(process), fork(process)):
                time.sleep(random.uniform(0, 2 * seconds))
                os.kill(child, signal.SIGKILL)
                found[loaded(kind, folder)] += 1
    return found


def test_the_old_or_the_new_one_loads_after_a_kill(tmp_path: Path) -> None:
    assert kill_savers("agents", tmp_path, kills=6, random=Random(17)).total() == 6


@pytest.mark.faults
def test_killed_savers(tmp_path: Path) -> None:
    found: Counter[str] = Counter()
    for kind in KINDS:
        versions = kill_savers(kind, tmp_path / kind, kills=100, random=Random(17))
        found.update({f"{kind}: {'old' if old else 'new'}": n for old, n in versions.items()})
    shown = ", ".join(f"{what} {n}" for what, n in sorted(found.items()))
    bar(
        17,
        "crash while an index or profile is saved",
        found.total(),
        f"all loaded ({shown})",
        "never neither",
    )
    assert found.total() == 200
