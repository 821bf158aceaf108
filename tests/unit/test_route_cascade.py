"""`python -m app.route cascade`: recorded answers in, decisions out, and one line where the input is wrong."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.route.__main__ import main as route
from graphs.routing.profile_files import load_profile, save_profile
from tests.support.outcomes import graded, with_answers, write_table
from tests.support.profiles import fitted_profile

Table = dict[str, list[Any]]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fitted_profile(tmp_path_factory.mktemp("profile"), with_answers(graded()))


def recorded(rows: int = 6) -> Table:
    table = with_answers(graded(rows))
    kept = ("query_id", "query", "|answer", "|cost")
    return {name: column for name, column in table.items() if name.endswith(kept)}


def cascade(fitted: Path, tmp_path: Path, table: Table, *more: str) -> int:
    answers = write_table(tmp_path / "answers.parquet", table)
    out = str(tmp_path / "out.jsonl")
    return route(
        ["cascade", "--profile", str(fitted), "--answers", str(answers), "--output", out, *more]
    )


def lines(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]


def test_each_query_gets_an_answer_at_each_preference(fitted: Path, tmp_path: Path) -> None:
    assert cascade(fitted, tmp_path, recorded(), "--preference", "cost,0.25,auto,1") == 0
    found = lines(tmp_path)
    assert [(row["query_id"], row["preference"]) for row in found] == [
        (f"q{n}", preference) for n in range(6) for preference in ("cost", 0.25, "auto", 1.0)
    ]
    for row in found:
        assert list(row) == ["query_id", "preference", "model", "called"]
        assert row["model"] in row["called"]
        assert len(set(row["called"])) == len(row["called"])
    assert all(row["called"] == ["counter"] for row in found if row["preference"] == "cost")
    best = {row["query_id"]: row["model"] for row in found if row["preference"] == 1}
    assert best == {f"q{n}": ("counter", "bard")[n % 2] for n in range(6)}
    assert cascade(fitted, tmp_path, recorded(), "--preference", "cost,0.25,auto,1") == 0
    assert lines(tmp_path) == found


def test_it_needs_neither_the_scores_nor_the_ids(fitted: Path, tmp_path: Path) -> None:
    assert cascade(fitted, tmp_path, recorded()) == 0
    found = lines(tmp_path)
    named = {**recorded(), "query_id": [f"another {n}" for n in range(6)]}
    wrong = {f"{m}|score": [0.0] * 6 for m in ("counter", "bard")}
    assert cascade(fitted, tmp_path, {**named, **wrong}) == 0
    assert [{**row, "query_id": ""} for row in lines(tmp_path)] == [
        {**row, "query_id": ""} for row in found
    ]


def test_a_model_that_was_not_asked_has_neither_answer_nor_cost(
    fitted: Path, tmp_path: Path
) -> None:
    for nothing in (None, math.nan):
        table = recorded(2)
        table["bard|answer"][0], table["bard|cost"][0] = None, nothing
        assert cascade(fitted, tmp_path, table) == 0


def without(table: Table, name: str) -> Table:
    return {column: values for column, values in table.items() if column != name}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (without(recorded(), "query_id"), "no column 'query_id'"),
        (without(recorded(), "query"), "no column 'query'"),
        (without(recorded(), "bard|answer"), "no column 'bard|answer'"),
        (without(recorded(), "bard|cost"), "no column 'bard|cost'"),
        (recorded(0), "no rows"),
        ({**recorded(1), "query_id": [""]}, "row 1 has no query_id"),
        ({**recorded(2), "query_id": ["a", "a"]}, "'a' is given twice"),
        ({**recorded(1), "query": [" "]}, "the query is empty"),
        ({**recorded(1), "bard|cost": [-1.0]}, "is -1, expected a number"),
        ({**recorded(1), "bard|cost": [None]}, "'bard|cost' of query_id 'q0' is nothing"),
    ],
)
def test_a_table_that_is_none_is_one_line_and_2(
    table: Table, said: str, fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cascade(fitted, tmp_path, table) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert said in error
    assert not (tmp_path / "out.jsonl").exists()


def test_no_table_and_no_answers_in_the_profile_are_said(
    fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["cascade", "--answers", str(tmp_path / "no.parquet"), "--output", "x"]
    assert route([*command, "--profile", str(fitted)]) == 2
    assert "no such file" in capsys.readouterr().err
    other = tmp_path / "other"
    save_profile(replace(load_profile(fitted), joint=None), other)
    assert route([*command, "--profile", str(other)]) == 2
    error = capsys.readouterr().err
    assert "the profile in 'other' knows no answers" in error
    assert error.count("\n") == 1


def test_a_preference_that_is_none_is_bad_usage(
    fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        cascade(fitted, tmp_path, recorded(), "--preference", "0.5,best")
    assert left.value.code == 2
    assert "--preference" in capsys.readouterr().err
