"""Each model's score by domain, and a reader of domains: which recorded data set a query looks like.

The reader is multinomial logistic regression on the embedding, the surface features and the words; the scores of a
domain shrink to the model's overall one by empirical Bayes (Efron & Morris, 1975). Nothing is told of a query but its
text. It knows no difference between two queries of one domain.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from graphs.routing.estimators.base import (
    UNKNOWN_DOMAIN,
    Estimate,
    Matrix,
    Queries,
    Training,
    text_splits,
)
from graphs.routing.estimators.design import Design

__all__ = ["DomainScores", "Reader", "shrunk_means"]

_STRENGTHS = (0.3, 1.0, 3.0)
"""Penalties on the squared weights, of which the one with the least held-out log loss is taken."""
_STEPS = 100
_WORDS = 4.0
"""The length of a row of words beside a vector of that length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Tells how probable each of g domains is: `weights` (d, g) and `bias` (g,).

    `rarity` (w,) is the inverse document frequency of each bucket of words; empty where none were counted.
    """

    design: Design
    weights: Matrix
    bias: Matrix
    rarity: Matrix = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def fit(cls, queries: Queries, domains: np.ndarray, *, count: int) -> "Reader":
        """Fit the reader of `count` domains, numbered 0.. in `domains` (n,), every one of them known."""
        blank = cls(
            design=Design.fit(queries),
            weights=np.zeros((0, count)),
            bias=np.zeros(count),
            rarity=_rarity(queries),
        )
        rows = blank.matrix(queries)
        if count == 1:
            return replace(blank, weights=np.zeros((rows.shape[1], 1)))
        kept, held = text_splits(queries.vectors, 4)[0]
        losses = [
            _log_loss(rows[held], domains[held], *_logistic(rows[kept], domains[kept], count, s))
            for s in _STRENGTHS
        ]
        weights, bias = _logistic(rows, domains, count, _STRENGTHS[int(np.argmin(losses))])
        return replace(blank, weights=weights, bias=bias)

    def matrix(self, queries: Queries) -> Matrix:
        """Return what is read of each query, (n, d): the design, and the words, of which the rare count for more."""
        rows = self.design.matrix(queries)
        if not len(self.rarity):
            return rows
        words = np.zeros((len(rows), len(self.rarity)))
        if queries.words is not None:
            words = queries.words * self.rarity
            words *= _WORDS / np.maximum(np.linalg.norm(words, axis=1, keepdims=True), 1e-9)
        return np.hstack([rows, words])

    def read(self, queries: Queries) -> Matrix:
        """Return the probability of each domain, (n, g)."""
        return _softmax(self.matrix(queries) @ self.weights + self.bias)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainScores:
    """The reader and what each model scored by domain: `means` and `errors` (g, m)."""

    reader: Reader
    means: Matrix
    errors: Matrix

    @classmethod
    def fit(cls, training: Training) -> "DomainScores":
        """Fit the reader on the recorded domains; where none is recorded there is one domain."""
        known = training.domains != UNKNOWN_DOMAIN
        if not known.any():
            known, codes, count = np.ones_like(known), np.zeros(len(training), int), 1
        else:
            names, codes = np.unique(training.domains[known], return_inverse=True)
            count = len(names)
        queries = training.queries.take(np.flatnonzero(known))
        reader = Reader.fit(queries, codes, count=count)
        membership = reader.read(training.queries)
        membership[known] = np.eye(count)[codes]
        means, errors = shrunk_means(membership, training.scores)
        return cls(reader=reader, means=means, errors=errors)

    def predict(self, queries: Queries) -> Estimate:
        """Return the scores of the domains, mixed by how probable each is."""
        return self.mixed(self.reader.read(queries))

    def mixed(self, share: Matrix) -> Estimate:
        """Return the estimate for queries of which each domain has the probability `share` (n, g)."""
        mean = share @ self.means
        between = np.maximum(share @ self.means**2 - mean**2, 0)
        return Estimate(mean, np.sqrt(share @ self.errors**2 + between))

    def with_model(self, training: Training) -> "DomainScores":
        """Return this with one model more, from scores (n, 1); the domains are read off the text."""
        means, errors = shrunk_means(self.reader.read(training.queries), training.scores)
        return DomainScores(
            reader=self.reader,
            means=np.column_stack([self.means, means]),
            errors=np.column_stack([self.errors, errors]),
        )


def shrunk_means(membership: Matrix, scores: Matrix) -> tuple[Matrix, Matrix]:
    """Return each group's mean score, shrunk to the overall one, and its standard error, (g, m) each.

    Args:
        membership: (n, g), the share of each query that belongs to each group; rows sum to 1.
        scores: (n, m).
    """
    overall = scores.mean(axis=0)
    size = membership.sum(axis=0)[:, None]
    raw = (membership.T @ scores + overall) / (size + 1)
    within = np.maximum((membership.T @ scores**2 + overall**2) / (size + 1) - raw**2, 1e-4)
    # Method of moments: the groups' means vary by the true spread and by the noise of each mean.
    weight = size / size.sum()
    noise = within / (size + 1)
    between = np.maximum((weight * ((raw - overall) ** 2 - noise)).sum(axis=0), 1e-6)
    trust = between / (between + noise)
    return overall + trust * (raw - overall), np.sqrt(trust * noise)


def _rarity(queries: Queries) -> Matrix:
    """Return the smoothed inverse document frequency of each bucket, (w,)."""
    if queries.words is None:
        return np.zeros(0)
    seen: Matrix = (queries.words > 0).sum(axis=0)
    return np.log((1 + len(queries)) / (1 + seen))


def _logistic(
    rows: Matrix, codes: np.ndarray, count: int, strength: float
) -> tuple[Matrix, Matrix]:
    """Return weights (d, count) and bias (count,) of penalised multinomial logistic regression."""
    from scipy.optimize import minimize  # only a fit needs it

    n, d = rows.shape
    truth = np.eye(count)[codes]

    def loss(flat: Matrix) -> tuple[float, Matrix]:
        weights, bias = flat[:-count].reshape(d, count), flat[-count:]
        share = _softmax(rows @ weights + bias)
        value = -np.log(np.maximum(share[np.arange(n), codes], 1e-12)).sum()
        slope = share - truth
        gradient = np.concatenate(
            [(rows.T @ slope + strength * weights).ravel(), slope.sum(axis=0)]
        )
        return float(value + strength * (weights**2).sum() / 2), gradient

    start = np.zeros((d + 1) * count)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}).x
    return found[:-count].reshape(d, count), found[-count:]


def _log_loss(rows: Matrix, codes: np.ndarray, weights: Matrix, bias: Matrix) -> float:
    share = _softmax(rows @ weights + bias)
    return float(-np.log(np.maximum(share[np.arange(len(codes)), codes], 1e-12)).sum())


def _softmax(logits: Matrix) -> Matrix:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    share: Matrix = shifted / shifted.sum(axis=1, keepdims=True)
    return share
