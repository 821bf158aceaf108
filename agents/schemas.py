"""JSON schemas of strangers, made safe to check with: no regular expression of theirs is run, nothing is fetched.

A pattern can be made so that matching takes for ever. Without them a check lets more pass, and whoever wrote the schema
checks it again. Where a keyword cannot be judged without its patterns, it is left out with them.
"""

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


def validator_of(schema: Any) -> Any:
    """Return a validator of `schema`, of the draft that it names.

    Raises:
        InputError: it is no JSON schema, or refers to what is not in it.
    """
    # The import takes long, and not every process asks for JSON.
    from jsonschema import SchemaError
    from jsonschema.validators import validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import specification_with

    try:
        kind = validator_for(schema)
        kind.check_schema(schema)
        safe = _without_patterns(schema)
        draft = specification_with(kind.ID_OF(kind.META_SCHEMA))
        _look_up(safe, Registry().resolver_with_root(draft.create_resource(safe)), draft)
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
            kept[name] = value if name in _VALUES else _without_patterns(value)
    return kept


def _look_up(schema: Any, resolver: Any, draft: Any) -> None:
    """Look up what a schema refers to, each name from where it stands.

    Raises:
        Unresolvable: it is not there.
    """
    if isinstance(schema, list):
        for item in schema:
            _look_up(item, resolver, draft)
    elif isinstance(schema, dict):
        if all(isinstance(schema.get(name, ""), str) for name in _IDS):
            resolver = resolver.in_subresource(draft.create_resource(schema))
        for name, value in schema.items():
            if name in ("$ref", "$dynamicRef") and isinstance(value, str):
                resolver.lookup(value)
            elif name not in _VALUES:
                _look_up(value, resolver, draft)
