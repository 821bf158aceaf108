"""The lines of the catalogue that bring an agent from elsewhere: what they may hold, and what is said of a fault."""

import sys
from pathlib import Path
from typing import Any

import pytest

from agents.card import AgentCard
from agents.elsewhere.checks import fault_of, secrets_of
from agents.elsewhere.entries import McpEntry, RemoteEntry
from agents.errors import CatalogError
from agents.registry import Registry, build_agent
from agents.source import Source
from graphs import Catalog, Services
from graphs.redaction import redact

SOUND = """
agents:
  - id: files
    description: Reads files.
    mcp: {command: npx, args: [-y, server-filesystem, /data], env: [FILES_TOKEN], tools: [read], reads: [read]}
  - id: issues
    description: Finds and writes issues.
    mcp: {url: "https://mcp.example.org/", headers_env: {Authorization: ISSUES_TOKEN}, changes: [close]}
  - id: planner
    description: Plans journeys.
    a2a: {url: "http://127.0.0.1:9999"}
  - id: writer
    description: Writes.
    remote: {url: "http://10.0.0.7:2024", assistant: writer, insecure: true}
"""


def test_sound_lines_are_taken_and_become_agents_without_a_call() -> None:
    catalog = Catalog.from_source(Source.from_text(SOUND, path="c.yaml"))
    agents = [build_agent(card) for card in catalog.agents]
    assert [agent.card.id for agent in agents if agent.graph is not None] == [
        "files", "issues", "planner", "writer",
    ]  # fmt: skip
    assert secrets_of(catalog.agents[0]) == {"FILES_TOKEN"}
    assert secrets_of(catalog.agents[1]) == {"ISSUES_TOKEN"}


FAULTS = {
    "two places": ("run: a:b\n    a2a: {url: 'https://x.org'}", "5: agents[0].a2a: given beside run and a2a"),
    "options": ("options: {a: 1}\n    a2a: {url: 'https://x.org'}", "4: agents[0].options: given for a2a"),
    "an unknown key": ("mcp: {comand: npx}", "4: agents[0].mcp.comand: unknown key; did you mean 'command'?"),
    "a key missing": ("a2a: {insecure: true}", "4: agents[0].a2a.url: missing; this key is required"),
    "neither": ("mcp: {tools: [a]}", "4: agents[0].mcp: expected either command or url"),
    "both": ("mcp: {command: a, url: 'https://x.org'}", "4: agents[0].mcp: expected either command"),
    "plain http": ("a2a: {url: 'http://x.org'}", "4: agents[0].a2a.url: http to 'x.org' can be read"),
    "http inside": ("a2a: {url: 'http://10.1.2.3'}", "4: agents[0].a2a.url: http to '10.1.2.3' can"),
    "a file": ("a2a: {url: 'file:///etc/passwd'}", "4: agents[0].a2a.url: it is no address"),
    "no host": ("remote: {url: 'https://'}", "4: agents[0].remote.url: it is no address"),
    "a broken port": ("remote: {url: 'https://a:b'}", "4: agents[0].remote.url: it is no address"),
    "a password": ("remote: {url: 'https://u:p@x.org'}", "4: agents[0].remote.url: it holds a user"),
    "args with url": ("mcp: {url: 'https://x.org', args: [a]}", "4: agents[0].mcp: args and env go"),
    "headers with command": ("mcp: {command: a, headers_env: {A: B}}", "4: agents[0].mcp: headers_env"),
    "a header's name": ("a2a: {url: 'https://x.org', headers_env: {'A b': C}}", "4: agents[0].a2a.headers_env: the"),
    "reads and changes": ("mcp: {command: a, reads: [x], changes: [x]}", "4: agents[0].mcp.reads: 'x' stands"),
    "an unlisted tool": ("mcp: {command: a, tools: [x], reads: [y]}", "4: agents[0].mcp.reads: 'y' is none"),
    "too many steps": ("mcp: {command: a, steps: 100}", "4: agents[0].mcp.steps: given 100, expected"),
    "no time": ("mcp: {command: a, seconds: 0.0}", "4: agents[0].mcp.seconds: given 0.0, expected"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "said"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_with_its_place(line: str, said: str) -> None:
    text = f"agents:\n  - id: a\n    description: a\n    {line}\n"
    with pytest.raises(CatalogError) as caught:
        Catalog.from_source(Source.from_text(text, path="c.yaml"))
    assert str(caught.value).startswith(f"c.yaml:{said}"), str(caught.value)


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("headers_env: {Authorization: %s}, url: 'https://x.org'", "sk-0123456789-abcdefghij"),
        ("headers_env: {Authorization: %s}, url: 'https://x.org'", "ghp_0123456789abcdefghij"),
        ("command: a, env: [%s]", "sk-0123456789-abcdefghij"),
    ],
)
def test_a_secret_in_the_place_of_its_name_is_not_shown(key: str, secret: str) -> None:
    text = f"agents:\n  - id: a\n    description: a\n    mcp: {{{key % secret}}}\n"
    with pytest.raises(CatalogError, match=r"not (a value|values)") as caught:
        Catalog.from_source(Source.from_text(text, path="c.yaml"))
    assert "0123456789" not in str(caught.value)


def test_what_the_catalogue_names_as_secret_is_redacted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FILES_TOKEN", "unlike-any-key")
    text = SOUND.replace("ISSUES_TOKEN", "WHATEVER")
    monkeypatch.setenv("WHATEVER", "nobody-would-know")
    Services.from_catalog(Catalog.from_source(Source.from_text(text, path="c.yaml"))).close()
    assert redact("nobody-would-know unlike-any-key") == "[key] [key]"


def test_a_card_that_is_registered_leads_nowhere() -> None:
    """A card may come over a network; what it says of imports and addresses is followed in the catalogue only."""
    registry = Registry()
    registry.register(AgentCard(id="a", description="a", run="os:abort"))
    registry.register(AgentCard(id="b", description="b", mcp=McpEntry(command="touch")))
    assert [agent.graph for agent in registry.agents.values()] == [None, None]


@pytest.mark.parametrize(("kind", "module"), [("mcp", "mcp"), ("a2a", "a2a.client")])
def test_without_the_extra_there_is_one_clear_line(
    kind: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = [
        m
        for m in sys.modules
        if m.startswith("agents.elsewhere.mcp") or m == "agents.elsewhere.a2a"
    ]
    for name in loaded:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    entry: dict[str, Any] = {kind: _entry(kind)}
    with pytest.raises(CatalogError) as caught:
        build_agent(AgentCard(id="a", description="a", **entry))
    assert str(caught.value) == (
        f"agent 'a': {kind}: {module} is not installed; install the extra 'protocols': pip install '.[protocols]' in "
        "MoMA's checkout"
    )


def _entry(kind: str) -> Any:
    from agents.elsewhere.entries import A2aEntry

    return McpEntry(command="a") if kind == "mcp" else A2aEntry(url="https://x.org")


def test_cards_that_lead_to_different_places_have_different_hashes() -> None:
    cards = [
        AgentCard(id="a", description="a", remote=RemoteEntry(url=f"https://{n}.org")) for n in "xy"
    ]
    one, other = (Registry([build_agent(card)]).version for card in cards)
    assert one != other
    assert fault_of(cards[0]) is None
