"""What a caller may send, what the graph remembers, what the process grants, what comes out.

All JSON-plain but `messages`, which are LangChain messages so that Studio and chat UIs can show them. Permissions
live in `Context` only, because agents may write state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages

from agents.errors import InputError
from graphs.call import check_call

Preference = str | float
"""`cost`, `auto`, `performance`, or a number from 0 (cheapest) to 1 (best)."""


def newest(_: Any, new: Any) -> Any:
    """Return what was written last.

    An answer to a second approval of one agent's run comes on top of the first, in the same step of the graph.
    """
    return new


class Input(TypedDict):
    """What a caller may send."""

    messages: Annotated[list[AnyMessage], add_messages]
    """The user's new message; earlier ones are in the thread."""


class State(TypedDict, total=False):
    """What the graph remembers of a thread."""

    messages: Annotated[list[AnyMessage], add_messages]
    """The whole dialogue."""
    owner: str
    """Whose thread it is: the user of its first turn."""
    phase: str
    """The `Phase` in which the last turn ended."""
    active_agent: str | None
    """Who holds the floor."""
    turn: Annotated[int, newest]
    """How many turns the thread has had."""
    event: Annotated[str, newest]
    """The last event of this turn."""
    request: Annotated[str, newest]
    """The text that is being served: the last message, or the one that a choice was about."""
    decision: Annotated[dict[str, Any], newest]
    """The decision record of this turn while it is being written."""
    record: dict[str, Any]
    """The decision record of the last finished turn."""
    target: str | None
    """The agent that is to run next."""
    outcome: Annotated[dict[str, Any], newest]
    """How the last agent of this turn ended."""
    tried: Annotated[list[str], newest]
    """The agents that gave this turn back."""
    hops: Annotated[int, newest]
    """How many hand-overs this turn has had."""
    memories: dict[str, dict[str, Any]]
    """What each agent keeps between turns, by its id."""
    asked: str
    """What the holder asked last, while its question is open."""
    floor: dict[str, str] | None
    """Who held the floor when this turn began, in which phase, and what it had asked."""
    choice: dict[str, Any] | None
    """The open question of `awaiting_choice`: the request and the agents offered."""
    rest: Annotated[list[dict[str, str]], newest]
    """What is left of a request that names several agents: each agent with its part of the text."""
    dialogue: dict[str, Any]
    """What choosing an agent reads of the turns before: `Dialogue.plain`."""
    spent_usd: float
    """What the thread's model calls have cost."""


class Output(TypedDict):
    """What comes out of a turn."""

    messages: list[AnyMessage]
    phase: str
    active_agent: str | None
    record: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Who is calling and what they may have; set by whoever authenticates the caller, never by a request."""

    user: str = "local"
    grants: Sequence[str] = ()
    """What the caller has been granted, beyond the default grants of the process."""
    preference: Preference | None = None
    """None takes the process's setting."""
    budget_usd: float | None = None
    """The most that this turn may cost; None takes the process's setting."""
    include: Sequence[str] = ()
    """If not empty, only these agents and models may serve."""
    exclude: Sequence[str] = ()
    """These agents and models may not serve."""
    call: Mapping[str, Any] = field(default_factory=dict)
    """What the request asks of the model that answers: `graphs.call` lists it. It is never saved."""

    def __post_init__(self) -> None:
        """Refuse what would open a mask by mistake: a text where a list belongs, an amount that is none.

        Raises:
            InputError: naming the field, what was given and what was expected.
        """
        for name in ("grants", "include", "exclude"):
            if isinstance(given := getattr(self, name), str):
                raise InputError(
                    f"context {name}: given the text {given!r}, expected a list of texts"
                )
        budget = self.budget_usd
        number = isinstance(budget, int | float) and not isinstance(budget, bool)
        if budget is not None and not (number and budget >= 0):
            raise InputError(
                f"context budget_usd: given {budget!r}, expected an amount of 0 or more"
            )
        if self.call:
            check_call(self.call)
