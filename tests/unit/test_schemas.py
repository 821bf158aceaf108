"""Schemas of strangers: nothing of theirs is run or fetched, and what is left of them is held to."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import InputError
from agents.schemas import validator_of

EVIL = "^(a+)+$"
DRAFT_4 = "http://json-schema.org/draft-04/schema#"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
LONG = "a" * 40 + "!"
"""Matching the one against the other takes for ever."""


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "pattern": EVIL}, LONG),
        ({"patternProperties": {EVIL: {"type": "string"}}}, {LONG: 1}),
        ({"patternProperties": {EVIL: {}}, "additionalProperties": False}, {LONG: 1}),
        ({"allOf": [{"pattern": EVIL}]}, LONG),
        ({"properties": {"pattern": {"pattern": EVIL}}}, {"pattern": LONG}),
        ({"$defs": {"x": {"pattern": EVIL}}, "$ref": "#/$defs/x"}, LONG),
        ({"items": {"not": {"pattern": EVIL}}}, ["b"]),
    ],
)
def test_no_pattern_is_run(schema: dict[str, Any], value: Any) -> None:
    validator_of(schema).is_valid(value)


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "object", "properties": {"pattern": {"type": "integer"}}}, {"pattern": 1}, {"pattern": "x"}),
        ({"type": "object", "additionalProperties": False, "properties": {"a": {}}}, {"a": 1}, {"b": 1}),
        ({"enum": [{"pattern": "x"}]}, {"pattern": "x"}, {}),
        ({"$defs": {"n": {"type": "number"}}, "items": {"$ref": "#/$defs/n"}}, [1], ["x"]),
        ({"$schema": DRAFT_7, "definitions": {"n": {"const": 1}}, "$ref": "#/definitions/n"}, 1, 2),
        ({"items": {"$id": "n", "$ref": "#/$defs/n", "$defs": {"n": {"type": "number"}}}}, [1], ["x"]),
        ({"properties": {"$id": {}, "id": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"const": 1}}}, {"id": 1}, {"id": 2}),
        ({"items": [{"type": "number"}, {"type": "string"}]}, [1, "x"], [1, 2]),
        (True, 1, None),
    ],
)  # fmt: skip
def test_what_is_left_is_held_to(schema: Any, good: Any, bad: Any) -> None:
    assert validator_of(schema).is_valid(good)
    assert schema is True or not validator_of(schema).is_valid(bad)


@pytest.mark.parametrize("pattern", [r"^\p{L}+$", r"^(?<y>\d+)$", "(", "^[[a-z]--[aeiou]]$"])
def test_a_pattern_of_another_language_is_no_fault_of_a_schema(pattern: str) -> None:
    valid = validator_of({"properties": {"a": {"type": "string", "pattern": pattern}}})
    assert valid.is_valid({"a": "x"})
    assert not valid.is_valid({"a": 1})
    assert validator_of({"patternProperties": {pattern: {"type": "string"}}}).is_valid({"a": 1})


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "nonsense"}, "no JSON schema: 'nonsense' is not valid"),
        (
            {"$ref": "http://example.org/schema"},
            "refers to 'http://example.org/schema', which is not in it",
        ),
        ({"properties": {"a": {"$ref": "#/$defs/gone"}}}, "refers to"),
        ({"items": {"$id": "http://x/y", "$ref": "#/$defs/n"}, "$defs": {"n": {}}}, "refers to"),
        ({"$schema": DRAFT_7, "items": {"$ref": "#n"}, "not": {"$anchor": "n"}}, "refers to"),
        ({"$schema": DRAFT_4, "items": [{}], "not": {"$schema": DRAFT_7, "$ref": "#n"}}, "."),
        (5, "no JSON schema"),
        (None, "no JSON schema"),
    ],
)
def test_what_is_none_is_one_line(schema: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        validator_of(schema)


WORDS = st.sampled_from(
    ["type", "pattern", "properties", "$ref", "items", "enum", "#", "object", "$defs", "not", "a"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=10,
)


@given(JSON, JSON)
def test_any_json_is_a_schema_or_refused(schema: Any, value: Any) -> None:
    try:
        validator = validator_of(schema)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    try:
        validator.is_valid(value)
    except RecursionError:
        assert "$ref" in str(schema)


def doubling(levels: int) -> dict[str, Any]:
    steps = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$defs": {**steps, f"d{levels}": {"type": "object"}}, "$ref": "#/$defs/d0"}


def test_a_small_schema_that_unfolds_into_a_large_one_is_refused_at_once() -> None:
    assert validator_of(doubling(8)).is_valid({})
    with pytest.raises(InputError, match="too involved"):
        validator_of(doubling(40))


def test_a_schema_may_refer_to_itself_once_for_each_part_of_a_value() -> None:
    node = {"$ref": "#/$defs/node"}
    kids = {"type": "array", "items": node}
    tree = {"type": "object", "properties": {"left": node, "right": node, "kids": kids}}
    valid = validator_of({"$defs": {"node": tree}, "$ref": "#/$defs/node"})
    assert valid.is_valid({"left": {"kids": [{}]}})
    assert not valid.is_valid({"left": {"kids": [1]}})
    twice = {"properties": {"next": {"allOf": [node, node]}}}
    for schema in ({"$defs": {"node": twice}, "$ref": "#/$defs/node"}, {"$ref": "#"}):
        with pytest.raises(InputError, match="too involved"):
            validator_of(schema)
