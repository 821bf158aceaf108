"""The turn in its context, as far as choosing an agent goes; and how a dialogue moves on from one turn to the next.

Values only. It knows no catalogue: agents are ids, and whether an id is still registered is for others to say.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

__all__ = ["Dialogue", "Exchange"]

REMEMBERED = 3
"""Exchanges with the holder that are read with a turn."""
ASIDES = 2
EARLIER = 8
KEPT_CHARACTERS = 600
"""Of each end of a text; what lies between is not read."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A user's text and what was answered."""

    user: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """What came before the turn that is to be decided."""

    holder: str | None = None
    """Who holds the floor."""
    recent: tuple[Exchange, ...] = ()
    """The last exchanges with the holder, the newest last."""
    earlier: tuple[str, ...] = ()
    """Agents that held the floor before, the latest last, without the holder."""
    aside: tuple[Exchange, ...] = ()
    """The last exchanges since the holder served, which belonged to no agent."""
    said: str = ""
    """What was said last, by whomever."""
    away: int = 0
    """Turns since the holder served: more than 0 after turns that belonged to no agent."""
    held: int = 0
    """Turns that the holder has served."""
    turn: int = 0
    """Turns so far."""
    asked: tuple[str, ...] = ()
    """The agents that the router's own question offered in the last turn."""

    def after(
        self, user: str, *, agent: str | None, said: str, asked: tuple[str, ...] = ()
    ) -> "Dialogue":
        """Return the dialogue after a turn that `agent`, or none, served by saying `said`."""
        exchange = Exchange(_kept(user), _kept(said))
        moved = replace(self, said=exchange.said, turn=self.turn + 1, asked=asked)
        if agent is None:
            aside = (*self.aside, exchange)[-ASIDES:]
            return replace(moved, away=self.away + 1, aside=aside)
        if agent == self.holder:
            recent = (*self.recent, exchange)[-REMEMBERED:]
            return replace(moved, recent=recent, aside=(), away=0, held=self.held + 1)
        left = (self.holder,) if self.holder else ()
        earlier = tuple(a for a in (*self.earlier, *left) if a != agent)[-EARLIER:]
        return replace(
            moved, holder=agent, recent=(exchange,), aside=(), earlier=earlier, away=0, held=1
        )

    def asking(self, offered: tuple[str, ...], *, said: str) -> "Dialogue":
        """Return the dialogue after the router asked which of the offered agents is meant: nobody has served."""
        return replace(self, asked=offered, said=_kept(said))

    def given_back(self) -> "Dialogue":
        """Return the dialogue after another agent served and the holder's question was put again."""
        return replace(self, turn=self.turn + 1, asked=())

    def plain(self) -> dict[str, Any]:
        """Return the dialogue as a saved thread holds it."""
        return {
            **asdict(self),
            "recent": [[e.user, e.said] for e in self.recent],
            "aside": [[e.user, e.said] for e in self.aside],
            "earlier": list(self.earlier),
            "asked": list(self.asked),
        }

    @classmethod
    def from_plain(cls, saved: object) -> "Dialogue":
        """Read a saved dialogue; one that is not as `plain` writes it is forgotten."""
        if not isinstance(saved, Mapping):
            return cls()
        try:
            holder = saved["holder"]
            read = cls(
                holder=None if holder is None else str(holder),
                recent=tuple(Exchange(str(u), str(s)) for u, s in saved["recent"])[-REMEMBERED:],
                aside=tuple(Exchange(str(u), str(s)) for u, s in saved["aside"])[-ASIDES:],
                earlier=tuple(str(a) for a in saved["earlier"])[-EARLIER:],
                said=str(saved["said"]),
                away=int(saved["away"]),
                held=int(saved["held"]),
                turn=int(saved["turn"]),
                asked=tuple(str(a) for a in saved["asked"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError):
            return cls()
        return read


def _kept(text: str) -> str:
    if len(text) <= 2 * KEPT_CHARACTERS:
        return text
    return f"{text[:KEPT_CHARACTERS]} {text[-KEPT_CHARACTERS:]}"
