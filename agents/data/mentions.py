"""Finds the columns, values and table names that a question mentions. It knows one table, no grammar, no SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.data import lexicon
from agents.data.schema import Column, ColumnKind, Table
from agents.data.words import Kind, Token, contains

_WIDEST = 6
_RESERVED = (
    lexicon.STOP | lexicon.LISTING | lexicon.ASKING | lexicon.HIGHEST | lexicon.LOWEST | lexicon.DISTINCT
    | frozenset(lexicon.BUCKETS) | lexicon.WRITING
    | {word for phrases in lexicon.FUNCTIONS.values() for phrase in phrases for word in phrase}
    | {word for phrases in lexicon.COMPARATORS.values() for phrase in phrases for word in phrase}
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A run of words that names something of a table; more than one column means that the words do not decide."""

    at: int
    width: int
    words: str
    columns: tuple[Column, ...] = ()
    exact: bool = False
    values: tuple[tuple[Column, tuple[str, ...]], ...] = ()
    table: bool = False
    whole_table: bool = False

    @property
    def is_thing(self) -> bool:
        """Tell whether the words name what has an id or a date, and not these columns themselves."""
        dates = all(column.is_id or column.kind is ColumnKind.DATE for column in self.columns)
        return bool(self.columns) and dates and not self.exact

    @property
    def end(self) -> int:
        """Return the position after the mention."""
        return self.at + self.width


def find(
    table: Table, tokens: Sequence[Token], at: int, *, bindings: Mapping[str, str]
) -> Mention | None:
    """Return the longest mention that begins at token `at`; a whole name wins over a part of one."""
    longest = min(_WIDEST, len(tokens) - at)
    part: Mention | None = None
    for width in range(longest, 0, -1):
        run = tokens[at : at + width]
        key = tuple(word for token in run for word in token.stem.split())
        if not key:
            continue
        found = _whole(table, run, key=key, at=at, bindings=bindings)
        if found:
            return found
        part = part or _part(table, run, key=key, at=at)
    return part


def _whole(
    table: Table,
    run: Sequence[Token],
    *,
    key: tuple[str, ...],
    at: int,
    bindings: Mapping[str, str],
) -> Mention | None:
    words = " ".join(token.text for token in run)
    bound = bindings.get(" ".join(key))
    if bound is not None and any(column.name == bound for column in table.columns):
        column = table.column(bound)
        values = tuple((column, column.values[key]) for _ in (0,) if key in column.values)
        return Mention(
            at=at,
            width=len(run),
            words=words,
            columns=() if values else (column,),
            exact=True,
            values=values,
        )
    if run[0].kind not in (Kind.WORD, Kind.QUOTED) and len(run) == 1:
        return None
    tiny = (
        run[0].kind is Kind.WORD
        and run[0].word in lexicon.STOP
        and len(run[0].word) <= 3
        and len(run) == 1
    )
    columns = tuple(c for c in table.columns if not tiny and "".join(c.words) == "".join(key))
    values = () if _reserved(run) and not _as_written(table, run, key) else _values(table, key)
    whole = key == table.words
    if not (columns or values or whole):
        return None
    return Mention(
        at=at,
        width=len(run),
        words=words,
        columns=columns,
        exact=bool(columns),
        values=values,
        table=whole,
        whole_table=whole,
    )


def _part(table: Table, run: Sequence[Token], *, key: tuple[str, ...], at: int) -> Mention | None:
    if _reserved(run) or any(token.kind is not Kind.WORD for token in run):
        return None
    columns = tuple(column for column in table.columns if contains(column.words, key))
    in_table = contains(table.words, key)
    if not (columns or in_table):
        return None
    words = " ".join(token.text for token in run)
    return Mention(at=at, width=len(run), words=words, columns=columns, table=in_table)


def _values(table: Table, key: tuple[str, ...]) -> tuple[tuple[Column, tuple[str, ...]], ...]:
    return tuple((column, column.values[key]) for column in table.columns if key in column.values)


def _reserved(run: Sequence[Token]) -> bool:
    """Tell whether the words mean something of their own, so that they are rarely a name."""
    return any(token.kind is not Kind.QUOTED for token in run) and all(
        token.word in _RESERVED or token.kind in (Kind.NUMBER, Kind.OPERATOR) for token in run
    )


def _as_written(table: Table, run: Sequence[Token], key: tuple[str, ...]) -> bool:
    """Tell whether a reserved word stands in the question exactly as in a cell, in capitals: `US`, `IT`."""
    text = " ".join(token.text for token in run)
    return text.isupper() and any(text in spellings for _, spellings in _values(table, key))
