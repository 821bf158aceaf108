"""Reads what a text asks of a task list. It sees no task and settles no date."""

import re
import unicodedata
from dataclasses import replace

from agents.tasks.command import Command
from agents.tasks.phrases import without_repeat
from agents.tasks.read_adding import read_adding, read_engaged
from agents.tasks.read_changing import read_changing, read_everything
from agents.tasks.read_listing import read_listing

MAX_REQUEST = 4_000

_OPENING = re.compile(
    r"(?:(?:hey|hi|hello|ok|okay|so|please|pls|kindly|also|and|then|now|actually),? )*"
    r"(?:(?:can|could|would|will) you (?:please )?|i(?:'d| would) like (?:you )?to |i want (?:you )?to "
    r"|i need you to |let's |go ahead and )?(?:please )?(?:just )?",
    re.IGNORECASE,
)
_CLOSING = re.compile(r"(?:,? (?:please|pls|thanks|thank you|for me))*[\s.!?]*$", re.IGNORECASE)
_GOES_ON = re.compile(r"(?:and|also)\b", re.IGNORECASE)
_HIDDEN = {"Cc", "Cs", "Co", "Cn"}
_JOINERS = "\u200c\u200d"


def clean(text: str) -> str:
    """Return text in NFC without control and direction characters, its white space folded."""
    spaced = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text))
    kept = (
        char
        for char in spaced
        if (category := unicodedata.category(char)) not in _HIDDEN
        and (category != "Cf" or char in _JOINERS)
    )
    return " ".join("".join(kept).replace("\u2019", "'").split())


def read_command(text: str, *, engaged: bool = False) -> Command | None:
    """Return what `text` asks of the task list, or None if it asks nothing of it.

    Args:
        text: the user's words, cleaned.
        engaged: whether the list was just being talked about, so that "add eggs" is about it.
    """
    words = _CLOSING.sub("", _OPENING.sub("", text, count=1))
    once, repeats = without_repeat(words)
    if repeats and (command := read_adding(once)):
        return replace(command, repeats=True)
    found = read_everything(words) if engaged else None
    found = found or read_adding(words) or read_listing(words) or read_changing(words)
    if found is None and engaged:
        found = read_engaged(words, goes_on=_GOES_ON.match(text) is not None)
    return found
