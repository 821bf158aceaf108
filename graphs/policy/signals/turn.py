"""A turn as signals read it: the request with the views of its text that several signals share, each made once.

Nothing of it outlives the turn. It knows no signal and no policy.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from graphs.policy.request import Request
from graphs.routing.words import stems

__all__ = ["Embed", "Turn", "Vectors", "clean", "is_unspaced", "visible", "words_of"]

Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vectors]
T = TypeVar("T")

TAIL = 1_000
"""Characters at the end of a long text that are embedded too: an encoder reads about as many at its beginning."""
_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, kana, Han and Hangul, whose words run on or take endings."""


class Turn:
    """A request, and its text folded, split, normalised and embedded, as far as a signal asks for it."""

    def __init__(self, request: Request, *, embed: Embed | None = None) -> None:
        self.request = request
        self._embed = embed
        self._memo: dict[Hashable, object] = {}

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return what `compute` gives, computed once a turn for each key."""
        if key not in self._memo:
            self._memo[key] = compute()
        return self._memo[key]  # type: ignore[return-value]

    @cached_property
    def text(self) -> str:
        """The text, with lone surrogates as U+FFFD."""
        return clean(self.request.text)

    @cached_property
    def utf8(self) -> bytes:
        """The text as the regular expressions read it."""
        return self.text.encode()

    @cached_property
    def exact(self) -> str:
        """The text with each run of white space as one blank."""
        return " ".join(self.text.split())

    @cached_property
    def folded(self) -> str:
        """The same, case-folded."""
        return self.exact.casefold()

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The case-folded words."""
        return words_of(self.folded)

    @cached_property
    def word_set(self) -> frozenset[str]:
        """The case-folded words, each once."""
        return frozenset(self.words)

    @cached_property
    def exact_words(self) -> frozenset[str]:
        """The words as written, each once."""
        return frozenset(words_of(self.exact))

    @cached_property
    def stems(self) -> Counter[str]:
        """How often each stem of a meaningful word occurs."""
        return Counter(stem for word in self.words for stem in stems(word))

    @cached_property
    def visible(self) -> bytes:
        """The text as a person sees it: see `visible`."""
        return visible(self.text).encode()

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

    def previous(self, count: int | None = None) -> tuple[str, ...]:
        """Return the last `count` texts that the user wrote before, or all, the newest last."""
        texts = self.request.previous
        return tuple(map(clean, texts if count is None else texts[max(0, len(texts) - count) :]))


def clean(text: str) -> str:
    """Return `text` with lone surrogates as U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def visible(text: str) -> str:
    """Return `text` with compatibility forms resolved, invisible characters dropped and white space joined."""
    if text.isascii():
        return " ".join(text.split())
    normal = unicodedata.normalize("NFKC", text)
    return " ".join("".join(c for c in normal if unicodedata.category(c) != "Cf").split())


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of `text`: runs of letters, digits and `_`."""
    return tuple(_WORD.findall(text))


def is_unspaced(text: str) -> bool:
    """Return whether `text` has characters of a script that sets no blanks around words."""
    return _UNSPACED.search(text) is not None
