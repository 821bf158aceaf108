"""One turn at a time on a thread: the compiled graph, whose runs hold their thread's lock.

The lock is taken around the whole run, because a lock inside a node would come after the checkpoint has been read.
While an approval is pending, the thread's phase reads `awaiting_approval`, and the next message resumes it.
"""

import asyncio
import queue
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any, Self

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.errors import GraphDrained
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, StateSnapshot, StateUpdate

from agents.errors import DrainingError, InputError
from graphs import tracing
from graphs.admission import Admission
from graphs.locks import turn_on
from graphs.nodes.observe import resume_approval
from graphs.own_loop import OwnLoop
from graphs.owner import check_owner, owned_by, user_of
from graphs.pending import (
    answers,
    asked_in,
    check_resume,
    is_answered,
    is_heard,
    is_pause,
    taken_before,
    with_approval,
    with_overtaken,
    with_shown,
)
from graphs.results import keeping, paid_before
from graphs.run_config import place_of
from graphs.saved import is_paused, read_saved
from graphs.savers.read_ahead import handed_on
from graphs.savers.store_errors import checkpoint_errors, readable
from graphs.sent import check_tool_results, edited, is_known, prepared
from graphs.state import Context, read_context
from graphs.steps import NOTHING_KNOWN, Nodes, Steps, with_steps
from graphs.turn import text_of
from graphs.undone import with_undone

RECURSION_LIMIT = 100
"""Super-steps a turn; hops bound it long before. LangGraph's own default is 10,007."""
_TASK, _RUNTIME = "__pregel_task_id", "__pregel_runtime"


