"""Reads what the numbers are fitted on: train rows only, in one form for intents and for tools.

It knows no vectors. Where things are held apart (tools for fitting and for trying, general requests for prototypes and
for turns), a hash of the text decides, so that the parts stay the same when rows come or go.
"""

import gzip
import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.errors import InputError

__all__ = ["Corpus", "Query", "Source", "is_even", "read_corpus"]

_SAMPLED = 1.3
"""Dialogues that the map is fitted on, for each that the trees are: some hold a card's example."""
_LATER = 0.3
"""Dialogues that the correction is fitted on, for each that the trees are."""
_QUESTIONS = 700
"""Of each file of `models/`."""
_SEED = 7


@dataclass(frozen=True, slots=True)
class Query:
    """A request, and what it is labelled with."""

    text: str
    label: str
    """Empty where it is labelled as out of scope."""
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Single requests, and what their labels mean."""

    name: str
    queries: tuple[Query, ...]
    """Those that have a label."""
    out_of_scope: tuple[str, ...]
    meanings: dict[str, str]
    """What each label is described with; for an intent its own name is all that is known."""
    tools: bool

    def by_label(self) -> dict[str, list[str]]:
        """Return the requests of each label."""
        found: dict[str, list[str]] = {}
        for query in self.queries:
            found.setdefault(query.label, []).append(query.text)
        return dict(sorted(found.items()))

    def key(self, label: str) -> str:
        """Return the label as one that no other source has."""
        return f"{self.name}:{label}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Everything that is fitted on."""

    services: dict[str, dict[str, Any]]
    registry: tuple[str, ...]
    """The services of SGD's train split."""
    dialogues: tuple[dict[str, Any], ...]
    """For the map."""
    unlisted: tuple[dict[str, Any], ...]
    """For the trees: those without a turn that is an example on a card."""
    later: tuple[dict[str, Any], ...]
    """For what corrects the trees: others, without such a turn too."""
    clinc: Source
    hwu: Source
    banking: Source
    tools: Source
    questions: tuple[str, ...]
    """Requests that a language model is asked, from `models/`; empty if that folder is not there."""

    @property
    def sources(self) -> tuple[Source, ...]:
        """The single requests."""
        return (self.clinc, self.hwu, self.banking, self.tools)


def is_even(text: str) -> bool:
    """Return which of two halves `text` belongs to."""
    return _hash(text) % 2 == 0


def read_corpus(data: Path, *, dialogues: int, per_label: int) -> Corpus:
    """Read the files below `data`.

    Args:
        data: the folder that holds `agents/` and, if there, `models/`.
        dialogues: how many the trees are fitted on.
        per_label: at most so many requests of a label; 0 means all.

    Raises:
        OSError: a file is missing.
        InputError: a file of `models/` cannot be read.
    """
    agents = data / "agents"
    services = {s["name"]: s for s in json.loads((agents / "sgd_services.json").read_text())}
    protocol = json.loads((agents / "sgd_protocol.json").read_text())
    every = list(_rows(agents / "sgd_routing_train.jsonl.gz"))
    random.Random(_SEED).shuffle(every)
    sampled = every[: round(_SAMPLED * dialogues)]
    shown = {e["user"] for s in services.values() for e in s.get("examples") or []}
    free = [d for d in sampled if not _is_shown(d, shown)]
    free.sort(key=lambda d: _hash(d["dialogue_id"]))
    later = every[len(sampled) : len(sampled) + round(_LATER * dialogues)]
    tools = {t["name"]: t["description"] for t in _json(agents / "metatool_tools.json")}
    return Corpus(
        services=services,
        registry=tuple(protocol["registries"]["train"]),
        dialogues=tuple(sampled),
        unlisted=tuple(free[:dialogues]),
        later=tuple(d for d in later if not _is_shown(d, shown)),
        clinc=_intents(agents / "clinc150.jsonl.gz", per_label),
        hwu=_intents(agents / "hwu64.jsonl.gz", per_label),
        banking=_intents(agents / "banking77.jsonl.gz", per_label),
        tools=_tools(agents / "metatool_single.jsonl.gz", tools, per_label),
        questions=_questions(data / "models", per_label * 20 or _QUESTIONS),
    )


def _is_shown(dialogue: dict[str, Any], shown: set[str]) -> bool:
    """Return whether a turn of the dialogue is among the texts on cards; short ones are everybody's."""
    said = (turn["user"] for turn in dialogue["turns"])
    return any(len(text.split()) > 3 and text in shown for text in said)


def _intents(path: Path, per_label: int) -> Source:
    rows = [r for r in _rows(path) if r["split"] == "train"]
    queries = [
        Query(r["text"], r["intent"], r.get("domain") or "all") for r in rows if not r.get("oos")
    ]
    outside = [r["text"] for r in rows if r.get("oos")]
    return Source(
        name=path.name.partition(".")[0],
        queries=_few(queries, per_label),
        out_of_scope=tuple(outside[: 5 * per_label or None]),
        meanings={q.label: q.label.replace("_", " ") for q in queries},
        tools=False,
    )


def _tools(path: Path, tools: dict[str, str], per_label: int) -> Source:
    kept = {name: text for name, text in tools.items() if is_even(f"tool {name}")}
    rows = [r for r in _rows(path) if r["split"] == "train" and r["tool"] in kept]
    queries = _few([Query(r["query"], r["tool"], "all") for r in rows], per_label)
    return Source(name="metatool", queries=queries, out_of_scope=(), meanings=kept, tools=True)


def _few(queries: list[Query], per_label: int) -> tuple[Query, ...]:
    if not per_label:
        return tuple(queries)
    counts: dict[str, int] = {}
    kept = []
    for query in queries:
        counts[query.label] = counts.get(query.label, 0) + 1
        if counts[query.label] <= per_label:
            kept.append(query)
    return tuple(kept)


def _questions(folder: Path, each: int) -> tuple[str, ...]:
    import duckdb

    found: list[str] = []
    for path in sorted(folder.glob("*.parquet")):
        try:
            table = duckdb.read_parquet(str(path)).query(
                "asked", "SELECT DISTINCT query FROM asked ORDER BY query"
            )
        except duckdb.Error as error:
            raise InputError(
                f"{path} is not Parquet with a column `query`: mend it or take it away"
            ) from error
        rows = [str(row[0]) for row in table.fetchall()]
        found += random.Random(_SEED).sample(rows, min(each, len(rows)))
    return tuple(found)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from (json.loads(line) for line in file if line.strip())


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _hash(text: str) -> int:
    return int(hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:8], 16)
