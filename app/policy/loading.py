"""What the policy commands share: a policy file, its recipes, and what the installation has."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agents.errors import PolicyError
from app.settings import read_settings
from graphs.catalog import Catalog
from graphs.policy.checks.known import Known
from graphs.policy.engine import Engine
from graphs.policy.findings import Finding, in_order
from graphs.policy.live import build_engine
from graphs.policy.lower import recipes
from graphs.policy.parser import parse
from graphs.policy.read import read_text
from graphs.policy.signals.classifiers import Classifiers, load_classifiers
from graphs.routing.encoder import make_encoder

__all__ = ["Loaded", "add_file", "broken", "load", "print_first", "recipes_of"]

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A policy file, read and checked."""

    path: Path
    text: str
    engine: Engine
    findings: list[Finding]
    classifiers: Classifiers
    """The plug-ins that the settings name."""


def add_file(parser: argparse.ArgumentParser, *, recipe: bool = True) -> None:
    """Declare the options that say which policy is meant."""
    parser.add_argument("file", type=Path, help="the policy file")
    if recipe:
        parser.add_argument(
            "--recipe", help="which of the file's recipes (default: as its ENTRYPOINT says)"
        )
    parser.add_argument(
        "--catalog",
        type=Path,
        help="a catalogue whose models and agents the policy may name (default: what the file declares itself)",
    )


def load(arguments: argparse.Namespace, *, recipe: str | None = None) -> Loaded:
    """Return the policy that the arguments name, with every finding.

    Raises:
        PolicyError: the file cannot be read, or has no such recipe.
        MomaError: the catalogue or the encoder cannot be.
    """
    settings = read_settings()
    text = read_text(arguments.file)
    classifiers = load_classifiers(settings.policy_classifiers)
    encoder = partial(make_encoder, settings.encoder)
    known = _known(arguments.catalog) if arguments.catalog else None
    engine, findings = build_engine(
        text, encoder=encoder, classifiers=classifiers, known=known, recipe=recipe
    )
    if unknown := next((f for f in findings if f.code == "unknown_recipe"), None):
        raise PolicyError(f"{arguments.file}: {unknown.message}")
    return Loaded(
        path=arguments.file, text=text, engine=engine, findings=findings, classifiers=classifiers
    )


def broken(loaded: Loaded) -> bool:
    """Return whether a policy has errors other than of its TEST cases, and print these."""
    errors = [f for f in loaded.findings if f.severity == "error" and f.code != "test_failed"]
    print_first(in_order(errors), loaded.path)
    return bool(errors)


def print_first(findings: Sequence[Finding], path: Path) -> None:
    """Print the first findings and how many more there are: a file that is no policy has one almost in each line."""
    for finding in findings[:_SHOWN]:
        print(finding.line(str(path)), file=sys.stderr)
    if (more := len(findings) - _SHOWN) > 0:
        print(f"and {more} more; see python -m app.policy check {path}", file=sys.stderr)


def recipes_of(arguments: argparse.Namespace) -> list[str | None]:
    """Return the recipes to look at: the one that was asked for, else all of the file's, else the file itself.

    Raises:
        PolicyError: the file cannot be read.
    """
    if arguments.recipe is not None:
        return [arguments.recipe]
    return [*recipes(parse(read_text(arguments.file))[0])] or [None]


def _known(path: Path) -> Known:
    catalog = Catalog.from_file(path)
    return Known(
        models=frozenset(model.id for model in catalog.models),
        agents=frozenset(card.id for card in catalog.agents),
    )
