"""What the calculator understood and what it computed, as JSON-plain values for the state. It does nothing."""

from __future__ import annotations

from typing import Literal, TypedDict

Kind = Literal["arithmetic", "quantity", "convert", "check", "factorise", "transform", "solve"]
"""What a task asks.

arithmetic: the value of `text`. quantity: the same with units. convert: `text` in `unit`. check: whether the two sides
of `equations` are equal. factorise: the prime factors of `text`. transform: the `form` of `text`.
solve: the values of the variables in `equations`.
"""


class Task(TypedDict, total=False):
    """One understood request."""

    kind: Kind
    text: str
    """The expression, as the parser reads it."""
    label: str
    """The expression, as a person reads it."""
    unit: str
    """The target of a conversion."""
    symbol: str
    """What the number counts, if it is money or a share: $, €, £, ¥, %."""
    base: str
    """What a percentage was taken of; a follow-up such as `and 20%?` means the same base."""
    aside: str
    """Another reading of the request, as an expression."""
    form: str
    """simplify, expand, factor, differentiate or integrate."""
    variable: str
    """The variable to solve for, differentiate or integrate by; empty if none was named."""
    equations: list[list[str]]
    """The two sides of each equation."""
    digits: int
    """Significant digits asked for; absent if none were."""
    places: int
    """Decimal places asked for; absent if none were."""


class Result(TypedDict, total=False):
    """What was computed; which fields are present depends on the task."""

    exact: str
    """The exact value or form; a fraction as p/q."""
    decimal: str
    """A decimal with guard digits, where the exact value is no fraction."""
    unit: str
    """The unit of a quantity."""
    holds: bool
    """Whether a checked equation is true."""
    kind: str
    """How many solutions: some, none, all."""
    solutions: list[dict[str, dict[str, str]]]
    """For each solution, the variables' values with `exact` and `decimal`."""
    note: str
    """What the user should know beside the answer."""
    refused: str
    """Why there is no answer, in one line."""
    unread: str
    """Why this is no calculation after all."""
