"""The masks over many agents: cards that every rule treats alike are judged once a turn, others by their names.

What comes out is what `masks.mask_agents` says of the same agents, in a time that hardly grows with their number. Of
many refusals some are listed. Pure; whoever holds the agents builds it anew when they change.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, islice

from agents.registry import Agent
from graphs.masks import Caller, Moment, Refusal, agent_refusal, mask_agents

__all__ = ["LISTED", "MaskClasses"]

LISTED = 200
"""Refusals that are listed at most."""
_NOBODY = ""
"""An id that no agent has, so that no rule names it."""


@dataclass(frozen=True, slots=True)
class _Class:
    """Agents that differ in nothing that a mask reads but their ids."""

    example: Agent
    ids: list[str]


class MaskClasses:
    """The agents of one moment, by what masks read of their cards."""

    def __init__(self, agents: Mapping[str, Agent]) -> None:
        self.agents = agents
        found: dict[object, _Class] = {}
        for agent_id, agent in agents.items():
            card = agent.card
            phases = None if card.phases is None else frozenset(card.phases)
            rules = frozenset(card.grants), phases, bool(card.budget_usd)
            kind = (card.enabled, agent.graph is None, rules)
            known = found.get(kind)
            if known is None:
                found[kind] = known = _Class(agent, [])
            known.ids.append(agent_id)
        self._classes = list(found.values())
        self._open: tuple[tuple[bool, ...], frozenset[str]] = ((), frozenset())

    def mask(
        self,
        *,
        caller: Caller,
        moment: Moment,
        allowed_hand_overs: Collection[str] | None = None,
    ) -> tuple[frozenset[str], list[Refusal]]:
        """Return the agents that may serve, and why others may not: at most `LISTED` of them.

        Args:
            caller: what the caller may have.
            moment: where the turn stands.
            allowed_hand_overs: what the agent that handed over may hand over to; None means any.
        """

        def refusal(agent_id: str) -> Refusal | None:
            agent = self.agents.get(agent_id)
            return agent_refusal(
                agent.card if agent else None,
                agent_id,
                caller=caller,
                moment=moment,
                runnable=agent is not None and agent.graph is not None,
                allowed_hand_overs=allowed_hand_overs,
            )

        if len(self.agents) <= LISTED:
            cards = {i: a.card for i, a in self.agents.items()}
            runnable = {i for i, a in self.agents.items() if a.graph is not None}
            few, refused = mask_agents(
                cards,
                caller=caller,
                moment=moment,
                runnable=runnable,
                allowed_hand_overs=allowed_hand_overs,
            )
            return frozenset(few), refused
        onward = allowed_hand_overs if moment.handed_by else None
        only = _narrowest(caller, onward)
        if only is not None:
            allowed = frozenset(i for i in only if i in self.agents and refusal(i) is None)
            return allowed, self._listed(refusal, chain(sorted(only), self.agents), allowed)
        open_, shut = self._judged(caller, moment)
        named = {i for i in _named(caller, moment) if i in self.agents}
        gone = {i for i in named if i in open_ and refusal(i) is not None}
        come = {i for i in named if i not in open_ and refusal(i) is None}
        allowed = (open_ - gone) | come if gone or come else open_
        return allowed, self._listed(refusal, chain(sorted(gone), shut), allowed)

    def _judged(self, caller: Caller, moment: Moment) -> tuple[frozenset[str], Iterator[str]]:
        """Return the agents of the classes that may serve, and the others, as far as no rule names an agent."""
        permit = caller.permit and replace(caller.permit, agents=None, shut={})
        anyone = replace(caller, include=frozenset(), exclude=frozenset(), permit=permit)
        still = replace(moment, tried=frozenset(), broken=frozenset(), holder=None, handed_by=None)
        open_ = tuple(
            agent_refusal(
                c.example.card,
                _NOBODY,
                caller=anyone,
                moment=still,
                runnable=c.example.graph is not None,
            )
            is None
            for c in self._classes
        )
        known, ids = self._open
        if known != open_:
            ids = frozenset(
                i for c, may in zip(self._classes, open_, strict=True) if may for i in c.ids
            )
            self._open = open_, ids
        shut = (c.ids for c, may in zip(self._classes, open_, strict=True) if not may)
        return ids, chain.from_iterable(shut)

    def _listed(
        self,
        refusal: Callable[[str], Refusal | None],
        ids: Iterable[str],
        allowed: frozenset[str],
    ) -> list[Refusal]:
        others = (i for i in ids if i not in allowed and i in self.agents)
        few = dict.fromkeys(islice(others, 2 * LISTED))  # some may be named twice
        return list(islice((r for i in few if (r := refusal(i)) is not None), LISTED))


def _narrowest(caller: Caller, onward: Collection[str] | None) -> Collection[str] | None:
    """Return the fewest agents that a rule limits the turn to; None if no rule names those that may serve."""
    permit = caller.permit.agents if caller.permit else None
    limits = [limit for limit in (caller.include or None, permit, onward) if limit is not None]
    return min(limits, key=len) if limits else None


def _named(caller: Caller, moment: Moment) -> set[str]:
    """Return the agents that a rule names, other than those that it limits the turn to."""
    shut = caller.permit.shut if caller.permit else {}
    holder = {moment.holder} if moment.holder else set()
    return {*caller.exclude, *shut, *moment.tried, *moment.broken, *holder}
