"""Judging answers by a scripted judge: both orders, quadruples, scores for `fit`, what is said of the judge."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.profile.__main__ import main as profile
from app.profile.comparing import pairs_of
from graphs.routing.outcomes import Outcomes
from tests.support.asked import answering, right, sums, write_catalogue, write_questions
from tests.support.provider import FakeProvider, ok, status

SHOWN = re.compile(r"<<(?:ANSWER A|ANSWER B) \w+>>\n(.*?)\n<<END", re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def verdict(word: str) -> str:
    return json.dumps({"verdict": word})


def longer(text: str) -> str:
    """Judge by length, much better from ten characters more on."""
    first, second = SHOWN.findall(text)
    gap = len(first) - len(second)
    if not gap:
        return verdict("both are as good")
    return verdict(f"{'A' if gap > 0 else 'B'} is {'much ' if abs(gap) > 9 else ''}better")


def lines(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def judge(*more: str) -> int:
    command = ["judge", "--questions", "q.jsonl", "--calls", "o.calls.jsonl", "--judge", "judge"]
    return profile([*command, "--output", "j.parquet", *more])


def collected(
    folder: Path, questions: list[dict[str, Any]], **answers: Any
) -> dict[str, FakeProvider]:
    """Collect answers of scripted models and return the providers, which are closed."""
    write_questions(folder / "q.jsonl", *questions)
    providers = {name: FakeProvider(answering(answer)) for name, answer in answers.items()}
    for provider in providers.values():
        provider.__enter__()
    try:
        write_catalogue(folder / "catalog.yaml", providers)
        profile(["collect", "--questions", "q.jsonl", "--output", "o.parquet"])
    finally:
        for provider in providers.values():
            provider.__exit__(None, None, None)
    return providers


def free(n: int) -> list[dict[str, Any]]:
    return [{"query_id": f"f{i}", "query": f"Tell me of {i}.", "dataset": "free"} for i in range(n)]


def test_answers_are_compared_in_both_orders_and_scored(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collected(
        folder, free(24),
        long=lambda t: "x" * 30, middle=lambda t: "x" * 25, short=lambda t: "x" * 5,
    )  # fmt: skip
    with FakeProvider(answering(longer)) as it:
        write_catalogue(folder / "catalog.yaml", {"judge": it})
        assert judge() == 0
        assert len(it.requests) == 24 * 3 * 2
        assert judge() == 0
        assert len(it.requests) == 24 * 3 * 2
    schema = it.requests[0].body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["verdict"]["enum"][0] == "A is much better"
    pairs = lines("j.pairs.jsonl")
    assert {"query", "answer_1", "answer_2", "label"} <= set(pairs[0])
    label = {(row["model_1"], row["model_2"]): row["label"] for row in pairs}
    for one, other, margin in (("long", "middle", 1), ("long", "short", 3), ("middle", "short", 3)):
        backward = {1: 2, 3: 4}[margin]
        assert label.get((one, other), margin) == margin
        assert label.get((other, one), backward) == backward
    table = Outcomes.from_files(["j.parquet"])
    means = dict(zip(table.models, table.scores.mean(axis=0), strict=True))
    assert means["long"] > means["middle"] > means["short"]
    report = json.loads(Path("j.report.json").read_text())
    assert report["orders"]["contradict"] == 0
    assert report["orders"]["first_minus_second"] == 0
    rated = report["ratings"]
    for way in ("bradley_terry", "elo"):
        assert rated[way]["long"]["low"] > rated[way]["short"]["high"]
    assert "two orders name different winners on 0% of pairs" in capsys.readouterr().err
    assert profile(["fit", "--outcomes", "j.parquet", "--output", "fitted"]) == 0


def test_a_judge_that_likes_the_first_place_is_found_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collected(folder, free(4), one=lambda t: "yes", two=lambda t: "no")
    with FakeProvider(ok(verdict("A is better"))) as it:
        write_catalogue(folder / "catalog.yaml", {"judge": it})
        assert judge() == 0
    assert {row["label"] for row in lines("j.pairs.jsonl")} == {0}
    orders = json.loads(Path("j.report.json").read_text())["orders"]
    assert orders["contradict"] == orders["first_minus_second"] == 1
    assert "shown first wins +100% more often" in capsys.readouterr().err


def test_the_judge_is_held_against_keys(folder: Path) -> None:
    collected(folder, sums(6), good=lambda t: right(t) + ", surely", bad=lambda t: "7")
    with FakeProvider(answering(longer)) as it:
        write_catalogue(folder / "catalog.yaml", {"judge": it})
        assert judge() == 2
        assert judge("--graded-too") == 0
    keys = json.loads(Path("j.report.json").read_text())["against_keys"]
    assert (keys["pairs"], keys["agree"], keys["contradict"]) == (6, 1, 0)


def test_equal_answers_need_no_judge(folder: Path) -> None:
    collected(folder, free(3), one=lambda t: "yes", two=lambda t: "yes ")
    with FakeProvider(ok(verdict("A is better"))) as it:
        write_catalogue(folder / "catalog.yaml", {"judge": it})
        assert judge() == 0
    assert it.requests == []
    assert [row["label"] for row in lines("j.pairs.jsonl")] == [0, 0, 0]


def test_a_verdict_that_is_none_leaves_its_pair_out(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.profile.asking._TRIES", 1)
    collected(folder, free(2), one=lambda t: "yes", two=lambda t: "no way")
    with FakeProvider(answering(lambda t: "A!" if "of 1" in t else longer(t))) as it:
        write_catalogue(folder / "catalog.yaml", {"judge": it})
        assert judge() == 1
    assert [row["query_id"] for row in lines("j.pairs.jsonl")] == ["f0"]
    assert "1 pairs are left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--judge", "nobody"], "there is no model 'nobody'"),
        (["--judge", "judge,judge"], "expected one model"),
        (["--models", "one"], "1 models have answers in the log, expected two or more"),
        (["--models", "one,three"], "'three' has no answer in the log, which has one, two"),
        (["--calls", "none.jsonl"], "none.jsonl cannot be read"),
        (["--output", "o.parquet"], "would keep the judge's calls in the log of the answers"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    options: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collected(folder, free(1), one=lambda t: "yes", two=lambda t: "no")
    with FakeProvider() as it:
        write_catalogue(folder / "catalog.yaml", {"judge": it})
        capsys.readouterr()
        assert judge(*options) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("models", [2, 3, 4, 5, 8])
def test_pairs_touch_all_models_evenly(models: int) -> None:
    names = [f"m{place}" for place in range(models)]
    every = list(pairs_of(names, "q", None))
    assert len({frozenset(pair) for pair in every}) == len(every) == models * (models - 1) // 2
    few = list(pairs_of(names, "q", models))
    touched = [name for pair in few for name in pair]
    assert len(few) == min(models, len(every))
    assert len({touched.count(name) for name in names}) == 1
    assert list(pairs_of(names, "q", models)) == few


def test_a_question_is_known_by_its_text_not_by_its_id(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [
        {"query_id": "x1", "query": "Write a haiku."},
        {"query_id": "x2", "query": "Write a haiku."},
        {"query_id": "p", "query": "An old question?"},
    ]
    collected(folder, asked, one=lambda t: f"{t} one", two=lambda t: f"{t} two!")
    write_questions(folder / "q.jsonl", *asked[:2], {"query_id": "p", "query": "A new question?"})
    with FakeProvider(answering(longer)) as it:
        write_catalogue(folder / "catalog.yaml", {"judge": it})
        assert judge() == 1
    assert {row["query_id"] for row in lines("j.pairs.jsonl")} == {"x1", "x2"}
    assert "1 questions are left out: the log has not two" in capsys.readouterr().err


def test_a_judge_that_fails_leaves_what_another_said(folder: Path) -> None:
    collected(folder, free(3), one=lambda t: "yes", two=lambda t: "certainly not")
    with FakeProvider(answering(longer)) as it, FakeProvider(status(401)) as broken:
        write_catalogue(folder / "catalog.yaml", {"judge": it, "other": broken})
        assert judge() == 0
        before = Path("j.pairs.jsonl").read_bytes()
        assert judge("--judge", "other") == 1
    assert Path("j.pairs.jsonl").read_bytes() == before
