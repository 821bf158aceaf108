"""Makes many calls through the gateway, one a question and model: so many at once and a minute, under one ceiling.

The gateway owns time limits, retries, breakers and prices; there is no fallback, since an answer of another model says
nothing of this one. It knows no grader. What is answered is in the log before the next call begins.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from agents.errors import BudgetError, DeadlineError, ProviderError
from app.profile.call_log import Call, CallLog, asked_hash, call_key
from graphs.budgets import BudgetLimits, Budgets, Spender
from graphs.checking.signals import token_signal
from graphs.gateway import transport
from graphs.gateway.gateway import Chat, Gateway
from graphs.gateway.ledger import Ledger
from graphs.gateway.pieces import Piece

__all__ = ["INTERRUPTED", "Ask", "Asker", "Ceiling", "Ended", "Pace"]

INTERRUPTED = "it was interrupted"
"""Why a run stopped that a signal ended."""

_TRIES = 4
"""Of a call, each with the gateway's own repeat; between them a breaker's rest is waited for."""
_LONGEST_WAIT_S = 300.0
_FAILURES_TO_STOP = 5
"""So many calls of a model in a row without an answer: it is broken, and its rows would be of no use."""
_ANY_AMOUNT = 1e9
"""The ceiling where none is given, so that what is spent is counted all the same, in USD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One call that is wanted."""

    query_id: str
    model: str
    messages: Sequence[Mapping[str, Any]]
    max_tokens: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name of the call in the log."""
        return call_key(self.model, self.messages, max_tokens=self.max_tokens, options=self.options)


@dataclass(slots=True, kw_only=True)
class Ended:
    """How a run ended."""

    made: int = 0
    spent_usd: float = 0.0
    failed: dict[str, list[str]] = field(default_factory=dict)
    """For each model why calls had no answer."""
    stopped: str = ""
    """Why it ended before all was asked; empty if all was."""


class Pace:
    """Lets calls begin evenly, so many a minute."""

    def __init__(self, per_minute: float | None) -> None:
        self._every = 60 / per_minute if per_minute else 0.0
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for the next place."""
        now = time.monotonic()
        begin = max(now, self._next)
        self._next = begin + self._every
        await asyncio.sleep(begin - now)


class Ceiling:
    """The books of one log: its own ceiling over all its runs, beside the operator's budgets of a user and a day."""

    def __init__(self, budgets: Budgets, log: CallLog, budget_usd: float | None) -> None:
        """None is any amount; the operator's budget of a turn does not apply."""
        self._spender = Spender(user="local", thread=f"calls {log.run}")
        limit = _ANY_AMOUNT
        if budget_usd is not None:
            limit = max(0.0, budget_usd - self._elsewhere(budgets, log, budget_usd))
        self._budgets = budgets.within(replace(budgets.limits, turn=None, thread=limit))

    def _elsewhere(self, budgets: Budgets, log: CallLog, limit: float) -> float:
        """Return what the log says was spent and the books here do not know, as they are of another machine."""
        own = budgets.within(BudgetLimits(thread=limit))
        try:
            left = own.left(self._spender)
        finally:
            own.close()
        known = 0.0 if left.usd is None else limit - left.usd
        return max(0.0, log.spent_usd - known)

    def ledger(self) -> Ledger:
        """Return the books of a call."""
        return self._budgets.ledger(self._spender)

    def close(self) -> None:
        """Close the file of what was spent."""
        self._budgets.close()


