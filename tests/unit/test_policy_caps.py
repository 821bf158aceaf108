"""Caps of embedding signals: what is said of them holds at every point of the sphere."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from graphs.policy.checks import check_policy
from graphs.policy.checks.caps import Caps, axioms, caps_of, inside
from graphs.policy.policy import Candidate, Group, Policy, Rule, Signal
from graphs.policy.policy import Test as PolicyTest
from graphs.policy.request import Request
from graphs.policy.signals.reader import Reader
from graphs.policy.syntax import And, Condition, Not, Reference
from graphs.routing.encoders.rows import Vectors

POINTS = 400


class FakeEncoder:
    """A fake encoder that puts a text that is an angle in degrees there on the circle."""

    name = "circle"
    dim = 2

    def encode(self, texts: Sequence[str]) -> Vectors:
        angles = np.radians([float(text) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def signal(name: str, threshold: float, *candidates: str, how: str = "max") -> Signal:
    fields = {"threshold": threshold, "candidates": list(candidates), "aggregation_method": how}
    return Signal(type="embedding", name=name, fields=fields)


def policy(*signals: Signal, **parts: object) -> Policy:
    return Policy(signals={s.key: s for s in signals}, **parts)  # type: ignore[arg-type]


def rule(name: str, when: Condition | None, *, priority: int = 0, model: str = "") -> Rule:
    return Rule(name=name, when=when, priority=priority, models=(Candidate(name=model or name),))


A, B = Reference("embedding", "a"), Reference("embedding", "b")


@pytest.mark.parametrize("how", ["max", "mean"])
def test_each_axiom_holds_everywhere(how: str) -> None:
    encoder = FakeEncoder()
    draw = np.random.default_rng(0)
    everywhere = np.linspace(0, 360, POINTS, endpoint=False)
    rows = encoder.encode([str(point) for point in everywhere]).astype(np.float64)
    said = 0
    for _ in range(150):
        signals = [
            signal(
                name,
                float(draw.choice([0.3, 0.7, 0.9, 0.99])),
                *map(str, draw.integers(0, 360, draw.integers(1, 4))),
                how=how,
            )
            for name in "abc"
        ]
        caps = caps_of(policy(*signals), encoder)
        fires = {key: cap.scores(rows) >= cap.least for key, cap in caps.items()}
        for axiom in axioms(caps):
            said += 1
            holds = np.logical_or.reduce([fires[key] == fired for key, fired in axiom])
            assert holds.all(), (signals, axiom)
    assert said > 100


def test_caps_that_are_clearly_apart_are_told_apart_and_those_that_meet_are_not() -> None:
    encoder = FakeEncoder()
    least = float(np.cos(np.radians(20)))
    for degrees, apart in ((39, False), (42, True)):
        caps = caps_of(policy(signal("a", least, "0"), signal("b", least, str(degrees))), encoder)
        assert ((("embedding:a", False), ("embedding:b", False)) in list(axioms(caps))) == apart


def test_a_mean_that_no_text_can_reach_never_fires() -> None:
    found = check_policy(
        policy(
            signal("a", 0.9, "0", "180", how="mean"),
            rules=(rule("r", A, priority=1), rule("rest", None)),
        ),
        encoder=FakeEncoder(),
    )
    assert [(f.code, f.basis) for f in found if f.severity == "error"] == [
        ("contradiction", "proved under assumptions")
    ]


def test_a_cap_within_another_makes_its_rule_unreachable() -> None:
    narrow, wide = signal("a", float(np.cos(0.2)), "10"), signal("b", float(np.cos(0.9)), "0")
    rules = (rule("wide", B, priority=2), rule("narrow", A, priority=1), rule("rest", None))
    found = check_policy(policy(narrow, wide, rules=rules), encoder=FakeEncoder())
    assert [(f.code, f.names, f.basis) for f in found if f.code == "shadowed"] == [
        ("shadowed", ("narrow", "wide"), "proved under assumptions")
    ]
    assert not [f for f in check_policy(policy(narrow, wide, rules=rules)) if f.code == "shadowed"]


def _overlap(*signals: Signal, **parts: object) -> list[tuple[str, ...]]:
    rules = (rule("first", A, priority=2), rule("second", B, priority=1), rule("rest", None))
    found = check_policy(policy(*signals, **{"rules": rules, **parts}), encoder=FakeEncoder())
    return [finding.names for finding in found if finding.code == "overlap"]


def test_an_overlap_matters_where_an_example_or_a_test_lies_in_both_or_the_middles_are_near() -> (
    None
):
    both = ("embedding:a", "embedding:b", "first", "second")
    assert _overlap(signal("a", 0.5, "0"), signal("b", 0.5, "50")) == [both]
    assert _overlap(signal("a", 0.8, "0"), signal("b", 0.8, "60")) == []
    case = PolicyTest(block="t", query="30", expected="first")
    assert _overlap(signal("a", 0.8, "0"), signal("b", 0.8, "60"), tests=(case,)) == [both]
    assert _overlap(signal("a", 0.95, "0"), signal("b", 0.95, "35")) == [both]


def test_an_overlap_is_settled_by_a_group_by_equal_outcomes_or_by_an_exclusion() -> None:
    near = signal("a", 0.5, "0"), signal("b", 0.5, "50")
    group = Group(name="g", members=("embedding:a", "embedding:b"), default="embedding:a")
    assert _overlap(*near, groups=(group,)) == []
    same = (rule("first", A, priority=2, model="m"), rule("second", B, priority=1, model="m"))
    assert _overlap(*near, rules=same) == []
    apart = (rule("first", A, priority=2), rule("second", And((B, Not(A))), priority=1))
    assert _overlap(*near, rules=apart) == []


def test_scores_are_those_of_the_reader() -> None:
    encoder = FakeEncoder()
    for how, candidates in itertools.product(
        ("max", "mean"), (["0"], ["0", "70"], ["0", "90", "200"])
    ):
        made = signal("a", 0.4, *candidates, how=how)
        held = policy(made, rules=(rule("r", A),))
        caps: Mapping[str, Caps] = caps_of(held, encoder)
        reader = Reader.from_policy(held, encoder=encoder)
        texts = [str(degrees) for degrees in range(0, 360, 7)]
        fired = inside(caps[made.key], texts, encoder.encode(texts).astype(np.float64))
        for text in texts:
            reading = reader.read(Request(text=text))[made.key]
            assert reading.fires == (text in fired)
            assert not reading.fires or reading.score == pytest.approx(fired[text], abs=1e-5)
