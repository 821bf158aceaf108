"""`python -m app.profile fit`: from outcome tables to a profile in a folder."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from agents.errors import InputError
from app.profile.embedding import embedded, progress
from app.profile.pair_lines import read_pairs
from app.settings import Settings, read_settings
from graphs.catalog import Catalog
from graphs.routing.costs import Prices, unlikely_prices
from graphs.routing.encoder import make_encoder
from graphs.routing.estimators.base import Queries, Training
from graphs.routing.estimators.mixture import Comparisons
from graphs.routing.outcomes import Outcomes
from graphs.routing.profile import Profile
from graphs.routing.profile_files import save_profile

__all__ = ["FEWEST_ROWS", "add_arguments", "list_prices", "main", "tell_prices"]

FEWEST_ROWS = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--outcomes", type=Path, nargs="+", required=True, help="Parquet tables of the same models"
    )
    parser.add_argument("--output", type=Path, required=True, help="the folder of the profile")
    parser.add_argument(
        "--pairs",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="NAME.pairs.jsonl of `judge`: the head learns from the pairs instead of from the scores of their rows",
    )
    parser.add_argument(
        "--head", choices=("auto", "alone"), default="auto",
        help="the mixture of experts: a part of the estimate where held-out rows surely gain by it (the default), or "
        "all of it",
    )  # fmt: skip
    parser.add_argument(
        "--catalog", type=Path, help="prices of models (default: MOMA_CATALOG, if it is there)"
    )
    parser.add_argument("--encoder", help="as MOMA_ENCODER, which is the default")


def main(arguments: argparse.Namespace) -> int:
    """Fit and save; return the exit status."""
    settings = read_settings()
    outcomes = Outcomes.from_files(arguments.outcomes)
    if len(outcomes) < FEWEST_ROWS:
        raise InputError(f"{len(outcomes)} rows were given, expected at least {FEWEST_ROWS}")
    if len(outcomes.models) < 2:
        raise InputError(
            f"only the model {outcomes.models[0]!r} was given: there is nothing to choose from, "
            "expected two or more"
        )
    judged = read_pairs(arguments.pairs, outcomes) if arguments.pairs else None
    prices = list_prices(settings, arguments.catalog, outcomes.models)
    encoder = make_encoder(arguments.encoder or settings.encoder)
    with progress() as bar:
        queries = embedded(outcomes.queries, encoder, home=settings.make_home(), bar=bar)
        comparisons = None
        if judged is not None:
            more = embedded(judged.more, encoder, home=settings.make_home(), bar=bar)
            comparisons = Comparisons(pairs=judged.pairs, more=more)
        began = time.perf_counter()
        task = bar.add_task("fitting", total=None)
        profile = Profile.fit(
            Training(queries=queries, scores=outcomes.scores, domains=outcomes.domains),
            outcomes.costs,
            encoder=encoder.name,
            models=outcomes.models,
            sources=tuple(path.name for path in arguments.outcomes),
            prices=prices,
            answers=outcomes.answers,
            comparisons=comparisons,
            head=arguments.head,
        )
        bar.update(task, total=1, completed=1)
    save_profile(profile, arguments.output)
    tell_prices(outcomes, queries, prices)
    print(
        f"{len(outcomes)} queries, {len(outcomes.models)} models, fitted in "
        f"{time.perf_counter() - began:.0f} s beside the embedding: {arguments.output}",
        file=sys.stderr,
    )
    print(_head_line(profile), file=sys.stderr)
    if small := outcomes.too_small:
        print(
            f"{len(small)} of {len({*outcomes.datasets} - {None})} data sets have too few rows to be told apart: "
            "a data set is a kind of query",
            file=sys.stderr,
        )
    return 0


def _head_line(profile: Profile) -> str:
    """Return what became of the mixture of experts."""
    experts = profile.quality.experts
    if experts is None:
        return "the mixture of experts is left out: held-out rows gain nothing sure by it"
    e, top, _ = experts.shape
    kind = "a dense head" if e == 1 else f"{e} experts, {top} a query"
    return f"the mixture of experts ({kind}) has {profile.quality.weights[-1]:.0%} of the estimate"


def tell_prices(outcomes: Outcomes, queries: Queries, prices: Prices) -> None:
    """Say in a line of which models the recorded costs are not those of the catalogue's prices."""
    if unlikely := unlikely_prices(queries, outcomes.costs, prices):
        names = ", ".join(outcomes.models[column] for column in unlikely)
        print(
            f"the costs of {names} were not recorded at the catalogue's prices, so that their lengths are wrong: "
            "fit with a --catalog of the prices of the recording",
            file=sys.stderr,
        )


def list_prices(settings: Settings, given: Path | None, models: Sequence[str]) -> Prices:
    """Return the catalogue's price of each model, None for one that is not in it or costs nothing.

    Where nothing is charged, what was recorded is the cost, as of a local model's processor time.

    Raises:
        CatalogError: the catalogue was asked for and is not there, or is broken.
    """
    path = given or settings.catalog
    if given is None and not path.is_file():
        return [None] * len(models)
    known = {model.id: model.price for model in Catalog.from_file(path).models}
    found = [known.get(model) for model in models]
    return [(p.input, p.output) if p and (p.input or p.output) else None for p in found]
