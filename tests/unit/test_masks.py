"""Each mask by itself: its code, a reason that a person can read, and which of several is named."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, get_args

import pytest

from agents.card import AgentCard
from graphs.masks import (
    Caller,
    Code,
    ModelFacts,
    Moment,
    Need,
    Permit,
    agent_refusal,
    mask_agents,
    model_refusal,
)

CARD = AgentCard(id="calc", description="Calculates.")
MODEL = ModelFacts(
    id="m",
    context_tokens=1000,
    modalities=frozenset({"text"}),
    residency=frozenset({"eu"}),
    cheapest_call_usd=0.01,
)
NAN = float("nan")


def refusal_of(
    card: AgentCard | None = CARD,
    *,
    caller: Caller | None = None,
    runnable: bool = True,
    onward: Collection[str] | None = None,
    **moment: Any,
) -> tuple[str, str] | None:
    refusal = agent_refusal(
        card,
        "calc",
        caller=caller or Caller(),
        moment=Moment(**{"phase": "idle", **moment}),
        runnable=runnable,
        allowed_hand_overs=onward,
    )
    return (refusal.code, refusal.reason) if refusal else None


AGENT_REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"card": None}, "no such agent is registered"),
    "disabled": ({"card": replace(CARD, enabled=False)}, "it is switched off"),
    "no_graph": ({"runnable": False}, "it has a card but no graph that can run here"),
    "grants": (
        {
            "card": replace(CARD, grants=frozenset({"b", "a", "c"})),
            "caller": Caller(grants=frozenset({"c", "d"})),
        },
        "the caller lacks the grant a, b",
    ),
    "excluded": ({"caller": Caller(exclude=frozenset({"calc"}))}, "the caller excluded it"),
    "not_included": (
        {"caller": Caller(include=frozenset({"other"}))},
        "the caller asked for others only",
    ),
    "tried": ({"tried": frozenset({"calc"})}, "it gave this turn back"),
    "health": (
        {"broken": frozenset({"calc"})},
        "it failed too often of late; its breaker is open",
    ),
    "hand_over": (
        {"handed_by": "tasks", "onward": ["data"]},
        "tasks may not hand over to it",
    ),
    "phase": (
        {"card": replace(CARD, phases=frozenset({"engaged"}))},
        "it does not start in the phase idle",
    ),
    "budget": (
        {"card": replace(CARD, budget_usd=0.1), "caller": Caller(budget_usd=0.0)},
        "it may spend money and none is left",
    ),
    "policy": (
        {"caller": Caller(permit=Permit(rule="here", agents=frozenset({"tasks", "data"})))},
        "the policy's rule here lets only data, tasks serve",
    ),
    "tools": ({"caller": Caller(own_tools=True)}, "the request brings its own tools"),
    "form": (
        {"caller": Caller(form=True)},
        "the request wants its answer in JSON, and agents answer in words",
    ),
    "modality": (
        {"modalities": frozenset({"text", "image"})},
        "agents read text alone, and the message has image",
    ),
}


@pytest.mark.parametrize("code", AGENT_REFUSALS)
def test_an_agent_is_refused_for_one_reason(code: str) -> None:
    given, reason = AGENT_REFUSALS[code]
    assert refusal_of(**given) == (code, reason)


@pytest.mark.parametrize(
    ("permit", "told"),
    [
        (Permit(rule="r", agents=frozenset()), "the policy's rule r lets none serve"),
        (Permit(rule="r", shut={"calc": "it is closed"}), "it is closed"),
        (Permit(rule=None, fault="it broke"), "the policy could not be asked: it broke"),
        (Permit(rule="r", models=frozenset(), doubt="x"), None),
        (
            Permit(rule="r", agents=frozenset(), doubt="pii:p: it failed"),
            "the policy's rule r lets none serve, and pii:p: it failed",
        ),
    ],
)
def test_what_the_policy_has_against_an_agent(permit: Permit, told: str | None) -> None:
    assert permit.refuses("calc", agent=True) == told


AGENT_ALLOWED: dict[str, dict[str, Any]] = {
    "plain": {},
    "granted": {
        "card": replace(CARD, grants=frozenset({"a"})),
        "caller": Caller(grants=frozenset({"a", "b"})),
    },
    "included": {"caller": Caller(include=frozenset({"calc"}))},
    "handed to by one that may": {"handed_by": "tasks", "onward": ["calc"]},
    "handed to by one that may hand to any": {"handed_by": "tasks"},
    "nobody handed over": {"onward": ["data"]},
    "in its phase": {"card": replace(CARD, phases=frozenset({"idle"}))},
    "holder in a phase where it does not start": {
        "card": replace(CARD, phases=frozenset({"engaged"})),
        "holder": "calc",
    },
    "money left": {"card": replace(CARD, budget_usd=0.1), "caller": Caller(budget_usd=0.01)},
    "spends nothing": {"card": replace(CARD, budget_usd=0.0), "caller": Caller(budget_usd=0.0)},
    "no limit": {"card": replace(CARD, budget_usd=0.1)},
}


@pytest.mark.parametrize("given", AGENT_ALLOWED.values(), ids=AGENT_ALLOWED)
def test_an_agent_that_no_mask_refuses_may_serve(given: dict[str, Any]) -> None:
    assert refusal_of(**given) is None


def test_a_grant_is_needed_whoever_holds_the_floor() -> None:
    secret = replace(CARD, grants=frozenset({"a"}))
    assert refusal_of(secret, holder="calc") == ("grants", "the caller lacks the grant a")


def test_no_money_is_what_is_not_a_number() -> None:
    spender = replace(CARD, budget_usd=0.1)
    refused = refusal_of(spender, caller=Caller(budget_usd=NAN))
    assert refused == ("budget", "it may spend money and none is left")


def test_of_several_refusals_what_the_operator_set_comes_first() -> None:
    everything: dict[str, Any] = {
        "caller": Caller(exclude=frozenset({"calc"}), include=frozenset({"x"}), budget_usd=0.0),
        "tried": frozenset({"calc"}),
        "broken": frozenset({"calc"}),
        "handed_by": "tasks",
        "onward": [],
    }
    card = replace(CARD, grants=frozenset({"a"}), phases=frozenset(), budget_usd=1.0)
    off = replace(card, enabled=False)
    assert refusal_of(None, runnable=False, **everything) == (
        "unknown",
        AGENT_REFUSALS["unknown"][1],
    )
    assert refusal_of(off, runnable=False, **everything) == ("disabled", "it is switched off")
    assert refusal_of(card, **everything) == ("grants", "the caller lacks the grant a")


def test_agents_keep_their_order_and_each_is_allowed_or_refused() -> None:
    cards = {i: replace(CARD, id=i) for i in ("z", "b", "a", "k")}
    cards["b"] = replace(cards["b"], enabled=False)
    allowed, refused = mask_agents(
        cards, caller=Caller(), moment=Moment(phase="idle"), runnable={"z", "a", "b"}
    )
    assert allowed == ["z", "a"]
    assert [r.plain() for r in refused] == [
        {"candidate": "b", "code": "disabled", "reason": "it is switched off"},
        {"candidate": "k", "code": "no_graph", "reason": AGENT_REFUSALS["no_graph"][1]},
    ]


MODEL_REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "key": ({"missing_key": "OPENAI_API_KEY"}, {}, "OPENAI_API_KEY is not set"),
    "file": ({"missing_file": "no file at m.gguf"}, {}, "no file at m.gguf"),
    "health": ({"breaker_open": True}, {}, "it failed too often of late; its breaker is open"),
    "modality": (
        {},
        {"modalities": frozenset({"text", "image", "audio"})},
        "it does not take audio, image",
    ),
    "residency": (
        {},
        {"residency": frozenset({"us", "local"})},
        "it does not run in local or us",
    ),
    "window": ({}, {"tokens": 1001}, "1,001 tokens do not fit its window of 1,000"),
    "price": (
        {"cheapest_call_usd": None},
        {"budget_usd": 1.0},
        "its price is not known, and a budget is set",
    ),
    "budget": (
        {},
        {"budget_usd": 0.001},
        "a call costs at least 0.010000 USD of 0.001000 left",
    ),
    "tools": ({}, {"tools": True}, "it calls no tools"),
}


def test_a_model_that_asked_for_a_pause_is_not_said_to_have_failed_too_often() -> None:
    held = replace(MODEL, breaker_open=True, held_s=11.2)
    refusal = model_refusal(held, caller=Caller(), need=Need(tokens=10))
    assert refusal is not None
    assert (refusal.code, refusal.reason) == ("health", "it asked for a pause, which ends in 12 s")


@pytest.mark.parametrize("code", MODEL_REFUSALS)
def test_a_model_is_refused_for_one_reason(code: str) -> None:
    facts, need, reason = MODEL_REFUSALS[code]
    refusal = model_refusal(
        replace(MODEL, **facts), caller=Caller(), need=Need(**{"tokens": 10, **need})
    )
    assert refusal is not None
    assert refusal.plain() == {"candidate": "m", "code": code, "reason": reason}


@pytest.mark.parametrize(
    ("caller", "code"),
    [
        (Caller(exclude=frozenset({"m"})), "excluded"),
        (Caller(include=frozenset({"n"})), "not_included"),
        (Caller(permit=Permit(rule="r", models=frozenset())), "policy"),
        (Caller(permit=Permit(rule=None, fault="it broke")), "policy"),
    ],
)
def test_a_caller_may_leave_models_out(caller: Caller, code: str) -> None:
    refusal = model_refusal(MODEL, caller=caller, need=Need(tokens=10))
    assert refusal is not None
    assert refusal.code == code


@pytest.mark.parametrize(
    ("facts", "need"),
    [
        ({}, {}),
        ({}, {"tokens": 1000}),
        ({}, {"residency": frozenset({"eu", "us"})}),
        ({}, {"budget_usd": 0.01}),
        ({"cheapest_call_usd": None}, {}),
        ({"cheapest_call_usd": 0.0}, {"budget_usd": 0.0}),
    ],
)
def test_a_model_that_no_mask_refuses_may_answer(
    facts: dict[str, Any], need: dict[str, Any]
) -> None:
    model = replace(MODEL, **facts)
    assert model_refusal(model, caller=Caller(), need=Need(**{"tokens": 10, **need})) is None


def test_a_budget_that_is_not_a_number_buys_nothing() -> None:
    refusal = model_refusal(MODEL, caller=Caller(), need=Need(tokens=1, budget_usd=NAN))
    assert refusal is not None
    assert refusal.code == "budget"


def test_every_code_is_tested_here() -> None:
    assert set(get_args(Code)) == {*AGENT_REFUSALS, *MODEL_REFUSALS}
