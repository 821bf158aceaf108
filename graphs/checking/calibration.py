"""What a check's raw signal is worth: curves fitted on graded answers. It knows no text and asks no model.

The log odds that an answer is right are those of the model's predicted quality plus a line in the signal, so that the
line is what the signal adds (Platt, 1999, with the prediction as offset). Each model has a line of its own, drawn to
that of all models where it has few rows. Several checks together count by weights fitted on the same rows, since two
that say the same are not two witnesses.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.errors import RoutingError
from graphs.routing.estimators.cross_fitted import sigmoid
from graphs.routing.estimators.lbfgs import minimise
from graphs.routing.files import read_bytes, write_atomically
from graphs.routing.joint import log_odds as log_odds_of

__all__ = ["FILE", "Calibration", "Curve", "Graded", "Line", "fit_calibration"]

FILE = "checks.json"
"""Beside the files of a profile."""
_FORMAT = "checks 1"
_LARGEST = 1 << 20
_MOST = 4.0
"""The largest move in log odds, of one check and of all."""
_EDGE = 2.0
"""Standard deviations of a signal beyond which it says no more: answers of another length or form than those that were
graded lie there.
"""
_FLAT = 2.0
"""Rows' worth of a line that says nothing, to which that of all models is drawn."""
_ALIKE = 20.0
"""Rows' worth of the line of all models, to which that of each is drawn."""
_FOLDS = 5
_RIGHT = 0.5
"""From this score on a graded answer counts as right where verdicts are counted."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """A graded answer with what the checks measured on it."""

    model: str
    predicted: float
    """The model's quality on the query, predicted without the row's score."""
    score: float
    """0 to 1."""
    raw: Mapping[str, Sequence[float]]
    """The signals by check; one that is missing said nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line in a signal of d numbers: a height at the centre, then d slopes in the scaled numbers."""

    centre: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]

    def at(self, raw: Sequence[float]) -> float:
        """Return its height, within bounds.

        Raises:
            RoutingError: the signal has another number of parts than what was fitted.
        """
        if len(raw) != len(self.centre):
            raise RoutingError(
                f"a signal has {len(raw)} numbers, expected {len(self.centre)}: calibrate the checks again"
            )
        height, *slopes = self.weights
        parts = zip(raw, self.centre, self.scale, strict=True)
        scaled = [min(max((x - c) / s, -_EDGE), _EDGE) for x, c, s in parts]
        total = height + sum(w * x for w, x in zip(slopes, scaled, strict=True))
        return min(max(total, -_MOST), _MOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What one check's signal moves, in log odds."""

    line: Line
    """Of all models."""
    of: Mapping[str, Line] = field(default_factory=dict)
    """Of each model that was fitted: what a number means differs between them."""

    def log_odds(self, model: str, raw: Sequence[float]) -> float:
        """Return what the signal moves."""
        return self.of.get(model, self.line).at(raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What each check is worth, and how often checks together speak well of right and of wrong answers."""

    curves: Mapping[str, Curve]
    weights: Mapping[str, float]
    """What each check counts beside the others."""
    verdicts: Mapping[str, tuple[float, float]]
    """By model: how likely the checks' sum is positive where an answer is right, and where it is wrong."""
    rows: int
    """Of graded answers."""

    def log_odds(self, check: str, model: str, raw: Sequence[float]) -> float | None:
        """Return by how much a signal moves the log odds; None where the check was not fitted."""
        curve = self.curves.get(check)
        return None if curve is None else curve.log_odds(model, raw)

    def together(self, moved: Mapping[str, float]) -> float:
        """Return what findings, in log odds by check, come to together; one that was not fitted counts in full."""
        total = sum(self.weights.get(check, 1.0) * move for check, move in moved.items())
        return min(max(total, -_MOST), _MOST)

    def save(self, profile: Path) -> None:
        """Write it beside the files of a profile."""
        write_atomically(profile / FILE, _encoded(self))

    @classmethod
    def load(cls, profile: Path) -> "Calibration | None":
        """Read what was fitted for a profile; None where nothing was.

        Raises:
            RoutingError: the file is damaged.
        """
        path = profile / FILE
        if not path.exists():
            return None
        what = f"the profile in {profile.name!r}"
        remedy = f"fit it again with `python -m app.profile calibrate`, or remove {FILE}"
        content = read_bytes(path, limit=_LARGEST, what=what, remedy=remedy)
        try:
            found = _decoded(json.loads(content))
            if _encoded(found) != content:
                raise ValueError("another hash")
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise RoutingError(f"{what} has a damaged {FILE}: {remedy}") from error
        return found


def fit_calibration(rows: Sequence[Graded]) -> Calibration:
    """Fit the curves of all checks that have signals in `rows`.

    How often the checks speak well of answers is counted on rows that they were not fitted on: on their own rows even
    signals that say nothing seem to.
    """
    names, curves, weights = _fitted(rows)
    well = np.zeros(len(rows), bool)
    for fold in range(_FOLDS):
        others = [row for number, row in enumerate(rows) if number % _FOLDS != fold]
        found = _fitted(others) if others else (names, curves, weights)
        well[fold::_FOLDS] = _sums(rows[fold::_FOLDS], *found) > 0
    scores = np.array([row.score for row in rows], np.float64)
    return Calibration(
        curves=curves,
        weights=dict(zip(names, weights.tolist(), strict=True)),
        verdicts=_verdicts([row.model for row in rows], well, scores >= _RIGHT),
        rows=len(rows),
    )


def _fitted(rows: Sequence[Graded]) -> tuple[list[str], dict[str, Curve], Matrix]:
    """Return the checks, their curves and their weights."""
    scores = np.array([row.score for row in rows], np.float64)
    prior = log_odds_of(np.array([row.predicted for row in rows], np.float64))
    names = sorted({check for row in rows for check in row.raw})
    curves = {name: _curve(name, rows, prior, scores) for name in names}
    return names, curves, _weights(_moved(rows, names, curves), prior, scores)


def _moved(rows: Sequence[Graded], names: Sequence[str], curves: Mapping[str, Curve]) -> Matrix:
    """Return by how much each check moves the log odds of each row, (n, checks)."""
    moved = [
        [curves[n].log_odds(row.model, row.raw[n]) if n in row.raw else 0.0 for n in names]
        for row in rows
    ]
    return np.array(moved, np.float64).reshape(len(rows), len(names))


def _sums(
    rows: Sequence[Graded], names: Sequence[str], curves: Mapping[str, Curve], weights: Matrix
) -> Matrix:
    total: Matrix = _moved(rows, names, curves) @ weights
    return total


def _curve(name: str, rows: Sequence[Graded], prior: Matrix, scores: Matrix) -> Curve:
    has = np.array([name in row.raw for row in rows])
    models = np.array([row.model for row in rows if name in row.raw])
    raw = np.array([row.raw[name] for row in rows if name in row.raw], np.float64)
    offset, y = prior[has], scores[has]
    frames = {model: _frame(raw[models == model], raw) for model in sorted(set(models.tolist()))}
    x = np.ones((len(raw), raw.shape[1] + 1))
    for model, (centre, scale) in frames.items():
        mine = models == model
        x[mine, 1:] = np.clip((raw[mine] - centre) / scale, -_EDGE, _EDGE)
    shared = _line(x, offset, y, start=np.zeros(x.shape[1]), mass=_FLAT)
    of = {}
    for model, frame in frames.items():
        mine = models == model
        line = _line(x[mine], offset[mine], y[mine], start=shared, mass=_ALIKE)
        of[model] = _as_line(frame, line)
    return Curve(line=_as_line(_frame(raw, raw), shared), of=of)


def _frame(own: Matrix, of_all: Matrix) -> tuple[Matrix, Matrix]:
    """Return centre and scale of a model's signals, those of all where it has few."""
    rows = own if len(own) >= _ALIKE else of_all
    return rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)


