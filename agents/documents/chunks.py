"""Cuts sections into passages of about 120 to 200 words at paragraph, sentence and word ends. Pure.

A passage never crosses a page or a heading, so its source can be stated exactly. It knows no format and no index.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agents.documents.sections import Section

LOW_WORDS = 120
HIGH_WORDS = 200
HIGH_CHARS = 1_600
"""Bounds a passage in scripts that put no spaces between words."""
SEPARATOR = "\n\n"
"""Stands between two sections in the text that offsets refer to."""

_PARAGRAPH_END = re.compile(r"\n[ \t]*\n\s*")
_SENTENCE_END = re.compile(r"[.!?]+[\"'”’)\]]*\s+|[。！？]+\s*")  # noqa: RUF001
_WORD = re.compile(r"\S{1,400}")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A passage and where it stands."""

    text: str
    page: int | None
    heading: str
    start: int
    """Offset of its first character in the document's text: the sections joined by SEPARATOR."""
    end: int


def cut(sections: Sequence[Section]) -> list[Chunk]:
    """Return the passages of a document in order."""
    found: list[Chunk] = []
    offset = 0
    for section in sections:
        for start, end in _pack(_units(section.text), section.text):
            found.append(
                Chunk(
                    text=section.text[start:end],
                    page=section.page,
                    heading=section.heading,
                    start=offset + start,
                    end=offset + end,
                )
            )
        offset += len(section.text) + len(SEPARATOR)
    return found


def _units(text: str) -> Iterator[Span]:
    """Yield the largest pieces that fit in a passage: paragraphs, else sentences, else words."""
    for paragraph in _split(text, (0, len(text)), _PARAGRAPH_END):
        if _fits(text, paragraph):
            yield paragraph
            continue
        for sentence in _split(text, paragraph, _SENTENCE_END):
            if _fits(text, sentence):
                yield sentence
            else:
                yield from (match.span() for match in _WORD.finditer(text, *sentence))


def _split(text: str, span: Span, ends: re.Pattern[str]) -> Iterator[Span]:
    """Yield the pieces of a span between ends, stripped of white space, none of them empty."""
    start = span[0]
    for match in ends.finditer(text, *span):
        yield from _stripped(text, (start, match.end()))
        start = match.end()
    yield from _stripped(text, (start, span[1]))


def _stripped(text: str, span: Span) -> Iterator[Span]:
    piece = text[slice(*span)]
    words = piece.strip()
    if words:
        start = span[0] + len(piece) - len(piece.lstrip())
        yield start, start + len(words)


def _pack(units: Iterator[Span], text: str) -> Iterator[Span]:
    """Join consecutive units into spans of at least LOW_WORDS where that does not pass the upper bounds."""
    start = end = words = 0
    for unit in units:
        size = len(text[slice(*unit)].split())
        if words and (words + size > HIGH_WORDS or unit[1] - start > HIGH_CHARS):
            yield start, end
            words = 0
        if not words:
            start = unit[0]
        end = unit[1]
        words += size
        if words >= LOW_WORDS:
            yield start, end
            words = 0
    if words:
        yield start, end


def _fits(text: str, span: Span) -> bool:
    return span[1] - span[0] <= HIGH_CHARS and len(text[slice(*span)].split()) <= HIGH_WORDS
