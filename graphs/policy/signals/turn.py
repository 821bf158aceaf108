"""A turn as signals read it: the request with what several signals share of its texts, each made once.

Nothing of it outlives the turn. It knows no signal and no policy.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from agents.errors import InputError
from graphs.characters import whole
from graphs.policy.request import Request
from graphs.policy.signals.memo import Memo
from graphs.policy.signals.passage import Passage

__all__ = ["LONGEST_READ", "Embed", "Turn", "Vectors"]

Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vectors]

TAIL = 1_000
"""Characters at the end of a long text that are embedded too: an encoder reads about as many at its beginning."""
LONGEST_READ = 500_000
"""Characters that signals look through in a turn, about 125,000 tokens; personal data in the worst such text take about
0.6 s to find. Turns share a few threads, so one that would take longer must not have the others wait."""


class Turn(Memo):
    """A request, and its texts prepared and embedded, as far as a signal asks for it."""

    def __init__(self, request: Request, *, embed: Embed | None = None) -> None:
        super().__init__()
        self.request = request
        self._embed = embed

    @cached_property
    def text(self) -> str:
        """The text, with lone surrogates as U+FFFD."""
        return whole(self.request.text)

    @cached_property
    def utf8(self) -> bytes:
        """The text as it was written, as the regular expressions read it."""
        return self.text.encode()

    @cached_property
    def vectors(self) -> Vectors:
        """The unit vector of the text, and of the end of a long one: (1 or 2, d)."""
        parts = [self.text] if len(self.text) <= TAIL else [self.text, self.text[-TAIL:]]
        return self.embed(parts)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return a unit vector a text.

        Raises:
            LookupError: the reader was made without an encoder.
        """
        if self._embed is None:
            raise LookupError("there is no encoder")
        return self._embed(texts)

    def passages(self, *, history: bool = False) -> tuple[Passage, ...]:
        """Return the text, with `history` also all else that a model would read, each text once.

        Raises:
            InputError: they are longer than signals read.
        """
        _check_length([self.request.text])
        texts = (self.text, *self.before()) if history else (self.text,)
        return tuple(self._passage(text) for text in texts)

    def before(self) -> tuple[str, ...]:
        """Return what a model would read besides the text, each text once.

        Raises:
            InputError: with the text it is longer than signals read.
        """
        return self.once("before", self._before)

    def _before(self) -> tuple[str, ...]:
        request = self.request
        given = dict.fromkeys((*request.previous, *request.context))
        _check_length({request.text, *given})
        others = dict.fromkeys(map(whole, given))
        return tuple(text for text in others if text != self.text)

    def _passage(self, text: str) -> Passage:
        return self.once(("passage", text), lambda: Passage(text))

    def previous(self, count: int | None = None) -> tuple[str, ...]:
        """Return the last `count` texts that the user wrote before, or all, the newest last."""
        texts = self.request.previous
        return tuple(map(whole, texts if count is None else texts[max(0, len(texts) - count) :]))


def _check_length(texts: Collection[str]) -> None:
    length = sum(map(len, texts))
    if length > LONGEST_READ:
        raise InputError(
            f"given {length:,} characters to look through, at most {LONGEST_READ:,} are read a turn: "
            "send less, or begin another thread"
        )
