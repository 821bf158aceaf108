"""What RouteLLM measures of a router between two models (arXiv 2406.18665): APGR and CPT over shares of strong calls.

It knows no costs: the strong model is the one that scores more, and each call to it counts the same.
"""

from collections.abc import Sequence

import numpy as np

from app.evaluate.compared import ZERO
from app.evaluate.curves import LABEL
from app.evaluate.held_out import HeldOut
from app.evaluate.metrics import Numbers, apgr, cpt, recovered
from graphs.routing.estimators.base import Matrix, Rows

__all__ = ["PUBLISHED", "recovery", "two_models"]

PUBLISHED = {"mmlu": 0.603, "gsm8k": 0.622}
"""APGR of RouteLLM's best router on each, with routers trained on other data and vectors than ours."""


def two_models(
    repeats: Sequence[HeldOut], datasets: Sequence[str | None]
) -> dict[str, dict[str, dict[str, float]]]:
    """Return for each family of data sets, and for all, each router's APGR, CPT50 and CPT80, averaged over repeats.

    A family is what stands before the first slash of the name. One on which the strong model does not score more than
    the weak one is passed over, as is `zero`, which ranks no query: its APGR is 0.5 by definition. Where the models
    score the same in all there is no strong one, and nothing is returned.
    """
    scores = repeats[0].recorded.training.scores
    strong = int(scores.mean(axis=0).argmax())
    if scores[:, strong].mean() <= scores[:, 1 - strong].mean():
        return {}
    names = np.array([(name or "").partition("/")[0] for name in datasets])
    parts: dict[str, Rows] = {"all": np.arange(len(scores))}
    if len(families := sorted(set(names.tolist()) - {""})) > 1:
        parts |= {family: np.flatnonzero(names == family) for family in families}
    found: dict[str, dict[str, dict[str, float]]] = {}
    for part, rows in parts.items():
        if scores[rows, strong].mean() > scores[rows, 1 - strong].mean():
            every = [_of_part(held_out, rows, strong) for held_out in repeats]
            found[part] = {
                router: {k: float(np.mean([one[router][k] for one in every])) for k in measured}
                for router, measured in every[0].items()
            }
    return found


def recovery(held_out: HeldOut, mean: Matrix, rows: Rows) -> tuple[Numbers, Numbers]:
    """Return shares of strong calls and what part of the gap each recovers, if the expected advantage decides."""
    scores = held_out.recorded.training.scores
    strong = int(scores.mean(axis=0).argmax())
    advantage = mean[rows, strong] - mean[rows, 1 - strong]
    return recovered(advantage, scores[rows, 1 - strong], scores[rows, strong])


def _of_part(held_out: HeldOut, rows: Rows, strong: int) -> dict[str, dict[str, float]]:
    means = {name: one.mean for name, one in held_out.estimates.items() if name != ZERO}
    means[LABEL] = held_out.label
    found = {}
    for name, mean in means.items():
        shares, part = recovery(held_out, mean, rows)
        found[name] = {
            "APGR": apgr(shares, part),
            "CPT50": cpt(shares, part, 0.5),
            "CPT80": cpt(shares, part, 0.8),
        }
    return found
