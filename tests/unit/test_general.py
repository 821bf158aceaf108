"""A general request in mid-dialogue: its text alone speaks against the holder, and only where it reads like one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.card import AgentCard, Skill
from graphs.machine import Event
from graphs.routing.agents import AgentIndex
from graphs.routing.chooser import Chooser
from graphs.routing.dialogue import Dialogue
from graphs.routing.encoder import CachedEncoder, make_encoder
from graphs.routing.evidence import FEATURES
from graphs.routing.fitted import Fitted
from graphs.routing.general import GeneralRequests

ENCODER = CachedEncoder(make_encoder())
FITTED = Fitted.load()
CARDS = [
    AgentCard(
        id=name,
        description=description,
        inputs=inputs,
        skills=(Skill(id="s", name=skill, description=skill),),
    )
    for name, description, inputs, skill in (
        ("flights", "Books flights", "airport; day; airline", "Find and book a flight"),
        ("hotels", "Finds places to stay", "city; nights; stars", "Reserve a room in a hotel"),
        ("alarms", "Manages alarms", "time; name", "Set an alarm or list those there are"),
    )
]
ASKED = Dialogue().after(
    "I need a flight to Boston", agent="flights", said="On which day do you want to fly?"
)


@pytest.fixture(scope="module")
def chooser() -> Chooser:
    space = FITTED.space_for(ENCODER.name)
    index = AgentIndex.from_cards(CARDS, ENCODER.encode, dim=ENCODER.dim, space=space)
    return Chooser(index, ENCODER.encode, FITTED)


@pytest.mark.parametrize(
    "text",
    [
        "Tell me a joke",
        "Write an email to my boss about the project.",
        "Explain to me what an idiom is, with two examples",
        "Write a script in JavaScript that prints the current time.",
    ],
)
def test_a_general_request_in_mid_dialogue_is_nobodys(chooser: Chooser, text: str) -> None:
    assert chooser.choose(text, ASKED).decision.event == Event.NONE


@pytest.mark.parametrize(
    "text", ["On the 8th of March.", "Is there a later one?", "How much does it cost?", "Yes, please."]
)  # fmt: skip
def test_a_turn_with_the_holder_stays_with_it(chooser: Chooser, text: str) -> None:
    decision = chooser.choose(text, ASKED).decision
    assert (decision.event, decision.agent) == (Event.STAY, "flights")


vectors = st.lists(st.floats(-1, 1), min_size=4, max_size=4)


@given(weights=st.lists(st.floats(-9, 9), min_size=5, max_size=5), vector=vectors, worth=vectors)
def test_a_text_never_speaks_against_none(
    weights: list[float], vector: list[float], worth: list[float]
) -> None:
    general = GeneralRequests(
        weights=np.array(weights, np.float32), worth=np.array(worth[:2], np.float32)
    )
    added = general.for_none(np.array(vector, np.float32), worth[2])
    assert added >= 0
    if general.log_odds(np.array(vector, np.float32)) <= 0:
        assert added == 0


def test_the_shipped_numbers_tell_requests_from_turns() -> None:
    def odds(text: str) -> float:
        return FITTED.general.log_odds(ENCODER.encode([text])[0])

    assert odds("Write a poem about the sea") > 0 > odds("I would like to leave on Friday")


@given(said=st.floats(0, 30), seed=st.integers(0, 99))
def test_a_text_alone_makes_none_likelier_and_never_surer_than_nine_in_ten(
    said: float, seed: int
) -> None:
    rows = np.random.default_rng(seed).normal(0, 1, (4, len(FEATURES))).astype(np.float32)
    before = FITTED.probabilities(rows)
    after = FITTED.probabilities(rows, for_none=said)
    assert after.sum() == pytest.approx(1)
    assert before[-1] - 1e-9 <= after[-1] <= max(before[-1], 0.9 + 1e-3)
    assert after[:-1] / after[:-1].sum() == pytest.approx(before[:-1] / before[:-1].sum())
