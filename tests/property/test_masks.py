"""Masks for any card, caller and moment: what is allowed is allowed by each rule, and more limits allow no more."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents.card import AgentCard
from agents.registry import Agent
from graphs.machine import Phase
from graphs.mask_classes import LISTED, MaskClasses
from graphs.masks import Caller, Moment, Permit, agent_refusal, mask_agents

NAMES = ["a", "b", "c", "d"]
SETS = st.frozensets(st.sampled_from(NAMES), max_size=3)
PHASES = st.sampled_from([phase.value for phase in Phase])
MONEY = st.none() | st.sampled_from([0.0, 0.5, float("nan")])
CARDS = st.fixed_dictionaries(
    {
        name: st.builds(
            AgentCard,
            id=st.just(name),
            description=st.just(""),
            grants=SETS,
            phases=st.none() | st.frozensets(PHASES),
            budget_usd=st.none() | st.sampled_from([0.0, 1.0]),
            enabled=st.booleans(),
        )
        for name in NAMES
    }
)
CALLERS = st.builds(Caller, grants=SETS, include=SETS, exclude=SETS, budget_usd=MONEY)
MOMENTS = st.builds(
    Moment,
    phase=PHASES,
    holder=st.none() | st.sampled_from(NAMES),
    handed_by=st.none() | st.sampled_from(NAMES),
    tried=SETS,
    broken=SETS,
)


PERMITS = st.none() | st.builds(
    Permit,
    rule=st.just("r"),
    agents=st.none() | SETS,
    shut=st.dictionaries(st.sampled_from(NAMES), st.just("shut"), max_size=2),
    fault=st.sampled_from(["", "", "", "broken"]),
)


@given(CARDS, CALLERS, PERMITS, MOMENTS, SETS, st.none() | SETS)
def test_many_agents_are_masked_as_few_are(
    cards: dict[str, AgentCard],
    caller: Caller,
    permit: Permit | None,
    moment: Moment,
    runnable: frozenset[str],
    onward: frozenset[str] | None,
) -> None:
    caller = replace(caller, permit=permit)
    graph: Any = object()
    agents = {n: Agent(c, graph if n in runnable else None) for n, c in cards.items()}
    for n in range(LISTED):
        agents[f"x{n}"] = replace(agents[NAMES[n % len(NAMES)]])
    expected, every = mask_agents(
        {n: a.card for n, a in agents.items()},
        caller=caller,
        moment=moment,
        runnable={n for n, a in agents.items() if a.graph},
        allowed_hand_overs=onward,
    )
    classes = MaskClasses(agents)
    for _ in range(2):
        allowed, refused = classes.mask(caller=caller, moment=moment, allowed_hand_overs=onward)
        assert allowed == set(expected)
        assert set(refused) <= set(every)
        assert len(refused) == min(LISTED, len(every))


@given(CARDS, CALLERS, MOMENTS, SETS, st.none() | SETS)
def test_what_is_allowed_breaks_no_rule(
    cards: dict[str, AgentCard],
    caller: Caller,
    moment: Moment,
    runnable: frozenset[str],
    onward: frozenset[str] | None,
) -> None:
    allowed, refused = mask_agents(
        cards, caller=caller, moment=moment, runnable=runnable, allowed_hand_overs=onward
    )
    assert sorted([*allowed, *(r.candidate for r in refused)]) == NAMES
    assert all(r.reason.isprintable() and r.reason for r in refused)
    for name in allowed:
        card = cards[name]
        assert card.enabled
        assert name in runnable
        assert card.grants <= caller.grants
        assert name not in caller.exclude | moment.tried | moment.broken
        assert not caller.include or name in caller.include
        assert not moment.handed_by or onward is None or name in onward
        assert card.phases is None or name == moment.holder or moment.phase in card.phases


@given(CARDS, CALLERS, MOMENTS, SETS, SETS)
def test_a_stricter_caller_gets_no_more_agents(
    cards: dict[str, AgentCard],
    caller: Caller,
    moment: Moment,
    grants: frozenset[str],
    exclude: frozenset[str],
) -> None:
    stricter = replace(
        caller, grants=caller.grants & grants, exclude=caller.exclude | exclude, budget_usd=0.0
    )
    open_to, _ = mask_agents(cards, caller=caller, moment=moment, runnable=NAMES)
    left, _ = mask_agents(cards, caller=stricter, moment=moment, runnable=NAMES)
    assert set(left) <= set(open_to)


@given(CARDS, CALLERS, MOMENTS, st.sampled_from(NAMES))
def test_the_door_says_what_the_mask_said(
    cards: dict[str, AgentCard], caller: Caller, moment: Moment, name: str
) -> None:
    allowed, refused = mask_agents(cards, caller=caller, moment=moment, runnable=NAMES)
    at_door = agent_refusal(cards[name], name, caller=caller, moment=moment, runnable=True)
    assert (at_door is None) == (name in allowed)
    assert at_door is None or at_door in refused
