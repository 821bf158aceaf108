"""Writes tables, results and refusals as short Markdown. It computes nothing and knows no database."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.data.schema import Skipped, Table
from agents.data.words import joined
from agents.folders import readable_path

SHOWN_ROWS = 20
SHOWN_COLUMNS = 20
_CELL = 60
_MOST_PLACES = 8
_TICKS = re.compile("`+")
"""What would close the fence around a statement: a column may be called anything."""


def answer(
    title: str,
    *,
    sql: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    more: bool,
    notes: Sequence[str],
) -> str:
    """Return the answer: the value or a table, then the SQL that gave it, then what the reader should know."""
    parts = []
    if len(rows) == 1 and len(columns) == 1:
        value = rows[0][0]
        parts.append(f"{_escape(title)}: **{'no value' if value is None else _cell(value)}**")
    elif not rows:
        parts.append(f"{_escape(title)}: no rows.")
    else:
        parts.extend([f"{_escape(title)}:", markdown_table(columns, rows[:SHOWN_ROWS])])
        hidden = len(rows) - SHOWN_ROWS
        if more:
            parts.append("… and more rows.")
        elif hidden > 0:
            parts.append(f"… {hidden} more {'row' if hidden == 1 else 'rows'}.")
    fence = "`" * max(3, 1 + max(map(len, _TICKS.findall(sql)), default=0))
    parts.append(f"{fence}sql\n{sql}\n{fence}")
    parts.extend(notes)
    return "\n\n".join(parts)


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return rows as a Markdown table; long cells are cut, and columns past `SHOWN_COLUMNS` counted."""
    shown = columns[:SHOWN_COLUMNS]
    lines = [_line(shown), "|" + " --- |" * len(shown)]
    lines.extend(_line(row[:SHOWN_COLUMNS]) for row in rows)
    hidden = len(columns) - len(shown)
    return "\n".join(lines) + (f"\n\n… and {hidden} more columns." if hidden else "")


def tables(known: Sequence[Table], skipped: Sequence[Skipped]) -> str:
    """Return which tables there are."""
    rows = [[t.name, t.source, t.rows, ", ".join(c.name for c in t.columns)] for t in known]
    text = f"There {'is 1 table' if len(known) == 1 else f'are {len(known)} tables'}:\n\n"
    text += markdown_table(["table", "file", "rows", "columns"], rows)
    notes = [f"`{table.name}`: {table.note}." for table in known if table.note]
    return "\n\n".join([text, *notes, *skipped_lines(skipped)])


def no_tables(folder: Path, skipped: Sequence[Skipped]) -> str:
    """Return what to do when there is nothing to ask about."""
    text = (
        f"There are no data files that I can read in {readable_path(folder)}. "
        "Put CSV, Parquet, JSON or SQLite files there and ask again."
    )
    return "\n\n".join([text, *skipped_lines(skipped)])


def description(table: Table) -> str:
    """Return the columns of one table with their types and a few values."""
    rows = []
    for column in table.columns:
        values = [spellings[0] for spellings in column.values.values()]
        examples = ", ".join(values[:5]) + (", …" if len(values) > 5 else "")
        rows.append([column.name, column.type, examples])
    head = (
        f"`{table.name}` ({table.source}) has {table.rows:,} rows and {len(table.columns)} columns:"
    )
    note = f"\n\nNote: {table.note}." if table.note else ""
    return f"{head}\n\n{markdown_table(['column', 'type', 'values'], rows)}{note}"


def skipped_lines(skipped: Sequence[Skipped]) -> list[str]:
    """Return a line for each file that could not be used."""
    return [f"I could not use `{item.file}`: {item.reason}." for item in skipped]


def question(text: str, options: Sequence[str]) -> str:
    """Return a question with its choices."""
    return f"{text} {joined(options, last='or')}?" if options else text


def _line(cells: Sequence[Any]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = " ".join(str(value).split())
    return _escape(text if len(text) <= _CELL else text[: _CELL - 1] + "…")


def _number(value: float) -> str:
    """Return a number with two places, or as many as were written: a rate or a latitude is not money."""
    if value and not 0.01 <= abs(value) < 1e15:
        return f"{value:.4g}"
    places = len(repr(value).partition(".")[2])  # a computed one has as many as a float can hold
    return f"{value:,.{places if 2 < places <= _MOST_PLACES else 2}f}"


def _escape(text: str) -> str:
    """Keep text from a file from acting as Markdown: pipes, links and HTML are shown, not obeyed."""
    for mark in ("\\", "|", "`", "<", "[", "*"):
        text = text.replace(mark, "\\" + mark)
    return text
