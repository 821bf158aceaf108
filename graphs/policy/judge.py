"""Judges a turn by a policy: who holds which grant, which agents are shut, and which rule is chosen.

Grants are settled first, from who is calling and when, so that what a caller brings under the name of a grant that the
policy gives counts nowhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from graphs.policy.conditions import Test, compiled, fault_in
from graphs.policy.decide import Decider, Verdict
from graphs.policy.policy import Policy
from graphs.policy.request import Readings, Reads, Request

__all__ = ["Judge", "Judgement"]


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


class Judge:
    """A policy with its signals made ready; it never changes."""

    def __init__(self, policy: Policy, reader: Reads) -> None:
        self.policy, self.reader = policy, reader
        self.decider = Decider(policy)
        self._grants = {name: compiled(entry.when) for name, entry in policy.grants.items()}
        self._agents = {name: compiled(entry.when) for name, entry in policy.agents.items()}

    def judge(self, request: Request) -> Judgement:
        """Return what the policy says of a turn."""
        brought = request.grants - self._grants.keys()
        readings = self.reader.read(replace(request, grants=brought))
        held = {name for name, test in self._grants.items() if test(readings) is True}
        grants = brought | held
        if held:
            readings = self.reader.read(replace(request, grants=grants))
        return Judgement(
            verdict=self.decider.decide(readings),
            readings=readings,
            grants=grants,
            shut={
                name: why
                for name, test in self._agents.items()
                if (why := self._closed(name, test, readings, grants))
            },
        )

    def _closed(
        self, agent: str, test: Test, readings: Readings, grants: frozenset[str]
    ) -> str | None:
        """Return why an agent's own block shuts it; what cannot be read shuts it too."""
        given = self.policy.agents[agent].fields.get("grants") or ()
        needed = [given] if isinstance(given, str) else [str(grant) for grant in given]
        if missing := [grant for grant in needed if grant not in grants]:
            why = self._unread(missing[0], readings)
            return f"the policy asks for the grant {', '.join(missing)}{why}"
        truth = test(readings)
        if truth is None:
            fault = fault_in(self.policy.agents[agent].when, readings)
            return f"the policy's condition for it could not be read ({fault})"
        return None if truth else "the policy's condition for it does not hold"

    def _unread(self, grant: str, readings: Readings) -> str:
        """Return that nobody can tell whether the caller holds a grant, if so."""
        given = self.policy.grants.get(grant)
        fault = fault_in(given.when, readings) if given else ""
        return f", whose condition could not be read ({fault})" if fault else ""
