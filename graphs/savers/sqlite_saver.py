"""LangGraph's SQLite saver with other writes: those of turns that run at once are committed together.

A step that may wait (see `graphs.steps`) is committed with the next one that may not, in their order. The tables and
everything else are LangGraph's, but for reading a checkpoint, which is done in fewer steps; LangGraph's conformance
suite is run on this class.
"""

import json
from collections.abc import Sequence
from typing import Any

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.checkpoint.sqlite.utils import load_pending_writes, pending_writes_sql

from graphs.savers.batched_saver import BatchedSaver
from graphs.savers.sqlite_writer import SqliteWriter
from graphs.savers.step_store import StepStore
from graphs.savers.store_errors import checkpoint_errors, readable

_CHECKPOINT = (
    "INSERT OR REPLACE INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type,"
    " checkpoint, metadata) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_WRITES = (
    "INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_READ = (
    "SELECT checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata FROM checkpoints"
    " WHERE thread_id = ? AND checkpoint_ns = ?"
)


class SqliteThreads(BatchedSaver, AsyncSqliteSaver):
    """Reads by one connection and writes by another; what the store raises is a `CheckpointError`."""

    writer: SqliteWriter

    def __init__(
        self, conn: aiosqlite.Connection, writer: SqliteWriter, *, serde: SerializerProtocol
    ) -> None:
        super().__init__(conn, serde=serde)
        self.writer = writer
        self._steps = StepStore(writer)

    async def _read(self, config: RunnableConfig) -> CheckpointTuple | None:
        with readable():
            if not self.is_setup:  # it would wait for whoever walks through saved states
                await self.setup()
            place = config["configurable"]
            thread, space = str(place["thread_id"]), place.get("checkpoint_ns", "")
            await self._steps.settle(config)
            asked = get_checkpoint_id(config)
            # Each is one trip to the connection's thread; LangGraph's own reading makes seven.
            found = [*await self.conn.execute_fetchall(*_checkpoint(thread, space, asked))]
            if not found:
                return None
            checkpoint_id, parent, kind, checkpoint, metadata = found[0]
            pending = pending_writes_sql(self._has_task_path)
            writes = await self.conn.execute_fetchall(pending, (thread, space, checkpoint_id))
            return CheckpointTuple(
                config if asked else _place(thread, space, checkpoint_id),
                self.serde.loads_typed((kind, checkpoint)),
                json.loads(metadata) if metadata is not None else {},
                _place(thread, space, parent) if parent else None,
                load_pending_writes(writes, self.serde),
            )

    async def count_threads(self) -> int:
        """Return how many threads are kept."""
        await self.writer.settle()
        cursor = await self.conn.execute("SELECT count(DISTINCT thread_id) FROM checkpoints")
        row = await cursor.fetchone()
        return int(row[0]) if row else 0

    async def thread_ids(self) -> Sequence[str]:
        """Return the threads that are kept, by name."""
        await self.writer.settle()
        cursor = await self.conn.execute(
            "SELECT DISTINCT thread_id FROM checkpoints ORDER BY thread_id"
        )
        return [row[0] for row in await cursor.fetchall()]

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store a checkpoint and return the config that names it."""
        place = config["configurable"]
        known = json.dumps(get_checkpoint_metadata(config, metadata), ensure_ascii=False)
        row = (
            str(place["thread_id"]),
            place["checkpoint_ns"],
            checkpoint["id"],
            place.get("checkpoint_id"),
            *self.serde.dumps_typed(checkpoint),
            known.encode("utf-8", "ignore"),
        )
        with checkpoint_errors():
            await self._steps.put(config, checkpoint, metadata, (_CHECKPOINT, [row]))
        names = ("thread_id", "checkpoint_ns")
        return {
            "configurable": {
                **{name: place[name] for name in names},
                "checkpoint_id": checkpoint["id"],
            }
        }

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Store a task's writes; those that are stored already stay, but for interrupts and the like."""
        names = ("thread_id", "checkpoint_ns", "checkpoint_id")
        place = [str(config["configurable"][name]) for name in names]
        replaced = all(channel in WRITES_IDX_MAP for channel, _ in writes)
        rows = [
            (
                *place,
                task_id,
                task_path,
                WRITES_IDX_MAP.get(channel, number),
                channel,
                *self.serde.dumps_typed(value),
            )
            for number, (channel, value) in enumerate(writes)
        ]
        sql = f"INSERT OR {'REPLACE' if replaced else 'IGNORE'} {_WRITES}"
        channels = [channel for channel, _ in writes]
        with checkpoint_errors():
            await self._steps.put_writes(config, channels, task_path, (sql, rows))


def _checkpoint(thread: str, space: str, asked: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the question for a checkpoint, or for the newest one, and its values."""
    if asked:
        return f"{_READ} AND checkpoint_id = ?", (thread, space, asked)
    return f"{_READ} ORDER BY checkpoint_id DESC LIMIT 1", (thread, space)


def _place(thread: str, space: str, checkpoint_id: str) -> RunnableConfig:
    place = {"thread_id": thread, "checkpoint_ns": space, "checkpoint_id": checkpoint_id}
    return {"configurable": place}