def _as_line(frame: tuple[Matrix, Matrix], weights: Matrix) -> Line:
    centre, scale = (tuple(part.tolist()) for part in frame)
    return Line(centre=centre, scale=scale, weights=tuple(weights.tolist()))


def _line(x: Matrix, offset: Matrix, y: Matrix, *, start: Matrix, mass: float) -> Matrix:
    """Return the line of greatest likelihood, drawn to `start` as by `mass` rows."""
    strength = mass / 4  # a row at even odds has a curvature of 1/4

    def loss(parameters: list[Matrix]) -> tuple[float, list[Matrix]]:
        (line,) = parameters
        logits = offset + x @ line
        apart = line - start
        value = (np.logaddexp(0, logits) - y * logits).sum() + strength * (apart**2).sum() / 2
        return float(value), [x.T @ (sigmoid(logits) - y) + strength * apart]

    return minimise(loss, [start])[0]


def _weights(moved: Matrix, prior: Matrix, scores: Matrix) -> Matrix:
    """Return what each check counts beside the others, 0 to 1."""
    if moved.shape[1] < 2:
        return np.ones(moved.shape[1])
    alone = np.ones(moved.shape[1]) / moved.shape[1]
    return np.clip(_line(moved, prior, scores, start=alone, mass=_ALIKE), 0, 1)


def _verdicts(
    models: Sequence[str], well: NDArray[np.bool_], right: NDArray[np.bool_]
) -> dict[str, tuple[float, float]]:
    """Return how often checks speak well of right and of wrong answers, by model, drawn to that of all."""
    overall = [(well[of].sum() + 1) / (of.sum() + 2) for of in (right, ~right)]
    found = {}
    for model in sorted(set(models)):
        mine = np.array([m == model for m in models])
        hit, alarm = (
            float((well[mine & of].sum() + _ALIKE * rate) / ((mine & of).sum() + _ALIKE))
            for of, rate in zip((right, ~right), overall, strict=True)
        )
        found[model] = hit, alarm
    return found


def _encoded(of: Calibration) -> bytes:
    body: dict[str, Any] = {
        "kind": _FORMAT,
        "rows": of.rows,
        "curves": {
            name: {
                "line": asdict(curve.line),
                "of": {model: asdict(line) for model, line in curve.of.items()},
            }
            for name, curve in of.curves.items()
        },
        "weights": dict(of.weights),
        "verdicts": dict(of.verdicts),
    }
    text = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    body["sha256"] = hashlib.sha256(text).hexdigest()
    return json.dumps(body, sort_keys=True, indent=1).encode() + b"\n"


def _decoded(body: Any) -> Calibration:
    if body["kind"] != _FORMAT:
        raise ValueError(body["kind"])
    return Calibration(
        curves={
            str(name): Curve(
                line=_read_line(one["line"]),
                of={str(model): _read_line(line) for model, line in one["of"].items()},
            )
            for name, one in body["curves"].items()
        },
        weights={str(name): float(weight) for name, weight in body["weights"].items()},
        verdicts={
            str(model): (float(hit), float(alarm))
            for model, (hit, alarm) in body["verdicts"].items()
        },
        rows=int(body["rows"]),
    )


def _read_line(body: Any) -> Line:
    return Line(**{part: tuple(map(float, body[part])) for part in ("centre", "scale", "weights")})
