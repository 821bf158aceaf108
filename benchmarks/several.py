"""How often a text is given to two agents in turn: one request, which should not be, and requests for two tools.

SGD's turns belong to one service each, so that each of them that is taken apart is a mistake. Of MetaTool's requests
for two tools those are right that go to just these two.
"""

import argparse
import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

from app.conversations import make_chooser, read_conversations
from benchmarks.agents import Bench, sgd_tasks, tool_id, tool_tasks
from benchmarks.report import print_table
from graphs.catalog import Catalog
from graphs.machine import Event
from graphs.replay import replay
from graphs.routing.chooser import Choice, Chooser
from graphs.routing.dialogue import Dialogue
from graphs.routing.encoder import CachedEncoder, make_encoder


class Counting(Chooser):
    """Counts the turns that it is asked about and those of them that it takes apart, as the graph would."""

    def __init__(self, chooser: Chooser) -> None:
        self.__dict__.update(chooser.__dict__)
        self.turns = self.apart = 0

    def choose(self, text: str, dialogue: Dialogue, **given: Any) -> Choice:
        """Choose, and count."""
        choice = super().choose(text, dialogue, **given)
        self.turns += 1
        if choice.decision.event != Event.STAY:
            self.apart += bool(self.several(text, dialogue))
        return choice


def _counting(folder: Path, encoder: Any) -> tuple[Counting, Catalog]:
    catalog = Catalog.from_file(folder / "catalog.json")
    return Counting(make_chooser(catalog, encoder)), catalog


def one_request(folder: Path, encoder: Any) -> list[str]:
    """Return the row of SGD's turns."""
    chooser, catalog = _counting(folder, encoder)
    titles = {card.id: card.title for card in catalog.agents}
    for conversation in read_conversations(folder / "conversations.jsonl"):
        list(replay(conversation.turns, chooser, titles=titles))
    return ["SGD, turns that are routed", str(chooser.turns), str(chooser.apart), "0"]


def two_requests(folder: Path, rows: Path, split: str, encoder: Any) -> list[str]:
    """Return the row of MetaTool's requests for two tools."""
    chooser, _ = _counting(folder, encoder)
    with gzip.open(rows, "rt") as file:
        asked = [row for row in map(json.loads, file) if row["split"] == split]
    right = apart = 0
    for row in asked:
        wanted = {tool_id(tool) for tool in row["tools"]}
        named = {agent for agent, _ in chooser.several(row["query"], Dialogue())}
        apart, right = apart + bool(named), right + (named == wanted)
    return ["MetaTool, requests for two tools", str(len(asked)), str(apart), str(right)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds agents/")
    parser.add_argument("--split", default="dev")
    parser.add_argument("--limit", type=int, default=200, help="dialogues of SGD; 0: all")
    arguments = parser.parse_args()
    encoder = CachedEncoder(make_encoder(), entries=1_000_000)
    with tempfile.TemporaryDirectory() as work:
        bench = Bench(
            data=arguments.data,
            tools=arguments.data.parent / "evaluation",
            work=Path(work),
            split=arguments.split,
            limit=arguments.limit,
        )
        sgd, tools = next(iter(sgd_tasks(bench))), next(iter(tool_tasks(bench)))
        multi = bench.file("metatool_multi.jsonl.gz")
        print_table(
            f"Two agents for one text, {arguments.split}",
            ["data", "texts", "given to two or three", "to the right ones"],
            [
                one_request(sgd.folder, encoder),
                two_requests(tools.folder, multi, arguments.split, encoder),
            ],
        )


if __name__ == "__main__":
    main()
