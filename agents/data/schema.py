"""The tables that a question may be about, as values. It knows no file and no database.

A column's kind decides what may be done with it; its distinct values let a question name a cell ("orders from Berlin").
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from agents.data.words import stems

_KEY_WORDS = {
    "id",
    "key",
    "code",
    "zip",
    "postcode",
    "phone",
    "year",
    "month",
    "day",
    "uuid",
    "index",
}
_ID_WORDS = {"id", "key", "code", "uuid"}
_RATE_WORDS = {
    "price", "rate", "rating", "score", "age", "percent", "percentage", "pct", "ratio", "average",
    "temperature", "temp", "grade", "margin", "height", "weight", "latitude", "longitude", "salary",
}  # fmt: skip

MAX_TEXT = 1_000
"""Characters of a cell that are kept."""


class ColumnKind(StrEnum):
    """What a column holds, as far as a question cares."""

    NUMBER = "number"
    TEXT = "text"
    DATE = "date"  # dates and timestamps
    BOOLEAN = "boolean"
    OTHER = "other"  # lists, structures, blobs: shown, never computed with


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column, its type and, for a text column with few of them, its distinct values."""

    name: str
    type: str
    kind: ColumnKind
    unique: bool = False
    values: Mapping[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    """The stems of each distinct value and all its spellings ("Berlin", "BERLIN"); empty when there are too many."""

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Return the stems of the name."""
        return stems(self.name)

    @property
    def is_key(self) -> bool:
        """Tell whether the column names a thing (an id, a year) instead of measuring one."""
        return bool(self.words) and self.words[-1] in _KEY_WORDS

    @property
    def is_id(self) -> bool:
        """Tell whether the column is the id of a thing: `order_id`, `country code`."""
        return len(self.words) > 1 and self.words[-1] in _ID_WORDS

    @property
    def is_measure(self) -> bool:
        """Tell whether it makes sense to add up or average the column without being told to."""
        return self.kind is ColumnKind.NUMBER and not self.is_key

    @property
    def is_rate(self) -> bool:
        """Tell whether averaging makes more sense than adding up."""
        return any(word in _RATE_WORDS for word in self.words)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table, the file it came from and its columns."""

    name: str
    source: str
    columns: tuple[Column, ...]
    rows: int
    note: str = ""
    """What the reader should know: that only the first rows were read, for example."""

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Return the stems of the name."""
        return stems(self.name)

    def column(self, name: str) -> Column:
        """Return the column called exactly `name`; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def of_kind(self, *kinds: ColumnKind) -> list[Column]:
        """Return the columns of the given kinds."""
        return [column for column in self.columns if column.kind in kinds]

    @property
    def measures(self) -> list[Column]:
        """Return the columns that can be summed without being named."""
        return [column for column in self.columns if column.is_measure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file that could not be used, and why."""

    file: str
    reason: str
    passing: bool = False
    """Whether it may be otherwise in a moment, though the file stays as it is."""


def plain(value: Any, *, limit: int = MAX_TEXT) -> Any:
    """Return a cell as a JSON-plain value: numbers, booleans and null as they are, the rest as bounded text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):  # a checkpoint holds 64 bits, a sum in DuckDB 128
        return value if -(2**63) <= value < 2**64 else str(value)
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, (bytes, bytearray)):
        return f"<{len(value)} bytes>"
    text = str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
