"""What a cascade gains over routing: fitted on some rows of recorded answers, run on the others.

Beside it stand what it has to beat (the best single model, routing alone, a fixed cascade that asks two cheap models
and a third where they differ, its three models chosen where it is fitted) and what it is made of, one part left out.
IES(q) = [alpha Q(q) + (1 - alpha) R(q)] / C (arXiv 2506.06579) with alpha = 1/2, Q the score, R = 1 / calls (calls
follow each other, so that stands for time) and C the cost relative to the best single model's; its mean over a setting
is [alpha mean Q + (1 - alpha) mean R] / mean C.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.evaluate.held_out import Recorded, text_splits
from app.evaluate.metrics import area, cost_at, score_within
from app.profile.embedding import embedded, progress
from app.settings import read_settings
from benchmarks.report import print_table
from graphs.routing.cascade import DEPTHS, Cascade, Heard, normal_answer, price_of_preference, run
from graphs.routing.choice import rank_rows
from graphs.routing.costs import CostModel
from graphs.routing.encoder import make_encoder
from graphs.routing.estimators.base import Training
from graphs.routing.estimators.combined import Combined
from graphs.routing.joint import Joint
from graphs.routing.joint_fit import fit_joint
from graphs.routing.outcomes import Answers, Outcomes

Matrix = NDArray[np.float64]
PREFERENCES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
ALPHA = 0.5
_STEP = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a fold is scored on, with what was expected of it, (n, m) each, and what was known where it was fitted."""

    scores: Matrix
    costs: Matrix
    answers: Answers
    quality: Matrix
    expected_cost: Matrix
    joint: Joint
    everyone: Joint
    """The same of all models, not only of those that are worth calling."""
    seen: Outcomes

    @property
    def best(self) -> int:
        """The column of the model that was best where it was fitted."""
        return int(self.seen.scores.mean(axis=0).argmax())


Points = Matrix
"""Score, cost and calls of each query at each setting, (3, settings, n); of calls at once, the waits."""
Method = Callable[[Held], Points]


def single(held: Held) -> Points:
    """The model that was best where it was fitted."""
    found: Points = np.stack(
        [held.scores[:, held.best], held.costs[:, held.best], np.ones(len(held.scores))]
    )
    return found[:, None]


def routing(held: Held) -> Points:
    """One call for each query, by `choice`."""
    picks = np.array(
        [
            [rank_rows(q, c, p)[0] for q, c in zip(held.quality, held.expected_cost, strict=True)]
            for p in PREFERENCES
        ]
    )
    rows = np.arange(len(held.scores))
    return np.stack([held.scores[rows, picks], held.costs[rows, picks], np.ones(picks.shape)])


def fixed(held: Held) -> Points:
    """Two cheap models; the best single one where they differ. The pair is the cheapest that keeps the best score."""
    known = held.seen
    means = known.scores.mean(axis=0)[held.best], known.costs.mean(axis=0)[held.best]
    tried = []
    cheaper = np.flatnonzero(known.costs.mean(axis=0) < means[1]).tolist()
    for pair in combinations(cheaper, 2):
        assert known.answers is not None
        score, cost, _ = _agreeing(known.scores, known.costs, known.answers, pair, held.best)
        tried.append((score.mean() < means[0], cost.mean(), pair))
    pair = min(tried)[2]
    return np.stack(_agreeing(held.scores, held.costs, held.answers, pair, held.best))[:, None]


def _agreeing(
    scores: Matrix, costs: Matrix, answers: Answers, pair: tuple[int, int], best: int
) -> tuple[Matrix, Matrix, Matrix]:
    first, second = pair
    same = (answers[:, first] == answers[:, second]) & (answers[:, first] != "")
    asked = costs[:, first] + costs[:, second]
    return (
        np.where(same, scores[:, first], scores[:, best]),
        np.where(same, asked, asked + costs[:, best]),
        np.where(same, 2.0, 3.0),
    )