class MomaGraph(CompiledStateGraph[Any, Any, Any, Any]):
    """The compiled orchestrator. `invoke` and `stream` run the same asynchronous graph as `ainvoke` and `astream`."""

    def __init__(
        self,
        *,
        admission: Admission | None = None,
        kinds: Nodes = NOTHING_KNOWN,
        listens: bool = False,
        foresee: Callable[[str], None] | None = None,
        go_on: Callable[[str], None] | None = None,
        **parts: Any,
    ) -> None:
        super().__init__(**parts)
        self.listens = listens
        """Whether a turn is told which one it takes the place of."""
        self.foresee = foresee
        """Is told the text of a turn that was let in, before its thread is read; None: nobody is."""
        self.go_on = go_on
        """Is told the id of a turn's record when it goes on where another run ended; None: nobody is."""
        self.admission = admission
        """Who lets turns in; None lets in all."""
        self.kinds = kinds
        """What of a run may go to the disk later; see `graphs.steps`."""

    @classmethod
    def from_compiled(
        cls,
        graph: CompiledStateGraph[Any, Any, Any, Any],
        *,
        admission: Admission,
        kinds: Nodes,
        listens: bool = False,
        foresee: Callable[[str], None] | None = None,
        go_on: Callable[[str], None] | None = None,
    ) -> Self:
        """Return `graph` with its runs let in by `admission` and under their thread's lock."""
        # LangGraph has no seam for a subclass: `compile` names its own class.
        parts = {k: v for k, v in vars(graph).items() if k != "__orig_class__"}
        moma = cls(
            admission=admission,
            kinds=kinds,
            listens=listens,
            foresee=foresee,
            go_on=go_on,
            **parts,
        )
        return moma.with_config(recursion_limit=RECURSION_LIMIT)

    async def astream(
        self, input: Any, config: RunnableConfig | None = None, **options: Any
    ) -> AsyncIterator[Any]:
        """Run a turn; see `CompiledStateGraph.astream`.

        A new message to a thread with a pending approval resumes it. A turn that was cut short goes on where it stood
        if its input is sent again, known by the message's id, or if the input is None; another message leaves it
        unanswered. A turn that had ended is not taken twice.

        Raises:
            InputError: the message is empty or too long, a resume finds nothing that waits for it, or the context is of
                another form.
            ThreadError: the thread is another user's.
            CheckpointError: the thread could not be read or written; the turn is not acknowledged.
            OverloadError: too many turns are under way, or the process is about to end.
        """
        turn = prepared(input)
        place = self._configured(config)
        thread, start = self._thread(place), self._start(place)
        if options.get("durability") is None and thread is not None:
            options["durability"] = "sync"
        admission = None if place.get("checkpoint_ns") else self.admission
        context = options["context"] = _context(options.get("context"), place)
        with checkpoint_errors(), _drained(), _let_in(admission, context):
            last = turn["messages"][-1] if isinstance(turn, dict) else None
            if self.foresee is not None and isinstance(last, HumanMessage):
                self.foresee(text_of(last.content))
            async with turn_on(self._saver, thread) if thread else nullcontext():
                saved = await self._saved(start, user=user_of(context))
                if thread:
                    if saved is None and place.get("checkpoint_id"):
                        raise InputError(
                            "this thread has no state with the checkpoint_id that is given; take one from its history"
                        )
                    turn = self._resuming(turn, saved)
                    config = owned_by(config, user_of(context))
                    turn, config = await self._unless_answered(turn, saved, config)
                    config = await self._kept(config, turn, saved, place, thread=thread)
                else:
                    check_tool_results(turn, saved)
                async with admission.running() if admission else nullcontext() as control:
                    options["control"] = options.get("control") or control
                    ahead = handed_on(start, saved) if thread and start else nullcontext()
                    with tracing.turn(config, thread=thread) as traced, ahead:
                        async for part in super().astream(turn, traced, **options):
                            yield part

    def stream(
        self, input: Any, config: RunnableConfig | None = None, **options: Any
    ) -> Iterator[Any]:
        """Run a turn from synchronous code; see `astream`.

        Raises:
            InputError: this thread runs the event loop that the turn needs.
        """
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

    async def ainvoke(
        self, input: Any, config: RunnableConfig | None = None, **options: Any
    ) -> Any:
        """Run a turn and return its output; of one that waits for an approval, what `aget_state` reads."""
        result = await super().ainvoke(input, config, **options)
        if is_pause(result) and self._thread(self._configured(config)):
            return with_shown(result, await self.aget_state(self._newest(config)))
        return result

    def invoke(self, input: Any, config: RunnableConfig | None = None, **options: Any) -> Any:
        """Run a turn from synchronous code; see `ainvoke`."""
        result = super().invoke(input, config, **options)
        if is_pause(result) and self._thread(self._configured(config)):
            return with_shown(result, self.get_state(self._newest(config)))
        return result

    async def abulk_update_state(
        self, config: RunnableConfig, supersteps: Sequence[Sequence[StateUpdate]]
    ) -> RunnableConfig:
        """Update a thread; see `CompiledStateGraph.abulk_update_state`.

        Raises:
            InputError: a node that is named would not have left the thread as it is.
        """
        try:
            return await super().abulk_update_state(config, supersteps)
        except KeyError as unknown:  # the label of an edge that is not there
            nodes = {update.as_node for step in supersteps for update in step}
            raise InputError(
                f"{', '.join(map(str, nodes))} leads nowhere from the thread's event {unknown}; "
                "name the node that ended so in `as_node`"
            ) from unknown

    def bulk_update_state(
        self, config: RunnableConfig, supersteps: Sequence[Sequence[StateUpdate]]
    ) -> RunnableConfig:
        """Update a thread from synchronous code; see `CompiledStateGraph.bulk_update_state`.

        Raises:
            InputError: this thread runs the event loop that the update needs.
        """
        updating = self.abulk_update_state(config, supersteps)
        return asyncio.run_coroutine_threadsafe(updating, _loop_of(self._saver)).result()

    def get_state(
        self, config: RunnableConfig, *, subgraphs: bool = False, user: str | None = None
    ) -> StateSnapshot:
        """Return the thread's state; the phase of a pending approval is read off it.

        Args:
            config: names the thread.
            subgraphs: whether the state of agents that wait is in it.
            user: whose thread it must be; None asks for nobody's leave.

        Raises:
            ThreadError: the thread is another user's.
            CheckpointError: it could not be read.
        """
        with readable():
            return with_approval(_owned(super().get_state(config, subgraphs=subgraphs), user))

    async def aget_state(
        self, config: RunnableConfig, *, subgraphs: bool = False, user: str | None = None
    ) -> StateSnapshot:
        """Return the thread's state; see `get_state`."""
        with readable():
            found = await super().aget_state(config, subgraphs=subgraphs)
            return with_approval(_owned(found, user))

    @property
    def _saver(self) -> BaseCheckpointSaver[Any] | None:
        return self.checkpointer if isinstance(self.checkpointer, BaseCheckpointSaver) else None

    def _thread(self, place: Mapping[str, Any]) -> str | None:
        """Return the thread that a run is a turn of; None where nothing is kept, or another graph keeps it."""
        # Inside another graph, whose run is one turn of ours. A namespace alone says nothing: LangGraph drops it.
        nested = place.get("checkpoint_ns") and _TASK in place
        if self._saver is None or nested or "thread_id" not in place:
            return None
        return str(place["thread_id"])

    def _place(self, config: RunnableConfig | None) -> RunnableConfig:
        return place_of(self.config, config)

    def _newest(self, config: RunnableConfig | None) -> RunnableConfig:
        """Return the place of what a run has left, wherever it began."""
        place = self._place(config)
        kept = {k: v for k, v in place["configurable"].items() if k != "checkpoint_id"}
        return {**place, "configurable": kept}

    def _configured(self, config: RunnableConfig | None) -> Mapping[str, Any]:
        return self._place(config).get("configurable") or {}

    def _start(self, place: Mapping[str, Any]) -> RunnableConfig | None:
        """Return where the state is saved from which a run begins; None where nothing is kept."""
        if self._saver is None or "thread_id" not in place:
            return None
        # LangGraph drops the namespace when it runs.
        return {"configurable": {**place} if _TASK in place else {**place, "checkpoint_ns": ""}}

    async def _saved(self, start: RunnableConfig | None, *, user: str) -> CheckpointTuple | None:
        """Return what is saved there, if anything; it must be sound and the caller's."""
        if self._saver is None or start is None:
            return None
        return await read_saved(self._saver, start, user=user)

    async def _kept(
        self,
        config: RunnableConfig | None,
        turn: Any,
        saved: CheckpointTuple | None,
        place: Mapping[str, Any],
        *,
        thread: str,
    ) -> RunnableConfig:
        """Return the config of a turn on a thread: by it nodes and the saver find what is kept of it, and where."""
        resumed = turn is None or isinstance(turn, Command)
        if resumed and saved is not None and self.go_on is not None:
            self.go_on(_decision_in(saved))
        if self.listens and self._saver is not None:
            config = await with_undone(config, self._saver, saved, place)
        steps = Steps(thread=thread, nodes=self.kinds)
        told = isinstance(turn, Command)
        return keeping(
            with_steps(config, steps), saver=self._saver, resumed=resumed, steps=steps, told=told
        )

    async def _unless_answered(
        self, turn: Any, saved: CheckpointTuple | None, config: RunnableConfig
    ) -> tuple[Any, RunnableConfig]:
        """Return a turn and its config; an answer that came too late is given to nobody, nor to what is asked next."""
        answer = turn.resume if isinstance(turn, Command) else None
        if self._saver is None or saved is None or not (turn is None or answer is not None):
            return turn, config
        if not (is_paused(saved) and await is_answered(self._saver, saved)):
            return turn, config
        # LangGraph keeps the answer, but does not give it to a run that begins with a command.
        if turn is None:
            return Command(update={"tried": []}), config
        turn = replace(turn, resume=None)
        return turn, config if taken_before(answer, saved) else with_overtaken(config)

    def _resuming(self, turn: Any, saved: CheckpointTuple | None) -> Any:
        """Return the command that resumes a pending approval, or `turn` where none is pending."""
        if turn is None and saved is None:
            raise InputError("this thread has no turn to go on with; send a message")
        resumes = isinstance(turn, Command) and turn.resume is not None
        if saved is None or not (is_paused(saved) and is_heard(saved, self.nodes)):
            if resumes:
                raise InputError("nothing waits for an answer in this thread; send a message")
            if is_known(turn, saved):
                return None
            check_tool_results(turn, saved)
            return edited(turn, saved)
        if is_known(turn, saved):
            return None  # it led to the question, and is no answer to it: the agent asks again
        values = saved.checkpoint["channel_values"]
        if resumes and not turn.update and not turn.goto:
            check_resume(turn.resume, asked_in(saved))
            update = resume_approval(values, turn.resume, paid_usd=paid_before(saved))
            return Command(resume=turn.resume, update=update)
        if not isinstance(turn, dict):
            return turn
        messages = edited(turn, saved)["messages"]
        if isinstance(messages[-1], ToolMessage):
            raise InputError("an agent waits for an approval in this thread; answer it first")
        answer = text_of(messages[-1].content)
        return Command(
            resume=answers(asked_in(saved), answer),
            update=resume_approval(values, answer, messages, paid_usd=paid_before(saved)),
        )


