"""What a card says, as texts by kind: what the agent is for, what it asks for, and how people ask for it.

It knows no vectors and no dialogue.
"""

import json
import re
from dataclasses import dataclass

from agents.card import AgentCard

__all__ = ["CardTexts", "card_texts", "category_of"]

EXAMPLES_AN_AGENT = 120
PURPOSES_AN_AGENT = 24
INPUTS_AN_AGENT = 32
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|_+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CardTexts:
    """The texts by which an agent is known."""

    name: str
    category: tuple[str, ...]
    purposes: tuple[str, ...]
    """Its description, and its skills with theirs."""
    inputs: tuple[str, ...]
    """What it asks for, piece by piece."""
    examples: tuple[str, ...]
    """How people ask for it."""

    def all(self) -> list[str]:
        """Return every text that is embedded, by kind."""
        return [*self.purposes, *self.inputs, *self.examples]

    def packed(self) -> bytes:
        """Return the texts as a saved index holds them."""
        parts = (self.name, self.category, self.purposes, self.inputs, self.examples)
        return json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "surrogatepass"
        )

    @classmethod
    def unpacked(cls, saved: bytes) -> "CardTexts":
        """Read what `packed` wrote."""
        name, *parts = json.loads(saved)
        category, purposes, inputs, examples = (tuple(part) for part in parts)
        return cls(
            name=name, category=category, purposes=purposes, inputs=inputs, examples=examples
        )


def card_texts(card: AgentCard) -> CardTexts:
    """Return the texts of `card`; each counts once, in its first role."""
    purposes = [f"{_readable(card.title)}: {card.description}"]
    examples: list[str] = []
    for skill in card.skills:
        name = _readable(skill.name)
        purposes += [f"{name}: {skill.description}" if skill.description else name]
        purposes += [", ".join(skill.tags)]
        examples += skill.examples
    inputs = re.split(r"[;\n]", card.inputs)
    seen: set[str] = set()
    return CardTexts(
        name=card.title,
        category=card.category,
        purposes=_kept(purposes, seen, PURPOSES_AN_AGENT),
        inputs=_kept(inputs, seen, INPUTS_AN_AGENT),
        examples=_kept(examples, seen, EXAMPLES_AN_AGENT),
    )


def category_of(texts: CardTexts) -> str:
    """Return the declared category as one text, empty where none is declared."""
    return " / ".join(texts.category)


def _readable(name: str) -> str:
    return " ".join(_CAMEL.sub(" ", name).split())


def _kept(texts: list[str], seen: set[str], most: int) -> tuple[str, ...]:
    kept: list[str] = []
    for text in (t.strip() for t in texts):
        if text and text not in seen and len(kept) < most:
            seen.add(text)
            kept.append(text)
    return tuple(kept)
