"""Profiles fitted by the command, for the tests of what reads them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.profile.__main__ import main as profile
from tests.support.outcomes import write_table


def fitted_profile(folder: Path, table: Mapping[str, list[Any]]) -> Path:
    """Fit a profile on a table of outcomes, with a home of its own in `folder`, and return where it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOMA_HOME", str(folder / "home"))
        outcomes = write_table(folder / "outcomes.parquet", table)
        command = ["fit", "--outcomes", str(outcomes), "--output", str(folder / "fitted")]
        assert profile(command) == 0
    return folder / "fitted"
