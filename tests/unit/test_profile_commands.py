"""The commands of the profile and `app.route models`, from tables to choices, and what they say of bad input."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.profile.__main__ import main as profile
from app.route.__main__ import main as route
from graphs.routing.profile import Profile
from graphs.routing.profile_files import load_profile, save_profile
from tests.support.outcomes import graded, write_table
from tests.support.profiles import fitted_profile


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fitted_profile(tmp_path_factory.mktemp("profile"), graded())


def queries(path: Path, *lines: dict[str, Any] | str) -> str:
    path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines))
    return str(path)


def choose(fitted: Path, tmp_path: Path, *more: str, asked: str) -> int:
    out = str(tmp_path / "out.jsonl")
    return route(["models", "--profile", str(fitted), "--queries", asked, "--output", out, *more])


def test_each_query_gets_a_choice_at_each_preference(fitted: Path, tmp_path: Path) -> None:
    asked = queries(
        tmp_path / "q.jsonl",
        {"query_id": "a", "query": "What is 52 plus 19?"},
        {"query_id": "b", "query": "Write a poem of 9 lines on 5 roses."},
    )
    assert choose(fitted, tmp_path, "--preference", "0,0.25,auto,1", asked=asked) == 0
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(row["query_id"], row["preference"]) for row in found] == [
        (query, preference) for query in "ab" for preference in (0.0, 0.25, "auto", 1.0)
    ]
    best = {row["query_id"]: row["model"] for row in found if row["preference"] == 1}
    assert best == {"a": "counter", "b": "bard"}
    for row in found:
        assert row["frontier"][0] == row["model"]
        assert 0 <= row["expected_quality"] <= 1
        assert 0 < row["expected_cost"] < 0.01
        assert row["ms"] > 0


def test_a_model_comes_and_goes_by_command(fitted: Path, tmp_path: Path) -> None:
    few = {name.replace("bard", "newcomer"): column for name, column in graded(24).items()}
    table = write_table(tmp_path / "few.parquet", few)
    with_it, without = tmp_path / "with", tmp_path / "without"
    command = ["add-model", "newcomer", "--outcomes", str(table), "--profile", str(fitted)]
    assert profile([*command, "--output", str(with_it)]) == 0
    asked = queries(tmp_path / "q.jsonl", {"query_id": "b", "query": "A limerick about 3 cats."})
    assert choose(with_it, tmp_path, "--preference", "1", asked=asked) == 0
    row = json.loads((tmp_path / "out.jsonl").read_text())
    assert row["model"] in ("bard", "newcomer")
    remove = ["remove-model", "newcomer", "--profile", str(with_it), "--output", str(without)]
    assert profile(remove) == 0
    assert (without / "manifest.json").read_bytes() == (fitted / "manifest.json").read_bytes()


@pytest.mark.parametrize("command", ["add_model", "remove_model"])
def test_what_another_command_saved_meanwhile_is_not_overwritten(
    command: str,
    fitted: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = tmp_path / "profile"
    save_profile(load_profile(fitted), place)
    rows = {k.replace("bard", "third"): v for k, v in graded(24).items() if "counter" not in k}
    table = write_table(tmp_path / "small.parquet", rows)

    def late(folder: Path, **options: Any) -> Profile:
        """Another command ends right after this one has read the profile."""
        found = load_profile(folder, **options)
        save_profile(replace(found, sources=("another",)), folder)
        return found

    monkeypatch.setattr(f"app.profile.{command}.load_profile", late)
    more = ["third", "--outcomes", str(table)] if command == "add_model" else ["bard"]
    ways = ["--profile", str(place), "--output", str(place)]
    said = refused(capsys, command.replace("_", "-"), *more, *ways)
    assert "the profile was changed by another command" in said
    assert load_profile(place).sources == ("another",)
    elsewhere = [*ways[:-1], str(tmp_path / "elsewhere")]
    assert profile([command.replace("_", "-"), *more, *elsewhere]) == 0


def test_any_id_comes_back_as_it_was(fitted: Path, tmp_path: Path) -> None:
    ids = ["\ud800", "é\u2028", "模型"]
    asked = queries(tmp_path / "q.jsonl", *({"query_id": i, "query": "Hi \udfff"} for i in ids))
    assert choose(fitted, tmp_path, asked=asked) == 0
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").split("\n")
    assert [json.loads(line)["query_id"] for line in lines if line] == ids


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("no json", "line 1: not JSON"),
        ("[]", "line 1: given '[]', expected a JSON object"),
        ({"query": "x"}, "line 1: query_id is None, expected a text"),
        ({"query_id": "a"}, "line 1: the query is empty"),
        ({"query_id": "a", "query": "  "}, "line 1: the query is empty"),
        ({"query_id": "a", "query": "x" * 1_000_000}, "the query has 1,000,000 characters"),
        ("", "no queries, expected a line for each"),
    ],
)
def test_queries_that_are_none_are_one_line_and_status_2(
    line: dict[str, Any] | str, said: str, fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    assert choose(fitted, tmp_path, asked=queries(tmp_path / "q.jsonl", line)) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("preference", ["best", "2", "auto,auto", "nan", ""])
def test_a_preference_that_is_none_is_bad_usage(
    preference: str, fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = queries(tmp_path / "q.jsonl", {"query_id": "a", "query": "Hi"})
    with pytest.raises(SystemExit) as left:
        choose(fitted, tmp_path, "--preference", preference, asked=asked)
    assert left.value.code == 2
    assert "--preference" in capsys.readouterr().err


def refused(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    assert profile(list(command)) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("moma: ")
    return error


def test_too_little_to_fit_on_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "p")
    one_row = write_table(tmp_path / "1.parquet", graded(1))
    said = refused(capsys, "fit", "--outcomes", str(one_row), "--output", out)
    assert "1 rows were given, expected at least 20" in said
    alone = {name: column for name, column in graded().items() if not name.startswith("bard")}
    one_model = write_table(tmp_path / "2.parquet", alone)
    said = refused(capsys, "fit", "--outcomes", str(one_model), "--output", out)
    assert "only the model 'counter' was given" in said
    assert not (tmp_path / "p").exists()


def test_a_profile_that_is_none_or_anothers_is_said(
    fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(
        capsys, "remove-model", "bard", "--profile", str(tmp_path / "no"), "--output", "x"
    )
    assert "the profile in 'no' has no manifest.json" in said
    table = write_table(tmp_path / "few.parquet", graded(24))
    again = ["add-model", "bard", "--outcomes", str(table), "--profile", str(fitted)]
    assert "'bard' is in the profile already" in refused(capsys, *again, "--output", "x")
    other = tmp_path / "other"
    save_profile(replace(load_profile(fitted), encoder="another"), other)
    asked = queries(tmp_path / "q.jsonl", {"query_id": "a", "query": "Hi"})
    assert choose(other, tmp_path, asked=asked) == 2
    assert "was made with encoder 'another'" in capsys.readouterr().err


def pair(row: int, first: str = "counter", **other: Any) -> dict[str, Any]:
    """Return a judged pair on a row of `graded`: `counter` is much better at sums, `bard` at verse."""
    table = graded()
    second = "bard" if first == "counter" else "counter"
    better = ("counter", "bard")[row % 2]
    line = {"query_id": f"q{row}", "query": table["query"][row], "model_1": first}
    return {**line, "model_2": second, "label": 3 if better == first else 4, **other}


def test_a_head_is_fitted_on_judged_pairs_by_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blank = {n: [0.5] * 40 if n.endswith("|score") else c for n, c in graded().items()}
    table = write_table(tmp_path / "judged.parquet", blank)
    pairs = queries(
        tmp_path / "judged.pairs.jsonl",
        *(pair(row, ("counter", "bard")[row % 3 % 2]) for row in range(40)),
        *(pair(0, query=f"What is {n} plus {n + 7}?", query_id=f"s{n}") for n in range(60)),
        *(pair(1, query=f"Write a poem on {n} roses.", query_id=f"v{n}") for n in range(60)),
    )
    command = ["fit", "--outcomes", str(table), "--pairs", pairs, "--output", str(tmp_path / "p")]
    assert profile([*command, "--head", "alone"]) == 0
    assert "has 100% of the estimate" in capsys.readouterr().err
    asked = queries(
        tmp_path / "q.jsonl",
        {"query_id": "a", "query": "What is 52 plus 19?"},
        {"query_id": "b", "query": "Write a poem of 9 lines on 5 roses."},
    )
    assert choose(tmp_path / "p", tmp_path, "--preference", "1", asked=asked) == 0
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["model"] for row in rows] == ["counter", "bard"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("no json", "line 1: not JSON"),
        (pair(0, model_1="nobody"), "line 1: model_1 is 'nobody', expected a model of the outcome"),
        (pair(0, model_2="counter"), "line 1: model_1 and model_2 are the same"),
        (pair(0, label=5), "line 1: label is 5, expected a number from 0 to 4"),
        (pair(0, label=True), "line 1: label is True, expected a number from 0 to 4"),
        (pair(0, query=" "), "line 1: the query is empty"),
        ("", "p.jsonl: no pairs, expected what `app.profile judge` writes"),
    ],
)
def test_pairs_that_are_none_are_one_line_and_status_2(
    line: dict[str, Any] | str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_table(tmp_path / "t.parquet", graded())
    pairs = queries(tmp_path / "p.jsonl", line)
    out = tmp_path / "p"
    given = refused(capsys, "fit", "--outcomes", str(table), "--pairs", pairs, "--output", str(out))
    assert said in given
    assert not out.exists()


def test_numpy_is_told_of_its_threads_before_it_is_loaded() -> None:
    program = """
import os, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            print(os.environ.get("OPENBLAS_NUM_THREADS"))
sys.meta_path.insert(0, Finder())
from app.profile.__main__ import main
main(["fit", "--help"])
"""
    set_by_us = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=set_by_us, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[0] == "1"
