"""Turns a file's bytes into text by its ending, each format's parser loaded on first use.

It knows no folder, no index and no question.
"""

from collections.abc import Callable, Mapping
from pathlib import PurePath
from types import MappingProxyType

from agents.documents.markup import read_html, read_markdown, read_text
from agents.documents.office import read_docx, read_pdf
from agents.documents.sections import Extract, UnreadableError

READERS: Mapping[str, Callable[[bytes], Extract]] = MappingProxyType(
    {
        ".txt": read_text,
        ".md": read_markdown,
        ".markdown": read_markdown,
        ".html": read_html,
        ".htm": read_html,
        ".pdf": read_pdf,
        ".docx": read_docx,
    }
)


def readable(name: str) -> bool:
    """Return whether a file of this name has a reader."""
    return PurePath(name).suffix.lower() in READERS


def read(data: bytes, *, name: str) -> Extract:
    """Return the text of a file.

    Raises:
        UnreadableError: the bytes are not a file of that kind, or hold no text.
    """
    extract = READERS[PurePath(name).suffix.lower()](data)
    if not extract.sections:
        raise UnreadableError("holds no text")
    return extract
