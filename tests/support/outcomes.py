"""Made-up outcomes with a known structure, for tests: domains that models differ on, and prices that they differ by."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from graphs.routing.estimators.base import Queries, Training
from graphs.routing.features import SURFACE
from graphs.routing.outcomes import Answers

DIM = 12
MODELS = ("dear", "coder", "poet", "cheap")
SKILL = np.array([[0.9, 0.9, 0.1, 0.3], [0.9, 0.1, 0.9, 0.3], [0.8, 0.4, 0.4, 0.7]])
"""The chance that each model is right in each of three domains."""
PRICES = np.array([0.02, 0.002, 0.002, 0.0002])

Matrix = NDArray[np.float64]


def made_up(n: int, *, seed: int = 0, domains: bool = True) -> tuple[Training, Matrix]:
    """Return n outcomes of `MODELS` and their costs, (n, 4); a domain is a direction of the vectors."""
    chance = np.random.default_rng(seed)
    domain = chance.integers(0, len(SKILL), n)
    vectors = np.zeros((n, DIM))
    vectors[np.arange(n), domain] = 1
    vectors += chance.normal(0, 0.15, vectors.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    surface = np.zeros((n, len(SURFACE)))
    length = chance.uniform(4, 8, n)
    surface[:, list(SURFACE).index("log_characters")] = length
    scores = (chance.random((n, len(MODELS))) < SKILL[domain]).astype(np.float64)
    costs = PRICES * np.exp(length[:, None] - 6) * chance.lognormal(0, 0.2, (n, len(MODELS)))
    training = Training(
        queries=Queries(vectors=vectors.astype(np.float32), surface=surface),
        scores=scores,
        domains=domain if domains else np.full(n, -1),
    )
    return training, costs


def truth(training: Training) -> Matrix:
    """Return the chance that each model is right on each query, (n, 4)."""
    expected: Matrix = SKILL[training.queries.vectors[:, : len(SKILL)].argmax(axis=1)]
    return expected


def answers_of(scores: Matrix, *, seed: int = 0) -> Answers:
    """Return what was answered: the one right answer, or one of four wrong ones, of which one is empty."""
    wrong = np.random.default_rng(seed).choice(["a", "b", "c", ""], scores.shape)
    found: Answers = np.where(scores > 0.5, "right", wrong).astype(np.object_)
    return found


TOPICS = {
    "sums": ["What is {} plus {}?", "Multiply {} by {}.", "Divide {} by {}, please."],
    "verse": ["Write a poem of {} lines on {} roses.", "A limerick of {} words about {} cats."],
}


def graded(n: int = 40) -> dict[str, list[Any]]:
    """Return the columns of a table of n texts on two topics, which two models are good at, one each."""
    made: dict[str, list[Any]] = {"query_id": [], "dataset": [], "query": []}
    for model in ("counter", "bard"):
        made |= {f"{model}|score": [], f"{model}|cost": []}
    for row in range(n):
        topic = ("sums", "verse")[row % 2]
        shape = TOPICS[topic][row % len(TOPICS[topic])]
        made["query_id"].append(f"q{row}")
        made["dataset"].append(topic)
        made["query"].append(shape.format(row + 2, 3 * row + 1))
        right = {"counter": topic == "sums", "bard": topic == "verse"}
        for model, price in (("counter", 1e-4), ("bard", 2e-4)):
            made[f"{model}|score"].append(float(right[model] or row % 11 == 0))
            made[f"{model}|cost"].append(price * (1 + row % 3))
    return made


def with_answers(table: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Return a table with `<model>|answer` for each model: one right answer, and wrong ones that differ."""
    models = [name.removesuffix("|score") for name in table if name.endswith("|score")]
    answers = {
        f"{m}|answer": ["right" if score else f"wrong of {m}" for score in table[f"{m}|score"]]
        for m in models
    }
    return {**table, **answers}


def write_table(path: Path, rows: Mapping[str, list[Any]]) -> Path:
    """Write columns as a Parquet file."""
    names = ", ".join(f'"{name}"' for name in rows)
    lines = list(zip(*rows.values(), strict=True))
    holes = ", ".join("?" for _ in rows)
    with duckdb.connect() as connection:
        types = ", ".join(
            f'"{name}" {"double" if _is_number(column) else "varchar"}'
            for name, column in rows.items()
        )
        connection.execute(f"create table t ({types})")
        if lines:
            connection.executemany(f"insert into t ({names}) values ({holes})", lines)
        connection.execute(f"copy t to '{path}' (format parquet)")
    return path


def _is_number(column: list[object]) -> bool:
    return any(isinstance(value, float | int) for value in column)
