"""MoMA's router head, a gated mixture of experts, taken apart: on scores and on judged pairs, beside the default.

    OMP_NUM_THREADS=1 python -m benchmarks.head FILE... [--pairs 8000] [--noise 0.3]

Each table is fitted on one half and scored on the other, and the reverse. All estimators are under one rule, quality
less a constant times the predicted cost, at each constant; "less the first" is the 95 % interval of a paired bootstrap.
Of a head, by fold: how many experts are in use (the exponential of the entropy of the mean gates, all of them if they
are used alike) and the seconds of its fit. Pairs are simulated from recorded scores as in `benchmarks.pairs`, as many a
query as there are models, or one a query; only queries with a pair are trained on.

Not measured: a real judge, and a tuned encoder, which MoMA's paper has and a frozen one is not.
"""

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.evaluate.compared import COMBINED
from app.evaluate.curves import curves
from app.evaluate.held_out import HeldOut, Recorded, text_splits
from app.evaluate.measures import bootstrapped, interval, measures
from app.profile.embedding import embedded, progress
from app.settings import read_settings
from benchmarks.pairs import concordance, opinions, written
from benchmarks.report import print_table
from benchmarks.states import StateEncoder
from graphs.routing.encoder import Encoder, make_encoder
from graphs.routing.estimators.base import Estimate, Queries, Training
from graphs.routing.estimators.combined import Combined
from graphs.routing.estimators.gated import Shape
from graphs.routing.estimators.mixture import SETTINGS, Comparisons, MixtureOfExperts, Setting
from graphs.routing.outcomes import Outcomes
from graphs.routing.pair_scores import PairScale

Matrix = NDArray[np.float64]
DENSE = Setting(Shape(experts=1, top=1, width=64), 0.0)
TOP_2 = Setting(Shape(experts=4, top=2, width=16), 0.01)
PLAIN, MIXED = "dense head, 64 units", "4 experts of 16, top 2, balance .01"
VARIANTS: Mapping[str, tuple[Setting, ...]] = {
    PLAIN: (DENSE,),
    MIXED: (TOP_2,),
    "balance 0": (TOP_2._replace(balance=0.0),),
    "balance 1": (TOP_2._replace(balance=1.0),),
    "top 1": (TOP_2._replace(shape=Shape(experts=4, top=1, width=16)),),
    "top 1, balance 0": (Setting(Shape(experts=4, top=1, width=16), 0.0),),
    "all 4": (TOP_2._replace(shape=Shape(experts=4, top=4, width=16)),),
    "8 experts, top 2": (TOP_2._replace(shape=Shape(experts=8, top=2, width=16)),),
    "chosen by held-out loss": SETTINGS,
}


@dataclass(slots=True, kw_only=True)
class Seen:
    """What an estimator expects of all rows, fold by fold, and what it says of itself."""

    mean: Matrix
    notes: list[str] = field(default_factory=list)


class Table:
    """The estimators on one set of outcomes; rows are filled by fold."""

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        self.seen: dict[str, Seen] = {}

    def enter(self, name: str, rows: NDArray[np.intp], mean: Matrix, note: str = "") -> None:
        """Enter what is expected of `rows`."""
        seen = self.seen.setdefault(name, Seen(mean=np.empty(self.recorded.costs.shape)))
        seen.mean[rows] = mean
        seen.notes.append(note)

    def head(
        self, name: str, rows: NDArray[np.intp], training: Training, queries: Queries,
        settings: tuple[Setting, ...], comparisons: Comparisons | None = None,
    ) -> None:  # fmt: skip
        """Fit a head alone and enter it."""
        began = time.perf_counter()
        fitted, _ = MixtureOfExperts.fit_held_out(training, comparisons, settings=settings)
        seconds = time.perf_counter() - began
        share = fitted.features(training.queries)[1].mean(axis=1)
        used = np.exp(-(share * np.log(np.maximum(share, 1e-12))).sum(axis=1)).mean()
        note = f"{used:.1f} of {fitted.shape.experts}; {seconds:.1f} s"
        self.enter(name, rows, fitted.predict(queries).mean, note)

    def whole(self, name: str, rows: NDArray[np.intp], fitted: Combined, queries: Queries) -> None:
        """Enter a combined estimate."""
        weight = fitted.weights[-1] if fitted.experts else 0.0
        self.enter(name, rows, fitted.predict(queries).mean, f"head's weight {weight:.2f}")

    def halves(self, one: str, other: str, rows: NDArray[np.intp]) -> None:
        """Enter the mean of two estimators."""
        mean = (self.seen[one].mean[rows] + self.seen[other].mean[rows]) / 2
        self.enter("half the first, half the chosen head", rows, mean)

    def print(self, title: str, held_out: HeldOut) -> None:
        """Print the measures; the first estimator is what the others are compared with."""
        first = next(iter(self.seen))
        # The name that `curves` knows for what goes under MoMA's own rule as well.
        held_out.estimates = {
            COMBINED if name == first else name: Estimate(seen.mean, seen.mean)
            for name, seen in self.seen.items()
        }
        of = curves(held_out)
        draws = bootstrapped(of)
        scores = self.recorded.training.scores
        rows = []
        for name, seen in self.seen.items():
            key = COMBINED if name == first else name
            ahead = interval(draws[key]["area"] - draws[COMBINED]["area"])
            errors = seen.mean - scores
            apart = errors - errors.mean(axis=1, keepdims=True)
            rows.append(
                [
                    name,
                    f"{measures(of[key], of)['area']:.4f}",
                    "" if name == first else f"[{ahead.low:+.4f}, {ahead.high:+.4f}]",
                    f"{(errors**2).mean():.4f}",
                    f"{(apart**2).mean():.4f}",
                    f"{np.nanmean(concordance(seen.mean, scores)):.4f}",
                    " / ".join(seen.notes),
                ]
            )
        print_table(
            title,
            ["estimator", "area", "less the first", "squared error", "of differences", "concordance", "by fold"],
            rows,
        )  # fmt: skip


Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


