"""Reads tables of recorded outcomes: what models scored on queries, and what it cost.

A table has the columns `query_id`, `query`, maybe `dataset`, and for each model `<model>|score` (0..1), `<model>|cost`
(USD) and maybe `<model>|answer`. It knows no encoder and no estimator. What is wrong is said with file, column and row.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.errors import InputError
from graphs.routing.estimators.base import UNKNOWN_DOMAIN
from graphs.routing.parquet import Columns, numbers_of, read_columns, text_of

__all__ = ["LONGEST_QUERY", "Answers", "Outcomes", "check_query"]

LONGEST_QUERY = 200_000
"""Characters; what is longer is a file, not a query."""
_MANY_DATASETS, _FEW_ROWS = 64, 10
_SCORE, _COST, _ANSWER = "|score", "|cost", "|answer"

Matrix = NDArray[np.float64]
Answers = NDArray[np.object_]
"""The text of each model's answer, (n, m); empty where none could be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """n queries and m models: `scores` (n, m) in 0..1, `costs` (n, m) in USD; `models` is sorted."""

    ids: tuple[str, ...]
    queries: tuple[str, ...]
    datasets: tuple[str | None, ...]
    models: tuple[str, ...]
    scores: Matrix
    costs: Matrix
    answers: Answers | None = None
    """None where a table lacks them for a model."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def too_small(self) -> frozenset[str]:
        """The data sets that are not told apart: of many those with few rows, which would cost a fit much time."""
        rows = Counter(name for name in self.datasets if name)
        if len(rows) <= _MANY_DATASETS:
            return frozenset()
        return frozenset(name for name, count in rows.items() if count < _FEW_ROWS)

    @property
    def domains(self) -> NDArray[np.intp]:
        """The number of each query's data set, (n,), in the order of their names; unknown where none is told apart."""
        names = sorted({name for name in self.datasets if name} - self.too_small)
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
    answers = [table.answers for table in tables if table.answers is not None]
    return Outcomes(
        ids=tuple(i for table in tables for i in table.ids),
        queries=tuple(q for table in tables for q in table.queries),
        datasets=tuple(d for table in tables for d in table.datasets),
        models=tables[0].models,
        scores=np.vstack([table.scores for table in tables]),
        costs=np.vstack([table.costs for table in tables]),
        answers=np.vstack(answers) if len(answers) == len(tables) else None,
    )


def _read(path: Path, model: str | None) -> Outcomes:
    columns = read_columns(path)
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
    if model is None:
        _check_scored(path, columns, models)
    ids = [text_of(value) for value in columns["query_id"]]
    if not ids:
        raise InputError(f"{path.name}: no rows, expected recorded queries")
    if "" in ids:
        raise InputError(f"{path.name}: row {ids.index('') + 1} has no query_id, expected one")
    queries = [
        check_query(text, where=f"{path.name}, query_id {query_id!r:.80}")
        for query_id, text in zip(ids, columns["query"], strict=True)
    ]
    datasets = (
        [text_of(v) or None for v in columns["dataset"]]
        if "dataset" in columns
        else [None] * len(ids)
    )
    return Outcomes(
        ids=tuple(ids),
        queries=tuple(queries),
        datasets=tuple(datasets),
        models=tuple(models),
        scores=numbers_of(path, columns, [m + _SCORE for m in models], ids, low=0, high=1),
        costs=numbers_of(path, columns, [m + _COST for m in models], ids, low=0, high=1e6),
        answers=_answers(columns, [m + _ANSWER for m in models]),
    )  # fmt: skip


def _check_scored(path: Path, columns: Columns, models: Sequence[str]) -> None:
    """Raise InputError where a model has a cost or answers and no score: it would be left out without a word."""
    for column in columns:
        for ending in (_COST, _ANSWER):
            name = column.removesuffix(ending)
            if name != column and name not in models:
                raise InputError(
                    f"{path.name}: {column!r} has no {name + _SCORE!r} beside it, expected the scores of each model"
                )


def _answers(columns: Columns, names: Sequence[str]) -> Answers | None:
    """Return the columns as texts, (n, columns), if all are there."""
    if not all(name in columns for name in names):
        return None
    return np.array([[text_of(v) for v in columns[name]] for name in names], np.object_).T