class Asker:
    """Makes the calls of one run."""

    def __init__(
        self,
        gateway: Gateway,
        log: CallLog,
        *,
        books: Callable[[], Ledger],
        pace: Pace,
        at_once: int,
        ended: Ended,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        """`books` makes the ledger of a call, `ended` says how far it came, `on_end` hears of each ask that is done."""
        self._gateway, self._log, self._books = gateway, log, books
        self._pace, self._at_once, self._on_end = pace, at_once, on_end
        self._ended = ended
        self._open = 0
        self._settled, self._door = asyncio.Event(), asyncio.Lock()
        self._in_a_row: dict[str, int] = {}
        # A local model answers one at a time; so its processor time belongs to the call that holds its place.
        self._places = {m.id: asyncio.Lock() for m in gateway.models.values() if m.local}

    async def run(self, asks: Iterable[Ask]) -> None:
        """Make the calls that the log does not hold yet, in order; return when they or the money are at an end."""
        waiting = self._new(asks)
        await asyncio.to_thread(transport.load)  # which takes seconds, and is no call's time
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._at_once):
                    group.create_task(self._work(waiting))
        except ExceptionGroup as failed:  # as of a disk that is full: one line is enough
            raise failed.exceptions[0] from None

    def stop(self) -> None:
        """Begin no more calls; those that are under way, and paid for, are waited for."""
        self._ended.stopped = self._ended.stopped or INTERRUPTED

    def _new(self, asks: Iterable[Ask]) -> Iterator[Ask]:
        begun: set[str] = set()
        for ask in asks:
            if ask.key in self._log.calls or ask.key in begun:
                self._on_end()
            else:
                begun.add(ask.key)
                yield ask

    async def _work(self, waiting: Iterator[Ask]) -> None:
        for ask in waiting:
            if self._ended.stopped:
                return
            try:
                await self._within_money(ask)
            except BudgetError as error:
                said = str(error).replace("this thread", "this collection")
                self._ended.stopped = self._ended.stopped or f"the money is at an end: {said}"
                return
            self._on_end()

    async def _within_money(self, ask: Ask) -> None:
        """Ask, once what the calls under way may cost leaves room for it; none that comes later is made before it.

        Raises:
            BudgetError: the call does not fit what is left beside what was spent.
        """
        async with self._door:
            pass
        if await self._fits(ask):
            return
        async with self._door:
            while not await self._fits(ask):
                self._settled.clear()
                if self._open:
                    await self._settled.wait()

    async def _fits(self, ask: Ask) -> bool:
        """Ask and return True, False if other calls under way may cost what is missing.

        Raises:
            BudgetError: the money is missing whatever they cost.
        """
        self._open += 1
        try:
            await self._ask(ask)
        except BudgetError:
            if self._open == 1:
                raise
            return False
        finally:
            self._open -= 1
            self._settled.set()
        return True

    async def _ask(self, ask: Ask) -> None:
        """Ask until there is an answer or no hope of one, and keep what came of it.

        Raises:
            BudgetError: the call does not fit what is left.
        """
        spent, error = 0.0, ""
        for number in range(1, _TRIES + 1):
            if self._ended.stopped:
                return
            ledger = self._books()
            try:
                call = await self._answered(ask, ledger, spent)
            except BudgetError:
                raise
            except ProviderError as failure:
                spent += ledger.spent_usd
                self._ended.spent_usd += ledger.spent_usd
                error = str(failure)
                wait = self._wait(ask.model, failure, number)
                if wait is None:
                    break
                await asyncio.sleep(wait)
            else:
                self._ended.spent_usd += ledger.spent_usd
                self._ended.made += 1
                self._in_a_row[ask.model] = 0
                self._log.add(call)
                return
        self._note_failure(ask, error, spent)

    def _wait(self, model: str, failure: ProviderError, number: int) -> float | None:
        """Return the seconds until it is worth to ask again; None if it is not."""
        rest = self._gateway.breakers[model].rest_s
        hopeless = not failure.may_retry and not rest and not isinstance(failure, DeadlineError)
        if number == _TRIES or hopeless or rest > _LONGEST_WAIT_S:
            return None
        return max(rest + 0.05, 2.0**number / 4)

    def _note_failure(self, ask: Ask, error: str, spent: float) -> None:
        self._log.add_failure(
            ask.key, query_id=ask.query_id, model=ask.model, error=error, spent=spent
        )
        self._ended.failed.setdefault(ask.model, []).append(error)
        self._in_a_row[ask.model] = self._in_a_row.get(ask.model, 0) + 1
        if self._in_a_row[ask.model] >= _FAILURES_TO_STOP and not self._ended.stopped:
            self._ended.stopped = (
                f"{_FAILURES_TO_STOP} calls of {ask.model} in a row had no answer ({error}); "
                "mend it or leave it out of --models"
            )

    async def _answered(self, ask: Ask, ledger: Ledger, spent: float) -> Call:
        """Make the call.

        Raises:
            ProviderError: there is no answer.
        """
        async with AsyncExitStack() as held:
            if (place := self._places.get(ask.model)) is not None:
                await held.enter_async_context(place)
            await self._pace.turn()
            before = await self._gateway.computed_s(ask.model)
            chat = Chat(
                messages=[dict(message) for message in ask.messages],
                order=[ask.model],
                ledger=ledger,
                deadline=self._gateway.deadline(),
                whole=True,
                max_tokens=ask.max_tokens,
                options=dict(ask.options),
            )
            pieces = [token.piece async for token in self._gateway.stream(chat)]
            after = await self._gateway.computed_s(ask.model)
        took = None if before is None or after is None else after - before
        return _call(ask, pieces, ledger, spent, took)


def _call(
    ask: Ask, pieces: Sequence[Piece], ledger: Ledger, spent: float, compute_s: float | None
) -> Call:
    paid = next(call for call in reversed(ledger.calls) if call["ok"])
    return Call(
        key=ask.key,
        query_id=ask.query_id,
        model=ask.model,
        answer="".join(piece.text for piece in pieces),
        finish=str(pieces[-1].finish),
        input_tokens=paid["input_tokens"],
        output_tokens=paid["output_tokens"],
        cost_usd=paid["cost_usd"],
        spent_usd=spent + ledger.spent_usd,
        ms=paid["ms"],
        first_token_ms=paid["first_token_ms"],
        compute_s=None if compute_s is None else round(compute_s, 3),
        logprobs=_signal([p for piece in pieces for p in piece.logprobs]),
        asked=asked_hash(str(ask.messages[-1]["content"])),
    )


def _signal(logprobs: Sequence[float]) -> tuple[float, ...] | None:
    return tuple(round(part, 4) for part in token_signal(logprobs)) if logprobs else None
