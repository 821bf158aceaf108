"""One line a fault test: what was tried how often, what came out, and what the bar is."""

from contextlib import AbstractContextManager, nullcontext

import pytest

_capture: pytest.Config | None = None


def pytest_configure(config: pytest.Config) -> None:
    """Remember the run whose capturing is to be passed by."""
    global _capture
    _capture = config


def bar(number: int, name: str, n: int, result: str, bar: str) -> None:
    """Print a result to the real standard output."""
    manager = _capture.pluginmanager.getplugin("capturemanager") if _capture else None
    shown: AbstractContextManager[None] = (
        manager.global_and_fixture_disabled() if manager else nullcontext()
    )
    with shown:
        print(f"\n{number:>2}  {name:<40} n={n:<7,} {result}   [{bar}]", flush=True)
