"""`python -m app.profile collect`: asks models, grades what they answer, and writes the table for `fit`."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from agents.errors import InputError
from app.assembly import make_services
from app.profile.asking import INTERRUPTED, Ask, Asker, Ceiling, Ended, Pace
from app.profile.call_log import CallLog
from app.profile.embedding import embedded, progress
from app.profile.grading import Grader
from app.profile.options import amount, count, rate
from app.profile.pool import choose_models
from app.profile.questions import Question, read_questions
from app.profile.table import Outcome, write_table
from app.settings import Settings, read_settings
from graphs.routing.diverse import farthest_first
from graphs.routing.encoder import make_encoder
from graphs.services import Services

__all__ = ["add_arguments", "ask_all", "check_output", "log_of", "main", "spending_arguments"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--questions", type=Path, required=True,
        help='JSON lines {"query_id", "query", "grader", "answer"}, perhaps "dataset" and "system"',
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path, required=True,
        help="the Parquet table; what was called is kept beside it as NAME.calls.jsonl",
    )  # fmt: skip
    parser.add_argument(
        "--models", metavar="A,B,...", help="ids of the catalogue (default: all that may answer)"
    )
    parser.add_argument("--catalog", type=Path, help="the models (default: MOMA_CATALOG)")
    spending_arguments(parser)
    parser.add_argument("--max-tokens", type=count, metavar="N", help="the longest answer")
    parser.add_argument(
        "--logprobs", action="store_true",
        help="ask for the log probabilities of answers too, which `calibrate` learns from",
    )  # fmt: skip
    parser.add_argument("--system", help="a system prompt in the place of each grader's own")
    parser.add_argument(
        "--subset",
        type=count,
        metavar="N",
        help="ask the N most diverse questions only, by the encoder",
    )
    parser.add_argument("--encoder", help="for --subset, as MOMA_ENCODER, which is the default")
    parser.add_argument(
        "--allow-code", action="store_true", help="run programs that models write, shut in"
    )
    parser.add_argument(
        "--compute-usd-per-hour", type=amount, default=0.0, metavar="USD",
        help="what an hour of this machine's processor costs; it is the cost of local models",
    )  # fmt: skip
    parser.add_argument(
        "--log-only", action="store_true", help="call nothing; grade what the log has, anew"
    )


def spending_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a run that makes calls."""
    parser.add_argument(
        "--budget-usd", type=amount, metavar="USD",
        help="the most that all runs with this log may cost; it is reserved before each call",
    )  # fmt: skip
    parser.add_argument("--at-once", type=count, default=4, metavar="N", help="calls (default: 4)")
    parser.add_argument("--per-minute", type=rate, metavar="N", help="calls that begin in a minute")


def ask_all(
    asks: Iterable[Ask],
    services: Services,
    log: CallLog,
    arguments: argparse.Namespace,
    *,
    title: str,
    total: int,
    ended: Ended,
) -> None:
    """Make the calls as `spending_arguments` bounds them, with a bar called `title` that ends at `total`.

    `ended` says how far it came. The first interrupt begins no more calls, the second breaks off those under way.
    """
    books = Ceiling(services.budgets, log, arguments.budget_usd)
    with progress() as bar:
        task = bar.add_task(title, total=total)
        asker = Asker(
            services.gateway,
            log,
            books=books.ledger,
            pace=Pace(arguments.per_minute),
            at_once=arguments.at_once,
            ended=ended,
            on_end=lambda: bar.advance(task),
        )
        try:
            asyncio.run(_run(asker, asks, bar.console))
        finally:
            books.close()


async def _run(asker: Asker, asks: Iterable[Ask], console: Console) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        asker.stop()
        console.print("calls that are paid for are waited for; Ctrl-C again breaks them off")

    with suppress(RuntimeError, ValueError, NotImplementedError):  # not the main thread
        loop.add_signal_handler(signal.SIGINT, stop)
    await asker.run(asks)


def log_of(output: Path) -> Path:
    """Return where the calls of a table are kept."""
    return output.with_name(f"{output.stem}.calls.jsonl")


def check_output(output: Path) -> None:
    """Check before anything is paid for that a table can be written there.

    Raises:
        InputError: it is a folder.
    """
    if output.is_dir():
        raise InputError(f"--output: {output} is a folder, expected the name of a file")


