"""What is read as an answer, and when it is right."""

import time
from typing import Any

import pytest

from agents.errors import InputError
from app.profile.graders.key import Grade, read_key
from graphs.checking.reading import code_of, letter_of, thought_out


def grade(text: str, **row: Any) -> Grade:
    key = read_key(row, where="q.jsonl, line 1")
    assert key is not None
    return key.grade(text)


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Paris", 1.0),
        (" *Paris*. ", 1.0),
        ("PARIS\n", 1.0),
        ("The capital lies on the Seine.\nAnswer: **Paris**", 1.0),
        ("paris, france", 1.0),
        ("The capital of France is 'Paris'.", 1.0),
        ("So:\nThe capital: Paris", 1.0),
        ("Lyon", 0.0),
        ("This is Paris in spring", 0.0),
        ("It is not Paris", 0.0),
        ("", 0.0),
    ],
)
def test_exact_compares_whole_texts_whatever_their_dress(text: str, score: float) -> None:
    assert grade(text, grader="exact", answer=["Paris", "Paris, France"]).score == score


@pytest.mark.parametrize(
    ("text", "answer", "score"),
    [
        ("42", 42, 1.0),
        ("So 40 and 2 make\nAnswer: 42", 42, 1.0),
        ("First 42, and then 17.", 42, 0.0),
        ("$1,234.50", 1234.5, 1.0),
        ("It is \\boxed{-7}, as 3 - 10.", -7, 1.0),
        ("\u22127", -7, 1.0),
        ("#### 1e3", 1000, 1.0),
        ("3/4", 0.75, 1.0),
        ("Answer: none, but 5", 5, 1.0),
        ("It is 0.333333", "1/3", 1.0),
        ("no number", 0, 0.0),
        ("on 3.4.2025", 2025, 0.0),
        ("1/0", 1, 0.0),
        ("Answer: 15 (rounded from 14.8)", 15, 1.0),
        ("Answer: seven (7)", 7, 1.0),
        ("$$\\boxed{42\\text{ cm}^2}$$", 42, 1.0),
        ("so 9.8 m/s\u00b2", 9.8, 1.0),
        ("Answer: 6.02 \u00d7 10\u00b2\u00b3", 6.02e23, 1.0),
        ("\\boxed{2 \\times 10^{-3}}", 0.002, 1.0),
        ("\\boxed{10,\\!000}", 10_000, 1.0),
        ("so it is 10{,}000.", 10_000, 1.0),
        ("0", 6.6e-34, 0.0),
    ],
)
def test_numeric_reads_the_last_number(text: str, answer: Any, score: float) -> None:
    assert grade(text, grader="numeric", answer=answer).score == score


def test_numeric_takes_a_tolerance() -> None:
    assert grade("3.15", grader="numeric", answer=3.14, tolerance=0.02).score == 1
    assert grade("3.17", grader="numeric", answer=3.14, tolerance=0.02).score == 0


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("(b)", "B"),
        ("**B**.", "B"),
        ("B. green", "B"),
        ("The answer is (C), since A and B are wrong.", "C"),
        ("Answer: A) red", "A"),
        ("green", "B"),
        ("I think C", "C"),
        ("A thing that I cannot tell", ""),
        ("A. red\nB. green\nC. blue", ""),
        ("Option A", "A"),
        ("I think that A is right.", "A"),
        ("Not A but B", "B"),
        ("A is wrong, so it isn't C: B", "B"),
        ("Answer: not B", ""),
        ("The answer is a bit unclear", ""),
        ("The answer is either A or B", ""),
        ("Answer: B or C", ""),
        ("Both A and B", ""),
        ("E", ""),
        ("", ""),
    ],
)
def test_choice_reads_the_letter(text: str, letter: str) -> None:
    found = grade(text, grader="choice", answer="B", choices=["red", "green", "blue"])
    assert (found.answer, found.score) == (letter, float(letter == "B"))


def test_of_choices_that_are_letters_the_letter_counts() -> None:
    assert grade("B", grader="choice", answer="B", choices=["AB", "A", "B"]).score == 1


def test_a_letter_is_looked_for_in_linear_time() -> None:
    began = time.perf_counter()
    assert letter_of("\n" * 50_000, choices=4) is None
    assert time.perf_counter() - began < 2


def test_thoughts_are_no_answer() -> None:
    assert thought_out("<think>\nAnswer: 41\n</think>\n42") == "\n42"
    assert thought_out("42") == "42"


def test_choice_takes_the_text_of_the_right_one_as_the_key() -> None:
    assert grade("B", grader="choice", answer="green", choices=["red", "green"]).score == 1


def test_regex_finds_in_linear_time() -> None:
    assert grade("code: 17.", grader="regex", answer=r"code: (\d+)") == Grade("17", 1.0)
    began = time.perf_counter()
    assert grade("a" * 50_000 + "!", grader="regex", answer="^(a+)+$").score == 0
    assert time.perf_counter() - began < 2
    assert grade("half \ud800", grader="regex", answer="half").score == 1


def test_a_program_is_the_block_that_defines_something() -> None:
    text = "Here:\n```python\ndef f():\n    return 1\n```\nUse it:\n```python\nf()\n```"
    assert code_of(text) == "def f():\n    return 1\n"
    assert code_of("f = 1") == "f = 1"
    assert code_of("```\nx = 1") == "x = 1"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"grader": "guess", "answer": 1}, "given grader 'guess', expected exact, numeric, choice"),
        ({"grader": "exact"}, "the grader 'exact' needs an answer"),
        ({"grader": "exact", "answer": {}}, "answer is {}, expected a text or a list of texts"),
        ({"grader": "exact", "answer": " . "}, "of which nothing is left"),
        ({"grader": "numeric", "answer": "many"}, "answer is 'many', expected a number"),
        ({"grader": "numeric", "answer": True}, "answer is True, expected a number"),
        ({"grader": "numeric", "answer": 1, "tolerance": -1}, "tolerance is -1, expected 0 or more"),
        ({"grader": "choice", "answer": "D", "choices": 3}, "expected a letter from A to C"),
        ({"grader": "choice", "answer": "A", "choices": 99}, "choices is 99, expected 2 to 26"),
        ({"grader": "choice", "answer": "A", "choices": ["x", 2]}, "expected texts"),
        ({"grader": "regex", "answer": "(?=a)"}, "is no pattern of RE2"),
        ({"grader": "regex", "answer": 3}, "expected a pattern of RE2"),
        ({"grader": "code", "answer": ""}, "expected tests in Python"),
        ({"grader": "code", "answer": "assert 1", "seconds": 0}, "seconds is 0, expected more than 0"),
    ],
)  # fmt: skip
def test_a_key_that_is_none_is_said_with_its_place(row: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_key(row, where="q.jsonl, line 1")
    assert str(caught.value).startswith("q.jsonl, line 1: ")
    assert said in str(caught.value)


def test_a_program_is_not_run_by_its_key() -> None:
    with pytest.raises(InputError, match="--allow-code"):
        grade("x = 1", grader="code", answer="assert x == 1")
