"""`python -m app.route cascade`: ask one model after another, on answers that were recorded, at each preference."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agents.errors import InputError
from app.lines import write_lines
from app.profile.embedding import embedded, progress
from app.route.preferences import add_preferences
from app.settings import read_settings
from graphs.routing.cascade import price_of_preference, run
from graphs.routing.choice import preference_weight
from graphs.routing.encoder import make_encoder
from graphs.routing.estimators.base import Queries, Rows
from graphs.routing.joint import Joint
from graphs.routing.profile import Profile
from graphs.routing.profile_files import load_profile
from graphs.routing.recorded import RecordedAnswers

__all__ = ["add_arguments", "main"]

_SIDE_BY_SIDE = 512
"""Queries times preferences that run together: enough for speed, little enough for memory."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--profile", type=Path, required=True, help="what `app.profile fit` wrote")
    parser.add_argument(
        "--answers",
        type=Path,
        required=True,
        help="a Parquet table with query_id, query, and MODEL|answer and MODEL|cost for each model",
    )
    add_preferences(parser)
    parser.add_argument(
        "--output", type=Path, required=True, help="JSON lines, one a query and preference"
    )
    parser.add_argument("--encoder", help="as MOMA_ENCODER, which is the default")


def main(arguments: argparse.Namespace) -> int:
    """Run the cascade for every query and return the exit status."""
    settings = read_settings()
    encoder = make_encoder(arguments.encoder or settings.encoder)
    profile = load_profile(arguments.profile, encoder=encoder.name)
    if profile.joint is None:
        raise InputError(
            f"the profile in {arguments.profile.name!r} knows no answers: fit it on a table with a column "
            "MODEL|answer for each model"
        )
    recorded = RecordedAnswers.from_file(arguments.answers, profile.joint.models)
    with progress() as bar:
        queries = embedded(recorded.queries, encoder, home=settings.make_home(), bar=bar)
    lines = _run(recorded, queries, profile, profile.joint, arguments.preference)
    count = write_lines(arguments.output, lines)
    print(
        f"{count} answers to {len(recorded)} queries from {len(profile.joint.models)} models: "
        f"{arguments.output}",
        file=sys.stderr,
    )
    return 0


def _run(
    recorded: RecordedAnswers,
    queries: Queries,
    profile: Profile,
    joint: Joint,
    preferences: Sequence[str | float],
) -> Iterator[dict[str, Any]]:
    columns = [profile.models.index(model) for model in joint.models]
    prices = np.array([price_of_preference(preference_weight(p)) for p in preferences])
    step = max(1, _SIDE_BY_SIDE // len(prices))
    for start in range(0, len(recorded), step):
        rows = np.arange(start, min(start + step, len(recorded)))
        batch = queries.take(rows)
        quality = profile.quality.predict(batch).mean[:, columns]
        cost = profile.costs.predict(batch)[:, columns]
        each: Rows = np.repeat(np.arange(len(rows)), len(prices))

        def ask(place: int, column: int, asked: Rows = rows[each]) -> str:
            answer: str = recorded.answers[asked[place], column]
            return answer

        courses = run(joint, quality[each], cost[each], np.tile(prices, len(rows)), ask)
        for place, course in enumerate(courses):
            yield {
                "query_id": recorded.ids[rows[each[place]]],
                "preference": preferences[place % len(preferences)],
                "model": joint.models[course.chosen],
                "called": [joint.models[column] for column in course.called],
            }
