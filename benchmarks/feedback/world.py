"""A recorded table as a world of turns: a profile is fitted on one half, the other is asked, some models change."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.profile.embedding import embedded, progress
from app.settings import read_settings
from graphs.routing.choice import closeness
from graphs.routing.costs import CostModel
from graphs.routing.encoder import make_encoder
from graphs.routing.estimators.base import Training
from graphs.routing.estimators.combined import Combined
from graphs.routing.outcomes import Outcomes

Matrix = NDArray[np.float64]
CHANGED = 0.2
"""The share of models that change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with its queries embedded."""

    outcomes: Outcomes
    training: Training

    @classmethod
    def read(cls, path: Path) -> "Table":
        """Read a Parquet table and embed its queries."""
        settings = read_settings()
        outcomes = Outcomes.from_files([path])
        with progress() as bar:
            queries = embedded(
                outcomes.queries, make_encoder(settings.encoder), home=settings.make_home(), bar=bar
            )
        training = Training(queries=queries, scores=outcomes.scores, domains=outcomes.domains)
        return cls(outcomes=outcomes, training=training)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """n queries that may be asked, m models, g domains."""

    models: tuple[str, ...]
    predicted: Matrix
    """By the profile, (n, m)."""
    refitted: Matrix
    """By a profile fitted on the changed scores, (n, m)."""
    prices: Matrix
    """Predicted, (n, m)."""
    paid: Matrix
    """Recorded, (n, m)."""
    domains: Matrix
    """How probable each is, (n, g)."""
    before: Matrix
    """The recorded scores, (n, m)."""
    after: Matrix
    """The same with some models changed, (n, m)."""
    preference: float

    def choose(self, quality: Matrix) -> NDArray[np.intp]:
        """Return the choice for each query, (n,)."""
        chosen: NDArray[np.intp] = closeness(quality, self.prices, self.preference).argmax(axis=1)
        return chosen

    def regret(self, chosen: NDArray[np.intp], *, changed: bool) -> float:
        """Return the mean loss of closeness against the best model for each query in hindsight."""
        scores = self.after if changed else self.before
        worth = closeness(scores, self.paid, self.preference)
        return float((worth.max(axis=1) - worth[np.arange(len(worth)), chosen]).mean())


def worlds(
    table: Table, *, seed: int, changes: tuple[str, ...], preferences: tuple[float, ...]
) -> dict[tuple[str, float], World]:
    """Return the worlds of one split of a table, by kind of change and preference.

    The model that serves most is among those that change. `degrade`: half of their answers become wrong; `swap`: their
    scores go round among them.
    """
    chance = np.random.default_rng(seed)
    order = chance.permutation(len(table.training))
    half = len(order) // 2
    fit, asked = np.sort(order[:half]), np.sort(order[half:])
    scores, costs = table.training.scores, table.outcomes.costs
    profile = Combined.fit(table.training.take(fit), costs[fit])
    queries = table.training.queries.take(asked)
    predicted = profile.predict(queries).mean
    prices = CostModel.fit(table.training.queries.take(fit), costs[fit]).predict(queries)
    domains = profile.domains.reader.read(queries)
    others = chance.permutation(scores.shape[1])
    wrong = chance.random(scores.shape) < 0.5
    refits: dict[bytes, Matrix] = {}
    found = {}
    for change in changes:
        for preference in preferences:
            uses = closeness(predicted, prices, preference).argmax(axis=1)
            changed = _changed(scores, wrong, change, int(np.bincount(uses).argmax()), others)
            if (key := changed.tobytes()) not in refits:
                anew = replace(table.training, scores=changed).take(fit)
                refits[key] = Combined.fit(anew, costs[fit]).predict(queries).mean
            found[change, preference] = World(
                models=table.outcomes.models,
                predicted=predicted,
                refitted=refits[key],
                prices=prices,
                paid=costs[asked],
                domains=domains,
                before=scores[asked],
                after=changed[asked],
                preference=preference,
            )
    return found


def _changed(
    scores: Matrix, wrong: NDArray[np.bool_], change: str, top: int, others: NDArray[np.intp]
) -> Matrix:
    count = max(round(CHANGED * scores.shape[1]), 2 if change == "swap" else 1)
    which = [top, *(int(c) for c in others if c != top)][:count]
    after = scores.copy()
    if change == "swap":
        after[:, which] = scores[:, np.roll(which, 1)]
    else:
        after[:, which] = np.where(wrong[:, which], 0.0, scores[:, which])
    return after
