"""What evidence shows before anything is corrected; it corrects nothing.

How far each kind of word is off for all models, which models changed, and which sources stand alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.routing.drift import change_points
from graphs.routing.feedback import FeedbackRules, Kind, Pieces

__all__ = ["Change", "Findings", "find", "limited"]

Vector = NDArray[np.float64]
_LEAST_VARIANCE = 0.04
_DEVIATION = 0.45
"""Of one reward, as the detector counts: that of the best models is smaller, but what habits add is not known."""
_OVERDISPERSION = 1.3
"""Users differ in what they ask, so that their means vary by more than chance."""
_OFFSET_PRIOR = 20.0
_FIRST = 100
"""Pieces of each kind from which it is read off how its rewards lie before a change is looked for."""
_HEARD = 4.0
"""What a source counts for at most, in thumbs, when it is asked how sure a change is."""
_LOOKS = 16
"""Moments since a change at which it is asked whether sources were sure of it."""
_LARGEST_OFFSET = 0.3
_FEWEST = 3
"""Pieces of one source on one model before it can be called suspicious."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A model that is not what it was."""

    model: int
    row: int
    """The first piece after the change."""
    day: float
    sources: int
    """How many have spoken since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found in n pieces of s sources on m models."""

    offset: Vector
    """By how much each kind's rewards lie above the predictions for all models, (kinds,)."""
    trust: Vector
    """What each source counts for, 0 to 1, (s,)."""
    outlying: Vector
    """How many standard errors each source is from the others, on the model where it is furthest, (s,)."""
    furthest: NDArray[np.intp]
    """That model, (s,)."""
    changes: tuple[Change, ...]
    """The latest change of each model that changed."""


def find(pieces: Pieces, rules: FeedbackRules) -> Findings:
    """Return what `pieces` show; sources that stand alone have no part in what is said of models."""
    even = np.ones(len(pieces.sources))
    weight = limited(pieces, even, rules)
    # How users judge is read off the first pieces, since a change of a model that serves most would pass for a habit.
    offset = _offset(pieces, weight * (_ranks(pieces.kind) < _FIRST))
    changes = _changes(pieces, weight, offset, rules)
    outlying, furthest = _outlying(pieces, weight, offset, changes)
    with np.errstate(divide="ignore"):
        trust = np.minimum(1.0, (rules.tolerated / np.abs(outlying)) ** 2)
    trust[np.abs(outlying) > rules.suspicious] = 0.0
    weight = limited(pieces, trust, rules)
    changes = _changes(pieces, weight, offset, rules)
    # A model that changed is no measure of how users judge: what came after is left out.
    offset = _offset(pieces, weight * (_segments(pieces, changes) == 0))
    changes = _changes(pieces, weight, offset, rules)
    return Findings(
        offset=offset,
        trust=trust,
        outlying=outlying,
        furthest=furthest,
        changes=tuple(_latest(pieces, changes)),
    )


def limited(pieces: Pieces, trust: Vector, rules: FeedbackRules) -> Vector:
    """Return the weight of each piece, (n,), so that no source counts more in a day than it may.

    A table of grades comes in one day: it is bounded for each model by itself, and not by how many others it is of.
    """
    weight = pieces.weight * trust[pieces.source]
    if not len(pieces):
        return weight
    graded = pieces.kind == list(Kind).index(Kind.GRADER)
    each = np.where(graded, pieces.model, -1)
    _, group = np.unique(
        np.column_stack([pieces.source, np.floor(pieces.day).astype(np.intp), each]),
        axis=0,
        return_inverse=True,
    )
    group = group.ravel()
    total = np.bincount(group, weights=weight)
    share: Vector = np.minimum(1.0, rules.daily / np.maximum(total, 1e-12))
    return weight * share[group]


def _segments(pieces: Pieces, changes: list[tuple[int, int]]) -> NDArray[np.intp]:
    """Return for each piece how often its model had changed before it, (n,)."""
    number = np.zeros(len(pieces), np.intp)
    for model, row in changes:
        number[row:] += pieces.model[row:] == model
    return number


