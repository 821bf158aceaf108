"""Collecting outcomes from real providers that are scripted: the table, the log, the ceiling, kills and failures."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from app.profile import asking
from app.profile.__main__ import main as profile
from app.profile.call_log import CallLog
from graphs.gateway import fallback
from graphs.routing.outcomes import Outcomes
from tests.support.asked import answering, right, sums, texts_of, write_catalogue, write_questions
from tests.support.prose import ROOT
from tests.support.provider import FakeProvider, hang, ok, status
from tests.support.waiting import PATIENCE_S, wait_until


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fallback, "FIRST_PAUSE_S", 0.01)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def collect(*more: str) -> int:
    return profile(["collect", "--questions", "q.jsonl", "--output", "o.parquet", *more])


def table(path: str = "o.parquet") -> list[dict[str, Any]]:
    found = duckdb.sql(f"select * from '{path}'")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def lines(path: str = "o.calls.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_every_model_answers_every_question_once_and_is_graded(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{**row, "dataset": "sums"} for row in sums(3)]
    write_questions(folder / "q.jsonl", *rows, {"query_id": "free", "query": "Write a haiku."})
    with FakeProvider(answering(right)) as good, FakeProvider(ok("Answer: 2")) as bad:
        write_catalogue(folder / "catalog.yaml", {"good": good, "bad": bad})
        assert collect() == 0
        assert collect() == 0
    assert (len(good.requests), len(bad.requests)) == (4, 4)
    first = good.requests[0].body
    assert first["temperature"] == 0
    assert first["messages"][0]["role"] == "system"
    assert "Answer: NUMBER" in first["messages"][0]["content"]
    found = table()
    assert [row["query_id"] for row in found] == ["q0", "q1", "q2"]
    assert [row["good|score"] for row in found] == [1, 1, 1]
    assert [row["bad|score"] for row in found] == [0, 1, 0]
    assert [row["bad|answer"] for row in found] == ["2", "2", "2"]
    assert found[0]["good|cost"] == pytest.approx((10 + 2 * 5) / 1e6)
    assert Outcomes.from_files(["o.parquet"]).models == ("bad", "good")
    _, *calls = lines()
    assert len(calls) == 8
    assert {
        "answer",
        "finish",
        "input_tokens",
        "output_tokens",
        "cost_usd",
        "ms",
        "compute_s",
    } <= set(calls[0])
    said = capsys.readouterr().err
    assert "1 questions have no grader" in said
    assert "0 calls made, 0.000000 USD spent; 8 answers" in said


def test_what_fit_reads_is_what_was_collected(folder: Path) -> None:
    write_questions(folder / "q.jsonl", *sums(24))
    with FakeProvider(answering(right)) as good, FakeProvider(ok("Answer: 2")) as bad:
        write_catalogue(folder / "catalog.yaml", {"good": good, "dear-bad": bad})
        assert collect("--at-once", "8") == 0
    assert profile(["fit", "--outcomes", "o.parquet", "--output", "fitted"]) == 0


def test_a_ceiling_holds_over_all_runs_and_leaves_whole_rows(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_questions(folder / "q.jsonl", *sums(20))
    with FakeProvider(answering(right)) as one, FakeProvider(answering(right)) as two:
        write_catalogue(folder / "catalog.yaml", {"dear-one": one, "dear-two": two})
        # Each call costs 0.02 and may cost 0.03 to 0.05.
        assert collect("--max-tokens", "5", "--budget-usd", "0.2", "--at-once", "2") == 1
        spent = sum(line.get("spent_usd", 0) for line in lines())
        assert 0.1 < spent <= 0.2
        assert 3 <= len(table()) <= len(two.requests) <= len(one.requests) <= len(table()) + 1
        assert (
            "stopped early, the same command goes on: the money is at an end"
            in capsys.readouterr().err
        )
        assert collect("--max-tokens", "5", "--budget-usd", "0.2") == 1
        assert sum(line.get("spent_usd", 0) for line in lines()) <= 0.2
        assert collect("--max-tokens", "5", "--budget-usd", "5") == 0
    assert len(table()) == len(one.requests) == 20


def collecting(folder: Path, **streams: Any) -> "subprocess.Popen[str]":
    """Return a collection in a process of its own that has four answers or more."""
    command = [sys.executable, "-m", "app.profile", "collect", "--questions", "q.jsonl"]
    child = subprocess.Popen(
        [*command, "--output", "o.parquet", "--at-once", "2"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
        **streams,
    )
    log = folder / "o.calls.jsonl"
    wait_until(lambda: log.exists() and log.read_bytes().count(b"answer") >= 4)
    return child


def test_a_kill_loses_no_answer_and_pays_none_twice(folder: Path) -> None:
    write_questions(folder / "q.jsonl", *sums(12))
    with FakeProvider(answering(right, after=0.05)) as one:
        write_catalogue(folder / "catalog.yaml", {"one": one})
        child = collecting(folder)
        os.kill(child.pid, signal.SIGKILL)
        child.wait(PATIENCE_S)
        kept = [line["query_id"] for line in lines() if "answer" in line]
        with (folder / "o.calls.jsonl").open("ab") as file:
            file.write(b'{"key": "cut off in mid-l')
        assert collect() == 0
    asked = texts_of(one)
    assert len(table()) == 12
    for query_id in kept:
        assert asked.count(f"What is {query_id[1:]} plus {query_id[1:]}?") == 1
    assert len(asked) <= 12 + 2
    assert (folder / "o.calls.jsonl").read_bytes().count(b"cut off") == 0


def test_a_passing_fault_is_asked_again_and_a_lasting_one_leaves_its_row_out(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_TRIES", 2)
    write_questions(folder / "q.jsonl", *sums(3))
    passing = answering(right)
    lasting = answering(lambda text: status(400) if "1 plus" in text else right(text))
    with FakeProvider(status(503), status(503), passing) as one, FakeProvider(lasting) as two:
        write_catalogue(folder / "catalog.yaml", {"one": one, "two": two})
        assert collect() == 1
        assert [row["query_id"] for row in table()] == ["q0", "q2"]
        said = capsys.readouterr().err
        assert "two did not answer 1 times, at last: two refused the request" in said
        assert "1 questions are left out of the table" in said
        before = len(one.requests)
        assert collect() == 1
        assert len(one.requests) == before


def test_a_model_that_is_broken_ends_the_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_questions(folder / "q.jsonl", *sums(50))
    with FakeProvider(answering(right)) as one, FakeProvider(status(401)) as two:
        write_catalogue(folder / "catalog.yaml", {"one": one, "two": two})
        assert collect("--at-once", "1") == 1
    assert len(two.requests) == 5
    assert len(one.requests) <= 5
    assert "5 calls of two in a row had no answer (two refused its key)" in capsys.readouterr().err
    assert not (folder / "o.parquet").exists()


def test_calls_begin_at_the_pace_that_is_given(folder: Path) -> None:
    write_questions(folder / "q.jsonl", *sums(4))
    with FakeProvider(answering(right)) as one:
        write_catalogue(folder / "catalog.yaml", {"one": one})
        assert collect("--per-minute", "300") == 0
    times = [seen.at for seen in one.requests]
    assert times[-1] - times[0] >= 3 * 0.2 - 0.05


def test_no_more_calls_are_open_than_are_allowed(folder: Path) -> None:
    write_questions(folder / "q.jsonl", *sums(12))
    with FakeProvider(answering(right, after=0.05)) as one:
        write_catalogue(folder / "catalog.yaml", {"one": one})
        assert collect("--at-once", "3") == 0
    assert one.most_open <= 3


def test_the_most_diverse_questions_are_asked_first(folder: Path) -> None:
    alike = [{**row, "dataset": "sums"} for row in sums(8)]
    other = {
        "query_id": "x",
        "query": "Translate 'rain' into Welsh 1 plus",
        "grader": "regex",
        "answer": ".",
    }
    write_questions(folder / "q.jsonl", *alike, other)
    with FakeProvider(ok("glaw")) as one:
        write_catalogue(folder / "catalog.yaml", {"one": one})
        assert collect("--subset", "2") == 0
        assert len(one.requests) == 2
        assert any("Welsh" in text for text in texts_of(one))
        before = set(texts_of(one))
        assert collect("--subset", "4") == 0
    assert len(one.requests) == 4
    assert before < set(texts_of(one))


def test_interrupted_twice_it_breaks_off_and_writes_what_there_is(folder: Path) -> None:
    write_questions(folder / "q.jsonl", *sums(4))
    reply = answering(lambda text: right(text) if "3 plus" not in text else hang())
    with FakeProvider(reply) as one:
        write_catalogue(folder / "catalog.yaml", {"one": one})
        command = [sys.executable, "-m", "app.profile", "collect", "--questions", "q.jsonl"]
        child = subprocess.Popen(
            [*command, "--output", "o.parquet"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        log = folder / "o.calls.jsonl"
        wait_until(lambda: log.exists() and log.read_bytes().count(b"answer") >= 3)
        child.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):  # what is paid for is waited for
            child.wait(timeout=0.5)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 130
    assert "Ctrl-C again breaks them off" in said
    assert "Traceback" not in said
    assert len(table()) == 3


def test_two_runs_do_not_share_a_log(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_questions(folder / "q.jsonl", *sums(1))
    with FakeProvider() as one:
        write_catalogue(folder / "catalog.yaml", {"one": one})
        with CallLog.opened(folder / "o.calls.jsonl"):
            assert collect() == 2
    assert "another run is writing to it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("questions", "options", "said"),
    [
        ([], [], "no questions, expected a line for each"),
        ([{"query_id": "a", "query": "x"}] * 2, [], "the query_id 'a' is given twice"),
        ([{"query_id": 1, "query": "x"}], [], "query_id is 1, expected a text"),
        ([{"query_id": "a", "query": "x", "dataset": 3}], [], "dataset is 3, expected a text"),
        ([{"query_id": "a", "query": "x", "grader": "code", "answer": "pass"}], [], "give --allow-code"),
        (sums(1), ["--models", "two"], "there is no model 'two'; the catalogue has one"),
        (sums(1), ["--models", ""], "given '', expected ids"),
        (sums(1), ["--catalog", "none.yaml"], "none.yaml"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_status_2(
    questions: list[dict[str, Any]], options: list[str], said: str,
    folder: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    write_questions(folder / "q.jsonl", *questions)
    with FakeProvider() as one:
        write_catalogue(folder / "catalog.yaml", {"one": one})
        assert collect(*options) == 2
        assert one.requests == []
    error = capsys.readouterr().err
    assert said in error.splitlines()[-1]
    assert "Traceback" not in error


@pytest.mark.parametrize(
    "option", [("--budget-usd", "-1"), ("--at-once", "0"), ("--per-minute", "x")]
)
def test_an_option_that_is_none_is_bad_usage(option: tuple[str, str], folder: Path) -> None:
    with pytest.raises(SystemExit) as left:
        collect(*option)
    assert left.value.code == 2


def test_a_model_without_a_price_is_not_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_questions(folder / "q.jsonl", *sums(1))
    with FakeProvider() as one:
        write_catalogue(folder / "catalog.yaml", {"one": one}, price=False)
        assert collect() == 2
        assert collect("--models", "one") == 2
    said = capsys.readouterr().err
    assert "one may not answer: its price is not known" in said


def test_a_log_that_is_none_is_refused_and_stays(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_questions(folder / "q.jsonl", *sums(1))
    (folder / "o.calls.jsonl").write_text('{"my": "notes"}\n')
    with FakeProvider() as one:
        write_catalogue(folder / "catalog.yaml", {"one": one})
        assert collect() == 2
    assert "o.calls.jsonl, line 1: not a line of a log of calls" in capsys.readouterr().err
    assert (folder / "o.calls.jsonl").read_text() == '{"my": "notes"}\n'


def test_programs_are_run_once(folder: Path) -> None:
    row = {"query_id": "a", "query": "Write f.", "grader": "code", "answer": "assert f() == 1"}
    write_questions(folder / "q.jsonl", row)
    with FakeProvider(ok("```python\ndef f(): return 1\n```")) as one:
        write_catalogue(folder / "catalog.yaml", {"one": one})
        assert collect("--allow-code") == 0
        assert collect("--allow-code") == 0
    assert table()[0]["one|score"] == 1
    assert sum("graded" in line for line in lines()) == 1


def test_any_text_is_kept(folder: Path) -> None:
    write_questions(
        folder / "q.jsonl",
        {
            "query_id": "\ud800",
            "query": "half \ud800 \0 'x' \"y\" \u2028",
            "grader": "exact",
            "answer": "ja",
        },
    )
    with FakeProvider(ok('ja "x" \u2028 \0')) as one:
        write_catalogue(folder / "catalog.yaml", {"one": one})
        assert collect() == 0
    assert table()[0]["query"] == "half ? \0 'x' \"y\" \u2028"


def test_what_calls_under_way_may_cost_ends_no_collection(folder: Path) -> None:
    write_questions(folder / "q.jsonl", *sums(20))
    with FakeProvider(answering(right, after=0.05)) as one:
        write_catalogue(folder / "catalog.yaml", {"dear-one": one})
        # Each call costs 0.02 and reserves up to 0.055: of four at once only three fit at the beginning.
        assert collect("--max-tokens", "5", "--budget-usd", "0.2", "--at-once", "4") == 1
    spent = sum(line.get("spent_usd", 0) for line in lines())
    assert 0.2 - 0.06 < spent <= 0.2


def test_a_ceiling_goes_with_the_log_to_another_machine(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_questions(folder / "q.jsonl", *sums(40))
    with FakeProvider(answering(right)) as one:
        write_catalogue(folder / "catalog.yaml", {"dear-one": one})
        for machine in ("first", "second", "third"):
            monkeypatch.setenv("MOMA_HOME", str(folder / machine))
            assert collect("--max-tokens", "5", "--budget-usd", "0.2", "--at-once", "1") == 1
    assert sum(line.get("spent_usd", 0) for line in lines()) <= 0.2


def test_an_interrupt_waits_for_what_is_paid_for_and_says_what_it_was(folder: Path) -> None:
    write_questions(folder / "q.jsonl", *sums(40))
    with FakeProvider(answering(right, after=0.2)) as one:
        write_catalogue(folder / "catalog.yaml", {"one": one})
        child = collecting(folder, stderr=subprocess.PIPE)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=PATIENCE_S)
        kept = sum("answer" in line for line in lines())
        assert child.returncode == 130
        assert len(one.requests) == kept < 40
        assert f"{kept} calls made" in said


def test_a_folder_in_place_of_a_table_is_told_before_anything_is_paid(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_questions(folder / "q.jsonl", *sums(2))
    (folder / "o.parquet").mkdir()
    with FakeProvider(answering(right)) as one:
        write_catalogue(folder / "catalog.yaml", {"one": one})
        assert collect() == 2
    assert "is a folder, expected the name of a file" in capsys.readouterr().err
    assert one.requests == []


@pytest.mark.parametrize("more", [{"grader": []}, {"answer": 10**400}])
def test_a_key_that_is_none_is_one_line(
    more: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_questions(folder / "q.jsonl", {**sums(1)[0], **more})
    assert collect() == 2
    assert capsys.readouterr().err.count("\n") == 1
