"""Turns what is written in fields into plain values, and plain values back into fields."""

from collections.abc import Callable
from typing import Any

from graphs.policy.findings import Finding
from graphs.policy.syntax import Field, Fields, Value, Word

__all__ = ["fields_of", "plain_fields", "plain_value"]

Report = Callable[[Finding], None]


def plain_fields(fields: Fields, report: Report) -> dict[str, Any]:
    """Return fields as a mapping; of a key that stands twice the first counts, and a finding says so."""
    plain: dict[str, Any] = {}
    for field in fields:
        value = plain_value(field.value, report)
        if field.key in plain:
            message = f"the field {field.key!r:.60} stands twice"
            report(Finding(code="duplicate", message=message, at=field.at, names=(field.key,)))
        plain.setdefault(field.key, value)
    return plain


def plain_value(value: Value, report: Report) -> Any:
    """Return a value as JSON-plain; a bare word is a text."""
    if isinstance(value, Fields):
        return plain_fields(value, report)
    if isinstance(value, tuple):
        return [plain_value(part, report) for part in value]
    return str(value) if isinstance(value, Word) else value


def fields_of(plain: dict[str, Any]) -> Fields:
    """Return the fields that are written for a mapping."""
    return Fields(tuple(Field(key, _value_of(value)) for key, value in plain.items()))


def _value_of(plain: Any) -> Value:
    if isinstance(plain, dict):
        return fields_of(plain)
    if isinstance(plain, list):
        return tuple(_value_of(part) for part in plain)
    value: Value = plain
    return value
