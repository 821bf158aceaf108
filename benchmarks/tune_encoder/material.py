"""What the encoder is tuned on: what people say to each service, intent or tool, and what is said of these.

Train rows only, less what `fit_agents` needs unseen: the dialogues on which it corrects its trees, and the general
requests of its turns. Nothing of BANKING77, so that there is a catalogue of ten examples an intent whose intents the
encoder has not seen. It knows no vectors.
"""

import gzip
import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.fit_agents.cards import VARIANTS, service_card, sort_of
from benchmarks.fit_agents.data import Corpus, Source, is_even, read_corpus
from benchmarks.fit_agents.general import for_prototypes
from graphs.routing.card_texts import card_texts

__all__ = ["Material", "Service", "read_material"]

_DIALOGUES = 2000
"""As many as `fit_agents` takes, so that what it corrects with is left out."""
_FEWEST_USER_WORDS, _FEWEST_REPLY_WORDS = 5, 6
_EXTRA_OUT_OF_SCOPE = 5
"""Times that a request out of scope counts among the general ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service of SGD."""

    sort: str
    """What it has in common with its twins: a request that opens a dialogue cannot tell them apart."""
    purposes: tuple[tuple[str, ...], ...]
    """The texts of its card, in the words of SGD and in five paraphrases."""
    inputs: tuple[str, ...]
    opening: list[str]
    """First turns, and turns that switch to it: they state what they are for."""
    following: list[str]
    replies: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything that is tuned on."""

    services: dict[str, Service]
    sources: dict[str, tuple[Source, dict[str, list[str]]]]
    """Intents and tools, with the requests of each label."""
    general: list[str]
    """Requests that no agent is for."""

    def without(self, gone: Collection[str]) -> "Material":
        """Return the material without services (`sgd:NAME`), intents and tools (`SOURCE:LABEL`)."""
        return replace(
            self,
            services={n: s for n, s in self.services.items() if f"sgd:{n}" not in gone},
            sources={
                name: (source, {lab: t for lab, t in by.items() if source.key(lab) not in gone})
                for name, (source, by) in self.sources.items()
            },
        )


def read_material(data: Path) -> tuple[Material, Corpus]:
    """Read the files below `data`, as `fit_agents` names them; return the corpus too.

    Raises:
        OSError: a file is missing.
    """
    corpus = read_corpus(data, dialogues=_DIALOGUES, per_label=0)
    said = _said(data / "agents" / "sgd_routing_train.jsonl.gz", corpus)
    services = {}
    for name in corpus.registry:
        service = corpus.services[name]
        services[name] = Service(
            sort=sort_of(service),
            purposes=tuple(
                card_texts(service_card(service, variant=words)).purposes for words in VARIANTS
            ),
            inputs=card_texts(service_card(service, inputs=True)).inputs,
            **said[name],
        )
    # The other half are turns that `fit_agents` learns from, which the encoder must not have seen.
    outside = [text for text in corpus.clinc.out_of_scope if is_even(f"g{text}")]
    general = [text for text in for_prototypes(corpus) if is_even(f"g{text}")]
    general += outside * _EXTRA_OUT_OF_SCOPE
    sources = {
        source.name: (source, source.by_label())
        for source in (
            replace(corpus.clinc, out_of_scope=tuple(outside)),
            corpus.hwu,
            corpus.tools,
        )
    }
    return Material(services=services, sources=sources, general=general), corpus


def _said(path: Path, corpus: Corpus) -> dict[str, dict[str, list[str]]]:
    """Return what users and services say, by service and part of the dialogue."""
    later = {dialogue["dialogue_id"] for dialogue in corpus.later}
    found: dict[str, dict[str, list[str]]] = {
        name: {"opening": [], "following": [], "replies": []} for name in corpus.registry
    }
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for dialogue in map(json.loads, file):
            if dialogue["dialogue_id"] in later:
                continue
            for at, turn in enumerate(dialogue["turns"]):
                _put(turn, first=at == 0, into=found[turn["service"]])
    return found


def _put(turn: dict[str, Any], *, first: bool, into: dict[str, list[str]]) -> None:
    user, reply = turn["user"], turn["system"]
    closing = turn["closing"] and not (first or turn["switch"])
    if first or turn["switch"]:
        into["opening"].append(user)
    elif not closing and len(user.split()) >= _FEWEST_USER_WORDS:
        into["following"].append(user)
    if not closing and len(reply.split()) >= _FEWEST_REPLY_WORDS:
        into["replies"].append(reply)
