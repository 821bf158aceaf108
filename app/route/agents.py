"""`python -m app.route agents`: which agent takes each turn, decided on the router's own previous choices."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.conversations import make_chooser, read_conversations
from app.lines import write_lines
from graphs.catalog import Catalog
from graphs.replay import replay
from graphs.routing.chooser import Chooser
from graphs.routing.encoder import make_encoder

__all__ = ["add_arguments", "main"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--catalog", type=Path, required=True, help="agent cards, JSON or YAML")
    parser.add_argument(
        "--conversations",
        type=Path,
        required=True,
        help='JSON lines {"conversation_id", "turns": [{"user", "assistant"}]}; assistant follows user',
    )
    parser.add_argument("--output", type=Path, required=True, help="JSON lines, one a turn")
    parser.add_argument(
        "--index", type=Path, help="a folder to keep the cards' vectors in, for the next time"
    )
    parser.add_argument("--encoder", default="onnx", help="as MOMA_ENCODER (default: onnx)")


def main(arguments: argparse.Namespace) -> int:
    """Route every turn and return the exit status."""
    catalog = Catalog.from_file(arguments.catalog)
    chooser = make_chooser(catalog, make_encoder(arguments.encoder), kept=arguments.index)
    titles = {card.id: card.title for card in catalog.agents}
    count = write_lines(arguments.output, _routed(arguments.conversations, chooser, titles=titles))
    print(f"{count} turns, {len(titles)} agents: {arguments.output}", file=sys.stderr)
    return 0


def _routed(path: Path, chooser: Chooser, *, titles: dict[str, str]) -> Iterator[dict[str, Any]]:
    for conversation in read_conversations(path):
        for turn, step in enumerate(replay(conversation.turns, chooser, titles=titles)):
            yield {"conversation_id": conversation.id, "turn": turn, **step.plain()}
