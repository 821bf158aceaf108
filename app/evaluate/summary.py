"""All that is measured of model routers on one set of outcomes, as plain values for the report, and the plots.

It knows no encoder and no file but the plots that it draws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from app.evaluate.calibration import calibration
from app.evaluate.compared import COMBINED, ESTIMATORS, PARTS, ZERO, FitWithCosts
from app.evaluate.curves import BEST, CHEAPEST, LABEL, MOMA, ORACLE, RANDOM, Curve, curves
from app.evaluate.held_out import HeldOut, Recorded, Said, cross_validated
from app.evaluate.left_out import known_by, left_out
from app.evaluate.measures import Measures, bootstrapped, interval, measures, paired
from app.evaluate.metrics import aiq
from app.evaluate.models_plots import (
    plot_curves,
    plot_left_out,
    plot_reliability,
    plot_strong_calls,
)
from app.evaluate.two_models import two_models
from graphs.routing.estimators.base import Queries, Training
from graphs.routing.outcomes import Outcomes

__all__ = ["LABELLED", "TRIALS", "summary"]

LABELLED = 400
"""Queries that a model left out of training is known by, as in UniRoute."""
TRIALS = 5
_REFERENCES = (BEST, CHEAPEST, ORACLE, LABEL, RANDOM)
_BANDED = (MOMA, ZERO)
_DIAGRAMMED = (COMBINED, "linear", "k nearest neighbours")
_STRONG_CALLS, _LEFT_OUT = "strong_calls.png", "left_out.png"


def summary(
    outcomes: Outcomes,
    queries: Queries,
    output: Path,
    *,
    folds: int,
    repeats: int,
    leave_out: bool,
    say: Said,
    estimators: Mapping[str, FitWithCosts] = ESTIMATORS,
) -> dict[str, Any]:
    """Return all that is measured, JSON-plain, and draw the plots into `output`."""
    recorded = Recorded(
        training=Training(queries=queries, scores=outcomes.scores, domains=outcomes.domains),
        costs=outcomes.costs,
        models=outcomes.models,
    )
    held_out = list(
        cross_validated(recorded, folds=folds, repeats=repeats, say=say, estimators=estimators)
    )
    for stale in (_STRONG_CALLS, _LEFT_OUT):  # not every report has these
        (output / stale).unlink(missing_ok=True)
    drawn = [curves(one) for one in held_out]
    of = {name: Curve.mean([one[name] for one in drawn]) for name in drawn[0]}
    plot_curves(
        output / "curves.png",
        {name: curve for name, curve in of.items() if name not in (COMBINED, *PARTS)},
        banded=_BANDED,
    )
    means = {n: one.mean for n, one in held_out[0].estimates.items() if n in _DIAGRAMMED}
    plot_reliability(output / "reliability.png", means, outcomes.scores)
    pair = two_models(held_out, outcomes.datasets) if len(outcomes.models) == 2 else None
    if pair:
        plot_strong_calls(output / _STRONG_CALLS, held_out[0], list(means))
    trials = (
        list(left_out(recorded, trials=TRIALS, labelled=LABELLED, say=say, estimators=estimators))
        if leave_out
        else []
    )
    return {
        "best_single": _best(held_out[0]),
        "routers": _routers(of),
        "calibration": calibration(held_out),
        "two_models": pair or None,
        "left_out": _left_out(trials, output, labelled=known_by(len(recorded), LABELLED))
        if trials
        else None,
        "seconds": {name: _seconds(held_out, name) for name in held_out[0].estimates},
    }


def _best(held_out: HeldOut) -> dict[str, Any]:
    recorded = held_out.recorded
    best = int(recorded.training.scores.mean(axis=0).argmax())
    return {
        "model": recorded.models[best],
        "score": float(recorded.training.scores[:, best].mean()),
        "cost_usd": float(recorded.costs[:, best].mean()),
    }


def _routers(of: Mapping[str, Curve]) -> dict[str, Any]:
    draws = bootstrapped(of)
    improvement = aiq(
        {
            name: (curve.costs.mean(axis=0), curve.scores.mean(axis=0))
            for name, curve in of.items()
            if len(curve.settings) > 1
        }
    )
    found = {}
    for name, curve in of.items():
        ahead, chance = paired(draws[MOMA]["area"], draws[name]["area"])
        found[name] = {
            "measures": measures(curve, of),
            "intervals": {key: asdict(interval(values)) for key, values in draws[name].items()},
            "aiq": improvement.get(name),
            "moma_ahead": {**asdict(ahead), "share_of_draws": chance},
            "points": [
                {"setting": setting, "cost_usd": float(cost), "score": float(score)}
                for setting, cost, score in zip(
                    curve.settings, curve.costs.mean(axis=0), curve.scores.mean(axis=0), strict=True
                )
            ],
        }
    return found


def _left_out(trials: Sequence[HeldOut], output: Path, *, labelled: int) -> dict[str, Any]:
    every: list[dict[str, Measures]] = []
    for trial in trials:
        of = curves(trial)
        measured = {name: measures(curve, of) for name, curve in of.items()}
        every.append({n: m for n, m in measured.items() if n not in _REFERENCES})
    plot_left_out(output / _LEFT_OUT, every)
    routers = {}
    for name in every[0]:
        areas = np.array([trial[name]["area"] for trial in every], np.float64)
        zero = np.array([trial[ZERO]["area"] for trial in every], np.float64)
        costs = [c for trial in every if (c := trial[name]["cost_at_best_single"]) is not None]
        routers[name] = {
            "area": float(areas.mean()),
            "area_over_zero": float((areas - zero).mean()),
            "cost_at_best_single": float(np.mean(costs)) if costs else None,
            "reached": len(costs) / len(every),
        }
    return {
        "trials": len(trials),
        "models": len(trials[0].recorded.models),
        "labelled": labelled,
        "routers": routers,
    }


def _seconds(held_out: Sequence[HeldOut], name: str) -> dict[str, float]:
    fit, query = np.mean([pair for one in held_out for pair in one.seconds[name]], axis=0)
    return {"fit_s": float(fit), "query_s": float(query)}
