"""On random policies over a few signals, what SAT proves agrees with brute force over all inputs."""

import random
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphs.policy.checks.example import true_in
from graphs.policy.checks.logic import prove
from graphs.policy.checks.oracle import Oracle
from graphs.policy.checks.outcomes import outcome
from graphs.policy.checks.space import Space
from graphs.policy.decide import Decider
from graphs.policy.findings import Finding
from graphs.policy.policy import Candidate, Policy, Rule
from graphs.policy.request import Reading
from graphs.policy.syntax import And, Condition, Not, Or, references
from tests.support.policy_worlds import KEYS, Fires, policy_of, reference, true, worlds


def _conditions(keys: list[str]) -> st.SearchStrategy[Condition]:
    leaves = st.sampled_from(keys).map(reference)

    def wider(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        several = st.lists(parts, min_size=2, max_size=3).map(tuple)
        return st.one_of(parts.map(Not), several.map(And), several.map(Or))

    return st.recursive(leaves, wider, max_leaves=5)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    keys = draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=5, unique=True))
    conditions = (
        st.one_of(_conditions(keys), st.none()) if draw(st.booleans()) else _conditions(keys)
    )
    tree = draw(st.sampled_from([None, None, "tree"]))
    tiers = draw(st.sampled_from([[0], [1], [0, 1, 2]]))
    priorities = draw(st.sampled_from([[0], [0, 1, 2]]))
    rules = tuple(
        Rule(
            name=f"r{i}",
            when=draw(conditions),
            tier=draw(st.sampled_from(tiers)),
            priority=draw(st.sampled_from(priorities)),
            models=(Candidate(name=draw(st.sampled_from("ab"))),),
            tree=tree,
        )
        for i in range(draw(st.integers(1, 5)))
    )
    strategy = draw(st.sampled_from(["priority", "confidence"]))
    return policy_of(rules=rules, settings={"strategy": strategy})


def _worlds(policy: Policy) -> list[Fires]:
    keys = {r.key for rule in policy.rules for r in references(rule.when)}
    return list(worlds(sorted(keys)))


def _named(findings: Iterable[Finding], code: str) -> set[str]:
    return {finding.names[0] for finding in findings if finding.code == code}


many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@many
@given(policies())
def test_each_verdict_agrees_with_brute_force(policy: Policy) -> None:
    findings = prove(policy).findings
    holding = [
        {i for i, rule in enumerate(policy.rules) if true(rule.when, world)}
        for world in _worlds(policy)
    ]
    indexes = range(len(policy.rules))
    name = [rule.name for rule in policy.rules]
    with Oracle() as oracle:
        before = Space(policy, oracle).order.before
        never = {i for i in indexes if not any(i in world for world in holding)}
        always = {
            i
            for i in indexes
            if policy.rules[i].when is not None and all(i in world for world in holding)
        }
        dead = {
            i
            for i in indexes
            if all(i not in world or any(before(j, i) for j in world) for world in holding)
        }
    assert any(f.code == "not_exhaustive" for f in findings) == (not all(holding))
    assert _named(findings, "contradiction") == {name[i] for i in never}
    assert _named(findings, "tautology") == {name[i] for i in always}
    assert _named(findings, "shadowed") == {name[i] for i in dead - never}


@many
@given(policies())
def test_conflicts_and_generalisations_agree_with_brute_force(policy: Policy) -> None:
    findings = prove(policy).findings
    holding = [
        {i for i, rule in enumerate(policy.rules) if true(rule.when, world)}
        for world in _worlds(policy)
    ]
    expected: dict[str, set[frozenset[str]]] = {"conflict": set(), "generalisation": set()}
    with Oracle() as oracle:
        before = Space(policy, oracle).order.before
        for i, one in enumerate(policy.rules):
            for j, two in enumerate(policy.rules[:i]):
                if (
                    before(i, j, by_name=False)
                    or before(j, i, by_name=False)
                    or outcome(one) == outcome(two)
                ):
                    continue
                both = any({i, j} <= world for world in holding)
                narrow = all(j in world for world in holding if i in world)
                wide = all(i in world for world in holding if j in world)
                if both and not narrow and not wide:
                    expected["conflict"].add(frozenset({one.name, two.name}))
                elif both and narrow != wide and None not in ((one if wide else two).when,):
                    expected["generalisation"].add(frozenset({one.name, two.name}))
    found: dict[str, set[frozenset[str]]] = {"conflict": set(), "generalisation": set()}
    for finding in findings:
        for other in finding.names[1:]:
            found.setdefault(finding.code, set()).add(frozenset({finding.names[0], other}))
    assert found["conflict"] == expected["conflict"]
    assert found["generalisation"] == expected["generalisation"]


@many
@given(policies())
def test_an_example_shows_what_it_is_given_for(policy: Policy) -> None:
    for finding in prove(policy).findings:
        if finding.example is None:
            continue
        fires = frozenset(finding.example["fires"])
        rules = {rule.name: rule for rule in policy.rules}
        named = [rules[name] for name in finding.names] or policy.rules
        expected = finding.code == "conflict"
        shown = named[:2] if expected else named
        assert [true_in(rule.when, fires) for rule in shown] == [expected] * len(shown)
        read = {r.key for rule in shown for r in references(rule.when)}
        assert any({k for k in world if k in read} == fires & read for world in _worlds(policy))


def _chosen(policy: Policy, scores: dict[str, float], fires: Fires) -> str | None:
    """Return the rule that the policy itself chooses."""
    readings = {key: Reading(key in fires, scores[key]) for key in KEYS}
    rule = Decider(policy).decide(readings).rule
    return rule.name if rule else None


@many
@given(policies(), st.integers(0, 10**6))
def test_a_shadowed_rule_is_never_chosen_and_removing_a_redundant_one_changes_nothing(
    policy: Policy, seed: int
) -> None:
    findings = prove(policy).findings
    shadowed = _named(findings, "shadowed") | _named(findings, "contradiction")
    redundant = [
        f.names[0] for f in findings if f.code == "redundant" and "changes nothing" in f.message
    ]
    outcomes = {rule.name: outcome(rule) for rule in policy.rules} | {None: "none"}
    draw = random.Random(seed)
    sure = ("authz", "context", "keyword", "phase", "time")
    all_worlds = _worlds(policy)
    for world in draw.sample(all_worlds, min(len(all_worlds), 60)):
        scores = {
            key: float(key in world) if key.startswith(sure) else draw.choice([0.2, 0.6, 1.0])
            for key in KEYS
        }
        chosen = _chosen(policy, scores, world)
        assert chosen not in shadowed
        for name in redundant:
            rest = policy_of(
                rules=tuple(r for r in policy.rules if r.name != name), settings=policy.settings
            )
            assert outcomes[_chosen(rest, scores, world)] == outcomes[chosen]


def test_the_world_is_read_as_brute_force_reads_it() -> None:
    everything = list(worlds(["keyword:urgent", "authz:ann"]))
    assert len(everything) == 24
    with pytest.raises(KeyError):
        list(worlds(["unknown:x"]))
