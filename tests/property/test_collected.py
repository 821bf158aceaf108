"""Whatever stands in a file of questions, a log of calls or an answer: it is read, or refused in one line."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents.errors import InputError
from app.profile.call_log import Call, CallLog
from app.profile.comparing import pairs_of
from app.profile.graders.key import GRADERS, Code, read_key
from app.profile.questions import read_questions
from graphs.checking.reading import code_of

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
ROW = st.fixed_dictionaries(
    {"query_id": st.text(max_size=3) | PLAIN, "query": st.text(max_size=20) | PLAIN},
    optional={
        "grader": st.sampled_from([*GRADERS, "other"]) | PLAIN,
        "answer": st.text(max_size=8) | PLAIN,
        "choices": st.integers(0, 30) | st.lists(st.text(max_size=3), max_size=4) | PLAIN,
        "tolerance": PLAIN,
        "seconds": PLAIN,
        "system": PLAIN,
        "dataset": PLAIN,
    },
)
CALL = st.fixed_dictionaries({name: PLAIN for name in Call.__dataclass_fields__})


def written(rows: list[Any], folder: str) -> Path:
    path = Path(folder, "lines.jsonl")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def one_line(error: InputError) -> None:
    assert "\n" not in str(error)


@given(st.lists(ROW, max_size=3), st.text(max_size=60))
def test_questions_are_read_or_refused_and_any_answer_is_graded(
    rows: list[Any], answer: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            questions = read_questions(written(rows, folder))
        except InputError as error:
            one_line(error)
            return
    for question in questions:
        question.query.encode()
        if question.key is not None and not isinstance(question.key, Code):
            assert 0 <= question.key.grade(answer).score <= 1


@given(st.lists(CALL | PLAIN, max_size=3))
def test_a_log_is_read_or_refused(rows: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            log = CallLog.read(written(rows, folder))
        except InputError as error:
            one_line(error)
            return
    assert all(isinstance(call.answer, str) for call in log.calls.values())


@given(st.sampled_from(["exact", "numeric", "choice", "regex"]), st.text())
def test_any_text_gets_a_grade(grader: str, text: str) -> None:
    key = read_key(
        {"grader": grader, "answer": {"numeric": 1, "choice": "A"}.get(grader, "a")}, where=""
    )
    assert key is not None
    assert key.grade(text).score in (0.0, 1.0)
    code_of(text)


@given(st.integers(2, 9), st.integers(1, 40), st.text(max_size=3))
def test_no_pair_is_taken_twice(models: int, count: int, query_id: str) -> None:
    found = [
        frozenset(pair) for pair in pairs_of([f"m{n}" for n in range(models)], query_id, count)
    ]
    assert len(set(found)) == len(found) == min(count, models * (models - 1) // 2)
