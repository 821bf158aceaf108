"""Reads a Parquet table for checking: its columns, its texts, its numbers. It knows no model and no query."""

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.errors import InputError

__all__ = ["Columns", "numbers_of", "read_columns", "text_of"]

Columns = dict[str, Any]
Matrix = NDArray[np.float64]
_KINDS = {"b": "booleans", "M": "times", "m": "spans of time"}
"""What NumPy's kinds of columns hold that are no numbers, though they can be read as such."""


def read_columns(path: Path) -> Columns:
    """Return the columns by name.

    Raises:
        InputError: it cannot be read, or names are given twice.
    """
    import duckdb  # its import takes a tenth of a second, which the chat's start has not to spare

    if not path.is_file():
        fault = "a folder" if path.is_dir() else "no such file"
        raise InputError(f"{path}: {fault}, expected a Parquet table of outcomes")
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "threads": "1"})
    one = [glob.escape(str(path))]  # no pattern of other files, whatever it is called
    try:
        found: Columns = connection.execute(
            "select * from read_parquet(?, hive_partitioning = false)", one
        ).fetchnumpy()
        schema = connection.execute("select name from parquet_schema(?)", one).fetchall()
    except duckdb.Error as error:
        # It repeats what stands in the file, which a terminal might obey.
        said = "".join(c if c.isprintable() else "?" for c in str(error).splitlines()[0][:200])
        raise InputError(f"{path.name}: no Parquet table can be read from it ({said})") from None
    finally:
        connection.close()
    # Of names that differ by the case of letters alone DuckDB keeps the first and renames the others.
    if renamed := sorted(found.keys() - {name for (name,) in schema}):
        name = renamed[0].rpartition("_")[0]
        raise InputError(
            f"{path.name}: the column {name!r} is given twice, or another differs from it by the case of its "
            "letters alone; expected different names"
        )
    return found


def text_of(value: Any) -> str:
    """Return a cell as text, '' where it is empty."""
    return "" if value is None or value is np.ma.masked else str(value)


def numbers_of(
    path: Path, columns: Columns, names: Sequence[str], ids: Sequence[str], *, low: float, high: float
) -> Matrix:  # fmt: skip
    """Return the columns as (n, columns).

    Raises:
        InputError: a column is not of numbers, or one is missing or out of range.
    """
    matrix = np.empty((len(ids), len(names)))
    for place, name in enumerate(names):
        given = np.ma.asarray(columns[name])
        if np.ma.getmaskarray(given).all():
            given = np.ma.asarray(np.full(len(given), np.nan))  # a column of nothing has any type
        if given.dtype.kind not in "iuf":
            kind = _KINDS.get(given.dtype.kind, "texts or lists")
            raise InputError(
                f"{path.name}: the column {name!r} is no column of numbers but of {kind}, cast it to DOUBLE"
            )
        column = np.ma.filled(given.astype(np.float64), np.nan)
        wrong = np.flatnonzero(~((column >= low) & (column <= high)))
        if len(wrong):
            row = int(wrong[0])
            told = "nothing" if np.isnan(column[row]) else f"{column[row]:g}"
            raise InputError(
                f"{path.name}: {name!r} of query_id {ids[row]!r:.80} is {told}, "
                f"expected a number from {low:g} to {high:g}"
            )
        matrix[:, place] = column
    return matrix
