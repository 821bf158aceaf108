"""Every command ends with one line, whatever its standard streams are."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server_process import ROOT, answers, free_port
from tests.support.waiting import PATIENCE_S, wait_until

POLICY = "examples/policy.dsl"


def run(line: str) -> "subprocess.Popen[bytes]":
    """Run a command of the shell, in which {python} is this one."""
    command = ["sh", "-c", f"exec {line.replace('{python}', sys.executable)}"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, cwd=ROOT)


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        (f"{{python}} -m app.policy fmt {POLICY} >&-", 0, b""),
        ("{python} -m app.doctor machine >&-", 0, b""),
        ("{python} -m app.doctor machine </dev/null >/dev/full", 2, b"moma: [Errno 28] No space"),
        (f"{{python}} -m app.policy fmt {POLICY} >/dev/full", 2, b"moma: [Errno 28] No space"),
    ],
)
def test_output_that_goes_nowhere_is_no_traceback(line: str, status: int, said: bytes) -> None:
    if "/dev/full" in line and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    process = run(line)
    told = process.communicate(timeout=PATIENCE_S)[1]
    assert (process.returncode, told.count(b"\n")) == (status, bool(said))
    assert told.startswith(said)


def test_a_server_without_standard_streams_ends_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOMA_HOME", str(tmp_path))
    port = free_port()
    server = run(f"{{python}} -m app.server --port {port} <&- >&-")
    wait_until(lambda: answers(f"http://127.0.0.1:{port}", "/health"))
    os.kill(server.pid, signal.SIGTERM)
    told = server.communicate(timeout=PATIENCE_S)[1]
    assert (server.returncode, told) == (0, b"")
