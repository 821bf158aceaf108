"""`python -m app.profile judge`: a model compares the answers of others, for questions that have no key."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agents.errors import InputError
from app.assembly import make_services
from app.lines import write_lines
from app.profile.asking import INTERRUPTED, Ask, Ended
from app.profile.call_log import Call, CallLog, asked_hash
from app.profile.collect import ask_all, check_output, log_of, spending_arguments
from app.profile.comparing import Pair, pairs_of, verdict_of
from app.profile.judged import Judged, judged_outcomes, report_of, told
from app.profile.options import amount, count
from app.profile.pool import choose_models
from app.profile.questions import Question, read_questions
from app.profile.table import write_table
from app.settings import read_settings
from graphs.routing.preferences import Verdict

__all__ = ["add_arguments", "main"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--questions", type=Path, required=True, help="what `collect` was given")
    parser.add_argument(
        "--calls", type=Path, required=True, help="the log that `collect` kept, NAME.calls.jsonl"
    )
    parser.add_argument("--judge", required=True, metavar="ID", help="a model of the catalogue")
    parser.add_argument(
        "--output", type=Path, required=True,
        help="the Parquet table; beside it NAME.pairs.jsonl, NAME.report.json and the judge's NAME.calls.jsonl",
    )  # fmt: skip
    parser.add_argument(
        "--models", metavar="A,B,...", help="whose answers (default: all in the log)"
    )
    parser.add_argument(
        "--pairs",
        type=count,
        metavar="N",
        help="pairs a question, evenly over the models (default: all)",
    )
    parser.add_argument(
        "--graded-too", action="store_true",
        help="judge questions with a key as well, to see how far the judge agrees with it",
    )  # fmt: skip
    parser.add_argument("--catalog", type=Path, help="the models (default: MOMA_CATALOG)")
    spending_arguments(parser)
    parser.add_argument("--max-tokens", type=count, metavar="N", help="the judge's longest reply")
    parser.add_argument("--seed", type=int, default=0, help="of the judge, where it takes one")
    parser.add_argument(
        "--compute-usd-per-hour", type=amount, default=0.0, metavar="USD", help="as in `collect`"
    )


def main(arguments: argparse.Namespace) -> int:
    """Judge and write; return the exit status: 1 if something that was asked for is missing."""
    check_output(arguments.output)
    if log_of(arguments.output).resolve() == arguments.calls.resolve():
        raise InputError(
            "--output would keep the judge's calls in the log of the answers; name it otherwise"
        )
    settings = read_settings()
    if arguments.catalog:
        settings = settings.model_copy(update={"catalog": arguments.catalog})
    questions = read_questions(arguments.questions)
    answers = _answers(CallLog.read(arguments.calls), questions)
    models = _models(answers, arguments.models)
    chosen = [q for q in questions if arguments.graded_too or q.key is None]
    pairs = [
        pair for question in chosen for pair in _pairs(question, models, answers, arguments.pairs)
    ]
    if not pairs:
        raise InputError(
            "nothing to judge: no question without a grader was answered by two models (--graded-too takes all)"
        )
    services = make_services(settings)
    try:
        if "," in arguments.judge:
            raise InputError(f"--judge: given {arguments.judge!r:.60}, expected one model")
        judge = choose_models(services, arguments.judge, settings.residency)[0][0]
        if judge in models:
            _say(f"{judge} is among those it judges, and may favour its own answers")
        with CallLog.opened(log_of(arguments.output)) as log:
            ended, interrupted = Ended(), False
            try:
                asks = _asks(pairs, judge, arguments)
                total = 2 * sum(not pair.same for pair in pairs)
                ask_all(asks, services, log, arguments, title="judging", total=total, ended=ended)
            except KeyboardInterrupt:
                interrupted = True
            status = _write(chosen, pairs, judge, log, answers, models, ended, arguments)
            return 130 if interrupted or ended.stopped == INTERRUPTED else status
    finally:
        services.close()


def _answers(log: CallLog, questions: Sequence[Question]) -> dict[tuple[str, str], Call]:
    """Return the last answer of each model to each question, which is known by its text: one is asked but once."""
    ids: dict[str, list[str]] = {}
    for question in questions:
        # Logs that do not say what was asked know the id alone.
        for name in (asked_hash(question.query), f"id {question.query_id}"):
            ids.setdefault(name, []).append(question.query_id)
    return {
        (query_id, call.model): call
        for call in log.calls.values()
        for query_id in ids.get(call.asked or f"id {call.query_id}", ())
    }


def _models(answers: dict[tuple[str, str], Call], named: str | None) -> list[str]:
    there = sorted({model for _, model in answers})
    wanted = there if named is None else [n.strip() for n in named.split(",") if n.strip()]
    for name in wanted:
        if name not in there:
            raise InputError(
                f"--models: {name!r} has no answer in the log, which has {', '.join(there) or 'none'}"
            )
    if len(wanted) < 2:
        raise InputError(f"{len(wanted)} models have answers in the log, expected two or more")
    return wanted


def _pairs(
    question: Question,
    models: Sequence[str],
    answers: dict[tuple[str, str], Call],
    most: int | None,
) -> Iterator[Pair]:
    there = [model for model in models if (question.query_id, model) in answers]
    for first, second in pairs_of(there, question.query_id, most):
        texts = [answers[question.query_id, model].answer for model in (first, second)]
        yield Pair(question=question, models=(first, second), answers=(texts[0], texts[1]))


def _asks(pairs: Sequence[Pair], judge: str, arguments: argparse.Namespace) -> Iterator[Ask]:
    for pair in pairs:
        if not pair.same:
            yield from pair.asks(judge, max_tokens=arguments.max_tokens, seed=arguments.seed)


def _judged(
    pairs: Sequence[Pair], judge: str, log: CallLog, arguments: argparse.Namespace
) -> Iterator[Judged]:
    """Yield the pairs that were judged in both orders; equal answers need no judge."""
    for pair in pairs:
        if pair.same:
            yield Judged(pair=pair, forward=Verdict.SAME, backward=Verdict.SAME)
            continue
        asks = pair.asks(judge, max_tokens=arguments.max_tokens, seed=arguments.seed)
        replies = [log.calls.get(ask.key) for ask in asks]
        if replies[0] and replies[1]:
            yield Judged(
                pair=pair,
                forward=verdict_of(replies[0].answer),
                backward=verdict_of(replies[1].answer, backward=True),
            )


def _write(
    questions: Sequence[Question],
    pairs: Sequence[Pair],
    judge: str,
    log: CallLog,
    answers: dict[tuple[str, str], Call],
    models: Sequence[str],
    ended: Ended,
    arguments: argparse.Namespace,
) -> int:
    judged = list(_judged(pairs, judge, log, arguments))
    output: Path = arguments.output
    beside = output.with_name(output.stem)
    if judged:  # else what an earlier judge said stays
        write_lines(Path(f"{beside}.pairs.jsonl"), (one.plain(judge) for one in judged))
    _say(
        f"{ended.made} calls made, {ended.spent_usd:.6f} USD spent; {len(judged)} pairs judged"
        + (f": {beside}.pairs.jsonl" if judged else "")
    )
    for errors in ended.failed.values():
        _say(f"{judge} gave no verdict {len(errors)} times, at last: {errors[-1]}")
    if ended.stopped:
        _say(f"stopped early, the same command goes on: {ended.stopped}")
    if judged:
        outcomes, scale = judged_outcomes(
            judged, questions, models, answers, usd_a_second=arguments.compute_usd_per_hour / 3600
        )
        rows = write_table(output, questions, models, outcomes, with_answers=False)
        report: dict[str, Any] = {"judge": judge, **report_of(judged, models, scale)}
        Path(f"{beside}.report.json").write_text(
            json.dumps(report, indent=2) + "\n", encoding="utf-8"
        )
        for line in told(report):
            _say(line)
        _say(f"{rows} rows with a score of every model: {output}")
    missing = len(pairs) - len(judged)
    if missing:
        _say(f"{missing} pairs are left out: the judge has not spoken on both orders")
    paired = {pair.question.query_id for pair in pairs}
    if alone := sum(question.query_id not in paired for question in questions):
        _say(f"{alone} questions are left out: the log has not two models' answers to them")
    return int(bool(missing or alone or ended.stopped))


def _say(line: str) -> None:
    print(line, file=sys.stderr)
