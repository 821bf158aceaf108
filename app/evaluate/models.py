"""`python -m app.evaluate models`: how estimators of quality and MoMA's choice do on recorded outcomes.

It reads outcome tables, embeds their queries, predicts every row by fits on others, and writes `report.json`,
`report.md` and plots. It calls no model.
"""

import argparse
import datetime
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.errors import InputError
from app.evaluate.models_plots import need_matplotlib
from app.evaluate.models_report import markdown
from app.evaluate.summary import TRIALS, summary
from app.profile.embedding import embedded, progress
from app.settings import read_settings
from graphs.routing.encoder import make_encoder
from graphs.routing.outcomes import Outcomes

__all__ = ["add_arguments", "main"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--outcomes", type=Path, nargs="+", required=True, help="Parquet tables of the same models"
    )
    parser.add_argument("--output", type=Path, required=True, help="the folder of the report")
    parser.add_argument("--encoder", help="as MOMA_ENCODER, which is the default")
    parser.add_argument("--folds", type=_at_least(2), default=5, help="parts (default: 5)")
    parser.add_argument("--repeats", type=_at_least(1), default=2, help="splits (default: 2)")
    parser.add_argument(
        "--leave-models-out",
        action="store_true",
        help=f"also {TRIALS} trials with a third of the models left out of training",
    )


def main(arguments: argparse.Namespace) -> int:
    """Evaluate, write the report and return the exit status."""
    need_matplotlib()
    settings = read_settings()
    outcomes = Outcomes.from_files(arguments.outcomes)
    _check(outcomes, folds=arguments.folds, leave_out=arguments.leave_models_out)
    encoder = make_encoder(arguments.encoder or settings.encoder)
    arguments.output.mkdir(parents=True, exist_ok=True)
    with progress() as bar:
        queries = embedded(outcomes.queries, encoder, home=settings.make_home(), bar=bar)
        task = bar.add_task("evaluating", total=None)
        measured = summary(
            outcomes,
            queries,
            arguments.output,
            folds=arguments.folds,
            repeats=arguments.repeats,
            leave_out=arguments.leave_models_out,
            say=lambda line: bar.update(task, description=line),
        )
    report = {
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "data": _data(outcomes, arguments.outcomes),
        "settings": {
            "encoder": encoder.name,
            "folds": arguments.folds,
            "repeats": arguments.repeats,
        },
        **measured,
    }
    text = json.dumps(report, indent=1, allow_nan=False)
    (arguments.output / "report.json").write_text(text + "\n", encoding="utf-8")
    (arguments.output / "report.md").write_text(markdown(report), encoding="utf-8")
    print(f"the report: {arguments.output / 'report.md'}", file=sys.stderr)
    return 0


def _check(outcomes: Outcomes, *, folds: int, leave_out: bool) -> None:
    if len(outcomes.models) < 2:
        raise InputError(
            f"only the model {outcomes.models[0]!r} was given: there is nothing to choose from, "
            "expected two or more"
        )
    texts = len(set(outcomes.queries))
    if texts < 2 * folds:
        raise InputError(f"{texts} queries make no {folds} folds, expected {2 * folds} or more")
    if leave_out and len(outcomes.models) < 3:
        raise InputError(
            f"{len(outcomes.models)} models are too few to leave some out, expected 3 or more"
        )


def _data(outcomes: Outcomes, paths: Sequence[Path]) -> dict[str, Any]:
    return {
        "files": [
            {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for path in paths
        ],
        "queries": len(outcomes),
        "models": len(outcomes.models),
        "datasets": len({name for name in outcomes.datasets if name}),
    }


def _at_least(least: int) -> Any:
    def number(text: str) -> int:
        value = int(text) if text.isascii() and text.isdigit() else least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number of {least} or more")
        return value

    return number
