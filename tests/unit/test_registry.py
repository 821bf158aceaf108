"""Agents that come and go: what is refused, what a version says, and that a change happens whole or not at all."""

import threading
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agents.card import AgentCard
from agents.errors import CatalogError
from agents.registry import Agent, Registry, build_agent


def card(id_: str = "calc", **fields: Any) -> AgentCard:
    return AgentCard(id=id_, description="d", **fields)


def registry(*ids: str) -> Registry:
    return Registry(Agent(card(i), None) for i in ids)


def test_an_agent_comes_is_replaced_and_goes() -> None:
    agents = registry("a")
    agents.register(card("b"))
    agents.register(card("b", name="B"))
    assert list(agents.agents) == ["a", "b"]
    assert agents.agents["b"].card.name == "B"
    agents.unregister("b")
    agents.register(card("B"))  # its twin is gone
    assert list(agents.agents) == ["a", "B"]


def test_a_table_that_was_read_does_not_change() -> None:
    agents = registry("a")
    read = agents.agents
    agents.register(card("b"))
    assert list(read) == ["a"]
    with pytest.raises(TypeError):
        read["x"] = Agent(card("x"), None)  # type: ignore[index]


@pytest.mark.parametrize("twin", ["CALC", "\u0441\u0430l\u0441", "\u0441alc"])
def test_a_look_alike_is_refused(twin: str) -> None:
    agents = registry("calc")
    with pytest.raises(CatalogError):
        agents.register(card(twin))
    assert list(agents.agents) == ["calc"]


@pytest.mark.parametrize("agent_id", ["", "a\n", "a:b", "__start__"])
def test_an_illegal_id_is_refused(agent_id: str) -> None:
    with pytest.raises(CatalogError):
        registry().register(card(agent_id))


@pytest.mark.parametrize(
    ("fields", "graph", "told"),
    [
        ({}, lambda state: state, "given a function, expected a compiled StateGraph"),
        ({}, StateGraph(MessagesState), r"given a StateGraph, .* StateGraph; call its compile\(\)"),
        ({"skills": ({"id": "x"},)}, None, r"skills\[0\]: given a dict, expected a Skill"),
    ],
)
def test_what_is_no_graph_or_no_skill_is_refused_with_what_was_expected(
    fields: dict[str, Any], graph: Any, told: str
) -> None:
    agents = registry("a")
    with pytest.raises(CatalogError, match=f"agent 'b': {told}"):
        agents.register(card("b", **fields), graph)
    assert list(agents.agents) == ["a"]


def test_two_agents_with_one_id_are_refused() -> None:
    with pytest.raises(CatalogError, match="'a' is given twice"):
        registry("a", "a")


@pytest.mark.parametrize("act", [lambda r: r.unregister("clac"), lambda r: r.enable("clac", False)])
def test_an_unknown_agent_is_named_with_the_nearest(act: Any) -> None:
    with pytest.raises(CatalogError, match="no agent 'clac'; did you mean 'calc'"):
        act(registry("calc"))
    with pytest.raises(CatalogError, match="no agent 'clac'; 1 others are known"):
        act(registry("x"))


def test_an_agent_is_switched_off_and_on() -> None:
    agents = registry("a", "b")
    agents.enable("a", False)
    assert [a.card.enabled for a in agents.agents.values()] == [False, True]
    agents.enable("a", True)
    assert agents.agents["a"].card == card("a")


def test_the_version_is_that_of_the_cards() -> None:
    agents = registry("a")
    first = agents.version
    assert first == agents.version == registry("a").version
    agents.register(card("b", grants=frozenset({"x", "y", "z"})))
    second = agents.version
    assert second != first
    agents.enable("b", False)
    assert agents.version not in (first, second)
    agents.unregister("b")
    assert agents.version == first


def test_a_version_does_not_depend_on_the_order_of_a_set() -> None:
    grants = [f"g{n}" for n in range(50)]
    one = Registry([Agent(card(grants=frozenset(grants)), None)])
    other = Registry([Agent(card(grants=frozenset(reversed(grants))), None)])
    assert one.version == other.version


def test_options_that_no_json_holds_have_a_version_too() -> None:
    odd = card(options={"a": {1: {2}, "b": object, (1, 2): b"x"}})
    assert len(Registry([Agent(odd, None)]).version) == 16


def test_who_listens_hears_each_change_after_it() -> None:
    agents = registry("a")
    heard: list[tuple[AgentCard | None, AgentCard | None, list[str]]] = []
    agents.on_change(lambda before, after: heard.append((before, after, list(agents.agents))))
    agents.register(card("b"))
    agents.register(card("b", name="B"))
    agents.unregister("b")
    assert heard == [
        (None, card("b"), ["a", "b"]),
        (card("b"), card("b", name="B"), ["a", "b"]),
        (card("b", name="B"), None, ["a"]),
    ]


def test_a_change_that_a_listener_refuses_does_not_happen() -> None:
    agents = registry("a")

    def refuse(before: AgentCard | None, after: AgentCard | None) -> None:
        raise RuntimeError("no")

    agents.on_change(refuse)
    with pytest.raises(RuntimeError):
        agents.register(card("b"))
    with pytest.raises(RuntimeError):
        agents.unregister("a")
    assert list(agents.agents) == ["a"]
    with pytest.raises(CatalogError):
        agents.register(card("A"))  # "a" still stands in its way


def test_changes_from_many_threads_are_all_kept() -> None:
    agents = registry()

    def come(n: int) -> None:
        for m in range(20):
            agents.register(card(f"a{n}-{m}"))

    threads = [threading.Thread(target=come, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(agents.agents) == 160
    assert agents.version == Registry(agents.agents.values()).version


# Building


def test_a_card_builds_its_graph() -> None:
    agent = build_agent(card(run="agents.calculator:build"))
    assert isinstance(agent.graph, CompiledStateGraph)
    assert build_agent(card()).graph is None


@pytest.mark.parametrize(
    "run",
    [
        "agents.nowhere:build", "agents.calculator:nothing", "agents.calculator:__doc__", ":build", ":",
        ".calculator:build", "..:x", "agents calculator", "agents.calculator:build:x", "\x1b:x",
    ],
)  # fmt: skip
def test_a_path_that_does_not_lead_to_a_function_is_refused(run: str) -> None:
    with pytest.raises(
        CatalogError, match="expected 'module:function' that can be imported"
    ) as caught:
        build_agent(card(run=run))
    assert str(caught.value).startswith("agent 'calc': run: given ")


def test_a_function_that_builds_no_graph_is_refused() -> None:
    with pytest.raises(CatalogError, match="returned str, expected a compiled StateGraph"):
        build_agent(card(run="builtins:repr"))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "def build(options):\n    raise RuntimeError('no\\nluck')",
            "building .* RuntimeError: no luck",
        ),
        ("1 / 0", "importing .* ZeroDivisionError: division by zero"),
        ("raise SystemExit(7)", "importing .* SystemExit: 7"),
        ("def build(:", "importing .* SyntaxError: invalid syntax"),
    ],
)
def test_a_module_that_breaks_is_told_in_one_line(
    code: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"foreign_{len(code)}"
    (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(CatalogError, match=f"agent 'calc': run: {said}") as caught:
        build_agent(card(run=name))
    assert "\n" not in str(caught.value)
