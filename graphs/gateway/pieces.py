"""The parts of an answer as it comes. It knows no provider."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Piece", "joined", "token_logprobs"]

_LEAST_LOGPROB = -100.0
"""Servers give less for tokens that were no choice at all."""
_NO_LOGPROB = 1.0
"""The greatest is 0, and rounded a little above it."""


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
    logprobs: Sequence[float] = ()
    """The log probability of each token, where it was asked for and the provider tells."""

    @property
    def length(self) -> int:
        """The characters in it, those that a tool is called with among them."""
        called = sum(len(call["function"]["arguments"] or "") for call in self.tool_calls)
        return len(self.text) + len(self.thought) + called

    @property
    def only_text(self) -> bool:
        """Whether there is nothing in it but a text and how probable its tokens were."""
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
    texts: list[Piece] = []
    for piece in pieces:
        if piece.only_text and texts:
            texts.append(piece)
            continue
        _close(found, texts)
        texts = [piece] if piece.only_text else []
        found.append(piece)
    _close(found, texts)
    return found


def token_logprobs(choice: Any) -> tuple[float, ...]:
    """Return the log probabilities of a chunk's tokens, none where the provider says nothing that can be read.

    Args:
        choice: a chunk's choice in OpenAI's form, as an object or as a mapping.
    """
    found = []
    for token in _of(_of(choice, "logprobs"), "content") or ():
        value = _of(token, "logprob")
        if not isinstance(value, int | float) or not value < _NO_LOGPROB:  # false for NaN too
            return ()
        found.append(max(float(value), _LEAST_LOGPROB))
    return tuple(found)


def _of(given: Any, name: str) -> Any:
    return given.get(name) if isinstance(given, Mapping) else getattr(given, name, None)


def _close(found: list[Piece], texts: list[Piece]) -> None:
    if len(texts) > 1:
        text = "".join(piece.text for piece in texts)
        logprobs = tuple(value for piece in texts for value in piece.logprobs)
        found[-1] = replace(found[-1], text=text, logprobs=logprobs)
