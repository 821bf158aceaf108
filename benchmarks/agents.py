"""How well agents are chosen, on public data: the figures that the README quotes.

The data folder holds `agents/` with the files that benchmarks/README.md names; the evaluation folder holds
`make_inputs.py` and `score_agents.py`, which take the labels out and score the decisions. Every text is embedded once.
"""

import argparse
import gzip
import json
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.conversations import make_chooser, read_conversations
from app.lines import write_lines
from benchmarks.report import print_table
from graphs.catalog import Catalog
from graphs.replay import replay
from graphs.routing.encoder import CachedEncoder, make_encoder

EVERY_SHOT = 100_000
EXAMPLES_A_TOOL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Inputs to route, the labels to score against, and what is shown of the scores."""

    name: str
    folder: Path
    gold: Path
    shown: tuple[str, ...]
    aim: str = ""
    known: tuple[str, ...] = ()
    split: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where things are."""

    data: Path
    tools: Path
    work: Path
    split: str
    limit: int

    def make(self, kind: str, *given: str, out: str, options: Sequence[str] = ()) -> Path:
        """Run make_inputs.py and return the folder that it wrote."""
        folder = self.work / out
        tool = str(self.tools / "make_inputs.py")
        command = [sys.executable, tool, kind, *given, str(folder), *options]
        subprocess.run(command, check=True)
        return folder

    def file(self, name: str) -> Path:
        """Return a data file."""
        return self.data / "agents" / name

    def cut(self, gold: Path) -> Path:
        """Return the labels of the conversations that are routed: all, or an even sample of `limit`."""
        if not self.limit:
            return gold
        with gzip.open(gold, "rt") as file:
            rows = [line for line in file if line.strip()]
        kept = random.Random(0).sample(rows, min(self.limit, len(rows)))
        path = self.work / f"{gold.name.split('.')[0]}-{self.limit}.jsonl"
        path.write_text("".join(kept))
        return path


def sgd_tasks(bench: Bench) -> Iterator[Task]:
    services, protocol = bench.file("sgd_services.json"), bench.file("sgd_protocol.json")
    gold = bench.cut(bench.file(f"sgd_routing_{bench.split}.jsonl.gz"))
    fixed = (str(services), str(protocol), bench.split, str(gold))
    shown = ("all", "switch", "false_switch", "first", "continue", "revisit", "closing", "ask")
    for examples, aim in ((False, ".93 / .89 / .02"), (True, ".95 / .91 / .02")):
        more = ("--examples",) if examples else ()
        name = "SGD, train examples where there are any" if examples else "SGD, descriptions only"
        folder = bench.make("sgd", *fixed, out=f"sgd-{examples}", options=more)
        yield Task(name=name, folder=folder, gold=gold, shown=shown, aim=aim)
    facts = json.loads(protocol.read_text())
    every = facts["registries"][bench.split]
    none = ("none_recall_at_p90", "none_recall", "none_precision", "after_none", "some")
    for n, gone in enumerate(facts["registry_holdouts"][bench.split]):
        folder = bench.make("sgd", *fixed, out=f"fold-{n}", options=("--without", ",".join(gone)))
        known = tuple(name for name in every if name not in gone)
        aim = ".80 without twins, .50 worst"
        yield Task(
            name=f"SGD without {', '.join(gone)}", folder=folder, gold=gold, shown=none, aim=aim, known=known,
        )  # fmt: skip
    probe = bench.cut(bench.file(f"sgd_none_probe_{bench.split}.jsonl.gz"))
    folder = bench.make("sgd", *fixed[:3], str(probe), out="probe")
    yield Task(
        name="SGD, a general request in between", folder=folder, gold=probe, shown=(*none, "all"), aim=".85, next .95",
    )  # fmt: skip


def intent_tasks(bench: Bench) -> Iterator[Task]:
    for file, shots, name, aim in (
        ("clinc150", EVERY_SHOT, "CLINC150, all examples", ".95 in scope with .85"),
        ("banking77", 10, "BANKING77, 10 examples", ".87"),
        ("hwu64", EVERY_SHOT, "HWU64, all examples", ""),
    ):
        rows = str(bench.file(f"{file}.jsonl.gz"))
        more = ("--train", rows, "--shots", str(shots), "--split", bench.split)
        folder = bench.make("intents", rows, out=file, options=more)
        shown = ("some", "none", "top5", "none_recall_at_p90", "ask")
        yield Task(
            name=name, folder=folder, gold=Path(rows), shown=shown, aim=aim, split=bench.split
        )


