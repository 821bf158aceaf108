"""Feedback in the living graph: corrections move the choice, canaries look beyond it, the record says both."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from agents.errors import SettingsError
from app.chat.commands import Session, run_command
from graphs import Context, Services, build_graph
from graphs.catalog import Catalog
from graphs.dry_run import dry_run
from graphs.feedback import evidence_of, today, word_on
from graphs.options import Options
from graphs.routing.exploration import drawn, is_canary
from graphs.routing.feedback import Evidence, FeedbackRules, Kind
from graphs.routing.feedback_log import FeedbackLog, profile_id
from graphs.spoken import run_turn
from tests.support.api import serving
from tests.support.provider import FakeProvider, ok
from tests.support.waiting import wait_until
from tests.unit.test_measured import VERSE, folder, model

__all__ = ["folder"]

BEST = Context(preference="performance")
TEXT = VERSE[3]


def services(
    profile: Path,
    home: Path,
    *,
    base_url: str = "",
    prices: Mapping[str, float] | None = None,
    **options: Any,
) -> Services:
    models = [model(name, (prices or {}).get(name, 1.0)) for name in ("counter", "bard")]
    if base_url:
        models = [replace(m, base_url=base_url) for m in models]
    catalog = Catalog(models=tuple(models), default_model="counter")
    given = {"feedback": "live", "canary_share": 0.0, **options}
    return Services.from_catalog(catalog, Options(home=home, profile=profile, **given))


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    """A copy of the profile."""
    for path in folder.rglob("*"):
        if path.is_file() and "feedback" not in path.parts:
            target = tmp_path / "profile" / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return tmp_path / "profile"


def complaints(record: dict[str, Any], n: int) -> list[Evidence]:
    turn = evidence_of({**record, "served_by": {"kind": "model", "id": "bard"}})
    assert turn is not None
    now = today()
    return [
        Evidence(
            **turn,
            decision=f"d{k}",
            reward=1.0 if k < n // 3 else 0.0,
            kind=Kind.THUMB,
            source=f"u{k % 60}",
            day=now - 1 + k / (2 * n),
        )
        for k in range(n)
    ]


async def test_what_users_say_moves_the_choice_and_the_record_tells(
    own: Path, tmp_path: Path
) -> None:
    first = services(own, tmp_path)
    before = await dry_run(TEXT, first, context=BEST)
    first.close()
    assert before["models"]["chosen"] == "bard"
    assert (before["models"]["correction"], before["models"]["canary"]) == (None, False)
    FeedbackLog(own).append(complaints(before, 240), of=profile_id(own))
    shared = services(own, tmp_path)
    quiet = services(own, tmp_path, feedback="record")
    try:
        after = await dry_run(TEXT, shared, context=BEST)
        row = next(r for r in before["models"]["frontier"] if r["id"] == "bard")
        moved = after["models"]["correction"]["bard"]
        assert moved < -0.25
        rows = {r["id"]: r for r in after["models"]["frontier"]}
        assert rows["bard"]["quality"] == pytest.approx(row["quality"] + moved, abs=2e-4)
        # The evidence that follows is on what the profile predicted, not on what feedback made of it.
        turn = evidence_of({**after, "served_by": {"kind": "model", "id": "bard"}})
        assert turn is not None
        assert turn["predicted"] == pytest.approx(row["quality"], abs=2e-4)
        recorded = await dry_run(TEXT, quiet, context=BEST)
        assert recorded["models"]["correction"] is None
    finally:
        shared.close()
        quiet.close()


async def test_a_canary_is_told_and_the_same_decision_draws_the_same(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphs.nodes.models.drawn", lambda *_: {"counter": 1.0, "bard": 0.0})
    shared = services(own, tmp_path, canary_share=1.0)
    try:
        record = await dry_run(TEXT, shared, context=BEST)
        assert record["models"]["canary"]
        assert record["models"]["order"][:2] == ["counter", "bard"]
        assert "counter is tried beside bard" in record["models"]["reason"]
        # Whom a checked turn asks first is not the order's to say.
        record = await dry_run(TEXT, shared, context=replace(BEST, checked=True))
        assert not record["models"]["canary"]
        assert record["models"]["order"][0] == "bard"
    finally:
        shared.close()


async def test_a_canary_off_the_frontier_is_judged_by_what_the_profile_predicted(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answered(record: dict[str, Any]) -> dict[str, Any] | None:
        return evidence_of({**record, "served_by": {"kind": "model", "id": "counter"}})

    quiet = services(own, tmp_path)
    plain = await dry_run(TEXT, quiet, context=BEST)
    quiet.close()
    turn = answered(plain)
    assert turn is not None
    told = [
        Evidence(**turn, decision=f"d{n}", reward=0.9, kind=Kind.THUMB, source=f"u{n}", day=today())
        for n in range(60)
    ]
    FeedbackLog(own).append(told, of=profile_id(own))
    monkeypatch.setattr("graphs.nodes.models.drawn", lambda *_: {"counter": 1.0, "bard": 0.0})
    shared = services(own, tmp_path, canary_share=1.0, prices={"counter": 90.0})
    try:
        record = await dry_run(TEXT, shared, context=BEST)
        assert record["models"]["chosen"] == "counter"
        assert [row["id"] for row in record["models"]["frontier"]] == ["bard"]
        judged = answered(record)
        assert judged is not None
        assert judged["predicted"] == pytest.approx(turn["predicted"], abs=2e-4)
        # Another that is off the frontier was no choice at all.
        assert answered({**record, "models": {**record["models"], "beyond": None}}) is None
    finally:
        shared.close()


def test_draws_depend_on_the_decision_and_the_model_alone() -> None:
    both = {"a": (0.5, 0.2), "b": (0.4, 0.2)}
    assert drawn("d", both)["a"] == drawn("d", {"a": (0.5, 0.2)})["a"]
    assert drawn("d", both) != drawn("e", both)
    share = sum(is_canary(str(n), 0.05) for n in range(4000)) / 4000
    assert share == pytest.approx(0.05, abs=0.015)
    assert not any(is_canary(str(n), 0.0) for n in range(100))


async def test_who_narrows_the_choice_gives_no_evidence(own: Path, tmp_path: Path) -> None:
    shared = services(own, tmp_path)
    try:
        for narrowed in (Context(include=["bard"]), Context(exclude=["counter"])):
            record = await dry_run(TEXT, shared, context=narrowed)
            assert evidence_of({**record, "served_by": {"kind": "model", "id": "bard"}}) is None
    finally:
        shared.close()


async def test_what_is_damaged_corrects_nothing_and_stops_no_turn(
    own: Path, tmp_path: Path
) -> None:
    (own / "feedback").mkdir()
    (own / "feedback" / "state.json").write_text("{}")
    shared = services(own, tmp_path)
    try:
        record = await dry_run(TEXT, shared, context=BEST)
        assert record["models"]["chosen"] == "bard"
        assert record["models"]["correction"] is None
    finally:
        shared.close()


def test_feedback_without_a_profile_is_an_error_of_the_set_up(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="MOMA_FEEDBACK: given 'live' without a profile"):
        Services.from_catalog(
            Catalog(models=(model("m", 1.0),), default_model="m"),
            Options(home=tmp_path, feedback="live"),
        )


def test_feedback_on_the_server_becomes_evidence(own: Path, tmp_path: Path) -> None:
    with FakeProvider(ok("Roses are red.")) as provider:
        house = services(own, tmp_path, base_url=provider.base_url)
        with serving(services=house) as api:
            done = api.chat(TEXT).json()
            for score in ("down", "up"):
                given = {"id": done["id"], "score": score}
                assert api.http().post("/v1/feedback", json=given).status_code == 200
    found = FeedbackLog(own).read(of=profile_id(own)).evidence
    assert [e.reward for e in found] == [0.0, 1.0]
    assert found[0].key == found[1].key
    assert found[0].decision == done["moma"]["decision_id"]
    assert found[0].model in ("counter", "bard")
    assert 0 <= found[0].predicted <= 1


async def test_a_thread_is_rated_before_the_first_turn_after_the_start(
    own: Path, tmp_path: Path
) -> None:
    saver = InMemorySaver()
    with FakeProvider(ok("Roses are red.")) as provider:
        before = services(own, tmp_path, base_url=provider.base_url)
        graph = build_graph(services=before, checkpointer=saver)
        async for _ in run_turn(graph, TEXT, thread="t", context=Context()):
            pass
        before.close()
    after = services(own, tmp_path)
    session = Session(build_graph(services=after, checkpointer=saver), after, "t")
    await session.enter("t")
    assert str(await run_command(session, "/good")).startswith("Kept: ")
    assert after.feedback is not None
    after.close()
    kept = FeedbackLog(own).read(of=profile_id(own)).evidence
    assert [e.reward for e in kept] == [1.0]


def test_a_word_is_evidence_on_the_model_that_answered() -> None:
    turn = {"model": "m", "region": 2, "predicted": 0.5}
    word = word_on(turn, decision="d", reward=0.0, source="ann")
    assert (word.model, word.region, word.kind) == ("m", 2, Kind.THUMB)
    assert word.day == pytest.approx(today(), abs=1)
    assert FeedbackRules().source_cap < FeedbackRules().cap


def test_what_is_weighed_leaves_room_for_what_was_said_and_for_everybody(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphs.feedback._MOST", 4)
    monkeypatch.setattr("graphs.feedback._MOST_OF_ONE", 3)
    word = Evidence(
        decision="d", model="bard", region=0, predicted=0.5, reward=0.0, kind=Kind.THUMB,
        source="ann", day=today(),
    )  # fmt: skip
    said = [word, *(replace(word, source="bob", decision=f"b{n}") for n in range(9))]
    inferred = [replace(word, source="bob", kind=Kind.REASK, decision=f"i{n}") for n in range(9)]
    FeedbackLog(own).append([*said, *inferred], of=profile_id(own))
    house = services(own, tmp_path)
    house.router()
    house.close()
    assert house.feedback is not None
    kept = [(e.source, e.kind.value, e.decision) for e in house.feedback._evidence]
    assert kept == [
        ("ann", "thumb", "d"),
        *(("bob", "thumb", f"b{n}") for n in (6, 7, 8)),
        *(("bob", "reask", f"i{n}") for n in (6, 7, 8)),
    ]


async def test_what_another_process_appends_counts_within_seconds(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphs.feedback._LOOK_S", 0.0)
    shared = services(own, tmp_path)
    try:
        record = await dry_run(TEXT, shared, context=BEST)
        FeedbackLog(own).append(complaints(record, 240), of=profile_id(own))
        assert shared.feedback is not None

        def moved() -> bool:
            found = shared.feedback.corrections() if shared.feedback else None
            return found is not None and bool(found.shift.any())

        wait_until(moved)
        again = await dry_run(TEXT, shared, context=BEST)
        assert again["models"]["correction"]["bard"] < -0.25
        FeedbackLog(own).reject([f"u{n}" for n in range(60)])
        wait_until(lambda: not moved())
    finally:
        shared.close()
