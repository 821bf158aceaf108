r"""Regular expressions whose time grows only with the text: RE2, never the interpreter's own engine.

A pattern that RE2 refuses (look-around, a backreference) or that compiles to too large a program is refused here, with
a reason. `\w`, `\d` and `\b` mean ASCII, as RE2 has it. It knows no signal.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import re2  # type: ignore[import-untyped]

__all__ = [
    "MOST_MATCHES",
    "Pattern",
    "any_of",
    "compiled",
    "count_matches",
    "normal",
    "own",
    "pattern_fault",
]

Pattern = Any
"""A compiled pattern of re2, which has no types; it is given bytes."""
LONGEST_PATTERN = 1_000
LARGEST_PROGRAM = 2_500
"""Instructions; the worst text of 100,000 characters then takes about 0.2 s."""
MOST_MATCHES = 500
"""Where counting ends: before it says no, each search may look at all of the text that it is given."""
_PIECE = 2_000
"""Bytes of a longer text that are counted in at once, for the same reason."""
_NAMES = {
    "invalid perl operator": "look-around and atomic groups are not read",
    "invalid escape sequence": "backreferences and this escape are not read",
}


@lru_cache(maxsize=4096)
def compiled(pattern: str, *, case_sensitive: bool = True) -> Pattern:
    """Return a compiled pattern.

    Raises:
        ValueError: RE2 refuses it, or it is too large.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"it has {len(pattern)} characters, expected at most {LONGEST_PATTERN}")
    return _compiled(pattern, case_sensitive=case_sensitive)


def _compiled(pattern: str, *, case_sensitive: bool) -> Pattern:
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = case_sensitive
    try:
        found = re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        raise ValueError(_reason(error)) from error
    if found.programsize > LARGEST_PROGRAM:
        raise ValueError(
            f"it compiles to {found.programsize} instructions, expected at most {LARGEST_PROGRAM}: "
            "repeat less"
        )
    return found


def normal(pattern: str) -> str:
    """Return a pattern as the texts are written that it is looked for in: composed. What it says stays the same."""
    return unicodedata.normalize("NFC", pattern)


def pattern_fault(pattern: str, *, case_sensitive: bool) -> str | None:
    """Return why a pattern cannot be used, None if it can; without case it is the larger program."""
    try:
        compiled(pattern, case_sensitive=case_sensitive)
    except ValueError as error:
        return str(error)
    return None


@lru_cache(maxsize=512)
def own(pattern: str, *, case_sensitive: bool = False, captures: bool = True) -> Pattern:
    """Return one of the program's own patterns, which may be larger than others' ones."""
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = case_sensitive
    options.never_capture = not captures
    options.max_mem = 64 << 20
    return re2.compile(pattern, options)


def any_of(patterns: Sequence[str], *, case_sensitive: bool = False) -> Pattern:
    """Return a pattern that is found where any of the program's own `patterns` is."""
    joined = "|".join(f"(?:{pattern})" for pattern in patterns)
    return own(joined, case_sensitive=case_sensitive, captures=False)


def count_matches(pattern: Pattern, text: bytes) -> tuple[int, int]:
    """Return how often a pattern is found, up to `MOST_MATCHES`, and how many bytes were looked at for that.

    Of a text of more than 2,000 bytes pieces are read, cut at white space; what lies across a cut is not found.
    """
    count = 0
    for start, piece in _pieces(text):
        for match in pattern.finditer(piece):
            count += match.end() > match.start()
            if count == MOST_MATCHES:
                return count, start + match.end()
    return count, len(text)


def _pieces(text: bytes) -> Iterator[tuple[int, bytes]]:
    start = 0
    while len(text) - start > _PIECE:
        end = start + _PIECE
        cuts = (text.rfind(blank, start + _PIECE // 2, end) for blank in (b"\n", b" "))
        end = next((cut + 1 for cut in cuts if cut > 0), end)
        yield start, text[start:end]
        start = end
    yield start, text[start:]


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else error
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    for start, meaning in _NAMES.items():
        if text.startswith(start):
            return f"{text} ({meaning})"
    return re.sub(r"\s+", " ", text)
