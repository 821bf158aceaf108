"""Loads a CSV, Parquet or JSON file into DuckDB as it was written. It knows no question and no SQLite."""

import codecs
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

    source, note = _source(file), ""
    try:
        _check_width(connection, source, most_columns)
        _create(connection, name, source)
    except duckdb.Error as error:
        if file.reader != _CSV or not _of_encoding(error):
            raise
        source, note = _source(file, encoding="latin-1"), "it is no UTF-8 and was read as Latin-1"
        _check_width(connection, source, most_columns)
        _create(connection, name, source)
    if file.reader == _CSV:
        if rounded := _rounded(connection, name):
            _keep_whole(connection, name, source, rounded)
        notes = [note, _order_of_dates(connection, name, source)]
        note = " and ".join(filter(None, notes))
    return note


def _source(file: DataFile, *, encoding: str = "") -> str:
    """Return what DuckDB reads, without its closing bracket."""
    source = f"{file.reader}({literal(str(file.path))}"
    if file.reader == _CSV:
        source += ", sample_size = -1"
        if encoding := encoding or _marked(file):
            source += f", encoding = '{encoding}'"
    return source


def _marked(file: DataFile) -> str:
    """Return the encoding that a file's first bytes name, if they name another one than UTF-8."""
    with file.path.open("rb") as begin:
        mark = begin.read(2)
    return "utf-16" if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else ""


def _of_encoding(error: Exception) -> bool:
    text = str(error).casefold()
    return "utf-8" in text or "unicode" in text or "encod" in text


def _check_width(connection: "DuckDBPyConnection", source: str, most: int) -> None:
    """Look at the columns before all rows are loaded."""
    sample = source.replace(", sample_size = -1", "")
    found = connection.execute(f"DESCRIBE SELECT * FROM {sample})").fetchall()  # noqa: S608
    if len(found) > most:
        raise ValueError(f"it has {len(found)} columns, more than the {most} allowed")


def _create(connection: "DuckDBPyConnection", name: str, source: str) -> None:
    statement = f"CREATE OR REPLACE TABLE {identifier(name)} AS SELECT * FROM {source})"  # noqa: S608
    connection.execute(statement)


def _order_of_dates(connection: "DuckDBPyConnection", name: str, source: str) -> str:
    """Return how dates such as 03/04/2024 were read, where either way would have done."""
    described = connection.execute(f"DESCRIBE {identifier(name)}").fetchall()
    dates = [identifier(row[0]) for row in described if row[1] in ("DATE", "TIMESTAMP")]
    if not dates:
        return ""
    sniffed = source.replace(f"{_CSV}(", "sniff_csv(").replace(", sample_size = -1", "")
    query = f"SELECT concat(DateFormat, ' ', TimestampFormat) FROM {sniffed})"  # noqa: S608
    formats = str((connection.execute(query).fetchone() or ("",))[0])
    order = next((o for form, o in _ORDERS.items() if form in formats), "")
    latest = ", ".join(f"max(day({date}))" for date in dates)
    days = connection.execute(f"SELECT {latest} FROM {identifier(name)}").fetchone() or ()  # noqa: S608
    either = any(day is not None and day <= _MONTHS for day in days)
    return f"its dates were read as {order}" if order and either else ""


def _rounded(connection: "DuckDBPyConnection", name: str) -> list[str]:
    """Return the columns of whole numbers so long that DOUBLE rounds them: account numbers, say."""
    described = connection.execute(f"DESCRIBE {identifier(name)}").fetchall()
    found = []
    for column in (row[0] for row in described if row[1] == "DOUBLE"):
        cell = identifier(column)
        query = (
            f"SELECT max(abs({cell})) >= {_EXACT} AND bool_and({cell} = trunc({cell}))"  # noqa: S608
            f" FROM {identifier(name)} WHERE isfinite({cell})"
        )
        if (connection.execute(query).fetchone() or (False,))[0]:
            found.append(column)
    return found


def _keep_whole(
    connection: "DuckDBPyConnection", name: str, source: str, columns: list[str]
) -> None:
    """Load once more with these columns as numbers of 128 bits, or as texts where even those are too short."""
    import duckdb

    for kind in ("HUGEINT", "VARCHAR"):
        types = ", ".join(f"{literal(column)}: {literal(kind)}" for column in columns)
        try:
            _create(connection, name, f"{source}, types = {{{types}}}")
        except duckdb.Error:
            continue
        return
