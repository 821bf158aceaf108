"""How much the scale of prices in the choice matters: the same predictions, chosen from by six rules.

Beside each rule's area (the mean score over costs up to the best single model's) stands that of the rule that maximises
the mean score for a mean cost, quality less a constant times the price, which no constant anchor can follow in every
pool. `--times 1000` makes every query so many times as dear, as if it were a run of an agent.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.evaluate.held_out import Recorded, cross_validated
from app.evaluate.metrics import area
from app.profile.embedding import embedded, progress
from app.settings import read_settings
from benchmarks.report import print_table
from graphs.routing.choice import closeness
from graphs.routing.encoder import make_encoder
from graphs.routing.estimators.base import Training
from graphs.routing.estimators.combined import Combined
from graphs.routing.outcomes import Outcomes

Matrix = NDArray[np.float64]
PREFERENCES = np.linspace(0, 1, 201)[1:]


def topsis(quality: Matrix, price: Matrix, preference: float) -> Matrix:
    """Return the closeness at equal weights of quality and a price that is scaled to 0..1 already."""
    to_ideal = np.hypot(preference * (1 - quality), (1 - preference) * price)
    to_worst = np.hypot(preference * quality, (1 - preference) * (1 - price))
    near: Matrix = to_worst / (to_ideal + to_worst)
    return near


def logarithm(cost: Matrix) -> Matrix:
    """Return prices from 1e-6 to 1 USD on a logarithmic scale, 0 to 1."""
    scaled: Matrix = np.clip(np.log(np.maximum(cost, 1e-6) / 1e-6) / np.log(1e6), 0, 1)
    return scaled


RULES: dict[str, Callable[[Matrix, Matrix], list[Matrix]]] = {
    "TOPSIS, logarithm of the price": lambda q, c: [
        topsis(q, logarithm(c), p) for p in PREFERENCES
    ],
    "TOPSIS, price to the power 0.35": lambda q, c: [
        topsis(q, np.minimum(c, 1) ** 0.35, p) for p in PREFERENCES
    ],
    "TOPSIS, square root of the price, no end (MoMA)": lambda q, c: [
        closeness(q, c, p) for p in PREFERENCES
    ],
    "TOPSIS, square root of the price, up to a dollar": lambda q, c: [
        topsis(q, np.sqrt(np.minimum(c, 1)), p) for p in PREFERENCES
    ],
    "TOPSIS, price to the power 0.7": lambda q, c: [
        topsis(q, np.minimum(c, 1) ** 0.7, p) for p in PREFERENCES
    ],
    "quality less a constant times the price": lambda q, c: [
        q - x * c for x in np.append(np.geomspace(1e5, 1e-2, 200), 0)
    ],
}


def _areas(recorded: Recorded) -> list[float]:
    """Return the area of each rule, averaged over two repeats of two folds."""
    fits = {"combined": Combined.fit}
    found = []
    for held_out in cross_validated(
        recorded, folds=2, repeats=2, say=lambda _: None, estimators=fits
    ):
        quality = np.clip(held_out.estimates["combined"].mean, 0, 1)
        scores, costs = recorded.training.scores, recorded.costs
        rows = np.arange(len(scores))
        until = costs[rows, held_out.best].mean()
        least = costs.mean(axis=0).argmin()
        cheapest = (float(costs[:, least].mean()), float(scores[:, least].mean()))
        one = []
        for rule in RULES.values():
            chosen = [wish.argmax(axis=1) for wish in rule(quality, held_out.costs)]
            paid = np.array([costs[rows, picks].mean() for picks in chosen])
            got = np.array([scores[rows, picks].mean() for picks in chosen])
            one.append(area(paid, got, cheapest=cheapest, until=float(until)))
        found.append(one)
    mean: list[float] = np.mean(found, axis=0).tolist()
    return mean


def _main(paths: list[Path], times: float) -> None:
    settings = read_settings()
    encoder = make_encoder(settings.encoder)
    columns = []
    for path in paths:
        outcomes = Outcomes.from_files([path])
        with progress() as bar:
            queries = embedded(outcomes.queries, encoder, home=settings.make_home(), bar=bar)
        training = Training(queries=queries, scores=outcomes.scores, domains=outcomes.domains)
        recorded = Recorded(training=training, costs=times * outcomes.costs, models=outcomes.models)
        columns.append(_areas(recorded))
    rows = [
        [name, *(f"{column[place]:.4f}" for column in columns)] for place, name in enumerate(RULES)
    ]
    print_table("Area by rule of choice", ["rule", *(path.stem for path in paths)], rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("outcomes", type=Path, nargs="+", help="Parquet tables of outcomes")
    parser.add_argument("--times", type=float, default=1.0, help="multiply every cost (default: 1)")
    arguments = parser.parse_args()
    _main(arguments.outcomes, arguments.times)
