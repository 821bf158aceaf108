"""From probabilities and costs to a decision: what is expected to cost least is done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import CatalogError
from agents.source import Source
from graphs.catalog import Catalog
from graphs.machine import Event
from graphs.routing.decision import Costs, Odds, decide


def odds(none: float, **agents: float) -> Odds:
    return Odds(agents=tuple(sorted(agents.items(), key=lambda i: (-i[1], i[0]))), none=none)


@pytest.mark.parametrize(
    ("given", "holder", "may_ask", "event", "agent"),
    [
        (odds(1.0), None, True, Event.NONE, None),
        (odds(0.1, a=0.9), None, True, Event.START, "a"),
        (odds(0.9, a=0.1), None, True, Event.NONE, None),
        (odds(0.1, a=0.8, b=0.1), "b", True, Event.SWITCH, "a"),
        (odds(0.1, a=0.1, b=0.8), "b", True, Event.STAY, "b"),
        (odds(0.9, a=0.05, b=0.05), "b", True, Event.NONE, None),
        (odds(0.0, a=0.5, b=0.5), None, True, Event.CLARIFY, "a"),
        (odds(0.0, a=0.5, b=0.5), None, False, Event.START, "a"),
        (odds(0.0, a=0.5, b=0.5), "b", False, Event.STAY, "b"),
        (odds(0.1, a=0.9), "gone", True, Event.SWITCH, "a"),
    ],
)
def test_the_likeliest_takes_the_turn_and_two_alike_are_asked_about(
    given: Odds, holder: str | None, may_ask: bool, event: Event, agent: str | None
) -> None:
    decision = decide(given, holder=holder, may_ask=may_ask)
    assert (decision.event, decision.agent) == (event, agent)
    assert decision.reason


@pytest.mark.parametrize(
    ("cost", "given", "holder", "events"),
    [
        ("wrong_switch", odds(0.0, a=0.6, b=0.4), "b", (Event.SWITCH, Event.STAY)),
        ("missed_switch", odds(0.0, a=0.4, b=0.6), "b", (Event.STAY, Event.SWITCH)),
        ("intrusion", odds(0.4, a=0.6), None, (Event.START, Event.NONE)),
        ("missed_agent", odds(0.7, a=0.3), None, (Event.NONE, Event.START)),
        ("wrong_agent", odds(0.0, a=0.8, b=0.2), None, (Event.START, Event.CLARIFY)),
    ],
)
def test_a_dearer_mistake_is_made_less(
    cost: str, given: Odds, holder: str | None, events: tuple[Event, Event]
) -> None:
    usual = {"question": 0.5 if cost == "wrong_agent" else 50.0}
    found = tuple(
        decide(given, holder=holder, costs=Costs(**{**usual, cost: amount})).event
        for amount in (1.0, 9.0)
    )
    assert found == events


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=6),
    st.none() | st.sampled_from("abcdez"),
    st.booleans(),
    st.tuples(*[st.floats(0, 5)] * 6),
)
def test_any_decision_names_a_candidate_or_none(
    shares: list[float], holder: str | None, may_ask: bool, amounts: tuple[float, ...]
) -> None:
    total = sum(shares) or 1.0
    none, *rest = (s / total for s in shares)
    given_odds = odds(none, **dict(zip("abcde", rest, strict=False)))
    costs = Costs(
        wrong_switch=amounts[0], missed_switch=amounts[1], wrong_agent=amounts[2],
        intrusion=amounts[3], missed_agent=amounts[4], question=amounts[5],
    )  # fmt: skip
    decision = decide(given_odds, holder=holder, costs=costs, may_ask=may_ask)
    assert decision.agent in {i for i, _ in given_odds.agents} | {None}
    assert (decision.agent is None) == (decision.event == Event.NONE)
    assert (decision.event == Event.CLARIFY) == (len(decision.others) == 2)
    assert may_ask or decision.event != Event.CLARIFY
    assert (decision.event == Event.STAY) == (
        decision.agent == holder is not None and decision.event != Event.CLARIFY
    )
    assert decision == decide(given_odds, holder=holder, costs=costs, may_ask=may_ask)


@pytest.mark.parametrize(
    "given", [{"wrong": 1}, {"question": -1}, {"question": "dear"}, {"question": True}]
)
def test_a_cost_that_is_none_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(CatalogError, match="cost"):
        Costs.from_mapping(given)


def test_a_catalogue_sets_the_costs_and_is_told_where_one_is_wrong() -> None:
    text = "agents: []\ncosts: {question: 0.5, intrusion: 2}\n"
    costs = Catalog.from_source(Source.from_text(text, path="c.yaml")).costs
    assert (costs.question, costs.intrusion, costs.wrong_switch) == (0.5, 2.0, 1.0)
    wrong = Source.from_text("agents: []\ncosts: {questoin: 0.5}\n", path="c.yaml")
    with pytest.raises(CatalogError, match=r"c\.yaml:2: costs: .*'questoin' is none of"):
        Catalog.from_source(wrong)
