"""Threads kept in PostgreSQL, for several processes on several machines. It needs the extra `postgres`.

The saver is LangGraph's with other writes: those of turns that run at once are committed together, and a step that may
wait (see `graphs.steps`) with the next one that may not. It is imported only where a database is named.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import psycopg
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.base import SerializerProtocol
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from agents.errors import CheckpointError
from graphs.left_behind import while_wanted
from graphs.locks import lock_between_processes, setting_up
from graphs.savers.advisory_locks import AdvisoryLocks
from graphs.savers.batch_writer import Statement
from graphs.savers.batched_saver import BatchedSaver
from graphs.savers.postgres_limits import CONNECT_S, answered
from graphs.savers.postgres_writer import PostgresWriter
from graphs.savers.serializer import StrictSerializer
from graphs.savers.step_store import StepStore
from graphs.savers.store_errors import checkpoint_errors, readable

_CONNECTIONS = 4
_REACH_AGAIN_S = 0.25


class PostgresThreads(BatchedSaver, AsyncPostgresSaver):
    """LangGraph's saver with other writes: in batches; what the store raises is a `CheckpointError`."""

    def __init__(
        self,
        pool: Any,
        writer: PostgresWriter,
        locks: AdvisoryLocks,
        *,
        serde: SerializerProtocol,
    ) -> None:
        super().__init__(pool, serde=serde)
        self.writer = writer
        self._locks = locks
        self._steps = StepStore(writer)

    async def _read(self, config: RunnableConfig) -> CheckpointTuple | None:
        with readable():
            await self._steps.settle(config)
            async with answered():
                return await while_wanted(AsyncPostgresSaver.aget_tuple(self, config))

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store a checkpoint and return the config that names it."""
        gathered = _Gathered(self.conn, serde=self.serde)
        with checkpoint_errors():
            self._locks.check(config["configurable"]["thread_id"])
            named = await gathered.aput(config, checkpoint, metadata, new_versions)
            await self._steps.put(config, checkpoint, metadata, *gathered.statements)
        return named

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Store a task's writes."""
        gathered = _Gathered(self.conn, serde=self.serde)
        channels = [channel for channel, _ in writes]
        with checkpoint_errors():
            self._locks.check(config["configurable"]["thread_id"])
            await gathered.aput_writes(config, writes, task_id, task_path)
            await self._steps.put_writes(config, channels, task_path, *gathered.statements)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Delete all that is kept of threads but their last checkpoints, or those as well."""
        await self.writer.settle()
        await super().aprune(thread_ids, strategy=strategy)

    async def count_threads(self) -> int:
        """Return how many threads are kept."""
        await self.writer.settle()
        async with self._cursor() as cursor:
            await cursor.execute("SELECT count(DISTINCT thread_id) AS n FROM checkpoints")
            row = await cursor.fetchone()
        return int(row["n"]) if row else 0

    async def thread_ids(self) -> Sequence[str]:
        """Return the threads that are kept, by name."""
        await self.writer.settle()
        async with self._cursor() as cursor:
            await cursor.execute("SELECT DISTINCT thread_id FROM checkpoints ORDER BY thread_id")
            return [row["thread_id"] for row in await cursor.fetchall()]


class _Gathered(AsyncPostgresSaver):
    """What LangGraph's saver would execute for one call, in its own words."""

    def __init__(self, conn: Any, *, serde: SerializerProtocol) -> None:
        super().__init__(conn, serde=serde)
        self.statements: list[Statement] = []

    @asynccontextmanager
    async def _cursor(self, *, pipeline: bool = False) -> AsyncIterator[Any]:
        yield self

    async def execute(self, sql: str, values: Sequence[Any]) -> None:
        """Take note of a statement, as a cursor would execute it."""
        self.statements.append((sql, [values]))

    async def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Take note of a statement and its rows of values."""
        self.statements.append((sql, rows))


@asynccontextmanager
async def open_postgres(url: str) -> AsyncIterator[PostgresThreads]:
    """Open the threads kept in the database at `url`; its tables are made if they are not there.

    Raises:
        CheckpointError: it cannot be reached or used.
    """
    async with AsyncExitStack() as stack:
        try:
            await _reached(url)
            pool: Any = AsyncConnectionPool(
                url,
                min_size=1,
                max_size=_CONNECTIONS,
                timeout=CONNECT_S,
                kwargs={"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row},
                open=False,
            )
            await pool.open(wait=True, timeout=CONNECT_S)
            stack.push_async_callback(pool.close)
            writer = PostgresWriter(pool)
            stack.push_async_callback(writer.settle)
            locks = AdvisoryLocks(url)
            stack.push_async_callback(locks.aclose)
            saver = PostgresThreads(pool, writer, locks, serde=StrictSerializer())
            async with setting_up(locks):
                await saver.setup()
        except psycopg.Error as error:
            raise CheckpointError(
                f"the database of the saved threads cannot be used ({' '.join(str(error).split())}); "
                "start it, or set MOMA_CHECKPOINTS to another"
            ) from error
        lock_between_processes(saver, locks)
        yield saver


async def _reached(url: str) -> None:
    """Wait until the database lets somebody in, which may be starting too.

    Raises:
        psycopg.Error: it does not, and why; a pool would say so in lines of a log, and then that it is not complete.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + CONNECT_S
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(url, connect_timeout=round(CONNECT_S)):
                return
        except psycopg.OperationalError:
            if clock() >= until:
                raise
        await asyncio.sleep(_REACH_AGAIN_S)
