"""The flowchart: the rules in their order, who serves, and no text that Mermaid would read."""

import re

import pytest

from graphs.policy.policy import Candidate, Plugin, Policy, Rule
from graphs.policy.syntax import Reference
from graphs.policy.targets.mermaid import FILE, emit, label
from tests.support.mermaid import faults_of
from tests.support.policies import desk_policy

A, B = Reference("keyword", "a"), Reference("keyword", "b")


def chart(policy: Policy) -> str:
    text = emit(policy)[FILE]
    assert faults_of(text) == []
    return text


def test_signals_lead_to_rules_and_rules_to_who_serves() -> None:
    text = chart(desk_policy())
    assert re.search(r'signals\[/"read of the turn: .*keyword.*estimated', text)
    assert "start --> signals\n  signals --> step0" in text
    assert re.search(r'subgraph step0\["tier 1: of those that hold, the surest"\]', text)
    assert "step0 -->|none holds| r2" in text
    assert "([" + '"model openai/large"' in text
    assert '[["agent tasks"]]' in text


def test_models_have_one_number_unless_a_rule_asks_them_in_order() -> None:
    text = chart(desk_policy())
    ids = dict(re.findall(r'^  (m\d+)\(\["model ([^"]*)"', text, re.MULTILINE))
    asked = re.findall(r"^  r2 -->\|(\d)\| (m\d+)", text, re.MULTILINE)
    assert [(n, ids[m]) for n, m in asked] == [("1", "openai/large"), ("1", "local/qwen")]


def test_a_tree_is_drawn_as_one() -> None:
    rules = (
        Rule(name="one", when=A, models=(Candidate(name="m"),), tree="t"),
        Rule(name="two", when=B, models=(Candidate(name="n"),), tree="t"),
        Rule(name="else", models=(Candidate(name="m"),), tree="t"),
    )
    text = chart(Policy(rules=rules))
    assert 'subgraph step0["tree t"]' in text
    assert re.search(r'r0\{\{"one. if ', text)
    assert "r0 -->|no| r1" in text
    assert "r1 -->|no| r2" in text
    assert not re.search(r"r2 -->\|no\|", text)
    assert "r0 -->|yes| m0" in text


def test_one_rule_of_a_priority_has_no_box_of_its_own() -> None:
    rules = (Rule(name="low", when=A, priority=1), Rule(name="high", when=B, priority=2))
    text = chart(Policy(rules=rules))
    assert "subgraph" not in text
    assert "start --> r1" in text
    assert "r1 -->|no| r0\n" in text
    assert "r0 -->|no| none" in text


def test_a_fixed_answer_is_nobodys_and_a_catch_all_leaves_nothing_over() -> None:
    fixed = Plugin(type="fast_response", fields={"message": "No."})
    rules = (Rule(name="no", when=A, priority=1, plugins=(fixed,)), Rule(name="rest"))
    text = chart(Policy(rules=rules))
    assert re.search(r'r0 -->\|yes\| (t\d+)\n(?:.*\n)*  \1\(\["a fixed text"\]\)', text)
    assert "no rule holds" not in text


def test_without_a_default_nobody_answers() -> None:
    assert "none --> nobody" in chart(Policy())
    assert "none --> m0" in chart(Policy(settings={"default_model": "m"}))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name", "plain name"),
        ('a"b', "a#34;b"),
        ("<b>[x]{y}", "#60;b#62;#91;x#93;#123;y#125;"),
        ("a#34;b", "a#35;34#59;b"),
        ("%%{init}%%", "#37;#37;#123;init#125;#37;#37;"),
        ("a-->b", "a#45;#45;#62;b"),
        ("`code`", "#96;code#96;"),
        ("two\nlines\ttab", "two lines tab"),
        ("ß✓", "ß#10003;"),
        ("", " "),
        ("\ud800", " "),
    ],
)
def test_nothing_in_a_label_is_read(text: str, shown: str) -> None:
    assert label(text) == f'"{shown}"'


def test_a_long_label_is_wrapped_and_cut() -> None:
    lines = label("word " * 200).strip('"').split("<br/>")
    assert all(len(line) <= 44 for line in lines)
    assert lines[-1].endswith("...")
    assert len(lines) < 7
