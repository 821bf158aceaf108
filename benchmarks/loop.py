"""The whole loop on local models of different sizes: collect, fit, choose, compare with the largest on fresh questions.

    python -m benchmarks.loop small=a.gguf middle=b.gguf large=c.gguf --output DIR

Questions are generated, with exact answers; `--texts .5` asks half of them about texts of some 180 words, as a backend
does that puts what it retrieved into the prompt. All models answer `--train` of them; on that a profile is fitted, with
the processor seconds as the cost, and what token probabilities are worth. The preference of each way to choose is the
cheapest that reaches the largest model's score on the training questions, each predicted by a fit without it. Then all
models answer `--fresh` others, and what the router would have chosen, and what checked answers would have asked and
shown, is compared with the largest file. The router's own embedding is among its seconds. Each step is kept in DIR, so
the same command goes on after a kill.

IES = [alpha Q + (1 - alpha) R] / C as in `benchmarks.cascade`, with alpha 1/2, R = 1 / calls, C the seconds relative to
the largest model's.

Not measured: texts unlike the generator's, and how answers would differ under load.
"""

import argparse
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.evaluate.measures import interval
from app.profile.__main__ import main as profile_command
from app.profile.call_log import Call, CallLog
from benchmarks.loop_cascade import USD_AN_HOUR, Run, Setting, run_checked
from benchmarks.loop_questions import questions
from benchmarks.report import print_table
from graphs.checking.calibration import Calibration
from graphs.gateway.local import parse_local_models
from graphs.routing.cascade import price_of_preference
from graphs.routing.choice import preference_weight, rank_rows
from graphs.routing.costs import CostModel
from graphs.routing.encoder import Encoder, make_encoder
from graphs.routing.estimators.base import Queries, Training, out_of_fold, splits
from graphs.routing.estimators.combined import Combined
from graphs.routing.features import surface
from graphs.routing.hashed_words import hashed_words
from graphs.routing.joint import Joint
from graphs.routing.outcomes import Outcomes
from graphs.routing.profile_files import load_profile

Matrix = NDArray[np.float64]
PREFERENCES = tuple(round(0.05 * step, 2) for step in range(21))
ALPHA = 0.5
DRAWS = 2000
LIMITS = "MOMA_FIRST_TOKEN_SECONDS", "MOMA_IDLE_SECONDS", "MOMA_TURN_SECONDS"
PATIENCE_S = 1800
"""A call that is broken off leaves its prompt in the server's memory, so that the next try takes too few seconds."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a way to choose scores on each query, and the processor seconds that it takes, (n,) each."""

    scores: Matrix
    seconds: Matrix
    calls: float = 1.0
    """A question."""
    ms: float | None = None
    """Until the answer is shown, a question."""


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
    words = hashed_words(outcomes.queries)
    return Queries(vectors=vectors, surface=surface(outcomes.queries), words=words), seconds


def _routed(
    outcomes: Outcomes, quality: Matrix, costs: Matrix, preference: float, own_s: float
) -> Chosen:
    weight = preference_weight(preference)
    first = np.array([rank_rows(q, c, weight)[0] for q, c in zip(quality, costs, strict=True)])
    rows = np.arange(len(outcomes))
    seconds = outcomes.costs[rows, first] * 3600 / USD_AN_HOUR + own_s
    return Chosen(outcomes.scores[rows, first], seconds)


def _single(outcomes: Outcomes, model: str) -> Chosen:
    column = outcomes.models.index(model)
    return Chosen(outcomes.scores[:, column], outcomes.costs[:, column] * 3600 / USD_AN_HOUR)


def _picked(ways: Mapping[float, Chosen], largest: Chosen) -> dict[str, float]:
    """Return the preferences of the least seconds that reach the largest model's score on the training questions.

    By the score itself, and within one standard error of the difference (Breiman et al., 1984), since the score of a
    few hundred questions is a draw; the best one where none reaches it.
    """
    found = {}
    for name, errors in (("", 0.0), (", within a standard error", 1.0)):
        reach = [
            p
            for p, one in ways.items()
            if _gap(one, largest) >= -errors * _standard_error(one, largest)
        ]
        dear = max(ways, key=lambda p: ways[p].scores.mean())
        found[name] = min(reach, key=lambda p: ways[p].seconds.mean(), default=dear)
    return {name: p for name, p in found.items() if not name or p != found[""]}


