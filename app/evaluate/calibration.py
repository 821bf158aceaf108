"""How far predicted scores can be trusted: squared error, calibration error, and how often the intervals hold.

It knows no costs and no choice. A group, over which an interval is judged, is a cluster of about forty queries alike.
"""

from collections.abc import Sequence

import numpy as np

from app.evaluate.held_out import HeldOut
from app.evaluate.metrics import calibration_error, coverage
from graphs.routing.estimators.kmeans import kmeans, squared_distances

__all__ = ["calibration"]

_GROUP = 40
_NINE_IN_TEN = 1.6449
"""The 0.95 quantile of the standard normal distribution."""


def calibration(repeats: Sequence[HeldOut]) -> dict[str, dict[str, float]]:
    """Return for each estimator its measures, averaged over repeats; coverage is of 90 % intervals of groups."""
    training = repeats[0].recorded.training
    vectors = training.queries.vectors
    centroids = kmeans(vectors, max(1, len(vectors) // _GROUP), rounds=10)
    groups = squared_distances(vectors, centroids).argmin(axis=1)
    found: dict[str, dict[str, float]] = {}
    for name in repeats[0].estimates:
        every = []
        for held_out in repeats:
            mean, deviation = held_out.estimates[name]
            every.append(
                {
                    "squared_error": float(((mean - training.scores) ** 2).mean()),
                    "calibration_error": calibration_error(mean, training.scores),
                    "coverage_90": coverage(
                        mean, deviation, training.scores, groups, quantile=_NINE_IN_TEN
                    ),
                    "deviation": float(deviation.mean()),
                }
            )
        found[name] = {key: float(np.mean([one[key] for one in every])) for key in every[0]}
    return found
