"""The outputs of one model more over features that stay as they are: a few steps of Fisher scoring, and no training.

Before anything is known of it the model departs from the average of the others by a constant; how much its scores may
change more than that is a ridge penalty that held-out scores choose. It knows no gate and no expert.
"""

import numpy as np

from graphs.routing.estimators.base import Matrix, Rows, text_splits
from graphs.routing.estimators.ordinal import expected

__all__ = ["added_output"]

_PENALTIES = (300.0, 100.0, 30.0, 10.0, 3.0)
_STEPS, _LONGEST = 8, 4.0
_LEAST = 1e-3


def added_output(
    features: Matrix, others: Matrix, cuts: Matrix, scores: Matrix, *, gates: int, text: Rows
) -> Matrix:
    """Return the loadings of the new model, (f,).

    Args:
        features: of the queries that it was graded on, (n, f); the last `gates` columns sum to 1.
        others: the loadings of the models that are there, (f, m).
        cuts: of the ordinal logit, (2,).
        scores: of the new model, (n,) in 0..1.
        gates: how many columns a constant is spread over.
        text: the number of each query's text, (n,).
    """
    average = others.mean(axis=1)
    constant = np.zeros(len(average))
    constant[-gates:] = 1
    rows = np.column_stack([features @ constant, features])
    known = features @ average

    def fitted(kept: np.ndarray, penalty: float) -> Matrix:
        return _scored(rows[kept], known[kept], scores[kept], cuts, penalty)

    parts = text_splits(text[:, None], 5) if len(scores) >= 10 else []
    errors = [
        sum(
            float(((expected(known[h] + rows[h] @ fitted(k, p), cuts) - scores[h]) ** 2).sum())
            for k, h in parts
        )
        for p in _PENALTIES
    ]
    found = fitted(np.arange(len(scores)), _PENALTIES[int(np.argmin(errors))])
    loadings: Matrix = average + found[1:] + found[0] * constant
    return loadings


def _scored(rows: Matrix, known: Matrix, scores: Matrix, cuts: Matrix, penalty: float) -> Matrix:
    """Return what is added to `known` (n,) for the scores to be likeliest, less the penalty on all but the first."""
    strength = np.full(rows.shape[1], penalty)
    strength[0] = _LEAST
    found = np.zeros(rows.shape[1])
    for _ in range(_STEPS):
        logits = known + rows @ found
        share = np.clip(expected(logits, cuts), _LEAST, 1 - _LEAST)
        slope = (expected(logits + 1e-4, cuts) - expected(logits - 1e-4, cuts)) / 2e-4
        weight = slope / (share * (1 - share))
        curve = (rows * (weight * slope)[:, None]).T @ rows + np.diag(strength)
        step = np.linalg.solve(curve, rows.T @ (weight * (scores - share)) - strength * found)
        found += step * min(1.0, _LONGEST / max(np.abs(rows @ step).max(), 1e-12))
    return found
