"""What a caller may send, what the graph remembers, what the process grants, what comes out.

All JSON-plain but `messages`, which are LangChain messages so that Studio and chat UIs can show them. Permissions
live in `Context` only, because agents may write state.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Annotated, Any

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from typing_extensions import TypedDict

from agents.errors import InputError
from graphs.call import check_call
from graphs.routing.choice import preference_weight

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


class Led(TypedDict, total=False):
    """What an edge reads; LangGraph copies no more of the state for it."""

    event: Annotated[str, newest]
    """The last event of this turn."""
    target: str | None
    """The agent that is to run next."""


class State(Led, total=False):
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
    request: Annotated[str, newest]
    """The text that is being served: the last message, or the one that a choice was about."""
    decision: Annotated[dict[str, Any], newest]
    """The decision record of this turn while it is being written."""
    record: dict[str, Any]
    """The decision record of the last finished turn."""
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
    spent_usd: Annotated[float, newest]
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
    checked: bool | None = None
    """Whether a model's answer is held back and checked before it is shown, and a dearer model asked if it does not
    hold; None takes the process's setting."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What the request says of itself, for the policy's `metadata` signals. It permits nothing by itself."""

    def __post_init__(self) -> None:
        """Refuse what would open a mask by mistake: a text where a list belongs, an amount that is none.

        Raises:
            InputError: naming the field, what was given and what was expected.
        """
        if not isinstance(self.user, str) or not self.user:
            raise _wrong("user", self.user, "a text that names who is calling")
        for name in ("grants", "include", "exclude"):
            if not _are_texts(given := getattr(self, name)):
                raise _wrong(name, given, "a list of texts")
        if self.preference is not None:
            preference_weight(self.preference)
        budget = self.budget_usd
        number = isinstance(budget, int | float) and not isinstance(budget, bool)
        if budget is not None and not (number and budget >= 0):
            raise _wrong("budget_usd", budget, "an amount of 0 or more")
        if self.checked is not None and not isinstance(self.checked, bool):
            raise _wrong("checked", self.checked, "true or false")
        if self.call:
            check_call(self.call)
        if not isinstance(self.metadata, Mapping):
            raise _wrong("metadata", self.metadata, "names and values")


def read_context(given: object) -> Context | None:
    """Return the context that an embedder or a platform gave.

    Args:
        given: a `Context`, a mapping of its fields, or None.

    Raises:
        InputError: it is something else, or a field is unknown or wrong.
    """
    if given is None or isinstance(given, Context):
        return given
    if not isinstance(given, Mapping):
        raise InputError(
            f"context: given a {type(given).__name__}, expected a Context or a mapping of its fields"
        )
    known = [field.name for field in fields(Context)]
    if unknown := [name for name in given if name not in known]:
        raise InputError(f"context: unknown field {unknown[0]!r:.40}; known: {', '.join(known)}")
    return Context(**given)


def _are_texts(given: object) -> bool:
    if not isinstance(given, Collection) or isinstance(given, str | bytes | Mapping):
        return False
    return all(isinstance(item, str) for item in given)


def _wrong(name: str, given: object, expected: str) -> InputError:
    return InputError(f"context {name}: given {given!r:.60}, expected {expected}")
