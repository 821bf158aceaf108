"""Reads questions, one a JSON line: `query_id`, `query`, maybe `dataset` and `system`, and the key of their grader.

It asks no model. What is wrong is said with file and line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agents.errors import InputError
from app.lines import read_lines
from app.profile.graders.key import Choice, Key, read_key
from graphs.routing.outcomes import check_query

__all__ = ["Question", "read_questions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What models are asked, and how their answers are graded."""

    query_id: str
    query: str
    """The text that is asked, with its choices."""
    dataset: str | None = None
    key: Key | None = None
    """None: there is no key, and a judge compares the answers."""
    system: str = ""

    def messages(self) -> list[dict[str, str]]:
        """Return what is sent, in OpenAI's form."""
        head = [{"role": "system", "content": self.system}] if self.system else []
        return [*head, {"role": "user", "content": self.query}]


def read_questions(path: Path, *, system: str | None = None) -> list[Question]:
    """Return the questions of a file.

    Args:
        path: JSON lines.
        system: takes the place of the graders' own instructions; a line's `system` goes before it.

    Raises:
        InputError: with the line, what was given and what was expected.
    """
    found: dict[str, Question] = {}
    for question in _read(path, system):
        if question.query_id in found:
            raise InputError(f"{path.name}: the query_id {question.query_id!r:.80} is given twice")
        found[question.query_id] = question
    if not found:
        raise InputError(f"{path.name}: no questions, expected a line for each")
    return list(found.values())


def _read(path: Path, system: str | None) -> Iterator[Question]:
    for number, row in read_lines(path):
        where = f"{path.name}, line {number}"
        for name in ("dataset", "system"):
            if not isinstance(row.get(name, ""), str):
                raise InputError(f"{where}: {name} is {row[name]!r:.60}, expected a text")
        query_id = row.get("query_id")
        if not isinstance(query_id, str) or not query_id:
            raise InputError(f"{where}: query_id is {query_id!r:.60}, expected a text")
        key = read_key(row, where=where)
        own = row.get("system")
        given = own if own is not None else system
        yield Question(
            query_id=_clean(query_id),
            query=_clean(_with_choices(check_query(row.get("query"), where=where), key)),
            dataset=_clean(row["dataset"]) if row.get("dataset") else None,
            key=key,
            system=_clean(given if given is not None else key.instruction if key else ""),
        )


def _with_choices(query: str, key: Key | None) -> str:
    if not isinstance(key, Choice) or not key.choices:
        return query
    lines = [f"{chr(ord('A') + place)}. {text}" for place, text in enumerate(key.choices)]
    return "\n".join([query.rstrip(), "", *lines])


def _clean(text: str) -> str:
    """Return `text` as a Parquet file can hold it: JSON can hold half a surrogate pair, UTF-8 cannot."""
    return text.encode(errors="replace").decode()
