"""Evidence that nobody meant to give: edits, questions asked again, calls for a better model, checks, graders."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from app.profile.__main__ import main as profile
from graphs import Context, Services, build_graph
from graphs.feedback import CHECKS, source_of
from graphs.inferred import AGAIN, APART, Next, kept_share, words_of_checks, words_of_next
from graphs.nodes.listen import listen
from graphs.routing.corrections import correct
from graphs.routing.feedback import Evidence, FeedbackRules, Kind, Pieces
from graphs.routing.feedback_log import FeedbackLog, profile_id
from graphs.routing.findings import find
from tests.support.agents import answer, on, say
from tests.support.api import serving
from tests.support.outcomes import graded, write_table
from tests.support.provider import FakeProvider, ok, stream
from tests.support.waiting import wait_until
from tests.unit.test_feedback_live import own, services
from tests.unit.test_measured import folder

__all__ = ["folder", "own"]

POEM = "Write a poem of 7 lines about the sea."
AGAIN_POEM = "Please write a poem of 7 lines about the sea"
SUM = "What is 12 plus 37?"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def record(**more: Any) -> dict[str, Any]:
    """Return the record of a turn that `bard` answered."""
    row = {"id": "bard", "quality": 0.8, "cost_usd": 1e-4}
    models = {
        "region": 1,
        "frontier": [row],
        "masked": [],
        "correction": None,
        "preference": "auto",
    }
    served = {"kind": "model", "id": "bard"}
    return {"id": "d1", "ts": NOW.isoformat(), "served_by": served, "models": models, **more}


def follow(text: str = "x", **more: Any) -> list[tuple[Kind, float]]:
    given = {"asked": "x", "likeness": 0.0, "preference": "auto", "ts": NOW.isoformat(), **more}
    said = words_of_next(record(), Next(text=text, **given), source="ann")
    return [(word.kind, word.reward) for word in said]


def test_what_follows_an_answer_says_how_it_was() -> None:
    assert follow(likeness=AGAIN) == [(Kind.REASK, 0.0)]
    assert follow(likeness=0.1) == [(Kind.REASK, 1.0)]
    assert follow(likeness=(AGAIN + APART) / 2) == []
    assert follow("No, that is wrong.", likeness=0.1) == [(Kind.REASK, 0.0)]
    assert follow("Use a better model, please", likeness=0.2) == [(Kind.ESCALATION, 0.0)]
    assert follow("Is there a better language model than GPT-4?") == [(Kind.REASK, 1.0)]
    assert follow(likeness=0.95, preference="performance") == [(Kind.ESCALATION, 0.0)]
    # The same form with another number is another question.
    assert follow("What is 19% of 2350?", asked="What is 17% of 2350?", likeness=0.9) == []
    # A question that takes the place of another is no going on.
    assert follow(likeness=0.1, again=True) == []
    late = (NOW + timedelta(hours=1)).isoformat()
    assert follow(likeness=0.99, ts=late) == []


def test_a_turn_that_is_evidence_of_nothing_stays_so() -> None:
    turn = Next(text="x", asked="x", likeness=1.0, preference="auto", ts=NOW.isoformat())
    by_agent = record(served_by={"kind": "agent", "id": "calculator"})
    narrowed = record()
    narrowed["models"]["masked"] = [{"code": "excluded"}]
    for before in (by_agent, narrowed):
        assert list(words_of_next(before, turn, source="ann")) == []


def checks(*steps: tuple[str, float | None, bool]) -> list[tuple[str, float]]:
    told = [
        {
            "model": model,
            "predicted": 0.5,
            "shown": shown,
            "checks": [{"check": "logprobs", "probability": p, "fails": False}],
        }
        for model, p, shown in steps
    ]
    before = record(checked={"steps": told})
    before["models"]["frontier"].append({"id": "counter", "quality": 0.5, "cost_usd": 1e-5})
    said = list(words_of_checks(before))
    assert {word.source for word in said} <= {CHECKS}
    assert {word.kind for word in said} <= {Kind.ESCALATION}
    return [(word.model, word.reward) for word in said]


def test_a_check_that_failed_is_evidence_against_the_model_it_was_made_on() -> None:
    assert checks(("counter", 0.2, False), ("bard", 0.9, True)) == [("counter", 0.0), ("bard", 1.0)]
    assert checks(("counter", None, True)) == []
    # It may have been right: another one was surer.
    assert checks(("counter", 0.6, False), ("bard", None, True)) == []


def test_what_only_reads_like_a_fault_is_no_evidence() -> None:
    for fails, words in ((False, []), (True, [0.0])):
        check = {"check": "form", "said": "x", "probability": 0.1, "fails": fails}
        asked = {"model": "bard", "predicted": 0.5, "shown": True, "checks": [check]}
        assert [w.reward for w in words_of_checks(record(checked={"steps": [asked]}))] == words


def test_an_edit_is_worth_what_it_kept() -> None:
    assert kept_share("a b c d", "a b c d") == 1.0
    assert kept_share("a b c d", "a b x d e f") == 0.75
    assert kept_share("a b c d", "x") == 0.0
    assert kept_share("", "") == 1.0
    # Words that are repeated cost no more than others; where they stand is no matter.
    assert kept_share("a b " * 1000, "b a " * 1000) == 1.0


def pieces(kind: Kind, n: int, *, sources: int, reward: float = 0.0) -> list[Evidence]:
    return [
        Evidence(
            decision=f"d{k}",
            model="m",
            region=0,
            predicted=0.5,
            reward=reward,
            kind=kind,
            source=f"u{k % sources}",
            day=100.0 + k / 1e6,
        )
        for k in range(n)
    ]


def shift_of(evidence: list[Evidence], *, offset: bool = False) -> float:
    rules = FeedbackRules()
    rows = Pieces.of(evidence, ["m"])
    found = find(rows, rules)
    if not offset:  # how all models were judged is no matter here
        found = replace(found, offset=found.offset * 0, changes=())
    return float(correct(rows, found, regions=1, today=100.0, rules=rules).shift[0, 0])


@pytest.mark.parametrize(
    ("kind", "cap"),
    [(Kind.THUMB, 0.15), (Kind.GRADER, 0.15), (Kind.EDIT, 0.02), (Kind.REASK, 0.0)],
)
def test_each_kind_goes_as_far_as_its_cap(kind: Kind, cap: float) -> None:
    # Up to 0.08 a shift is not acted on, so that what is only inferred tips the scale and weighs nothing alone.
    assert shift_of(pieces(kind, 2000, sources=200)) == pytest.approx(-cap)


def test_what_is_inferred_adds_to_what_is_said() -> None:
    said = pieces(Kind.THUMB, 20, sources=20)
    assert shift_of(said) == -0.15
    few = pieces(Kind.THUMB, 8, sources=8)
    inferred = [
        replace(e, decision=f"r{e.decision}", source=f"v{e.source}")
        for e in pieces(Kind.REASK, 400, sources=100)
    ]
    assert shift_of([*few, *inferred]) == pytest.approx(shift_of(few) - 0.05)
    # What is inferred of those who spoke takes nothing from what they said.
    same = [replace(e, decision=f"r{e.decision}") for e in pieces(Kind.REASK, 400, sources=8)]
    assert shift_of([*few, *same]) <= shift_of(few) < 0


def test_one_grader_counts_for_more_than_one_user() -> None:
    assert shift_of(pieces(Kind.THUMB, 300, sources=1)) == 0
    assert shift_of(pieces(Kind.GRADER, 300, sources=1)) < -0.05


def evidence(own: Path) -> list[tuple[str, float]]:
    found = FeedbackLog(own).read(of=profile_id(own)).evidence
    return [(e.kind.value, e.reward) for e in found]


@pytest.fixture
def house(own: Path, tmp_path: Path) -> Any:
    with FakeProvider(ok("Waves roll and roll.")) as provider:
        shared = services(own, tmp_path, base_url=provider.base_url, feedback="record")
        shared.router()
        yield shared
        shared.close()


async def test_the_next_message_tells_how_the_answer_was(house: Services, own: Path) -> None:
    graph = build_graph(services=house, checkpointer=InMemorySaver())
    await say(graph, POEM)
    assert evidence(own) == []
    await say(graph, AGAIN_POEM)
    wait_until(lambda: evidence(own) == [("reask", 0.0)])
    await say(graph, SUM)
    wait_until(lambda: evidence(own)[1:] == [("reask", 1.0)])
    await say(graph, SUM, context=Context(preference="performance"))
    wait_until(lambda: evidence(own)[2:] == [("escalation", 0.0)])
    found = FeedbackLog(own).read(of=profile_id(own)).evidence
    assert {e.source for e in found} == {source_of("local")}


async def test_a_question_that_is_edited_right_after_tells_too(house: Services, own: Path) -> None:
    graph = build_graph(services=house, checkpointer=InMemorySaver())
    await say(graph, SUM)
    before = (await graph.aget_state(on("t"))).config
    await say(graph, POEM)
    wait_until(lambda: len(evidence(own)) == 1)
    edited = {"messages": [{"role": "user", "content": AGAIN_POEM}]}
    await graph.ainvoke(edited, before)
    wait_until(lambda: evidence(own)[1:] == [("reask", 0.0)])
    undone = FeedbackLog(own).read(of=profile_id(own)).evidence[1]
    assert undone.decision != FeedbackLog(own).read(of=profile_id(own)).evidence[0].decision


async def test_the_results_of_tools_say_nothing(house: Services, own: Path) -> None:
    thread: Any = {
        "messages": [HumanMessage(POEM), ToolMessage("x", tool_call_id="c")],
        "request": POEM,
        "outcome": {},
        "record": record(),
        "decision": record(),
    }
    await listen(thread, None, house)
    thread["messages"][1:] = [HumanMessage(SUM)]
    await listen(thread, None, house)
    house.close()
    assert len(evidence(own)) == 1


async def test_no_turn_fails_for_what_it_would_say(
    house: Services, own: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    graph = build_graph(services=house, checkpointer=InMemorySaver())
    await say(graph, POEM)

    def broken(*_: Any) -> float:
        raise RuntimeError("the encoder broke")

    with monkeypatch.context() as patch:
        patch.setattr("graphs.nodes.listen._likeness", broken)
        assert answer(await say(graph, SUM)) == "Waves roll and roll."
    assert "says nothing of the one before: the encoder broke" in caplog.text
    assert house.feedback is not None
    house.feedback.close()
    assert answer(await say(graph, POEM)) == "Waves roll and roll."
    checked = await say(graph, POEM, context=Context(checked=True))
    assert answer(checked) == "Waves roll and roll."
    assert "what was inferred from a turn is lost" in caplog.text
    assert evidence(own) == []


async def test_without_feedback_nothing_is_kept(own: Path, tmp_path: Path) -> None:
    with FakeProvider(ok("Waves.")) as provider:
        shared = services(own, tmp_path, base_url=provider.base_url, feedback="off")
        graph = build_graph(services=shared, checkpointer=InMemorySaver())
        await say(graph, POEM)
        await say(graph, AGAIN_POEM)
        shared.close()
    assert not (own / "feedback").exists()


async def test_checks_that_fail_are_kept(own: Path, tmp_path: Path) -> None:
    with FakeProvider(stream({"content": "Roses are"}, finish="length")) as provider:
        shared = services(own, tmp_path, base_url=provider.base_url, feedback="record")
        shared.router()
        graph = build_graph(services=shared, checkpointer=InMemorySaver())
        result = await say(graph, POEM, context=Context(checked=True))
        shared.close()
    asked = [step["model"] for step in result["record"]["checked"]["steps"]]
    assert evidence(own) == [("escalation", 0.0)] * len(asked)


def test_over_http_an_edited_answer_is_evidence(own: Path, tmp_path: Path) -> None:
    with FakeProvider(ok("Waves roll and roll.")) as provider:
        house = services(own, tmp_path, base_url=provider.base_url, feedback="record")
        with serving(services=house) as api:
            done = api.chat(POEM).json()
            given = {"id": done["id"], "edited": "Waves roll and break."}
            answered = api.http().post("/v1/feedback", json=given)
            assert answered.json()["score"] == 0.75
            both = {**given, "score": "up"}
            assert api.http().post("/v1/feedback", json=both).status_code == 400
            assert api.http().post("/v1/feedback", json={"id": done["id"]}).status_code == 400
    assert evidence(own) == [("edit", 0.75)]


def test_graded_answers_are_taken_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOMA_HOME", str(tmp_path / "home"))
    write_table(tmp_path / "o.parquet", graded())
    assert profile(["fit", "--outcomes", "o.parquet", "--output", "p"]) == 0
    added = ["feedback", "add", "--profile", "p", "--outcomes", "o.parquet", "--name", "weekly"]
    assert profile(added) == 2
    assert "set MOMA_FEEDBACK to record or live" in capsys.readouterr().err
    monkeypatch.setenv("MOMA_FEEDBACK", "record")
    assert profile(added) == 0
    assert profile(added) == 0
    found = FeedbackLog(tmp_path / "p").read(of=profile_id(tmp_path / "p")).evidence
    assert {e.source for e in found} == {"grader:weekly"}
    assert len(Pieces.of(list(found), ["counter", "bard"])) == 80, "the same grade counts once"
    assert profile(["feedback", "show", "--profile", "p"]) == 0
    assert "80 of the kind grader" in capsys.readouterr().out
    named = {
        **graded(),
        "query_id": [f"{3000 * chr(0x8CEA)}{n}" for n in range(len(graded()["query"]))],
    }
    write_table(tmp_path / "o.parquet", named)
    assert profile([*added[:-1], "long"]) == 0
    found = FeedbackLog(tmp_path / "p").read(of=profile_id(tmp_path / "p")).evidence
    assert len(Pieces.of(list(found), ["counter", "bard"])) == 160
