"""The whole loop on local models of different sizes: collect, fit, choose, compare with the largest on fresh questions.

    python -m benchmarks.loop small=a.gguf middle=b.gguf large=c.gguf --output DIR

Questions are generated, with exact answers. All models answer `--train` of them; a profile is fitted on that, with the
processor seconds as the cost; the preference is the cheapest that reaches the largest model's score on the training
questions, each predicted by a fit without it. Then all models answer `--fresh` others, and what the router would have
chosen is compared with the largest file. Its own embedding is among its seconds. Each step is kept in DIR, so the same
command goes on after a kill.

Not measured: texts unlike the generator's, and how answers would differ under load.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.evaluate.measures import interval
from app.profile.__main__ import main as profile_command
from benchmarks.loop_questions import questions
from benchmarks.report import print_table
from graphs.gateway.local import parse_local_models
from graphs.routing.choice import preference_weight, rank_rows
from graphs.routing.costs import CostModel
from graphs.routing.encoder import Encoder, make_encoder
from graphs.routing.estimators.base import Queries, Training, out_of_fold, splits
from graphs.routing.estimators.combined import Combined
from graphs.routing.features import surface
from graphs.routing.outcomes import Outcomes
from graphs.routing.profile_files import load_profile

Matrix = NDArray[np.float64]
USD_AN_HOUR = 1.0
PREFERENCES = (0.0, 0.25, "auto", 0.75, 0.9, 1.0)
DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a way to choose scores on each query, and the processor seconds that it takes, (n,) each."""

    scores: Matrix
    seconds: Matrix


def _catalogue(folder: Path, models: str, max_tokens: int) -> tuple[Path, str]:
    """Write a catalogue of the files and return it with the name of the largest."""
    local = parse_local_models(models)
    entries = [
        {
            "id": model.name,
            "litellm": f"local/{model.name}",
            "path": str(model.path.absolute()),
            "price": {"input": 0.0, "output": 0.0},
            "context_tokens": 4096,
            "max_output_tokens": max_tokens,
        }
        for model in local
    ]
    path = folder / "catalog.json"
    path.write_text(json.dumps({"default_model": local[0].name, "models": entries}, indent=1))
    return path, max(local, key=lambda model: model.path.stat().st_size).name


def _collected(folder: Path, name: str, rows: list[dict[str, object]], catalogue: Path) -> Outcomes:
    asked, table = folder / f"{name}.jsonl", folder / f"{name}.parquet"
    asked.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    command = ["collect", "--questions", str(asked), "--output", str(table), "--at-once", "1"]
    command += [
        "--catalog",
        str(catalogue),
        "--compute-usd-per-hour",
        str(USD_AN_HOUR),
        "--logprobs",
    ]
    if profile_command(command) == 2:
        raise SystemExit(2)
    return Outcomes.from_files([table])


def _embedded(outcomes: Outcomes, encoder: Encoder) -> tuple[Queries, float]:
    """Return the queries and the seconds that embedding one takes, one at a time as in a turn."""
    began = time.process_time()
    vectors = np.vstack([encoder.encode([text]) for text in outcomes.queries])
    seconds = (time.process_time() - began) / len(outcomes)
    return Queries(vectors=vectors, surface=surface(outcomes.queries)), seconds


def _routed(
    outcomes: Outcomes, quality: Matrix, costs: Matrix, preference: float | str, own_s: float
) -> Chosen:
    weight = preference_weight(preference)
    first = np.array([rank_rows(q, c, weight)[0] for q, c in zip(quality, costs, strict=True)])
    rows = np.arange(len(outcomes))
    seconds = outcomes.costs[rows, first] * 3600 / USD_AN_HOUR + own_s
    return Chosen(outcomes.scores[rows, first], seconds)


def _single(outcomes: Outcomes, model: str) -> Chosen:
    column = outcomes.models.index(model)
    return Chosen(outcomes.scores[:, column], outcomes.costs[:, column] * 3600 / USD_AN_HOUR)


