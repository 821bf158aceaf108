"""`python -m app.profile calibrate`: what checks of answers are worth, fitted on graded answers, beside a profile."""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.errors import InputError
from app.assembly import make_services
from app.profile.asking import INTERRUPTED, Ask, Ended
from app.profile.call_log import Call, CallLog
from app.profile.collect import ask_all, spending_arguments
from app.profile.embedding import embedded, progress
from app.profile.fit import FEWEST_ROWS
from app.profile.pool import choose_models
from app.settings import Settings, read_settings
from graphs.checking.asking import (
    CONFIDENCE,
    SURE,
    VERDICT,
    VERIFIER,
    confidence_messages,
    confidence_signal,
    verdict_signal,
    verifier_messages,
)
from graphs.checking.calibration import Calibration, Graded, fit_calibration
from graphs.checking.signals import LOGPROBS
from graphs.routing.encoder import make_encoder
from graphs.routing.estimators.base import Training, out_of_fold
from graphs.routing.estimators.combined import Combined
from graphs.routing.outcomes import Outcomes
from graphs.routing.profile_files import load_profile

__all__ = ["add_arguments", "graded_answers", "main"]

_LONGEST_REPLY = 100
Answered = Mapping[tuple[str, str], Call]
"""The call of each query and model."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--outcomes", type=Path, required=True, help="the Parquet table that `collect` wrote"
    )
    parser.add_argument(
        "--calls", type=Path, required=True,
        help="the log that `collect` kept, NAME.calls.jsonl; with --logprobs it has what tokens tell",
    )  # fmt: skip
    parser.add_argument("--profile", type=Path, required=True, help="the folder it is kept in")
    parser.add_argument(
        "--verifier", metavar="ID", help="ask this model of every answer whether it holds"
    )
    parser.add_argument(
        "--confidence", action="store_true", help="ask each model how sure it is of its answers"
    )
    parser.add_argument("--catalog", type=Path, help="the models (default: MOMA_CATALOG)")
    parser.add_argument("--encoder", help="as MOMA_ENCODER, which is the default")
    spending_arguments(parser)


def main(arguments: argparse.Namespace) -> int:
    """Fit and save; return the exit status: 1 if an answer that was asked for is missing."""
    settings = read_settings()
    if arguments.catalog:
        settings = settings.model_copy(update={"catalog": arguments.catalog})
    load_profile(arguments.profile)
    outcomes = Outcomes.from_files([arguments.outcomes])
    if len(outcomes) < FEWEST_ROWS:
        raise InputError(f"{len(outcomes)} rows were given, expected at least {FEWEST_ROWS}")
    answered = _answered(CallLog.read(arguments.calls), outcomes)
    replies, ended = _asked(arguments, settings, outcomes, answered)
    rows = graded_answers(outcomes, _predicted(arguments, settings, outcomes), answered, replies)
    if not any(row.raw for row in rows):
        raise InputError(
            f"{arguments.calls.name} has no log probabilities: collect it with --logprobs, or give --verifier "
            "or --confidence"
        )
    found = fit_calibration(rows)
    found.save(arguments.profile)
    _tell(found, arguments.profile)
    if ended.stopped == INTERRUPTED:
        return 130
    return int(bool(ended.stopped or ended.failed))


def graded_answers(
    outcomes: Outcomes,
    predicted: NDArray[np.float64],
    answered: Answered,
    replies: Mapping[str, Mapping[tuple[str, str], str]],
) -> list[Graded]:
    """Return the graded answers with their signals; those that were cut are left out, since their form tells.

    Args:
        outcomes: the grades.
        predicted: the quality of each model on each query, (n, m), by what had not seen the row.
        answered: the calls.
        replies: what models said of answers, by check.
    """
    read = {VERIFIER: verdict_signal, CONFIDENCE: confidence_signal}
    rows = []
    for at, query_id in enumerate(outcomes.ids):
        for column, model in enumerate(outcomes.models):
            call = answered.get((query_id, model))
            if call is None or call.finish == "length" or not call.answer.strip():
                continue
            raw: dict[str, tuple[float, ...]] = {}
            if call.logprobs is not None:
                raw[LOGPROBS] = call.logprobs
            for check, said in replies.items():
                signal = read[check](_parsed(said.get((query_id, model), "")))
                if signal is not None:
                    raw[check] = signal
            rows.append(
                Graded(
                    model=model,
                    predicted=float(predicted[at, column]),
                    score=float(outcomes.scores[at, column]),
                    raw=raw,
                )
            )
    return rows


def _answered(log: CallLog, outcomes: Outcomes) -> Answered:
    ids, models = set(outcomes.ids), set(outcomes.models)
    calls = [c for c in log.calls.values() if c.query_id in ids and c.model in models]
    if not calls:
        raise InputError(f"{log.path.name} has no call of the table's queries and models")
    found: dict[tuple[str, str], list[Call]] = {}
    for call in calls:
        found.setdefault((call.query_id, call.model), []).append(call)
    costs = {
        (query_id, model): float(outcomes.costs[row, column])
        for row, query_id in enumerate(outcomes.ids)
        for column, model in enumerate(outcomes.models)
    }
    return {key: _graded(given, costs[key], log.path) for key, given in found.items()}


def _graded(calls: Sequence[Call], cost: float, path: Path) -> Call:
    """Return the call that the table graded, of those of a model to a question: that has its cost, where they differ.

    Raises:
        InputError: several may be it.
    """
    # Of a question that was asked in two ways, the calls that have log probabilities.
    told = [call for call in calls if call.logprobs is not None] or calls
    paid = [call for call in told if math.isclose(call.cost_usd, cost, rel_tol=1e-6)] or told
    if len({call.answer for call in paid}) > 1:
        raise InputError(
            f"{path.name} has two answers of {paid[0].model} to {paid[0].query_id!r:.60}, and the table does not say "
            "which of them it graded: collect into a log of its own"
        )
    return paid[-1]


def _predicted(
    arguments: argparse.Namespace, settings: Settings, outcomes: Outcomes
) -> NDArray[np.float64]:
    """Return what is predicted of each model on each query without its row, (n, m)."""
    encoder = make_encoder(arguments.encoder or settings.encoder)
    with progress() as bar:
        queries = embedded(outcomes.queries, encoder, home=settings.make_home(), bar=bar)
    training = Training(queries=queries, scores=outcomes.scores, domains=outcomes.domains)
    mean: NDArray[np.float64] = out_of_fold(lambda part: Combined.fit(part), training).mean
    return mean


def _asked(
    arguments: argparse.Namespace, settings: Settings, outcomes: Outcomes, answered: Answered
) -> tuple[dict[str, dict[tuple[str, str], str]], Ended]:
    """Ask the models that check, as far as that is wanted; return what they said by check."""
    if not arguments.verifier and not arguments.confidence:
        return {}, Ended()
    texts = dict(zip(outcomes.ids, outcomes.queries, strict=True))
    services = make_services(settings)
    try:
        verifier = arguments.verifier
        if verifier:
            verifier = choose_models(services, verifier, settings.residency)[0][0]
        asks = dict(_asks(answered, texts, verifier=verifier, confidence=arguments.confidence))
        calls: Path = arguments.calls
        with CallLog.opened(calls.with_name(f"{calls.name.split('.')[0]}.checks.jsonl")) as log:
            ended = Ended()
            ask_all(
                asks.values(),
                services,
                log,
                arguments,
                title="checking",
                total=len(asks),
                ended=ended,
            )
            replies: dict[str, dict[tuple[str, str], str]] = {}
            for (check, *of), ask in asks.items():
                if (call := log.calls.get(ask.key)) is not None:
                    replies.setdefault(check, {})[of[0], of[1]] = call.answer
    finally:
        services.close()
    for model, errors in sorted(ended.failed.items()):
        _say(f"{model} did not answer {len(errors)} times, at last: {errors[-1]}")
    if ended.stopped:
        _say(f"stopped early, the same command goes on: {ended.stopped}")
    return replies, ended


def _asks(
    answered: Answered, texts: Mapping[str, str], *, verifier: str | None, confidence: bool
) -> Iterator[tuple[tuple[str, str, str], Ask]]:
    for (query_id, model), call in answered.items():
        asked = {}
        if verifier:
            asked[VERIFIER] = verifier, verifier_messages(texts[query_id], call.answer), VERDICT
        if confidence:
            asked[CONFIDENCE] = model, confidence_messages(texts[query_id], call.answer), SURE
        for check, (asker, messages, schema) in asked.items():
            form = {"name": schema["title"], "schema": schema}
            ask = Ask(
                query_id=f"{query_id} {model}",
                model=asker,
                messages=messages,
                max_tokens=_LONGEST_REPLY,
                options={
                    "temperature": 0,
                    "response_format": {"type": "json_schema", "json_schema": form},
                },
            )
            yield (check, query_id, model), ask


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _tell(found: Calibration, profile: Path) -> None:
    for check, weight in sorted(found.weights.items()):
        _say(f"{check}: counts {weight:.2f} beside the others")
    for model, (hit, alarm) in sorted(found.verdicts.items()):
        _say(
            f"{model}: checks speak well of {hit:.0%} of right answers and of {alarm:.0%} of wrong ones"
        )
    _say(f"fitted on {found.rows} graded answers: {profile}")


def _say(line: str) -> None:
    print(line, file=sys.stderr)
