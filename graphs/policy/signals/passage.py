"""A text as signals look for something in it: one form for all of them, and the views that they share, each made once.

The form is NFKC without the characters that nobody sees. A word that such a character parts from the next is found too:
then there is a second view with blanks in their place. It knows no signal and no turn.
"""

import re
import unicodedata
from collections import Counter
from functools import cached_property

from graphs.policy.signals.memo import Memo
from graphs.routing.words import stems

__all__ = ["UNSPACED", "Passage", "View", "is_unspaced", "matched", "words_of"]

_WORD = re.compile(r"\w+")
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Thai, Lao, Burmese, Khmer, kana, Han and Hangul, whose words run on or take endings; for a class of characters."""
_UNSPACED = re.compile(f"[{UNSPACED}]")
_CONTROLS = "\\x00-\\x08\\x0e-\\x1f\\x7f"
_CONTROL = re.compile(f"[{_CONTROLS}]")
_QUOTES = str.maketrans("\u2018\u2019\u02bc", "'''")
"""As telephones write an apostrophe."""
_UNSEEN = re.compile(
    f"[{_CONTROLS}\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""What Unicode calls default-ignorable or a format character: soft hyphens, joiners, fillers, selectors, tags."""


def matched(text: str) -> str:
    """Return `text` in the form in which it is compared: NFKC, without characters that nobody sees."""
    return _normal(text, unseen="")


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of `text`: runs of letters, digits and `_`."""
    return tuple(_WORD.findall(text))


def is_unspaced(text: str) -> bool:
    """Return whether `text` has characters of a script that sets no blanks around words."""
    return _UNSPACED.search(text) is not None


def _normal(text: str, *, unseen: str) -> str:
    if text.isascii():
        return _CONTROL.sub(unseen, text)
    normal = unicodedata.normalize("NFKC", text).translate(_QUOTES)
    kept = _UNSEEN.sub(unseen, normal)
    # What stood apart may belong together: a letter and its accent.
    return normal if kept == normal else unicodedata.normalize("NFKC", kept)


class View(Memo):
    """A text in the form of `matched`, folded and split as far as a signal asks for it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    @cached_property
    def exact(self) -> str:
        """The text with each run of white space as one blank."""
        return " ".join(self.text.split())

    @cached_property
    def folded(self) -> str:
        """The same, case-folded."""
        return self.exact.casefold()

    @cached_property
    def joined(self) -> bytes:
        """`exact` as the regular expressions read it."""
        return self.exact.encode()

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


class Passage(Memo):
    """A text, with its views and with what regular expressions read."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        """As it was written; it has no lone surrogates."""

    @cached_property
    def views(self) -> tuple[View, ...]:
        """The text in the form of `matched`; where characters were dropped, again with blanks for them."""
        joined, apart = matched(self.text), _normal(self.text, unseen=" ")
        return (View(joined),) if joined == apart else (View(joined), View(apart))

    @cached_property
    def forms(self) -> tuple[bytes, ...]:
        """What a regular expression reads: the text as `matched` has it, and as it was written where that differs.

        An expression may look for just the characters that the first form has not.
        """
        plain = self.views[0].text
        written = self.text if self.text.isascii() else unicodedata.normalize("NFC", self.text)
        return (plain.encode(),) if plain == written else (plain.encode(), written.encode())
