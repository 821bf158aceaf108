"""The gate before tools and agents: the same signals and rules as for a turn, asked about a protocol's message.

MCP's `tools/call` and A2A's messages come to it as values; it knows neither SDK. It denies with a reason whenever it
cannot know: a signal that could not be read, a message too large to read, a failure of any kind.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from agents.errors import InputError
from graphs.policy.conditions import fault_in
from graphs.policy.decide import Verdict
from graphs.policy.gate_text import flat_text
from graphs.policy.judge import Judge, Judgement
from graphs.policy.order import Order
from graphs.policy.policy import Policy
from graphs.policy.request import Readings, Reads, Request
from graphs.policy.tools import tool_refusal

__all__ = ["Asking", "Gate", "Ruling"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who asks, and where the dialogue stands; from whoever authenticated them, never from the message."""

    user: str = "local"
    grants: Sequence[str] = ()
    agent: str | None = None
    """The agent that makes the call, if one does: its AGENT block counts too."""
    phase: str = "idle"
    holder: str | None = None
    previous: Sequence[str] = ()
    """What the user said before, the oldest first."""
    context: Sequence[str] = ()
    """What else a model would read: earlier answers, instructions."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What the embedding program says of the turn."""


_ANYONE = Asking()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What the gate says."""

    allowed: bool
    reason: str
    """One line that a person can read."""
    hash: str
    """The policy's."""
    rule: str | None = None
    audit: Mapping[str, Any] = field(default_factory=dict)
    """The verdict on which it rests, as `Verdict.plain` gives it; empty if there is none."""

    def plain(self) -> dict[str, Any]:
        """Return the ruling as JSON-plain values."""
        return {
            "allowed": self.allowed,
            "reason": self.reason,
            "hash": self.hash,
            "rule": self.rule,
            "audit": dict(self.audit),
        }


class Gate:
    """Rules on tool calls and messages by a policy.

    Example:
        gate = Gate(policy, reader)
        gate.tool_call("send_mail", {"to": "x@example.org"}, asking=Asking(user="ann")).allowed
    """

    def __init__(
        self,
        policy: Policy,
        reader: Reads,
        *,
        judge: Judge | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.policy = policy
        self._clock = clock
        self._judge = judge or Judge(policy, reader)
        self._order = Order(policy)

    def tool_call(self, name: str, arguments: Any, *, asking: Asking = _ANYONE) -> Ruling:
        """Return whether a tool may be called with these arguments: any JSON-plain value, or None."""

        def tool(judgement: Judgement) -> str:
            by = self._agent_refusal(asking.agent, judgement) if asking.agent else ""
            verdict = judgement.verdict
            tools = verdict.plugins("tools")
            return by or _unserved(verdict) or tool_refusal(name, (p.fields for p in tools))

        return self._ruled(arguments, tool, asking=asking, tools=(name,))

    def message(self, agent: str, content: Any, *, asking: Asking = _ANYONE) -> Ruling:
        """Return whether a message may go to an agent: its text, or all its parts as a JSON-plain value."""
        return self._ruled(
            content,
            lambda judgement: self._agent_refusal(agent, judgement),
            asking=asking,
        )

    def _ruled(
        self,
        content: Any,
        refusal: Callable[[Judgement], str],
        *,
        asking: Asking,
        tools: tuple[str, ...] = (),
    ) -> Ruling:
        verdict = None
        try:
            request = self._request(flat_text(content), asking, tools=tools)
            judgement = self._judge.judge(request)
            verdict = judgement.verdict
            doubt = self._doubt(verdict, judgement.readings)
            why = doubt or _unruled(verdict) or refusal(judgement)
        except InputError as error:
            why = str(error)
        except Exception as error:  # noqa: BLE001 whatever breaks in a signal, a gate that fails is shut
            why = f"the policy could not be asked ({type(error).__name__})"
        rule = verdict.rule_name if verdict is not None else None
        ruled = f"the rule {rule}" if rule is not None else "no rule"
        allowed = f"{ruled} stands against it" if rule is None else f"{ruled} allows it"
        return Ruling(
            allowed=not why,
            reason=why or allowed,
            hash=self._judge.decider.hash,
            rule=rule,
            audit=verdict.plain() if verdict is not None else {},
        )

    def _request(self, text: str, asking: Asking, *, tools: tuple[str, ...]) -> Request:
        return Request(
            text=text,
            previous=tuple(asking.previous),
            context=tuple(asking.context),
            user=asking.user,
            grants=frozenset(asking.grants),
            now=self._clock(),
            phase=asking.phase,
            holder=asking.holder,
            tools=tools,
            metadata=asking.metadata,
        )

    def _doubt(self, verdict: Verdict, readings: Readings) -> str:
        """Return why the verdict is not certain: an unreadable signal might have changed which rule counts."""
        places = list(enumerate(self.policy.rules))
        chosen = next((place for place, rule in places if rule is verdict.rule), None)
        asked = {*verdict.held, *(rule.name for rule in verdict.doubtful)}
        for place, rule in places:
            later = chosen is not None and self._order.certainly_before(chosen, place)
            if rule.name in asked and not later and (fault := fault_in(rule.when, readings)):
                return f"the rule {rule.name} rests on a signal that could not be read: {fault}"
        return ""

    def _agent_refusal(self, agent: str, judgement: Judgement) -> str:
        verdict = judgement.verdict
        if verdict.agents is not None and agent not in verdict.agents:
            return f"the rule {verdict.rule_name or ''} does not let the agent {agent} serve"
        why = judgement.shut.get(agent)
        return f"the agent {agent} may not serve: {why}" if why else ""


def _unruled(verdict: Verdict) -> str:
    if verdict.rule is None and verdict.otherwise is None:
        return "no rule holds, and the policy has no default"
    return ""


def _unserved(verdict: Verdict) -> str:
    """Return that a rule leaves nothing to call a tool for: neither models nor agents may serve under it."""
    if verdict.models == () and verdict.agents == ():
        return f"the rule {verdict.rule_name or ''} lets nothing serve"
    return ""
