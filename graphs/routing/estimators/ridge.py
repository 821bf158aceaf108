"""A linear head whose outputs share strength: ridge regression in rotated coordinates of the scores.

The scores of the models are rotated to their principal components; the first is the difficulty of a query, which all
models share, the later ones set models apart. Each component gets the penalty with the least leave-one-out error, or
none of the query's features where no penalty beats the mean: what the data cannot tell apart is not told apart. That
is a Gaussian process with the linear model of coregionalisation (Journel & Huijbregts, 1978) in its dual form.
It knows nothing that is not linear in the embedding and the surface features.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.routing.estimators.base import Estimate, Matrix, Queries, Rows, Training, texts
from graphs.routing.estimators.design import Design

__all__ = ["RotatedRidge", "loo_ridge"]

PENALTIES = np.geomspace(1.0, 3e4, 19)


@dataclass(frozen=True, slots=True, kw_only=True)
class RotatedRidge:
    """A linear map per model.

    `latent` (d, r) maps a centred row of the design to the r components that can be predicted; `loadings` (r, m) maps
    those to each model's departure from its `mean` (m,). `spread` (d, d') and `noise` (m,) give the uncertainty.
    """

    design: Design
    mean: Matrix
    latent: Matrix
    loadings: Matrix
    spread: NDArray[np.float32]
    noise: Matrix

    @classmethod
    def fit(cls, training: Training) -> "RotatedRidge":
        """Choose a penalty for each component by leave-one-out and solve."""
        design = Design.fit(training.queries)
        rows = design.matrix(training.queries)
        mean = training.scores.mean(axis=0)
        centred = training.scores - mean
        _, rotation = np.linalg.eigh(centred.T @ centred)
        rotation = rotation[:, ::-1]
        solved = loo_ridge(rows, centred @ rotation, texts(training.queries.vectors))
        kept = np.isfinite(solved.penalty)
        latent = solved.weights[:, kept]
        loadings = rotation.T[kept]
        spread = _spread(rows, solved.penalty[kept])
        noise = (centred - rows @ latent @ loadings).var(axis=0)
        return cls(
            design=design,
            mean=mean,
            latent=latent,
            loadings=loadings,
            spread=spread,
            noise=noise,
        )

    def components(self, queries: Queries) -> Matrix:
        """Return the predicted components of `queries`, (n, r)."""
        predicted: Matrix = self.design.matrix(queries) @ self.latent
        return predicted

    def predict(self, queries: Queries) -> Estimate:
        """Return the linear prediction, clipped to 0..1, and the deviation of the posterior mean."""
        rows = self.design.matrix(queries)
        mean = np.clip(self.mean + rows @ self.latent @ self.loadings, 0, 1)
        leverage = ((rows.astype(np.float32) @ self.spread) ** 2).sum(axis=1, keepdims=True)
        return Estimate(mean, np.sqrt(leverage * self.noise))

    def with_model(self, training: Training) -> "RotatedRidge":
        """Return this head with one model more, fitted on `training` of that model alone, scores (n, 1).

        The components stay as they are and the new model gets loadings on them, so a few hundred rows suffice and
        nothing that is kept for other models changes.
        """
        scores = training.scores[:, 0]
        components = self.components(training.queries)
        centre = components.mean(axis=0)
        text = texts(training.queries.vectors)
        own = loo_ridge(components - centre, (scores - scores.mean())[:, None], text)
        usable = np.isfinite(own.penalty[0])
        loading = own.weights[:, 0] if usable else np.zeros(len(self.loadings))
        # The mean that this model would have on the queries that the head was fitted on.
        mean = scores.mean() - centre @ loading
        noise = (scores - mean - components @ loading).var()
        return RotatedRidge(
            design=self.design,
            mean=np.append(self.mean, mean),
            latent=self.latent,
            loadings=np.column_stack([self.loadings, loading]),
            spread=self.spread,
            noise=np.append(self.noise, noise),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """Ridge solutions: `weights` (d, t) and the `penalty` (t,) of each target, infinite where none beats the mean."""

    weights: Matrix
    penalty: NDArray[np.float64]


def loo_ridge(rows: Matrix, targets: Matrix, text: Rows) -> Solved:
    """Solve ridge regression with the penalty of `PENALTIES` that has the least error on texts that are left out.

    The error is in closed form: residual / (1 - leverage) (Allen's PRESS, 1974).

    Args:
        rows: (n, d), centred.
        targets: (n, t), centred.
        text: the number of each row's text, (n,): the rows of a text are left out together.
    """
    n = len(rows)
    left, singular, right = np.linalg.svd(rows, full_matrices=False)
    projected = left.T @ targets
    shrinkage = singular[:, None] ** 2 / (singular[:, None] ** 2 + PENALTIES)  # (d, penalties)
    leverage = left**2 @ shrinkage + 1 / n
    weights = np.zeros((rows.shape[1], targets.shape[1]))
    penalty = np.full(targets.shape[1], np.inf)
    for t in range(targets.shape[1]):
        fitted = left @ (shrinkage * projected[:, t, None])
        errors = (_left_out(targets[:, t, None] - fitted, leverage, text) ** 2).mean(axis=0)
        best = int(errors.argmin())
        mean_alone = np.full((n, 1), 1 / n)
        without = (_left_out(targets[:, t, None], mean_alone, text) ** 2).mean()
        if errors[best] < without:
            penalty[t] = PENALTIES[best]
            scaled = singular / (singular**2 + penalty[t]) * projected[:, t]
            weights[:, t] = right.T @ scaled
    return Solved(weights=weights, penalty=penalty)


def _left_out(residual: Matrix, leverage: Matrix, text: Rows) -> Matrix:
    """Return the residuals (n, p) of fits without the rows of each row's text, whose leverage is equal."""
    size = np.bincount(text)[text, None]
    certain = 1 - 1e-6
    if size.max() == 1:
        alone: Matrix = residual / (1 - np.minimum(leverage, certain))
        return alone
    total = np.zeros_like(residual)
    np.add.at(total, text, residual)
    together: Matrix = leverage / (1 - np.minimum(size * leverage, certain)) * total[text]
    return residual + together


def _spread(rows: Matrix, penalties: Matrix) -> NDArray[np.float32]:
    """Return S with |x S|^2 = x (X'X + penalty)^-1 x', for the smallest penalty, (d, d)."""
    penalty = penalties.min() if len(penalties) else PENALTIES[-1]
    values, axes = np.linalg.eigh(rows.T @ rows)
    spread: Matrix = axes / np.sqrt(np.maximum(values, 0) + penalty)
    return spread.astype(np.float32)  # the largest thing that a prediction reads
