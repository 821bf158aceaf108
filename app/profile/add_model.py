"""`python -m app.profile add-model`: one more model from one pass over a few hundred graded queries."""

import argparse
import sys
from pathlib import Path

from agents.errors import InputError
from app.profile.embedding import embedded, progress
from app.profile.fit import FEWEST_ROWS, list_prices, tell_prices
from app.profile.saving import save_changed
from app.settings import read_settings
from graphs.routing.encoder import make_encoder
from graphs.routing.estimators.base import Training
from graphs.routing.feedback_log import profile_id
from graphs.routing.outcomes import Outcomes
from graphs.routing.profile_files import load_profile

__all__ = ["add_arguments", "main"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "name", metavar="NAME", help="the model; the table has NAME|score and NAME|cost"
    )
    parser.add_argument("--outcomes", type=Path, nargs="+", required=True, help="Parquet tables")
    parser.add_argument("--profile", type=Path, required=True, help="the profile to add it to")
    parser.add_argument("--output", type=Path, required=True, help="the folder of the new profile")
    parser.add_argument(
        "--catalog", type=Path, help="its price (default: MOMA_CATALOG, if it is there)"
    )
    parser.add_argument("--encoder", help="as MOMA_ENCODER, which is the default")


def main(arguments: argparse.Namespace) -> int:
    """Add the model and save; return the exit status."""
    settings = read_settings()
    outcomes = Outcomes.from_files(arguments.outcomes, model=arguments.name)
    if len(outcomes) < FEWEST_ROWS:
        raise InputError(f"{len(outcomes)} rows were given, expected at least {FEWEST_ROWS}")
    encoder = make_encoder(arguments.encoder or settings.encoder)
    made_from = profile_id(arguments.profile)
    profile = load_profile(arguments.profile, encoder=encoder.name)
    with progress() as bar:
        queries = embedded(outcomes.queries, encoder, home=settings.make_home(), bar=bar)
    prices = list_prices(settings, arguments.catalog, outcomes.models)
    added = profile.with_model(
        arguments.name,
        Training(queries=queries, scores=outcomes.scores, domains=outcomes.domains),
        outcomes.costs,
        prices=prices,
    )
    tell_prices(outcomes, queries, prices)
    save_changed(added, arguments.output, source=arguments.profile, made_from=made_from)
    print(
        f"{arguments.name} added from {len(outcomes)} queries, {len(added.models)} models: "
        f"{arguments.output}",
        file=sys.stderr,
    )
    return 0
