"""The LangGraph target: a policy as a graph that reads a turn's signals and leads to the node of the rule that holds.

It chooses and calls nobody. As a subgraph it leaves its verdict in the state; as a skeleton it runs what an embedder
puts in a rule's node:

    graph = policy_graph(policy, reader, work={"private": answer_here, "none": answer_anyhow})
    graph.invoke({"text": "What is due today?"}, context=PolicyContext(user="ann", grants=("group:staff",)))

Who is calling is in the context, never in the state, since whatever stands in the state may have come from a request.
"""

import operator
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from agents.errors import PolicyError
from graphs.policy.decide import Verdict
from graphs.policy.judge import Judge
from graphs.policy.policy import Policy
from graphs.policy.request import Reads, Request
from graphs.policy.targets.nodes import SIGNALS, no_rule_label, path_map

__all__ = ["PolicyContext", "PolicyState", "policy_builder", "policy_graph"]

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyContext:
    """Who is calling; set by whoever authenticates them. MoMA's own `Context` serves as well."""

    user: str = "local"
    grants: Sequence[str] = ()


class PolicyState(TypedDict, total=False):
    """What the graph reads of a turn, and what it says of it."""

    text: str
    previous: list[str]
    """What the user said before, the oldest first."""
    context: list[str]
    """What else a model would read: earlier answers, instructions."""
    tokens: int | None
    phase: str
    holder: str | None
    modalities: list[str]
    tools: list[str]
    metadata: dict[str, Any]
    rule: str | None
    """The name of the rule that holds; None for none."""
    doubtful: list[str]
    """Rules that might come first, were the signals known that could not be read; then the node of none runs."""
    models: list[str] | None
    """Who may answer, in the order in which they are asked; None leaves it open."""
    agents: list[str] | None
    """Which agents may take the turn; None leaves it open, empty lets none."""
    plugins: list[dict[str, Any]]
    """What the rule does besides: `type` and `fields`."""
    hash: str
    """The policy's."""
    audit: Annotated[list[dict[str, Any]], operator.add]
    """A verdict for each decision, the oldest first; entries are only ever added."""


Builder = StateGraph[PolicyState, Any, Any, Any]


def policy_graph(
    policy: Policy,
    reader: Reads,
    *,
    work: Mapping[str, Any] | None = None,
    clock: Clock = lambda: datetime.now(UTC),
    name: str = "policy",
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Return the compiled graph of a policy; the arguments are those of `policy_builder`."""
    return policy_builder(policy, reader, work=work, clock=clock).compile(name=name)


def policy_builder(
    policy: Policy,
    reader: Reads,
    *,
    work: Mapping[str, Any] | None = None,
    clock: Clock = lambda: datetime.now(UTC),
) -> Builder:
    """Return the graph of a policy before it is compiled, to add to it.

    Args:
        policy: what decides.
        reader: reads the signals.
        work: what runs in the node of a rule, by the rule's name, and for no rule by `none`: anything that LangGraph
            takes for a node. A rule without any only passes on.
        clock: says what time it is, with its zone.

    Raises:
        PolicyError: `work` is for a rule that the policy does not have.
    """
    nodes, work = path_map(policy), work or {}
    if unknown := sorted(set(work) - set(nodes)):
        raise PolicyError(
            f"given work for {unknown[0]!r}, expected the name of a rule or {no_rule_label(policy)!r}"
        )
    judge = Judge(policy, reader)

    def signals(state: PolicyState, runtime: Runtime[Any]) -> PolicyState:
        request = _request(state, runtime.context, now=clock())
        return _said(judge.judge(request).verdict)

    builder: Builder = StateGraph(PolicyState, context_schema=PolicyContext)
    builder.add_node(SIGNALS, signals)
    builder.add_edge(START, SIGNALS)
    for label, node in nodes.items():
        builder.add_node(node, work.get(label, _pass))
        builder.add_edge(node, END)
    edges: dict[Hashable, str] = dict(nodes.items())
    label_of_none = no_rule_label(policy)
    builder.add_conditional_edges(SIGNALS, lambda state: _label(state) or label_of_none, edges)
    return builder


def _label(state: PolicyState) -> str | None:
    """Return the rule whose node runs; none while another might come first, were all signals known."""
    return None if state["doubtful"] else state["rule"]


def _pass(state: PolicyState) -> PolicyState:
    return {}


def _request(state: PolicyState, context: Any, *, now: datetime) -> Request:
    """Return the turn as signals read it; a context that is not there grants nothing."""
    return Request(
        text=state.get("text") or "",
        previous=tuple(state.get("previous") or ()),
        context=tuple(state.get("context") or ()),
        tokens=state.get("tokens"),
        user=getattr(context, "user", "local"),
        grants=frozenset(getattr(context, "grants", ())),
        now=now,
        phase=state.get("phase") or "idle",
        holder=state.get("holder"),
        modalities=frozenset(state.get("modalities") or ("text",)),
        tools=tuple(state.get("tools") or ()),
        metadata=state.get("metadata") or {},
    )


def _said(verdict: Verdict) -> PolicyState:
    """Return a verdict as the state holds it."""
    rules = (*((verdict.rule,) if verdict.rule else ()), *verdict.doubtful)
    return {
        "rule": verdict.rule_name,
        "doubtful": [rule.name for rule in verdict.doubtful],
        "models": None if verdict.models is None else list(verdict.models),
        "agents": None if verdict.agents is None else list(verdict.agents),
        "plugins": [
            {"type": p.type, "fields": p.fields} for rule in rules for p in rule.plugins if p.on
        ],
        "hash": verdict.hash,
        "audit": [verdict.plain()],
    }
