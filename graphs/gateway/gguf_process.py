"""The child process that serves a GGUF file, seen from its parent: start it, tell it its work, ask it, end it.

This module knows the two JSON lines and HTTP, and neither when a server is needed nor who waits for it.
"""

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from graphs.gateway.gguf_files import LocalModel

STOP_LIMIT_S = 2.0
_READ_BYTES = 65_536
_WORKER = Path(__file__).with_name("gguf_worker.py")
# All that the child gets of the environment: no provider's key goes to a process that needs none.
_PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONHOME", "PYTHONPATH",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES",
)  # fmt: skip


def spawn(log: BinaryIO) -> subprocess.Popen[bytes]:
    """Start the child, with its log as standard error."""
    # By path, with -P: neither the working directory nor this folder comes before site-packages.
    # A session of its own keeps the terminal's signals away.
    return subprocess.Popen(  # noqa: S603 - our own file, no shell
        [sys.executable, "-P", str(_WORKER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        start_new_session=True,
    )


def tell(process: subprocess.Popen[bytes], model: LocalModel, api_key: str) -> None:
    """Send the child its work; the key goes by pipe, since other users can read an argument list."""
    assert process.stdin is not None
    spec = {
        "name": model.name,
        "path": str(model.path.absolute()),
        "context_tokens": model.context_tokens,
        "threads": model.threads,
        "api_key": api_key,
    }
    with contextlib.suppress(BrokenPipeError):  # it has ended; reading its answer says why
        process.stdin.write(json.dumps(spec).encode() + b"\n")
        process.stdin.flush()


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the child; calling it again does nothing."""
    process.terminate()
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def end(process: subprocess.Popen[bytes]) -> None:
    """End the child and close its pipes, which no other thread may be reading; calling it again does nothing."""
    stop(process)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):  # what was not sent is for nobody
                pipe.close()


def get_json(address: str, path: str, api_key: str, deadline: float) -> Any:
    """Read JSON from the server at `address`.

    Raises:
        OSError: it cannot be reached in time.
        http.client.HTTPException: it answers with another status than 200.
        ValueError: it answers with something else than JSON.
    """
    # http.client goes through no proxy, whatever the environment says.
    limit = max(0.1, deadline - time.monotonic())
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=limit)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Authorization": f"Bearer {api_key}"})
        response = connection.getresponse()
        body = response.read(_READ_BYTES)
    if response.status != HTTPStatus.OK:
        raise http.client.HTTPException(f"{path} answered with status {response.status}")
    return json.loads(body)


def cause(log: BinaryIO) -> str:
    """Return the first error in the log, which the later ones follow from; else its last line."""
    size = os.fstat(log.fileno()).st_size
    text = os.pread(log.fileno(), _READ_BYTES, max(0, size - _READ_BYTES)).decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return "its log is empty"
    errors = [line for line in lines if re.match(r"[\d.]+ E ", line)]
    return re.sub(r"^[\d.]+ [A-Z] +", "", errors[0] if errors else lines[-1])[:400]
