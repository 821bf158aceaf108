"""Reads judged pairs, as `judge` writes them, for `fit`: (query, first answer, second answer, label) of known models.

It reads no answer: the head learns which model was better on which query.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.errors import InputError
from app.lines import read_lines
from graphs.routing.outcomes import Outcomes, check_query
from graphs.routing.preferences import MARGINS, Pairs, Verdict

__all__ = ["JudgedPairs", "read_pairs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedPairs:
    """The pairs, on the rows of an outcome table and, numbered after them, on the queries `more`."""

    pairs: Pairs
    more: tuple[str, ...]


def read_pairs(paths: Sequence[Path], outcomes: Outcomes) -> JudgedPairs:
    """Read files of judged pairs.

    Args:
        paths: JSON lines with `query_id`, `query`, `model_1`, `model_2` and `label` (0 to 4).
        outcomes: the table; a pair is on the row with its `query_id` and query, if there is one.

    Raises:
        InputError: a file cannot be read, a line is not what it should be, or there is no pair.
    """
    column = {model: place for place, model in enumerate(outcomes.models)}
    known = {key: row for row, key in enumerate(zip(outcomes.ids, outcomes.queries, strict=True))}
    more: dict[str, int] = {}
    rows = []
    for path in paths:
        for where, line in _lines(path):
            query = check_query(line.get("query"), where=where)
            first, second = (_model(line, key, column, where) for key in ("model_1", "model_2"))
            if first == second:
                raise InputError(f"{where}: model_1 and model_2 are the same, expected two models")
            row = known.get((str(line.get("query_id")), query))
            if row is None:
                row = len(outcomes) + more.setdefault(query, len(more))
            rows.append((row, first, second, MARGINS[_label(line, where)]))
    if not rows:
        names = ", ".join(path.name for path in paths)
        raise InputError(f"{names}: no pairs, expected what `app.profile judge` writes")
    pairs = Pairs.from_rows(rows, queries=len(outcomes) + len(more), models=len(column))
    return JudgedPairs(pairs=pairs, more=tuple(more))


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in read_lines(path):
        yield f"{path.name}, line {number}", line


def _model(line: dict[str, Any], key: str, column: dict[str, int], where: str) -> int:
    name = line.get(key)
    if not isinstance(name, str) or name not in column:
        raise InputError(
            f"{where}: {key} is {name!r:.60}, expected a model of the outcome tables: {', '.join(column)}"
        )
    return column[name]


def _label(line: dict[str, Any], where: str) -> Verdict:
    label = line.get("label")
    if type(label) is not int or label not in list(Verdict):
        raise InputError(f"{where}: label is {label!r:.60}, expected a number from 0 to 4")
    return Verdict(label)
