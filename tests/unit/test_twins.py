"""Two agents alike: what only one of their cards names moves odds between the two, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.routing.card_texts import CardTexts
from graphs.routing.decision import Odds
from graphs.routing.known import Known, known_agent
from graphs.routing.twins import settled
from graphs.routing.words import stems

WORDS = {word: 3.0 for word in stems("smoke wifi pool breakfast rooms")}


def agent(agent_id: str, purpose: str, *, direction: int = 0) -> Known:
    texts = CardTexts(name=agent_id, category=(), purposes=(purpose,), inputs=(), examples=())
    return known_agent(agent_id, texts, np.eye(4, dtype=np.float32)[direction, None])


INN = agent("inn", "books rooms with wifi")
LODGE = agent("lodge", "books rooms where you may smoke, breakfast too")
TAXI = agent("taxi", "books a ride where you may smoke", direction=1)
ODDS = Odds(agents=(("inn", 0.7), ("lodge", 0.2), ("taxi", 0.05)), none=0.05)


def after(text: str, odds: Odds = ODDS) -> dict[str, float]:
    said = {word: weight for word, weight in WORDS.items() if word in stems(text)}
    found = settled(odds, INN, {"lodge": LODGE, "taxi": TAXI}, said)
    assert found.none == odds.none
    return dict(found.agents)


def test_what_only_a_twin_names_takes_the_floor_from_the_holder() -> None:
    odds = after("Do they serve breakfast and may I smoke there?")
    assert odds["lodge"] > odds["inn"]
    assert odds["taxi"] == 0.05


@pytest.mark.parametrize(
    "text", ["", "How many rooms?", "Is there wifi?", "May I smoke by the wifi?", "And a pool?"]
)
def test_what_does_not_speak_for_the_twin_alone_changes_nothing(text: str) -> None:
    assert after(text) == dict(ODDS.agents)


def test_an_agent_of_another_kind_is_no_twin() -> None:
    without = Odds(agents=(("inn", 0.9), ("taxi", 0.05)), none=0.05)
    said = {word: 3.0 for word in stems("smoke")}
    assert settled(without, INN, {"taxi": TAXI}, said) == without


@given(
    st.lists(st.floats(0, 1), min_size=4, max_size=4).filter(any),
    st.sets(st.sampled_from(sorted(WORDS))),
)
def test_odds_stay_odds(parts: list[float], said: set[str]) -> None:
    inn, lodge, taxi, none = (part / sum(parts) for part in parts)
    odds = Odds(agents=(("inn", inn), ("lodge", lodge), ("taxi", taxi)), none=none)
    found = settled(odds, INN, {"lodge": LODGE, "taxi": TAXI}, {word: 3.0 for word in said})
    shares = dict(found.agents)
    assert shares["taxi"] == taxi
    assert found.none == none
    assert all(0 <= share <= 1 for share in shares.values())
    assert shares["inn"] + shares["lodge"] == pytest.approx(inn + lodge)
    assert shares["lodge"] >= lodge - 1e-3
