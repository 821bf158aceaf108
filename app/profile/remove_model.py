"""`python -m app.profile remove-model`: a profile without one of its models."""

import argparse
import sys
from pathlib import Path

from app.profile.saving import save_changed
from graphs.routing.feedback_log import profile_id
from graphs.routing.profile_files import load_profile

__all__ = ["add_arguments", "main"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("name", metavar="NAME", help="the model")
    parser.add_argument("--profile", type=Path, required=True, help="the profile to take it from")
    parser.add_argument("--output", type=Path, required=True, help="the folder of the new profile")


def main(arguments: argparse.Namespace) -> int:
    """Remove the model and save; return the exit status."""
    made_from = profile_id(arguments.profile)
    left = load_profile(arguments.profile).without_model(arguments.name)
    save_changed(left, arguments.output, source=arguments.profile, made_from=made_from)
    print(
        f"{arguments.name} removed, {len(left.models)} models left: {arguments.output}",
        file=sys.stderr,
    )
    return 0
