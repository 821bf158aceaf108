"""The syntax tree of a policy file: what was written, where, with its comments.

It knows no meaning: names are not resolved, fields are not checked. Positions and comments do not count when trees are
compared, so that a file and its formatted text have equal trees.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

__all__ = [
    "NOWHERE", "AlgorithmUse", "And", "Block", "BlockKind", "Branch", "Case", "Condition", "Emit", "Field", "Fields",
    "Item", "Loop", "Not", "Notes", "Or", "Place", "PluginUse", "Program", "Reference", "RouteBody", "Statement",
    "Target", "Use", "Value", "Word", "references",
]  # fmt: skip


class Word(str):
    """A bare word as a value: `int`, `candidate`; a text is written in quotes."""

    __slots__ = ()


Value: TypeAlias = "str | int | float | bool | tuple[Value, ...] | Fields"
"""A value of a field: a text, a `Word`, a number, a truth value, a list, or fields in braces."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands in the file, counted from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


NOWHERE = Place(0, 0)


@dataclass(frozen=True, slots=True)
class Notes:
    """The comments around something, without their `#`: lines before it, and one behind it on its line."""

    before: tuple[str, ...] = ()
    behind: str = ""
    inside: tuple[str, ...] = ()
    """Before the closing brace."""


_NONE = Notes()


@dataclass(frozen=True, slots=True)
class Field:
    """`key: value`, or `key = value` in parentheses."""

    key: str
    value: Value
    at: Place = field(default=NOWHERE, compare=False)
    notes: Notes = field(default=_NONE, compare=False)


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a block or of a value in braces, in their order."""

    items: tuple[Field, ...] = ()

    def __iter__(self) -> Iterator[Field]:
        return iter(self.items)

    def __bool__(self) -> bool:
        return bool(self.items)


@dataclass(frozen=True, slots=True)
class Reference:
    """`type("name")`: whether a signal fires."""

    type: str
    name: str
    at: Place = field(default=NOWHERE, compare=False)

    @property
    def key(self) -> str:
        """The signal's key: `type:name`."""
        return f"{self.type}:{self.name}"


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    part: "Condition"


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold; two or more of them."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds; two or more of them."""

    parts: "tuple[Condition, ...]"


Condition: TypeAlias = Reference | Not | And | Or
"""What stands after WHEN, IF and ELSE IF."""


@dataclass(frozen=True, slots=True)
class Target:
    """A model or an agent that a route names: `"name" (reasoning = true)`."""

    name: str
    options: Fields = Fields()
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Use:
    """`PLUGIN name {...}`, `PLUGIN name`, `ALGORITHM name {...}` or `EMIT name {...}` in a route."""

    name: str
    fields: Fields = Fields()
    at: Place = field(default=NOWHERE, compare=False)
    notes: Notes = field(default=_NONE, compare=False)


@dataclass(frozen=True, slots=True)
class Loop:
    """`FOR word IN decision.candidates { MODEL word }` or with a list of models: bounded, so it always ends."""

    word: str
    source: tuple[Target, ...] | None
    """None stands for the models that the route declares itself."""
    at: Place = field(default=NOWHERE, compare=False)
    notes: Notes = field(default=_NONE, compare=False)


@dataclass(frozen=True, slots=True)
class Statement:
    """`PRIORITY 100`, `TIER 1`, `NAME "x"`, `DESCRIPTION "x"`, `WHEN condition`, `MODEL "a", "b"`, `AGENT "a"`.

    `value` is an int, a text, a condition, or targets: what the keyword asks for. `AGENT NONE` has no targets.
    """

    keyword: Literal["PRIORITY", "TIER", "NAME", "DESCRIPTION", "WHEN", "MODEL", "AGENT"]
    value: int | str | Condition | tuple[Target, ...]
    at: Place = field(default=NOWHERE, compare=False)
    notes: Notes = field(default=_NONE, compare=False)


@dataclass(frozen=True, slots=True)
class PluginUse(Use):
    """A plugin in a route."""


@dataclass(frozen=True, slots=True)
class AlgorithmUse(Use):
    """How a route chooses among its models."""


@dataclass(frozen=True, slots=True)
class Emit(Use):
    """What a route leaves behind when it matches; the name is the kind of that."""


Item: TypeAlias = Statement | PluginUse | AlgorithmUse | Loop | Emit
RouteBody: TypeAlias = tuple[Item, ...]
"""What stands in a route or in a branch of a tree, in its order."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of a DECISION_TREE; without a condition it is ELSE."""

    when: Condition | None
    body: RouteBody
    at: Place = field(default=NOWHERE, compare=False)
    notes: Notes = field(default=_NONE, compare=False)


@dataclass(frozen=True, slots=True)
class Case:
    """`"query" (user = "ann") -> route` in a TEST."""

    query: str
    expected: str
    options: Fields = Fields()
    at: Place = field(default=NOWHERE, compare=False)
    notes: Notes = field(default=_NONE, compare=False)


BlockKind = Literal[
    "SIGNAL", "SIGNAL_GROUP", "PROJECTION", "PLUGIN", "BACKEND", "MODEL", "AGENT", "GRANT", "GLOBAL", "ROUTE",
    "DECISION_TREE", "TEST", "RECIPE", "ENTRYPOINT", "ROUTING", "SESSION_STATE",
]  # fmt: skip
"""The top-level blocks."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block: `KIND type name (options) {...}`.

    `type` is there for SIGNAL, PROJECTION, PLUGIN and BACKEND; `name` is empty for GLOBAL, ROUTING and ENTRYPOINT.
    What stands in the braces is in `fields`, and for some kinds in `body` (ROUTE; AGENT and GRANT: their WHEN),
    `branches` (DECISION_TREE), `cases` (TEST) or `blocks` (RECIPE).
    """

    kind: BlockKind
    name: str = ""
    type: str = ""
    options: Fields = Fields()
    fields: Fields = Fields()
    body: RouteBody = ()
    branches: tuple[Branch, ...] = ()
    cases: tuple[Case, ...] = ()
    blocks: "tuple[Block, ...]" = ()
    at: Place = field(default=NOWHERE, compare=False)
    notes: Notes = field(default=_NONE, compare=False)


@dataclass(frozen=True, slots=True)
class Program:
    """A whole policy file."""

    blocks: tuple[Block, ...] = ()
    comments: tuple[str, ...] = field(default=(), compare=False)
    """After the last block."""


def references(condition: Condition | None) -> Iterator[Reference]:
    """Yield the references of a condition, from left to right."""
    if isinstance(condition, Reference):
        yield condition
    elif isinstance(condition, Not):
        yield from references(condition.part)
    elif condition is not None:
        for part in condition.parts:
            yield from references(part)
