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
    from referencing.jsonschema import DRAFT202012

    try:
        kind = validator_for(schema)
        kind.check_schema(schema)
        safe = _without_patterns(schema)
        resolver = Registry().resolver_with_root(DRAFT202012.create_resource(safe))
        for reference in _references(safe):
            resolver.lookup(reference)
    except SchemaError as error:
        raise InputError(f"no JSON schema: {error.message:.200}") from None
    except Unresolvable as error:
        raise InputError(f"it refers to {error.ref!r:.100}, which is not in it") from None
    except (ValueError, TypeError, RecursionError):
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


def _references(schema: Any) -> list[str]:
    found: list[str] = []
    if isinstance(schema, list):
        for item in schema:
            found += _references(item)
    elif isinstance(schema, dict):
        for name, value in schema.items():
            if name in ("$ref", "$dynamicRef") and isinstance(value, str):
                found.append(value)
            elif name not in _VALUES:
                found += _references(value)
    return found
