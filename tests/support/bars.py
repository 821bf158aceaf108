"""The line that each fault test prints: what was tried, how often, what came out, and what it was held against."""

import sys
from contextlib import nullcontext
from typing import Any

import pytest

_capture: Any = None


def pytest_configure(config: pytest.Config) -> None:
    """Take hold of what captures output; `tests/conftest.py` hands this hook to pytest."""
    global _capture
    _capture = config.pluginmanager.getplugin("capturemanager")


def bar(number: int, name: str, n: int, result: str, bar: str) -> None:
    """Print one aligned line to the real standard output, past pytest's capture."""
    with _capture.global_and_fixture_disabled() if _capture else nullcontext():
        print(f"\n{number:>2}  {name:<36} n={n:<6,} {result}  [{bar}]", end="", file=sys.stdout)
        sys.stdout.flush()
