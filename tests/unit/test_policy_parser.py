"""Reading policies: the grammar, every error at its place, the one layout, and back from the policy to text."""

import pytest

from graphs.policy.decompile import decompile
from graphs.policy.findings import faults
from graphs.policy.formatter import format_condition, format_program
from graphs.policy.lower import lower, recipes
from graphs.policy.parser import parse
from graphs.policy.policy import Policy
from graphs.policy.read import read_policy
from graphs.policy.syntax import And, Not, Or, Reference, Statement, references

WHOLE = """\
# Who may see what.
MODEL local/small { context_window_size: 8192 }  # on this machine
MODEL "cloud large" { tags: ["deployment:cloud"] }
BACKEND vllm_endpoint here { address: "127.0.0.1"  port: 11434 }

SIGNAL keyword secret {
  # In any language.
  operator: "OR", keywords: ["secret", "geheim"]
}
SIGNAL structure steps {
  feature: { type: "count", source: { type: "regex", pattern: "(?m)^\\\\s*\\d+[.]" } }
  predicate: { gte: 2 }
}
SIGNAL embedding math { threshold: 0.7 candidates: ["Solve this equation."] }
SIGNAL embedding law { threshold: 0.7 candidates: ["Read this contract."] }
SIGNAL_GROUP topics { semantics: "softmax_exclusive" temperature: 0.1 members: ["math", "law"] default: "law" }
PROJECTION score risk {
  method: "weighted_sum"
  inputs: [{ type: "keyword", name: "secret", weight: 0.5, value_source: "confidence" },
           { type: "structure", name: "steps" }]
}
PROJECTION mapping band {
  source: "risk" method: "threshold_bands" calibration: { method: "sigmoid_distance", slope: 12 }
  outputs: [{ name: "low", lt: 0.5 }, { name: "high", gte: 0.5 }]
}
PLUGIN safe tools { mode: "none" enabled: true }
ROUTE private (description = "Stays here.") {
  PRIORITY 200 TIER 1
  WHEN (keyword("secret") OR projection("high")) AND NOT embedding("math")
  MODEL "local/small" (reasoning = false), "cloud large"
  AGENT "tasks"
  ALGORITHM static
  PLUGIN safe { mode: "filtered" allow_tools: ["search"] }
  EMIT retention { ttl: 5 }
}
ROUTE rest { PRIORITY 1 TIER 9 FOR m IN ["cloud large", "local/small"] { MODEL m } AGENT NONE }
AGENT data { grants: ["data.read"] WHEN NOT projection("high") }
GRANT data.read { WHEN authz("analyst") }
TEST paths { "the secret plan" (user = "ann", grants = ["a"]) -> private  "hello" -> rest }
GLOBAL { default_model: "local/small" strategy: "priority" }
"""


def policy_of(text: str) -> Policy:
    policy, findings = read_policy(text)
    assert not findings, [finding.line() for finding in findings]
    return policy


def test_a_whole_file_becomes_a_policy() -> None:
    policy = policy_of(WHOLE)
    private, rest = policy.rules
    assert (private.priority, private.tier, private.description) == (200, 1, "Stays here.")
    assert [c.name for c in private.models] == ["local/small", "cloud large"]
    assert private.models[0].options == {"reasoning": False}
    assert [c.name for c in private.agents or ()] == ["tasks"]
    assert rest.agents == ()
    assert rest.when is None
    assert [c.name for c in rest.models] == ["cloud large", "local/small"]
    assert (
        policy.signals["structure:steps"].fields["feature"]["source"]["pattern"]
        == r"(?m)^\s*\d+[.]"
    )
    (group,) = policy.groups
    assert group.members == ("embedding:math", "embedding:law")
    assert group.default == "embedding:law"
    assert [t.source for t in policy.scores["risk"].terms] == ["confidence", "fires"]
    assert policy.mappings[0].slope == 12
    assert policy.grants["data.read"].when == Reference("authz", "analyst")
    assert policy.agents["data"].when == Not(Reference("projection", "high"))
    assert policy.tests[0].options == {"user": "ann", "grants": ["a"]}
    assert policy.default_model == "local/small"


def test_a_rules_own_fields_come_before_those_of_its_template() -> None:
    tools = policy_of(WHOLE).rules[0].plugins[0]
    assert tools.type == "tools"
    assert tools.fields == {"mode": "filtered", "enabled": True, "allow_tools": ["search"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a("x") OR b("y") AND NOT c("z")', 'a("x") OR b("y") AND NOT c("z")'),
        ('(a("x") OR b("y")) AND c("z")', '(a("x") OR b("y")) AND c("z")'),
        ('NOT (a("x") AND (b("y")))', 'NOT (a("x") AND b("y"))'),
        ('(a("x") AND b("y")) AND c("z")', 'a("x") AND b("y") AND c("z")'),
    ],
)
def test_not_binds_before_and_before_or(text: str, expected: str) -> None:
    program, findings = parse(f"ROUTE r {{ WHEN {text} }}")
    (item,) = program.blocks[0].body
    assert isinstance(item, Statement)
    assert isinstance(item.value, Reference | Not | And | Or)
    assert not findings
    assert format_condition(item.value) == expected
    assert [r.type for r in references(item.value)] == sorted(
        r.type for r in references(item.value)
    )


