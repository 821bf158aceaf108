"""`python -m app.evaluate agents`: how well agents are chosen on labelled conversations; a report and plots."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agents.errors import InputError
from app.conversations import make_chooser, read_conversations
from app.evaluate.judged import Judged, judge, summary
from app.evaluate.report import agents_markdown
from app.evaluate.scale import scale_curve
from app.evaluate.written import write_report
from app.lines import read_lines
from graphs.catalog import Catalog
from graphs.replay import Step, replay
from graphs.routing.encoder import Encoder, make_encoder

__all__ = ["add_arguments", "main"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--catalog", type=Path, required=True, help="agent cards, JSON or YAML")
    parser.add_argument(
        "--conversations",
        type=Path,
        required=True,
        help='JSON lines {"conversation_id", "turns": [{"user", "assistant", "agent"}]}; '
        "agent is who the turn belongs to, null for nobody",
    )
    parser.add_argument("--output", type=Path, required=True, help="a folder for report and plots")
    parser.add_argument(
        "--reworded",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="the same catalogue in other words, or the same conversations in other words or another language; "
        "may be given several times",
    )
    parser.add_argument(
        "--scale",
        default="",
        metavar="N,N",
        help="measure time and memory with so many agents, such as 100,1000,10000,100000",
    )
    parser.add_argument("--no-plots", action="store_true", help="write the report only")
    parser.add_argument("--encoder", default="onnx", help="as MOMA_ENCODER (default: onnx)")


@dataclass(frozen=True, slots=True)
class _Labelled:
    id: str
    turns: tuple[tuple[str, str], ...]
    labels: tuple[str | None, ...]
    gold: tuple[str | None, ...]
    """The labels, with None for an agent that the catalogue does not have."""


def main(arguments: argparse.Namespace) -> int:
    """Write the report and return the exit status."""
    sizes = _sizes(arguments.scale)
    if not arguments.no_plots:
        from app.evaluate import plots  # matplotlib is an extra: say so before the work, not after
    catalog = Catalog.from_file(arguments.catalog)
    known = {card.id for card in catalog.agents}
    labelled = list(_labelled(arguments.conversations, known))
    if not any(conversation.turns for conversation in labelled):
        raise InputError(f"{arguments.conversations}: no turns, expected labelled conversations")
    _tell_strangers([a for c in labelled for a in c.labels if a is not None and a not in known])
    encoder = make_encoder(arguments.encoder)
    turns = _judged(labelled, catalog, encoder)
    report: dict[str, Any] = {"agents": len(known), "encoder": encoder.name, **summary(turns)}
    report["reworded"] = [
        {"file": path.name, **_compared(path, labelled, turns, catalog, encoder)}
        for path in arguments.reworded
    ]
    report["scale"] = scale_curve(sizes, encoder)
    output: Path = arguments.output
    write_report(output, "agents", report, agents_markdown(report))
    if not arguments.no_plots:
        plots.draw(report, output)
    print(f"{report['turns']} turns: {output / 'agents.md'}", file=sys.stderr)
    return 0


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        sizes = [0]
    if any(not 1 <= size <= 1_000_000 for size in sizes):
        raise InputError(f"--scale is {text!r:.60}, expected numbers from 1 to 1000000")
    return sizes


def _labelled(path: Path, known: set[str]) -> Iterator[_Labelled]:
    """Yield the conversations with their gold agents; one that the catalogue does not have is none."""
    labels: dict[str, tuple[str | None, ...]] = {}
    for number, row in read_lines(path):
        turns = row.get("turns") or []
        if not isinstance(turns, list):
            raise InputError(
                f"{path}, line {number}: turns is {turns!r:.60}, expected a list of turns"
            )
        for turn in turns:
            agent = turn.get("agent", ...) if isinstance(turn, dict) else ...
            if not (agent is None or isinstance(agent, str)):
                raise InputError(
                    f"{path}, line {number}: a turn has no `agent`, expected an id or null"
                )
        labels[str(row.get("conversation_id"))] = tuple(turn["agent"] for turn in turns)
    for conversation in read_conversations(path):
        told = labels[conversation.id]
        gold = tuple(agent if agent in known else None for agent in told)
        yield _Labelled(conversation.id, conversation.turns, told, gold)


def _tell_strangers(agents: Sequence[str]) -> None:
    """Say which labels count as nobody's: a misspelt one would pass for a mistake of the choice."""
    if agents:
        names = ", ".join(f"{name!r:.60}" for name in sorted({*agents})[:5])
        print(
            f"{len(agents)} turns are labelled with agents that the catalogue does not have and count as nobody's: "
            f"{names}",
            file=sys.stderr,
        )


def _judged(labelled: Sequence[_Labelled], catalog: Catalog, encoder: Encoder) -> list[Judged]:
    chooser = make_chooser(catalog, encoder)
    titles = {card.id: card.title for card in catalog.agents}
    judged: list[Judged] = []
    for conversation in labelled:
        steps: list[Step] = list(replay(conversation.turns, chooser, titles=titles))
        judged += judge(conversation.gold, steps)
    return judged


def _compared(
    path: Path,
    labelled: Sequence[_Labelled],
    turns: Sequence[Judged],
    catalog: Catalog,
    encoder: Encoder,
) -> dict[str, Any]:
    """Return how decisions fare with other words: in the catalogue, or in the conversations."""
    if ".jsonl" in path.suffixes:
        texts = {c.id: c.turns for c in read_conversations(path)}
        missing = [c.id for c in labelled if len(texts.get(c.id, ())) != len(c.turns)]
        if missing:
            raise InputError(f"{path}: the conversation {missing[0]!r} has not the same turns")
        again = _judged([replace(c, turns=texts[c.id]) for c in labelled], catalog, encoder)
    else:
        again = _judged(labelled, Catalog.from_file(path), encoder)
    same = sum(a.step.agent == b.step.agent for a, b in zip(turns, again, strict=True))
    return {
        "accuracy": summary(again)["accuracy"],
        "same_decision": round(same / max(len(turns), 1), 4),
    }
