"""Expressions as a person reads them, free of signs that Markdown takes for its own. It computes nothing."""

from __future__ import annotations

import re

from agents.calculator import units

TIMES = "\N{MULTIPLICATION SIGN}"

_PRETTY = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\s+%", "%"),
        (r"\s*\*\s*", f" {TIMES} "),
        (r"(?<=[\w)%!])(?<!\de)\s*([-+])\s*(?=[\w(.$€£¥])", r" \1 "),
        (r"\s*\^\s*", "^"),
        (r"(?<![a-z\d])\((\d[\d.,]*)\)", r"\1"),
        (r"(?<![a-z\d^/])\((\d+) ?/ ?(\d+)\)(?!\^)", r"\1/\2"),
        (r"\bsqrt(?: of )? ?(?:\((\d[\d.]*)\)|(\d[\d.]*)$)", r"√\1\2"),
    )
)
_LONG_NUMBER = re.compile(r"(?<![\d.,^\w])\d{5,15}(?![\d,])")


def pretty(text: str) -> str:
    """Return an expression of the user's with spaces, digit groups and a times sign: 1,000,000 / 7."""
    for pattern, replacement in _PRETTY:
        text = pattern.sub(replacement, text)
    text = _LONG_NUMBER.sub(lambda match: f"{int(match[0]):,}", text)
    if re.fullmatch(r"\([^()]*\)", text):
        text = text[1:-1]
    return units.label(" ".join(text.split()))


def with_powers(label: str) -> str:
    """Return a quantity's label with m² for m^2."""
    return label.replace("^2", "²").replace("^3", "³")


def readable(text: str) -> str:
    """Return a computed symbolic form: 2x^2, 3√2, x·y."""
    text = re.sub(r"sqrt\((\d+)\)", r"√\1", text)
    text = re.sub(r"(?<=\d)\*(?=[a-z√(])", "", text)
    return text.replace("*", "·").replace("pi", "π")


def comparable(text: str) -> str:
    """Return a form without its signs of multiplication and grouping, to tell whether two look the same."""
    return re.sub(rf"[\s()*·{TIMES}]|of", "", text)
