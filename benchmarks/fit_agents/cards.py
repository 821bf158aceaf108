"""Writes cards for what the train data holds: services of SGD, intents, tools. It knows no vectors."""

import random
from collections.abc import Sequence
from typing import Any

from agents.card import AgentCard, Skill
from benchmarks.fit_agents.data import Source

__all__ = ["VARIANTS", "request_card", "service_card", "sort_of"]

VARIANTS = (None, "v1", "v2", "v3", "v4", "v5")
"""The description of SGD and the five paraphrases of SGD-X."""
EVERY_EXAMPLE = 20


def service_card(
    service: dict[str, Any],
    *,
    variant: str | None = None,
    examples: int = 0,
    inputs: bool = False,
    draw: random.Random | None = None,
) -> AgentCard:
    """Return the card of a service of SGD.

    Args:
        service: as sgd_services.json has it.
        variant: one of VARIANTS.
        examples: at most so many for an intent.
        inputs: whether it says what it asks for.
        draw: draws the examples where they are fewer than all.
    """
    words = service["sgdx_variants"][variant] if variant else service
    intents = service["intents"]
    named = words["intents"] if len(words["intents"]) == len(intents) else intents
    skills = []
    for intent, said in zip(intents, named, strict=True):
        asked = [e["user"] for e in service.get("examples") or [] if e["intent"] == intent["name"]][
            : EVERY_EXAMPLE if examples >= EVERY_EXAMPLE else None
        ]
        if examples < EVERY_EXAMPLE and draw:
            asked = draw.sample(asked, min(examples, len(asked)))
        shown = tuple(asked) if examples else ()
        skills.append(
            Skill(
                id=intent["name"],
                name=said["name"],
                description=said["description"],
                examples=shown,
            )
        )
    slots = "; ".join(slot["description"] for slot in service["slots"])
    return AgentCard(
        id=service["name"],
        name=service["name"].split("_")[0],
        description=words["description"],
        category=(service["domain"],),
        inputs=slots if inputs else "",
        skills=tuple(skills),
    )


def request_card(
    source: Source, label: str, *, examples: Sequence[str] = (), domain: str = ""
) -> AgentCard:
    """Return the card of an intent or a tool; its id is the label's key."""
    if source.tools:
        skills = (Skill(id="use", examples=tuple(examples)),) if examples else ()
        return AgentCard(
            id=source.key(label), name=label, description=source.meanings[label], skills=skills
        )
    name = source.meanings[label]
    return AgentCard(
        id=source.key(label),
        name=name,
        description=name,
        category=(domain,) if domain else (),
        skills=(Skill(id=label, name=name, examples=tuple(examples)),) if domain else (),
    )


def sort_of(service: dict[str, Any]) -> str:
    """Return what twins have in common: the domain, where it is one kind of service."""
    domain: str = service["domain"]
    if domain == "Services":
        return str(service["name"])
    return "Film" if domain in ("Media", "Movies") else domain
