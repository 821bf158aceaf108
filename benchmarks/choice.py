"""How long choosing a model takes: the decision alone by size of the pool, with the embedding, and in batches.

The outcomes are made up at the size of a real profile: speed depends on sizes, not on what the numbers say.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.report import print_table
from graphs.routing.choice import rank_rows
from graphs.routing.encoder import Encoder, make_encoder
from graphs.routing.estimators.base import Queries, Training
from graphs.routing.features import SURFACE, surface
from graphs.routing.hashed_words import BUCKETS, hashed_words
from graphs.routing.profile import Profile

ROWS, DIM, DOMAINS = 6000, 384, 14
TEXT = "A shop sells {n} pens for {m} euros; how much do {k} of them cost?"


def made_up(models: int, rows: int) -> tuple[Training, np.ndarray]:
    """Return outcomes of `models` models whose quality differs by domain, and their costs."""
    chance = np.random.default_rng(0)
    domain = chance.integers(0, DOMAINS, rows)
    centres = chance.normal(size=(DOMAINS, DIM))
    vectors = centres[domain] + chance.normal(0, 1.0, (rows, DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    skill = chance.uniform(0.3, 0.9, (DOMAINS, models))
    queries = Queries(
        vectors=vectors.astype(np.float32),
        surface=chance.uniform(0, 1, (rows, len(SURFACE))),
        words=chance.binomial(1, 0.03, (rows, BUCKETS)).astype(np.float32),
    )
    scores = (chance.random((rows, models)) < skill[domain]).astype(np.float64)
    costs = chance.lognormal(-8, 0.5, (rows, models)) * chance.uniform(0.1, 10, models)
    return Training(queries=queries, scores=scores, domains=domain), costs


def p50(run: Callable[[int], object], n: int) -> float:
    """Return the median of `n` runs in ms, after 20 to warm up."""
    times = []
    for row in range(n + 20):
        began = time.perf_counter()
        run(row)
        times.append(1e3 * (time.perf_counter() - began))
    return statistics.median(times[20:])


def read(texts: Sequence[str], encoder: Encoder) -> Queries:
    """Return the texts as a profile reads them."""
    return Queries(vectors=encoder.encode(texts), surface=surface(texts), words=hashed_words(texts))


def decide(profile: Profile, query: Queries) -> np.ndarray:
    """Return the order of choice for one query."""
    quality = profile.quality.foresee(query).estimate.mean[0]
    return rank_rows(quality, profile.costs.predict(query)[0], 0.5)


def _main(pools: list[int], encoder: Encoder) -> None:
    rows = []
    for models in pools:
        training, costs = made_up(models, ROWS)
        began = time.perf_counter()
        profile = Profile.fit(
            training,
            costs,
            encoder=encoder.name,
            models=tuple(f"m{n}" for n in range(models)),
            sources=(),
        )
        fitted = time.perf_counter() - began
        single = [training.queries.take(np.array([row])) for row in range(420)]
        alone = p50(lambda row, p=profile, s=single: decide(p, s[row]), 400)  # type: ignore[misc]

        def whole(row: int, profile: Profile = profile) -> np.ndarray:
            text = TEXT.format(n=row + 3, m=2 * row + 1, k=row % 7)
            return decide(profile, read([text], encoder))

        with_embedding = p50(whole, 200)
        texts = [TEXT.format(n=n, m=3 * n, k=n % 9) for n in range(600)]
        began = time.perf_counter()
        batch = read(texts, encoder)
        quality, cost = profile.quality.predict(batch).mean, profile.costs.predict(batch)
        for row in range(len(texts)):
            rank_rows(quality[row], cost[row], 0.5)
        rate = len(texts) / (time.perf_counter() - began)
        rows.append(
            [str(models), f"{fitted:.0f}", f"{alone:.2f}", f"{with_embedding:.2f}", f"{rate:.0f}"]
        )
    print_table(
        f"Choosing a model, profiles of {ROWS:,} queries, queries of about 20 tokens",
        ["models", "fit s", "decision p50 ms", "with embedding p50 ms", "in batches queries/s"],
        rows,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, nargs="+", default=[16, 1000])
    parser.add_argument("--encoder", default="onnx")
    arguments = parser.parse_args()
    _main(arguments.models, make_encoder(arguments.encoder))
