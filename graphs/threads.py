"""One turn at a time on a thread: a fair lock, and the compiled graph whose runs hold it.

The lock is taken around the whole run, because a lock inside a node would come after the checkpoint has been read.
While an approval is pending, the thread's phase reads `awaiting_approval`, and the next message resumes it.
"""

import asyncio
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import Future
from contextlib import nullcontext
from typing import Any, Self
from weakref import WeakValueDictionary

from langchain_core.messages import BaseMessage, HumanMessage, convert_to_messages
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, StateSnapshot

from agents.errors import CheckpointError, InputError
from graphs.machine import Phase
from graphs.nodes.observe import resume_approval
from graphs.turn import clean_text, text_of

RECURSION_LIMIT = 100
"""Super-steps a turn; hops bound it long before. LangGraph's own default is 10,007."""
_INTERRUPT = "__interrupt__"


class FairLock:
    """A mutual exclusion in order of arrival, across event loops and threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._waiting: deque[Future[None]] = deque()

    async def __aenter__(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn: Future[None] = Future()
            self._waiting.append(turn)
        try:
            await asyncio.wrap_future(turn)
        except asyncio.CancelledError:
            if not turn.cancel():  # the lock was ours already
                self._release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._release()

    def _release(self) -> None:
        with self._guard:
            while self._waiting:
                turn = self._waiting.popleft()
                if turn.set_running_or_notify_cancel():
                    turn.set_result(None)
                    return
            self._held = False


_locks: WeakValueDictionary[tuple[int, str], FairLock] = WeakValueDictionary()
_locks_guard = threading.Lock()


def lock_of(saver: object, thread_id: str) -> FairLock:
    """Return the lock of a thread in a store; it lives as long as someone holds or awaits it."""
    with _locks_guard:
        key = (id(saver), thread_id)
        lock = _locks.get(key)
        if lock is None:
            lock = _locks[key] = FairLock()
        return lock


class MomaGraph(CompiledStateGraph[Any, Any, Any, Any]):
    """The compiled orchestrator. `invoke` and `stream` run the same asynchronous graph as `ainvoke` and `astream`."""

    @classmethod
    def from_compiled(cls, graph: CompiledStateGraph[Any, Any, Any, Any]) -> Self:
        """Return `graph` with its runs under their thread's lock."""
        # LangGraph has no seam for a subclass: `compile` names its own class.
        return cls(**{k: v for k, v in vars(graph).items() if k != "__orig_class__"})

    async def astream(
        self, input: Any, config: RunnableConfig | None = None, **options: Any
    ) -> AsyncIterator[Any]:
        """Run a turn; see `CompiledStateGraph.astream`.

        A new message to a thread with a pending approval resumes it.

        Raises:
            InputError: the message is empty or too long.
            CheckpointError: the thread could not be read or written; the turn is not acknowledged.
        """
        config = {"recursion_limit": RECURSION_LIMIT, **(config or {})}
        if options.get("durability") is None and self._saver is not None:
            options["durability"] = "sync"
        prepared = _prepared(input)
        try:
            async with self._lock(config):
                turn = await self._resuming(prepared, config)
                async for part in super().astream(turn, config, **options):
                    yield part
        except sqlite3.Error as error:
            raise CheckpointError(
                f"the thread could not be read or written ({error}); the turn was not taken"
            ) from error

    def stream(
        self, input: Any, config: RunnableConfig | None = None, **options: Any
    ) -> Iterator[Any]:
        """Run a turn from synchronous code; see `astream`."""
        loop = _loop_of(self._saver)
        parts: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

        async def pump() -> None:
            try:
                async for part in self.astream(input, config, **options):
                    parts.put(("part", part))
                parts.put(("end", None))
            except BaseException as error:  # noqa: BLE001 it is raised again in the caller's thread
                parts.put(("error", error))

        running = asyncio.run_coroutine_threadsafe(pump(), loop)
        try:
            while (item := parts.get())[0] == "part":
                yield item[1]
            if item[0] == "error":
                raise item[1]
        finally:
            running.cancel()

    def get_state(self, config: RunnableConfig, *, subgraphs: bool = False) -> StateSnapshot:
        """Return the thread's state; the phase of a pending approval is read off it."""
        return _with_approval(super().get_state(config, subgraphs=subgraphs))

    async def aget_state(self, config: RunnableConfig, *, subgraphs: bool = False) -> StateSnapshot:
        """Return the thread's state; the phase of a pending approval is read off it."""
        return _with_approval(await super().aget_state(config, subgraphs=subgraphs))

    @property
    def _saver(self) -> BaseCheckpointSaver[Any] | None:
        return self.checkpointer if isinstance(self.checkpointer, BaseCheckpointSaver) else None

    def _lock(self, config: RunnableConfig) -> Any:
        place: Mapping[str, Any] = config.get("configurable") or {}
        nested = place.get("checkpoint_ns")  # inside another graph, whose run is one turn of ours
        if nested or "thread_id" not in place:
            return nullcontext()
        return lock_of(self._saver, str(place["thread_id"]))

    async def _resuming(self, turn: Any, config: RunnableConfig) -> Any:
        if self._saver is None or not isinstance(turn, dict):
            return turn
        if "thread_id" not in (config.get("configurable") or {}):
            return turn  # LangGraph says what is missing
        saved = await self._saver.aget_tuple(config)
        if saved is None or not any(w[1] == _INTERRUPT for w in saved.pending_writes or ()):
            return turn
        messages = turn["messages"]
        update = resume_approval(saved.checkpoint["channel_values"], messages)
        return Command(resume=text_of(messages[-1].content), update=update)


def _prepared(turn: Any) -> Any:
    """Return a caller's input with its last message made fit to keep."""
    if not isinstance(turn, dict) or "messages" not in turn:
        return turn
    given = turn["messages"]
    messages = convert_to_messages(given if isinstance(given, list) else [given])
    if not messages or not isinstance(messages[-1], HumanMessage):
        raise InputError("the last message is not the user's; send one with the role 'user'")
    return {"messages": [_clean(m) if isinstance(m, HumanMessage) else m for m in messages]}


def _clean(message: BaseMessage) -> BaseMessage:
    content = message.content
    if isinstance(content, str):
        return message.model_copy(update={"content": clean_text(content)})
    if not text_of(content).strip() and all(
        part.get("type") == "text" for part in content if isinstance(part, dict)
    ):
        clean_text("")
    parts = [
        {**part, "text": clean_text(part["text"])}
        if isinstance(part, dict) and part.get("text")
        else part
        for part in content
    ]
    return message.model_copy(update={"content": parts})


def _with_approval(snapshot: StateSnapshot) -> StateSnapshot:
    if not snapshot.interrupts or not isinstance(snapshot.values, dict):
        return snapshot
    holder = snapshot.values.get("target") or snapshot.values.get("active_agent")
    values = {
        **snapshot.values,
        "phase": Phase.AWAITING_APPROVAL.value,
        "active_agent": holder,
    }
    return snapshot._replace(values=values)


_background: asyncio.AbstractEventLoop | None = None


def _loop_of(saver: object) -> asyncio.AbstractEventLoop:
    """Return the loop in which synchronous calls run: the saver's own if it has one, else one in the background."""
    global _background
    own = getattr(saver, "loop", None)
    if isinstance(own, asyncio.AbstractEventLoop) and own.is_running():
        return own
    with _locks_guard:
        if _background is None or _background.is_closed():
            _background = asyncio.new_event_loop()
            threading.Thread(target=_background.run_forever, name="moma-sync", daemon=True).start()
        return _background
