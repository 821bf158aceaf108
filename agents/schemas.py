"""JSON schemas of strangers, made safe to check with: no regular expression of theirs is run, nothing is fetched.

A pattern can be made so that matching takes for ever. Without them a check lets more pass, and whoever wrote the schema
checks it again. Where a keyword cannot be judged without its patterns, it is left out with them.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from agents.errors import InputError

__all__ = ["validator_of"]

_PATTERNS = frozenset({"pattern", "patternProperties"})
_JUDGED_BY_PATTERNS = frozenset({"additionalProperties", "unevaluatedProperties"})
_MAPS = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
"""Keywords whose values are schemas by name; a name may be any word."""
_VALUES = frozenset({"enum", "const", "default", "examples"})
"""Keywords whose values are no schemas."""
_IDS = ("$id", "id")
"""Keywords that name a schema, from which on names are read against its own; as properties they are schemas."""
_REFERENCES = ("$ref", "$dynamicRef")
_KEPT_ASIDE = frozenset({"$defs", "definitions"})
_OF_MEMBERS = frozenset(
    {
        "items", "prefixItems", "additionalItems", "unevaluatedItems", "contains", "additionalProperties",
        "unevaluatedProperties", "propertyNames",
    }
)  # fmt: skip
"""Keywords whose schemas judge what is in a value, not the value."""
_LARGEST = 5_000
"""Schemas that are applied, each reference as what it refers to; references of references can double them."""


@dataclass(frozen=True, slots=True)
class _Given:
    """A schema, known by what is written in it: one turn asks for the validator of one schema several times."""

    written: str
    schema: Any = field(compare=False)


def validator_of(schema: Any) -> Any:
    """Return a validator of `schema`, of the draft that it names; that of a schema seen of late is had again.

    Raises:
        InputError: it is no JSON schema, refers to what is not in it, or takes too long to check with.
    """
    try:
        return _made(_Given(repr(schema), schema))
    except RecursionError:
        raise InputError("no JSON schema") from None


@lru_cache(maxsize=16)
def _made(given: _Given) -> Any:
    """Check a schema and return its validator; it takes some milliseconds."""
    schema = given.schema
    # The import takes long, and not every process asks for JSON.
    from jsonschema import SchemaError
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import specification_with

    try:
        # What is left out is not judged either: patterns are of another language than ours.
        safe = _without_patterns(schema)
        kind = _draft_of(safe)
        draft = specification_with(kind.ID_OF(kind.META_SCHEMA))
        resolver = Registry().resolver_with_root(draft.create_resource(safe))
        _look_up(safe, resolver, draft)
        _Size(draft).add(safe, resolver)
    except SchemaError as error:
        raise InputError(f"no JSON schema: {error.message:.200}") from None
    except Unresolvable as error:
        raise InputError(f"it refers to {error.ref!r:.100}, which is not in it") from None
    except (
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        RecursionError,
    ):  # where drafts are mixed
        raise InputError("no JSON schema") from None
    return kind(safe, registry=Registry())


def _draft_of(schema: Any) -> Any:
    """Return the class of validators of the draft that a schema names, or else of one that it holds to.

    Raises:
        SchemaError: it holds to none.
    """
    from jsonschema import Draft7Validator, SchemaError
    from jsonschema.validators import validator_for

    kind = validator_for(schema)
    try:
        kind.check_schema(schema)
    except SchemaError:
        if not isinstance(schema, dict) or "$schema" in schema:
            raise
        # Many write `items` as a list and name no draft.
        kind = Draft7Validator
        kind.check_schema(schema)
    return kind


def _without_patterns(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_patterns(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    left_out = _PATTERNS | (_JUDGED_BY_PATTERNS if "patternProperties" in schema else frozenset())
    kept: dict[str, Any] = {}
    for name, value in schema.items():
        if name in left_out:
            continue
        if name in _MAPS and isinstance(value, dict):
            kept[name] = {key: _without_patterns(inner) for key, inner in value.items()}
        else:
            # A copy, as whoever gave the schema may change it.
            kept[name] = deepcopy(value) if name in _VALUES else _without_patterns(value)
    return kept


class _Size:
    """Counts what a check applies.

    Raises:
        InputError: it is too much, or a reference to itself is applied twice to the same part of a value, which doubles
            the work with each level of it.
    """

    def __init__(self, draft: Any) -> None:
        self._draft = draft
        self._counted = 0
        self._back: set[tuple[int, tuple[str, ...]]] = set()

    def add(
        self,
        schema: Any,
        resolver: Any,
        place: tuple[str, ...] = (),
        above: Mapping[int, int] | None = None,
    ) -> None:
        """Count a schema and what it leads to.

        Args:
            schema: it, or a list of them.
            resolver: looks up what it refers to.
            place: the part of the value that it judges.
            above: the schemas that led here by reference, each with the length of its place.
        """
        above = above or {}
        if isinstance(schema, list):
            for item in schema:
                self.add(item, resolver, place, above)
        if not isinstance(schema, dict):
            return
        self._counted += 1
        if self._counted > _LARGEST:
            raise InputError("the schema is too involved: what it refers to refers to much else")
        resolver = _inside(schema, resolver, self._draft)
        for name, value in schema.items():
            if name in _REFERENCES and isinstance(value, str):
                self._follow(resolver.lookup(value), place, above)
            elif name == "properties" and isinstance(value, dict):
                for key, inner in value.items():
                    self.add(inner, resolver, (*place, f".{key}"), above)
            elif name in _MAPS - _KEPT_ASIDE and isinstance(value, dict):
                self.add(list(value.values()), resolver, place, above)
            elif name not in _VALUES | _KEPT_ASIDE:
                self.add(value, resolver, (*place, "*") if name in _OF_MEMBERS else place, above)

    def _follow(self, found: Any, place: tuple[str, ...], above: Mapping[int, int]) -> None:
        key = id(found.contents)
        if key not in above:
            self.add(found.contents, found.resolver, place, {**above, key: len(place)})
            return
        back = key, place[above[key] :]
        if not back[1] or back in self._back:
            raise InputError("the schema is too involved: it applies itself to the same part twice")
        self._back.add(back)


def _inside(schema: dict[str, Any], resolver: Any, draft: Any) -> Any:
    """Return what looks up names from within a schema, which may have an id of its own."""
    if all(isinstance(schema.get(name, ""), str) for name in _IDS):
        return resolver.in_subresource(draft.create_resource(schema))
    return resolver


def _look_up(schema: Any, resolver: Any, draft: Any) -> None:
    """Look up what a schema refers to, each name from where it stands.

    Raises:
        Unresolvable: it is not there.
    """
    if isinstance(schema, list):
        for item in schema:
            _look_up(item, resolver, draft)
    elif isinstance(schema, dict):
        resolver = _inside(schema, resolver, draft)
        for name, value in schema.items():
            if name in _REFERENCES and isinstance(value, str):
                resolver.lookup(value)
            elif name not in _VALUES:
                _look_up(value, resolver, draft)