def _gap(one: Chosen, other: Chosen) -> float:
    return float((one.scores - other.scores).mean())


def _standard_error(one: Chosen, other: Chosen) -> float:
    return float((one.scores - other.scores).std() / np.sqrt(len(one.scores)))


def _held_out(train: Outcomes, queries: Queries) -> tuple[Matrix, Matrix]:
    """Return quality and cost of the training questions, each predicted by fits without its row."""
    training = Training(queries=queries, scores=train.scores, domains=train.domains)
    quality = out_of_fold(lambda part: Combined.fit(part), training).mean
    costs = np.empty_like(train.costs)
    for fitted, held in splits(len(training), 5):
        model = CostModel.fit(queries.take(fitted), train.costs[fitted])
        costs[held] = model.predict(queries.take(held))
    return quality, costs


def _row(name: str, one: Chosen, largest: Chosen) -> list[str]:
    random = np.random.default_rng(0)
    draws = random.integers(0, len(one.scores), (DRAWS, len(one.scores)))
    gain = interval((one.scores - largest.scores)[draws].mean(axis=1))
    share = interval(one.seconds[draws].sum(axis=1) / largest.seconds[draws].sum(axis=1))
    cost = one.seconds.sum() / largest.seconds.sum()
    ies = (ALPHA * one.scores.mean() + (1 - ALPHA) / one.calls) / cost
    return [
        name,
        f"{one.scores.mean():.3f}",
        f"{(one.scores - largest.scores).mean():+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]",
        f"{one.seconds.mean():.2f}",
        f"{cost:.2f} [{share.low:.2f}, {share.high:.2f}]",
        f"{one.calls:.2f}",
        "" if one.ms is None else f"{one.ms / 1000:.2f}",
        f"{ies:.2f}",
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Questions with what all models said, and what was predicted of them, (n, m) each."""

    outcomes: Outcomes
    calls: Mapping[tuple[str, str], Call]
    quality: Matrix
    costs: Matrix
    own_s: float

    def routed(self, preference: float) -> Chosen:
        return _routed(self.outcomes, self.quality, self.costs, preference, self.own_s)

    def checked(self, joint: Joint, preference: float, setting: Setting) -> Run:
        price = price_of_preference(preference)
        return run_checked(
            self.outcomes, self.calls, joint, self.quality, self.costs, price, setting
        )


def _chosen(run: Run, own_s: float) -> Chosen:
    return Chosen(run.scores, run.seconds + own_s, float(run.calls.mean()), float(run.ms.mean()))


def _told(folder: Path, name: str) -> dict[tuple[str, str], Call]:
    calls = CallLog.read(folder / f"{name}.calls.jsonl").calls.values()
    return {(call.query_id, call.model): call for call in calls}


def _sure_and_right(run: Run) -> str:
    """Return how far what the cascade believes of its answers is off."""
    return f"believes {run.sure.mean():.3f} of its answers right, {run.scores.mean():.3f} are"


def _compared(
    train: _Asked, fresh: _Asked, joint: Joint, calibration: Calibration, largest: str
) -> None:
    reference = _single(fresh.outcomes, largest)
    trained = _single(train.outcomes, largest)
    rows = []
    for model in fresh.outcomes.models:
        ms = [fresh.calls[i, model].ms for i in fresh.outcomes.ids]
        alone = replace(_single(fresh.outcomes, model), ms=float(np.mean(ms)))
        rows.append(_row(model, alone, reference))
    ways = {p: train.routed(p) for p in PREFERENCES}
    for name, p in _picked(ways, trained).items():
        rows.append(_row(f"router at {p}{name}", fresh.routed(p), reference))
    settings = {
        "agreement": Setting(agreement=True, calibration=None),
        "token probabilities": Setting(agreement=False, calibration=calibration),
        "both": Setting(agreement=True, calibration=calibration),
    }
    pools = {"": joint, ", all models": joint.covering(fresh.outcomes.models)}
    notes = []
    for (name, setting), (pool, of) in product(settings.items(), pools.items()):
        tried = {p: _chosen(train.checked(of, p, setting), train.own_s) for p in PREFERENCES}
        for how, p in _picked(tried, trained).items():
            run = fresh.checked(of, p, setting)
            title = f"checked by {name}{pool}, at {p}{how}"
            rows.append(_row(title, _chosen(run, fresh.own_s), reference))
            notes.append(f"{title}: {_sure_and_right(run)}")
            if name == "both" and not how:
                seconds = run.at_once_seconds + fresh.own_s
                beside = Chosen(run.scores, seconds, 2.0, float(run.at_once_ms.mean()))
                rows.append(_row("the same, the dearest asked beside the first", beside, reference))
    scores, costs = fresh.outcomes.scores, fresh.outcomes.costs
    oracle = np.lexsort((costs, -scores), axis=1)[:, 0]
    every = np.arange(len(scores))
    seconds = costs[every, oracle] * 3600 / USD_AN_HOUR
    rows.append(_row("oracle", Chosen(scores[every, oracle], seconds), reference))
    count = len(train.outcomes) * len(train.outcomes.models)
    print_table(
        f"{len(train.outcomes)} training ({count} graded answers) and {len(fresh.outcomes)} fresh questions, "
        f"{len(fresh.outcomes.models)} local models, the largest {largest}",
        [
            "who answers",
            "score",
            "less the largest",
            "processor s",
            "of the largest's",
            "calls",
            "s",
            "IES",
        ],
        rows,
    )
    print("\n".join(notes))
    for model, (hit, alarm) in calibration.verdicts.items():
        print(
            f"{model}: checks speak well of {hit:.2f} of right answers and of {alarm:.2f} of wrong ones"
        )


def _main(arguments: argparse.Namespace) -> None:
    folder: Path = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    for limit in LIMITS:
        os.environ.setdefault(limit, str(PATIENCE_S))
    catalogue, largest = _catalogue(folder, ",".join(arguments.models), arguments.max_tokens)
    asked = questions(arguments.train, seed=arguments.seed, texts=arguments.texts)
    fresh_rows = questions(
        arguments.fresh,
        seed=arguments.seed + 1,
        apart={str(row["query"]) for row in asked},
        texts=arguments.texts,
    )
    train = _collected(folder, "train", asked, catalogue)
    fresh = _collected(folder, "fresh", fresh_rows, catalogue)
    table, kept = str(folder / "train.parquet"), str(folder / "profile")
    fitted = ["fit", "--outcomes", table, "--output", kept, "--catalog", str(catalogue)]
    calls = str(folder / "train.calls.jsonl")
    calibrated = ["calibrate", "--outcomes", table, "--calls", calls, "--profile", kept]
    for command in (fitted, [*calibrated, "--catalog", str(catalogue)]):
        if profile_command(command) != 0:
            raise SystemExit(2)
    encoder = make_encoder("onnx")
    encoder.encode(["warm"])
    profile, calibration = (
        load_profile(Path(kept), encoder=encoder.name),
        Calibration.load(Path(kept)),
    )
    assert profile.joint is not None, "all answers were recorded"
    assert calibration is not None, "it was just fitted"
    queries, own_s = _embedded(fresh, encoder)
    told = {"train": _held_out(train, _embedded(train, encoder)[0])}
    told["fresh"] = profile.quality.predict(queries).mean, profile.costs.predict(queries)
    both = {
        name: _Asked(
            outcomes=outcomes,
            calls=_told(folder, name),
            quality=told[name][0],
            costs=told[name][1],
            own_s=own_s,
        )
        for name, outcomes in (("train", train), ("fresh", fresh))
    }
    _compared(both["train"], both["fresh"], profile.joint, calibration, largest)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", metavar="NAME=FILE", help="as in MOMA_LOCAL_MODELS")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--train", type=int, default=200)
    parser.add_argument("--fresh", type=int, default=100)
    parser.add_argument("--max-tokens", type=int, default=200)
    parser.add_argument(
        "--texts", type=float, default=0.0, help="the share of questions about long texts, 0 to 1"
    )
    parser.add_argument("--seed", type=int, default=8)
    _main(parser.parse_args())
