"""Puts superlatives and top-n questions together: which country has the most orders, the 5 cheapest products."""

from agents.data.draft import UnreadableError
from agents.data.measures import Measures
from agents.data.mentions import Mention
from agents.data.query import Function, Group, Measure, Order, Query
from agents.data.schema import Column, ColumnKind


class Ranking(Measures):
    """Drafts that compare: who is first, or the first few."""

    def _extreme(self) -> Query:
        """Read a superlative or a top-n: which country has the most orders, the 5 cheapest products."""
        draft = self._draft
        limit = (draft.limit or 1) if draft.ranked or draft.limit is None else draft.limit
        entity = self._entity()
        function = draft.functions[0][0] if draft.functions else None
        if draft.hint == "date" and function is None:
            return self._latest(limit, entity)
        counted = (
            draft.ranked_by_count
            or function == "count"
            or (function is None and self._counts_rows())
        )
        if counted and (entity is not None or draft.groups):
            return self._ranking(Measure(function="count"), entity, limit)
        column = self._ranked_column()
        if function not in (None, "count"):
            assert function is not None
            return self._ranking(Measure(function=function, column=column.name), entity, limit)
        if entity is not None and not entity.unique and entity != column:
            return self._ranking(
                Measure(function=self._default(column), column=column.name), entity, limit
            )
        if draft.groups:
            extreme: Function = "max" if draft.descending else "min"
            return self._with_groups((Measure(function=extreme, column=column.name),))
        if entity in (None, column) and self._asks_for_number():
            alone: Function = "max" if draft.descending else "min"
            return self._with_groups((Measure(function=alone, column=column.name),))
        columns = (entity.name, column.name) if entity is not None and entity != column else ()
        return Query(
            table=self._table.name,
            shape="rows",
            columns=columns,
            filters=tuple(draft.filters),
            order=Order(by=column.name, descending=bool(draft.descending)),
            limit=limit,
        )

    def _entity(self) -> Column | None:
        """Take the column that is asked about: right after which, or between top 5 and by."""
        draft = self._draft
        if (
            len(draft.groups) == 1
            and draft.ranked
            and not draft.ranked_by
            and not draft.ranked_by_count
        ):
            return None
        places = [draft.asking_at, draft.extreme_at]
        for name in self._names:
            before = name.at
            while before > 0 and self._reader.word(before - 1) in ("the", "of", "our", "selling"):
                before -= 1
            ranked = draft.ranked and draft.extreme_at is None
            if name.is_thing and before == draft.extreme_at:
                continue  # "the most orders" counts them
            if before in places or ranked:
                others = [c for c in name.columns if c.kind is not ColumnKind.NUMBER or c.is_key]
                if others:
                    self._names.remove(name)
                    kept = Mention(
                        at=name.at, width=name.width, words=name.words, columns=tuple(others)
                    )
                    return self._reader.pick(kept, why="should I compare")
        return None

    def _counts_rows(self) -> bool:
        """Tell whether a superlative counts: "the most orders", with no number named."""
        draft = self._draft
        after = draft.extreme_at
        if after is None or draft.ranked_by is not None or draft.hint:
            return False
        things = [name for name in self._names if name.at >= after and name.is_thing]
        others = [name for name in self._names if name not in things]
        if any(c.kind is ColumnKind.NUMBER for name in others for c in name.columns):
            return False
        self._names = others
        return bool(things) or any(at >= after for at in draft.tables)

    def _asks_for_number(self) -> bool:
        """Tell whether the number itself is asked for: "what is the highest price in products"."""
        draft = self._draft
        numbers = [
            name for name in draft.names if any(c.kind is ColumnKind.NUMBER for c in name.columns)
        ]
        who = draft.asking_at is not None and self._reader.word(draft.asking_at - 1) in (
            "who",
            "whose",
        )
        return bool(
            not who and not draft.ranked and draft.extreme_at is not None
            and numbers and numbers[0].at == draft.extreme_at
            and not any(at < draft.extreme_at for at in draft.tables)
        )  # fmt: skip

    def _ranked_column(self) -> Column:
        draft = self._draft
        if draft.ranked_by is not None:
            column = self._reader.pick(draft.ranked_by, ColumnKind.NUMBER, why="should I rank by")
            if column is not None:
                return column
            dated = self._reader.pick(draft.ranked_by, ColumnKind.DATE, why="should I rank by")
            if dated is not None:
                return dated
        after = draft.functions[0][1] if draft.functions else draft.extreme_at or 0
        return self._measure_column(after, "should I compare")

    def _default(self, column: Column) -> Function:
        draft = self._draft
        if column.is_rate:
            if draft.ranked:
                return "avg"
            return "max" if draft.descending else "min"
        if column.kind is ColumnKind.DATE:
            return "max" if draft.descending else "min"
        return "sum"

    def _latest(self, limit: int, entity: Column | None) -> Query:
        column = self._take(ColumnKind.DATE, why="should I sort by") or self._reader.only(
            self._table.of_kind(ColumnKind.DATE),
            key="#date",
            question="Which date should I compare?",
        )
        if column is None:
            raise UnreadableError(f"`{self._table.name}` has no date to compare")
        return Query(
            table=self._table.name,
            shape="rows",
            columns=tuple(dict.fromkeys((entity.name, column.name))) if entity else (),
            filters=tuple(self._draft.filters),
            order=Order(by=column.name, descending=bool(self._draft.descending)),
            limit=limit,
        )

    def _ranking(self, measure: Measure, entity: Column | None, limit: int) -> Query:
        groups = list(self._draft.groups)
        if entity is not None:
            groups = [Group(column=entity.name), *[g for g in groups if g.column != entity.name]]
        if not groups:
            return self._with_groups((measure,))
        return Query(
            table=self._table.name,
            shape="aggregate",
            measures=(measure,),
            groups=tuple(groups),
            filters=tuple(self._draft.filters),
            order=Order(by=measure.alias, descending=bool(self._draft.descending)),
            limit=limit,
        )
