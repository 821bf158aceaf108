"""Checks that a query holds all of the question that can turn its meaning around: negations, alternatives, numbers.

A query that leaves one of these out is answered wrongly and looks right. It reads no words of the data.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from agents.data.draft import UnreadableError
from agents.data.query import Filter, Query
from agents.data.words import Kind, Token

__all__ = ["check_whole", "steers"]

_NEGATIONS = frozenset(
    "not no never neither nor without except excluding missing lacking isn't aren't wasn't weren't don't doesn't"
    " didn't hasn't haven't hadn't won't can't cannot".split()
)
_NEGATIVE = ("<>", "not in", "null")
_OR_SO = frozenset(
    "more less fewer above below higher lower later earlier greater over under older newer before after up so".split()
)
"""Words after an "or" that belongs to one bound: 10 or more."""


def check_whole(question: Sequence[Token], query: Query) -> None:
    """Check a query against the question that it is read from.

    Raises:
        UnreadableError: it says something else, in one line.
    """
    negations = [token.word for token in question if token.word in _NEGATIONS]
    if len(negations) > sum(map(_denies, query.filters)):
        raise UnreadableError(f"I could not place the “{negations[-1]}” of the question")
    for column, count in Counter(f.column for f in query.filters if _begins(f)).items():
        if count > 1:
            raise UnreadableError(
                f"more than one period of `{column}` is more than the rules can read"
            )
    if _open_alternatives(question, query) and len(_conditions(query)) > 1:
        raise UnreadableError("an “or” between conditions is more than the rules can read")


def _denies(item: Filter) -> bool:
    return item.operator in _NEGATIVE or item.values == (False,)


def _begins(item: Filter) -> bool:
    return item.dates and item.operator in (">", ">=")


def _open_alternatives(question: Sequence[Token], query: Query) -> int:
    """Return how many times the question says "or" beyond the values that one condition lists."""
    said = sum(
        token.word == "or" and following.word not in _OR_SO
        for token, following in pairwise(question)
    )
    listed = sum(len(f.values) - 1 for f in query.filters if f.operator in ("in", "not in"))
    return max(0, said - listed)


def _conditions(query: Query) -> set[object]:
    """Return what the rows must meet; both ends of a period are one condition."""
    return {f.column if f.dates else f for f in query.filters}


def steers(token: Token) -> bool:
    """Return whether a word that a query leaves out would have changed it."""
    return token.kind in (Kind.NUMBER, Kind.DATE, Kind.QUOTED) or token.word in _NEGATIONS
