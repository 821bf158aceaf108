"""Keeps what a model answered before the node that asked goes on or ends, so that one run again does not pay twice.

A result is kept as LangGraph keeps those of tasks: as a write that is pending on the checkpoint from which the node
runs, under the id of the call. So it is in the thread's own store, whatever that is, and goes with the thread. This
module knows no provider and no graph; a call without a result is made again with the same id.
"""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.config import get_config
from langgraph.runtime import get_runtime

from graphs.gateway.gateway import Chat, Gateway, Token
from graphs.gateway.ledger import Call
from graphs.gateway.models import Model, count_message, count_tokens
from graphs.gateway.pieces import Piece, joined
from graphs.run_config import with_configurable
from graphs.savers.store_errors import readable
from graphs.steps import Steps, path_of, with_steps

CHANNEL = "moma_call"
"""Where results stand among a checkpoint's pending writes; no channel of the graph has this name."""
_PLACE = "__moma_results"
"""Where a run's `Keeping` stands in `configurable`."""
_BEGUN = {"begun": True}
_TOLD: Mapping[str, Any] = {"input_tokens": 0, "output_tokens": 0, "cost_usd": 0.0}
"""What a call costs that is told a second time."""
_T = TypeVar("_T")
_Result = tuple[Call, list[Piece]]
"""What was paid and what came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Where a run keeps results."""

    saver: BaseCheckpointSaver[Any]
    resumed: bool
    """Whether the run goes on where another ended; only then is there anything to find."""
    steps: Steps
    """The run's."""
    told: bool = False
    """Whether what was kept is in the books of a turn before: that of which an approval is answered now."""


def keeping(
    config: RunnableConfig | None, *, saver: Any, resumed: bool, steps: Steps, told: bool
) -> RunnableConfig:
    """Return the config of a run whose nodes keep results in `saver`; see `Keeping`."""
    place = Keeping(saver=saver, resumed=resumed, steps=steps, told=told)
    return with_configurable(config, **{_PLACE: place})


def paid_before(saved: CheckpointTuple) -> float:
    """Return what the calls have cost, in USD, whose results are kept with a run that waits."""
    writes = saved.pending_writes or ()
    found = [_restored(value) for _, channel, value in writes if channel == CHANNEL]
    return sum(result[0].cost_usd or 0.0 for result in found if result is not None)


def results_here(node: str | None = None) -> "Results | None":
    """Return where the running node keeps its results; None where its thread is not kept.

    Args:
        node: the node, if it does what is left of its work while a result is written, and then calls `Results.settle`;
            else each result is safe before it is passed on. A result goes to the disk no later than the node's step.
    """
    try:
        kept_in = (get_config().get("configurable") or {}).get(_PLACE)
        info = get_runtime().execution_info
    except RuntimeError:  # not within a graph
        return None
    if not isinstance(kept_in, Keeping) or info is None or info.thread_id is None:
        return None
    place: RunnableConfig = {
        "configurable": {
            "thread_id": info.thread_id,
            "checkpoint_ns": "",
            "checkpoint_id": info.checkpoint_id,
        }
    }
    loop = asyncio.get_running_loop()
    return Results(kept_in, place=place, task=info.task_id, loop=loop, node=node)


