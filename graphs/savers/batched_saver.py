"""What a saver that writes in batches does before it reads: what was left for a later batch must be there.

It knows no store. The stores' savers inherit it together with LangGraph's own.
"""

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple, DeltaChannelHistory

from graphs.savers.batch_writer import BatchWriter
from graphs.savers.read_ahead import read_or_handed_on

__all__ = ["BatchedSaver"]


class BatchedSaver(BaseCheckpointSaver[Any]):
    """Comes before LangGraph's saver among the classes that a store's saver inherits."""

    writer: BatchWriter

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a thread's checkpoint."""
        return await read_or_handed_on(config, self._read)

    async def alist(
        self, config: RunnableConfig | None, **options: Any
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield the checkpoints of a thread, or of all, newest first; see `BaseCheckpointSaver.alist`."""
        await self.writer.settle()
        async for found in super().alist(config, **options):
            yield found

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete what is kept of a thread."""
        await self.writer.settle()
        await super().adelete_thread(thread_id)

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Return what was written to `channels` since their last whole values."""
        await self.writer.settle()
        return await super().aget_delta_channel_history(config=config, channels=channels)

    @abstractmethod
    async def _read(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Read a thread's checkpoint from the store."""