def _ranks(kind: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return for each piece how many of its kind came before it, (n,)."""
    rank = np.zeros(len(kind), np.intp)
    for number in range(len(Kind)):
        rows = kind == number
        rank[rows] = np.arange(rows.sum())
    return rank


def _offset(pieces: Pieces, weight: Vector) -> Vector:
    """Return the mean residual of each kind, shrunk to 0."""
    size = np.bincount(pieces.kind, weights=weight, minlength=len(Kind))
    total = np.bincount(pieces.kind, weights=weight * pieces.residual, minlength=len(Kind))
    offset: Vector = np.clip(total / (size + _OFFSET_PRIOR), -_LARGEST_OFFSET, _LARGEST_OFFSET)
    return offset


def _changes(
    pieces: Pieces, weight: Vector, offset: Vector, rules: FeedbackRules
) -> list[tuple[int, int]]:
    """Return (model, row) of every change."""
    expected = np.clip(pieces.predicted + offset[pieces.kind], 0, 1)
    found = []
    for model in range(len(pieces.models)):
        rows = np.flatnonzero(pieces.model == model)
        residual = (pieces.reward[rows] - expected[rows]) / _DEVIATION
        points = change_points(
            residual, weight[rows], slack=rules.drift_slack, alarm=rules.drift_alarm
        )
        ends = [*points[1:], len(rows)]
        before = 0.0
        for point, end in zip(points, ends, strict=False):
            said = slice(point, end)
            step = _step(
                _DEVIATION * residual[said] - before,
                weight[rows][said],
                pieces.source[rows][said],
                rules,
            )
            if step:
                found.append((model, int(rows[point])))
                before += step
    return found


def _step(
    residual: Vector, weight: Vector, source: NDArray[np.intp], rules: FeedbackRules
) -> float:
    """Return by how much a model changed as sources agree on it; 0 if they do not.

    Once they were sure, half of that keeps it: a model that changed is hardly served, and little is said of it.
    """
    step, certainty = _agreed(residual, weight, source, rules)
    if abs(step) < rules.least_change or certainty < rules.sure / 2:
        return 0.0
    ends = np.linspace(0, len(residual), _LOOKS + 1).astype(int)[:0:-1]
    certain = (_agreed(residual[:end], weight[:end], source[:end], rules)[1] for end in ends)
    return step if any(c >= rules.sure for c in certain) else 0.0


def _agreed(
    residual: Vector, weight: Vector, source: NDArray[np.intp], rules: FeedbackRules
) -> tuple[float, float]:
    """Return the mean residual of sources without those that say the most of it, and how many standard errors it is.

    Each has a voice; 0 and 0 if few are left.
    """
    total = np.bincount(source, weights=weight)
    heard = total > 0
    mean = np.bincount(source, weights=weight * residual)[heard] / total[heard]
    voice = np.minimum(total[heard], 1.0)
    left_out = int(np.ceil(rules.left_out * len(mean)))
    if len(mean) - left_out < rules.confirming_sources:
        return 0.0, 0.0
    direction = np.sign(np.average(mean, weights=voice))
    order = np.argsort(-direction * mean, kind="stable")[left_out:]
    kept = float(np.average(mean[order], weights=voice[order]))
    error = _DEVIATION / np.sqrt(np.minimum(total[heard][order], _HEARD).sum())
    return (kept, float(abs(kept) / error)) if kept * direction > 0 else (0.0, 0.0)


def _latest(pieces: Pieces, changes: list[tuple[int, int]]) -> list[Change]:
    latest = {model: row for model, row in sorted(changes, key=lambda pair: pair[1])}
    return [
        Change(
            model=model,
            row=row,
            day=float(pieces.day[row]),
            sources=len(set(pieces.source[row:][pieces.model[row:] == model].tolist())),
        )
        for model, row in sorted(latest.items())
    ]


def _outlying(
    pieces: Pieces, weight: Vector, offset: Vector, changes: list[tuple[int, int]]
) -> tuple[Vector, NDArray[np.intp]]:
    """Return how far each source is from all others on one model, and on which."""
    m, s = len(pieces.models), len(pieces.sources)
    segment = _segments(pieces, changes)
    group = segment * m + pieces.model  # a model before and after a change is two models here
    groups = int(group.max(initial=0)) + 1
    residual = pieces.residual - offset[pieces.kind]
    cell = pieces.source * groups + group
    own = np.bincount(cell, weights=weight, minlength=s * groups).reshape(s, groups)
    total = np.bincount(cell, weights=weight * residual, minlength=s * groups).reshape(s, groups)
    # A voice for each source, however much it says: who speaks most does not make the consensus.
    voice = np.minimum(own, 1.0)
    said = voice * total / np.maximum(own, 1e-9)
    others = (voice.sum(axis=0) - voice)[pieces.source, group]
    consensus = (said.sum(axis=0) - said)[pieces.source, group] / np.maximum(others, 1e-9)
    expected = np.clip(pieces.predicted + offset[pieces.kind] + consensus, 0, 1)
    spread = np.maximum(expected * (1 - expected), _LEAST_VARIANCE)
    model_cell = pieces.source * m + pieces.model
    known = np.where(others >= _FEWEST, weight, 0.0)  # who speaks alone is not outvoted
    shape = {"minlength": s * m}
    gap = np.bincount(model_cell, weights=known * (residual - consensus), **shape)
    chance = np.bincount(model_cell, weights=known**2 * spread, **shape)
    spoken = np.bincount(model_cell, weights=known, **shape)
    error = np.sqrt(_OVERDISPERSION * np.maximum(chance, 1e-9))
    z = np.where(spoken >= _FEWEST, gap / error, 0.0).reshape(s, m)
    furthest = np.abs(z).argmax(axis=1) if s else np.zeros(0, np.intp)
    return z[np.arange(s), furthest], furthest
