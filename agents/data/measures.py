"""Finds the number that a question computes with and groups it. It reads no words but the draft's names."""

from collections.abc import Sequence

from agents.data.draft import Draft, UnreadableError
from agents.data.query import Measure, Order, Query
from agents.data.reader import Reader
from agents.data.schema import Column, ColumnKind


class Measures:
    """A reader's draft, with the ways to choose its measure."""

    def __init__(self, reader: Reader, draft: Draft) -> None:
        self._reader = reader
        self._draft = draft
        self._table = reader.table
        self._names = list(draft.names)

    def _take(self, *kinds: ColumnKind, why: str, after: int = -1) -> Column | None:
        """Take the first name at or after a position that has a column of these kinds off the names."""
        for name in self._names:
            number = kinds == (ColumnKind.NUMBER,)
            if number and name.is_thing:
                continue  # nobody averages the ids of orders
            if name.at >= after and any(column.kind in kinds for column in name.columns):
                self._names.remove(name)
                return self._reader.pick(name, *kinds, why=why)
        return None

    def _measure_column(self, after: int, why: str) -> Column:
        column = self._take(ColumnKind.NUMBER, why=why, after=after) or self._take(
            ColumnKind.NUMBER, why=why
        )
        if column is None and self._draft.hint == "price":
            column = self._hinted(("price", "cost"), ColumnKind.NUMBER)
        if column is None:
            column = self._reader.only(
                self._table.measures,
                key="#number",
                question=f"Which number of `{self._table.name}` {why}?",
            )
        if column is None:
            raise UnreadableError(f"`{self._table.name}` has no numbers to compute with")
        return column

    def _hinted(self, words: Sequence[str], kind: ColumnKind) -> Column | None:
        fitting = [c for c in self._table.of_kind(kind) if any(word in c.words for word in words)]
        return self._reader.only(
            fitting, key="#price", question=f"Which price of `{self._table.name}` should I compare?"
        )

    def _with_groups(self, measures: tuple[Measure, ...]) -> Query:
        groups = tuple(dict.fromkeys(self._draft.groups))
        order = None
        if self._draft.order is not None and any(
            g.column == self._draft.order.name for g in groups
        ):
            order = Order(by=self._draft.order.name, descending=bool(self._draft.descending))
        elif groups:
            dated = next((group for group in groups if group.bucket), None)
            order = (
                Order(by=dated.alias, descending=False)
                if dated
                else Order(by=measures[0].alias, descending=True)
            )
        self._refuse_leftovers()
        return Query(
            table=self._table.name,
            shape="aggregate",
            measures=measures,
            groups=groups,
            filters=tuple(self._draft.filters),
            order=order,
            limit=self._draft.limit if groups else None,
        )

    def _refuse_leftovers(self) -> None:
        """Put names that found no place with the unused words, so that the answer can say so."""
        used = {filter_.column for filter_ in self._draft.filters} | {
            g.column for g in self._draft.groups
        }
        for name in self._names:
            if not name.is_thing and not any(column.name in used for column in name.columns):
                self._draft.unused.append((name.at, name.words))
        self._names.clear()
