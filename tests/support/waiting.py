"""How tests wait for what must happen, on a machine of any speed. It knows nothing of MoMA."""

import asyncio
import time
from collections.abc import Callable

PATIENCE_S = 300.0
"""How long something that must happen may take; a test that passes does not wait for it."""


def wait_until(met: Callable[[], bool], *, seconds: float = PATIENCE_S) -> None:
    """Return as soon as `met` is; fail after `seconds`."""
    limit = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < limit, f"not met within {seconds:g} s"
        time.sleep(0.01)


async def until(met: Callable[[], bool], *, seconds: float = PATIENCE_S) -> None:
    """Do what `wait_until` does and let the event loop go on."""
    limit = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < limit, f"not met within {seconds:g} s"
        await asyncio.sleep(0.01)
