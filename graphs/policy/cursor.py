"""Walks over a policy file's tokens: takes what is expected, and after an error goes on behind what is broken.

It knows where blocks, statements and branches begin and how braces nest; what they mean it does not know.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar, get_args

from graphs.policy.findings import Finding
from graphs.policy.syntax import BlockKind, Notes, Place
from graphs.policy.tokens import Token

__all__ = ["BLOCK_KINDS", "STATEMENTS", "Cursor", "SyntaxFault"]

_T = TypeVar("_T")
_DEEPEST: Final = 40
"""How deep values and parentheses may be nested."""
BLOCK_KINDS: Final[tuple[BlockKind, ...]] = get_args(BlockKind)
STATEMENTS: Final = (
    "PRIORITY", "TIER", "NAME", "DESCRIPTION", "WHEN", "MODEL", "AGENT", "ALGORITHM", "PLUGIN", "FOR", "EMIT",
)  # fmt: skip
_ONLY_OUTSIDE = frozenset(BLOCK_KINDS) - {"MODEL", "AGENT", "PLUGIN"}
"""Words that begin a block and nothing within one: where one stands, a brace is missing."""


class SyntaxFault(Exception):
    """Reading cannot go on here."""

    def __init__(self, message: str, at: Place, hint: str = "") -> None:
        super().__init__(message)
        self.finding = Finding(code="syntax", message=message, at=at, hint=hint)


class Cursor:
    """A place in the tokens, and the findings so far."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.index = 0
        self.findings: list[Finding] = []
        self._depth = 0

    @property
    def now(self) -> Token:
        """The token that is read next."""
        return self.tokens[self.index]

    def is_mark(self, mark: str) -> bool:
        """Return whether the next token is this mark."""
        return self.now.kind == "mark" and self.now.text == mark

    def ends(self) -> bool:
        """Whether what stands in braces ends here: at its brace, or where one is missing."""
        token = self.now
        outside = token.kind == "word" and token.first and token.text in _ONLY_OUTSIDE
        return token.kind == "end" or self.is_mark("}") or (outside and not self._is_key())

    def _is_key(self) -> bool:
        following = self.tokens[self.index + 1]
        return following.kind == "mark" and following.text == ":"

    def close(self, opened: Token, of: str) -> None:
        """Take the closing brace, or note that it is missing."""
        if self.is_mark("}"):
            self.index += 1
            return
        self.report(f"{of} has no closing }}; its {{ is at {opened.at}", self.now.at)

    def take(self, mark: str, expected: str) -> Token:
        """Take a mark, or fault with what was `expected`."""
        token = self.now
        if not self.is_mark(mark):
            raise self.fault(expected)
        self.index += 1
        return token

    def keyword(self, word: str) -> None:
        """Take a certain word."""
        if self.now.kind != "word" or self.now.text != word:
            raise self.fault(word)
        self.index += 1

    def word(self, expected: str) -> str:
        """Take any word."""
        token = self.now
        if token.kind != "word":
            raise self.fault(expected)
        self.index += 1
        return token.text

    def name(self, expected: str) -> str:
        """Take a word or a text that is not empty."""
        token = self.now
        if token.kind not in ("word", "text"):
            raise self.fault(expected)
        if not token.text.strip():
            raise SyntaxFault(f"given an empty text, expected {expected}", token.at)
        self.index += 1
        return token.text

    def deeper(self, read: Callable[[], _T]) -> _T:
        """Read something one level deeper, up to the deepest that is allowed."""
        self._depth += 1
        try:
            if self._depth > _DEEPEST:
                raise SyntaxFault(f"nested deeper than {_DEEPEST} levels", self.now.at)
            return read()
        finally:
            self._depth -= 1

    # Errors

    def attempt(self, read: Callable[[], _T], skip: Callable[[bool], None]) -> _T | None:
        """Read something; where it is broken, note that and go on behind it."""
        start = self.index
        try:
            return read()
        except SyntaxFault as fault:
            if not self.tokens[self.index - 1].broken or self.index == start:
                self.findings.append(fault.finding)
            skip(self.index > start)
            if self.index == start:
                self.index += self.now.kind != "end"
            return None

    def fault(self, expected: str, hint: str = "") -> SyntaxFault:
        """Return the error that something else than the next token was `expected`."""
        token = self.now
        given = "the end of the file" if token.kind == "end" else repr(token.text)[:42]
        return SyntaxFault(f"given {given}, expected {expected}", token.at, hint)

    def report(self, message: str, at: Place) -> None:
        """Note an error and go on."""
        self.findings.append(Finding(code="syntax", message=message, at=at))

    def skip_to_block(self, _: bool) -> None:
        """Go to the next block: a word that begins one, first on its line and outside of braces, whatever was read."""
        depth = 0
        while self.now.kind != "end":
            token = self.now
            starts = token.kind == "word" and token.first and token.text in BLOCK_KINDS
            if starts and (depth <= 0 or token.text in _ONLY_OUTSIDE) and not self._is_key():
                return
            depth += self.is_mark("{") - self.is_mark("}")
            self.index += 1

    def skip_statement(self, moved: bool) -> None:
        """Go to the next statement of a route, or to its end."""
        self._skip(moved, lambda token: token.first and token.text in STATEMENTS)

    def skip_branch(self, moved: bool) -> None:
        """Go to the next branch of a tree, or to its end."""
        self._skip(moved, lambda token: token.text in ("IF", "ELSE"))

    def skip_line(self, moved: bool) -> None:
        """Go to the next line within these braces, or to their end."""
        self._skip(moved, lambda token: token.first)

    def _skip(self, moved: bool, at_next: Callable[[Token], bool]) -> None:
        """Go to the next thing within the braces of this one, or to their end.

        Args:
            moved: whether something was read before it broke, so that the next thing may begin right here.
            at_next: whether a token begins a thing.
        """
        depth, begin = 0, self.index
        while self.now.kind != "end":
            if depth <= 0 and self.ends():
                return
            if (
                depth <= 0
                and (moved or self.index > begin)
                and self.now.kind != "mark"
                and at_next(self.now)
            ):
                return
            depth += self.is_mark("{") - self.is_mark("}")
            self.index += 1

    # Comments

    def notes(self, start: int, head: int | None = None, *, last: int | None = None) -> Notes:
        """Return the comments of what was read from `start` on.

        Args:
            start: the index of its first token.
            head: for a block, the index behind its opening brace: what stands inside keeps its own comments.
            last: for a block, the index of its closing brace.
        """
        until = self.index if head is None else head
        tokens = self.tokens[start:until]
        end = self.tokens[last] if last is not None and self.tokens[last].text == "}" else None
        before = list(tokens[0].before)
        for place, token in enumerate(tokens):
            before += token.before if place else ()
            if token.behind and (head is not None or place < len(tokens) - 1):
                before.append(token.behind)
        behind = (end.behind if end else "") if head is not None else tokens[-1].behind
        return Notes(tuple(before), behind, end.before if end else ())
