"""Outcome tables: what is read, and one clear line for each thing that can be wrong."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

from agents.errors import InputError
from graphs.routing.outcomes import LONGEST_QUERY, Outcomes
from tests.support.outcomes import write_table

Columns = dict[str, list[object]]


def table(**changes: list[object] | None) -> Columns:
    rows: Columns = {
        "query_id": ["a", "b"],
        "dataset": ["math", None],
        "query": ["2+2?", "3+3?"],
        "small|score": [1.0, 0.5],
        "small|cost": [0.001, 0.0],
        "large|score": [1, 1],
        "large|cost": [0.01, 0.02],
    }
    for name, column in changes.items():
        if column is None:
            del rows[name.replace("__", "|")]
        else:
            rows[name.replace("__", "|")] = column
    return rows


def test_a_table_is_read_with_its_models_in_order(tmp_path: Path) -> None:
    found = Outcomes.from_files([write_table(tmp_path / "t.parquet", table())])
    assert (found.ids, found.queries, found.models) == (
        ("a", "b"),
        ("2+2?", "3+3?"),
        ("large", "small"),
    )
    np.testing.assert_array_equal(found.scores, [[1, 1], [1, 0.5]])
    np.testing.assert_array_equal(found.costs, [[0.01, 0.001], [0.02, 0]])
    assert found.domains.tolist() == [0, -1]


def test_tables_of_the_same_models_are_joined(tmp_path: Path) -> None:
    one = write_table(tmp_path / "1.parquet", table())
    two = write_table(tmp_path / "2.parquet", table(query_id=["c", "d"]))
    assert Outcomes.from_files([one, two]).ids == ("a", "b", "c", "d")


def test_a_single_model_can_be_picked(tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.parquet", table(large__cost=None))
    assert Outcomes.from_files([path], model="small").models == ("small",)
    with pytest.raises(InputError, match=r"no column 'tiny\|score'"):
        Outcomes.from_files([path], model="tiny")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"small__score": [1.0, None]}, r"'small\|score' of query_id 'b' is nothing, expected"),
        ({"small__score": [float("nan"), 1.0]}, r"'small\|score' of query_id 'a' is nothing"),
        ({"small__score": [1.5, 1.0]}, r"is 1\.5, expected a number from 0 to 1"),
        ({"small__score": ["good", "bad"]}, r"'small\|score' is no column of numbers"),
        ({"small__cost": [-0.1, 0.1]}, r"'small\|cost' of query_id 'a' is -0\.1, expected"),
        ({"small__cost": None}, r"'small\|score' has no 'small\|cost' beside it"),
        ({"query": None}, "no column 'query'"),
        ({"query": ["2+2?", ""]}, "query_id 'b': the query is empty"),
        ({"query": ["2+2?", None]}, "query_id 'b': the query is empty"),
        ({"query": ["x" * (LONGEST_QUERY + 1), "3"]}, "has 200,001 characters, expected at most"),
        ({"query": [1, 2]}, r"query_id 'a': the query is .*1.*, expected a text"),
        ({"query_id": ["a", "a"]}, "the query id 'a' is given twice"),
        ({"query_id": ["a", None]}, "row 2 has no query_id"),
        ({"__score": [1, 1], "__cost": [1, 1]}, r"a column is named '\|score', expected a model"),
        (
            {"small__score": None, "large__score": None, "small__cost": None, "large__cost": None},
            r"no column ends in '\|score'",
        ),
        ({"small__score": None}, r"'small\|cost' has no 'small\|score' beside it"),
        ({"tiny__answer": ["4", "6"]}, r"'tiny\|answer' has no 'tiny\|score' beside it"),
        ({"small__score": [None, None]}, r"'small\|score' of query_id 'a' is nothing"),
        ({"small__score": ["1", "0.5"]}, r"'small\|score' is no column of numbers but of texts"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    changes: dict[str, list[object] | None], said: str, tmp_path: Path
) -> None:
    path = write_table(tmp_path / "t.parquet", table(**changes))
    with pytest.raises(InputError, match=said) as caught:
        Outcomes.from_files([path])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("other", [b"Small", b"small"])
def test_names_that_cannot_be_told_apart_lose_no_model(other: bytes, tmp_path: Path) -> None:
    rows = table()
    rows |= {"other|score": rows["small|score"], "other|cost": rows["small|cost"]}
    path = write_table(tmp_path / "t.parquet", rows)
    path.write_bytes(path.read_bytes().replace(b"other", other))
    with pytest.raises(InputError, match=r"t\.parquet: the column '\w+\|cost' is given twice, or"):
        Outcomes.from_files([path])


@pytest.mark.parametrize(
    ("kind", "said"),
    [("boolean", "booleans"), ("timestamp", "times"), ("interval", "spans of time"), ("int", None)],
)
def test_what_can_be_read_as_a_number_is_none(kind: str, said: str | None, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    cell = {"boolean": "true", "int": "1"}.get(kind, f"{kind} '1970-01-01'")
    cell = "interval '1' second" if kind == "interval" else cell
    row = f"'a' query_id, 'Why?' query, {cell} as \"m|score\", 0.1 as \"m|cost\""
    duckdb.sql(f"copy (select {row}) to '{path}' (format parquet)")
    if said is None:
        assert Outcomes.from_files([path]).models == ("m",)
        return
    with pytest.raises(InputError, match=f"'m|score' is no column of numbers but of {said}"):
        Outcomes.from_files([path])


def test_the_name_of_a_file_is_no_pattern(tmp_path: Path) -> None:
    write_table(tmp_path / "t1.parquet", table(query_id=["c", "d"]))
    path = write_table(tmp_path / "t[1]?*.parquet", table())
    assert Outcomes.from_files([path]).ids == ("a", "b")


def test_models_that_differ_between_files_are_named(tmp_path: Path) -> None:
    one = write_table(tmp_path / "1.parquet", table())
    two = write_table(tmp_path / "2.parquet", table(large__score=None, large__cost=None))
    with pytest.raises(InputError, match=r"2\.parquet and 1\.parquet differ .* 'large'"):
        Outcomes.from_files([one, two])


def test_what_is_no_table_is_said(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_text("no table")
    with pytest.raises(InputError, match=r"t\.parquet: no Parquet table can be read"):
        Outcomes.from_files([tmp_path / "t.parquet"])
    with pytest.raises(InputError, match="no such file"):
        Outcomes.from_files([tmp_path / "none.parquet"])
    with pytest.raises(InputError, match="no outcome table was given"):
        Outcomes.from_files([])


@pytest.mark.parametrize(("sets", "rows", "known"), [(64, 1, 64), (65, 1, 0), (65, 10, 65)])
def test_of_many_data_sets_the_small_ones_are_not_told_apart(
    sets: int, rows: int, known: int
) -> None:
    n = sets * rows
    found = Outcomes(
        ids=tuple(f"q{row}" for row in range(n)),
        queries=("Why?",) * n,
        datasets=tuple(f"set {row % sets}" for row in range(n)),
        models=("m",),
        scores=np.zeros((n, 1)),
        costs=np.zeros((n, 1)),
    )
    assert len({*found.domains.tolist()} - {-1}) == known
    assert len(found.too_small) == sets - known
