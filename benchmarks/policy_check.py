"""How long the check of a policy takes without an encoder, by what decides the order of its rules.

Random policies of 500 rules over 200 signals of ten kinds, each condition of five signals under AND, OR and NOT.
"""

import argparse
import random
import statistics
import time
from typing import Any

from benchmarks.report import print_table
from graphs.policy.checks import check_policy
from graphs.policy.checks.logic import prove
from graphs.policy.policy import Band, Bands, Candidate, Group, Policy, Rule, Score, Signal, Term
from graphs.policy.syntax import And, Condition, Not, Or, Reference

ATOMS = 5
WORDS = [f"word{n}" for n in range(150)]


def _signals(count: int, draw: random.Random) -> dict[str, Signal]:
    made: list[Signal] = []
    for n in range(count):
        kind = (
            "keyword",
            "embedding",
            "context",
            "authz",
            "time",
            "jailbreak",
            "keyword",
            "embedding",
        )[n % 8]
        options: dict[str, dict[str, Any]] = {
            "keyword": {"operator": draw.choice(["OR", "OR", "AND"]), "keywords": draw.sample(WORDS, 4)},
            "embedding": {"threshold": draw.choice([0.6, 0.7, 0.8]), "candidates": draw.sample(WORDS, 3)},
            "context": {"min_tokens": (low := draw.randrange(30_000)), "max_tokens": low + draw.randrange(20_000)},
            "authz": {"subjects": [{"kind": "group", "name": g} for g in draw.sample(WORDS[:20], 2)]},
            "time": {"from": f"{draw.randrange(12):02}:00", "to": f"{draw.randrange(12, 24)}:30", "days": ["mon"]},
            "jailbreak": {"threshold": draw.random()},
        }  # fmt: skip
        made.append(Signal(type=kind, name=f"s{n}", fields=options[kind]))
    return {signal.key: signal for signal in made}


def _condition(keys: list[str], draw: random.Random) -> Condition:
    parts: list[Condition] = []
    for key in draw.sample(keys, ATOMS):
        kind, _, name = key.partition(":")
        reference = Reference(kind, name)
        parts.append(Not(reference) if draw.random() < 0.25 else reference)
    if draw.random() < 0.5:
        return And(tuple(parts))
    return And((Or(tuple(parts[:2])), *parts[2:4], Or((parts[4], parts[0]))))


def build(rules: int, signals: int, *, order: str, seed: int = 0) -> Policy:
    """Return a random policy; `order` says what decides: `priority`, `tiers` (ten of them) or `confidence`."""
    draw = random.Random(seed)
    declared = _signals(signals, draw)
    members = [k for k in declared if k.startswith("embedding")][:10]
    scores = {
        "risk": Score(
            name="risk", terms=tuple(Term(signal=k, weight=0.2) for k in list(declared)[:5])
        )
    }
    bands = (
        Band(name="low", lt=0.3),
        Band(name="middle", gte=0.3, lt=0.7),
        Band(name="high", gte=0.7),
    )
    keys = [*declared, *(f"projection:{band.name}" for band in bands)]
    made = tuple(
        Rule(
            name=f"rule{n}",
            when=_condition(keys, draw),
            tier=1 + n % 10 if order == "tiers" else 0,
            priority=rules - n if order == "priority" else 0,
            models=(Candidate(name=f"model{draw.randrange(8)}"),),
        )
        for n in range(rules)
    )
    return Policy(
        signals=declared,
        groups=(Group(name="topics", members=tuple(members), default=members[0]),),
        scores=scores,
        mappings=(Bands(name="risks", source="risk", bands=bands),),
        rules=(*made, Rule(name="rest", models=(Candidate(name="model0"),))),
        settings={"strategy": "confidence" if order == "confidence" else "priority"},
    )


def _row(rules: int, signals: int, order: str, runs: int) -> list[str]:
    policies = [build(rules, signals, order=order, seed=seed) for seed in range(runs)]
    took, found = [], 0
    for policy in policies:
        began = time.perf_counter()
        found += len(check_policy(policy))
        took.append(time.perf_counter() - began)
    asked = prove(policies[0]).asked
    return [
        str(rules), order, f"{statistics.median(took):.2f}", f"{max(took):.2f}", str(asked), f"{found / runs:.0f}",
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    rows = [
        _row(rules, signals, order, runs)
        for rules, signals in ((15, 20), (100, 80), (500, 200))
        for order in ("priority", "tiers", "confidence")
    ]
    print_table(
        f"A policy's check, {ATOMS} signals a rule, {runs} policies each (goal: 500 rules within 2 s)",
        ["rules", "order by", "median s", "longest s", "questions to the solver", "findings"],
        rows,
    )


if __name__ == "__main__":
    main()
