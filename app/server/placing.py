"""In which thread a request goes on, and from where.

A thread is the caller's own: its id begins with a hash of the user, and the graph holds the owner beside it. It is
named by the request (`metadata.session_id`, `X-Session-Id`, Open WebUI's chat id) or found by what was said so far.

- A thread that does not exist yet is begun with all messages of the request.
- What follows the last answer in the request is new, and is added to the thread, if the user's turns before it are
  those of the thread. In a thread that a session names they may be its last ones: clients shorten long histories.
- Where the request tells the whole dialogue, as Open WebUI and all who name no thread do, its turn goes on from the
  saved state that was read, and so do others that are sent at once: none sees what the others said.
- An answer that was cut short is none of the saved messages. What the client has of it is added with what is new.
- A request without any answer adds to a thread that it names, whatever the thread began with. From Open WebUI, which
  always sends everything, it is the first turn again.
- A message that the thread has last, and that nobody answered or is answering here, takes the place of that turn when
  it is sent again.
- A turn that was edited or asked for again goes on from the saved state in which the dialogue stood before it, with the
  floor and the memories of that moment: LangGraph's time travel, on the same thread. What was said since stays in the
  store as another branch, and is found when the client goes back to it. If that state is not found, the thread begins
  anew, with all messages of the request.

What answers said only tells branches of the same turns apart: chat UIs change it, and a question for an approval is
none of the saved messages.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple

from app.server.beginnings import LONGEST_S
from app.server.callers import ApiCaller
from app.server.conversations import Conversations
from app.server.errors import ApiError
from app.server.messages import (
    Mark,
    answer_of,
    as_langchain,
    marks_of,
    said_in,
    split,
)
from app.server.naming import OPEN_WEBUI_CHAT, RETRY, hashed, header_of, key_of, thread_of
from app.server.request import ChatRequest, Message
from app.server.states import (
    first_state,
    messages_of,
    place_at,
    place_of,
    state_after,
    state_before,
    values_of,
)
from graphs.locks import locks_of
from graphs.record import is_refused
from graphs.saved import is_paused, read_saved

__all__ = ["Place", "find_place", "place_after"]

_PAUSE_S = 0.01
_Make = Callable[..., "Place"]
"""Makes the place of a turn from its config, what is sent there, and what is known of the state there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a turn is run, and what is sent there."""

    config: RunnableConfig
    thread: str
    messages: list[BaseMessage]
    said: Sequence[Message]
    """All messages of the request."""
    named: bool
    """Whether the request named the thread."""
    message_id: str | None = None
    """The id of the last message, where the client may send it again: the thread may have it, and its answer."""
    values: Mapping[str, Any] | None = None
    """The saved state from which the turn goes on; None where there is none."""
    paused: bool = False
    """Whether an agent waits for an approval there."""

    @property
    def newest(self) -> RunnableConfig:
        """Where the thread stands after the turn, wherever it went on from."""
        return place_of(self.thread)


async def find_place(
    request: ChatRequest,
    headers: Mapping[str, str],
    caller: ApiCaller,
    saver: BaseCheckpointSaver[Any],
    conversations: Conversations,
) -> Place:
    """Return where a request goes on.

    Raises:
        ApiError: the messages make no turn, or a key is too long or was used for another message.
        CheckpointError: the thread cannot be read.
        ThreadError: it is another's.
    """
    said = said_in(request.messages)
    before, new = split(said)
    key = key_of(request, headers)
    retry = header_of(headers, RETRY)
    thread, known = await thread_of(key, retry, before, caller, conversations)
    message_id = _retry_id(retry, said, thread)

    def place(config: RunnableConfig, sent: Sequence[Message], **rest: Any) -> Place:
        return Place(
            config=config,
            thread=thread,
            messages=as_langchain(sent, last_id=message_id),
            said=said,
            named=key is not None,
            message_id=message_id,
            **rest,
        )

    on = place_of(thread)
    saved = await read_saved(saver, on, user=caller.user) if known else None
    whole = key is not None and key[0] == OPEN_WEBUI_CHAT
    told = whole or key is None
    # A message that may be sent again is looked for where the thread stands.
    apart = told and not message_id
    if saved is None and whole and apart and not conversations.beginnings.is_first(thread):
        saved = await _begun(saver, thread)
    kept = messages_of(saved)
    if saved is None or not kept:
        return place(place_at(saved) if saved is not None and apart else on, said)
    if _has(kept, message_id, said[-1]):
        return place(on, new, values=values_of(saved), paused=is_paused(saved))
    waits = thread not in locks_of(saver) and _is_open(saved)
    if not before and not whole and waits and marks_of(kept)[-len(new) :] == marks_of(new):
        return await _asked_again(saver, saved, said, place)
    return await _going_on(saver, saved, said, place, told=told, apart=apart)


async def _asked_again(
    saver: BaseCheckpointSaver[Any], saved: CheckpointTuple, said: Sequence[Message], place: _Make
) -> Place:
    """Return where the last turn of a thread is tried again, which nobody answered."""
    marks, thread = marks_of(messages_of(saved)), _of(saved)
    if earlier := marks[: -len(said)]:
        found = await state_before(saver, thread, earlier, answer=None) or saved
        at = place_of(thread) if found is saved else place_at(found)
        return place(at, said, values=values_of(found))
    return place(await _root(saver, thread), said)


async def _going_on(
    saver: BaseCheckpointSaver[Any],
    saved: CheckpointTuple,
    said: Sequence[Message],
    place: _Make,
    *,
    told: bool,
    apart: bool,
) -> Place:
    """Return where a dialogue goes on that a thread has, or from where it does so anew.

    `told`: all of it is sent; `apart`: what others send at once is not seen.
    """
    before, new = split(said)
    kept, thread, on = messages_of(saved), _of(saved), place_of(_of(saved))
    earlier, answer = marks_of(before), answer_of(before)
    if _goes_on(marks_of(kept), earlier, said, told=told):
        if is_paused(saved):
            return place(on, new, values=values_of(saved), paused=True)
        at = place_at(saved) if apart else on
        if isinstance(kept[-1], HumanMessage):  # it was cut short
            return place(at, [*_cut(before), *new], values=values_of(saved))
        if not apart or answer in (None, answer_of(kept)):
            return place(at, new, values=values_of(saved))
    found = await state_before(saver, thread, earlier, answer=answer) if earlier else None
    if found is not None:
        return place(place_at(found), new, values=values_of(found))
    return place(await _root(saver, thread), said)


async def _root(saver: BaseCheckpointSaver[Any], thread: str) -> RunnableConfig:
    """Return where a thread begins anew."""
    root = await first_state(saver, thread)
    return place_at(root) if root is not None else place_of(thread)


def _of(saved: CheckpointTuple) -> str:
    return str(saved.config["configurable"]["thread_id"])


async def place_after(
    decision: str,
    request: ChatRequest,
    headers: Mapping[str, str],
    caller: ApiCaller,
    saver: BaseCheckpointSaver[Any],
    conversations: Conversations,
) -> Place:
    """Return where a request goes on that follows a turn of the caller's, known by its decision.

    Raises:
        ApiError: there is no such turn, its state is not found, or a key is too long or was used for another message.
        CheckpointError: the thread cannot be read.
    """
    said = said_in(request.messages)
    turn = await conversations.decided(caller.place, decision)
    missing = ApiError(
        404, "there is no such previous response of yours", code="previous_response_not_found"
    )
    if turn is None or not turn["thread"]:
        raise missing
    thread, known_as = str(turn["thread"]), turn["decision"]
    on = place_of(thread)
    state = await read_saved(saver, on, user=caller.user)
    paused = state is not None and is_paused(state)
    message_id = _retry_id(header_of(headers, RETRY), said, f"{thread} {known_as}")
    repeated = _has(messages_of(state), message_id, said[-1])
    here = state is not None and (values_of(state).get("decision") or {}).get("id") == known_as
    if not (repeated or here):
        state, paused = await state_after(saver, thread, known_as), False
    if state is None:
        raise missing
    return Place(
        config=on if paused or repeated else place_at(state),
        thread=thread,
        messages=as_langchain(said, last_id=message_id),
        said=said,
        named=True,
        message_id=message_id,
        values=values_of(state),
        paused=paused,
    )


async def _begun(saver: BaseCheckpointSaver[Any], thread: str) -> CheckpointTuple | None:
    """Wait for the state that another turn begins a thread from; None if that turn was not taken."""
    for _ in range(round(LONGEST_S / _PAUSE_S)):
        if (found := await first_state(saver, thread)) is not None:
            return found
        await asyncio.sleep(_PAUSE_S)
    return None


def _goes_on(
    marks: Sequence[Mark], earlier: Sequence[Mark], said: Sequence[Message], *, told: bool
) -> bool:
    """Return whether what is new in a request follows what a thread has; `told`: the request tells all of it."""
    if not earlier:
        return not told and all(m.role != "assistant" for m in said)
    # A dialogue may say the same again: what it began with is an earlier place in it before it is a shortened end.
    if told or list(marks[: len(earlier)]) == list(earlier):
        return list(marks) == list(earlier)
    return list(marks[-len(earlier) :]) == list(earlier)


def _cut(before: Sequence[Message]) -> Sequence[Message]:
    """Return the answer that a dialogue ends with."""
    asked = max((n for n, m in enumerate(before) if m.role != "assistant"), default=-1)
    return before[asked + 1 :]


def _is_open(saved: CheckpointTuple) -> bool:
    """Return whether nobody answered the last turn of a thread: it failed, was refused or did not end."""
    if is_paused(saved):
        return False
    record = values_of(saved).get("record") or {}
    unserved = not record.get("served_by") or is_refused(record)
    return unserved or isinstance(messages_of(saved)[-1], HumanMessage)


def _retry_id(retry: str | None, said: Sequence[Message], where: str) -> str | None:
    """Return the id of the last message, if it is the user's and may be sent again with the key `retry`."""
    return f"retry-{hashed(f'{where} {retry}')}" if retry and said[-1].role == "user" else None


def _has(kept: Sequence[BaseMessage], message_id: str | None, sent: Message) -> bool:
    """Return whether a thread has the message of this id.

    Raises:
        ApiError: it has another one under that id.
    """
    found = next((m for m in kept if message_id and m.id == message_id), None)
    if found is None:
        return False
    if marks_of([found]) != marks_of([sent]) or not isinstance(found, HumanMessage):
        raise ApiError(
            400, "this Idempotency-Key was used for another message", code="idempotency_key_reused"
        )
    return True
