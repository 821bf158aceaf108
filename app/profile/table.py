"""Writes an outcome table as `app.profile fit` reads it: Parquet, a row a query, three columns a model.

It grades nothing. A query that lacks the outcome of one model is no row, and is counted.
"""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.errors import InputError
from app.profile.questions import Question

__all__ = ["Outcome", "write_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one model did on one query."""

    score: float
    cost_usd: float
    answer: str
    """What was read as the answer."""


def write_table(
    path: Path,
    questions: Sequence[Question],
    models: Sequence[str],
    outcomes: Mapping[tuple[str, str], Outcome],
    *,
    with_answers: bool = True,
) -> int:
    """Write the queries that have an outcome of every model, whole or not at all, and return how many there are.

    Args:
        path: the Parquet file; it is not touched if there is no row.
        questions: in the order of the rows.
        models: in the order of the columns.
        outcomes: by query id and model.
        with_answers: whether what was read as the answers is written too.

    Raises:
        InputError: the file cannot be written.
    """
    rows = [
        _row(question, models, outcomes)
        for question in questions
        if all((question.query_id, model) in outcomes for model in models)
    ]
    if not rows:
        return 0
    types = {"query_id": "varchar", "query": "varchar", "dataset": "varchar"}
    for model in models:
        types |= {
            f"{model}|score": "double",
            f"{model}|cost": "double",
            f"{model}|answer": "varchar",
        }
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        kept = {name: of for name, of in types.items() if with_answers or "|answer" not in name}
        _copy(rows, kept, temporary)
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return len(rows)


def _row(
    question: Question, models: Sequence[str], outcomes: Mapping[tuple[str, str], Outcome]
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "query_id": question.query_id,
        "query": question.query,
        "dataset": question.dataset,
    }
    for model in models:
        outcome = outcomes[question.query_id, model]
        row |= {
            f"{model}|score": outcome.score,
            f"{model}|cost": outcome.cost_usd,
            f"{model}|answer": outcome.answer.encode(errors="replace").decode(),
        }
    return row


def _copy(rows: Sequence[Mapping[str, Any]], types: Mapping[str, str], path: Path) -> None:
    import duckdb  # its import takes a tenth of a second

    with tempfile.TemporaryDirectory(prefix="moma-table-") as folder:
        lines = Path(folder, "rows.jsonl")
        with lines.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        try:
            with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
                read = "read_json(?, format = 'newline_delimited', columns = ?, maximum_object_size = 67108864)"
                table = connection.execute(
                    f"create table rows as select * from {read}",  # noqa: S608 no text of others is in it
                    [str(lines), dict(types)],
                )
                table.execute("copy rows to ? (format parquet)", [str(path)])
        except duckdb.Error as error:
            raise InputError(
                f"{path.name} cannot be written: {str(error).splitlines()[0][:200]}"
            ) from None