def tool_tasks(bench: Bench) -> Iterator[Task]:
    tools, rows = bench.file("metatool_tools.json"), bench.file("metatool_single.jsonl.gz")
    folder = bench.make(
        "tools", str(tools), str(rows), out="tools", options=("--split", bench.split)
    )
    shown = ("all", "top5", "ask")
    yield Task(
        name="MetaTool, descriptions only", folder=folder, gold=rows, shown=shown, aim=".60 / .85", split=bench.split,
    )  # fmt: skip
    yield Task(
        name="MetaTool, with examples", folder=_with_examples(folder, rows, bench), gold=rows, shown=shown, aim=".85",
        split=bench.split,
    )  # fmt: skip


def tool_id(name: str) -> str:
    """Return the id of a tool's card, as make_inputs.py makes it."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")


def _with_examples(folder: Path, rows: Path, bench: Bench) -> Path:
    """Return the inputs with train queries on the cards."""
    by: dict[str, list[str]] = {}
    with gzip.open(rows, "rt") as file:
        for row in map(json.loads, file):
            if row["split"] == "train":
                by.setdefault(tool_id(row["tool"]), []).append(row["query"])
    catalog = json.loads((folder / "catalog.json").read_text())
    for card in catalog["agents"]:
        card["skills"] = [{"id": "use", "examples": by.get(card["id"], [])[:EXAMPLES_A_TOOL]}]
    out = bench.work / "tools-with-examples"
    out.mkdir(exist_ok=True)
    (out / "catalog.json").write_text(json.dumps(catalog))
    (out / "conversations.jsonl").write_bytes((folder / "conversations.jsonl").read_bytes())
    return out


def run(task: Task, encoder: Any, bench: Bench) -> dict[str, Any]:
    """Route a task's conversations and return what score_agents.py says."""
    catalog = Catalog.from_file(task.folder / "catalog.json")
    chooser = make_chooser(catalog, encoder)
    titles = {card.id: card.title for card in catalog.agents}
    decided = task.folder / "decisions.jsonl"
    write_lines(
        decided,
        (
            {"conversation_id": c.id, "turn": n, **step.plain()}
            for c in read_conversations(task.folder / "conversations.jsonl")
            for n, step in enumerate(replay(c.turns, chooser, titles=titles))
        ),
    )
    command = [sys.executable, str(bench.tools / "score_agents.py"), str(task.gold), str(decided)]
    command += ["--known", ",".join(task.known)] if task.known else []
    command += ["--split", task.split] if task.split else []
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    scores: dict[str, Any] = json.loads(done.stdout)
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds agents/")
    parser.add_argument(
        "--evaluation", type=Path, help="default: the folder evaluation beside --data"
    )
    parser.add_argument("--split", default="dev")
    parser.add_argument("--limit", type=int, default=0, help="dialogues of SGD; 0: all")
    parser.add_argument("--only", default="", help="run the tasks whose name has this text")
    arguments = parser.parse_args()
    encoder = CachedEncoder(make_encoder(), entries=1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(
            data=arguments.data,
            tools=arguments.evaluation or arguments.data.parent / "evaluation",
            work=Path(folder),
            split=arguments.split,
            limit=arguments.limit,
        )
        rows = []
        for tasks in (sgd_tasks, intent_tasks, tool_tasks):
            for task in tasks(bench):
                if arguments.only.casefold() in task.name.casefold():
                    scores = run(task, encoder, bench)
                    shown = ", ".join(
                        f"{k} {scores[k]:.3f}" for k in task.shown if scores.get(k) is not None
                    )
                    rows.append([task.name, str(scores["turns"]), shown, task.aim])
                    print(rows[-1], file=sys.stderr, flush=True)
        sample = f", {arguments.limit} dialogues of SGD" if arguments.limit else ""
        print_table(
            f"Choosing an agent, {arguments.split}{sample}",
            ["data", "turns", "measured", "aim"],
            rows,
        )


if __name__ == "__main__":
    main()
