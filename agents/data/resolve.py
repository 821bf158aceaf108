"""Puts a draft together: what is computed, for which groups, in which order. It reads no words but the draft's names.

Where the words leave a choice, it takes the only possible column, and asks if there are several.
"""

from agents.data.draft import AskError, UnreadableError
from agents.data.mentions import Mention
from agents.data.query import Filter, Function, Group, Measure, Order, Query
from agents.data.ranking import Ranking
from agents.data.schema import Column, ColumnKind
from agents.data.words import Kind


class Resolver(Ranking):
    """Turns one reader's draft into a query."""

    def query(self) -> Query:
        """Return the query; AskError or UnreadableError if the draft does not make one."""
        draft = self._draft
        self._ask_about_unknown_target()
        self._filter_present()
        if draft.descending is not None and draft.order is None:
            return self._extreme()
        if draft.functions:
            return self._aggregate()
        if draft.distinct or (draft.asking_at is not None and self._asked_for_values()):
            return self._distinct()
        if draft.groups:
            return self._grouped()
        asked = (
            draft.listing
            or draft.asking_at is not None
            or draft.filters
            or draft.limit
            or draft.order
        )
        if asked or self.lists_columns():
            return self._rows()
        raise UnreadableError("the question does not say what to count, compute or list")

    def lists_columns(self) -> bool:
        """Tell whether columns of the table are listed without a verb: "names and emails of employees"."""
        before = {self._reader.word(at - 1) for at in self._draft.tables}
        return bool(self._draft.names) and bool(before & {"of", "in", "from", "for"})

    def _ask_about_unknown_target(self) -> None:
        """Ask when the very word that should name a column ("average revenue", "by region") names none."""
        draft, tokens = self._draft, self._reader.tokens
        if not (draft.table_named or draft.matched):
            return
        for at, text in draft.unused:
            before = at - 1
            while self._reader.word(before) in ("the", "of"):
                before -= 1
            computed = any(
                start == before + 1 and f not in ("count", "count distinct")
                for f, start in draft.functions
            )
            grouped = self._reader.word(before) in ("by", "per")
            if not (computed or grouped) or tokens[at].kind is not Kind.WORD:
                continue
            number = computed or draft.ranked
            options = (
                self._table.measures if number else [c for c in self._table.columns if not c.unique]
            )
            if options:
                raise AskError(
                    f"`{self._table.name}` has no column “{text}”. Which one do you mean?",
                    key=tokens[at].stem,
                    options=[column.name for column in options],
                )

    def _filter_present(self) -> None:
        """Read "customers with an email" as those that have one; "with salary 100" says more than that."""
        for name in list(self._names):
            before = name.at - 1
            while self._reader.word(before) in ("a", "an", "any"):
                before -= 1
            has = self._reader.word(before) in ("with", "have", "has", "having")
            if has and len(name.columns) == 1 and not self._valued(name):
                self._names.remove(name)
                self._draft.filters.append(Filter(column=name.columns[0].name, operator="not null"))

    def _valued(self, name: Mention) -> bool:
        """Tell whether a value follows a column's name."""
        after = self._reader.tokens[name.end : name.end + 1]
        return bool(after) and after[0].kind in (Kind.NUMBER, Kind.DATE, Kind.QUOTED)

    def _aggregate(self) -> Query:
        draft = self._draft
        measures: list[Measure] = []
        shared: Column | None = None
        for function, after in sorted(draft.functions, key=lambda item: -item[1]):
            if function in ("count", "count distinct"):
                measures.append(self._count(function, after))
                continue
            own = any(name.at >= after for name in self._names)
            shared = (
                self._measure_column(after, "should I use") if own or shared is None else shared
            )
            measures.append(Measure(function=function, column=shared.name))
        self._add_named_groups()
        return self._with_groups(tuple(dict.fromkeys(reversed(measures))))

    def _count(self, function: Function, after: int) -> Measure:
        """Count rows, distinct things ("how many customers"), or units ("how many units were sold")."""
        for name in self._names:
            start = name.at
            while start > after and self._reader.word(start - 1) in (
                "the",
                "of",
                "different",
                "distinct",
                "unique",
            ):
                start -= 1
            if start != after:
                continue
            self._names.remove(name)
            if (counted := self._things(name)) is not None:
                return counted
            column = self._reader.pick(name, why="should I count")
            if column is None:
                break
            if function == "count" and column.is_measure:
                return Measure(function="sum", column=column.name)
            if (
                function == "count"
                and self._reader.word(after - 1) in ("count", "counts")
                and not column.unique
            ):
                self._draft.groups.append(Group(column=column.name))
                return Measure(function="count")
            return Measure(function="count distinct", column=column.name)
        return Measure(function="count")

    def _things(self, name: Mention) -> Measure | None:
        """Count what has an id or a date: with `order_id` and `order_date`, "orders" are neither ids nor dates."""
        if not name.is_thing:
            return None
        ids = [column for column in name.columns if column.is_id]
        if not ids or any(column.unique for column in ids):
            return Measure(function="count")
        return Measure(function="count distinct", column=ids[0].name) if len(ids) == 1 else None

    def _add_named_groups(self) -> None:
        """Group by a column that is asked about next to the number: "which region has an average of ..."."""
        if self._draft.asking_at is None or self._draft.groups:
            return
        for name in list(self._names):
            if name.at == self._draft.asking_at and len(name.columns) == 1:
                self._names.remove(name)
                self._draft.groups.append(Group(column=name.columns[0].name))

    def _grouped(self) -> Query:
        """Read "revenue by region" as a sum and "orders per month" as a count."""
        column = self._take(ColumnKind.NUMBER, why="should I add up")
        if column is None:
            return self._with_groups((Measure(function="count"),))
        return self._with_groups(
            (Measure(function="avg" if column.is_rate else "sum", column=column.name),)
        )

    def _asked_for_values(self) -> bool:
        """Tell whether "which cities are there" asks for the values of one column."""
        names = [name for name in self._names if name.at == self._draft.asking_at and name.columns]
        return (
            bool(names)
            and len(self._names) == 1
            and not all(column.unique for column in names[0].columns)
        )

    def _distinct(self) -> Query:
        columns = [self._reader.pick(name, why="do you mean") for name in self._names]
        names = tuple(dict.fromkeys(column.name for column in columns if column is not None))
        if not names:
            raise UnreadableError(
                "the question does not say of which column the distinct values are wanted"
            )
        return Query(
            table=self._table.name,
            shape="distinct",
            columns=names,
            filters=tuple(self._draft.filters),
        )

    def _rows(self) -> Query:
        draft = self._draft
        named = [name for name in self._names if not name.is_thing]
        columns = [self._reader.pick(name, why="should I show") for name in named]
        names = tuple(dict.fromkeys(column.name for column in columns if column is not None))
        if len(names) == 1 and not draft.table_named and not draft.limit:
            column = self._table.column(names[0])
            if column.kind is ColumnKind.TEXT and not column.unique:
                return self._distinct()  # "list all departments" wants each once
        order = (
            Order(by=draft.order.name, descending=bool(draft.descending)) if draft.order else None
        )
        return Query(
            table=self._table.name,
            shape="rows",
            columns=names,
            filters=tuple(draft.filters),
            order=order,
            limit=draft.limit,
        )
