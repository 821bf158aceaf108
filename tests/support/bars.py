"""One line a fault test: what was tried how often, what came out, and what the bar is.

The lines go with the test's report, so that they are shown also where tests run in several processes.
"""

from collections.abc import Generator
from typing import Any

import pytest

_said: list[str] = []
"""Lines of the test that runs."""
_config: pytest.Config | None = None


def pytest_configure(config: pytest.Config) -> None:
    """Remember the run whose terminal shows the lines."""
    global _config
    _config = config


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Put the lines into the report of the test."""
    report = yield
    report.user_properties += [("bar", line) for line in _said]
    _said.clear()
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Show the lines, in the process that has the terminal."""
    terminal = _config.pluginmanager.getplugin("terminalreporter") if _config else None
    if terminal is None or hasattr(_config, "workerinput"):
        return
    for name, line in report.user_properties:
        if name == "bar" and report.when == "call":
            terminal.ensure_newline()
            terminal.write_line(line)


def bar(number: int, name: str, n: int, result: str, bar: str) -> None:
    """Have a result shown."""
    _said.append(f"{number:>2}  {name:<40} n={n:<7,} {result}   [{bar}]")
