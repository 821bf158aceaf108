"""One A2A message is one turn: what is said streams as an artifact, what is asked waits as input-required."""

import asyncio
import uuid

from a2a.helpers import new_task_from_user_message, new_text_message, new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.tasks import TaskUpdater
from a2a.types import TaskState

from agents.errors import MomaError
from app.leaving import cut_short
from graphs import Context
from graphs.machine import Phase
from graphs.spoken import Ended, Said, question, run_turn
from graphs.threads import MomaGraph
from graphs.turn import readable

__all__ = ["CONTEXT", "MomaExecutor", "thread_of"]

CONTEXT = "moma_context"
"""Where the caller's `Context` stands in the state of a call."""
_ASKING = (Phase.AWAITING_INPUT, Phase.AWAITING_APPROVAL, Phase.AWAITING_CHOICE)
_ARTIFACT = "answer"


def thread_of(context_id: str, *, user: str) -> str:
    """Return the thread of an A2A context; two users never share one, whatever ids they send."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"a2a\0{user}\0{context_id}").hex


class MomaExecutor(AgentExecutor):
    """Runs turns of the graph for the SDK's request handler."""

    def __init__(self, graph: MomaGraph, *, ending: asyncio.Event | None = None) -> None:
        """When `ending` is set the process ends, and turns that still run are cut."""
        self._graph, self._ending = graph, ending or asyncio.Event()

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Run the message's turn and tell its events."""
        if context.current_task is None:
            assert context.message is not None, "the SDK executes for a message"
            await event_queue.enqueue_event(new_task_from_user_message(context.message))
        task = _updater(context, event_queue)
        await task.start_work()
        try:
            await self._unless_ending(task, context)
        except MomaError as error:
            await task.failed(new_text_message(str(error)))

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Give up the task; what an agent had asked in its thread is withdrawn."""
        caller, thread = _place(context)
        state = await self._graph.aget_state(
            {"configurable": {"thread_id": thread}}, user=caller.user
        )
        if state.values.get("phase") in _ASKING:
            async for _ in run_turn(self._graph, "never mind", thread=thread, context=caller):
                pass
        await _updater(context, event_queue).cancel()

    async def _unless_ending(self, task: TaskUpdater, context: RequestContext) -> None:
        running = asyncio.ensure_future(self._run(task, context))
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            await asyncio.wait([running, ending], return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                raise cut_short()
            running.result()
        finally:
            running.cancel()
            ending.cancel()
            await asyncio.gather(running, ending, return_exceptions=True)

    async def _run(self, task: TaskUpdater, context: RequestContext) -> None:
        caller, thread = _place(context)
        held, told = "", False
        # The last piece is held back: where the turn ends in a question, it is the question.
        async for part in run_turn(
            self._graph, context.get_user_input(), thread=thread, context=caller
        ):
            if isinstance(part, Said):
                if held:
                    await _tell(task, held, more=told, last=False)
                    told = True
                held = part.text
            elif isinstance(part, Ended):
                asked = (await self._asked(part, context) or held).strip()
                await _end(task, part, held, asked=asked, more=told)

    async def _asked(self, ended: Ended, context: RequestContext) -> str:
        """Return what an agent waits for, which may be older than the turn; empty if only the last piece can say it."""
        if ended.approval is not None:
            return question(ended.approval)
        if ended.phase != Phase.AWAITING_INPUT or self._graph.checkpointer is None:
            return ""
        caller, thread = _place(context)
        state = await self._graph.aget_state(
            {"configurable": {"thread_id": thread}}, user=caller.user
        )
        return str(state.values.get("asked") or "")


async def _end(task: TaskUpdater, ended: Ended, held: str, *, asked: str, more: bool) -> None:
    record = ended.record
    facts = {"moma": {"served_by": record["served_by"], "cost_usd": record["cost_usd"]}}
    asks = ended.phase in _ASKING
    if held and not (asks and held.strip() == asked):
        await _tell(task, held, more=more, last=True)
    if asks:
        message = new_text_message(asked or "?", context_id=task.context_id, task_id=task.task_id)
        await task.update_status(TaskState.TASK_STATE_INPUT_REQUIRED, message, metadata=facts)
        return
    state = TaskState.TASK_STATE_FAILED if record["error"] else TaskState.TASK_STATE_COMPLETED
    await task.update_status(state, metadata=facts)


async def _tell(task: TaskUpdater, text: str, *, more: bool, last: bool) -> None:
    # Half a surrogate pair, as a model may send it, can be no part of a message in A2A's form.
    part = new_text_part(readable(text))
    await task.add_artifact([part], artifact_id=_ARTIFACT, append=more, last_chunk=last)


def _updater(context: RequestContext, event_queue: EventQueue) -> TaskUpdater:
    return TaskUpdater(event_queue, str(context.task_id), str(context.context_id))


def _place(context: RequestContext) -> tuple[Context, str]:
    caller = context.call_context.state[CONTEXT]
    assert isinstance(caller, Context)
    return caller, thread_of(str(context.context_id), user=caller.user)