def on_scores(recorded: Recorded, richer: Recorded, folds: Folds) -> Table:
    """Return the estimators that are fitted on scores."""
    table = Table(recorded)
    for kept, rows in folds:
        fitted, queries = recorded.take(kept), recorded.training.queries.take(rows)
        found = Combined.fit(fitted.training, fitted.costs)
        table.whole("default", rows, found, queries)
        for name, settings in VARIANTS.items():
            table.head(name, rows, fitted.training, queries, settings)
        more, wide = richer.take(kept).training, richer.training.queries.take(rows)
        for name, setting in (("dense head", DENSE), ("4 experts, top 2", TOP_2)):
            table.head(f"{name}, mean + max + first token", rows, more, wide, (setting,))
        table.halves("default", "chosen by held-out loss", rows)
    return table


def on_pairs(
    recorded: Recorded, folds: Folds, *, budget: int, noise: float, a_query: int
) -> tuple[Table, int]:
    """Return the estimators that are fitted on pairs, and how many pairs a half has."""
    table, count = Table(recorded), 0
    for kept, rows in folds:
        half, queries = recorded.take(kept), recorded.training.queries.take(rows)
        random = np.random.default_rng(0)
        asked = np.sort(random.permutation(len(half))[: budget // a_query])
        pairs, opinion = opinions(half.training.scores, asked, noise, random, a_query=a_query)
        five = written(pairs, opinion, five=True)
        mine, count = half.take(asked), len(five)
        training = Training(
            queries=mine.training.queries,
            scores=PairScale.fit(five).scores(five),
            domains=mine.training.domains,
        )
        comparisons = Comparisons(pairs=five, more=training.queries.take(np.arange(0)))
        scores, chosen = "default, on scores made of the pairs", "chosen by held-out loss"
        found = Combined.fit(training, mine.costs)
        table.whole(scores, rows, found, queries)
        found, _ = Combined.fit_held_out(training, mine.costs, comparisons)
        table.whole("default with --pairs", rows, found, queries)
        for name in (PLAIN, MIXED, chosen):
            table.head(f"{name}, on pairs", rows, training, queries, VARIANTS[name], comparisons)
        table.head(f"{MIXED}, on those scores", rows, training, queries, (TOP_2,))
        table.halves(scores, f"{chosen}, on pairs", rows)
    return table, count


def _main(arguments: argparse.Namespace) -> None:
    plain, states = make_encoder("onnx"), StateEncoder.load()
    for path in arguments.files:
        outcomes = Outcomes.from_files([path])
        recorded, richer = (_recorded(outcomes, encoder) for encoder in (plain, states))
        folds = list(text_splits(recorded, 2, seed=1))
        size = f"{path.stem}, {len(outcomes):,} x {len(outcomes.models)}"
        on_scores(recorded, richer, folds).print(f"{size}, on scores", _references(recorded, folds))
        models = len(outcomes.models)
        for a_query in sorted({models if models > 2 else 1, 1}, reverse=True):
            table, count = on_pairs(
                recorded, folds, budget=arguments.pairs, noise=arguments.noise, a_query=a_query
            )
            table.print(
                f"{size}, {count:,} pairs a half, {a_query} a query, noise {arguments.noise:g}",
                _references(recorded, folds),
            )


def _recorded(outcomes: Outcomes, encoder: Encoder) -> Recorded:
    with progress() as bar:
        queries = embedded(outcomes.queries, encoder, home=read_settings().make_home(), bar=bar)
    training = Training(queries=queries, scores=outcomes.scores, domains=outcomes.domains)
    return Recorded(training=training, costs=outcomes.costs, models=outcomes.models)


def _references(recorded: Recorded, folds: Folds) -> HeldOut:
    held_out = HeldOut.empty(recorded)
    for kept, rows in folds:
        held_out.references(recorded.take(kept), rows)
    return held_out


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--pairs", type=int, default=8000, metavar="N", help="of a half, at most")
    parser.add_argument("--noise", type=float, default=0.3)
    _main(parser.parse_args())
