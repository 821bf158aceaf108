"""Whatever stands in a catalogue, reading it gives a catalogue or one CatalogError on one line."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agents.errors import CatalogError
from agents.registry import Agent, Registry
from agents.source import Source
from graphs.catalog import Catalog

KEYS = st.sampled_from(
    [
        "version", "agents", "models", "kinds", "default_model", "id", "description", "skills", "options", "phases",
        "examples", "grants", "hand_over_to", "budget_usd", "price", "quality", "litellm", "context_tokens", "", "\x1b",
    ]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | KEYS
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)
CARDS = st.fixed_dictionaries(
    {"id": st.text("aB-é", max_size=3), "description": st.text(max_size=5)},
    optional={
        "skills": st.lists(
            st.fixed_dictionaries({"id": KEYS}, optional={"tags": VALUES}), max_size=2
        ),
        "options": VALUES,
        "phases": VALUES,
        "grants": VALUES,
        "budget_usd": SCALARS,
    },
)
YAML_TEXT = st.text(
    st.sampled_from("ab:-?[]{}&*!|>'\"#%@,\n \t0123_.x<=~\\\x00\ud800é"), max_size=40
)


def read(text: str, path: str) -> Catalog | None:
    """Return the catalogue, or None if it is refused as it should be."""
    try:
        return Catalog.from_source(Source.from_text(text, path=path))
    except CatalogError as error:
        message = str(error)
    assert message.startswith(path)
    assert message.isprintable()
    assert len(message) < 600
    return None


@given(st.text() | YAML_TEXT, st.sampled_from(["c.yaml", "c.json"]))
@example("? [a]\n: 1", "c.yaml")
@example("a: 2024-13-45", "c.yaml")
@example("a: !!bool x", "c.yaml")
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused(text: str, path: str) -> None:
    read(text, path)


@given(st.binary(max_size=60))
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(content)
    try:
        Catalog.from_file(path)
    except CatalogError as error:
        assert str(error).removeprefix(str(path)).isprintable()  # noqa: PT017


@given(
    st.dictionaries(KEYS, VALUES, max_size=4) | st.builds(lambda c: {"agents": c}, st.lists(CARDS))
)
@settings(max_examples=100, deadline=None)
def test_any_values_in_its_keys_are_read_or_refused_the_same_in_yaml_and_json(value: Any) -> None:
    in_json = read(json.dumps(value), "c.json")
    in_yaml = read(yaml.safe_dump(value, allow_unicode=True), "c.yaml")
    if in_json is not None:
        # A catalogue that was taken can be hashed: every record of a turn names its version.
        assert len(Registry(Agent(card, None) for card in in_json.agents).version) == 16
    if in_json is not None and in_yaml is not None:
        assert in_json == in_yaml


@given(st.lists(st.sampled_from(["a", "b", "A", "c"]), max_size=6))
def test_a_repeated_id_is_found_at_its_own_line(ids: list[str]) -> None:
    text = "agents:\n" + "".join(f"- id: {i}\n  description: d\n" for i in ids)
    repeated = [n for n, i in enumerate(ids) if i.casefold() in [j.casefold() for j in ids[:n]]]
    if not repeated:
        assert read(text, "c.yaml") is not None
        return
    with pytest.raises(CatalogError) as caught:
        Catalog.from_source(Source.from_text(text, path="c.yaml"))
    assert str(caught.value).startswith(f"c.yaml:{2 + 2 * repeated[0]}: agents[{repeated[0]}].id: ")
