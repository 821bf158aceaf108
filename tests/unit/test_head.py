"""What is fitted on the cards' own examples when they are loaded."""

import numpy as np
import pytest

from agents.card import AgentCard, Skill
from graphs.routing.card_texts import card_texts
from graphs.routing.head import FEWEST_EXAMPLES, ExampleHead, fit_head
from graphs.routing.known import known_agent
from graphs.routing.naive_bayes import count_words
from tests.support.agents import FakeEncoder

encode = FakeEncoder().encode
TOPICS = ("hotel", "taxi", "film", "bank")


def examples_of(topic: str, count: int = FEWEST_EXAMPLES // len(TOPICS)) -> tuple[str, ...]:
    return tuple(f"{topic} number {n} please" for n in range(count))


def head(examples: int) -> ExampleHead | None:
    known, texts = [], []
    for topic in TOPICS:
        said = examples_of(topic, examples)
        card = AgentCard(id=topic, description=topic, skills=(Skill(id="s", examples=said),))
        read = card_texts(card)
        known.append(known_agent(card.id, read, encode(read.all())))
        texts.append(read.examples)
    return fit_head(known, texts)


def test_examples_tell_their_agent_and_shares_sum_to_one() -> None:
    fitted = head(FEWEST_EXAMPLES // len(TOPICS))
    assert fitted is not None
    for topic in TOPICS:
        text = f"a {topic} number please"
        shares = fitted.probabilities(encode([text])[0], text)
        assert max(shares, key=lambda i: shares[i]) == topic
        assert sum(shares.values()) == pytest.approx(1)


def test_cosines_that_are_known_already_change_nothing() -> None:
    fitted = head(FEWEST_EXAMPLES // len(TOPICS))
    assert fitted is not None
    text = "a taxi number please"
    vector = encode([text])[0]
    cosines = np.concatenate([encode(said) for said in map(examples_of, fitted.ids)]) @ vector
    shared = fitted.probabilities(vector, text, cosines=cosines)
    assert fitted.probabilities(vector, text) is shared, (
        "what was asked last is not worked out anew"
    )
    assert fitted.probabilities(vector, f"{text}!") == pytest.approx(shared, abs=1e-3)


def test_few_examples_fit_nothing() -> None:
    assert head(2) is None
    assert head(FEWEST_EXAMPLES // len(TOPICS) - 1) is None


def test_words_speak_for_the_agent_whose_examples_have_them() -> None:
    counted = count_words([["red car", "fast car"], ["red house"], []])
    shares = np.exp(counted.shares("the house"))
    assert shares.argmax() == 1
    assert shares.sum() == pytest.approx(1)
    assert np.isfinite(counted.shares("")).all()
