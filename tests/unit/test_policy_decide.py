"""Deciding by a policy: order, groups, scores and bands, and what an unreadable signal leaves allowed."""

import pytest

from graphs.policy.decide import Decider, Verdict
from graphs.policy.projections import Projections
from graphs.policy.read import read_policy
from graphs.policy.request import Reading


def decided(text: str, **scores: float | str) -> Verdict:
    """Decide over signals of the type keyword: a score that fires, -1 for one that does not, or a fault."""
    policy, findings = read_policy(text)
    assert not findings, [finding.line() for finding in findings]
    readings = {
        f"keyword:{name}": Reading(False, 0.0, fault=given)
        if isinstance(given, str)
        else Reading(given >= 0, abs(given))
        for name, given in scores.items()
    }
    return Decider(policy).decide(Projections(policy).complete(readings))


def route(name: str, when: str = "", **statements: int) -> str:
    said = " ".join(f"{word.upper()} {number}" for word, number in statements.items())
    condition = f"WHEN {when}" if when else ""
    return f'ROUTE {name} {{ {said} {condition} MODEL "{name}" }}\n'


TWO = 'keyword("a")', 'keyword("b")'


@pytest.mark.parametrize(
    ("text", "order"),
    [
        (route("p", TWO[0], priority=1) + route("q", TWO[1], priority=2), ["q", "p"]),
        (route("p", TWO[0], priority=1) + route("q", TWO[1], priority=1), ["p", "q"]),
        (route("p", TWO[0], tier=2, priority=9) + route("q", TWO[1], tier=1), ["q", "p"]),
        (route("p", TWO[0], tier=1) + route("q", TWO[1], tier=1, priority=9), ["p", "q"]),
        (route("p", TWO[0], tier=1) + route("q", priority=5), ["q", "p"]),
        (route("p", tier=1) + route("q", TWO[1], tier=1), ["q", "p"]),
        (
            route("p", TWO[0])
            + route("q", TWO[1], priority=3)
            + 'GLOBAL { strategy: "confidence" }',
            ["p", "q"],
        ),
    ],
    ids=[
        "priority",
        "confidence",
        "tier",
        "tier_confidence",
        "no_tier_is_0",
        "catch_all",
        "strategy",
    ],
)
def test_rules_that_hold_count_in_the_declared_order(text: str, order: list[str]) -> None:
    verdict = decided(text, a=0.9, b=0.4)
    assert list(verdict.held) == order
    assert verdict.models == (order[0],)


def test_equals_count_by_name() -> None:
    assert decided(route("z", TWO[0]) + route("m", TWO[0]), a=1.0).held == ("m", "z")


def test_of_a_tree_the_first_branch_that_holds_is_taken() -> None:
    tree = """DECISION_TREE t {
      IF keyword("a") { NAME "x" TIER 9 MODEL "x" }
      ELSE IF keyword("b") { NAME "y" TIER 1 MODEL "y" }
      ELSE { NAME "z" MODEL "z" } }"""
    assert decided(tree, a=0.1, b=0.9).rule_name == "x"
    assert decided(tree, a=-1, b=0.9).rule_name == "y"
    assert decided(tree, a=-1, b=-1).rule_name == "z"


def test_no_rule_holds() -> None:
    verdict = decided(route("p", TWO[0]), a=-1)
    assert verdict.rule is None
    assert (verdict.models, verdict.agents) == ((), ())
    assert verdict.held == ()
    otherwise = decided(route("p", TWO[0]) + 'GLOBAL { default_model: "m" }', a=-1)
    assert (otherwise.models, otherwise.agents) == (("m",), None)


def test_confidence_is_the_mean_of_and_and_the_best_of_or() -> None:
    assert decided(route("p", f"{TWO[0]} AND {TWO[1]}"), a=0.8, b=0.4).confidence == pytest.approx(
        0.6
    )
    assert decided(route("p", f"{TWO[0]} OR {TWO[1]}"), a=0.8, b=0.4).confidence == 0.8
    assert decided(route("p", f"{TWO[0]} OR NOT {TWO[1]}"), a=0.8, b=-1).confidence == 1.0
    assert decided(route("p")).confidence == 0.0


GROUP = """SIGNAL keyword a {} SIGNAL keyword b {} SIGNAL keyword c {}
SIGNAL_GROUP g { semantics: "softmax_exclusive" temperature: 0.1 members: ["a", "b", "c"] default: "c" }
"""


