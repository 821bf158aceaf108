"""An event loop in a thread of its own, for calls from synchronous code. It knows nothing of what runs in it."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

__all__ = ["OwnLoop"]

_THREADS = 256
"""For work that would hold up the loop; what hangs in one keeps it, and asyncio's few would soon be gone."""


class OwnLoop:
    """Begins when it is first asked for, and again in a forked process, where threads do not go on."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._guard = threading.Lock()
        self._running: tuple[threading.Thread, asyncio.AbstractEventLoop] | None = None

    def get(self) -> asyncio.AbstractEventLoop:
        """Return the loop; it runs."""
        with self._guard:
            if self._running is None or not self._running[0].is_alive():
                loop = asyncio.new_event_loop()
                loop.set_default_executor(ThreadPoolExecutor(_THREADS, f"{self._name}-work"))
                thread = threading.Thread(target=_run, args=(loop,), name=self._name, daemon=True)
                thread.start()
                self._running = thread, loop
            return self._running[1]


def _run(loop: asyncio.AbstractEventLoop) -> None:
    """Run the loop for ever: what a task raises to end the process ends that task, and is told to who waits for it."""
    while True:
        try:
            loop.run_forever()
        except (SystemExit, KeyboardInterrupt):
            continue
        return
