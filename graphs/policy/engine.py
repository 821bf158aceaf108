"""A policy at work: it reads a turn's signals, decides, and says which grants are held and which agents are shut.

An engine never changes; another policy is another engine. It knows no files and no graph.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphs.policy.conditions import Test, compiled
from graphs.policy.decide import Decider, Verdict
from graphs.policy.gate import Gate
from graphs.policy.policy import Policy
from graphs.policy.request import Readings, Request
from graphs.policy.signals.reader import Reader

__all__ = ["Engine", "Judgement"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Everything that a policy says of a turn."""

    verdict: Verdict
    readings: Readings
    grants: frozenset[str]
    """What the caller holds: a grant that the policy names is held while its WHEN holds, and not otherwise."""
    shut: Mapping[str, str]
    """Agents that may not serve, whichever rule was chosen, with why."""

    def plain(self) -> dict[str, Any]:
        """Return the judgement as the decision record holds it."""
        return {**self.verdict.plain(), "shut": dict(self.shut)}


class Engine:
    """A policy with its signals made ready."""

    def __init__(self, policy: Policy, reader: Reader) -> None:
        self.policy = policy
        self.reader = reader
        self.decider = Decider(policy)
        self.gate = Gate(policy, reader, decider=self.decider)
        """Rules on calls of tools and on messages to agents."""
        self._grants = {name: compiled(entry.when) for name, entry in policy.grants.items()}
        self._agents = {name: compiled(entry.when) for name, entry in policy.agents.items()}

    @property
    def hash(self) -> str:
        """The policy's hash."""
        return self.decider.hash

    def judge(self, request: Request) -> Judgement:
        """Return what the policy says of a turn."""
        readings = self.reader.read(request)
        held = {name for name, test in self._grants.items() if test(readings) is True}
        grants = (request.grants - self._grants.keys()) | held
        shut = {
            name: why
            for name, test in self._agents.items()
            if (why := self._closed(name, test, readings, grants))
        }
        verdict = self.decider.decide(readings)
        return Judgement(verdict=verdict, readings=readings, grants=frozenset(grants), shut=shut)

    def _closed(
        self, agent: str, test: Test, readings: Readings, grants: frozenset[str]
    ) -> str | None:
        """Return why an agent's own block shuts it; what cannot be read shuts it too."""
        needed = self.policy.agents[agent].fields.get("grants")
        missing = [g for g in needed if g not in grants] if isinstance(needed, list) else []
        if missing:
            return f"the policy asks for the grant {', '.join(missing)}"
        truth = test(readings)
        if truth is None:
            return "the policy's condition for it could not be read"
        return None if truth else "the policy's condition for it does not hold"
