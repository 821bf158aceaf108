"""`python -m app.route models`: which model answers each query best for its price, at each preference."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agents.errors import InputError
from app.lines import read_lines, write_lines
from app.profile.embedding import embedded, progress
from app.route.preferences import add_preferences
from app.settings import read_settings
from graphs.routing.choice import preference_weight, rank_rows, significant
from graphs.routing.encoder import make_encoder
from graphs.routing.estimators.base import Queries
from graphs.routing.outcomes import check_query
from graphs.routing.profile import Profile
from graphs.routing.profile_files import load_profile

__all__ = ["add_arguments", "main"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--profile", type=Path, required=True, help="what `app.profile fit` wrote")
    parser.add_argument(
        "--queries", type=Path, required=True, help='JSON lines {"query_id", "query"}'
    )
    add_preferences(parser)
    parser.add_argument(
        "--output", type=Path, required=True, help="JSON lines, one a query and preference"
    )
    parser.add_argument("--encoder", help="as MOMA_ENCODER, which is the default")


def main(arguments: argparse.Namespace) -> int:
    """Choose for every query and return the exit status."""
    settings = read_settings()
    asked = list(_read(arguments.queries))
    encoder = make_encoder(arguments.encoder or settings.encoder)
    profile = load_profile(arguments.profile, encoder=encoder.name)
    with progress() as bar:
        queries = embedded([q for _, q in asked], encoder, home=settings.make_home(), bar=bar)
    ids = [query_id for query_id, _ in asked]
    count = write_lines(arguments.output, _chosen(ids, queries, profile, arguments.preference))
    print(
        f"{count} choices for {len(ids)} queries among {len(profile.models)} models: "
        f"{arguments.output}",
        file=sys.stderr,
    )
    return 0


def _chosen(
    ids: Sequence[str], queries: Queries, profile: Profile, preferences: Sequence[str | float]
) -> Iterator[dict[str, Any]]:
    for row, query_id in enumerate(ids):
        began = time.perf_counter()
        query = queries.take(np.array([row]))
        quality = profile.quality.predict(query).mean[0]
        cost = profile.costs.predict(query)[0]
        predicted = time.perf_counter() - began
        for preference in preferences:
            began = time.perf_counter()
            order = rank_rows(quality, cost, preference_weight(preference))
            yield {
                "query_id": query_id,
                "preference": preference,
                "model": profile.models[order[0]],
                "expected_quality": round(float(quality[order[0]]), 5),
                "expected_cost": float(significant(cost[order[0]])),
                "frontier": [profile.models[place] for place in order],
                "ms": round(1e3 * (predicted + time.perf_counter() - began), 4),
            }


def _read(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each line's query id and query.

    Raises:
        InputError: naming the line, what was given and what was expected.
    """
    seen: set[str] = set()
    for number, row in read_lines(path):
        place = f"{path.name}, line {number}"
        query_id = row.get("query_id")
        if not isinstance(query_id, str):
            raise InputError(f"{place}: query_id is {query_id!r:.60}, expected a text")
        if query_id in seen:
            raise InputError(f"{place}: the query_id {query_id!r:.60} is given twice")
        seen.add(query_id)
        yield query_id, check_query(row.get("query"), where=place)
    if not seen:
        raise InputError(f"{path.name}: no queries, expected a line for each")