def main(arguments: argparse.Namespace) -> int:
    """Collect and write the table; return the exit status: 1 if something that was asked for is missing."""
    check_output(arguments.output)
    settings = read_settings()
    if arguments.catalog:
        settings = settings.model_copy(update={"catalog": arguments.catalog})
    questions = read_questions(arguments.questions, system=arguments.system)
    grader = Grader(
        allow_code=arguments.allow_code, compute_usd_per_hour=arguments.compute_usd_per_hour
    )
    grader.check(questions)
    questions = _subset(questions, arguments, settings)
    services = make_services(settings)
    try:
        models, left_out = choose_models(services, arguments.models, settings.residency)
        _say(f"{len(questions)} questions, {len(models)} models: {', '.join(models)}")
        if left_out:
            _say(f"left out: {'; '.join(left_out)}")
        with CallLog.opened(log_of(arguments.output)) as log:
            ended = Ended()
            interrupted = False
            if not arguments.log_only:
                try:
                    asks = _asks(questions, models, arguments)
                    total = len(questions) * len(models)
                    ask_all(
                        asks, services, log, arguments, title="asking", total=total, ended=ended
                    )
                except KeyboardInterrupt:
                    interrupted = True
            status = _write(questions, models, log, grader, ended, arguments)
            return 130 if interrupted or ended.stopped == INTERRUPTED else status
    finally:
        services.close()


def _subset(
    questions: list[Question], arguments: argparse.Namespace, settings: Settings
) -> list[Question]:
    """Return the questions to ask, the most diverse first, so that a ceiling leaves the most diverse."""
    if arguments.subset is None:
        return questions
    encoder = make_encoder(arguments.encoder or settings.encoder)
    with progress() as bar:
        texts = [question.query for question in questions]
        vectors = embedded(texts, encoder, home=settings.make_home(), bar=bar).vectors
    groups = [question.dataset for question in questions]
    return [questions[row] for row in farthest_first(vectors, arguments.subset, groups=groups)]


def _asks(
    questions: Sequence[Question], models: Sequence[str], arguments: argparse.Namespace
) -> Iterator[Ask]:
    """Yield all models of a question before the next, so that a run that stops early leaves whole rows."""
    for question in questions:
        for model in models:
            yield _call_of(question, model, arguments)


def _call_of(question: Question, model: str, arguments: argparse.Namespace) -> Ask:
    told = {"logprobs": True} if arguments.logprobs else {}
    return Ask(
        query_id=question.query_id,
        model=model,
        messages=question.messages(),
        max_tokens=arguments.max_tokens,
        options={"temperature": 0, **told},
    )


def _write(
    questions: Sequence[Question],
    models: Sequence[str],
    log: CallLog,
    grader: Grader,
    ended: Ended,
    arguments: argparse.Namespace,
) -> int:
    """Grade and write what there is, and say what there is not."""
    outcomes: dict[tuple[str, str], Outcome] = {}
    graded = [question for question in questions if question.key is not None]
    with progress() as bar:
        task = bar.add_task("grading", total=len(graded))
        for question in graded:
            for model in models:
                call = log.calls.get(_call_of(question, model, arguments).key)
                if call is not None:
                    outcomes[question.query_id, model] = grader.outcome(question, call, log)
            bar.advance(task)
    rows = write_table(arguments.output, graded, models, outcomes)
    _say(
        f"{ended.made} calls made, {ended.spent_usd:.6f} USD spent; {len(log.calls)} answers in {log.path}"
    )
    for model, errors in sorted(ended.failed.items()):
        _say(f"{model} did not answer {len(errors)} times, at last: {errors[-1]}")
    if ended.stopped:
        _say(f"stopped early, the same command goes on: {ended.stopped}")
    if len(questions) > len(graded):
        _say(
            f"{len(questions) - len(graded)} questions have no grader: `app.profile judge` compares their answers"
        )
    if rows:
        _say(f"{rows} rows with every model graded: {arguments.output}")
        whole = {
            key: found for key, found in outcomes.items() if _is_whole(key[0], models, outcomes)
        }
        for model, mean in _means(whole, models).items():
            _say(f"  {model}: {mean}")
    if missing := len(graded) - rows:
        _say(f"{missing} questions are left out of the table: not every model has answered them")
    return int(bool(missing or ended.stopped or ended.failed))


def _is_whole(
    query_id: str, models: Sequence[str], outcomes: Mapping[tuple[str, str], Outcome]
) -> bool:
    return all((query_id, model) in outcomes for model in models)


def _means(outcomes: Mapping[tuple[str, str], Outcome], models: Sequence[str]) -> dict[str, str]:
    """Return for each model what its answers in the table are like: all are compared on the same questions."""
    told = {}
    for model in models:
        mine = [outcome for (_, of), outcome in outcomes.items() if of == model]
        score = sum(outcome.score for outcome in mine) / max(len(mine), 1)
        cost = sum(outcome.cost_usd for outcome in mine) / max(len(mine), 1)
        unread = sum(not outcome.answer for outcome in mine)
        told[model] = f"mean score {score:.3f}, {cost:.2g} USD a query" + (
            f", no answer could be read {unread} times" if unread else ""
        )
    return told


def _say(line: str) -> None:
    print(line, file=sys.stderr)
