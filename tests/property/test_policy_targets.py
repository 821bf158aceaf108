"""No target breaks on any policy, and what is said where signals cannot be read allows no more than the truth would."""

import json
import random
import re
from dataclasses import replace
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.policy.decide import Decider
from graphs.policy.gate import Gate
from graphs.policy.lower import lower
from graphs.policy.policy import Policy
from graphs.policy.projections import Projections
from graphs.policy.request import Reading, Readings, Request
from graphs.policy.syntax import Program
from graphs.policy.targets import mermaid
from graphs.policy.targets.manifest import MANIFEST, compile_policy
from graphs.policy.targets.marks import hash_in
from graphs.policy.targets.steps import steps
from tests.support import naive_policy
from tests.support.mermaid import faults_of
from tests.support.policies import NAMES, programs, random_readings

SEEDS = st.integers(0, 1 << 32)
TEXTS = st.text(max_size=80) | NAMES


@settings(max_examples=60)
@given(programs(), TEXTS, st.lists(TEXTS, max_size=2))
def test_every_policy_compiles_and_each_file_parses_and_bears_its_hash(
    program: Program, source: str, findings: list[str]
) -> None:
    policy = lower(program)[0]
    files = compile_policy(policy, source, findings)
    for name, text in files.items():
        loaded: Any = None
        if name.endswith(".yaml"):
            loaded = yaml.safe_load(text)
            assert isinstance(loaded, dict)
        if name.endswith(".json"):
            assert json.loads(text)["hash"] == policy.hash
        else:
            assert hash_in(text) == policy.hash
        if name == "config-map.yaml":
            assert loaded["data"]["policy.moma"] == source
    assert set(json.loads(files[MANIFEST])["sha256"]) == set(files) - {MANIFEST}


@settings(max_examples=60)
@given(programs(largest=15))
def test_every_flowchart_is_one_that_mermaid_reads(program: Program) -> None:
    policy = lower(program)[0]
    chart = mermaid.emit(policy)[mermaid.FILE]
    assert faults_of(chart) == []
    rules = {f"r{n}" for n in range(len(policy.rules))}
    assert rules <= set(re.findall(r"^ {4}(r\d+)[\[{]", chart, re.MULTILINE))


@settings(max_examples=60)
@given(programs(largest=10), SEEDS)
def test_a_rule_of_an_earlier_step_always_comes_first(program: Program, seed: int) -> None:
    policy = lower(program)[0]
    places = {rule.name: n for n, step in enumerate(steps(policy)) for rule in step.rules}
    assert len(places) == len(policy.rules)
    decider, rng = Decider(policy), random.Random(seed)
    for _ in range(5):
        verdict = decider.decide(Projections(policy).complete(random_readings(program, rng)))
        if verdict.rule is not None:
            assert places[verdict.rule.name] == min(places[name] for name in verdict.held)


class Told:
    """A reader that says what it was given."""

    def __init__(self, readings: Readings) -> None:
        self.readings = readings

    def read(self, request: Request) -> Readings:
        """Return the readings."""
        return self.readings


def blinded(readings: dict[str, Reading], rng: random.Random) -> dict[str, Reading]:
    """Return readings some of which could not be made."""
    fault = Reading(False, 0.0, fault="its model is missing")
    return {key: fault if rng.random() < 0.3 else reading for key, reading in readings.items()}


@settings(max_examples=60)
@given(programs(largest=8), SEEDS)
def test_the_gate_allows_nothing_on_a_fault_that_it_would_deny_if_it_knew(
    program: Program, seed: int
) -> None:
    policy, rng = lower(program)[0], random.Random(seed)
    for _ in range(5):
        truth = random_readings(program, rng)
        known = Gate(policy, Told(Projections(policy).complete(truth)))
        blind = Gate(policy, Told(Projections(policy).complete(blinded(truth, rng))))
        if naive_policy.decide(program, truth).close:
            continue
        for tool in ("look", "send"):
            assert not blind.tool_call(tool, {}).allowed or known.tool_call(tool, {}).allowed
        for agent in ("a0", "a1"):
            assert not blind.message(agent, "x").allowed or known.message(agent, "x").allowed


@settings(max_examples=120)
@given(programs(largest=8), SEEDS)
def test_a_verdict_with_faults_allows_no_more_than_the_truth(program: Program, seed: int) -> None:
    policy, rng = lower(program)[0], random.Random(seed)
    decider = Decider(policy)
    for _ in range(10):
        truth = random_readings(program, rng)
        expected = naive_policy.decide(program, truth)
        verdict = decider.decide(Projections(policy).complete(blinded(truth, rng)))
        for allowed, real in ((verdict.models, expected.models), (verdict.agents, expected.agents)):
            if real is not None and not expected.close:
                assert allowed is not None
                assert set(allowed) <= set(real)


HEADINGS = {
    "## The rules, in the order in which they are tried",
    "## When no rule holds",
    "## Groups and scores",
    "## What rests on estimates",
    "## What was checked",
}


@settings(max_examples=60)
@given(programs(), st.text(max_size=60))
def test_no_name_breaks_out_of_its_place(program: Program, text: str) -> None:
    policy = lower(program)[0]
    rules = tuple(replace(r, name=f"{r.name}{text}", description=text) for r in policy.rules)
    named = Policy(**{**_values(policy), "rules": rules})
    files = compile_policy(named, "x")
    assert faults_of(files[mermaid.FILE]) == []
    lines = files["summary.md"].splitlines()
    assert sum(line.startswith("# ") for line in lines) == 1
    assert {line for line in lines if line.startswith("## ")} <= HEADINGS
    assert yaml.safe_load(files["litellm.yaml"])["router_settings"]["num_retries"] == 0


def _values(policy: Policy) -> dict[str, Any]:
    return {name: getattr(policy, name) for name in policy.__dataclass_fields__}
