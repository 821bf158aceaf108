"""Finds what a text goes on with, so that a model is chosen for both: "why?" after a program is a question of programs.

A text goes on with the one before where it says nothing by itself, or refers to something with few words of its own;
thanks and praise ask for nothing. The words are English; a text in another language stands by itself.
"""

import re
from collections.abc import Sequence

__all__ = ["FARTHEST", "in_context"]

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")
_LONGEST = 12
"""Words; a longer text says what it wants."""
_OWN = 3
"""Words of its own that a text may have beside one that refers."""
FARTHEST = 4
"""Texts that are looked at; what was said before them is another matter."""
_REFERS = frozenset(
    "it its that this these those them they he she him her one ones same other others another both again more less "
    "instead too also above there then and but or so else".split()
)
_ASKS_ON = frozenset(
    "why how what when where who which whose go continue next further please".split()
)
_PRAISES = frozenset("thanks thank great good fine nice cool perfect wow".split())
_SAYS_NOTHING = frozenset(
    "a an the of to in on at for from by with about as into me my i you your we us our is are was were be been am do "
    "does did done can could would will shall should may might must have has had not no yes yeah yep nope ok okay sure "
    "well really right correct exactly indeed hm hmm now still just only up out all any some very much many "
    "what's that's it's i'm don't let let's if than".split()
)

_OF_NO_MATTER = _SAYS_NOTHING | _REFERS | _ASKS_ON | _PRAISES


def in_context(text: str, before: Sequence[str]) -> str:
    """Return `text`, with what it goes on with before it; that may be several texts, each going on with the last.

    Args:
        text: what the user says.
        before: what the user said before, the newest last.
    """
    found = [text]
    for earlier in reversed(before[-FARTHEST:]):
        if not _goes_on(found[0]):
            break
        found.insert(0, earlier)
    return "\n".join(found)


def _goes_on(text: str) -> bool:
    words = [word.casefold().replace("\u2019", "'") for word in _WORD.findall(text)]
    if not words or len(words) > _LONGEST:
        return False
    said = set(words)
    own = [word for word in words if word not in _OF_NO_MATTER]
    if own:
        return len(own) <= _OWN and not said.isdisjoint(_REFERS)
    return said.isdisjoint(_PRAISES) or not said.isdisjoint(_REFERS | _ASKS_ON)
