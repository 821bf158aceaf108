"""A question that has been understood: one table, what to compute, for which rows. It knows SQL and no database.

Identifiers are always quoted and text is always an escaped literal, so a query holds no SQL from outside.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

Function = Literal["count", "count distinct", "sum", "avg", "min", "max", "median"]
Bucket = Literal["", "day", "week", "month", "quarter", "year"]
Operator = Literal[
    "=", "<>", "<", "<=", ">", ">=", "in", "not in", "null", "not null", "contains", "same"
]
Shape = Literal["rows", "aggregate", "distinct"]

_FUNCTION_NAMES: dict[str, str] = {
    "count": "Number",
    "count distinct": "Number of distinct",
    "sum": "Sum",
    "avg": "Average",
    "min": "Minimum",
    "max": "Maximum",
    "median": "Median",
}
_OPERATOR_NAMES = {
    "=": "is",
    "<>": "is not",
    "same": "is",
    "in": "is",
    "not in": "is not",
    "null": "is missing",
    "not null": "is present",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """An aggregate; a count of rows has no column."""

    function: Function
    column: str = ""

    @property
    def alias(self) -> str:
        """Return the name of the result column."""
        name = self.function.replace(" ", "_")
        return f"{name}_{self.column}" if self.column else "count"

    @property
    def sql(self) -> str:
        """Return the expression."""
        if not self.column:
            return "count(*)"
        if self.function == "count distinct":
            return f"count(DISTINCT {identifier(self.column)})"
        return f"{self.function}({identifier(self.column)})"

    def __str__(self) -> str:
        name = _FUNCTION_NAMES[self.function]
        return (
            f"{name} {self.column}"
            if self.function == "count distinct"
            else f"{name} of {self.column or 'rows'}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A column to group by, as it is or cut to a period."""

    column: str
    bucket: Bucket = ""

    @property
    def alias(self) -> str:
        """Return the name of the result column."""
        return self.bucket or self.column

    @property
    def sql(self) -> str:
        """Return the expression."""
        name = identifier(self.column)
        return f"CAST(date_trunc('{self.bucket}', {name}) AS DATE)" if self.bucket else name


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A condition on one column; a date is written as its ISO text with `dates` set."""

    column: str
    operator: Operator
    values: tuple[str | int | float | bool, ...] = ()
    dates: bool = False

    @property
    def sql(self) -> str:
        """Return the condition."""
        name = identifier(self.column)
        if self.operator in ("null", "not null"):
            return f"{name} IS {self.operator.upper()}"
        if self.operator == "same":
            return f"lower({name}) = {literal(str(self.values[0]).lower())}"
        if self.operator == "contains":
            return f"contains(lower({name}), {literal(str(self.values[0]).lower())})"
        texts = [
            f"DATE {literal(value)}" if self.dates else literal(value) for value in self.values
        ]
        if self.operator == "<>":
            return f"{name} IS DISTINCT FROM {texts[0]}"  # rows without a value are not it either
        if self.operator == "not in":
            return f"({name} NOT IN ({', '.join(texts)}) OR {name} IS NULL)"
        if self.operator == "in":
            return f"{name} IN ({', '.join(texts)})"
        return f"{name} {self.operator} {texts[0]}"

    def __str__(self) -> str:
        operator = _OPERATOR_NAMES.get(self.operator, self.operator)
        return " ".join(
            filter(None, (self.column, operator, " or ".join(str(v) for v in self.values)))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the rows are sorted by: a column, or the alias of a measure."""

    by: str
    descending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One SELECT over one table."""

    table: str
    shape: Shape
    columns: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    groups: tuple[Group, ...] = ()
    filters: tuple[Filter, ...] = ()
    order: Order | None = None
    limit: int | None = None

    @property
    def sql(self) -> str:
        """Return the statement."""
        lines = [self._select(), f"FROM {identifier(self.table)}"]
        if self.filters:
            lines.append("WHERE " + "\n  AND ".join(item.sql for item in self.filters))
        if self.groups:
            lines.append("GROUP BY " + ", ".join(group.sql for group in self.groups))
        lines.extend(self._order())
        if self.limit is not None:
            lines.append(f"LIMIT {self.limit}")
        return "\n".join(lines)

    def _select(self) -> str:
        if self.shape == "aggregate":
            named = [(group.sql, identifier(group.alias)) for group in self.groups]
            named += [(measure.sql, identifier(measure.alias)) for measure in self.measures]
            parts = [sql if sql == alias else f"{sql} AS {alias}" for sql, alias in named]
            return "SELECT " + ", ".join(parts)
        distinct = "DISTINCT " if self.shape == "distinct" else ""
        return f"SELECT {distinct}" + (", ".join(identifier(name) for name in self.columns) or "*")

    def _order(self) -> Iterable[str]:
        if self.order:
            direction = "DESC" if self.order.descending else "ASC"
            yield f"ORDER BY {identifier(self.order.by)} {direction} NULLS LAST"
        elif self.shape == "distinct":
            yield "ORDER BY ALL"

    def __str__(self) -> str:
        """Return the query in English, for the reader to check it against the question."""
        if self.shape == "aggregate":
            text = ", ".join(str(measure) for measure in self.measures)
        elif self.shape == "distinct":
            text = f"Distinct {' and '.join(self.columns)}"
        else:
            text = f"{', '.join(self.columns) if self.columns else 'Rows'}"
        text += f" in {self.table}"
        if self.groups:
            text += " by " + " and ".join(group.alias for group in self.groups)
        if self.filters:
            text += ", where " + " and ".join(str(item) for item in self.filters)
        if self.order and self.limit is not None:
            text += f", {'highest' if self.order.descending else 'lowest'} {self.limit} by {self.order.by}"
        return text

    def to_json(self) -> dict[str, Any]:
        """Return the query as JSON-plain values for an agent's memory."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))  # turns tuples into lists
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Query":
        """Return the query that `to_json` wrote; KeyError or TypeError if it is not one."""
        order = data["order"]
        return cls(
            table=data["table"],
            shape=data["shape"],
            columns=tuple(data["columns"]),
            measures=tuple(Measure(**item) for item in data["measures"]),
            groups=tuple(Group(**item) for item in data["groups"]),
            filters=tuple(
                Filter(**{**item, "values": tuple(item["values"])}) for item in data["filters"]
            ),
            order=Order(**order) if order else None,
            limit=data["limit"],
        )


def identifier(name: str) -> str:
    """Return a name quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | int | float | bool | date) -> str:
    """Return a value as an SQL literal."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"
