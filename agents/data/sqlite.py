"""Copies the tables of an SQLite file into DuckDB, in batches. It knows no question.

It reads with the standard library, since DuckDB's own SQLite reader is an extension that would have to be downloaded.
SQLite types belong to cells, not to columns: a column is loaded as text and then gets the type that it declares if
every cell fits. Text that is always an ISO date or time becomes one.
"""

import json
import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.data.query import identifier

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAX_SQLITE_ROWS = 100_000
MAX_SQLITE_TABLES = 32
MAX_CELL = 10_000_000
"""Bytes of a cell: a view may compute texts of a gigabyte, row after row."""
_BATCH = 5_000
_BATCH_CHARS = 10_000_000
_STEPS = 100_000
"""Of SQLite's machine between two looks at the clock."""

_WHOLE = r"^[+-]?\d+$"
"""DuckDB would round what is not whole."""


def table_names(path: Path) -> list[str]:
    """Return the tables and views of the file, one beyond the limit if there are more.

    Raises:
        sqlite3.Error: it is not an SQLite file.
    """
    with closing(_open(path)) as source:
        rows = source.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' "
            "ORDER BY name LIMIT ?",
            [MAX_SQLITE_TABLES + 1],
        )
        return [str(name) for (name,) in rows]


def copy_table(
    path: Path, table: str, *, into: "DuckDBPyConnection", name: str, deadline: float = math.inf
) -> bool:
    """Copy one table to DuckDB under `name`; return whether rows were left behind at the limit.

    Args:
        path: the file.
        table: a table or a view, which may compute anything.
        into: where it is copied to.
        name: what it is called there.
        deadline: on the monotonic clock; then reading ends with sqlite3.OperationalError.
    """
    with closing(_open(path)) as source:
        source.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        info = source.execute(f"PRAGMA table_xinfo({identifier(table)})").fetchall()
        declared = {str(row[1]): str(row[2]).upper() for row in info if row[6] != 1}  # 1: hidden
        columns = ", ".join(f"{identifier(column)} VARCHAR" for column in declared)
        into.execute(f"CREATE TABLE {identifier(name)} ({columns})")
        cells = ", ".join(f"r[{i + 1}]" for i in range(len(declared)))
        insert = (
            f"INSERT INTO {identifier(name)} SELECT {cells} "  # noqa: S608 - every name is quoted
            "FROM (SELECT unnest(from_json(?::JSON, '[[\"VARCHAR\"]]')) AS r)"
        )
        named = ", ".join(map(identifier, declared))  # `*` would give generated columns too
        reader = source.execute(f"SELECT {named} FROM {identifier(table)} LIMIT {MAX_SQLITE_ROWS}")  # noqa: S608
        read = 0
        for batch in _batches(reader):
            into.execute(insert, [json.dumps(batch)])
            read += len(batch)
        more = read == MAX_SQLITE_ROWS and _has_more(source, table)
    for column, kind in declared.items():
        _give_type(into, name=name, column=column, declared=kind)
    return more


def _batches(reader: sqlite3.Cursor) -> Iterator[list[list[str | None]]]:
    """Yield rows as texts, so many at once as memory holds however long they are."""
    batch: list[list[str | None]] = []
    room = _BATCH_CHARS
    for row in reader:
        batch.append([_text(cell) for cell in row])
        room -= sum(len(cell or "") for cell in batch[-1])
        if len(batch) == _BATCH or room < 0:
            yield batch
            batch, room = [], _BATCH_CHARS
    if batch:
        yield batch


def _open(path: Path) -> sqlite3.Connection:
    source = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=2.0)
    source.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_CELL)
    source.execute("PRAGMA query_only = ON")
    source.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
    return source


def _has_more(source: sqlite3.Connection, table: str) -> bool:
    query = f"SELECT 1 FROM {identifier(table)} LIMIT 1 OFFSET {MAX_SQLITE_ROWS}"  # noqa: S608
    return source.execute(query).fetchone() is not None


def _text(cell: Any) -> str | None:
    if cell is None:
        return None
    return f"<{len(cell)} bytes>" if isinstance(cell, bytes) else str(cell)


def _give_type(into: "DuckDBPyConnection", *, name: str, column: str, declared: str) -> None:
    for target, pattern in _candidates(declared):
        cell = identifier(column)
        fits = f"TRY_CAST({cell} AS {target}) IS NOT NULL" + (
            f" AND {cell} ~ '{pattern}'" if pattern else ""
        )
        query = f"SELECT count({cell}), count({cell}) FILTER (WHERE {fits}) FROM {identifier(name)}"  # noqa: S608
        filled, fitting = into.execute(query).fetchone() or (0, 0)
        if filled == fitting and (filled or not pattern or target == "BIGINT"):
            into.execute(f"ALTER TABLE {identifier(name)} ALTER COLUMN {cell} TYPE {target}")
            return


def _candidates(declared: str) -> list[tuple[str, str]]:
    """Return the types to try, each with the pattern that its text must match, in order."""
    if "BOOL" in declared:
        return [("BOOLEAN", ""), ("BIGINT", _WHOLE)]
    if "INT" in declared:
        return [("BIGINT", _WHOLE), ("DOUBLE", "")]
    if any(word in declared for word in ("REAL", "FLOA", "DOUB", "NUM", "DEC", "MONEY")):
        return [("BIGINT", _WHOLE), ("DOUBLE", "")]
    return [
        ("DATE", r"^\d{4}-\d{2}-\d{2}$"),
        ("TIMESTAMP", r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}.*$"),
    ]
