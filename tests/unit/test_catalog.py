"""A broken or contradictory catalogue is one line: file, line, key, what was given, what is expected."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agents.card import LONGEST_ID, AgentCard, Skill
from agents.errors import CatalogError
from agents.source import Source
from graphs.catalog import Catalog
from tests.support.waiting import PATIENCE_S

MODEL = "- id: m\n  litellm: x/y\n  context_tokens: 100\n"
AGENT = "- id: a\n  description: d\n"


def load(text: str, path: str = "c.yaml") -> Catalog:
    return Catalog.from_source(Source.from_text(text, path=path))


FAULTS = {
    "empty": ("", "c.yaml:1: the file: given None, expected the keys agents and models"),
    "a list at the top": ("- a\n", "c.yaml:1: the file: given ['a'], expected the keys agents"),
    "text": ("hello", "c.yaml:1: the file: given 'hello', expected the keys agents and models"),
    "unknown section": ("agent: []\n", "c.yaml:1: agent: unknown key; did you mean 'agents'?"),
    "strange section": ("x: 1\n", "c.yaml:1: x: unknown key; known keys: version, agents, mod"),
    "hostile section": ('"\\e[2J\\n": 1\n', r"c.yaml:1: '\x1b[2J\n': unknown key; known keys"),
    "another version": ("agents: []\nversion: 2\n", "c.yaml:2: version: given 2, expected 1"),
    "agents are text": ("agents: hello\n", "c.yaml:1: agents: given 'hello', expected a list"),
    "an agent is text": ("agents:\n- hello\n", "c.yaml:2: agents[0]: given 'hello', expected keys"),
    "no id": ("agents:\n- description: d\n", "c.yaml:2: agents[0].id: missing; this key is req"),
    "no description": ("agents:\n- id: a\n", "c.yaml:2: agents[0].description: missing; this"),
    "id is a number": (
        "agents:\n- id: 7\n  description: d\n",
        "c.yaml:2: agents[0].id: given 7, expected a valid string",
    ),
    "illegal id": (
        "agents:\n- id: a b\n  description: d\n",
        "c.yaml:2: agents[0].id: the id 'a b' is not made of letters",
    ),
    "long id": (
        f"agents:\n- id: {'x' * 500}\n  description: d\n",
        f"c.yaml:2: agents[0].id: the id '{'x' * 57}...' has 500 characters; expected 1 to {LONGEST_ID}",
    ),
    "id twice": (
        f"agents:\n{AGENT}{AGENT}",
        "c.yaml:4: agents[1].id: given twice, first in agents[0]; ids must differ",
    ),
    "look-alike ids": (
        f"agents:\n{AGENT}- id: A\n  description: d\n",
        "c.yaml:4: agents[1].id: 'A' is not to be told from 'a', first in agents[0]",
    ),
    "misspelt key": (
        f"agents:\n{AGENT}  desciption: e\n",
        "c.yaml:4: agents[0].desciption: unknown key; did you mean 'description'?",
    ),
    "misspelt key of a skill": (
        f"agents:\n{AGENT}  skills:\n  - id: s\n    exampels: [x]\n",
        "c.yaml:6: agents[0].skills[0].exampels: unknown key; did you mean 'examples'?",
    ),
    "misspelt key of a price": (
        f"models:\n{MODEL}  price: {{inptu: 1}}\n",
        "c.yaml:5: models[0].price.inptu: unknown key; did you mean 'input'?",
    ),
    "a skill is text": (
        f"agents:\n{AGENT}  skills: [s]\n",
        "c.yaml:4: agents[0].skills[0]: given 's', expected keys and values",
    ),
    "examples are text": (
        f"agents:\n{AGENT}  skills:\n  - id: s\n    examples: roll a die\n",
        "c.yaml:6: agents[0].skills[0].examples: given 'roll a die', expected a list",
    ),
    "grants are text": (
        f"agents:\n{AGENT}  grants: staff\n",
        "c.yaml:4: agents[0].grants: given 'staff', expected a list",
    ),
    "long description": (
        f"agents:\n- id: a\n  description: {'x' * 20_001}\n",
        "c.yaml:3: agents[0].description: given 'xxx",
    ),
    "negative budget": (
        f"agents:\n{AGENT}  budget_usd: -0.1\n",
        "c.yaml:4: agents[0].budget_usd: given -0.1, expected greater than or equal to 0",
    ),
    "budget in words": (
        f"agents:\n{AGENT}  budget_usd: '5'\n",
        "c.yaml:4: agents[0].budget_usd: given '5', expected a valid number",
    ),
    "options that no JSON holds": (
        f"agents:\n{AGENT}  options: {{since: 2024-01-01}}\n",
        "c.yaml:4: agents[0].options: given {'since': datetime.date(2024, 1, 1)}, expected JSON",
    ),
    "options with mixed keys": (
        f"agents:\n{AGENT}  options: {{a: {{1: x, b: y}}}}\n",
        "c.yaml:4: agents[0].options: given {'a': {1: 'x', 'b': 'y'}}, expected JSON-plain",
    ),
    "hand-over to nobody": (
        f"agents:\n{AGENT}  hand_over_to: [a, b]\n",
        "c.yaml:4: agents[0].hand_over_to: given 'b', expected the id of an agent",
    ),
    "phase that is none": (
        f"agents:\n{AGENT}  phases: [idle, idel]\n",
        "c.yaml:4: agents[0].phases: given 'idel', expected some of awaiting_approval, awaiting",
    ),
    "price is not a number": (
        f"models:\n{MODEL}  price: {{input: .nan, output: 1.0}}\n",
        "c.yaml:5: models[0].price.input: given nan, expected a finite number",
    ),
    "price without end": (
        f"models:\n{MODEL}  price: {{input: 1.0, output: .inf}}\n",
        "c.yaml:5: models[0].price.output: given inf, expected a finite number",
    ),
    "negative price": (
        f"models:\n{MODEL}  price: {{input: -1.0, output: 1.0}}\n",
        "c.yaml:5: models[0].price.input: given -1.0, expected greater than or equal to 0",
    ),
    "no window": (
        "models:\n- id: m\n  litellm: x/y\n",
        "c.yaml:2: models[0].context_tokens: missing; this key is required",
    ),
    "an address of another kind": (
        f"models:\n{MODEL}  base_url: ftp://x\n",
        "c.yaml:5: models[0].base_url: given 'ftp://x', expected an address that begins with http:// or https://",
    ),
    "a key in the place of its variable": (
        f"models:\n{MODEL}  key: sk-0a1b2c3d4e\n",
        "c.yaml:5: models[0].key: expected the name of an environment variable, in capitals, not its value",
    ),
    "a key that could be a variable": (
        f"models:\n{MODEL}  key: gsk_0a1b2c3d4e\n",
        "c.yaml:5: models[0].key: expected the name of an environment variable, in capitals, not its value",
    ),
    "an address in the place of its variable": (
        f"models:\n{MODEL}  base_url_env: http://127.0.0.1:8080/v1\n",
        "c.yaml:5: models[0].base_url_env: expected the name of an environment variable",
    ),
    "no default model": (f"models:\n{MODEL}", "c.yaml:1: default_model: missing; it names one"),
    "unknown default model": (
        f"models:\n{MODEL}default_model: n\n",
        "c.yaml:5: default_model: given 'n', expected the id of a model",
    ),
    "quality of no kind": (
        f"default_model: m\nmodels:\n{MODEL}  quality: {{poetry: 0.5}}\n",
        "c.yaml:6: models[0].quality: given 'poetry', expected an entry of kinds: it has none",
    ),
    "quality beyond 1": (
        f"default_model: m\nkinds: [{{id: k, examples: [x]}}]\nmodels:\n{MODEL}  quality: {{k: 1.5}}\n",
        "c.yaml:7: models[0].quality.k: given 1.5, expected less than or equal to 1",
    ),
    "kind without examples": (
        "kinds:\n- id: k\n  examples: []\n",
        "c.yaml:3: kinds[0].examples: empty; expected at least one example",
    ),
}


@pytest.mark.parametrize(("text", "said"), FAULTS.values(), ids=FAULTS)
def test_a_broken_catalogue_is_one_line_that_says_where(text: str, said: str) -> None:
    with pytest.raises(CatalogError) as caught:
        load(text)
    assert str(caught.value).startswith(said)
    assert str(caught.value).isprintable()
    assert "0a1b2c3d4e" not in str(caught.value)


def test_a_catalogue_is_read_into_cards_models_and_kinds() -> None:
    catalog = load(
        f"version: 1\ndefault_model: m\nkinds: [{{id: k, examples: [x]}}]\nmodels:\n{MODEL}"
        f"  quality: {{k: 0.5}}\nagents:\n{AGENT}  hand_over_to: [a]\n  phases: [idle]\n"
        "  budget_usd: 1\n  skills: [{id: s, examples: [e]}]\n"
    )
    assert catalog.agents == (
        AgentCard(
            id="a",
            description="d",
            hand_over_to=("a",),
            phases=frozenset({"idle"}),
            budget_usd=1.0,
            skills=(Skill(id="s", examples=("e",)),),
        ),
    )
    assert [m.quality for m in catalog.models] == [{"k": 0.5}]
    assert catalog.default_model == "m"


def test_sections_may_be_left_out() -> None:
    assert load("version: 1\n") == load("agents:\n") == Catalog()


def test_cards_alone_are_a_catalogue_in_json_too(tmp_path: Path) -> None:
    card = {
        "id": "Restaurants_1",
        "name": "Restaurants",
        "description": "Find a table \N{SMILE}",
        "category": ["Food"],
        "inputs": "city; time",
        "skills": [{"id": "i", "name": "i", "description": "", "examples": ["e"]}],
    }
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps({"agents": [card]}, indent=1))
    (read,) = Catalog.from_file(path).agents
    assert (read.id, read.category, read.inputs) == ("Restaurants_1", ("Food",), "city; time")
    assert read.skills == (Skill(id="i", name="i", examples=("e",)),)


def test_models_of_the_operator_join_and_may_not_repeat() -> None:
    catalog = load(f"default_model: m\nmodels:\n{MODEL}")
    other = load(f"default_model: n\nmodels:\n{MODEL}".replace("id: m", "id: n")).models
    assert [m.id for m in catalog.with_models(other).models] == ["m", "n"]
    with pytest.raises(CatalogError, match="'m' is given twice"):
        catalog.with_models(catalog.models)


def test_a_deep_catalogue_does_not_bring_the_process_down(tmp_path: Path) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text("agents: " + "[" * 100_000)
    code = f"from graphs.catalog import Catalog; Catalog.from_file({str(path)!r})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 1  # a Python error, not a signal
    assert "CatalogError" in done.stderr


def test_a_file_that_is_missing_is_told_with_no_setting_where_none_names_it() -> None:
    with pytest.raises(CatalogError) as caught:
        Catalog.from_file("absent.yaml")
    assert str(caught.value).endswith("; give the path of a catalogue")
