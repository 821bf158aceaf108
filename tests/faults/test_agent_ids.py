"""Agent ids at every door: a catalogue in YAML and in JSON, the registry at run time, and the graph's own names."""

import json
import string
from collections.abc import Callable

import pytest
import yaml

from agents.card import AgentCard, check_id
from agents.errors import CatalogError
from agents.registry import Agent, Registry
from agents.source import Source
from graphs.catalog import Catalog
from graphs.machine import Phase
from graphs.state import State
from tests.support.agents import fake_agent, fake_graph
from tests.support.bars import bar
from tests.unit.test_card import ILLEGAL, LEGAL, TWINS

MANY = 10_000
TAKEN = (
    "observe",
    "route",
    "clarify",
    "answer",
    "refuse",
    "agent",
    *map(str, Phase),
    *State.__annotations__,
)


def cards(*ids: str) -> dict[str, list[dict[str, str]]]:
    return {"agents": [{"id": agent_id, "description": "d"} for agent_id in ids]}


def by_json(*ids: str) -> None:
    Catalog.from_source(Source.from_text(json.dumps(cards(*ids)), path="c.json"))


def by_yaml(*ids: str) -> None:
    text = yaml.safe_dump(cards(*ids), allow_unicode=True)
    Catalog.from_source(Source.from_text(text, path="c.yaml"))


def by_registry(*ids: str) -> None:
    registry = Registry()
    for agent_id in ids:
        registered = len(registry.agents)
        registry.register(AgentCard(id=agent_id, description="d"))
        if len(registry.agents) == registered:
            raise CatalogError("replaced")  # the same id again is a new version of the agent


def by_graph(*ids: str) -> None:
    for agent_id in ids:
        check_id(agent_id)
    fake_graph(*(fake_agent(agent_id) for agent_id in ids))


DOORS: dict[str, Callable[..., None]] = {
    "JSON": by_json,
    "YAML": by_yaml,
    "registry": by_registry,
    "graph": by_graph,
}


def takes(door: Callable[..., None], *ids: str) -> bool:
    try:
        door(*ids)
    except CatalogError as error:
        assert str(error).isprintable()  # noqa: PT017 an id that is refused is shown as text, not as a terminal's code
        return False
    return True


def table(door: str) -> dict[tuple[str, ...], bool]:
    """Return for each id, or each pair of ids, whether it is taken."""
    every: dict[tuple[str, ...], bool] = dict.fromkeys(((i,) for i in LEGAL.values()), True)
    every |= dict.fromkeys(((i,) for i in ILLEGAL.values()), False)
    every |= dict.fromkeys(TWINS.values(), False)
    # A name of the graph is free for an agent without a node of its own.
    every |= dict.fromkeys(((i,) for i in TAKEN), door != "graph")
    marks = set(map(chr, range(128))) - set(string.ascii_letters + string.digits + "_.-")
    every |= dict.fromkeys(((f"a{mark}b",) for mark in sorted(marks)), False)
    return every


@pytest.mark.parametrize("door", DOORS)
def test_the_table_of_ids_is_exact_at_every_door(door: str) -> None:
    expected = table(door)
    assert {ids: takes(DOORS[door], *ids) for ids in expected} == expected


def test_ten_thousand_agents_come_from_a_catalogue_and_one_more_twin_is_refused() -> None:
    ids = [f"agent-{n}" for n in range(MANY)]
    agents = [Agent(AgentCard(id=i, description="d"), None) for i in ids]
    registry = Registry(agents)
    assert len(registry.agents) == MANY
    with pytest.raises(CatalogError, match="not to be told from 'agent-77'"):
        registry.register(AgentCard(id="Agent-77", description="d"))
    assert takes(by_json, *ids)
    assert not takes(by_json, *ids, "AGENT-9999")


@pytest.mark.faults
def test_agent_ids() -> None:
    right = tried = 0
    for door, take in DOORS.items():
        for ids, expected in table(door).items():
            tried += 1
            right += takes(take, *ids) == expected
    tried += 2
    many = [f"agent-{n}" for n in range(MANY)]
    right += takes(by_json, *many) + (not takes(by_json, *many, "AGENT-9999"))
    result = (
        f"{right} as the table says, at {len(DOORS)} doors; 10,000 agents taken, a twin refused"
    )
    bar(23, "agent ids", tried, result, "the accept/reject table is exact")
    assert right == tried
