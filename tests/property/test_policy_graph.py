"""Random policies with random readings: the graph, the decision and a naive reading of the syntax tree agree."""

import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.policy.formatter import format_program
from graphs.policy.lower import lower
from graphs.policy.policy import Policy
from graphs.policy.projections import Projections
from graphs.policy.read import read_policy
from graphs.policy.request import Reading, Readings, Request
from graphs.policy.syntax import Program
from graphs.policy.targets.graph import policy_graph
from graphs.policy.targets.nodes import node_name, path_map
from tests.support import naive_policy
from tests.support.bars import bar
from tests.support.policies import programs, random_readings

SEEDS = st.integers(0, 1 << 32)


class Given:
    """A reader that says what it was given, with what follows from it."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.base: Mapping[str, Reading] = {}

    def read(self, request: Request) -> Readings:
        """Return the readings."""
        return Projections(self.policy).complete(self.base)


def agree(program: Program, policy: Policy, seed: int, *, inputs: int) -> int:
    """Check a policy's graph on random readings; return on how many it was compared."""
    reader, rng, compared = Given(policy), random.Random(seed), 0
    graph: Any = policy_graph(policy, reader)
    for _ in range(inputs):
        reader.base = random_readings(program, rng)
        expected = naive_policy.decide(program, reader.base)
        if expected.close:
            continue
        nodes = list(graph.stream({"text": "x"}, stream_mode="updates"))
        said = nodes[0]["signals"]
        assert said["rule"] == expected.rule
        assert said["models"] == expected.models
        assert said["agents"] == expected.agents
        assert said["hash"] == policy.hash
        leaf = node_name(expected.rule) if expected.rule is not None else "none"
        assert [*nodes[1]] == [leaf]
        compared += 1
    return compared


def lowered(program: Program) -> Policy:
    policy, findings = lower(program)
    assert findings == []
    return policy


@settings(max_examples=25)
@given(programs(), SEEDS)
def test_graph_and_naive_reading_agree(program: Program, seed: int) -> None:
    agree(program, lowered(program), seed, inputs=4)


@settings(max_examples=25)
@given(programs())
def test_the_text_of_a_random_policy_reads_as_the_same_policy(program: Program) -> None:
    policy, findings = read_policy(format_program(program))
    assert findings == []
    assert policy == lowered(program)


@settings(max_examples=25)
@given(programs())
def test_each_rule_has_a_node_of_its_own_and_the_edges_are_drawn(program: Program) -> None:
    policy = lowered(program)
    drawn = policy_graph(policy, Given(policy)).get_graph()
    nodes = path_map(policy)
    assert len(set(nodes.values())) == len(policy.rules) + 1
    assert {e.target for e in drawn.edges if e.source == "signals"} == set(nodes.values())
    assert drawn.draw_mermaid()


@pytest.mark.faults
def test_graph_and_naive_reading_agree_at_full_size() -> None:
    compared = 0

    @settings(max_examples=1_000)
    @given(programs(largest=12), SEEDS)
    def run(program: Program, seed: int) -> None:
        nonlocal compared
        compared += agree(program, lowered(program), seed, inputs=100)

    run()
    bar(0, "graph and naive reading of a policy agree", 1_000, f"{compared} of 100,000", "all")
    assert compared > 99_000
