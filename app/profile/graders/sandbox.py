"""Runs a program that a model wrote, with the tests of its question, in a process that is shut in.

What holds everywhere: an empty environment, a temporary folder, limits on processor time, memory, size and number of
files, and a clock. On Linux with Landlock and seccomp the program also has no network, reads nothing but Python, writes
nothing but its folder, starts no process and signals none. `openings` says which of these cannot be had here. Not
protected from: a program that sets out to deceive its tests, and holes in the kernel; what is valuable belongs on
another machine.
"""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from app.profile.graders.key import Code, Grade
from graphs.checking.reading import code_of

__all__ = ["grade_code", "openings"]

_WORKER = Path(__file__).with_name("sandbox_worker.py")
_GRACE_S = 5.0
"""For the start of Python, beside the seconds of the program itself."""
_TAIL = 4096


@cache
def openings() -> tuple[str, ...]:
    """Return what a program is not kept from on this machine: some of `network`, `files`, `processes`."""
    with tempfile.TemporaryDirectory(prefix="moma-code-") as folder:
        reading, writing = os.pipe()
        try:
            command = [sys.executable, "-I", str(_WORKER), str(writing), "5", folder]
            done = subprocess.run(  # noqa: S603 a fixed command, no shell
                command, pass_fds=(writing,), env={}, timeout=30, capture_output=True, check=False
            )
            os.close(writing)
            said = os.read(reading, 256) if done.returncode == 0 else b""
        finally:
            os.close(reading)
    return tuple(said.decode().split()) if said else ("network", "files", "processes")


def grade_code(key: Code, text: str) -> Grade:
    """Grade what a model wrote: 1 if its program runs and passes the tests within its time, else 0."""
    program = code_of(text)
    return Grade(program.strip(), float(_passes(program, key)))


def _passes(program: str, key: Code) -> bool:
    # The last line shows that the end was reached: `sys.exit(0)` in the program does not pass.
    mark = secrets.token_hex(16)
    whole = f"{program}\n\n{key.tests}\n\nimport os as _os; _os.write(1, b'\\n{mark}')\n"
    with tempfile.TemporaryDirectory(prefix="moma-code-") as outer:
        folder = Path(outer, "work")
        folder.mkdir()
        path = folder / "program.py"
        path.write_bytes(whole.encode(errors="replace"))
        output = Path(outer, "output")
        status = _run(path, folder, output, seconds=key.seconds)
        with output.open("rb") as file:
            file.seek(max(0, output.stat().st_size - _TAIL))
            return status == 0 and file.read().rstrip().endswith(mark.encode())


def _run(path: Path, folder: Path, output: Path, *, seconds: float) -> int:
    """Return the exit status; a program that is still there when its time is over is killed."""
    with output.open("wb") as written, open(os.devnull, "wb") as report:
        command = [sys.executable, "-I", str(_WORKER), str(report.fileno())]
        child = subprocess.Popen(  # noqa: S603 a fixed command, no shell
            [*command, str(int(seconds) + 1), str(folder), str(path)],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.DEVNULL,
            pass_fds=(report.fileno(),),
            env={},
            start_new_session=True,
        )
        try:
            return child.wait(timeout=seconds + _GRACE_S)
        except subprocess.TimeoutExpired:
            return -1
        finally:
            try:  # the whole group, where processes could be started
                os.killpg(child.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
            child.wait()
