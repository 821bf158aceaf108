"""What an agent is given and what it gives back. This module knows no agent, no router and no graph but its own.

An agent is a compiled LangGraph subgraph over a state that extends `AgentState`, with `AgentContext` as its context.
It reads `request`, `event`, `history` and `memory`, and its last node returns one of the outcomes below. It never sees
the caller's grants and never chooses what runs next: a hand-over is a request that the state machine decides on.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.language_models import BaseChatModel
from numpy.typing import NDArray
from typing_extensions import TypedDict


class OutcomeEvent(StrEnum):
    """How an agent's run ended."""

    DONE = "done"  # the request is served
    NEEDS_INPUT = "needs_input"  # the agent asked something; it keeps its memory and the floor
    NEEDS_APPROVAL = "needs_approval"  # the agent wants a yes before it changes something
    HAND_OVER = "hand_over"  # another agent should take this; `to` may name it
    DECLINED = "declined"  # the request is not for this agent; routing goes on without it
    FAILED = "failed"  # the agent could not do it; routing goes on without it


class Outcome(TypedDict, total=False):
    """The result of one run; JSON-plain."""

    event: str
    """An `OutcomeEvent`."""
    text: str
    """What the user reads, in Markdown."""
    reason: str
    """One line on why, for `declined`, `failed` and `hand_over`."""
    to: str
    """The agent asked for, with `hand_over`."""
    data: dict[str, Any]
    """The answer as values, for programs; JSON-plain."""


class Message(TypedDict):
    """One earlier turn's text."""

    role: str
    """`user` or `assistant`."""
    content: str


class AgentState(TypedDict, total=False):
    """What every agent's state holds; an agent adds fields of its own."""

    request: str
    """The user's text of this turn."""
    event: str
    """Why the agent runs: start, switch, stay, continue, affirm, deny, cancel, choose."""
    history: list[Message]
    """The last turns before this one, oldest first."""
    memory: dict[str, Any]
    """What the agent keeps between turns of this thread; JSON-plain; replaced as a whole."""
    outcome: Outcome
    """How the run ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentContext:
    """What the process grants an agent for one run."""

    user: str = "local"
    """Whose data the agent may touch; an agent keeps each user's data apart."""
    home: Path
    """The directory for the agents' own files; each agent uses a folder or file with its own id."""
    model: BaseChatModel | None = None
    """A chat model, chosen, masked and paid for by the gateway; None if no model may serve."""
    embed: Callable[[Sequence[str]], NDArray[np.float32]] | None = None
    """The router's encoder, texts to (n, d) unit rows, for agents that search by meaning."""
    capable: bool = False
    """Whether that model is strong enough to write SQL or to answer from passages without inventing."""
    begin: Callable[[str], Awaitable[bool]] | None = None
    """Notes in the thread that a piece of work begins, by a key that is the same when the run is repeated after a
    crash; False if it had begun before, so that what must not be done twice is not. None where no thread is kept."""
    allows: Callable[[str, Mapping[str, Any]], Awaitable[str]] | None = None
    """Says why the policy lets a tool not be called with these arguments, empty if it does; None without a policy."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    """The moment of the turn, with its zone: an agent reads no other clock."""


def done(
    text: str, *, data: Mapping[str, Any] | None = None, memory: Mapping[str, Any] | None = None
) -> AgentState:
    """Return the state update of a served request; memory is emptied unless given."""
    outcome = Outcome(event=OutcomeEvent.DONE.value, text=text, data=dict(data or {}))
    return AgentState(outcome=outcome, memory=dict(memory or {}))


def needs_input(question: str, *, memory: Mapping[str, Any]) -> AgentState:
    """Return the update that asks the user something and keeps the floor."""
    outcome = Outcome(event=OutcomeEvent.NEEDS_INPUT.value, text=question)
    return AgentState(outcome=outcome, memory=dict(memory))


def declined(reason: str) -> AgentState:
    """Return the update of a request that is not for this agent; `reason` is one line. Memory is kept."""
    return AgentState(outcome=Outcome(event=OutcomeEvent.DECLINED.value, text="", reason=reason))


def failed(reason: str) -> AgentState:
    """Return the update of a request that could not be served; `reason` is one line, safe to show. Memory is kept."""
    return AgentState(outcome=Outcome(event=OutcomeEvent.FAILED.value, text="", reason=reason))


def hand_over(to: str, *, reason: str) -> AgentState:
    """Return the update that asks for agent `to`. Memory is kept."""
    outcome = Outcome(event=OutcomeEvent.HAND_OVER.value, text="", to=to, reason=reason)
    return AgentState(outcome=outcome)
