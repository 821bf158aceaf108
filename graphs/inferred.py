"""What a turn tells of the answer before it, and checks of the answers of a turn: evidence that nobody meant to give.

A user who asks the same again was not served; one who asks for a better model says so; one who goes on was, as far as
is known. Pure: it reads records and likenesses and writes nothing.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from graphs.checking.form import FORM
from graphs.feedback import CHECKS, evidence_of, evidence_on, word_on
from graphs.routing.choice import preference_weight
from graphs.routing.feedback import Evidence, Kind
from graphs.turn import objects, wants_better

__all__ = ["AGAIN", "APART", "Next", "kept_share", "words_of_checks", "words_of_next"]

AGAIN, APART = 0.92, 0.7
"""Cosines of two requests from which they ask the same, and up to which they do not; between them nothing is said. Of
the encoder that ships on 24 pairs made by hand: 12 paraphrases had .849 to .981, 8 of them .92 or more; 12 follow-ups
and questions of the same form .052 to .944, one of them above .90."""
_NUMBERS = re.compile(r"\d+(?:[.,]\d+)*")
RIGHT_AFTER_S = 900.0
"""A question that comes later is another question."""
_DEARER = 0.1
"""From this rise of the preference on a user wants a better model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """The turn that follows an answer."""

    text: str
    """What the user wrote."""
    asked: str
    """What the user had asked before."""
    likeness: float
    """The cosine of the two requests."""
    preference: str | float
    ts: str
    """When it began, as in a record."""
    again: bool = False
    """Whether it takes the place of the turn before: its question was edited, or asked anew."""


def words_of_next(before: Mapping[str, Any], turn: Next, *, source: str) -> Iterator[Evidence]:
    """Yield what a turn says of the answer before it; one cause is told once.

    Args:
        before: the record of the turn before.
        turn: what follows.
        source: whose words they are.
    """
    about = evidence_of(before)
    if about is None or _seconds(before["ts"], turn.ts) > RIGHT_AFTER_S:
        return
    kind, reward = Kind.REASK, 0.0
    again = turn.likeness >= AGAIN and _numbers(turn.text) == _numbers(turn.asked)
    if wants_better(turn.text) or (again and _raised(before, turn)):
        kind = Kind.ESCALATION
    elif again or objects(turn.text):
        pass
    elif turn.likeness > APART or turn.again:
        return
    else:
        reward = 1.0
    yield word_on(about, decision=str(before["id"]), reward=reward, source=source, kind=kind)


def words_of_checks(record: Mapping[str, Any]) -> Iterator[Evidence]:
    """Yield what checks found of a turn's answers: 0 where one spoke against it, 1 where the shown one held.

    A check that could not tell says nothing, and so does an answer that was passed over for a surer one. What only
    reads like a fault of form may be what the user asked for.
    """
    for asked in (record.get("checked") or {}).get("steps") or ():
        about = evidence_on(record, asked["model"])
        told = [c for c in asked["checks"] if c["probability"] is not None and not _doubts(c)]
        if about is None or not told:
            continue
        # Against what was predicted of the model: a weak model is not worse for being weak.
        against = any(c["fails"] or c["probability"] < asked["predicted"] for c in told)
        if against or asked["shown"]:
            yield word_on(
                about,
                decision=str(record["id"]),
                reward=float(not against),
                source=CHECKS,
                kind=Kind.ESCALATION,
            )


def _doubts(check: Mapping[str, Any]) -> bool:
    return bool(check["check"] == FORM and not check["fails"])


def kept_share(answer: str, edited: str) -> float:
    """Return how much of an answer its edit kept, 0 to 1: by words, wherever they stand."""
    # To align the texts takes a time that grows as the cube of a word that is repeated; to count takes next to none.
    before, after = Counter(answer.split()), Counter(edited.split())
    if not before:
        return float(not after)
    return (before & after).total() / before.total()


def _numbers(text: str) -> list[str]:
    return sorted(_NUMBERS.findall(text))


def _raised(before: Mapping[str, Any], turn: Next) -> bool:
    asked = (before.get("models") or {}).get("preference")
    if asked is None:
        return False
    return preference_weight(turn.preference) >= preference_weight(asked) + _DEARER


def _seconds(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
