"""The child process that serves one GGUF file with llama.cpp; run as a script by `graphs.gateway.gguf_process`.

It reads one JSON line from standard input, writes one back when the server listens, and ends when standard input ends.
It imports nothing of MoMA and knows neither the gateway nor the caller's keys but the one that guards its own port.
"""

import ctypes
import json
import os
import select
import signal
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1
_ERRORS = 1  # llama.cpp's verbosity: a request that goes well adds nothing to the log
_LOOK_S = 1.0


def main() -> int:
    """Serve until the parent is gone; return the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C stops a turn, not the model
    parent = os.getppid()
    # Loading holds the interpreter lock for as long as it takes, so only the kernel can end it.
    # The signal follows the thread that started this process, which waits until the server is up
    # and then ends: once loaded, the watch below takes over (man 2 prctl, PR_SET_PDEATHSIG).
    _end_with_starting_thread(signal.SIGKILL)
    line = sys.stdin.buffer.readline()
    if not line:
        return 0
    report = os.dup(1)
    os.dup2(2, 1)  # what llama.cpp prints goes to the log, never between the two JSON lines
    try:
        server = _serve(json.loads(line))
    except RuntimeError as error:  # the one class that llama.cpp's binding raises
        _write(report, {"refused": str(error)})
        return 1
    _end_with_starting_thread(0)
    _write(report, {"address": server.listening_address})
    _wait_for_end(parent)
    return 0


def _serve(spec: dict[str, Any]) -> Any:
    """Load the model and return the server, which listens as long as the object lives."""
    # Bound above this line to the parent's life already: importing takes 0.1 s.
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = spec["path"]
    params.model_alias = {spec["name"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0  # the kernel picks a free one
    params.api_keys = [spec["api_key"]]
    params.n_ctx = spec["context_tokens"]
    params.n_parallel = 1  # one answer at a time has the whole context; the next one queues
    params.cpuparams.n_threads = spec["threads"]
    params.cpuparams_batch.n_threads = spec["threads"]
    params.cache_ram_mib = 0  # the default keeps up to 8 GiB of earlier conversations
    params.cache_idle_slots = False
    params.ui = False
    params.endpoint_slots = False  # it would show the prompts in progress
    params.verbosity = _ERRORS
    return xllamacpp.Server(params)


def _end_with_starting_thread(number: int) -> None:
    """Ask Linux to send this process a signal when the thread that started it ends; 0 for none."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number))


def _write(report: int, message: dict[str, str]) -> None:
    os.write(report, json.dumps(message).encode() + b"\n")
    os.close(report)


def _wait_for_end(parent: int) -> None:
    """Return when standard input ends, or when the parent is gone but left its end to a fork."""
    while os.getppid() == parent:
        if select.select([0], [], [], _LOOK_S)[0]:
            return


if __name__ == "__main__":
    status = main()
    os._exit(status)  # no farewell to llama.cpp's threads: they may be in the middle of an answer
