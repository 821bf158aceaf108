"""The books of one call to one model: the breaker's permit, the reserved money, what came and when.

It sends nothing and decides nothing of what follows. Whatever ends the call, an error, a cancellation or the answer,
the permit is given back once and the money is settled once.
"""

import asyncio
import time
from contextlib import suppress
from dataclasses import asdict
from types import TracebackType

from agents.errors import BudgetError, DeadlineError, ProviderError
from graphs.gateway.breaker import Breaker, Permit
from graphs.gateway.ledger import CANCELLED, Call, Ledger, Reserved
from graphs.gateway.models import Model, count_tokens
from graphs.gateway.pieces import Piece
from graphs.tracing import Span, begin_call, end_call


class Attempt:
    """One call, as a context: it opens by asking for the permit and the money, or raises."""

    def __init__(
        self,
        model: Model,
        *,
        call: str,
        ledger: Ledger,
        breaker: Breaker,
        input_tokens: int,
        max_tokens: int,
    ) -> None:
        """The name `call` is the same when the same attempt is made again after its process died."""
        self.model, self.max_tokens, self.call = model, max_tokens, call
        self.admitted = False
        """Whether the call could be made."""
        self.begun = False
        """Whether anything of an answer came, thoughts among it."""
        self.shown = False
        """Whether anything of it was passed on; then no other may take its place."""
        self._ledger, self._breaker = ledger, breaker
        self._input_tokens = input_tokens
        self._permit = Permit.CALL
        self._reserved = Reserved()
        self._written: list[str] = []
        self._usage = Piece()
        self._whole = False
        self._began = time.monotonic()
        self._first: float | None = None
        self._span: Span = None

    def note(self, piece: Piece) -> None:
        """Take a part of the answer into the books."""
        if not self.begun:
            self.begun, self._first = True, time.monotonic()
        self._written += [piece.thought, piece.text]
        self._written += [str(call.get("function")) for call in piece.tool_calls]
        if piece.input_tokens is not None or piece.output_tokens is not None:
            self._usage = piece

    def show(self, piece: Piece) -> None:
        """Take note that a part of the answer, checked, is passed on."""
        self.shown = True
        self._whole |= piece.finish is not None

    def check(self) -> None:
        """Raise ProviderError if the call could not be made now; nothing is taken."""
        name, window = self.model.id, self.model.context_tokens
        if self._input_tokens > window:
            raise ProviderError(
                f"{self._input_tokens:,} tokens do not fit the window of {name}, {window:,}",
                model=name,
                remedy="window",
            )
        if self._breaker.open:
            raise self._resting()

    async def __aenter__(self) -> "Attempt":
        permit = self._breaker.admit()
        if permit is None:
            raise self._resting()
        self._permit = permit
        try:
            self._reserved = await self._reserved_money()
        except BaseException:
            self._breaker.release(permit)
            raise
        self.admitted = True
        self._span = begin_call(self.model.id, self.model.litellm)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        whole = self._whole  # a reader that leaves after the last piece cancels nothing
        if whole:
            self._breaker.succeed(self._permit)
        elif isinstance(error, ProviderError) and (
            error.may_retry or isinstance(error, DeadlineError)
        ):
            self._breaker.fail(self._permit)
            if error.retry_after is not None:
                self._breaker.hold(error.retry_after)
        else:
            self._breaker.release(self._permit)
        # Who leaves before the first word has sent a question all the same, which a provider may bill.
        left = error is not None and not isinstance(error, ProviderError)
        words = None if whole else _words(error)
        call = self._call(error=words, left=left)
        end_call(self._span, asdict(call), error)
        await self._settle(call)

    async def _reserved_money(self) -> Reserved:
        """Reserve the most that the call can cost, in a thread where that may wait for another process."""
        if not self._ledger.waits:
            return self._reserve()
        reserving = asyncio.ensure_future(asyncio.to_thread(self._reserve))
        try:
            return await asyncio.shield(reserving)
        except asyncio.CancelledError:
            with suppress(BudgetError):  # what is reserved in the meantime is given back
                self._reserved = await reserving
                call = self._call(error=CANCELLED, left=False)
                await asyncio.shield(
                    asyncio.to_thread(self._ledger.give_back, self._reserved, call)
                )
            raise

    def _reserve(self) -> Reserved:
        return self._ledger.reserve(
            self.model.id,
            self.model.price,
            input_tokens=self._input_tokens,
            output_tokens=self.max_tokens,
            call=self.call,
        )

    async def _settle(self, call: Call) -> None:
        """Settle to the end, even if this task is cancelled meanwhile."""
        if self._ledger.waits:
            await asyncio.shield(asyncio.to_thread(self._ledger.settle, self._reserved, call))
        else:
            self._ledger.settle(self._reserved, call)

    def _resting(self) -> ProviderError:
        name, wait = self.model.id, self._breaker.rest_s
        why = "asked for a pause" if self._breaker.held_s else "is resting after failures"
        return ProviderError(f"{name} {why}", model=name, retry_after=wait)

    def _call(self, *, error: str | None, left: bool) -> Call:
        asked = (self._input_tokens if left else 0, 0)
        tokens_in, tokens_out = self._counted() if self.begun else asked
        price = self.model.price
        cost = None if price is None else price.of(tokens_in, tokens_out)
        return Call(
            model=self.model.id,
            ok=error is None,
            input_tokens=tokens_in,
            output_tokens=tokens_out,
            cost_usd=cost if self.begun or left else 0.0,
            first_token_ms=self._ms(self._first),
            ms=self._ms(time.monotonic()) or 0.0,
            error=error,
        )

    def _counted(self) -> tuple[int, int]:
        """Return the provider's count, or an estimate where it gives none; never zero for an answer."""
        used, written = self._usage, count_tokens(["".join(self._written)])
        return used.input_tokens or self._input_tokens, used.output_tokens or written

    def _ms(self, moment: float | None) -> float | None:
        return None if moment is None else round(1e3 * (moment - self._began), 1)


def _words(error: BaseException | None) -> str:
    """Return our own text of an error; the texts of others may hold secrets."""
    return str(error) if isinstance(error, ProviderError) else CANCELLED
