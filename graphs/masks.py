"""Which agents and models may serve this turn, and why the others may not.

Pure functions of values: no clock, no network, no LangGraph. A mask is applied before anything is scored, and
`agent_refusal` again at the agent's door. Each refusal has a code for programs and a sentence for people.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from agents.card import AgentCard

Code = Literal[
    "unknown", "disabled", "no_graph", "phase", "hand_over", "grants", "health", "budget", "excluded",
    "not_included", "tried", "key", "window", "modality", "residency", "file", "price", "tools", "form",
    "policy",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a candidate may not serve."""

    candidate: str
    code: Code
    reason: str

    def plain(self) -> dict[str, str]:
        """Return the refusal as the decision record holds it."""
        return {"candidate": self.candidate, "code": self.code, "reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """What the policy lets serve this turn."""

    rule: str | None
    """The rule that was chosen."""
    models: frozenset[str] | None = None
    """None lets any model answer."""
    agents: frozenset[str] | None = None
    """None lets any agent take the turn."""
    shut: Mapping[str, str] = field(default_factory=dict)
    """Agents that may not serve whichever rule was chosen, with why."""
    order: tuple[str, ...] = ()
    """The models in the order in which the rule wants them tried; empty leaves it to the choice."""
    doubt: str = ""
    """What could not be read of the turn, so that other rules than the chosen one had to let serve too."""
    fault: str = ""
    """Why the policy could not be asked: then nothing may serve."""

    def refuses(self, candidate: str, *, agent: bool) -> str | None:
        """Return why an agent or a model may not serve, or None if it may."""
        if self.fault:
            return f"the policy could not be asked: {self.fault}"
        if agent and candidate in self.shut:
            return self.shut[candidate]
        named = self.agents if agent else self.models
        if named is None or candidate in named:
            return None
        doubt = f", and {self.doubt}" if self.doubt else ""
        return f"the policy's rule {self.rule} lets {_others(named)} serve{doubt}"


def _others(named: Collection[str]) -> str:
    return "only " + ", ".join(sorted(named)) if named else "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What the caller may have; from the runtime context, never from state."""

    grants: frozenset[str] = frozenset()
    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    budget_usd: float | None = None
    own_tools: bool = False
    """The request needs tools that the caller runs: they are for a model, agents know only their own."""
    form: bool = False
    """The request wants its answer in JSON: that is for a model, agents answer in their own words."""
    permit: Permit | None = None
    """What the policy lets serve; None without a policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Where the turn stands when an agent is considered."""

    phase: str
    holder: str | None = None
    """Who holds the floor; the phase never shuts an agent out of its own dialogue."""
    handed_by: str | None = None
    """The agent that handed over in this turn."""
    tried: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    """The agents whose breaker is open."""
    modalities: frozenset[str] = frozenset({"text"})
    """What the message is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What a mask needs to know of a model."""

    id: str
    context_tokens: int
    modalities: frozenset[str]
    residency: frozenset[str]
    abilities: frozenset[str] = frozenset()
    missing_key: str | None = None
    """The environment variable that is not set."""
    missing_file: str | None = None
    cheapest_call_usd: float | None = 0.0
    """The least that this turn would cost; None if the price is not known."""
    breaker_open: bool = False
    held_s: float = 0.0
    """The seconds for which its provider asked to be left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What this turn needs of a model."""

    tokens: int
    modalities: frozenset[str] = frozenset({"text"})
    tools: bool = False
    """Whether the model is to call tools."""
    residency: frozenset[str] = frozenset()
    """If not empty, the model must run in one of these places."""
    budget_usd: float | None = None
    budget_fault: str = ""
    """Why there is no money, where that is not what was spent."""


def agent_refusal(
    card: AgentCard | None,
    agent_id: str,
    *,
    caller: Caller,
    moment: Moment,
    runnable: bool,
    allowed_hand_overs: Collection[str] | None = None,
) -> Refusal | None:
    """Return why agent `agent_id` may not run now, or None if every mask lets it.

    Args:
        card: its card; None if no such agent is registered.
        agent_id: the id asked for.
        caller: what the caller may have.
        moment: where the turn stands.
        runnable: whether there is a graph behind the card.
        allowed_hand_overs: what the agent that handed over may hand over to; None means any.
    """

    def no(code: Code, reason: str) -> Refusal:
        return Refusal(agent_id, code, reason)

    if card is None:
        return no("unknown", "no such agent is registered")
    if not card.enabled:
        return no("disabled", "it is switched off")
    if not runnable:
        return no("no_graph", "it has a card but no graph that can run here")
    if missing := card.grants - caller.grants:
        return no("grants", f"the caller lacks the grant {', '.join(sorted(missing))}")
    if barred := _barred(agent_id, caller, agent=True):
        return barred
    if caller.own_tools:
        return no("tools", "the request brings its own tools")
    if caller.form:
        return no("form", "the request wants its answer in JSON, and agents answer in words")
    if others := moment.modalities - {"text"}:
        return no(
            "modality", f"agents read text alone, and the message has {', '.join(sorted(others))}"
        )
    if agent_id in moment.tried:
        return no("tried", "it gave this turn back")
    if agent_id in moment.broken:
        return no("health", "it failed too often of late; its breaker is open")
    if moment.handed_by and allowed_hand_overs is not None and agent_id not in allowed_hand_overs:
        return no("hand_over", f"{moment.handed_by} may not hand over to it")
    if card.phases is not None and agent_id != moment.holder and moment.phase not in card.phases:
        return no("phase", f"it does not start in the phase {moment.phase}")
    money = caller.budget_usd
    if card.budget_usd and money is not None and not money > 0:  # NaN is no money either
        return no("budget", "it may spend money and none is left")
    return None


def _barred(candidate: str, caller: Caller, *, agent: bool) -> Refusal | None:
    """Return what the policy or the caller has against an agent or a model, by its name."""
    if caller.permit and (why := caller.permit.refuses(candidate, agent=agent)):
        return Refusal(candidate, "policy", why)
    if candidate in caller.exclude:
        return Refusal(candidate, "excluded", "the caller excluded it")
    if caller.include and candidate not in caller.include:
        return Refusal(candidate, "not_included", "the caller asked for others only")
    return None


def mask_agents(
    cards: Mapping[str, AgentCard],
    *,
    caller: Caller,
    moment: Moment,
    runnable: Collection[str],
    allowed_hand_overs: Collection[str] | None = None,
) -> tuple[list[str], list[Refusal]]:
    """Return the agents that may serve, in the cards' order, and the refusals of the others."""
    allowed, refused = [], []
    for agent_id, card in cards.items():
        refusal = agent_refusal(
            card,
            agent_id,
            caller=caller,
            moment=moment,
            runnable=agent_id in runnable,
            allowed_hand_overs=allowed_hand_overs,
        )
        if refusal is None:
            allowed.append(agent_id)
        else:
            refused.append(refusal)
    return allowed, refused


def model_refusal(model: ModelFacts, *, caller: Caller, need: Need) -> Refusal | None:
    """Return why `model` may not answer this turn, or None if every mask lets it."""

    def no(code: Code, reason: str) -> Refusal:
        return Refusal(model.id, code, reason)

    if model.missing_key:
        return no("key", f"{model.missing_key} is not set")
    if model.missing_file:
        return no("file", model.missing_file)
    if barred := _barred(model.id, caller, agent=False):
        return barred
    if model.held_s > 0:
        return no("health", f"it asked for a pause, which ends in {math.ceil(model.held_s)} s")
    if model.breaker_open:
        return no("health", "it failed too often of late; its breaker is open")
    if lacking := need.modalities - model.modalities:
        return no("modality", f"it does not take {', '.join(sorted(lacking))}")
    if need.tools and "tools" not in model.abilities:
        return no("tools", "it calls no tools")
    if need.residency and not need.residency & model.residency:
        return no("residency", f"it does not run in {' or '.join(sorted(need.residency))}")
    if need.tokens > model.context_tokens:
        return no(
            "window", f"{need.tokens:,} tokens do not fit its window of {model.context_tokens:,}"
        )
    if need.budget_usd is not None:
        if model.cheapest_call_usd is None:
            return no("price", "its price is not known, and a budget is set")
        if not model.cheapest_call_usd <= need.budget_usd:  # NaN is no money either
            why = f": {need.budget_fault}" if need.budget_fault else ""
            return no(
                "budget",
                f"a call costs at least {model.cheapest_call_usd:.6f} USD of {need.budget_usd:.6f} left{why}",
            )
    return None