def _picked(train: Outcomes, queries: Queries, largest: str) -> float | str:
    """Return the cheapest preference that reaches the largest model's score, by fits without each row."""
    training = Training(queries=queries, scores=train.scores, domains=train.domains)
    quality = out_of_fold(lambda part: Combined.fit(part), training).mean
    costs = np.empty_like(train.costs)
    for fitted, held in splits(len(training), 5):
        model = CostModel.fit(queries.take(fitted), train.costs[fitted])
        costs[held] = model.predict(queries.take(held))
    goal = _single(train, largest).scores.mean()
    for preference in PREFERENCES:
        if _routed(train, quality, costs, preference, 0.0).scores.mean() >= goal:
            return preference
    return PREFERENCES[-1]


def _row(name: str, one: Chosen, largest: Chosen) -> list[str]:
    random = np.random.default_rng(0)
    draws = random.integers(0, len(one.scores), (DRAWS, len(one.scores)))
    gain = interval((one.scores - largest.scores)[draws].mean(axis=1))
    share = interval(one.seconds[draws].sum(axis=1) / largest.seconds[draws].sum(axis=1))
    return [
        name,
        f"{one.scores.mean():.3f}",
        f"{(one.scores - largest.scores).mean():+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]",
        f"{one.seconds.mean():.2f}",
        f"{one.seconds.sum() / largest.seconds.sum():.2f} [{share.low:.2f}, {share.high:.2f}]",
    ]


def _main(arguments: argparse.Namespace) -> None:
    folder: Path = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    catalogue, largest = _catalogue(folder, ",".join(arguments.models), arguments.max_tokens)
    asked = questions(arguments.train, seed=arguments.seed)
    fresh_rows = questions(
        arguments.fresh, seed=arguments.seed + 1, apart={str(row["query"]) for row in asked}
    )
    train = _collected(folder, "train", asked, catalogue)
    fresh = _collected(folder, "fresh", fresh_rows, catalogue)
    fitted = [
        "fit",
        "--outcomes",
        str(folder / "train.parquet"),
        "--output",
        str(folder / "profile"),
    ]
    if profile_command([*fitted, "--catalog", str(catalogue)]) != 0:
        raise SystemExit(2)
    encoder = make_encoder("onnx")
    encoder.encode(["warm"])
    profile = load_profile(folder / "profile", encoder=encoder.name)
    queries, own_s = _embedded(fresh, encoder)
    quality, costs = profile.quality.predict(queries).mean, profile.costs.predict(queries)
    picked = _picked(train, _embedded(train, encoder)[0], largest)
    reference = _single(fresh, largest)
    rows = [_row(model, _single(fresh, model), reference) for model in fresh.models]
    for preference in PREFERENCES:
        mark = ", picked on the training questions" if preference == picked else ""
        routed = _routed(fresh, quality, costs, preference, own_s)
        rows.append(_row(f"router at {preference}{mark}", routed, reference))
    oracle = np.lexsort((fresh.costs, -fresh.scores), axis=1)[:, 0]
    every = np.arange(len(fresh))
    best = Chosen(fresh.scores[every, oracle], fresh.costs[every, oracle] * 3600 / USD_AN_HOUR)
    rows.append(_row("oracle", best, reference))
    print_table(
        f"{len(train)} training and {len(fresh)} fresh questions, {len(fresh.models)} local models, "
        f"the largest {largest}",
        ["who answers", "score", "less the largest", "processor s a question", "of the largest's"],
        rows,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", metavar="NAME=FILE", help="as in MOMA_LOCAL_MODELS")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--train", type=int, default=200)
    parser.add_argument("--fresh", type=int, default=100)
    parser.add_argument("--max-tokens", type=int, default=200)
    parser.add_argument("--seed", type=int, default=8)
    _main(parser.parse_args())
