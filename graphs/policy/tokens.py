"""Cuts a policy file into tokens, each with its place and the comments around it.

It knows no grammar. Whatever is no token becomes a finding and is left out, so that one bad character hides nothing
behind it.
"""

import re
from dataclasses import dataclass
from typing import Literal

from graphs.policy.findings import Finding
from graphs.policy.syntax import Place

__all__ = ["LONGEST_FILE", "MOST_FINDINGS", "MOST_TOKENS", "Token", "scan"]

LONGEST_FILE = 1_000_000
"""Characters."""
MOST_TOKENS = 200_000
MOST_FINDINGS = 100
Kind = Literal["word", "text", "number", "mark", "end"]
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\f\v\ufeff]+)
    |(?P<line>\n)
    |(?P<comment>\#[^\n]*)
    |(?P<number>-?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    |(?P<word>[A-Za-z_]\w*(?:[./-]\w+)*)
    |(?P<text>"(?:[^"\\\n]|\\[^\n])*")
    |(?P<open>"[^\n]*)
    |(?P<mark>->|[{}\[\]():,=])
    |(?P<bad>[^\s"{}\[\]():,=\#]+|.)""",
    re.VERBOSE | re.ASCII,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


@dataclass(slots=True)
class Token:
    """A token; `text` of kind `text` is unquoted."""

    kind: Kind
    text: str
    at: Place
    before: tuple[str, ...] = ()
    """The comments on lines of their own before it."""
    behind: str = ""
    """The comment behind it on its line."""
    first: bool = False
    """Whether it is the first on its line."""
    broken: bool = False
    """Whether it is a text that is not closed: what follows is told no second time."""


def scan(text: str) -> tuple[list[Token], list[Finding]]:
    """Return the tokens of `text`, the last of kind `end`, and what is none."""
    if len(text) > LONGEST_FILE:
        return _refused(f"{len(text):,} characters", f"{LONGEST_FILE:,}")
    tokens, findings = _Scan(text).run()
    if len(tokens) > MOST_TOKENS:
        return _refused("too many words, texts, numbers and marks", f"{MOST_TOKENS:,}")
    return tokens, findings


def _refused(given: str, most: str) -> tuple[list[Token], list[Finding]]:
    message = f"the file has {given}, expected at most {most}"
    fault = Finding(code="syntax", message=message, at=Place(1, 1))
    return [Token("end", "", Place(1, 1))], [fault]


class _Scan:
    """One pass over a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = []
        self.findings: list[Finding] = []
        self.comments: list[str] = []
        self.line, self.start, self.fresh = 1, 0, True

    def run(self) -> tuple[list[Token], list[Finding]]:
        for match in _TOKEN.finditer(self.text):
            if len(self.tokens) > MOST_TOKENS:
                break
            kind, given = match.lastgroup, match.group()
            at = Place(self.line, match.start() - self.start + 1)
            if kind == "line":
                self.line, self.start, self.fresh = self.line + 1, match.end(), True
            elif kind == "comment":
                self._comment(given[1:].strip())
            elif kind in ("bad", "open"):
                self._bad(given, at, closed=kind == "bad")
            elif kind == "text":
                self._add("text", _unquoted(given[1:-1]), at)
            elif kind in ("word", "number", "mark"):
                self._add(kind, given, at)  # type: ignore[arg-type]
        self._add("end", "", Place(self.line, len(self.text) - self.start + 1))
        return self.tokens, self.findings

    def _add(self, kind: Kind, text: str, at: Place) -> None:
        self.tokens.append(Token(kind, text, at, tuple(self.comments), first=self.fresh))
        self.comments.clear()
        self.fresh = False

    def _comment(self, text: str) -> None:
        if self.fresh or not self.tokens:
            self.comments.append(text)
        else:
            self.tokens[-1].behind = text

    def _bad(self, given: str, at: Place, *, closed: bool) -> None:
        if len(self.findings) >= MOST_FINDINGS and closed:
            return
        if closed:
            message = f"{given!r:.40} belongs to no word, number or text"
            hint = 'texts stand in double quotes: "..."' if given[0] in "'`\u201c" else ""
        else:
            message, hint = f"the text {given!r:.40} is not closed", 'expected " on the same line'
            self._add("text", _unquoted(given[1:]), at)
            self.tokens[-1].broken = True
        self.findings.append(Finding(code="syntax", message=message, at=at, hint=hint))


def _unquoted(inner: str) -> str:
    return _ESCAPE.sub(_escaped, inner)


def _escaped(match: re.Match[str]) -> str:
    """Return what an escape stands for; an unknown one stands for itself, as in regular expressions."""
    given = match.group(1)
    if given[0] == "u" and len(given) == 5:
        return chr(int(given[1:], 16))
    return _ESCAPES.get(given, match.group())