def test_several_errors_are_told_at_once_each_at_its_place() -> None:
    text = """\
SIGNAL keyword a { keywords ["x"]
  operator: "OR" }
ROUT x { PRIORITY 1 }
ROUTE y { PRIORITY high
  WHEN keyword("a" AND keyword("b")
  TIER 2
SIGNAL keyword b { keywords: ['x'] }
TEST t { "abc" => y
  "unclosed -> y
  "right" -> y }
ROUTE z { MODEL "m" }
"""
    program, findings = parse(text)
    lines = {finding.at.line for finding in findings}
    assert lines == {1, 3, 4, 5, 7, 8, 9}
    assert all(finding.code == "syntax" for finding in findings)
    # What is sound beside them is read.
    assert [block.name for block in program.blocks] == ["a", "y", "b", "t", "z"]
    assert [case.query for case in program.blocks[3].cases] == ["right"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ROUT x {}", "did you mean ROUTE?"),
        ('ROUTE r { WHEN keyword("a") and keyword("b") }', "did you mean AND?"),
        ("SIGNAL keyword a { keywords: 'x' }", "double quotes"),
        ('ROUTE r { MODEL "a"', "has no closing }"),
        ("GLOBAL { x: 1e999 }", "too large"),
        (f"GLOBAL {{ x: {'[' * 50} }}", "nested deeper"),
        ("x" * 2_000_001, "2,000,001 characters"),
    ],
)
def test_an_error_says_what_to_do(text: str, told: str) -> None:
    _, findings = parse(text)
    assert any(told in finding.line() for finding in findings)


def test_formatting_keeps_the_meaning_and_every_comment_and_settles() -> None:
    program, _ = parse(WHOLE)
    text = format_program(program)
    again, findings = parse(text)
    assert not findings
    assert again == program
    assert format_program(again) == text
    for comment in ("Who may see what.", "on this machine", "In any language."):
        assert f"# {comment}" in text
    assert policy_of(text).hash == policy_of(WHOLE).hash


def test_a_policy_written_back_is_the_same_policy() -> None:
    policy = policy_of(WHOLE)
    again = policy_of(format_program(decompile(policy)))
    assert again == policy
    assert again.hash == policy.hash


def test_the_hash_is_of_the_meaning() -> None:
    policy = policy_of(WHOLE)
    assert policy_of(WHOLE.replace("# In any language.", "# Other words.")).hash == policy.hash
    assert policy_of(WHOLE.replace("threshold: 0.7 ", "threshold: 0.71 ", 1)).hash != policy.hash


TREE = """\
DECISION_TREE t {
  IF keyword("a") { NAME "first" MODEL "m" }
  ELSE IF keyword("b") { MODEL "n" }
  ELSE { MODEL "o" }
}
"""


def test_a_tree_becomes_ordered_branches() -> None:
    rules = policy_of(TREE).rules
    assert [rule.name for rule in rules] == ["first", "t__branch_02", "t__branch_03"]
    assert rules[-1].when is None
    assert {rule.tree for rule in rules} == {"t"}
    policy = policy_of(TREE)
    assert policy_of(format_program(decompile(policy))) == policy


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('DECISION_TREE t { IF keyword("a") { MODEL "m" } }', "missing_else"),
        ('DECISION_TREE t { ELSE { MODEL "m" } IF keyword("a") { MODEL "m" } }', "misplaced"),
        (TREE + "ROUTE r {}", "mixed"),
        ("ROUTE r {} ROUTE r {}", "duplicate"),
        ("ROUTE r { PRIORITY 1 PRIORITY 2 }", "duplicate"),
        ("GLOBAL { a: 1 a: 2 }", "duplicate"),
        ('SIGNAL_GROUP g { members: ["nobody"] }', "unknown_signal"),
        ("PROJECTION sum s { inputs: [] }", "unknown_type"),
        (
            'PROJECTION score s { inputs: [{ type: "keyword", name: "a", weight: "much" }] }',
            "wrong_value",
        ),
        ("RECIPE a { ENTRYPOINT {} }", "misplaced"),
    ],
)
def test_what_cannot_be_resolved_is_told(text: str, code: str) -> None:
    _, findings = read_policy(text)
    assert [finding.code for finding in faults(findings)] == [code]


RECIPES = """\
MODEL small {}
ENTRYPOINT { name: "auto" recipe: "night" assignments: [{ decision: "r", models: [{ model: "small", weight: "1" }] }] }
RECIPE day { ROUTE r { PRIORITY 1 } }
RECIPE night { ROUTE r { PRIORITY 2 } }
"""


def test_a_recipe_is_a_policy_of_its_own() -> None:
    program, _ = parse(RECIPES)
    assert recipes(program) == ["day", "night"]
    night, _ = lower(program)
    assert night.recipe == "night"
    assert night.rules[0].priority == 2
    assert [c.name for c in night.rules[0].models] == ["small"]
    day, _ = lower(program, "day")
    assert (day.rules[0].priority, day.rules[0].models) == (1, ())
    assert lower(program, "dusk")[1][0].code == "unknown_recipe"
    assert policy_of(format_program(decompile(night))) == night
