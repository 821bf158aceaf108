"""Writes a report twice: as JSON for programs and as Markdown for people."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.errors import InputError

__all__ = ["write_report"]


def write_report(folder: Path, name: str, report: Mapping[str, Any], text: str) -> None:
    """Write `NAME.json` and `NAME.md` into a folder, which is made if it is not there.

    Raises:
        InputError: they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n")
        (folder / f"{name}.md").write_text(text)
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}") from error
