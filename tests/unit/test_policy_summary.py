"""The summary: every rule, agent and grant in plain words, and none of its author's names as Markdown."""

from typing import Any

import pytest
from markdown_it import MarkdownIt

from graphs.policy.findings import Finding
from graphs.policy.policy import Candidate, Declared, Plugin, Policy, Rule, Signal
from graphs.policy.signals.table import FAMILIES
from graphs.policy.syntax import And, Condition, Not, Or, Reference
from graphs.policy.targets.summary import FILE, emit
from graphs.policy.targets.words import condition_text, is_probabilistic
from tests.support.policies import desk_policy

SUBJECTS = [{"kind": "group", "name": "data-team"}, {"kind": "user", "name": "ann"}]
SIGNALS = [
    Signal(type="keyword", name="one", fields={"keywords": ["alpha"]}),
    Signal(type="keyword", name="all", fields={"operator": "AND", "keywords": ["a", "b"]}),
    Signal(type="keyword", name="nor", fields={"operator": "NOR", "keywords": ["a", "b"]}),
    Signal(type="context", name="long", fields={"min_tokens": "8K", "max_tokens": "256K"}),
    Signal(type="authz", name="staff", fields={"subjects": SUBJECTS}),
    Signal(type="complexity", name="c"),
    Signal(type="phase", name="waits", fields={"phases": ["awaiting_input"]}),
    Signal(type="odd", name="x"),
]  # fmt: skip
POLICY = Policy(signals={s.key: s for s in SIGNALS})


def ref(key: str) -> Reference:
    kind, _, name = key.partition(":")
    return Reference(kind, name)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (None, "always"),
        (ref("keyword:one"), "the text holds 'alpha'"),
        (Not(ref("keyword:one")), "the text does not hold 'alpha'"),
        (ref("keyword:all"), "the text holds 'a' and 'b'"),
        (ref("keyword:nor"), "the text does not hold 'a' or 'b'"),
        (ref("context:long"), "the prompt is at least 8K and at most 256K tokens long"),
        (Not(ref("authz:staff")), "the caller is not (in the group data-team or the user ann)"),
        (ref("complexity:c:medium"), "the request seems of medium difficulty"),
        (Not(ref("complexity:c")), "the request does not seem hard"),
        (ref("phase:waits"), "the dialogue is awaiting input"),
        (ref("odd:x"), "the signal odd x is given"),
        (ref("keyword:lost"), "the signal keyword 'lost' is given"),
        (
            And((ref("keyword:one"), Or((ref("odd:x"), ref("complexity:c"))))),
            "the text holds 'alpha' and (the signal odd x is given or the request seems hard)",
        ),
        (
            Not(And((ref("keyword:one"), Not(ref("odd:x"))))),
            "the text does not hold 'alpha' or the signal odd x is given",
        ),
    ],
)
def test_conditions_in_english(condition: Condition | None, said: str) -> None:
    assert condition_text(POLICY, condition) == said


def text_of(policy: Policy, **given: list[Finding | str]) -> str:
    return emit(policy, **given)[FILE]


def test_the_whole_policy_is_told() -> None:
    text = text_of(desk_policy())
    for part in (
        "If (the text holds one of 4 keywords as 'local only' or the score 'risk' is high (at least 0.4))"
        " and the caller is not (in the group data-team or anyone with the role staff).",
        "Models: openai/large or local/qwen.",
        "local/qwen (reasoning false)",
        "Agents: none.",
        "Tools: none may be called.",
        r"Tools: only 'read\_file', never 'send\_mail'.",
        "data may serve only if the score 'risk' is not high (at least 0.4). The caller needs the grant data.read.",
        "data.read: if the caller is (in the group data-team or anyone with the role staff)"
        " and it is Monday or Tuesday, from 09:00 to 17:00 in Europe/Berlin.",
        "The model local/qwen answers.",
        "Of code and law at most one counts: the surest. If none is given, law counts.",
        "The score risk adds up: 1 if attack (jailbreak) comes near.",
    ):
        assert part in text, part


def test_models_that_are_tried_in_order_and_those_of_a_fixed_text_are_told() -> None:
    models = (Candidate(name="a"), Candidate(name="b"))
    fixed = Plugin(type="fast_response", fields={"message": "No."})
    rules = (
        Rule(name="one", models=models, algorithm=Plugin(type="static"), priority=2),
        Rule(name="two", plugins=(fixed,), priority=1),
    )
    text = text_of(Policy(rules=rules))
    assert "Models: a; if that fails, b." in text
    assert "Models: none; a fixed text is the answer." in text


