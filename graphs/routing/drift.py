"""Finds when a model changed: cumulative sums of its residuals, both ways (Page, 1954).

It knows no model and no source: standardised residuals and their weights, in the order of time.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["change_points"]

Vector = NDArray[np.float64]
_SETTLING = 40
"""Rows after an alarm that tell the new mean."""
_MOST = 16
"""Changes that are looked for in one series."""


def change_points(residual: Vector, weight: Vector, *, slack: float, alarm: float) -> list[int]:
    """Return the rows at which the mean changed, each where the sum that rose to its alarm began.

    After an alarm the mean since the change is the new reference, so that a model that recovers is noticed as well.

    Args:
        residual: (n,), in standard deviations.
        weight: (n,), 0 to 1.
        slack: shifts up to this let the sums fall.
        alarm: the sum from which a change is told.
    """
    found: list[int] = []
    start, reference = 0, 0.0
    while start < len(residual) and len(found) < _MOST:
        at = [
            _first(weight[start:] * (sign * (residual[start:] - reference) - slack), alarm)
            for sign in (1.0, -1.0)
        ]
        told = min((pair for pair in at if pair), key=lambda pair: pair[1], default=None)
        if told is None:
            break
        begun, end = start + told[0], start + told[1]
        found.append(begun)
        # The stretch that raised the alarm is worse than what follows, by selection: more is taken into the reference.
        start = end + 1 + _SETTLING
        rows = slice(begun, start)
        reference = float(np.average(residual[rows], weights=np.maximum(weight[rows], 1e-9)))
    return found


def _first(steps: Vector, alarm: float) -> tuple[int, int] | None:
    """Return where the sum that first reaches the alarm began, and where it reached it."""
    total = np.concatenate([[0.0], np.cumsum(steps)])
    least = np.minimum.accumulate(total)
    over = np.flatnonzero(total - least >= alarm)
    if not len(over):
        return None
    end = int(over[0])
    return int(np.flatnonzero(total[:end] == least[end])[-1]), end - 1
