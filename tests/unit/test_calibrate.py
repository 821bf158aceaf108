"""`app.profile calibrate`: from graded answers with token probabilities to what checks are worth, beside a profile."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.profile.__main__ import main as profile
from graphs.checking.calibration import FILE, Calibration
from tests.support.asked import answering, sums, write_catalogue, write_questions
from tests.support.provider import FakeProvider, Reply, Seen, Wire


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOMA_HOME", str(tmp_path / "home"))
    return tmp_path


def told(text: str, logprob: float) -> Reply:
    """Answer with the log probability of each of two tokens."""

    async def reply(wire: Wire, seen: Seen) -> None:
        await wire.head(200, {"Content-Type": "text/event-stream"})
        asked = bool(seen.body.get("logprobs"))
        for token in (text, ""):
            choice: dict[str, Any] = {"index": 0, "delta": {"content": token}}
            if asked:
                tokens = [{"token": token, "logprob": logprob, "bytes": None, "top_logprobs": []}]
                choice["logprobs"] = {"content": tokens}
            await wire.event(_chunk(choice))
        await wire.event(_chunk({"index": 0, "delta": {}, "finish_reason": "stop"}))
        await wire.event("[DONE]")

    return reply


def _chunk(choice: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
    }


def unsure(text: str) -> Reply | str:
    """Answer a sum rightly and surely, or wrongly and unsurely; a verifier says which."""
    if text.startswith("{"):
        shown = json.loads(text)
        number = int(shown["request"].split()[2])
        return json.dumps({"holds": str(2 * number) == shown["answer"], "confidence": 90})
    number = int(text.split()[2])
    right = number % 3 != 0
    return told(str(2 * number if right else 1), -0.05 if right else -1.5)


def calibrate(*more: str) -> int:
    given = ["--outcomes", "o.parquet", "--calls", "o.calls.jsonl", "--profile", "profile"]
    return profile(["calibrate", *given, *more])


def test_what_checks_are_worth_is_fitted_on_graded_answers(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_questions(folder / "q.jsonl", *sums(40))
    with FakeProvider(answering(unsure)) as one, FakeProvider(answering(unsure)) as other:
        write_catalogue(folder / "catalog.yaml", {"a": one, "b": other})
        collected = ["collect", "--questions", "q.jsonl", "--output", "o.parquet"]
        assert profile(collected) == 0
        assert profile(["fit", "--outcomes", "o.parquet", "--output", "profile"]) == 0
        assert calibrate() == 2
        assert "has no log probabilities" in capsys.readouterr().err
        assert profile([*collected, "--logprobs"]) == 0
        assert calibrate("--verifier", "a") == 0
        asked = len(one.requests)
        assert calibrate("--verifier", "a") == 0
        assert len(one.requests) == asked, "an answer that was verified was paid for twice"
    fitted = Calibration.load(folder / "profile")
    assert fitted is not None
    assert set(fitted.curves) == {"logprobs", "verifier"}
    assert fitted.rows == 80
    sure, not_sure = (fitted.log_odds("logprobs", "a", (x, x)) or 0.0 for x in (-0.05, -1.5))
    assert sure > 1 > -1 > not_sure
    for hit, alarm in fitted.verdicts.values():
        assert hit > 0.8 > 0.2 > alarm
    told = capsys.readouterr().err
    assert "logprobs: counts" in told
    assert "of right answers and of" in told
    assert (folder / "profile" / FILE).is_file()


def test_of_two_answers_the_one_that_the_table_graded_counts(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_questions(folder / "q.jsonl", *sums(30))
    with FakeProvider(answering(unsure)) as one, FakeProvider(answering(unsure)) as other:
        write_catalogue(folder / "catalog.yaml", {"a": one, "b": other})
        collected = ["collect", "--questions", "q.jsonl", "--output", "o.parquet", "--logprobs"]
        assert profile(collected) == 0
    assert profile(["fit", "--outcomes", "o.parquet", "--output", "profile"]) == 0
    log = folder / "o.calls.jsonl"
    call = next(row for row in map(json.loads, log.read_text().splitlines()) if "answer" in row)

    def once_more(key: str, **changes: Any) -> None:
        with log.open("a") as file:
            file.write(json.dumps({**call, "key": key, **changes}) + "\n")

    once_more("same")
    once_more("dearer", answer="another", cost_usd=2 * call["cost_usd"])
    assert calibrate() == 0
    once_more("alike", answer="another")
    assert calibrate() == 2
    assert "two answers of" in capsys.readouterr().err


def test_what_is_wrong_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert calibrate() == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "Traceback" not in error
