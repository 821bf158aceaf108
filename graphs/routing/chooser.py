"""Chooses the agent for a turn in its context: reads it, finds candidates, weighs the evidence, decides.

The one place where the parts meet; the live graph and the commands call it alike. It knows no masks (it is told which
agents may serve) and no state: what came before is a value.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.errors import RoutingError
from graphs.machine import Event
from graphs.routing.agents import AgentIndex, Allowed, Encode
from graphs.routing.decision import Costs, Decision, Odds, decide
from graphs.routing.dialogue import Dialogue
from graphs.routing.evidence import FEATURES, evidence, nearest_text
from graphs.routing.fitted import Fitted
from graphs.routing.parts import requests_in
from graphs.routing.reading import Reading, abridged, read_turn, turn_texts
from graphs.routing.twins import settled
from graphs.routing.words import stems

__all__ = ["Choice", "Chooser"]

NEAREST = 8
"""Candidates by each measure of nearness."""
EARLIER = 2
"""Candidates that held the floor before."""
OUT_OF_REACH = 0.1
"""The cosine up to which a text has nothing to do with a card."""
_CACHED = 4096
_NEARNESS = [FEATURES.index(name) for name in ("user any", "last any", "user input")]
_SHARED = [FEATURES.index(name) for name in ("user words", "last words")]
_PART = [FEATURES.index(name) for name in ("holder", "earlier", "offered")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The decision on a turn, and what it rests on."""

    decision: Decision
    odds: Odds
    several: tuple[tuple[str, str], ...] = ()
    """Where the request names more than one agent: each, in turn, with its part of the text."""
    cached: bool = False


