"""Embeds what a turn's decision reads: the user's text, its last sentence, what was said, the dialogue with the holder.

All in one call of the encoder; with a caching encoder only what is new costs time. It knows no agent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.routing.agents import Encode
from graphs.routing.dialogue import Dialogue, Exchange
from graphs.routing.space import unit
from graphs.routing.wording import sentences

__all__ = ["Reading", "abridged", "last_sentence", "read_turn", "said_before", "turn_texts"]

Vector = NDArray[np.float32]
_LONGEST = 16_000, 4_000
"""Characters at the beginning and at the end of a text whose words are read."""
FADING = 0.6
"""How much an exchange weighs beside the next one."""
SAID = 0.7
"""How much what was said weighs beside what the user wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The texts of a turn with their unit vectors."""

    text: str
    user: Vector
    last_text: str
    """The last sentence of the text, or the text."""
    last: Vector
    said_text: str
    said: Vector | None
    """What the holder said last, or whoever spoke."""
    trail: Vector | None
    """The exchanges with the holder, the newer weighing more."""
    aside: Vector | None
    """The exchanges since the holder served."""
    aside_text: str
    """What was said last since then."""
    before: Vector | None
    """The user's text before this one."""


def last_sentence(text: str) -> str:
    """Return the last sentence of two words or more, or `text` if it has no two such sentences."""
    found = sentences(text)
    return found[-1] if len(found) > 1 else text


def turn_texts(text: str, dialogue: Dialogue) -> list[str]:
    """Return the texts that `read_turn` embeds, each once."""
    exchanged = [t for e in (*dialogue.recent, *dialogue.aside) for t in (e.user, e.said)]
    before = [t for t in (said_before(dialogue), *exchanged) if t]
    return list(dict.fromkeys([text, last_sentence(text), *before]))


def read_turn(text: str, dialogue: Dialogue, encode: Encode) -> Reading:
    """Return `text` and what came before it as vectors."""
    recent, last = dialogue.recent, last_sentence(text)
    said = said_before(dialogue)
    needed = turn_texts(text, dialogue)
    vectors = dict(zip(needed, encode(needed), strict=True))
    return Reading(
        text=abridged(text),
        user=vectors[text],
        last_text=abridged(last),
        last=vectors[last],
        said_text=abridged(said),
        said=vectors.get(said),
        trail=_trail(recent, vectors),
        aside=_trail(dialogue.aside, vectors),
        aside_text=dialogue.said if dialogue.away else "",
        before=vectors.get(recent[-1].user) if recent else None,
    )


def abridged(text: str) -> str:
    """Return what is read of a text's words: of a long one its beginning and its end, where the question often is."""
    return text if len(text) <= sum(_LONGEST) else f"{text[: _LONGEST[0]]} {text[-_LONGEST[1] :]}"


def said_before(dialogue: Dialogue) -> str:
    """Return what the holder said last, or whoever spoke."""
    return dialogue.recent[-1].said if dialogue.recent else dialogue.said


def _trail(recent: Sequence[Exchange], vectors: dict[str, Vector]) -> Vector | None:
    if not recent:
        return None
    total = np.zeros_like(next(iter(vectors.values())))
    weight = 1.0
    for exchange in reversed(recent):
        for text, share in ((exchange.user, 1.0), (exchange.said, SAID)):
            if text in vectors:
                total = total + np.float32(weight * share) * vectors[text]
        weight *= FADING
    faded: Vector = unit(total)
    return faded
