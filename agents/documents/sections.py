"""What a reader makes of a file: sections of clean text, each with its page or its headings.

This module knows no file format, no index and no question.
"""

import re
from dataclasses import dataclass

from agents.errors import AgentError

MAX_TEXT = 5_000_000
"""Characters of text kept of one file."""

OPEN, CLOSE = "\x01", "\x02"
"""Mark the words of a stored text that match a search; `clean` keeps both out of every text."""

_MAX_HEADING = 200
# Controls, zero-width spaces and bidirectional overrides can hide or reorder what a reader sees; lone surrogates
# cannot be stored. Joiners (U+200C, U+200D) stay, since Persian and Indic words need them.
_UNWANTED = re.compile(
    r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


class UnreadableError(AgentError):
    """A file cannot be turned into text; the message ends the sentence "report.pdf ..."."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A stretch of text under one heading or on one page."""

    text: str
    page: int | None = None
    """Counted from 1; None where the format has no pages."""
    heading: str = ""
    """The headings above the text, outermost first, joined by " / "."""


@dataclass(frozen=True, slots=True)
class Extract:
    """All the text that was read of one file."""

    sections: tuple[Section, ...]
    note: str = ""
    """What was left out, as the end of the sentence "report.pdf ..."; empty if nothing was."""


def clean(text: str) -> str:
    """Return text without invisible or unstorable characters, its line ends made plain."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n\n")
    return _UNWANTED.sub("", plain)


class Outline:
    """Collects headings and paragraphs in reading order, up to the text limit."""

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []
        self._paragraphs: list[str] = []
        self._sections: list[Section] = []
        self._room = MAX_TEXT
        self.full = False

    def heading(self, title: str, *, level: int) -> None:
        """Open a section; headings of the same or a deeper level end."""
        self._flush()
        self._path = [(depth, text) for depth, text in self._path if depth < level]
        words = " ".join(clean(title).split())[:_MAX_HEADING]
        if words:
            self._path.append((level, words))

    def paragraph(self, text: str) -> None:
        """Add a paragraph to the open section; text past the limit is dropped and `full` set."""
        words = clean(text).strip()
        if len(words) > self._room:
            words, self.full = words[: self._room].rstrip(), True
        self._room -= len(words)
        if words:
            self._paragraphs.append(words)

    def extract(self) -> Extract:
        """Return what was collected."""
        self._flush()
        note = f"is long: only the first {MAX_TEXT:,} characters were read" if self.full else ""
        return Extract(tuple(self._sections), note)

    def _flush(self) -> None:
        if self._paragraphs:
            heading = " / ".join(text for _, text in self._path)
            self._sections.append(Section(text="\n\n".join(self._paragraphs), heading=heading))
            self._paragraphs = []
