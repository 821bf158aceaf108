"""From evidence to shifts of the predicted quality, by model and region; all shrink to 0 where there is little.

In each region a model's shift is a weighted mean of its residuals, those of other regions at a discount, over the
evidence and a constant mass of evidence for "as predicted". That mass bounds what one source can move, and a shift that
a small share of false evidence could cause is not acted on. It looks for no change and no poison: `findings` does.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.routing.feedback import CAPS, FeedbackRules, Kind, Pieces
from graphs.routing.findings import Findings, limited

__all__ = ["Corrections", "correct"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
_FIRST_TO_LAST = [
    list(Kind).index(kind)
    for kind in (Kind.THUMB, Kind.GRADER, Kind.EDIT, Kind.ESCALATION, Kind.REASK)
]
"""Which kinds fill the share of a source first."""
_VARIANCE = 0.2
"""Of one reward; that of a right or wrong at 0.72."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrections:
    """By g regions and m models."""

    models: tuple[str, ...]
    shift: Matrix
    """What is added to a predicted quality, (g, m)."""
    reviewed: Matrix
    """What would be added if somebody had looked at it: without cap and threshold, (g, m)."""
    belief: Matrix
    """The likeliest shift whatever the caps say, (g, m): what exploration goes by."""
    deviation: Matrix
    """How far off that may be, one standard deviation, (g, m)."""
    unrest: bool
    """Whether a model changed of late."""
    counted: Matrix
    """The evidence that was counted, in thumbs, (g, m)."""
    sources: NDArray[np.intp]
    """How many sources it is from, (m,)."""
    cap: Vector
    """The largest shift that each model could have, (m,)."""


def correct(
    pieces: Pieces, findings: Findings, *, regions: int, today: float, rules: FeedbackRules
) -> Corrections:
    """Return the corrections.

    Args:
        pieces: the evidence.
        findings: what was found in it.
        regions: how many there are.
        today: in days since 1970; evidence counts less the older it is.
        rules: how far it may go.
    """
    m = len(pieces.models)
    weight = _weights(pieces, findings, today=today, rules=rules)
    residual = np.clip(pieces.residual - findings.offset[pieces.kind], -1, 1)
    views = [_view(pieces, weight, residual, region, rules) for region in range(regions)]
    masses, by_kind = np.array([v[0] for v in views]), np.array([v[1] for v in views])
    near, sums = masses.sum(axis=1), by_kind.sum(axis=1)
    mean = sums / (near + rules.prior_mass)
    cap = _caps(findings, m, rules)
    bounded = _bounded(masses, by_kind, cap / rules.cap, rules)
    ignored = np.where(cap > rules.cap, 0, rules.ignored)
    shift = np.sign(bounded) * np.maximum(np.abs(bounded) - ignored, 0)
    unrest = any(len(pieces) - change.row < rules.unrest for change in findings.changes)
    width = rules.changed_deviation if unrest else rules.prior_deviation
    doubt = _VARIANCE / width**2
    return Corrections(
        models=pieces.models,
        shift=np.clip(shift, -cap, cap),
        reviewed=mean,
        belief=sums / (near + doubt),
        deviation=np.sqrt(_VARIANCE / (near + doubt)),
        unrest=unrest,
        counted=near,
        sources=np.array([len(set(pieces.source[pieces.model == c].tolist())) for c in range(m)]),
        cap=cap,
    )


def _weights(pieces: Pieces, findings: Findings, *, today: float, rules: FeedbackRules) -> Vector:
    """Return what each piece counts before the limits of a source, (n,): by kind, age, and changes since."""
    age = np.maximum(today - pieces.day, 0) / rules.half_life_days
    weight = limited(pieces, findings.trust, rules) * 0.5**age
    for change in findings.changes:
        before = (pieces.model == change.model) & (np.arange(len(pieces)) < change.row)
        weight[before] *= rules.before_change
    return weight


def _view(
    pieces: Pieces, weight: Vector, residual: Vector, region: int, rules: FeedbackRules
) -> tuple[Matrix, Matrix]:
    """Return mass and sum of the evidence by kind as a region sees it, (kinds, m) each, no source beyond its share.

    What a source said outright comes first in its share: what is inferred of it takes nothing from that.
    """
    m, s, kinds = len(pieces.models), len(pieces.sources), len(Kind)
    seen = weight * np.where(pieces.region == region, 1.0, rules.elsewhere)
    cell = pieces.source * m + pieces.model
    place = pieces.kind * s * m + cell
    total = np.bincount(place, weights=seen, minlength=kinds * s * m).reshape(kinds, s * m)
    left = _shares(pieces, rules)
    share = np.empty_like(total)
    for kind in _FIRST_TO_LAST:
        taken = np.minimum(total[kind], left)
        share[kind] = taken / np.maximum(total[kind], 1e-12)
        left = left - taken
    seen = seen * share.ravel()[place]
    column, shape = pieces.kind * m + pieces.model, {"minlength": kinds * m}
    mass = np.bincount(column, weights=seen, **shape).reshape(kinds, m)
    sums = np.bincount(column, weights=seen * residual, **shape).reshape(kinds, m)
    return mass.astype(np.float64), sums.astype(np.float64)


def _bounded(masses: Matrix, sums: Matrix, times: Vector, rules: FeedbackRules) -> Matrix:
    """Return the shift that all kinds come to, (g, m), none of those that are inferred beyond its cap.

    Args:
        masses: of the evidence by kind, (g, kinds, m).
        sums: of the residuals, (g, kinds, m).
        times: by how much the caps of each model have grown, (m,).
        rules: how far evidence may go.
    """
    kinds = list(Kind)
    outright = [at for at, kind in enumerate(kinds) if kind not in CAPS]
    found: Matrix = sums[:, outright].sum(axis=1) / (
        masses[:, outright].sum(axis=1) + rules.prior_mass
    )
    for kind, most in CAPS.items():
        at = kinds.index(kind)
        shift = sums[:, at] / (masses[:, at] + rules.prior_mass)
        found = found + np.clip(shift, -most * times, most * times)
    return found


def _shares(pieces: Pieces, rules: FeedbackRules) -> Vector:
    """Return the most that each source may count for each model, (s * m,)."""
    share = np.full(len(pieces.sources), rules.per_source)
    share[pieces.source[pieces.kind == list(Kind).index(Kind.GRADER)]] = rules.per_grader
    return np.repeat(share, len(pieces.models))


def _caps(findings: Findings, models: int, rules: FeedbackRules) -> Vector:
    caps = np.full(models, rules.cap)
    for change in findings.changes:
        caps[change.model] = rules.changed_cap
    return caps