def _context(given: object, place: Mapping[str, Any]) -> Context | None:
    """Return who is calling; inside another graph that is whom its context names, if it is one of ours."""
    if given is not None:
        return read_context(given)
    outer = getattr(place.get(_RUNTIME), "context", None)
    return outer if outer is None or isinstance(outer, Context) else Context()


def _owned(snapshot: StateSnapshot, user: str | None) -> StateSnapshot:
    if user is not None:
        check_owner(snapshot.values, user=user, metadata=snapshot.metadata)
    return snapshot


def _let_in(admission: Admission | None, context: Any) -> AbstractContextManager[None]:
    return admission.turn(user_of(context)) if admission else nullcontext()


@contextmanager
def _drained() -> Iterator[None]:
    try:
        yield
    except GraphDrained:
        raise DrainingError(
            "this process is about to end; the turn goes on when its message is sent again",
            retry_after=1.0,
        ) from None


def _decision_in(saved: CheckpointTuple) -> str:
    """Return the id of the record of a saved turn."""
    return str((saved.checkpoint["channel_values"].get("decision") or {}).get("id"))


_background = OwnLoop("moma-sync")


def _loop_of(saver: object) -> asyncio.AbstractEventLoop:
    """Return the loop in which synchronous calls run: the saver's own if it runs, else one in the background.

    Raises:
        InputError: it is the loop of the calling thread, which would wait for itself.
    """
    own = getattr(saver, "loop", None)
    runs = isinstance(own, asyncio.AbstractEventLoop) and own.is_running()
    loop: asyncio.AbstractEventLoop = own if runs else _background.get()  # type: ignore[assignment]
    if asyncio._get_running_loop() is loop:
        raise InputError(
            "invoke and stream would block the event loop that they need; use ainvoke or astream here"
        )
    return loop