class Results:
    """The results of one run of one node. Calls may come from any event loop."""

    def __init__(
        self,
        keeping: Keeping,
        *,
        place: RunnableConfig,
        task: str,
        loop: asyncio.AbstractEventLoop,
        node: str | None,
    ) -> None:
        """The task's id is the same whenever the node runs from this checkpoint; the loop is the saver's."""
        self._keeping, self._task, self._loop, self._node = keeping, task, loop, node
        self._place = with_steps(place, keeping.steps) if node else place
        self._writing: list[asyncio.Task[None]] = []
        self._asked: Counter[str] = Counter()
        self._found: Mapping[str, _Result | None] | None = None if keeping.resumed else {}

    @property
    def resumed(self) -> bool:
        """Whether the run goes on where another ended."""
        return self._keeping.resumed

    async def stream(
        self, gateway: Gateway, chat: Chat, *, scope: str = ""
    ) -> AsyncGenerator[Token, None]:
        """Do what `Gateway.stream` does, or yield what was kept of it.

        Args:
            gateway: what answers.
            chat: what is asked.
            scope: the node of an agent's own graph in which it is asked, or the only model that is.

        Raises:
            ProviderError: see `Gateway.stream`.
            CheckpointError: the result could not be kept, so it is not passed on as whole.
        """
        call_id = self._id_of(chat, scope)
        kept = (await self._kept()).get(call_id)
        if kept is not None:
            call, answer = kept
            chat.ledger.note(replace(call, **_TOLD) if self._keeping.told else call)
            for piece in answer:
                yield Token(model=call.model, piece=piece)
            return
        pieces: list[Piece] = []
        async with aclosing(gateway.stream(replace(chat, id=call_id))) as tokens:
            async for token in tokens:
                pieces.append(token.piece)
                if token.piece.finish:
                    call = _paid(gateway.models[token.model], chat, pieces)
                    keeps = self._keep(call_id, {"call": asdict(call), "pieces": _plain(pieces)})
                    if self._node:
                        self._writing.append(asyncio.create_task(keeps))
                    else:
                        await keeps
                yield token

    async def settle(self) -> None:
        """Return when all results are kept.

        Raises:
            CheckpointError: one could not be, so the node must fail.
        """
        while self._writing:
            await self._writing.pop()

    async def begin(self, key: str) -> bool:
        """Note that work begins which must not be done twice; return False if it had begun in a run before this one.

        Args:
            key: what tells the work from any other of this run, the same when the run is repeated.

        Raises:
            CheckpointError: that could not be noted, so the work must not begin.
        """
        work_id = _digest([self._task, "begin", key])
        if work_id in await self._kept():
            return False
        await self._keep(work_id, _BEGUN)
        return True

    def _id_of(self, chat: Chat, scope: str) -> str:
        """Return the id of a call: it is the same when the node runs again and asks the same for the same time."""
        asked = [self._task, scope, list(chat.messages), chat.max_tokens, chat.options]
        digest = _digest(asked)
        self._asked[digest] += 1
        return _digest([digest, self._asked[digest]])

    async def _kept(self) -> Mapping[str, _Result | None]:
        if self._found is None:
            self._found = await self._on_loop(self._read())
        return self._found

    async def _read(self) -> Mapping[str, _Result | None]:
        """Return what was kept by its id; None for work that has begun."""
        with readable():
            saved = await self._keeping.saver.aget_tuple(self._place)
        writes = (saved.pending_writes if saved else None) or ()
        kept = {i: value for i, channel, value in writes if channel == CHANNEL}
        found = {i: _restored(value) for i, value in kept.items()}
        return {i: r for i, r in found.items() if r is not None or kept[i] == _BEGUN}

    async def _keep(self, call_id: str, result: dict[str, Any]) -> None:
        path = path_of(self._node) if self._node else ""

        async def write() -> None:
            with readable():
                saver, kept = self._keeping.saver, [(CHANNEL, result)]
                await saver.aput_writes(self._place, kept, call_id, path)

        await self._on_loop(write())

    async def _on_loop(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run `work` on the saver's loop, to which its connection is bound."""
        if asyncio.get_running_loop() is self._loop:
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]


def _paid(model: Model, chat: Chat, pieces: list[Piece]) -> Call:
    """Return what the books of a run that goes on after this one say of the call."""
    last = pieces[-1]
    written = [
        "".join(p.thought + p.text for p in pieces),
        *(str(p.tool_calls) for p in pieces if p.tool_calls),
    ]
    tokens_in = last.input_tokens or sum(map(count_message, chat.messages))
    tokens_out = last.output_tokens or count_tokens(written)
    cost = None if model.price is None else model.price.of(tokens_in, tokens_out)
    return Call(
        model=model.id, ok=True, input_tokens=tokens_in, output_tokens=tokens_out, cost_usd=cost
    )


def _plain(pieces: list[Piece]) -> list[dict[str, Any]]:
    """Return the pieces JSON-plain, with texts that follow each other joined."""
    return [
        {**asdict(p), "tool_calls": list(p.tool_calls), "logprobs": list(p.logprobs)}
        for p in joined(pieces)
    ]


def _restored(kept: Any) -> _Result | None:
    """Return what was kept; None where it has another form than this release writes."""
    try:
        return Call(**kept["call"]), [Piece(**piece) for piece in kept["pieces"]]
    except (TypeError, KeyError):
        return None
