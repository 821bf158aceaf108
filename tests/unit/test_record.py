"""The decision record: JSON-plain at each step, never changed in place, and explained in a few words."""

import json
from datetime import datetime
from typing import Any

import pytest

from graphs import record as records
from graphs.machine import Event, Phase
from graphs.masks import Refusal
from graphs.routing.choice import Option, Ranked
from tests.support.plain import assert_plain

REFUSAL = Refusal("tasks", "disabled", "it is switched off")
CALL = {"model": "m", "ok": True, "cost_usd": 0.25}


def begun() -> records.Record:
    return records.begin(
        thread="t", turn=3, phase=Phase.IDLE, event=Event.NEW_REQUEST, versions={"catalog": "x"}
    )


def routed(record: records.Record, event: Event = Event.START, agent: str | None = "calc") -> Any:
    return records.with_agents(
        record,
        decision=event,
        agent=agent,
        reason="calc fits best" if agent else "no agent fits",
        considered=[("calc", 0.123456)],
        masked=[REFUSAL],
        p_fit=0.98765,
    )


def chosen(record: records.Record) -> records.Record:
    ranked = [Ranked(Option(id=i, quality=0.5, cost_usd=0.1), 0.4) for i in ("m", "n")]
    return records.with_models(
        record,
        order=["m", "n"],
        frontier=ranked,
        masked=[Refusal("o", "key", "K is not set")],
        preference="auto",
        reason="m is closest",
        kind="writing",
        nearness=0.5,
    )


def test_a_record_is_plain_at_each_step() -> None:
    record = begun()
    steps = [
        record,
        record := routed(record),
        record := records.with_run(
            record, agent="calc", event=Event.DECLINED, reason="r", ms=1.234, calls=[CALL]
        ),
        record := chosen(record),
        record := records.with_time(record, "route", 1.5),
        records.finish(record, phase=Phase.IDLE, always_best={"id": "m", "cost_usd": 0.2}),
    ]
    for step in steps:
        assert_plain(step)
        json.dumps(step, allow_nan=False)
        assert set(step) == set(steps[0])


def test_a_record_that_was_given_is_not_changed() -> None:
    record = begun()
    before = json.dumps(record)
    routed(record)
    chosen(record)
    records.with_run(record, agent="a", event="done", reason="", ms=1.0, calls=[CALL])
    records.with_time(record, "route", 1.0)
    records.finish(record, phase=Phase.IDLE, always_best=None)
    assert json.dumps(record) == before


def test_it_says_who_was_considered_and_who_might_not() -> None:
    agents = routed(begun())["agents"]
    assert agents["considered"] == [{"id": "calc", "score": 0.1235}]
    assert agents["masked"] == [REFUSAL.plain()]
    assert (agents["decision"], agents["agent"], agents["p_fit"]) == ("start", "calc", 0.9877)
    assert "earlier" not in agents


def test_decisions_of_the_same_turn_are_kept_in_order() -> None:
    record = routed(routed(routed(begun()), Event.SWITCH, "data"), Event.NONE, None)
    assert [(e["decision"], e["agent"]) for e in record["agents"]["earlier"]] == [
        ("start", "calc"),
        ("switch", "data"),
    ]
    assert record["agents"]["decision"] == "none"


def test_the_choice_of_a_model_has_its_frontier_and_fallbacks() -> None:
    models = chosen(begun())["models"]
    assert (models["chosen"], models["fallback"]) == ("m", ["n"])
    assert [row["id"] for row in models["frontier"]] == ["m", "n"]
    assert models["quality_is"] == "assumed"
    assert models["masked"][0]["reason"] == "K is not set"


def test_no_model_is_no_choice() -> None:
    models = records.with_models(
        begun(), order=[], frontier=[], masked=[], preference=0.5, reason="no model may answer"
    )["models"]
    assert (models["chosen"], models["fallback"], models["preference"]) == (None, [], 0.5)


def test_a_price_that_is_not_known_is_never_taken_for_zero() -> None:
    record = records.with_calls(begun(), [CALL, {**CALL, "cost_usd": None}])
    assert record["cost_usd"] is None
    assert records.with_calls(begun(), [])["cost_usd"] == 0


def test_costs_and_times_add_up_over_the_turn() -> None:
    record = records.with_calls(begun(), [CALL, {**CALL, "cost_usd": 0.5}])
    record = records.with_run(
        record, agent="a", event="done", reason="", ms=1.0, calls=[{**CALL, "cost_usd": 0.125}]
    )
    assert len(record["calls"]) == 3
    assert record["cost_usd"] == pytest.approx(0.875)
    timed = records.with_time(records.with_time(record, "route", 1.25), "route", 2.0)
    assert timed["timings_ms"] == {"route": 3.25}


def test_a_finished_record_has_the_time_of_the_whole_turn() -> None:
    record = records.finish(begun(), phase=Phase.ENGAGED, always_best=None)
    assert record["phase_to"] == "engaged"
    assert 0 <= record["timings_ms"]["total"] < 10_000
    assert datetime.fromisoformat(record["ts"]).tzinfo is not None


def test_two_records_have_two_ids() -> None:
    assert begun()["id"] != begun()["id"]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], "new_request"),
        ([routed], "calc fits best"),
        (
            [
                routed,
                lambda r: records.with_run(
                    r, agent="calc", event="declined", reason="no sum", ms=1.0, calls=[]
                ),
                lambda r: routed(r, Event.NONE, None),
                chosen,
                lambda r: {**r, "served_by": {"kind": "model", "id": "m"}},
            ],
            "calc: no sum; no agent fits; m is closest",
        ),
    ],
)
def test_it_is_explained_in_a_few_words(steps: list[Any], said: str) -> None:
    record = begun()
    for step in steps:
        record = step(record)
    assert records.explain(record) == said
