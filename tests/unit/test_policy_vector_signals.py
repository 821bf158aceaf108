"""Signals that read the text's vector, with the real encoder: nearness, domains, complexity, repeated questions."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from agents.errors import ModelFileError
from graphs.policy.policy import Policy, Rule
from graphs.policy.request import Request
from graphs.policy.signals.domain_head import DOMAINS, FILE, SHA256, DomainHead
from graphs.policy.signals.reader import Reader
from graphs.policy.syntax import Reference
from graphs.routing.encoders.rows import Vectors
from tests.support.signals import encoder, policy_of, read, read_all, signal

DEBUG = ["Why does my program crash?", "Debug this stack trace"]
TRACE = "my program crashes with this stack trace"


def test_an_embedding_signal_fires_near_its_examples() -> None:
    near = signal("embedding", candidates=DEBUG, threshold=0.6)
    reading = read(near, TRACE, encoded=True)
    assert reading.fires
    assert reading.threshold == 0.6
    assert reading.score >= 0.6
    assert reading.detail.removeprefix("near: ") in DEBUG
    assert not read(near, "book a table for two", encoded=True).fires


def test_the_mean_of_the_examples_is_at_most_the_nearest() -> None:
    far = [*DEBUG, "A recipe for apple pie"]
    scores = {
        how: read(
            signal("embedding", candidates=far, aggregation_method=how), TRACE, encoded=True
        ).score
        for how in ("max", "any", "mean")
    }
    assert scores["mean"] < scores["max"] == scores["any"]


def test_the_end_of_a_long_text_is_read_too() -> None:
    near = signal("embedding", candidates=DEBUG, threshold=0.5)
    assert read(near, "lorem ipsum " * 500 + TRACE * 20, encoded=True).fires


def test_without_an_encoder_there_is_a_fault() -> None:
    for given in (
        signal("embedding", candidates=DEBUG),
        signal("complexity"),
        signal("domain", "law"),
    ):
        readings = read_all(given, text="hi")
        assert all("needs an encoder" in reading.fault for reading in readings.values())


def test_a_preference_is_near_its_examples_or_its_description() -> None:
    assert read(signal("preference", examples=DEBUG), TRACE, encoded=True).fires
    assert read(
        signal("preference", description="debugging a crashing program"), TRACE, encoded=True
    ).fires
    assert "needs a classifier" in read(signal("preference"), TRACE, encoded=True).fault


@pytest.mark.parametrize(
    ("previous", "lookback", "fires"),
    [
        ((), 1, False),
        (("How do I reset my password?",), 1, True),
        (("How can I reset the password?", "what about the weather"), 1, False),
        (("what about the weather", "How do I reset my password?"), 1, True),
        (("what about the weather", "How do I reset my password?"), 2, False),
        (("how to reset my password", "How do I reset my password?"), 2, True),
    ],
)
def test_a_question_that_comes_again(previous: tuple[str, ...], lookback: int, fires: bool) -> None:
    given = signal("reask", lookback_turns=lookback)
    assert read(given, "how do I reset my password", previous=previous, encoded=True).fires is fires


# Domains


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("write a python function that sorts a list", "computer science"),
        ("what are my rights if my employer fires me without notice", "law"),
        ("how should I price my new product", "business"),
        ("solve x squared minus 3x plus 2 equals zero", "math"),
        ("I have had a headache and a fever for three days", "health"),
        ("hello, how are you?", "other"),
    ],
)
def test_domains_of_chat_texts(text: str, domain: str) -> None:
    readings = read_all(*(signal("domain", name) for name in DOMAINS), text=text, encoded=True)
    assert [key for key, reading in readings.items() if reading.fires] == [f"domain:{domain}"]
    assert sum(reading.score for reading in readings.values()) == pytest.approx(1, abs=1e-5)


def test_categories_add_up() -> None:
    text = "what does a rise of interest rates do to my company's loans"
    both, one, other = (
        signal("domain", "money", mmlu_categories=["business", "economics"]),
        signal("domain", "business"),
        signal("domain", "economics"),
    )
    readings = read_all(both, one, other, text=text, encoded=True)
    parts = readings["domain:business"].score + readings["domain:economics"].score
    assert readings["domain:money"].score == pytest.approx(parts)
    assert readings["domain:money"].fires


def test_another_name_is_read_by_its_description() -> None:
    cooking = signal("domain", "cooking", description="recipes, cooking and baking at home")
    assert read(cooking, "how long do I bake a potato gratin?", encoded=True).fires
    assert not read(cooking, "how do I sue my landlord", encoded=True).fires


class Other:
    """An encoder that the head was not fitted for."""

    name = "other"
    dim = 2

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.tile(np.array([1, 0], np.float32), (len(texts), 1))


def test_the_head_is_for_one_encoder_only() -> None:
    reader = Reader.from_policy(policy_of(signal("domain", "law")), encoder=Other())
    assert "another encoder" in reader.read(Request(text="x"))["domain:law"].fault


def test_the_fitted_file_must_be_the_one_that_is_expected(tmp_path: Path) -> None:
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == SHA256
    damaged = tmp_path / "domains.npz"
    damaged.write_bytes(FILE.read_bytes()[:-1])
    with pytest.raises(ModelFileError, match="expected"):
        DomainHead.load(damaged)
    with pytest.raises(ModelFileError, match="cannot be read"):
        DomainHead.load(tmp_path / "none.npz")


# Complexity


HARD = "Prove that every bounded monotone sequence converges, and justify each step."
EASY = "What is the capital of France?"


def levels(text: str, **fields: object) -> dict[str, bool]:
    readings = read_all(signal("complexity", "c", **fields), text=text, encoded=True)
    return {key.removeprefix("complexity:c"): reading.fires for key, reading in readings.items()}


def test_a_text_is_at_one_level() -> None:
    assert levels(HARD) == {"": True, ":hard": True, ":medium": False, ":easy": False}
    assert levels(EASY) == {"": False, ":hard": False, ":medium": False, ":easy": True}
    assert levels(HARD, threshold=1) == {"": False, ":hard": False, ":medium": True, ":easy": False}


def test_a_rule_may_ask_for_a_level() -> None:
    given = signal("complexity", "c")
    rule = Rule(name="r", when=Reference("complexity", "c:easy"))
    policy = Policy(signals={given.key: given}, rules=(rule,))
    readings = Reader.from_policy(policy, encoder=encoder()).read(Request(text=EASY))
    assert readings["complexity:c:easy"].fires


def test_own_candidates_replace_the_built_in_ones() -> None:
    sides = {
        "hard": {"candidates": ["What is the capital of Spain?"]},
        "easy": {"candidates": ["Prove it"]},
    }
    assert levels(EASY, **sides)[":hard"]


@pytest.mark.parametrize(
    ("operator", "words", "fires"),
    [
        ("AND", ["prove", "each"], True),
        ("AND", ["prove", "pie"], False),
        ("OR", ["prove", "pie"], True),
        ("NOT", ["pie"], True),
        ("NOT", ["prove"], False),
    ],
)
def test_a_composer_must_hold(operator: str, words: list[str], fires: bool) -> None:
    keywords = [signal("keyword", word, keywords=[word]) for word in words]
    conditions = [{"type": "keyword", "name": word} for word in words]
    composer = {"operator": operator, "conditions": conditions}
    given = signal("complexity", "c", composer=composer)
    policy = Policy(
        signals={s.key: s for s in (given, *keywords)},
        rules=(Rule(name="r", when=Reference("complexity", "c:hard")),),
    )
    readings = Reader.from_policy(policy, encoder=encoder()).read(Request(text=HARD))
    assert readings["complexity:c:hard"].fires is fires
    assert not readings["complexity:c:hard"].fault


def test_a_composer_that_cannot_be_read_is_a_fault_at_every_level() -> None:
    composer = {"conditions": [{"type": "keyword", "name": "missing"}]}
    readings = read_all(signal("complexity", "c", composer=composer), text=HARD, encoded=True)
    levels_of = [r for key, r in readings.items() if key.startswith("complexity:")]
    assert len(levels_of) == 4
    assert all(r.fault and not r.fires for r in levels_of)


# Facts and feedback


@pytest.mark.parametrize(
    ("text", "name", "fires"),
    [
        ("When did the Second World War end?", "needs_fact_check", True),
        ("When did the Second World War end?", "no_fact_check_needed", False),
        ("Hi, who is the president of France?", "needs_fact_check", True),
        ("Who wrote the song Imagine?", "needs_fact_check", True),
        ("Hi, who is the president of France?", "no_fact_check_needed", False),
        ("Write a poem about the sea", "needs_fact_check", False),
        ("Write a poem about the sea", "no_fact_check_needed", True),
    ],
)
def test_fact_checks(text: str, name: str, fires: bool) -> None:
    assert read(signal("fact_check", name), text, encoded=True).fires is fires


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("that's wrong, it was 1969", "wrong_answer"),
        ("Das ist falsch", "wrong_answer"),
        ("what do you mean by that?", "need_clarification"),
        ("je ne comprends pas", "need_clarification"),
        ("give me another version", "want_different"),
        ("thanks, that works!", "satisfied"),
        ("That\u2019s not correct", "wrong_answer"),
        ("I\u2019m confused", "need_clarification"),
        ("c\u2019est faux", "wrong_answer"),
    ],
)
def test_feedback(text: str, name: str) -> None:
    names = ("wrong_answer", "need_clarification", "want_different", "satisfied")
    readings = read_all(*(signal("user_feedback", n) for n in names), text=text, encoded=True)
    assert [key for key, r in readings.items() if r.fires] == [f"user_feedback:{name}"]


@pytest.mark.parametrize(
    "text",
    [
        "This is not very helpful",
        "I don't think that works",
        "No thanks, that is wrong",
        "When is the Super Bowl?",
    ],
)
def test_thanks_and_praise_that_are_denied_are_none(text: str) -> None:
    assert not read(signal("user_feedback", "satisfied"), text, encoded=True).fires
