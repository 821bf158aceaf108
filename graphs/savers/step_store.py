"""Stores what LangGraph gives a saver: at once, or with what comes next where `graphs.steps` says that it may wait.

It knows no store but the writer that it is given.
"""

import asyncio
from collections.abc import Iterable

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import Checkpoint, CheckpointMetadata

from graphs.savers.batch_writer import BatchWriter, Statement
from graphs.steps import Steps, steps_of

__all__ = ["StepStore"]

_Place = tuple[str, str]
"""A thread and a namespace in it."""


class StepStore:
    """Checkpoints and writes on their way to a writer."""

    def __init__(self, writer: BatchWriter) -> None:
        self._writer = writer
        self._unsettled: dict[_Place, asyncio.Future[None]] = {}
        """What was left last of a thread's run, until it is on the disk."""

    async def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        *statements: Statement,
    ) -> None:
        """Store a checkpoint; one that may not wait is on the disk then, and all that was left before it."""
        steps = steps_of(config)
        if steps is not None and steps.may_wait(checkpoint, metadata):
            self._leave(steps, statements)
            return
        await self._writer.write(*statements)
        if steps is not None:
            await steps.settle()

    async def put_writes(
        self,
        config: RunnableConfig,
        channels: Iterable[str],
        task_path: str,
        *statements: Statement,
    ) -> None:
        """Store a task's writes to `channels`."""
        steps = steps_of(config)
        if steps is not None and steps.writes_may_wait(channels, task_path):
            self._leave(steps, statements)
        else:
            await self._writer.write(*statements)

    async def settle(self, config: RunnableConfig) -> None:
        """Return when what was left of a thread can be read."""
        place = config["configurable"]
        if (str(place["thread_id"]), place.get("checkpoint_ns", "")) in self._unsettled:
            await self._writer.settle()

    def _leave(self, steps: Steps, statements: Iterable[Statement]) -> None:
        where = (steps.thread, steps.space)
        left = self._unsettled[where] = self._writer.leave(*statements)
        steps.left.append(left)

        def settled(done: "asyncio.Future[None]") -> None:
            if self._unsettled.get(where) is done:
                del self._unsettled[where]

        left.add_done_callback(settled)
