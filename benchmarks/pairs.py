"""Whether judged pairs teach a router what one rating a model cannot: pairs simulated from recorded scores.

    python -m benchmarks.pairs FILE... [--budgets 2000 8000] [--noise 0.3 0.6] [--repeats 3]

Half of each table is for pairs, the other half is held out. A simulated judge sees the difference of two recorded
scores with logistic noise; the same opinion is written down with five outcomes (the same up to 0.25, much better from
0.75 on) and with two (the sign). Both have the same number of pairs, each model in two pairs of a query. They go
through the map of `pair_scores` and the estimator of a profile; Bradley-Terry, Elo and the map's own levels, all three
from five outcomes, give every query the same order. Models are ranked for each held-out query and held against its
recorded scores.

Not measured: a real judge, whose faults are not noise, and texts that are not like the table's.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.evaluate.measures import interval
from app.profile.comparing import pairs_of
from app.profile.embedding import embedded, progress
from app.settings import read_settings
from benchmarks.report import print_table
from graphs.routing.encoder import make_encoder
from graphs.routing.estimators.base import Rows, Training, splits
from graphs.routing.estimators.combined import Combined
from graphs.routing.outcomes import Outcomes
from graphs.routing.pair_scores import PairScale
from graphs.routing.preferences import Pairs
from graphs.routing.ratings import bradley_terry, elo

Matrix = NDArray[np.float64]
SAME, MUCH = 0.25, 0.75
FIVE, TWO = "five outcomes, trained", "two outcomes, trained"
BT, ELO, OVERALL = "Bradley-Terry", "Elo", "levels, five outcomes"
GRADED, ALL_GRADED = "recorded scores of the same queries", "recorded scores of half of the table"
METHODS = (BT, ELO, OVERALL, TWO, FIVE, GRADED, ALL_GRADED)
DRAWS = 1000


def opinions(
    scores: Matrix,
    rows: Rows,
    noise: float,
    random: np.random.Generator,
    *,
    a_query: int | None = None,
) -> tuple[Pairs, Matrix]:
    """Return the pairs that are judged on `rows`, numbered from 0, and what the judge thinks of each, (p,).

    There are `a_query` of them on each, as many as models if it is None.
    """
    names = [f"{model:04}" for model in range(scores.shape[1])]
    drawn = [
        (place, int(one), int(other), 0)
        for place, row in enumerate(rows)
        for one, other in pairs_of(names, str(row), a_query or len(names))
    ]
    pairs = Pairs.from_rows(drawn, queries=len(rows), models=len(names))
    truth = scores[rows[pairs.query], pairs.first] - scores[rows[pairs.query], pairs.second]
    return pairs, truth + noise * random.logistic(size=len(truth))


def written(pairs: Pairs, opinion: Matrix, *, five: bool) -> Pairs:
    """Return the pairs with the opinion written down."""
    cut = np.searchsorted([-MUCH, -SAME, SAME, MUCH], opinion) - 2
    margin = cut if five else np.where(opinion > 0, 2, -2)
    return Pairs(
        queries=pairs.queries,
        models=pairs.models,
        query=pairs.query,
        first=pairs.first,
        second=pairs.second,
        margin=margin.astype(np.intp),
    )


def trained(training: Training, costs: Matrix, scores: Matrix, held: Training) -> Matrix:
    """Return what a profile that is fitted on `scores` expects of the held-out queries, (n, m)."""
    fitted = Training(queries=training.queries, scores=scores, domains=training.domains)
    return Combined.fit(fitted, costs).predict(held.queries).mean


def ranked(
    training: Training, costs: Matrix, held: Training, rows: Rows, noise: float, seed: int
) -> Iterator[tuple[str, Matrix]]:  # fmt: skip
    """Yield for each method what it expects of the held-out queries, (n, m) or (m,)."""
    random = np.random.default_rng(seed)
    pairs, opinion = opinions(training.scores, rows, noise, random)
    five, two = (written(pairs, opinion, five=many) for many in (True, False))
    mine = training.take(rows)
    yield BT, bradley_terry(five, draws=0).rating
    yield ELO, elo(five, draws=1).rating
    for name, labels in ((FIVE, five), (TWO, two)):
        scale = PairScale.fit(labels)
        if name == FIVE:
            yield OVERALL, scale.level
        yield name, trained(mine, costs[rows], scale.scores(labels), held)
    yield GRADED, trained(mine, costs[rows], mine.scores, held)


def concordance(expected: Matrix, scores: Matrix) -> Matrix:
    """Return for each query the share of pairs with different scores that are ranked rightly, (n,); NaN without one."""
    n, m = scores.shape
    right, counted = np.zeros(n), np.zeros(n)
    expected = np.broadcast_to(expected, scores.shape)
    for one in range(m):
        for other in range(one):
            truth = np.sign(scores[:, one] - scores[:, other])
            said = np.sign(expected[:, one] - expected[:, other])
            right += np.abs(truth) * (1 + truth * said) / 2
            counted += np.abs(truth)
    with np.errstate(invalid="ignore"):
        share: Matrix = right / counted
    return share


def regret(expected: Matrix, scores: Matrix) -> Matrix:
    """Return for each query the best score less that of the model ranked first, (n,)."""
    first = np.broadcast_to(expected, scores.shape).argmax(axis=1)
    lost: Matrix = scores.max(axis=1) - scores[np.arange(len(scores)), first]
    return lost


def measured(values: Matrix, ours: Matrix | None = None) -> str:
    """Return the mean over queries with its 95 % interval; with `ours`, that of the difference ours - values."""
    used = values if ours is None else ours - values
    used = used[np.isfinite(used)]
    random = np.random.default_rng(0)
    draws = used[random.integers(0, len(used), (DRAWS, len(used)))].mean(axis=1)
    found = interval(draws)
    sign = "" if ours is None else "+"
    return f"{used.mean():{sign}.3f} [{found.low:{sign}.3f}, {found.high:{sign}.3f}]"


def _main(arguments: argparse.Namespace) -> None:
    settings = read_settings()
    encoder = make_encoder("onnx")
    for path in arguments.files:
        outcomes = Outcomes.from_files([path])
        with progress() as bar:
            queries = embedded(outcomes.queries, encoder, home=settings.make_home(), bar=bar)
        whole = Training(queries=queries, scores=outcomes.scores, domains=outcomes.domains)
        kept, held_rows = next(iter(splits(len(whole), 2, seed=1)))
        training, held = whole.take(kept), whole.take(held_rows)
        costs = outcomes.costs[kept]
        all_graded = trained(training, costs, training.scores, held)
        for budget in arguments.budgets:
            for noise in arguments.noise:
                _table(path, budget, noise, arguments.repeats, training, costs, held, all_graded)


def _table(
    path: Path, budget: int, noise: float, repeats: int,
    training: Training, costs: Matrix, held: Training, all_graded: Matrix,
) -> None:  # fmt: skip
    began = time.perf_counter()
    models = training.scores.shape[1]
    a_query = models if models > 2 else 1
    count = min(budget // a_query, len(training))
    found: dict[str, list[tuple[Matrix, Matrix]]] = {name: [] for name in METHODS}
    for repeat in range(repeats):
        random = np.random.default_rng(repeat)
        rows = np.sort(random.permutation(len(training))[:count])
        expected = dict(ranked(training, costs, held, rows, noise, seed=repeat))
        for name, values in {**expected, ALL_GRADED: all_graded}.items():
            found[name].append((concordance(values, held.scores), regret(values, held.scores)))
    means = {name: np.mean(parts, axis=0) for name, parts in found.items()}
    cells = [
        [
            name,
            measured(means[name][0]),
            measured(means[name][1]),
            measured(means[name][0], means[FIVE][0]) if name != FIVE else "",
            measured(means[name][1], means[FIVE][1]) if name != FIVE else "",
        ]
        for name in METHODS
    ]
    wrong = float(1 / (1 + np.exp(1 / noise)))
    print_table(
        f"{path.stem}: {count * a_query:,} pairs of {models} models on {count:,} queries, noise {noise:g} (a right "
        f"answer is taken for worse than a wrong one in {wrong:.0%}), {len(held):,} held out, {repeats} draws, "
        f"{time.perf_counter() - began:.0f} s",
        ["ranked by", "concordance", "regret of the first", "five less it: concordance", "regret"],
        cells,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--budgets", type=int, nargs="+", default=[2000, 8000])
    parser.add_argument("--noise", type=float, nargs="+", default=[0.3, 0.6])
    parser.add_argument("--repeats", type=int, default=3)
    _main(parser.parse_args())
