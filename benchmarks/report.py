"""Prints a dated Markdown table that names the machine it was measured on."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print `rows` under `columns`."""
    today = datetime.now(UTC).date()
    print(f"{title}. {today}, Python {platform.python_version()}, {os.cpu_count()} cores.\n")
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()
