"""Regret after a fifth of the models changed in mid-stream, with and without feedback; traffic moved by poison.

    python -m benchmarks.feedback PATH...

Each PATH is a Parquet table of outcomes. A profile is fitted on half of it, and 3,000 turns ask the other half; after
1,000 of them models change. Users give a thumb on 30 % of the turns, one in ten of them wrong. Regret is the closeness
(of the recorded score and cost) that is lost to the best model for each query in hindsight; at the preference 1 that is
the score. The interval is over seeds (95 %, Student's t).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.feedback.stream import BEFORE, WINDOW, Course, Habits, poisoned, run
from benchmarks.feedback.world import Table, World, worlds
from benchmarks.report import print_table
from graphs.routing.choice import closeness

PREFERENCES = (0.5, 1.0)
NAMES = {0.5: "auto", 1.0: "performance"}
WAYS = {
    "none": "no feedback",
    "ucb": "plain UCB, no caps",
    "feedback": "feedback",
    "reviewed": "feedback, applied every 500 turns",
    "refitted": "refitted",
}


def _main(paths: Sequence[Path], seeds: range, habits: Habits) -> None:
    for path in paths:
        table = Table.read(path)
        changes = ("degrade", "swap") if len(table.outcomes.models) > 2 else ("degrade",)
        made = [
            worlds(table, seed=seed, changes=changes, preferences=PREFERENCES) for seed in seeds
        ]
        for change in changes:
            for preference in PREFERENCES:
                cases = [each[change, preference] for each in made]
                _regrets(f"{path.stem}, {change}, {NAMES[preference]}", cases, seeds, habits)
        rows = [
            _poison([each["degrade", preference] for each in made], seeds, reward, habits)
            for preference in PREFERENCES
            for reward in (0.0, 1.0)
        ]
        columns = ["preference", "poison", "traffic moved, points", "largest of a seed"]
        print_table(f"{path.stem}: 5 % of feedback poisoned, {len(seeds)} seeds", columns, rows)


def _regrets(title: str, cases: Sequence[World], seeds: range, habits: Habits) -> None:
    courses: dict[str, list[Course]] = {
        way: [run(w, way, seed=seed, habits=habits) for seed, w in zip(seeds, cases, strict=True)]
        for way in WAYS
    }
    last = {way: np.array([c.regret[-1] for c in found]) for way, found in courses.items()}
    windows = range(BEFORE // WINDOW - 1, len(courses["none"][0].regret))
    rows = []
    for way, name in WAYS.items():
        mean = np.mean([c.regret for c in courses[way]], axis=0)
        ratio = last[way] / last["refitted"]
        closed = (last["none"].mean() - last[way].mean()) / (
            last["none"].mean() - last["refitted"].mean()
        )
        whole = last[way].mean() / last["refitted"].mean()
        rows.append(
            [
                name,
                *(f"{mean[w]:.3f}"[1:] for w in windows),
                f"{whole:.2f}",
                _interval(ratio, 2),
                f"{closed:.0%}",
            ]
        )
    heads = [str((w + 1) * WINDOW - BEFORE) for w in windows]
    print_table(
        f"{title}: regret by turns since the change, {len(cases)} seeds",
        ["", *heads, "to refitted", "of a seed", "gap closed"],
        rows,
    )


def _poison(cases: Sequence[World], seeds: range, reward: float, habits: Habits) -> list[str]:
    """Return how much traffic poison moves to or from its target, no model having changed."""
    moved, before = [], []
    for seed, world in zip(seeds, cases, strict=True):
        near = np.argsort(-closeness(world.predicted, world.prices, world.preference), axis=1)
        # Against who serves most, or for the one that comes second most often.
        target = int(np.bincount(near[:, int(reward)]).argmax())
        bad = poisoned(habits, target=target, reward=reward)
        clean, dirty = (
            run(world, "feedback", seed=seed, habits=h, change=False) for h in (habits, bad)
        )
        share = [(c.served[BEFORE:] == target).mean() for c in (clean, dirty)]
        moved.append(100 * float(share[1] - share[0]))
        before.append(100 * float(share[0]))
    wanted = "against the most used" if reward == 0 else "for the second"
    return [
        NAMES[cases[0].preference],
        f"{wanted} ({np.mean(before):.0f} % of the traffic)",
        f"{np.mean(moved):+.2f} {_interval(np.array(moved), 2)}",
        f"{max(moved, key=abs):+.2f}",
    ]


def _interval(values: np.ndarray, digits: int) -> str:
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"[{values.mean() - half:.{digits}f}, {values.mean() + half:.{digits}f}]"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("outcomes", type=Path, nargs="+", help="Parquet tables of outcomes")
    parser.add_argument("--seeds", type=int, default=6, help="splits and streams, 2 or more")
    parser.add_argument("--thumbs", type=float, default=0.3, help="the share of turns with a thumb")
    parser.add_argument("--first", type=int, default=10, help="the first seed")
    given = parser.parse_args()
    chosen = range(given.first, given.first + given.seeds)
    _main(given.outcomes, chosen, Habits(thumbs=given.thumbs))