def cascade(
    known: Callable[[Held], Joint] = lambda held: held.joint, depths: tuple[int, int] = DEPTHS
) -> Method:
    """MoMA's cascade, with a part of what it knows changed."""
    prices = np.array([price_of_preference(p) for p in PREFERENCES])

    def points(held: Held) -> Points:
        joint, n = known(held), len(held.scores)
        columns = _columns(joint, held)
        found = np.empty((3, len(prices), n))
        for start in range(0, n, _STEP):
            rows = np.repeat(np.arange(start, min(start + _STEP, n)), len(prices))
            settings = np.tile(np.arange(len(prices)), len(rows) // len(prices))

            def ask(place: int, column: int, rows: NDArray[np.intp] = rows) -> str:
                return str(held.answers[rows[place], columns[column]])

            courses = run(
                joint,
                held.quality[np.ix_(rows, columns)],
                held.expected_cost[np.ix_(rows, columns)],
                prices[settings],
                ask,
                depths=depths,
            )
            for row, setting, course in zip(rows, settings, courses, strict=True):
                called = columns[list(course.called)]
                score, paid = held.scores[row, columns[course.chosen]], held.costs[row, called]
                found[:, setting, row] = score, paid.sum(), len(called)
        return found

    return points


def _columns(joint: Joint, held: Held) -> NDArray[np.intp]:
    return np.array([held.seen.models.index(model) for model in joint.models])


def at_once(held: Held) -> Points:
    """The cascade with a second call that is made whatever the first one says made beside it; the waits are counted."""
    joint = held.joint
    columns = _columns(joint, held)
    prices = np.array([price_of_preference(p) for p in PREFERENCES])
    found = np.empty((3, len(PREFERENCES), len(held.scores)))
    for row in range(len(held.scores)):
        rows = np.full(len(prices), row)
        inputs = (held.quality[np.ix_(rows, columns)], held.expected_cost[np.ix_(rows, columns)])
        cascade = Cascade(joint, *inputs, prices)
        first, beside = cascade.calls(), cascade.anyway()
        seconds = dict(zip(cascade.rows.tolist(), beside.tolist(), strict=True))
        while len(first):
            said = held.answers[row, columns[first]]
            cascade.hear([Heard(normal_answer(answer)) for answer in said])
            first = cascade.calls()
        for setting in range(len(prices)):
            course, second = cascade.ended[setting], seconds[setting]
            waits = len(course.called) - (second >= 0 and second in course.called[1:2])
            called = columns[[*course.called, *({second} - {-1, *course.called})]]
            score, paid = held.scores[row, columns[course.chosen]], held.costs[row, called]
            found[:, setting, row] = score, paid.sum(), waits
    return found


def independent(held: Held) -> Joint:
    """Take models to err independently of each other, given what was predicted."""
    joint = held.joint
    return replace(joint, loading=np.zeros_like(joint.loading))


def alike(held: Held) -> Joint:
    """Take all pairs of models to be as alike in their mistakes as pairs are on average."""
    joint = held.joint
    others = ~np.eye(len(joint.models), dtype=bool)
    return replace(joint, likeness=np.where(others, joint.likeness[others].mean(), 0.0))


METHODS: dict[str, Method] = {
    "best single model": single,
    "fixed cascade, two cheap ones and the best": fixed,
    "routing alone": routing,
    "cascade": cascade(),
    "cascade, errors independent": cascade(independent),
    "cascade, all pairs equally alike": cascade(alike),
    "cascade, every model may be called": cascade(lambda held: held.everyone),
    "cascade, one call less looked ahead": cascade(depths=(2, 1)),
    "cascade, a second that is called anyway at once": at_once,
}


def _folds(outcomes: Outcomes, recorded: Recorded, folds: int) -> Iterator[Held]:
    assert outcomes.answers is not None
    training = recorded.training
    for fitted, rows in text_splits(recorded, folds, seed=1):
        seen = replace(
            outcomes,
            scores=outcomes.scores[fitted],
            costs=outcomes.costs[fitted],
            answers=outcomes.answers[fitted],
        )
        estimator, held_out = Combined.fit_held_out(training.take(fitted), seen.costs)
        joint = partial(fit_joint, held_out.mean, seen.scores, seen.costs, outcomes.answers[fitted])
        queries = training.queries.take(rows)
        costs = CostModel.fit(training.queries.take(fitted), seen.costs)
        yield Held(
            scores=outcomes.scores[rows],
            costs=outcomes.costs[rows],
            answers=outcomes.answers[rows],
            quality=estimator.predict(queries).mean,
            expected_cost=costs.predict(queries),
            joint=joint(outcomes.models),
            everyone=joint(outcomes.models, behind=np.inf),
            seen=seen,
        )


def _row(name: str, points: Points, best: Points, cheapest: tuple[float, float]) -> list[str]:
    score, cost, calls = points.mean(axis=2)
    aim, whole = best[0].mean(), float(best[1].mean())
    at = cost_at(cost, score, aim)
    within = [score_within(cost, score, share * whole) for share in (0.1, 0.25, 0.5)]
    pace = (1 / points[2]).mean(axis=1)
    ies = ((ALPHA * score + (1 - ALPHA) * pace) / (cost / whole)).tolist()
    reached = int(np.flatnonzero(cost == at)[0]) if at is not None else int(score.argmax())
    return [
        name,
        f"{score.max():.3f}",
        "not reached" if at is None else f"{at / whole:.2f}",
        *("" if value is None else f"{value:.3f}" for value in within),
        f"{area(cost, score, cheapest=cheapest, until=whole):.3f}",
        f"{calls[reached]:.2f}",
        f"{ies[reached]:.2f}",
    ]


def _main(paths: list[Path], folds: int, names: list[str]) -> None:
    settings = read_settings()
    encoder = make_encoder(settings.encoder)
    for path in paths:
        outcomes = Outcomes.from_files([path])
        if outcomes.answers is None:
            raise SystemExit(f"{path.name}: no answers are recorded for every model")
        with progress() as bar:
            queries = embedded(outcomes.queries, encoder, home=settings.make_home(), bar=bar)
        training = Training(queries=queries, scores=outcomes.scores, domains=outcomes.domains)
        recorded = Recorded(training=training, costs=outcomes.costs, models=outcomes.models)
        held = list(_folds(outcomes, recorded, folds))
        best = np.concatenate([single(fold) for fold in held], axis=2)
        low = int(outcomes.costs.mean(axis=0).argmin())
        cheapest = (float(outcomes.costs[:, low].mean()), float(outcomes.scores[:, low].mean()))
        rows = []
        for name in names:
            points = np.concatenate([METHODS[name](fold) for fold in held], axis=2)
            rows.append(_row(name, points, best, cheapest))
        print_table(
            f"{path.stem}, {len(outcomes):,} queries, {len(outcomes.models)} models, {folds} folds",
            [
                "method", "highest score", "cost at best", "score at .10", ".25", ".50", "area",
                "calls there", "IES there",
            ],
            rows,
        )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("outcomes", type=Path, nargs="+", help="Parquet tables with answers")
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=list(METHODS), default=list(METHODS))
    arguments = parser.parse_args()
    _main(arguments.outcomes, arguments.folds, arguments.only)
