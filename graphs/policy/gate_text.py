"""The text of a protocol's message, for signals to read: every text in it, or none of it if it is too large to read.

What is not read could hide what a signal looks for, so nothing is cut off in silence.
"""

from typing import Any

from agents.errors import InputError

__all__ = ["LARGEST", "flat_text"]

LARGEST = 100_000
"""Characters of text that a gate reads."""
_PARTS = 10_000


def flat_text(value: Any) -> str:
    """Return all texts and numbers of a JSON-plain value, keys included, a line each.

    Raises:
        InputError: it is not JSON-plain, or larger than a gate reads.
    """
    lines: list[str] = []
    size = parts = 0
    waiting: list[Any] = [value]
    while waiting:
        part = waiting.pop()
        parts += 1
        if isinstance(part, dict):
            waiting.extend(reversed([x for pair in part.items() for x in pair]))
        elif isinstance(part, list | tuple):
            waiting.extend(reversed(part))
        elif isinstance(part, str):
            lines.append(part)
            size += len(part)
        elif isinstance(part, int | float) and not isinstance(part, bool):
            lines.append(_digits(part))
        elif part is not None and not isinstance(part, bool):
            raise InputError(f"given a {type(part).__name__}, expected JSON-plain values")
        if size > LARGEST or parts + len(waiting) > _PARTS:
            raise InputError(
                f"it is larger than a gate reads: at most {LARGEST} characters in {_PARTS} parts"
            )
    return "\n".join(lines)


def _digits(number: float) -> str:
    if isinstance(number, int) and number.bit_length() > 1_024:
        raise InputError("given a number of more than 1024 bits, expected a shorter one")
    return str(number)