def test_of_a_group_one_member_fires() -> None:
    text = GROUP + route("p", TWO[0]) + route("q", TWO[1]) + route("r", 'keyword("c")')
    assert decided(text, a=0.6, b=0.7, c=-0.9).held == ("q",)
    assert decided(text, a=0.7, b=0.7, c=0.1).held == ("p",)  # the first declared of equals
    assert decided(text, a=-1, b=-1, c=-1).held == ("r",)  # the default
    assert decided(text, a=0.6, b=0.7).confidence == pytest.approx(1 / (1 + 2.718281828**-1))


BANDS = """SIGNAL keyword a {} SIGNAL keyword b {}
PROJECTION score s { inputs: [
  { type: "keyword", name: "a", weight: 0.5, value_source: "confidence" },
  { type: "keyword", name: "b", weight: -0.2 }] }
PROJECTION mapping m { source: "s" outputs: [{ name: "low", lt: 0.3 }, { name: "high", gte: 0.3 }] }
"""


@pytest.mark.parametrize(
    ("a", "b", "band"), [(0.8, -1, "high"), (0.8, 1, "low"), (0.5, -1, "low"), (0.6, -1, "high")]
)
def test_a_score_falls_in_its_band(a: float, b: float, band: str) -> None:
    text = BANDS + route("high", 'projection("high")') + route("low", 'projection("low")')
    verdict = decided(text, a=a, b=b)
    assert verdict.held == (band,)
    assert {row["signal"] for row in verdict.audit} == {
        f"projection:{band}",
        "keyword:a",
        "keyword:b",
    }


def test_a_score_at_a_bands_end_falls_where_it_does_on_paper() -> None:
    names = ("a", "b", "c")
    inputs = ", ".join(f'{{ type: "keyword", name: "{n}", weight: 0.1 }}' for n in names)
    text = (
        " ".join(f"SIGNAL keyword {n} {{}}" for n in names)
        + f" PROJECTION score s {{ inputs: [{inputs}] }}"
        + 'PROJECTION mapping m { source: "s" outputs: [{ name: "low", lte: 0.3 }, { name: "high", gt: 0.3 }] }'
        + route("high", 'projection("high")')
        + route("low", 'projection("low")')
    )
    assert decided(text, a=1.0, b=1.0, c=1.0).held == ("low",)


def test_bands_of_bands_are_computed_in_their_order() -> None:
    text = (
        """PROJECTION mapping second { source: "t" outputs: [{ name: "on", gte: 1 }] }
    PROJECTION score t { inputs: [{ type: "projection", name: "high", weight: 1 }] }
    """
        + BANDS
    )
    assert decided(text + route("p", 'projection("on")'), a=1.0, b=-1).held == ("p",)


@pytest.mark.parametrize(
    "when", ['NOT keyword("a")', 'keyword("a")', 'keyword("a") AND keyword("b")']
)
def test_an_unreadable_signal_allows_only_what_every_rule_in_question_allows(when: str) -> None:
    text = f"""ROUTE private {{ PRIORITY 2 WHEN {when} MODEL "here" AGENT NONE }}
    ROUTE rest {{ PRIORITY 1 MODEL "cloud", "here" }}"""
    verdict = decided(text, a="the classifier broke", b=1.0)
    assert verdict.rule_name == "rest"
    assert [rule.name for rule in verdict.doubtful] == ["private"]
    assert verdict.models == ("here",)
    assert verdict.agents == ()
    assert verdict.faults == ("keyword:a: the classifier broke",)


def test_an_unreadable_signal_that_decides_nothing_changes_nothing() -> None:
    verdict = decided(
        route("p", TWO[0], priority=2) + route("q", TWO[1], priority=1), a=1.0, b="broke"
    )
    assert (verdict.models, verdict.doubtful) == (("p",), ())
    known = decided(route("p", f"{TWO[0]} OR {TWO[1]}", priority=2) + route("q"), a=1.0, b="broke")
    assert (known.models, known.doubtful) == (("p",), ())


def test_a_fault_spreads_to_what_is_computed_from_it() -> None:
    text = BANDS + route("p", 'projection("high")', priority=2) + route("q")
    assert decided(text, a="broke", b=1.0).models == ()
    text = GROUP + route("p", TWO[0], priority=2) + route("q")
    assert decided(text, a=-1, b="broke", c=-1).models == ()
