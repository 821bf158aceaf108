"""What signals read of a turn, and what they say of it: a score, whether it is enough, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A turn as a policy sees it. Who is calling comes from whoever authenticated them, never from the text."""

    text: str
    previous: tuple[str, ...] = ()
    """What the user said before, the oldest first."""
    user_messages: int | None = None
    """How many messages the user has written, this one too; None counts it and `previous`."""
    context: tuple[str, ...] = ()
    """What else a model would read: what was said before by anybody, results of tools, the caller's instructions."""
    tokens: int | None = None
    """The length of the whole prompt; None counts the texts."""
    user: str = "local"
    grants: frozenset[str] = frozenset()
    now: datetime | None = None
    """With its time zone; None lets no time signal fire."""
    phase: str = "idle"
    """The phase of the dialogue."""
    holder: str | None = None
    """The agent that holds the floor."""
    modalities: frozenset[str] = frozenset({"text"})
    """What the message is made of: text, always, and image, audio, file."""
    tools: tuple[str, ...] = ()
    """The names of the tools that the request brings."""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a signal says of a turn."""

    fires: bool
    score: float
    """From 0 to 1; 1 or 0 where there is nothing between."""
    threshold: float | None = None
    """From which score on it fires; None where there is none."""
    detail: str = ""
    """What it saw, in a few words: a matched keyword, the nearest example. Never the whole text."""
    fault: str = ""
    """Why it could not be read; then it does not fire, and a gate denies."""


Readings = Mapping[str, Reading]
"""By the signal's key: `type:name`, `complexity:name:level`, `projection:band`."""


class Reads(Protocol):
    """Reads the signals of turns, projections included, as `graphs.policy.signals.Reader` does."""

    def read(self, request: Request) -> Readings:
        """Return the readings of a turn."""
