"""The LangGraph target: a graph that leads to the rule that holds, alone, as a subgraph, and as a skeleton."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph

from agents.errors import PolicyError
from graphs import Context
from graphs.policy.policy import Policy, Rule
from graphs.policy.projections import Projections
from graphs.policy.read import read_policy
from graphs.policy.request import Reading, Readings, Request
from graphs.policy.targets import nodes
from graphs.policy.targets.graph import PolicyContext, PolicyState, policy_builder, policy_graph
from tests.support.policies import desk_policy

NOW = datetime(2026, 11, 28, 10, tzinfo=UTC)


class Firing:
    """A reader for which signals fire whose name is in the text or, for authz, among the grants."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.seen: list[Request] = []

    def read(self, request: Request) -> Readings:
        """Return the readings."""
        self.seen.append(request)
        said = {*request.text.split(), *request.grants}
        signals = self.policy.signals.values()
        found = {s.key: Reading(s.name in said, float(s.name in said)) for s in signals}
        return Projections(self.policy).complete(found)


def desk(**rest: Any) -> tuple[Any, Firing]:
    policy = desk_policy()
    reader = Firing(policy)
    return policy_graph(policy, reader, clock=lambda: NOW, **rest), reader


def test_what_else_a_model_would_read_is_read() -> None:
    graph, reader = desk()
    graph.invoke({"text": "shorter", "previous": ["a"], "context": ["b"]})
    assert (reader.seen[0].previous, reader.seen[0].context) == (("a",), ("b",))


def test_the_rule_that_holds_is_said_with_what_it_allows() -> None:
    graph, _ = desk()
    said = graph.invoke({"text": "secret"})
    assert (said["rule"], said["models"], said["agents"]) == ("private", ["local/qwen"], ["tasks"])
    assert said["plugins"][0]["fields"]["block_tools"] == ["send_mail"]
    assert said["hash"] == desk_policy().hash
    (entry,) = said["audit"]
    assert entry["rule"] == "private"
    assert {row["signal"] for row in entry["audit"]} >= {"keyword:secret", "authz:staff"}
    assert json.loads(json.dumps(said)) == said


def test_who_is_calling_comes_from_the_context_alone() -> None:
    graph, reader = desk()
    state = {"text": "secret", "user": "root", "grants": ["staff"]}
    assert graph.invoke(state)["rule"] == "private"
    context = PolicyContext(user="ann", grants=("staff",))
    assert graph.invoke({"text": "secret"}, context=context)["rule"] != "private"
    assert graph.invoke({"text": "secret"}, context=Context(grants=("staff",)))["rule"] != "private"
    assert [request.user for request in reader.seen] == ["local", "ann", "local"]


def test_the_turn_is_read_as_it_is() -> None:
    graph, reader = desk()
    graph.invoke(
        {"text": "a", "previous": ["b"], "tokens": 7, "phase": "engaged", "holder": "tasks",
         "modalities": ["text", "image"], "tools": ["t"], "metadata": {"k": 1}}
    )  # fmt: skip
    assert reader.seen == [
        Request(
            text="a", previous=("b",), tokens=7, now=NOW, phase="engaged", holder="tasks",
            modalities=frozenset({"text", "image"}), tools=("t",), metadata={"k": 1},
        )
    ]  # fmt: skip


def test_the_audit_is_only_ever_added_to() -> None:
    policy = desk_policy()
    builder = policy_builder(policy, Firing(policy))
    graph = builder.compile(checkpointer=InMemorySaver())
    place: Any = {"configurable": {"thread_id": "t"}}
    for text in ("secret", "attack", "hello"):
        said = graph.invoke({"text": text}, place)
    assert [entry["rule"] for entry in said["audit"]] == ["private", "block", "rest"]


def test_an_embedder_puts_work_in_the_nodes_of_rules() -> None:
    ran: list[str] = []

    def work(state: PolicyState) -> dict[str, Any]:
        ran.append(str(state["rule"]))
        return {"metadata": {"answered": True}}

    graph, _ = desk(work={"private": work})
    assert graph.invoke({"text": "secret"})["metadata"] == {"answered": True}
    graph.invoke({"text": "hello"})
    assert ran == ["private"]
    with pytest.raises(PolicyError, match="given work for 'lost', expected the name of a rule"):
        desk(work={"lost": work})


async def test_it_is_a_subgraph_of_another_graph() -> None:
    graph, _ = desk()
    outer: Any = StateGraph(PolicyState, context_schema=Context)
    outer.add_node("policy", graph)
    outer.add_node("after", lambda state: {"metadata": {"served_by": state["models"]}})
    outer.add_edge(START, "policy")
    outer.add_edge("policy", "after")
    outer.add_edge("after", END)
    compiled = outer.compile()
    said = await compiled.ainvoke({"text": "code"}, context=Context(user="ann"))
    assert said["metadata"] == {"served_by": ["openai/large", "local/qwen"]}
    many = await asyncio.gather(*(compiled.ainvoke({"text": t}) for t in ("secret", "code", "x")))
    assert [found["rule"] for found in many] == ["private", "code", "rest"]


def test_what_is_drawn_is_what_graph_json_says() -> None:
    graph, _ = desk()
    shape = json.loads(nodes.emit(desk_policy())[nodes.FILE])
    drawn = graph.get_graph()
    edges = {e.data: e.target for e in drawn.edges if e.source == shape["entry"]}
    named = {label: node for label, node in shape["path_map"].items() if label != node}
    assert named.items() <= edges.items()
    assert set(edges.values()) == set(shape["path_map"].values())
    assert "rule.private" in drawn.draw_mermaid()


@pytest.mark.parametrize(
    "names",
    [["none", "(none)"], ["a:b", "a|b", "a%3Ab"], ["__start__", "__end__", "signals"], ["audit", "rule", "text"],
     ["ß", "ss", "\ud800", "", " "]],
)  # fmt: skip
def test_any_names_of_rules_make_nodes(names: list[str]) -> None:
    policy = Policy(rules=tuple(Rule(name=n, priority=-i) for i, n in enumerate(names)))
    graph: Any = policy_graph(policy, Firing(policy))
    assert graph.invoke({"text": "x"})["rule"] == names[0]
    assert len(graph.nodes) == len(names) + 3


def test_without_a_rule_the_default_answers_or_nobody() -> None:
    for settings, models in (({"default_model": "m"}, ["m"]), ({}, [])):
        policy = Policy(settings=settings)
        events = list(policy_graph(policy, Firing(policy)).stream({"text": "x"}, stream_mode="updates"))  # fmt: skip
        assert events[0]["signals"]["models"] == models
        assert "none" in events[1]


def test_a_changed_threshold_is_another_hash() -> None:
    one, two = (
        read_policy(f'SIGNAL embedding a {{ threshold: {t}  candidates: ["x"] }}')[0]
        for t in ("0.7", "0.8")
    )
    graphs = [policy_graph(p, Firing(p)).invoke({"text": "x"})["hash"] for p in (one, two)]
    assert graphs == [one.hash, two.hash]
    assert one.hash != two.hash
