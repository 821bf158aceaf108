"""Shows passages as quotes: cut to the part that matches, escaped, with their source. Pure.

A document's text is data, so whatever in it would be Markdown or HTML is escaped and reads as it is written.
"""

import re
from collections.abc import Sequence
from typing import TypedDict

from agents.documents.sections import CLOSE, OPEN

QUOTE_WORDS = 60
_SLACK = 15
"""Words by which a quote may grow or start earlier to hold whole sentences."""
_SENTENCE_END = re.compile(r"[.!?。！？][\"'”’)\]]*$")  # noqa: RUF001
_INLINE = re.compile(r"([\\`*_\[\]<&~$])")
_BLOCK_START = re.compile(r"^(\s*)([-+=#>]|\d{1,9}(?=[.)]))")
_MAX_HEADING = 80


class Quote(TypedDict):
    """A passage as it is shown; JSON-plain."""

    file: str
    page: int | None
    heading: str
    text: str
    """The whole passage."""
    score: float
    """From 0 to 1."""
    excerpt: str
    """The part of it that is quoted."""


def excerpt(marked: str) -> str:
    """Return about QUOTE_WORDS words around the densest group of marked words."""
    words = marked.split()
    plain = [word.replace(OPEN, "").replace(CLOSE, "") for word in words]
    if len(words) <= QUOTE_WORDS + _SLACK:
        return " ".join(plain)
    hits = {
        place: plain[place].strip(".,;:()").casefold()
        for place, word in enumerate(words)
        if OPEN in word
    }
    start = _sentence_start(plain, _densest(hits, size=len(words)))
    end = min(len(words), start + QUOTE_WORDS)
    for place in range(end, min(len(words), end + _SLACK) + 1):
        if _SENTENCE_END.search(plain[place - 1]):
            end = place
            break
    shown = " ".join(plain[start:end])
    return f"{'… ' if start else ''}{shown}{' …' if end < len(words) else ''}"


def _densest(hits: dict[int, str], *, size: int) -> int:
    """Return the first marked word of the window with the most different marked words; 0 if none is marked."""

    def kinds(start: int) -> int:
        return len(
            {word for place, word in hits.items() if start <= place < start + QUOTE_WORDS - _SLACK}
        )

    first = max(hits, key=lambda place: (kinds(place), -place), default=0)
    return min(first, size - QUOTE_WORDS)


def _sentence_start(words: Sequence[str], place: int) -> int:
    """Return the start of the sentence around a word, or the word's own place if it starts too far before."""
    for start in range(place, max(place - _SLACK, 0), -1):
        if _SENTENCE_END.search(words[start - 1]):
            return start
    return place if place > _SLACK else 0


def escape(text: str) -> str:
    """Return text as one line of Markdown that reads as the text itself."""
    line = _INLINE.sub(r"\\\1", " ".join(text.split()))
    return _BLOCK_START.sub(lambda match: f"{match[1]}{_escaped_start(match[2])}", line)


def _escaped_start(start: str) -> str:
    return f"{start}\\" if start.isdigit() else f"\\{start}"


def blockquote(quote: Quote, *, number: int | None = None) -> str:
    """Return a passage as a Markdown blockquote, followed by its file and its page or heading."""
    where = f"*{escape(quote['file'])}*"
    if quote["page"] is not None:
        where += f", page {quote['page']}"
    elif quote["heading"]:
        heading = quote["heading"]
        short = heading if len(heading) <= _MAX_HEADING else "… " + heading[2 - _MAX_HEADING :]
        where += f", {escape(short)}"
    label = f"\\[{number}\\] " if number else ""
    return f"> {escape(quote['excerpt'])}\n>\n> — {label}{where}"


def count(number: int, noun: str) -> str:
    """Return a number with its noun, as in "1 document" and "2,000 documents"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
