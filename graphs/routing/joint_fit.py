"""Fits how models answer together, on recorded answers and on qualities predicted by what had not seen their scores.

Only models that are worth a call somewhere are fitted: weak ones would decide what counts as a hard query, and the more
models a plan may call, the more often it calls one that chance made look good.

Fitted by penalised likelihood: the loadings are drawn to their mean, the levels to the normal distribution, and pairs
of models that were seldom wrong together to what all pairs do. Nothing is tuned on the rows that it will be used on.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graphs.routing.cascade import normal_answer
from graphs.routing.estimators.base import Matrix, Rows
from graphs.routing.estimators.cross_fitted import sigmoid
from graphs.routing.estimators.lbfgs import minimise
from graphs.routing.joint import LEVELS, Joint, log_odds, stretch
from graphs.routing.outcomes import Answers

__all__ = ["BEHIND", "fit_joint", "worth_calling"]

_PRICES = np.geomspace(1.0, 1e3, 13)
"""What a USD may have to buy of quality; see `cascade.price_of_preference`."""
BEHIND = 0.1
"""By how much quality a model may be behind the best choice, at the price that suits it most."""
_RIGHT = 0.5
"""From this score on an answer counts as right where answers are compared."""
_EASE, _SLOPE, _SPREAD = 10.0, 100.0, 1.0
"""Penalties on the squared departure from 0, from 1 and from the mean loading."""
_PRIOR_ROWS = 10.0
"""Rows' worth of the normal distribution, to which the weights of the levels are drawn."""
_PRIOR_PAIRS = 20.0
"""Pairs of wrong answers' worth of what all pairs of models do."""
_MOST = 0.95


def fit_joint(
    quality: Matrix,
    scores: Matrix,
    costs: Matrix,
    answers: Answers,
    models: Sequence[str],
    *,
    behind: float = BEHIND,
) -> Joint:
    """Return what n recorded queries say of those of m models together that are worth calling.

    Args:
        quality: what was predicted without the row's scores, (n, m).
        scores: 0 to 1, (n, m).
        costs: in USD, (n, m).
        answers: as they were recorded, (n, m).
        models: their names.
        behind: as `worth_calling` takes it.
    """
    kept = worth_calling(scores.mean(axis=0), costs.mean(axis=0), behind=behind)
    scores = scores[:, kept]
    ease, slope, loading, weights = _difficulty(log_odds(quality[:, kept]), scores)
    empty, likeness = _mistakes(scores < _RIGHT, answers[:, kept])
    return Joint(
        models=tuple(models[column] for column in kept),
        slope=slope,
        ease=ease,
        loading=loading,
        weights=weights,
        empty=empty,
        likeness=likeness,
    )


def worth_calling(scores: Matrix, costs: Matrix, *, behind: float = BEHIND) -> Rows:
    """Return the columns of the models that are no more than `behind` the best choice at some price.

    Args:
        scores: the mean of each model, (m,).
        costs: the mean of each model in USD, (m,).
        behind: in quality.
    """
    worth = scores[:, None] - _PRICES * costs[:, None]
    return np.flatnonzero((worth.max(axis=0) - worth).min(axis=1) <= behind)


def _difficulty(predicted: Matrix, scores: Matrix) -> tuple[Matrix, float, Matrix, Matrix]:
    """Return ease, slope, loadings and the weights of the levels of greatest penalised likelihood."""
    models = predicted.shape[1]
    normal = np.exp(-(LEVELS**2) / 2)
    normal /= normal.sum()

    def loss(parameters: list[Matrix]) -> tuple[float, list[Matrix]]:
        ease, slope, loading, heights = parameters
        log_weights = heights - np.logaddexp.reduce(heights)
        steep = predicted * stretch(loading)
        logits = (ease + slope * steep)[:, :, None] + loading[:, None] * LEVELS
        at_level = (scores[:, :, None] * logits - np.logaddexp(0, logits)).sum(axis=1)
        at_level += log_weights
        row = np.logaddexp.reduce(at_level, axis=1)
        level = np.exp(at_level - row[:, None])
        residual = (scores[:, :, None] - sigmoid(logits)) * level[:, None, :]
        over_levels = residual.sum(axis=2)
        apart = loading - loading.mean()
        value = (
            -row.sum()
            + _EASE * (ease**2).sum() / 2
            + _SLOPE * float(((slope - 1) ** 2).sum()) / 2
            + _SPREAD * (apart**2).sum() / 2
            - _PRIOR_ROWS * (normal * log_weights).sum()
        )
        by_stretch = slope * (over_levels * predicted).sum(axis=0)
        gradient = [
            _EASE * ease - over_levels.sum(axis=0),
            _SLOPE * (slope - 1) - (over_levels * steep).sum(),
            _SPREAD * apart
            - (residual @ LEVELS).sum(axis=0)
            - by_stretch * np.pi / 8 * loading / stretch(loading),
            (len(scores) + _PRIOR_ROWS) * np.exp(log_weights)
            - level.sum(axis=0)
            - _PRIOR_ROWS * normal,
        ]
        return float(value), gradient

    start = [np.zeros(models), np.ones(1), np.full(models, 1.5), np.log(normal)]
    ease, slope, loading, heights = minimise(loss, start)
    return ease, float(slope[0]), loading, np.exp(heights - np.logaddexp.reduce(heights))


def _mistakes(wrong: NDArray[np.bool_], answers: Answers) -> tuple[Matrix, Matrix]:
    """Return how often a wrong answer of each model is empty, and the odds that two wrong ones are the same."""
    codes = _codes(answers)
    unread = codes < 0
    empty = ((wrong & unread).sum(axis=0) + 0.5) / (wrong.sum(axis=0) + 10)
    readable = wrong & ~unread
    models = codes.shape[1]
    both, same = np.zeros((models, models)), np.zeros((models, models))
    for column in range(models):
        pairs = readable[:, [column]] & readable
        both[column] = pairs.sum(axis=0)
        same[column] = (pairs & (codes == codes[:, [column]])).sum(axis=0)
    others = ~np.eye(models, dtype=bool)
    overall = (same[others].sum() + 1) / (both[others].sum() + 10)
    rate = np.minimum((same + _PRIOR_PAIRS * overall) / (both + _PRIOR_PAIRS), _MOST)
    return np.minimum(empty, _MOST), np.where(others, rate / (1 - rate), 0.0)


def _codes(answers: Answers) -> NDArray[np.intp]:
    """Return a number for each answer, equal where a row's answers are equal, and -1 for an empty one."""
    found = np.empty(answers.shape, np.intp)
    for row, texts in enumerate(answers):
        seen = {"": -1}
        for column, text in enumerate(texts):
            found[row, column] = seen.setdefault(normal_answer(text), len(seen))
    return found
