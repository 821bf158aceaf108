"""Settles which of two agents much alike a turn is for, by words that only one of their cards has.

Two hotel agents open alike, and who holds the floor tends to keep it. "Can I smoke there?" speaks for the one whose
card names smoking, and the longer the wrong one goes on the more is lost. What such words are worth moves probability
between the two alone; of all other candidates the fitted decision stands. It knows no vectors but those of cards.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

from graphs.routing.decision import Odds
from graphs.routing.known import Known

__all__ = ["settled"]

_ALIKE = 0.7
"""The cosine of their nearest purposes from which two agents are taken for twins."""
_LEAST = 2.5
"""Log odds of words among cards; fewer are what any two texts have in common by chance."""
_WORTH = 0.4
"""Chosen, as `_LEAST` was, on train dialogues, by turns that went right against switches that were wrong."""
_MOST = 4.0
_CHANCE = 1e-4
"""What a candidate has at least, so that words can speak for it."""


def settled(
    odds: Odds, holder: Known, rivals: Mapping[str, Known], said: Mapping[str, float]
) -> Odds:
    """Return the odds after what was said has spoken for the holder's twins, if it does.

    Args:
        odds: of the candidates.
        holder: who holds the floor, one of them.
        rivals: the other candidates by id.
        said: the stems of the turn and of the last exchanges before it, each with its weight.
    """
    shares = dict(odds.agents)
    moved = False
    for agent_id, rival in rivals.items():
        lead = _lead(holder, rival, said)
        if lead < _LEAST or float((holder.purposes @ rival.purposes.T).max()) < _ALIKE:
            continue
        both = shares[agent_id] + shares[holder.id]
        ratio = (shares[agent_id] + _CHANCE) / (shares[holder.id] + _CHANCE)
        ratio *= math.exp(min(_WORTH * lead, _MOST))
        shares[agent_id] = both * ratio / (1 + ratio)
        shares[holder.id] = both - shares[agent_id]
        moved = True
    if not moved:
        return odds
    ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return replace(odds, agents=tuple(ranked))


def _lead(holder: Known, rival: Known, said: Mapping[str, float]) -> float:
    """Return the weight of the words that the rival's card has and the holder's has not, less the reverse."""
    for_rival = sum(w for word, w in said.items() if word in rival.stated)
    for_holder = sum(w for word, w in said.items() if word in holder.stated)
    return for_rival - for_holder
