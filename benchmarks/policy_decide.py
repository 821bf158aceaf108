"""How long a decision takes by a policy, beside the signals. Run: `python -m benchmarks.policy_decide`.

Random rules of five conditions each over forty signals of which a third fire, with tiers; no signal is read.
"""

import random
import statistics
import time

from graphs.policy.decide import Decider
from graphs.policy.policy import Policy
from graphs.policy.projections import Projections
from graphs.policy.read import read_policy
from graphs.policy.request import Reading

SIGNALS, ATOMS, TIMES = 40, 5, 2_000


def main() -> None:
    print(f"rules  p50 ms  p95 ms  (of {TIMES:,}; {ATOMS} conditions a rule, {SIGNALS} signals)")
    for rules in (10, 100, 500):
        times = sorted(_timed(_policy(rules)))
        print(f"{rules:5}  {statistics.median(times):6.3f}  {times[int(0.95 * TIMES)]:6.3f}")


def _policy(rules: int) -> Policy:
    rng = random.Random(rules)
    lines = [f'SIGNAL keyword s{n} {{ keywords: ["w{n}"] }}' for n in range(SIGNALS)]
    lines.append(
        """PROJECTION score sum { inputs: [{ type: "keyword", name: "s0", weight: 0.5, value_source: "confidence" }] }
PROJECTION mapping bands { source: "sum" outputs: [{ name: "low", lt: 0.3 }, { name: "high", gte: 0.3 }] }"""
    )
    for rule in range(rules):
        atoms = [
            f'{rng.choice(("", "NOT "))}keyword("s{rng.randrange(SIGNALS)}")' for _ in range(ATOMS)
        ]
        when = f"({atoms[0]} OR {atoms[1]}) AND {' AND '.join(atoms[2:])}"
        lines.append(
            f'ROUTE r{rule} {{ TIER {1 + rule % 7} PRIORITY {rule} WHEN {when} MODEL "m{rule}" }}'
        )
    lines.append("ROUTE rest { TIER 9 }")
    policy, findings = read_policy("\n".join(lines))
    assert not findings
    return policy


def _timed(policy: Policy) -> list[float]:
    rng = random.Random(1)
    decider, projections = Decider(policy), Projections(policy)
    times = []
    for _ in range(TIMES):
        fires = {key: rng.random() < 1 / 3 for key in policy.signals}
        readings = {key: Reading(f, rng.random() if f else 0.0) for key, f in fires.items()}
        began = time.perf_counter()
        verdict = decider.decide(projections.complete(readings))
        times.append(1e3 * (time.perf_counter() - began))
        assert verdict.rule is not None
    return times


if __name__ == "__main__":
    main()
