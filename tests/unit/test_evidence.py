"""What the decision reads of a turn: numbers that name no agent, whatever the encoder."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.card import AgentCard, Skill
from agents.errors import ModelFileError
from graphs.routing import chooser as chooser_module
from graphs.routing.agents import AgentIndex
from graphs.routing.chooser import Chooser
from graphs.routing.decision import Odds
from graphs.routing.dialogue import Dialogue
from graphs.routing.evidence import FEATURES, skim
from graphs.routing.fitted import Fitted
from graphs.routing.reading import last_sentence, read_turn, turn_texts
from graphs.routing.trees import Trees
from graphs.routing.wording import (
    ASSISTANT_MARKS,
    USER_MARKS,
    assistant_marks,
    user_marks,
)
from graphs.routing.words import stems
from tests.support.agents import FakeEncoder

encode = FakeEncoder().encode
CARDS = [
    AgentCard(
        id=i,
        name=i.title(),
        description=f"finds {i}s",
        inputs="city; date",
        skills=(Skill(id="s", name=f"find {i}", examples=(f"find me a {i}", f"a {i} please")),),
    )
    for i in ("hotel", "taxi", "film")
]
FITTED = Fitted.load()


def chooser(cards: list[AgentCard]) -> Chooser:
    return Chooser(AgentIndex.from_cards(cards, encode, dim=FakeEncoder.dim), encode, FITTED)


def spoken(holder: str) -> Dialogue:
    return Dialogue().after("find me a hotel", agent=holder, said="In which city?")


def test_there_is_a_row_for_each_candidate_and_one_for_none() -> None:
    reading = read_turn("in Rome", spoken("hotel"), encode)
    rows = chooser(CARDS).rows(["hotel", "taxi"], reading, spoken("hotel"))
    assert rows.shape == (3, len(FEATURES))
    assert np.isfinite(rows).all()
    assert len(set(FEATURES)) == len(FEATURES)
    holder, none = FEATURES.index("holder"), FEATURES.index("none")
    assert rows[:, holder].tolist() == [1, 0, 0]
    assert rows[:, none].tolist() == [0, 0, 1]


def test_the_words_of_a_turn_that_were_skimmed_are_not_read_again() -> None:
    text, dialogue = "Is it near the old harbour? I need a quiet room", spoken("hotel")
    reading = read_turn(text, dialogue, encode)
    choosing = chooser(CARDS)
    skim(text, dialogue)
    readers = (stems, user_marks, assistant_marks)
    before = [reader.cache_info().misses for reader in readers]
    choosing.rows(["hotel", "taxi"], reading, dialogue)
    assert [reader.cache_info().misses for reader in readers] == before


def test_an_agents_id_changes_nothing() -> None:
    renamed = [replace(card, id=f"x{n}") for n, card in enumerate(CARDS)]
    text = "and a taxi to the hotel"
    rows = [
        chooser(cards).rows([c.id for c in cards], read_turn(text, spoken(i), encode), spoken(i))
        for cards, i in ((CARDS, "hotel"), (renamed, "x0"))
    ]
    np.testing.assert_array_equal(rows[0], rows[1])


@pytest.mark.parametrize("text", ["", "?", "x" * 5000, "\N{GRINNING FACE}", "Ja. Nein! Wie bitte?"])
def test_any_text_in_any_place_has_odds_that_sum_to_one(text: str) -> None:
    for dialogue in (Dialogue(), spoken("hotel"), spoken("gone").after("x", agent=None, said="")):
        odds = chooser(CARDS).odds(text, dialogue)
        assert sum(p for _, p in odds.agents) + odds.none == pytest.approx(1)


def test_twins_are_told_apart_by_what_was_said_turns_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Mapping[str, float]] = []

    def settled(odds: Odds, *given: Any) -> Odds:
        heard.append(given[-1])
        return odds

    monkeypatch.setattr(chooser_module, "settled", settled)
    dialogue = Dialogue().after("a hotel by the taxi rank", agent="hotel", said="In which city?")
    for text in ("Rome", "two of us"):
        dialogue = dialogue.after(text, agent="hotel", said="Anything else?")
    chooser(CARDS).odds("tomorrow", dialogue)
    assert set(heard[0]) >= stems("taxi city")


def test_without_agents_nobody_fits() -> None:
    odds = chooser([]).odds("find me a hotel", Dialogue())
    assert (odds.agents, odds.none) == ((), 1.0)


def test_a_choice_is_remembered_until_the_catalogue_the_mask_or_the_dialogue_changes() -> None:
    index = AgentIndex.from_cards(CARDS, encode, dim=FakeEncoder.dim)
    choose = Chooser(index, encode, FITTED).choose
    assert not choose("Find me a hotel", Dialogue()).cached
    assert choose("Find me a hotel", Dialogue()).cached
    assert not choose("Find me a hotel?", Dialogue()).cached
    assert not choose("Find me C++", Dialogue()).cached
    assert not choose("Find me C#", Dialogue()).cached
    assert not choose("Find me a hotel", spoken("taxi")).cached
    only = frozenset({"taxi"})
    masked = choose("Find me a hotel", Dialogue(), allowed=only.__contains__, mask=only)
    assert not masked.cached
    assert {i for i, _ in masked.odds.agents} <= only
    index.remove("hotel")
    after = choose("Find me a hotel", Dialogue())
    assert not after.cached
    assert "hotel" not in dict(after.odds.agents)


def test_what_the_turn_reads_is_embedded_in_one_call_and_each_text_once() -> None:
    dialogue = spoken("hotel").after("in Rome", agent="hotel", said="In which city?")
    texts = turn_texts("Fine. And a taxi there.", dialogue)
    assert len(texts) == len(set(texts))
    assert {"Fine. And a taxi there.", "find me a hotel", "In which city?"} <= set(texts)
    assert last_sentence("That works. Now find me a cab.") == "Now find me a cab."
    assert last_sentence("Yes. Rome") == "Yes. Rome"


def test_marks_tell_a_request_from_an_answer() -> None:
    asked, answered = (
        dict(zip(USER_MARKS, user_marks(t), strict=True))
        for t in ("Can you also find me a hotel?", "Yes, four people at 7 pm")
    )
    assert [asked[m] for m in ("asks", "can_you", "find", "also")] == [1, 1, 1, 1]
    assert [answered[m] for m in ("asks", "find", "yes", "time", "number")] == [0, 0, 1, 1, 1]
    said = dict(zip(ASSISTANT_MARKS, assistant_marks("Anything else?"), strict=True))
    assert (said["anything_else"], said["ends_asking"]) == (1, 1)


def test_trees_are_summed_as_a_walk_through_each_sums_them() -> None:
    random = np.random.default_rng(0)
    rows = random.standard_normal((20, len(FEATURES))).astype(np.float32)
    trees: Trees = FITTED.trees

    def walk(tree: int, row: np.ndarray) -> float:
        node = 0
        while trees.feature[tree, node] >= 0:
            right = row[trees.feature[tree, node]] > trees.threshold[tree, node]
            node = int(trees.left[tree, node]) + int(right)
        return float(trees.threshold[tree, node])

    expected = [sum(walk(t, row) for t in range(len(trees.feature))) for row in rows]
    assert trees(rows) == pytest.approx(expected, abs=1e-4)


def test_a_tree_that_asks_nothing_adds_its_leaf() -> None:
    trees = Trees(
        feature=np.array([[-1, -1, -1], [0, -1, -1]], np.int16),
        threshold=np.array([[0.25, 0, 0], [1, -2, 2]], np.float32),
        left=np.array([[0, 0, 0], [1, 1, 2]], np.int16),
    )
    rows = np.array([[1], [1.5], [np.inf], [-np.inf]], np.float32)
    assert trees(rows).tolist() == [-1.75, 2.25, 2.25, -1.75]


def test_changed_numbers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "agents.npz"
    path.write_bytes(b"other")
    with pytest.raises(ModelFileError, match="expected"):
        Fitted.load(path)
    with pytest.raises(ModelFileError, match=r"MoMA has no nothing\.npz that can be read"):
        Fitted.load(tmp_path / "nothing.npz")
