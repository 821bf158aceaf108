"""From probabilities and the costs of being wrong to a decision: stay, switch, start, ask, or none.

Whatever is expected to cost least is done; there is no other threshold. It knows no text and no vector.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from agents.errors import CatalogError
from graphs.machine import Event

__all__ = ["Costs", "Decision", "Odds", "decide"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a mistake costs, in any unit; only their ratios matter."""

    wrong_switch: float = 1.0
    """The floor is taken from an agent whose turn it was."""
    missed_switch: float = 1.0
    """The holder keeps a turn that was another agent's."""
    wrong_agent: float = 1.0
    """The floor is given to another agent than the right one."""
    intrusion: float = 0.6
    """An agent gets a turn that no agent fits; it is cheaper than the rest, since an agent can decline."""
    missed_agent: float = 1.0
    """A model gets a turn that an agent fits."""
    question: float = 0.3
    """A question that was not needed, or that the user could have been spared."""

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> "Costs":
        """Read costs from a catalogue.

        Raises:
            CatalogError: a name that is no cost, or an amount that is not a number of 0 or more.
        """
        known = [f.name for f in fields(cls)]
        for name, amount in given.items():
            if name not in known:
                raise CatalogError(f"the cost {name!r} is none of {', '.join(known)}")
            number = isinstance(amount, int | float) and not isinstance(amount, bool)
            if not (number and 0 <= amount < float("inf")):
                raise CatalogError(f"the cost {name} is {amount!r}, expected a number of 0 or more")
        return cls(**{name: float(amount) for name, amount in given.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """How likely each candidate is the right one; with `none` they sum to 1."""

    agents: tuple[tuple[str, float], ...]
    """Most likely first."""
    none: float

    def of(self, agent: str | None) -> float:
        """Return an agent's probability, 0 for one that is no candidate."""
        return next((p for i, p in self.agents if i == agent), 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who takes the turn."""

    event: Event
    agent: str | None
    """With `clarify`, the likeliest of those offered."""
    others: tuple[str, ...] = ()
    """With `clarify`, the agents to offer."""
    p_fit: float
    """The probability that the agent, or none, is right."""
    reason: str


def decide(
    odds: Odds, *, holder: str | None = None, costs: Costs | None = None, may_ask: bool = True
) -> Decision:
    """Return the decision that is expected to cost least; of equal ones, the one that changes least.

    Args:
        odds: the candidates' probabilities.
        holder: who holds the floor.
        costs: what mistakes cost.
        may_ask: False if the last turn was a question of the router's own.
    """
    costs = costs or Costs()
    if not odds.agents:
        reason = "no agent may serve this turn"
        return Decision(event=Event.NONE, agent=None, p_fit=odds.none, reason=reason)
    at_stake = _Stakes(odds, holder if odds.of(holder) > 0 else None, costs)
    options: list[tuple[float, int, Decision]] = []
    if at_stake.holder is not None:
        options.append(
            (at_stake.of_agent(at_stake.holder), 0, _taken(at_stake.holder, odds, holder))
        )
    best = next((i for i, _ in odds.agents if i != at_stake.holder), None)
    if best is not None:
        options.append((at_stake.of_agent(best), 2, _taken(best, odds, holder)))
    options.append((at_stake.of_none(), 1, _none(odds)))
    if may_ask and len(odds.agents) > 1:
        offered = odds.agents[:2]
        options.append((at_stake.of_question(offered), 3, _question(offered)))
    return min(options, key=lambda option: option[:2])[2]


@dataclass(frozen=True, slots=True)
class _Stakes:
    odds: Odds
    holder: str | None
    costs: Costs

    def of_agent(self, agent: str) -> float:
        """Return what giving the turn to `agent` is expected to cost."""
        costs, right, held = self.costs, self.odds.of(agent), self.odds.of(self.holder)
        if agent == self.holder:
            others = 1 - right - self.odds.none
            return others * costs.missed_switch + self.odds.none * costs.intrusion
        others = max(0.0, 1 - right - held - self.odds.none)
        wrong = held * costs.wrong_switch + others * costs.wrong_agent
        return wrong + self.odds.none * costs.intrusion

    def of_none(self) -> float:
        return (1 - self.odds.none) * self.costs.missed_agent

    def of_question(self, offered: Sequence[tuple[str, float]]) -> float:
        """A question settles it if one of the offered is right; if not, the turn is lost as with a wrong agent."""
        among = sum(p for _, p in offered)
        missed = max(0.0, 1 - among - self.odds.none)
        return (
            self.costs.question
            + missed * self.costs.wrong_agent
            + self.odds.none * self.costs.intrusion
        )


def _taken(agent: str, odds: Odds, holder: str | None) -> Decision:
    p = odds.of(agent)
    if agent == holder:
        return Decision(event=Event.STAY, agent=agent, p_fit=p, reason=f"{agent} goes on ({p:.2f})")
    event = Event.SWITCH if holder else Event.START
    fits = f"{agent} fits better than {holder}" if holder else f"{agent} fits best"
    return Decision(event=event, agent=agent, p_fit=p, reason=f"{fits} ({p:.2f})")


def _none(odds: Odds) -> Decision:
    (nearest, p), *_ = odds.agents
    reason = f"no agent fits ({odds.none:.2f}); the nearest is {nearest} ({p:.2f})"
    return Decision(event=Event.NONE, agent=None, p_fit=odds.none, reason=reason)


def _question(offered: Sequence[tuple[str, float]]) -> Decision:
    (best, p), (other, q) = offered
    return Decision(
        event=Event.CLARIFY,
        agent=best,
        others=(best, other),
        p_fit=p,
        reason=f"{best} ({p:.2f}) and {other} ({q:.2f}) are too close to choose between",
    )
