"""How long `python -m app.chat` takes to its prompt, and to its first routed answer, in a terminal."""

import argparse
import os
import pty
import select
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import print_table

LONGEST_S = 60.0
READING = b"\x1b[?2004h"
"""What the prompt sends once it reads: bracketed paste is on."""


def _read_until(terminal: int, wanted: bytes, began: float) -> float:
    """Return the seconds from `began` until the terminal has shown `wanted`."""
    seen = b""
    while wanted not in seen:
        left = began + LONGEST_S - time.perf_counter()
        if left <= 0 or not select.select([terminal], [], [], left)[0]:
            raise SystemExit(f"the chat did not show {wanted!r} within {LONGEST_S:.0f} s")
        got = os.read(terminal, 65536)
        if b"\x1b[6n" in got:  # the prompt asks the terminal where the cursor is
            os.write(terminal, b"\x1b[1;1R")
        seen += got
    return time.perf_counter() - began


def _start(home: Path) -> tuple[float, float]:
    """Return the seconds to the prompt, and from then to an answer by an agent."""
    began = time.perf_counter()
    process, terminal = pty.fork()
    if process == 0:
        os.environ.update(MOMA_HOME=str(home), TERM="xterm")
        os.execv(sys.executable, [sys.executable, "-m", "app.chat"])
    try:
        prompt = _read_until(terminal, READING, began)
        os.write(terminal, b"What is 17% of 2,350?\r")
        answer = _read_until(terminal, b"399.5", time.perf_counter())
        return prompt, answer
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)


def _main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _start(Path(folder))
        taken = [_start(Path(folder)) for _ in range(runs)]
    rows = [
        [what, f"{min(values):.2f}", f"{statistics.median(values):.2f}", f"{max(values):.2f}", goal]
        for what, values, goal in (
            ("process start to prompt", [p for p, _ in taken], "2.5"),
            ("first question, typed at once, to its answer", [a for _, a in taken], ""),
        )
    ]
    print_table(
        f"Start of the chat, {runs} runs after one to warm up",
        ["what", "min s", "median s", "max s", "goal s"],
        rows,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    _main(parser.parse_args().runs)
