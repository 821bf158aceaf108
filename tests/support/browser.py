"""Chromium without a window, for the tests of the page: the system's own, never a download."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def missing() -> str | None:
    """Return why no browser can be started here, or None."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "playwright is not installed"
    return None if _binary() else "there is no Chromium: apt-get install chromium"


def _binary() -> str | None:
    return next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def browser() -> Iterator["Browser"]:
    """Start a browser; each test opens a context of its own in it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        found = started.chromium.launch(
            executable_path=_binary(),
            timeout=1e3 * PATIENCE_S,
            args=["--disable-dev-shm-usage", "--disable-gpu"],
        )
        try:
            yield found
        finally:
            found.close()