class Chooser:
    """Chooses agents with one fitted model; not to be used from two threads at once."""

    def __init__(
        self, index: AgentIndex, encode: Encode, fitted: Fitted, *, costs: Costs | None = None
    ) -> None:
        self._index = index
        self._encode = encode
        self._fitted = fitted
        self._costs = costs or Costs()
        self._odds: OrderedDict[Hashable, Odds] = OrderedDict()

    def hear(self, dialogue: Dialogue) -> None:
        """Embed what was said, before the user answers it: the next choice need not wait for that."""
        texts = turn_texts("", dialogue)[1:]
        if texts:
            self._encode(texts)

    def choose(
        self,
        text: str,
        dialogue: Dialogue,
        *,
        allowed: Allowed | None = None,
        mask: Hashable = None,
        may_ask: bool = True,
    ) -> Choice:
        """Return who takes the turn.

        Args:
            text: the user's text.
            dialogue: what came before.
            allowed: which agents may serve; None means all.
            mask: what stands for `allowed` in the cache: two masks that let different agents through differ in it.
            may_ask: whether a question may be asked.
        """
        # The text as it is: C++ and C# are the same words, and the decision reads capital letters and marks too.
        key = (text, dialogue, mask, self._index.version)
        odds = self._odds.get(key)
        cached = odds is not None
        if odds is None:
            odds = self.odds(text, dialogue, allowed=allowed)
            while len(self._odds) >= _CACHED:
                self._odds.popitem(last=False)
            self._odds[key] = odds
        decision = decide(odds, holder=dialogue.holder, costs=self._costs, may_ask=may_ask)
        return Choice(decision=decision, odds=odds, cached=cached)

    def several(
        self, text: str, dialogue: Dialogue, *, allowed: Allowed | None = None
    ) -> tuple[tuple[str, str], ...]:
        """Return the agents that a request names one after the other, each with its part; empty if not two or more.

        Each part is read as a turn that follows the one before: "Can you find one?" goes on with what was named there.
        Where the first goes on with the holder, all of it is the holder's.
        """
        found: list[tuple[str, str]] = []
        for part in requests_in(text):
            odds = self.odds(part, dialogue, allowed=allowed)
            decision = decide(odds, holder=dialogue.holder, costs=self._costs)
            if decision.event in (Event.START, Event.SWITCH) and decision.agent is not None:
                found.append((decision.agent, part))
            elif decision.event == Event.STAY and found:
                agent, before = found.pop()
                found.append((agent, f"{before} {part}"))
            else:
                return ()
            dialogue = dialogue.after(part, agent=found[-1][0], said="")
        agents = [agent for agent, _ in found]
        return tuple(found) if len(set(agents)) == len(agents) > 1 else ()

    def odds(
        self,
        text: str,
        dialogue: Dialogue,
        *,
        allowed: Allowed | None = None,
        unheard: bool = False,
    ) -> Odds:
        """Return the candidates' probabilities; `unheard` leaves out examples that are the text itself."""
        reading = read_turn(text, dialogue, self._encode)
        if not np.isfinite(reading.user).all():
            raise RoutingError("the encoder gave no usable vector")
        ids = self.shortlist(reading, dialogue, allowed=allowed)
        if not ids:
            return Odds(agents=(), none=1.0)
        rows = self.rows(ids, reading, dialogue, unheard=unheard)
        near = _within_reach(rows)
        if not near.any():
            return Odds(agents=tuple((agent_id, 0.0) for agent_id in ids), none=1.0)
        ids = [agent_id for agent_id, kept in zip(ids, near, strict=True) if kept]
        rows, held = rows[[*near, True]], dialogue.holder in ids
        for_none = self._for_none(reading, rows) if held else 0.0
        shares = self._fitted.probabilities(rows, for_none=for_none)
        ranked = sorted(
            zip(ids, shares.tolist(), strict=False), key=lambda item: (-item[1], item[0])
        )
        odds = Odds(agents=tuple(ranked), none=float(shares[-1]))
        return self._settled(odds, reading, dialogue) if held else odds

    def _for_none(self, reading: Reading, rows: NDArray[np.float32]) -> float:
        """Return what the text alone says for "none"; nothing with an encoder that nothing was fitted for."""
        if self._index.space is None:
            return 0.0
        return self._fitted.general.for_none(reading.user, nearest_text(rows))

    def _settled(self, odds: Odds, reading: Reading, dialogue: Dialogue) -> Odds:
        rivals = {i: self._index.known(i) for i, _ in odds.agents if i != dialogue.holder}
        holder = self._index.known(str(dialogue.holder))
        spoken = [text for e in dialogue.recent for text in (e.user, e.said)]
        read = (reading.text, *map(abridged, (dialogue.said, *spoken)))
        said = self._index.words.weights(frozenset().union(*map(stems, read)))
        return settled(odds, holder, rivals, said)

    def shortlist(
        self, reading: Reading, dialogue: Dialogue, *, allowed: Allowed | None = None
    ) -> list[str]:
        """Return the candidates: who holds the floor or held it, who was offered, and the nearest."""
        held = [dialogue.holder] if dialogue.holder else []
        before = [*held, *dialogue.earlier[-EARLIER:], *dialogue.asked]
        there = [i for i in before if i in self._index and (allowed is None or allowed(i))]
        single = reading.last_text == reading.text
        queries = reading.user[None, :] if single else np.stack([reading.user, reading.last])
        near = self._index.near(queries, NEAREST, text=reading.text, allowed=allowed)
        return list(dict.fromkeys([*there, *near]))

    def rows(
        self, ids: list[str], reading: Reading, dialogue: Dialogue, *, unheard: bool = False
    ) -> NDArray[np.float32]:
        """Return the evidence on the candidates, (n + 1, features)."""
        known = [self._index.known(i) for i in ids]
        return evidence(
            [k.without(reading.user) for k in known] if unheard else known,
            reading,
            dialogue,
            words=self._index.words,
            head=None if unheard else self._index.head,
            space=self._index.space,
            agents=len(self._index),
        )


def _within_reach(rows: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which candidates the text may be for at all: those in the dialogue, and those that it is near to.

    The trees were fitted on candidates that were near, and know nothing of others.
    """
    candidates = rows[:-1]
    reached = np.concatenate(
        [
            candidates[:, _NEARNESS] > OUT_OF_REACH,
            candidates[:, _SHARED] > 0,
            candidates[:, _PART] > 0,
        ],
        axis=1,
    )
    return np.asarray(reached.any(axis=1))
