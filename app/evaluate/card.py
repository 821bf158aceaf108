"""`python -m app.evaluate card`: what a new card would take from the agents that are there, before it is added."""

import argparse
import json
import sys
from pathlib import Path

from agents.card import AgentCard
from agents.errors import InputError
from agents.source import Source
from app.conversations import read_conversations
from graphs.catalog import Catalog
from graphs.routing.encoder import CachedEncoder, make_encoder
from graphs.routing.fitted import Fitted
from graphs.routing.overlap import SHOWN, Overlap, overlap

__all__ = ["add_arguments", "main"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--catalog", type=Path, required=True, help="the agents that are there")
    parser.add_argument("--card", type=Path, required=True, help="the new card, JSON or YAML")
    parser.add_argument(
        "--conversations", type=Path, help="held-out conversations; their first turns are tried"
    )
    parser.add_argument(
        "--refuse-above",
        type=float,
        metavar="SHARE",
        help="exit with 1 if it would take more than this share of the examples or of the held-out texts",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--encoder", default="onnx", help="as MOMA_ENCODER (default: onnx)")


def main(arguments: argparse.Namespace) -> int:
    """Print the report and return the exit status."""
    limit = arguments.refuse_above
    if limit is not None and not 0 <= limit <= 1:
        raise InputError(f"--refuse-above is {limit}, expected a share from 0 to 1")
    catalog = Catalog.from_file(arguments.catalog)
    card = _card(arguments.card)
    texts = []
    if arguments.conversations:
        spoken = read_conversations(arguments.conversations)
        texts = [c.turns[0][0] for c in spoken if c.turns]
    encoder = make_encoder(arguments.encoder)
    report = overlap(
        card,
        catalog.agents,
        CachedEncoder(encoder, entries=100_000).encode,
        Fitted.load(),
        dim=encoder.dim,
        encoder=encoder.name,
        texts=texts,
    )
    print(json.dumps(report.plain(), indent=1) if arguments.json else _shown(report))
    share = max(report.share_of_examples, report.share_of_texts)
    if limit is not None and share > limit:
        print(
            f"moma: {card.id} is refused: it would take {share:.1%}, more than {limit:.1%}",
            file=sys.stderr,
        )
        return 1
    return 0


def _card(path: Path) -> AgentCard:
    source = Source.from_file(path)
    value = source.value
    if isinstance(value, dict) and "agents" in value:
        cards = Catalog.from_source(source).agents
    else:
        cards = tuple(source.check([value], list[AgentCard], at=[]))
    if len(cards) != 1:
        raise InputError(f"{path} has {len(cards)} cards, expected one")
    return cards[0]


def _shown(report: Overlap) -> str:
    lines = [
        f"{report.card} would take {len(report.collisions)} of {report.examples} examples of other agents"
        f" ({report.share_of_examples:.1%})",
    ]
    if report.texts:
        taken = sum(report.taken.values())
        lines.append(f"and {taken} of {report.texts} held-out texts ({report.share_of_texts:.1%}):")
        lines += [f"  {count} of {agent}" for agent, count in report.taken.items()]
    lines += [
        f"  {c.agent}: {c.text!r} ({c.before:.2f} to {c.after:.2f}; {report.card} {c.taken:.2f})"
        for c in report.collisions[:SHOWN]
    ]
    return "\n".join(lines)
