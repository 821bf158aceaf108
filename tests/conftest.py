"""What every test stands on: an environment without the developer's settings and keys, and a home of its own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# `graphs` first, as in an application: LangGraph reads on its import how strict it is to be.
from graphs.quick_imports import no_collection
from tests.support import bars

pytest_configure = bars.pytest_configure
pytest_runtest_makereport = bars.pytest_runtest_makereport
pytest_runtest_logreport = bars.pytest_runtest_logreport


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Import the tests, and all that they import, without a search for garbage meanwhile."""
    with no_collection():
        yield


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take away every `MOMA_` setting and provider key, of a `.env` too; `MOMA_HOME` is a new directory."""
    for name in list(os.environ):
        if name.startswith("MOMA_") or name.endswith(("_API_KEY", "_BASE_URL", "_API_BASE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHON_DOTENV_DISABLED", "1")
    monkeypatch.setenv("MOMA_HOME", str(tmp_path / "home"))


# The same examples each time, however busy the machine is.
settings.register_profile(
    "moma", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("moma")
