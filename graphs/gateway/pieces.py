"""The parts of an answer as it comes. It knows no provider."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Piece", "joined"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of an answer."""

    text: str = ""
    tool_calls: Sequence[dict[str, Any]] = ()
    """Partial tool calls, as OpenAI streams them."""
    thought: str = ""
    """What a model thinks aloud: paid for, and not part of the answer."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    finish: str | None = None

    @property
    def only_text(self) -> bool:
        """Whether there is nothing in it but a text."""
        return not (
            self.tool_calls
            or self.thought
            or self.finish
            or self.input_tokens is not None
            or self.output_tokens is not None
        )


def joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Return the pieces with texts that follow each other in one."""
    found: list[Piece] = []
    texts: list[str] = []
    for piece in pieces:
        if piece.only_text and texts:
            texts.append(piece.text)
            continue
        _close(found, texts)
        texts = [piece.text] if piece.only_text else []
        found.append(piece)
    _close(found, texts)
    return found


def _close(found: list[Piece], texts: list[str]) -> None:
    if len(texts) > 1:
        found[-1] = replace(found[-1], text="".join(texts))