@pytest.mark.parametrize("fields", [{"fuzzy_match": True}, {"method": "bm25"}, {"method": "ngram"}])
def test_keywords_that_need_only_be_alike_are_estimates(fields: dict[str, Any]) -> None:
    near = Signal(type="keyword", name="near", fields={"keywords": ["confidential"], **fields})
    policy = Policy(
        signals={near.key: near}, rules=(Rule(name="a", when=Reference("keyword", "near")),)
    )
    text = text_of(policy)
    assert "'confidential' (or something like it)" in text
    assert "near (keyword), which decides a." in text


def test_rules_stand_in_the_order_in_which_they_are_tried() -> None:
    text = text_of(desk_policy())
    names = ["block", "private", "code", "rest"]
    places = [text.index(f"**{n}. {name}**") for n, name in enumerate(names, 1)]
    assert places == sorted(places)


def test_what_rests_on_estimates_is_named_and_bands_inherit_it() -> None:
    text = text_of(desk_policy())
    assert "attack (jailbreak), which decides block." in text
    assert "high (projection), which decides private and agent data." in text
    assert is_probabilistic(desk_policy(), "projection:high")
    assert not is_probabilistic(desk_policy(), "keyword:secret")
    crisp = desk_policy(rules=(Rule(name="a", when=Reference("keyword", "secret")),), agents={})
    assert "Nothing: every signal is read off the text" in text_of(crisp)


def test_findings_and_lines_are_told() -> None:
    finding = Finding(code="x", message="rule b never counts", severity="warning", hint="remove it")
    text = text_of(desk_policy(), findings=[finding, "a line"])
    assert "- Warning, proved: rule b never counts. To do: remove it." in text
    assert "- a line" in text
    assert "No result of a check" in text_of(desk_policy())


def test_nobody_answers_where_nothing_is_said() -> None:
    text = text_of(Policy())
    assert "There are none." in text
    assert "Nobody answers. The turn is refused." in text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"mode": "none", "allow_tools": ["a"]}, "none may be called"),
        ({"mode": "filtered"}, "none may be called"),
        ({"mode": "odd"}, "none may be called"),
        ({"mode": "filtered", "allow_tools": ["a", "b"]}, "only 'a' and 'b'"),
        ({"block_tools": ["a"]}, "never 'a'"),
        ({"mode": "passthrough", "allow_tools": ["a"]}, "any"),
        ({"mode": "passthrough", "block_tools": ["a"]}, "never 'a'"),
        ({"mode": "filtered", "allow_tools": ["a"], "block_tools": ["b"]}, "only 'a', never 'b'"),
    ],
)
def test_tools_are_told_as_they_are_ruled(fields: dict[str, object], said: str) -> None:
    rule = Rule(name="r", plugins=(Plugin(type="tools", fields=fields),))
    assert f"- Tools: {said}.\n" in text_of(Policy(rules=(rule,)))


@pytest.mark.parametrize("kind", sorted(set(FAMILIES) - {"classifier", "kb", "kb_metric"}))
def test_every_type_of_signal_has_words_of_its_own(kind: str) -> None:
    policy = Policy(signals={f"{kind}:x": Signal(type=kind, name="x")})
    holds, lacks = (condition_text(policy, c) for c in (ref(f"{kind}:x"), Not(ref(f"{kind}:x"))))
    assert not holds.startswith("the signal")
    assert holds != lacks
    assert is_probabilistic(policy, f"{kind}:x") == (" seem" in holds)


def test_to_a_rule_without_tools_agents_are_shut() -> None:
    rule = Rule(name="a", plugins=(Plugin(type="tools", fields={"mode": "none"}),))
    assert "- Agents: none." in text_of(Policy(rules=(rule,)))
    assert "- Agents: any that may serve." in text_of(Policy(rules=(Rule(name="a"),)))


@pytest.mark.parametrize(
    "name",
    [
        "# x",
        "[a](http://b)",
        "<script>",
        "**b**",
        "a\n\n# b",
        "1. x",
        "- x",
        "`c`",
        "a|b",
        "!x",
        "&lt;",
    ],
)
def test_no_name_is_markdown(name: str) -> None:
    rule = Rule(name=name, description=name, models=(Candidate(name=name),))
    policy = Policy(rules=(rule,), agents={name: Declared(name=name)})
    plain = Policy(
        rules=(Rule(name="x", description="x", models=(Candidate(name="x"),)),),
        agents={"x": Declared(name="x")},
    )
    read = MarkdownIt("commonmark").enable("table")

    def shape(policy: Policy) -> list[str]:
        tokens = read.parse(text_of(policy).partition("\n")[2])
        inner = [child.type for token in tokens for child in token.children or ()]
        return [token.type for token in tokens] + inner

    assert shape(policy) == shape(plain)
