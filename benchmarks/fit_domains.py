"""Fits the head that tells a text's domain, as graphs/policy/data/domains.npz holds it, and writes it to a file.

    python -m benchmarks.fit_domains PATH [--output domains.npz]

PATH is a Parquet file with the columns `dataset` (`mmlu-pro/DOMAIN`) and `query` (a question of MMLU-Pro, Apache-2.0,
with its options). Fitted on: each question without its options, its first sentence, its last one, its first words; and
the short chat texts of `benchmarks/domain_phrases.py`. A tenth of both, by the texts' hash, is held out for the figures
printed; another tenth chooses the penalty and the temperature, and is then fitted on too. The same data gives the same
numbers on one machine. The hash that it prints belongs into `graphs/policy/signals/domain_head.py`.
"""

import argparse
import hashlib
import io
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax

from benchmarks.domain_phrases import PHRASES
from graphs.policy.signals.domain_head import DOMAINS, FILE, DomainHead
from graphs.routing.encoder import CachedEncoder, make_encoder

Matrix = NDArray[np.float64]
PENALTIES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3)
PHRASE_WEIGHT = 20.0
"""How much a short chat text counts beside one of a question's texts: there are a hundred times fewer."""
FIRST_WORDS = 12
_SENTENCE = re.compile(r"(?<=[.?!])\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Vectors, their domains' numbers, and how much each counts."""

    x: Matrix
    y: NDArray[np.int64]
    weight: Matrix

    def accuracy(self, weights: Matrix) -> float:
        """Return how many of the rows get their own domain."""
        return float(np.mean(_scores(weights, self.x).argmax(axis=1) == self.y))

    def loss(self, weights: Matrix, sharpness: float = 1.0) -> float:
        """Return the mean negative log-likelihood."""
        shares = log_softmax(sharpness * _scores(weights, self.x), axis=1)
        return float(-np.average(shares[np.arange(len(self.y)), self.y], weights=self.weight))


def main() -> int:
    """Fit, print the held-out figures, write the file and print its hash."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fit_domains", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("path", type=Path)
    parser.add_argument("--output", type=Path, default=FILE)
    arguments = parser.parse_args()
    if not arguments.path.is_file():
        print(f"moma: there is no file {arguments.path}", file=sys.stderr)
        return 2
    parts = {name: _read(arguments.path, name) for name in ("train", "choose", "test")}
    encoder = CachedEncoder(make_encoder(), entries=1_000_000)
    train, choose = (_rows(parts[name], encoder, phrases=name) for name in ("train", "choose"))
    fits = {penalty: _fit(train, penalty) for penalty in PENALTIES}
    penalty = min(fits, key=lambda p: choose.loss(fits[p]))
    weights = fits[penalty]
    sharpness = minimize_scalar(
        lambda s: choose.loss(weights, s), bounds=(0.2, 3), method="bounded"
    ).x
    both = _rows(parts["train"] + parts["choose"], encoder, phrases="train choose")
    weights = _fit(both, penalty)
    print(f"penalty {penalty}, sharpness {sharpness:.2f}, {len(both.y)} texts")
    _report(weights, float(sharpness), parts["test"], encoder)
    print(_write(arguments.output, weights * sharpness))
    return 0


def _read(path: Path, part: str) -> list[tuple[str, str]]:
    """Return (question without its options, domain) of one part of the data."""
    rows = duckdb.connect().execute("SELECT query, dataset FROM read_parquet(?)", [str(path)])
    pairs = {
        (query.partition("\nOptions:")[0].strip(), dataset.removeprefix("mmlu-pro/"))
        for query, dataset in rows.fetchall()
    }
    return sorted(pair for pair in pairs if _part(pair[0]) == part)


def _part(text: str) -> str:
    bucket = hashlib.sha256(text.encode()).digest()[0] % 10
    return {0: "test", 1: "choose"}.get(bucket, "train")


def _variants(question: str) -> Iterator[str]:
    sentences = _SENTENCE.split(question)
    yield from dict.fromkeys(
        (question, sentences[0], sentences[-1], " ".join(question.split()[:FIRST_WORDS]))
    )


def _phrases(part: str) -> list[tuple[str, str]]:
    """Return the short chat texts of some parts, named with blanks between."""
    return [(t, d) for d, texts in PHRASES.items() for t in texts if _part(t) in part.split()]


def _rows(pairs: Sequence[tuple[str, str]], encoder: CachedEncoder, *, phrases: str) -> Rows:
    said = [(t, d) for q, d in pairs for t in _variants(q)]
    short = _phrases(phrases)
    texts, domains = zip(*said, *short, strict=True)
    weight = np.ones(len(texts))
    weight[len(said) :] = PHRASE_WEIGHT
    # As many of each domain, so that "math" is no better a guess than "history".
    y = np.array([DOMAINS.index(d) for d in domains])
    counts = np.bincount(y, weight, minlength=len(DOMAINS))
    weight *= counts.mean() / counts[y]
    return Rows(x=encoder.encode(texts).astype(np.float64), y=y, weight=weight)


def _fit(rows: Rows, penalty: float) -> Matrix:
    """Return (d + 1, 14) weights, the last row the biases, of least loss and `penalty` times their squares."""
    shape = rows.x.shape[1] + 1, len(DOMAINS)
    x = np.hstack([rows.x, np.ones((len(rows.x), 1))])
    targets = np.eye(len(DOMAINS))[rows.y]
    share = rows.weight[:, None] / rows.weight.sum()

    def loss(flat: Matrix) -> tuple[float, Matrix]:
        w = flat.reshape(shape)
        logs = log_softmax(x @ w, axis=1)
        slope = x.T @ ((np.exp(logs) - targets) * share) + 2 * penalty * w
        return float(-(targets * logs * share).sum() + penalty * (w**2).sum()), slope.ravel()

    found = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 500})  # fmt: skip
    return np.asarray(found.x).reshape(shape)


def _scores(weights: Matrix, x: Matrix) -> Matrix:
    return np.asarray(x @ weights[:-1] + weights[-1])


def _report(
    weights: Matrix, sharpness: float, test: Sequence[tuple[str, str]], encoder: CachedEncoder
) -> None:
    """Print held-out accuracy by kind of text, and how often a share of 0.5 is reached and right."""
    kinds: dict[str, list[tuple[str, str]]] = {
        "whole question": list(test),
        "first sentence": [(_SENTENCE.split(q)[0], d) for q, d in test],
        "first words": [(" ".join(q.split()[:FIRST_WORDS]), d) for q, d in test],
        "short chat texts": _phrases("test"),
    }
    for name, pairs in kinds.items():
        y = np.array([DOMAINS.index(d) for _, d in pairs])
        x = encoder.encode([t for t, _ in pairs]).astype(np.float64)
        shares = np.exp(log_softmax(sharpness * _scores(weights, x), axis=1))
        right, sure = shares.argmax(axis=1) == y, shares.max(axis=1) >= 0.5
        print(
            f"{name:17} n {len(y):4}  accuracy {right.mean():.3f}  "
            f"share from 0.5 on {sure.mean():.3f}, right there {right[sure].mean():.3f}"
        )


def _write(path: Path, weights: Matrix) -> str:
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        weights=weights[:-1].astype(np.float16),
        biases=weights[-1].astype(np.float32),
        domains=np.array(DOMAINS),
    )
    path.write_bytes(buffer.getvalue())
    sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
    DomainHead.load(path, sha256)
    return sha256


if __name__ == "__main__":
    sys.exit(main())
