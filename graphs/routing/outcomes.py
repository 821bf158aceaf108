"""Reads tables of recorded outcomes: what models scored on queries, and what it cost.

A table has the columns `query_id`, `query`, maybe `dataset`, and for each model `<model>|score` (0..1) and
`<model>|cost` (USD). It knows no encoder and no estimator. What is wrong is said with file, column and row.
"""

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.errors import InputError
from graphs.routing.estimators.base import UNKNOWN_DOMAIN

__all__ = ["LONGEST_QUERY", "Outcomes", "check_query"]

LONGEST_QUERY = 200_000
"""Characters; what is longer is a file, not a query."""
_SCORE, _COST = "|score", "|cost"

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """n queries and m models: `scores` (n, m) in 0..1, `costs` (n, m) in USD; `models` is sorted."""

    ids: tuple[str, ...]
    queries: tuple[str, ...]
    datasets: tuple[str | None, ...]
    models: tuple[str, ...]
    scores: Matrix
    costs: Matrix

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def domains(self) -> NDArray[np.intp]:
        """The number of each query's data set, (n,), in the order of their names; unknown where none is recorded."""
        names = sorted({name for name in self.datasets if name})
        number = {name: place for place, name in enumerate(names)}
        return np.array([number.get(name or "", UNKNOWN_DOMAIN) for name in self.datasets], np.intp)

    @classmethod
    def from_files(cls, paths: Sequence[str | Path], *, model: str | None = None) -> "Outcomes":
        """Read and join tables of the same models.

        Args:
            paths: Parquet files.
            model: read only this one.

        Raises:
            InputError: a file cannot be read, or a table is not what it should be.
        """
        tables = [_read(Path(path), model) for path in paths]
        if not tables:
            raise InputError("no outcome table was given, expected one or more Parquet files")
        first = tables[0]
        for path, table in zip(paths, tables, strict=True):
            if table.models != first.models:
                other = sorted(set(table.models) ^ set(first.models))[0]
                raise InputError(
                    f"{Path(path).name} and {Path(paths[0]).name} differ in their models, as in {other!r}; "
                    "fit tables of the same models together"
                )
        joined = first if len(tables) == 1 else _joined(tables)
        seen: set[str] = set()
        for query_id in joined.ids:
            if query_id in seen:
                raise InputError(
                    f"the query id {query_id!r:.80} is given twice, expected unique ids"
                )
            seen.add(query_id)
        return joined


def check_query(text: Any, *, where: str) -> str:
    """Return `text` if it can be a query.

    Raises:
        InputError: it is no text, empty, or longer than `LONGEST_QUERY`.
    """
    if text is not None and text is not np.ma.masked and not isinstance(text, str):
        raise InputError(f"{where}: the query is {text!r:.60}, expected a text")
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{where}: the query is empty, expected a text")
    if len(text) > LONGEST_QUERY:
        raise InputError(
            f"{where}: the query has {len(text):,} characters, expected at most {LONGEST_QUERY:,}"
        )
    return text


def _joined(tables: Sequence[Outcomes]) -> Outcomes:
    return Outcomes(
        ids=tuple(i for table in tables for i in table.ids),
        queries=tuple(q for table in tables for q in table.queries),
        datasets=tuple(d for table in tables for d in table.datasets),
        models=tables[0].models,
        scores=np.vstack([table.scores for table in tables]),
        costs=np.vstack([table.costs for table in tables]),
    )


def _read(path: Path, model: str | None) -> Outcomes:
    columns = _columns(path)
    for needed in ("query_id", "query"):
        if needed not in columns:
            raise InputError(f"{path.name}: no column {needed!r}, expected query_id and query")
    models = sorted(name.removesuffix(_SCORE) for name in columns if name.endswith(_SCORE))
    if any(not name.strip() for name in models):
        raise InputError(f"{path.name}: a column is named {_SCORE!r}, expected a model before it")
    if model is not None:
        if model not in models:
            raise InputError(f"{path.name}: no column {model + _SCORE!r}, expected the new model's")
        models = [model]
    if not models:
        raise InputError(f"{path.name}: no column ends in {_SCORE!r}, expected one for each model")
    for name in models:
        if name + _COST not in columns:
            raise InputError(f"{path.name}: {name + _SCORE!r} has no {name + _COST!r} beside it")
    ids = [_text(value) for value in columns["query_id"]]
    if not ids:
        raise InputError(f"{path.name}: no rows, expected recorded queries")
    if "" in ids:
        raise InputError(f"{path.name}: row {ids.index('') + 1} has no query_id, expected one")
    queries = [
        check_query(text, where=f"{path.name}, query_id {query_id!r:.80}")
        for query_id, text in zip(ids, columns["query"], strict=True)
    ]
    datasets = (
        [_text(v) or None for v in columns["dataset"]]
        if "dataset" in columns
        else [None] * len(ids)
    )
    return Outcomes(
        ids=tuple(ids),
        queries=tuple(queries),
        datasets=tuple(datasets),
        models=tuple(models),
        scores=_numbers(path, columns, [m + _SCORE for m in models], ids, low=0, high=1),
        costs=_numbers(path, columns, [m + _COST for m in models], ids, low=0, high=1e6),
    )  # fmt: skip


def _columns(path: Path) -> dict[str, Any]:
    import duckdb  # its import takes a tenth of a second, which the chat's start has not to spare

    if not path.is_file():
        raise InputError(f"{path}: no such file, expected a Parquet table of outcomes")
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "threads": "1"})
    one = [glob.escape(str(path))]  # no pattern of other files, whatever it is called
    try:
        found: dict[str, Any] = connection.execute(
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


def _text(value: Any) -> str:
    return "" if value is None or value is np.ma.masked else str(value)


def _numbers(
    path: Path, columns: dict[str, Any], names: Sequence[str], ids: Sequence[str], *, low: float, high: float
) -> Matrix:  # fmt: skip
    """Return the columns as (n, columns), checked for numbers that are missing or out of range."""
    matrix = np.empty((len(ids), len(names)))
    for place, name in enumerate(names):
        try:
            column = np.ma.filled(np.ma.asarray(columns[name], dtype=np.float64), np.nan)
        except (TypeError, ValueError):
            raise InputError(f"{path.name}: the column {name!r} is no column of numbers") from None
        wrong = np.flatnonzero(~((column >= low) & (column <= high)))
        if len(wrong):
            row = int(wrong[0])
            given = "nothing" if np.isnan(column[row]) else f"{column[row]:g}"
            raise InputError(
                f"{path.name}: {name!r} of query_id {ids[row]!r:.80} is {given}, "
                f"expected a number from {low:g} to {high:g}"
            )
        matrix[:, place] = column
    return matrix
