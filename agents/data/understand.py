"""Finds the table and the query that a question asks for, by rules alone. It runs nothing and knows no model.

The question is read against every table; the reading that leaves the fewest words unused wins. Nothing fits: the
question is not about this data. Two tables fit equally: the user is asked.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from agents.data import lexicon
from agents.data.draft import AskError, Draft, UnreadableError
from agents.data.query import Order, Query
from agents.data.reader import Reader
from agents.data.resolve import Resolver
from agents.data.schema import Table
from agents.data.whole import check_whole, steers
from agents.data.words import Kind, Token, stem, tokens

MAX_QUESTION = 2_000
_FILTERING = (
    "from",
    "in",
    "for",
    "where",
    "with",
    "of",
    "to",
    "at",
    "is",
    "not",
    "by",
    "per",
    "without",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A query, and the words of the question that it does not use."""

    query: Query
    unused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What the user must say first, and what they may choose from."""

    question: str
    key: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoReading:
    """No query by rules; `about_data` tells whether the question is about these tables all the same."""

    reason: str
    about_data: bool
    word: str = ""
    """The one word that no column and no value answers to, if that is all that is missing."""
    table: str = ""


Understood = Reading | Ask | NoReading


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    table: Table
    draft: Draft
    result: Understood
    misses: int

    @property
    def rank(self) -> tuple[int, ...]:
        """Return what makes an attempt better, best first."""
        kind = {Reading: 0, Ask: 1, NoReading: 2}[type(self.result)]
        draft = self.draft
        return (self.misses, kind, -draft.table_named, -draft.matched, -len(draft.groups))


def understand(
    question: str,
    *,
    tables: Sequence[Table],
    today: date,
    bindings: Mapping[str, str] | None = None,
) -> Understood:
    """Return what a question asks of the tables."""
    bindings = bindings or {}
    pieces = tokens(question[:MAX_QUESTION])
    chosen = [table for table in tables if table.name == bindings.get("#table")]
    attempts = [
        _attempt(table, pieces, today=today, bindings=bindings) for table in chosen or tables
    ]
    generic = any(piece.stem in lexicon.ROW_WORDS for piece in pieces)
    fitting = [
        item for item in attempts
        if item.draft.matched or ((generic or chosen) and _has_intent(item.draft))
    ]  # fmt: skip
    if not fitting:
        return NoReading(
            reason="the question names no table, column or value of the data files",
            about_data=False,
        )
    fitting.sort(key=lambda item: item.rank)
    best = fitting[0]
    equal = [item for item in fitting if item.rank == best.rank]
    judged = _judge(best, pieces)
    if len(equal) > 1 and not isinstance(judged, NoReading):
        return Ask(
            question="Which table do you mean?",
            key="#table",
            options=tuple(item.table.name for item in equal),
        )
    return judged


def continue_query(
    question: str,
    base: Query,
    *,
    tables: Sequence[Table],
    today: date,
    bindings: Mapping[str, str] | None = None,
    marked: bool = True,
) -> Understood | None:
    """Return the last query changed by a fragment such as "and by country?", or None if this is none.

    With `marked`, the fragment must begin with a word that continues ("and", "only", "by").
    """
    pieces = tokens(question[:MAX_QUESTION])
    table = next((table for table in tables if table.name == base.table), None)
    starts = any(
        tuple(piece.word for piece in pieces[: len(phrase)]) == phrase
        for phrase in lexicon.FOLLOW_UP
    )
    if table is None or not pieces or (marked and not starts):
        return None
    try:
        reader = Reader(table, pieces, today=today, bindings=bindings or {})
        draft = reader.read()
        if not marked and draft.table_named:
            return None
        if draft.unused or not (
            draft.matched or draft.filters or draft.functions or draft.limit or draft.groups
        ):
            return None
        if draft.table_named and (draft.functions or draft.listing):
            return None
        return Reading(query=_merge(base, draft, reader))
    except AskError as error:
        return Ask(question=error.question, key=error.key, options=error.options)
    except UnreadableError:
        return None


def choose(reply: str, options: Sequence[str]) -> str | None:
    """Return the option that a reply names: in full, by a word of its own, or by its number."""
    said = {piece.stem for piece in tokens(reply)}
    if len(said) > 8:
        return None
    exact = [option for option in options if set(_words(option)) <= said]
    if exact:
        return max(exact, key=len)
    fitting = [option for option in options if said & set(_words(option))]
    if len(fitting) == 1:
        return fitting[0]
    ordinals = {"1": 0, "first": 0, "2": 1, "second": 1, "3": 2, "third": 2, "4": 3, "fourth": 3}
    places = [ordinals[word] for word in said if word in ordinals]
    if len(places) == 1 and places[0] < len(options):
        return options[places[0]]
    if len(options) == 1 and said & {"yes", "ye", "yeah", "yep", "ok", "sure", "right", "correct"}:
        return options[0]
    return None


def _words(name: str) -> tuple[str, ...]:
    return tuple(stem(part) for part in re.split(r"[\W_]+", name) if part) or (name,)


def _attempt(
    table: Table, pieces: Sequence[Token], *, today: date, bindings: Mapping[str, str]
) -> _Attempt:
    reader = Reader(table, pieces, today=today, bindings=bindings)
    result: Understood
    try:
        draft = reader.read()
        query = Resolver(reader, draft).query()
        check_whole(pieces, query)
        result = Reading(query=query, unused=tuple(text for _, text in sorted(draft.unused)))
    except AskError as error:
        result = Ask(question=error.question, key=error.key, options=error.options)
    except UnreadableError as error:
        result = NoReading(reason=str(error), about_data=True)
    return _Attempt(table=table, draft=reader.draft, result=result, misses=len(reader.draft.unused))


def _has_intent(draft: Draft) -> bool:
    return bool(
        draft.functions or draft.listing or draft.asking_at is not None or draft.groups
        or draft.descending is not None or draft.distinct or draft.limit
    )  # fmt: skip


def _judge(best: _Attempt, pieces: Sequence[Token]) -> Understood:
    """Take a reading only if the words it leaves out cannot change its meaning."""
    draft, unused = best.draft, [(at, text) for at, text in best.draft.unused if at < len(pieces)]
    known = draft.matched + len(draft.functions)
    strong = draft.table_named == 2 or known > len(unused)
    # Without a verb, only the table's own spelling counts: "orders from Spain" lists, "order a chair" does not.
    spelled = any(piece.word in best.table.name.casefold().split("_") for piece in pieces)
    named = draft.table_named == 2 and spelled and len(unused) < 2
    listed = (draft.filters or isinstance(best.result, (Reading, Ask))) and named
    if isinstance(best.result, NoReading) and draft.matched and not unused:
        return best.result
    if not _has_intent(draft) and not listed:
        return NoReading(reason="the text asks nothing of the data", about_data=False)
    if any(stem(text) in lexicon.WRITING for _, text in unused):
        return NoReading(reason="this agent only reads data, it changes nothing", about_data=False)
    if not strong or (unused and not draft.table_named and known < 2):
        return NoReading(
            reason=f"no table of the data files knows {_list(unused)}", about_data=False
        )
    if not isinstance(best.result, Reading) or not unused:
        return best.result
    counted = {start for function, start in draft.functions if function.startswith("count")}
    beyond = [item for item in unused if stem(item[1]) in lexicon.BEYOND_RULES]
    if beyond:
        reason = f"{_list(beyond)} is more than the rules can compute from `{best.table.name}`"
        return NoReading(reason=reason, about_data=True)
    steering = [
        (at, text) for at, text in unused
        if at in counted or _follows_filter(pieces, at) or (at > 0 and text[0].isupper())
        or steers(pieces[at])
    ]  # fmt: skip
    if steering or len(unused) > 2:
        reason = f"`{best.table.name}` has no column or value for {_list(steering or unused)}"
        one = len(steering) == len(unused) == 1 and pieces[steering[0][0]].kind is Kind.WORD
        word = steering[0][1] if one and draft.table_named else ""
        return NoReading(reason=reason, about_data=True, word=word, table=best.table.name)
    return replace(best.result, unused=tuple(text for _, text in unused))


def _follows_filter(pieces: Sequence[Token], at: int) -> bool:
    """Tell whether a word stands behind "in", "from", "with" and the like, articles aside."""
    while at > 0 and pieces[at - 1].word in ("a", "an", "the"):
        at -= 1
    return at > 0 and pieces[at - 1].word in _FILTERING


def _list(unused: Sequence[tuple[int, str]]) -> str:
    return ", ".join(f"“{text}”" for _, text in sorted(unused)[:5]) or "what is asked"


def _merge(base: Query, draft: Draft, reader: Reader) -> Query:
    """Return the base with what the fragment says in place of what it said before."""
    changed = {item.column for item in draft.filters}
    only_cut = draft.limit and not (
        draft.names or draft.functions or draft.groups or draft.ranked_by
    )
    if only_cut and (base.groups or not draft.ranked or base.order):
        by = base.measures[0].alias if base.groups else base.order.by if base.order else ""
        order = Order(by=by, descending=bool(draft.descending)) if draft.ranked else base.order
        return replace(
            base, limit=draft.limit, order=order, filters=(*base.filters, *draft.filters)
        )
    filters = (*[item for item in base.filters if item.column not in changed], *draft.filters)
    if any(name.columns for name in draft.names) or draft.functions or draft.descending is not None:
        fresh = Resolver(reader, draft).query()
        column = base.measures[0].column if base.measures else ""
        measures = tuple(
            item
            if item.column or item.function == "count" or not column
            else replace(item, column=column)
            for item in fresh.measures
        )
        return replace(
            fresh, filters=filters, measures=measures, groups=fresh.groups or base.groups
        )
    merged = replace(base, filters=filters, limit=draft.limit or base.limit)
    if not draft.groups:
        return merged
    if base.shape != "aggregate":
        fresh = Resolver(reader, draft).query()
        return replace(fresh, filters=filters)
    dated = next((group for group in draft.groups if group.bucket), None)
    fresh = Resolver(reader, replace(draft, functions=[("count", 0)])).query()
    order = (
        fresh.order
        if dated
        else replace(fresh.order, by=base.measures[0].alias)
        if fresh.order
        else None
    )
    return replace(merged, groups=tuple(draft.groups), order=order, limit=draft.limit)
