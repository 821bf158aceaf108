"""Loads a CSV, Parquet or JSON file into DuckDB as it was written. It knows no question and no SQLite."""

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.data.files import DataFile
from agents.data.query import identifier, literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["load_file"]

_CSV = "read_csv"
_MONTHS = 12
_ORDERS = {
    "%d/%m": "day/month",
    "%d.%m": "day.month",
    "%d-%m": "day-month",
    "%m/%d": "month/day",
    "%m-%d-": "month-day",
}
_EXACT = 2**53
"""From here on a DOUBLE leaves out whole numbers."""


def load_file(
    connection: "DuckDBPyConnection", file: DataFile, *, name: str, most_columns: int
) -> str:
    """Load a file as the table `name` and return what the reader of an answer should know of it.

    Raises:
        ValueError: it has too many columns.
        duckdb.Error: it cannot be read.
    """
    import duckdb  # heavy; needed only once a question is about data

    source, note = _Source(file, _marked(file)), ""
    try:
        _create(connection, name, source, most_columns)
    except duckdb.Error as error:
        if file.reader != _CSV or not _of_encoding(error):
            raise
        source, note = _Source(file, "latin-1"), "it is no UTF-8 and was read as Latin-1"
        _create(connection, name, source, most_columns)
    notes = [note]
    if file.reader == _CSV:
        if rounded := _rounded(connection, name):
            _keep_whole(connection, name, source, rounded)
        notes.append(_order_of_dates(connection, name, source))
    notes.append(_emptied(connection, name))
    return " and ".join(filter(None, notes))


@dataclass(frozen=True, slots=True)
class _Source:
    """What DuckDB reads a file by."""

    file: DataFile
    encoding: str
    """Of a CSV file; empty for UTF-8."""

    def sql(self, *, function: str = "", whole: bool = False, more: str = "") -> str:
        """Return the call of a table function: the file's own, over all rows where they settle the types."""
        options = [literal(str(self.file.path))]
        if self.file.reader == _CSV:
            options += [f"encoding = {literal(self.encoding)}"] if self.encoding else []
            options += ["sample_size = -1"] if whole else []
            options += [more] if more else []
        return f"{function or self.file.reader}({', '.join(options)})"


def _marked(file: DataFile) -> str:
    """Return the encoding that a file's first bytes name, if they name another one than UTF-8."""
    if file.reader != _CSV:
        return ""
    with file.path.open("rb") as begin:
        mark = begin.read(2)
    return "utf-16" if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else ""


def _of_encoding(error: Exception) -> bool:
    text = str(error).casefold()
    return "utf-8" in text or "unicode" in text or "encod" in text


def _create(
    connection: "DuckDBPyConnection", name: str, source: _Source, most_columns: int
) -> None:
    """Make the table; the columns are looked at before all rows are loaded."""
    found = connection.execute(f"DESCRIBE SELECT * FROM {source.sql()}").fetchall()  # noqa: S608
    if len(found) > most_columns:
        raise ValueError(f"it has {len(found)} columns, more than the {most_columns} allowed")
    _fill(connection, name, source.sql(whole=True))


def _fill(connection: "DuckDBPyConnection", name: str, call: str) -> None:
    statement = f"CREATE OR REPLACE TABLE {identifier(name)} AS SELECT * FROM {call}"  # noqa: S608
    connection.execute(statement)


def _columns(connection: "DuckDBPyConnection", name: str, *kinds: str) -> list[str]:
    """Return the columns of a table that are of one of these types."""
    described = connection.execute(f"DESCRIBE {identifier(name)}").fetchall()
    return [column for column, kind, *_ in described if kind in kinds]


def _order_of_dates(connection: "DuckDBPyConnection", name: str, source: _Source) -> str:
    """Return how dates such as 03/04/2024 were read, where either way would have done."""
    dates = [identifier(column) for column in _columns(connection, name, "DATE", "TIMESTAMP")]
    if not dates:
        return ""
    sniffed = source.sql(function="sniff_csv")
    query = f"SELECT concat(DateFormat, ' ', TimestampFormat) FROM {sniffed}"  # noqa: S608
    formats = str((connection.execute(query).fetchone() or ("",))[0])
    order = next((o for form, o in _ORDERS.items() if form in formats), "")
    latest = ", ".join(f"max(day({date}))" for date in dates)
    days = connection.execute(f"SELECT {latest} FROM {identifier(name)}").fetchone() or ()  # noqa: S608
    either = any(day is not None and day <= _MONTHS for day in days)
    return f"its dates were read as {order}" if order and either else ""


def _emptied(connection: "DuckDBPyConnection", name: str) -> str:
    """Empty the cells that are NaN, which would make each sum NaN, and return that it was done."""
    count = 0
    for cell in map(identifier, _columns(connection, name, "DOUBLE", "FLOAT")):
        statement = f"UPDATE {identifier(name)} SET {cell} = NULL WHERE isnan({cell})"  # noqa: S608
        count += int((connection.execute(statement).fetchone() or (0,))[0])
    return f"cells with NaN count as empty ({count:,})" if count else ""


def _rounded(connection: "DuckDBPyConnection", name: str) -> list[str]:
    """Return the columns of whole numbers so long that DOUBLE rounds them: account numbers, say."""
    found = []
    for column in _columns(connection, name, "DOUBLE"):
        cell = identifier(column)
        query = (
            f"SELECT max(abs({cell})) >= {_EXACT} AND bool_and({cell} = trunc({cell}))"  # noqa: S608
            f" FROM {identifier(name)} WHERE isfinite({cell})"
        )
        if (connection.execute(query).fetchone() or (False,))[0]:
            found.append(column)
    return found


def _keep_whole(
    connection: "DuckDBPyConnection", name: str, source: _Source, columns: list[str]
) -> None:
    """Load once more with these columns as numbers of 128 bits, or as texts where even those are too short."""
    import duckdb

    for kind in ("HUGEINT", "VARCHAR"):
        types = ", ".join(f"{literal(column)}: {literal(kind)}" for column in columns)
        try:
            _fill(connection, name, source.sql(whole=True, more=f"types = {{{types}}}"))
        except duckdb.Error:
            continue
        return
