"""Recorded answers that stand in for calls: a table of queries with what each model answered, and what it cost.

A table has the columns `query_id`, `query`, and for each model `<model>|answer` and `<model>|cost` (USD), both empty
where it was not asked. It knows no score; what is wrong is said with file, column and row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.errors import InputError
from graphs.routing.outcomes import Answers, check_query
from graphs.routing.parquet import numbers_of, read_columns, text_of

__all__ = ["RecordedAnswers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAnswers:
    """n queries, with the `answers` and the `costs` (USD) of m models, (n, m) each."""

    ids: tuple[str, ...]
    queries: tuple[str, ...]
    answers: Answers
    costs: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def from_file(cls, path: Path, models: Sequence[str]) -> "RecordedAnswers":
        """Read the answers of `models`.

        Raises:
            InputError: the file cannot be read, or it is not what it should be.
        """
        columns = read_columns(path)
        needed = [
            "query_id",
            "query",
            *(f"{m}|{kind}" for kind in ("answer", "cost") for m in models),
        ]
        for name in needed:
            if name not in columns:
                raise InputError(f"{path.name}: no column {name!r}, expected one for the profile")
        ids = tuple(text_of(value) for value in columns["query_id"])
        if not ids:
            raise InputError(f"{path.name}: no rows, expected recorded answers")
        seen: set[str] = set()
        for row, query_id in enumerate(ids, 1):
            if not query_id:
                raise InputError(f"{path.name}: row {row} has no query_id, expected one")
            if query_id in seen:
                raise InputError(f"{path.name}: the query id {query_id!r:.80} is given twice")
            seen.add(query_id)
        answers = {m: [text_of(v) for v in columns[f"{m}|answer"]] for m in models}
        costs = {f"{m}|cost": _paid(columns[f"{m}|cost"], answers[m]) for m in models}
        return cls(
            ids=ids,
            queries=tuple(
                check_query(text, where=f"{path.name}, query_id {query_id!r:.80}")
                for query_id, text in zip(ids, columns["query"], strict=True)
            ),
            answers=np.array([*answers.values()], np.object_).T,
            costs=numbers_of(path, costs, [*costs], ids, low=0, high=1e6),
        )


def _paid(costs: Any, answers: Sequence[str]) -> Any:
    """Return a column of costs with 0 where there is neither an answer nor a cost: the model was not asked."""
    given = np.ma.array(costs, copy=True)
    if given.dtype.kind in "iuf":
        nothing = np.ma.getmaskarray(given) | np.isnan(given.data)
        given[nothing & np.array([not answer for answer in answers])] = 0
    return given
