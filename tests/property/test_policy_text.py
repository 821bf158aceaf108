"""Whatever stands in a policy file is read, laid out, checked and decided by, or told in findings with their places."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.policy.checks.check import check_policy
from graphs.policy.decide import Decider
from graphs.policy.decompile import decompile
from graphs.policy.formatter import format_program
from graphs.policy.lower import lower, recipes
from graphs.policy.parser import parse
from graphs.policy.read import read_policy
from graphs.policy.request import Reading, Request
from graphs.policy.signals.reader import Reader

ROOT = Path(__file__).parents[2]
FILES = [*sorted((ROOT / "tests/policies").rglob("*.dsl")), ROOT / "examples/policy.dsl"]
PIECES = [
    *"{}[]():,=\"\\#'\n\t\x00é\u2028",
    "->", " ", "IF", "ELSE", "NOT", "AND", "OR", "WHEN", "ROUTE r {", "MODEL", "1e999", "-0", "true", '""', "{ a: [",
    'keyword("x")', "TEST t {", "RECIPE q {", "GLOBAL {", "AGENT NONE", "\ud800", "FOR x IN [",
]  # fmt: skip


def mutated(text: str, seed: int) -> str:
    """Return a text with a few pieces cut out, put in, or moved."""
    rng = random.Random(seed)
    for _ in range(rng.randint(1, 12)):
        place = rng.randrange(len(text) + 1)
        action = rng.random()
        if action < 0.4:
            text = text[:place] + text[place + rng.randint(1, 20) :]
        elif action < 0.7:
            text = text[:place] + rng.choice(PIECES) + text[place:]
        else:
            start = rng.randrange(len(text) + 1)
            text = text[:place] + text[start : start + rng.randint(1, 60)] + text[place:]
    return text


def read_whatever_stands_there(text: str) -> None:
    """Take a text all the way; whatever is wrong with it must be findings."""
    program, findings = parse(text)
    lines = text.count("\n") + 1
    assert all(1 <= finding.at.line <= lines for finding in findings)
    laid_out = format_program(program)
    again, more = parse(laid_out)
    assert not more
    assert again == program
    assert format_program(again) == laid_out
    named: list[str | None] = [*recipes(program)[:2]]
    for recipe in named or [None]:
        policy, unresolved = lower(program, recipe)
        found = check_policy(policy)
        for finding in (*unresolved, *found):
            assert finding.line()
            finding.plain()
        verdict = Decider(policy).decide({key: Reading(True, 0.5) for key in policy.signals})
        assert verdict.plain()["hash"] == policy.hash
        if not unresolved:
            back, told = read_policy(format_program(decompile(policy)), policy.recipe)
            assert not told
            assert back == policy


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_that_was_cut_and_mixed_up_is_told_and_never_breaks(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for seed in range(5):
        read_whatever_stands_there(mutated(text, seed))


@settings(max_examples=100)
@given(st.text(max_size=300) | st.lists(st.sampled_from(PIECES), max_size=60).map(" ".join))
def test_any_text_is_read(text: str) -> None:
    read_whatever_stands_there(text)


@pytest.mark.faults
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_that_were_mixed_up_many_times(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for seed in range(5, 200):
        read_whatever_stands_there(mutated(text, seed))


@pytest.mark.parametrize("path", FILES[::4], ids=lambda path: path.stem)
def test_a_mixed_up_policy_reads_a_turn(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for seed in range(3):
        policy, _ = read_policy(mutated(text, seed))
        readings = Reader.from_policy(policy).read(Request(text="Who pays 12 dollars by friday?"))
        assert all(0 <= reading.score <= 1 or reading.fault for reading in readings.values())
