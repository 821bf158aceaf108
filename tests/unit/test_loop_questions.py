"""The generated questions of the loop's benchmark: reproducible, all different, and answered by their texts."""

import random
import re
from itertools import pairwise

import pytest

from app.profile.graders.key import read_key
from benchmarks.loop_questions import questions
from benchmarks.loop_texts import KINDS, SYSTEM, TASKS, Kind, asked_about, says


def test_equal_seeds_give_equal_questions_and_none_twice() -> None:
    asked = questions(200, seed=3, texts=0.5)
    assert asked == questions(200, seed=3, texts=0.5)
    assert len({row["query"] for row in asked}) == 200


def test_a_longer_run_begins_with_the_questions_of_a_shorter_one() -> None:
    assert questions(60, seed=3, texts=0.3)[:25] == questions(25, seed=3, texts=0.3)


def test_what_was_asked_before_is_not_asked_again() -> None:
    before = {row["query"] for row in questions(100, seed=3)}
    assert before.isdisjoint(row["query"] for row in questions(100, seed=3, apart=before))


@pytest.mark.parametrize(("share", "long"), [(0.0, 0), (0.25, 20), (0.5, 40), (1.0, 80)])
def test_the_share_about_long_texts_is_as_asked(share: float, long: int) -> None:
    about_texts = [row for row in questions(80, seed=3, texts=share) if "system" in row]
    assert len(about_texts) == long
    assert {row["system"] for row in about_texts} <= {SYSTEM}
    assert all(100 <= len(row["query"].split()) <= 400 for row in about_texts)


def test_half_of_the_questions_about_texts_are_look_ups() -> None:
    asked = questions(72, seed=3, texts=1.0)
    assert sum(row["dataset"] == "text: look-up" for row in asked) == 36


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__.strip("_"))
@pytest.mark.parametrize("task", dict.fromkeys(TASKS))
def test_every_kind_of_text_has_every_task(kind: Kind, task: str) -> None:
    for seed in range(10):
        query, grader, answer = asked_about(kind, task, random.Random(seed))
        key = read_key({"grader": grader, "answer": answer}, where="here")
        assert key is not None
        assert query.count("?") >= 1
        if task == "look-up":
            words = re.findall(r"[\w:]+", query)
            said = [*words, *map(" ".join, pairwise(words))]
            assert any(key.grade(part).score == 1.0 for part in said), (query, answer)


@pytest.mark.parametrize(
    ("said", "score"),
    [("It goes to Rome.", 1.0), ("rome", 1.0), ("Romeo", 0.0), ("Rome\nVienna", 0.0), ("", 0.0)],
)
def test_an_answer_may_be_a_sentence_but_no_list_of_all_there_is(said: str, score: float) -> None:
    grader, answer = says("Rome")
    key = read_key({"grader": grader, "answer": answer}, where="here")
    assert key is not None
    assert key.grade(said).score == score
