"""One GGUF file behind llama.cpp's OpenAI-compatible server: started when first needed, once for all who wait for it.

The server is a child process on loopback with a key of its own; it ends with this process, however that ends.
This module knows no LiteLLM, no prices and no routing: it hands out an address and keeps the server behind it alive.
"""

import asyncio
import atexit
import http.client
import json
import os
import secrets
import selectors
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Thread
from typing import BinaryIO

from agents.errors import ModelFileError, MomaError, ProviderError
from graphs.gateway.gguf_files import LocalModel, check_gguf
from graphs.gateway.gguf_process import STOP_LIMIT_S, cause, end, get_json, spawn, stop, tell

START_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a running server answers."""

    api_base: str
    api_key: str = field(repr=False)
    model: str
    context_tokens: int | None = None
    """What the server really gives, which may be less than was asked for; None if not known."""


class LocalServer:
    """Serves one local model; safe to share between threads and event loops."""

    def __init__(
        self,
        model: LocalModel,
        *,
        log_dir: Path | None = None,
        on_progress: Callable[[str], None] | None = None,
        start_limit_s: float = START_LIMIT_S,
    ) -> None:
        """Keep what is given; nothing starts here.

        Args:
            model: the file to serve.
            log_dir: where llama.cpp's log goes, as `<name>.log`; without it the log is not kept.
            on_progress: called with a line of text by the caller whose `ensure` starts the server.
            start_limit_s: how long loading may take.
        """
        self.model = model
        self._log_dir = log_dir
        self._on_progress = on_progress
        self._start_limit_s = start_limit_s
        self._wait_limit_s = start_limit_s + 3 * STOP_LIMIT_S  # a start that fails ends its child
        self._lock = Lock()
        self._flight: Future[Endpoint] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = False

    @property
    def pid(self) -> int | None:
        """The server's process, or None if none runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def processor_s(self) -> float | None:
        """The processor seconds of the server's process so far; None if none runs or the system does not tell."""
        if (pid := self.pid) is None:
            return None
        try:
            # The name of the program, in brackets, may hold blanks: man 5 proc_pid_stat, fields 14 and 15.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError, IndexError):
            return None

    def ensure(self) -> Endpoint:
        """Return the address of the running server; start it if it is not up, once for all callers.

        A server that has died is started again, once a call: repeated deaths are the breaker's.

        Raises:
            ModelFileError: the file is missing or llama.cpp cannot load it.
            ProviderError: the server did not come up.
        """
        flight, mine = self._join()
        started = self._announce(mine=mine)
        try:
            endpoint = flight.result(timeout=self._wait_limit_s)
        except TimeoutError as error:  # only in a process forked while the server was starting
            raise self._not_up("nothing was heard of its start") from error
        self._report_ready(started)
        return endpoint

    async def aensure(self) -> Endpoint:
        """Do as `ensure` does, without blocking the event loop."""
        flight, mine = self._join()
        started = self._announce(mine=mine)
        try:
            endpoint = await asyncio.wait_for(asyncio.wrap_future(flight), self._wait_limit_s)
        except TimeoutError as error:
            raise self._not_up("nothing was heard of its start") from error
        self._report_ready(started)
        return endpoint

    def close(self) -> None:
        """End the server; a later `ensure` starts it again."""
        with self._lock:
            process, self._process, self._flight = self._process, None, None
            starting, self._starting = self._starting, False
        if process is not None:
            # A pipe that is closed under its reader wakes nobody: the thread that starts the child closes them.
            (stop if starting else end)(process)
        atexit.unregister(self.close)

    def _join(self) -> tuple[Future[Endpoint], bool]:
        """Return the start that is under way or has led to a living server, else a new one and True."""
        with self._lock:
            if self._flight is not None and (not self._flight.done() or self.pid is not None):
                return self._flight, False
            flight: Future[Endpoint] = Future()
            flight.set_running_or_notify_cancel()  # no waiter can cancel it for the others
            self._flight = flight
        # A daemon: a start under way must not hold up the end of the program.
        Thread(
            target=self._run, args=(flight,), name=f"start-{self.model.name}", daemon=True
        ).start()
        return flight, True

    def _run(self, flight: Future[Endpoint]) -> None:
        try:
            flight.set_result(self._start(flight))
        except MomaError as error:
            flight.set_exception(error)
        except OSError as error:
            flight.set_exception(self._not_up(str(error)))
        finally:
            if not flight.done():  # a defect here must not leave the waiters hanging
                flight.set_exception(self._not_up("its start was broken off"))

    def _start(self, flight: Future[Endpoint]) -> Endpoint:
        check_gguf(self.model.path)
        deadline = time.monotonic() + self._start_limit_s
        api_key = secrets.token_urlsafe(32)
        with self._open_log() as log:
            process = self._launch(flight, log)
            try:
                tell(process, self.model, api_key)
                address = self._read_address(process, log, deadline)
                endpoint = self._check(address, api_key, deadline)
                with self._lock:
                    self._still_wanted(flight)
                    self._starting = False
                return endpoint
            except BaseException:
                end(process)
                raise

    def _launch(self, flight: Future[Endpoint], log: BinaryIO) -> subprocess.Popen[bytes]:
        """Start the child in the place of a dead one, unless `close` was called meanwhile."""
        with self._lock:
            self._still_wanted(flight)
            dead, process = self._process, spawn(log)
            self._process, self._starting = process, True
        if dead is not None:
            end(dead)
        atexit.unregister(self.close)
        atexit.register(self.close)
        return process

    def _still_wanted(self, flight: Future[Endpoint]) -> None:
        if self._flight is not flight:
            raise self._not_up("it was closed while it started")

    def _read_address(
        self, process: subprocess.Popen[bytes], log: BinaryIO, deadline: float
    ) -> str:
        """Wait for the child's one line."""
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise self._not_up(f"not loaded after {self._start_limit_s:g} s; {cause(log)}")
        line = process.stdout.readline()
        if not line:
            end(process)
            raise self._not_up(f"ended with status {process.returncode}; {cause(log)}")
        message = json.loads(line)
        if "refused" in message:
            raise ModelFileError(
                f"{self.model.path}: llama.cpp cannot load it: {cause(log)}; expected a complete GGUF file "
                "of a model that llama.cpp knows and that fits in memory: download it again or name another"
            )
        return str(message["address"])

    def _check(self, address: str, api_key: str, deadline: float) -> Endpoint:
        """Ask the new server for its health and for the context it gives."""
        try:
            get_json(address, "/health", api_key, deadline)
            models = get_json(address, "/v1/models", api_key, deadline)
            context_tokens = int(models["data"][0]["meta"]["n_ctx"])
        except (http.client.HTTPException, KeyError, IndexError, ValueError) as error:
            raise self._not_up(f"its health check failed: {error!r}") from error
        return Endpoint(
            api_base=f"{address}/v1",
            api_key=api_key,
            model=self.model.name,
            context_tokens=context_tokens,
        )

    def _open_log(self) -> BinaryIO:
        """Open this start's log for the child to append to; unnamed if no directory was given."""
        if self._log_dir is None:
            return tempfile.TemporaryFile("a+b", buffering=0)
        self._log_dir.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        return os.fdopen(
            os.open(self._log_dir / f"{self.model.name}.log", flags, 0o600), "a+b", buffering=0
        )

    def _announce(self, *, mine: bool) -> float | None:
        if not mine:
            return None
        if self._on_progress is not None:
            self._on_progress(f"Starting the local model {self.model.name} ...")
        return time.monotonic()

    def _report_ready(self, started: float | None) -> None:
        if started is not None and self._on_progress is not None:
            self._on_progress(
                f"The local model {self.model.name} is ready after {time.monotonic() - started:.1f} s."
            )

    def _not_up(self, why: str) -> ProviderError:
        return ProviderError(
            f"local model {self.model.name!r} did not start: {why}",
            model=self.model.name,
            retryable=True,
        )
