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

import hashlib
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple

from app.server.callers import ApiCaller
from app.server.conversations import Conversations
from app.server.errors import ApiError
from app.server.messages import (
    Mark,
    answer_of,
    as_langchain,
    digest,
    marks_of,
    said_in,
    split,
)
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
from graphs.saved import is_paused, read_saved
from graphs.threads import MomaGraph

__all__ = ["Place", "find_place", "place_after"]

_OPEN_WEBUI_CHAT = "x-openwebui-chat-id"
_HEADERS = ("x-session-id", _OPEN_WEBUI_CHAT)
_RETRY = "idempotency-key"
_LONGEST_KEY = 256
_PLAIN_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")


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
    graph: MomaGraph,
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
    key = _key(request, headers)
    retry = _header(headers, _RETRY)
    thread, known = await _thread(key, retry, before, caller, conversations)
    message_id = None
    if retry and said[-1].role == "user":
        message_id = f"retry-{_hash(f'{thread} {retry}')}"

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
    saver = graph.checkpointer
    assert isinstance(saver, BaseCheckpointSaver)
    saved = await read_saved(saver, on, user=caller.user) if known else None
    kept = messages_of(saved)
    if saved is None or not kept:
        return place(on, said)
    if message_id and (repeated := next((m for m in kept if m.id == message_id), None)):
        sent = place(on, new, values=values_of(saved), paused=is_paused(saved))
        _check_same(repeated, sent.messages[-1])
        return sent
    marks, earlier = marks_of(kept), marks_of(before)
    whole = key is not None and key[0] == _OPEN_WEBUI_CHAT
    told = whole or key is None
    waits = thread not in locks_of(saver) and _is_open(saved)
    again = not before and not whole and waits and marks[-len(new) :] == marks_of(new)
    answer = answer_of(before)
    if again:
        earlier = marks[: -len(new)]
    elif _goes_on(marks, earlier, said, told=told):
        if is_paused(saved):
            return place(on, new, values=values_of(saved), paused=True)
        at = place_at(saved) if told and not message_id else on
        if isinstance(kept[-1], HumanMessage):  # it was cut short
            return place(at, [*_cut(before), *new], values=values_of(saved))
        if at is on or answer in (None, answer_of(kept)):
            return place(at, new, values=values_of(saved))
    found = await state_before(saver, thread, earlier, answer=answer) if earlier else None
    if found is not None:
        return place(place_at(found), new, values=values_of(found))
    if again and earlier:
        return place(on, new, values=values_of(saved))
    root = await first_state(saver, thread)
    return place(place_at(root) if root is not None else on, said)


async def place_after(
    decision: str,
    request: ChatRequest,
    headers: Mapping[str, str],
    caller: ApiCaller,
    graph: MomaGraph,
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
    saver = graph.checkpointer
    assert isinstance(saver, BaseCheckpointSaver)
    on = place_of(thread)
    state = await read_saved(saver, on, user=caller.user)
    paused = state is not None and is_paused(state)
    retry, message_id = _header(headers, _RETRY), None
    if retry and said[-1].role == "user":
        message_id = f"retry-{_hash(f'{thread} {known_as} {retry}')}"
    messages = as_langchain(said, last_id=message_id)
    repeated = next((m for m in messages_of(state) if message_id and m.id == message_id), None)
    if repeated is not None:
        _check_same(repeated, messages[-1])
    elif state is None or (values_of(state).get("decision") or {}).get("id") != known_as:
        state, paused = await state_after(saver, thread, known_as), False
    if state is None:
        raise missing
    return Place(
        config=on if paused or repeated else place_at(state),
        thread=thread,
        messages=messages,
        said=said,
        named=True,
        message_id=message_id,
        values=values_of(state),
        paused=paused,
    )


async def _thread(
    key: tuple[str, str] | None,
    retry: str | None,
    before: Sequence[Message],
    caller: ApiCaller,
    conversations: Conversations,
) -> tuple[str, bool]:
    """Return the thread, and whether anything may be saved of it."""
    if key is not None:
        name = key[1] if _PLAIN_KEY.fullmatch(key[1]) else f"~{_hash(key[1])}"
        return f"{caller.place}.{name}", True
    if before and (found := await conversations.find(caller.place, digest(caller.place, before))):
        return found, True
    if retry:
        return f"{caller.place}.~~{_hash(retry)}", True
    return f"{caller.place}.~~{uuid.uuid4().hex}", False


def _key(request: ChatRequest, headers: Mapping[str, str]) -> tuple[str, str] | None:
    """Return where the name of the thread comes from, and the name."""
    session = (request.metadata or {}).get("session_id")
    if session is not None and not (isinstance(session, str) and session):
        name = "metadata.session_id"
        raise ApiError(400, f"{name}: expected a text", code="invalid_value", param=name)
    if isinstance(session, str):
        if len(session) > _LONGEST_KEY:
            raise ApiError(400, f"metadata.session_id: at most {_LONGEST_KEY} characters are taken")
        return "metadata", session
    for name in _HEADERS:
        if value := _header(headers, name):
            return name, value
    return None


def _header(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name, "").strip()
    if len(value) > _LONGEST_KEY:
        raise ApiError(400, f"{name}: at most {_LONGEST_KEY} characters are taken")
    return value or None


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
    served = (values_of(saved).get("record") or {}).get("served_by") or {"id": "refuse"}
    return isinstance(messages_of(saved)[-1], HumanMessage) or served["id"] == "refuse"


def _check_same(kept: BaseMessage, sent: BaseMessage) -> None:
    if marks_of([kept]) != marks_of([sent]) or not isinstance(kept, HumanMessage):
        raise ApiError(
            400, "this Idempotency-Key was used for another message", code="idempotency_key_reused"
        )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]
