"""Answers a chat by the first model of an order that can: one loop owns retries, fallback, breaker, budget, deadline.

It knows no routing: the order comes from outside, already masked. A model that has shown text is never replaced.
"""

import asyncio
import hashlib
import json
import os
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from agents.errors import AgentError, DeadlineError, ModelFileError, ProviderError
from graphs.gateway import transport
from graphs.gateway.attempt import Attempt
from graphs.gateway.breaker import Breaker
from graphs.gateway.bulkhead import Bulkhead
from graphs.gateway.checks import asked_validator, checked
from graphs.gateway.fallback import (
    ATTEMPTS_A_DEPLOYMENT,
    LONGEST_PAUSE_S,
    Course,
    RepeatBudget,
    pause_before_repeat,
)
from graphs.gateway.history import clean, fit
from graphs.gateway.ledger import Call, Ledger
from graphs.gateway.local import LocalServers
from graphs.gateway.models import Model, count_message, count_tokens
from graphs.gateway.pieces import Piece
from graphs.gateway.transport import Limits, Request

_OVER = "the time for this turn is over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """What is to be answered."""

    messages: Sequence[dict[str, Any]]
    """In OpenAI's form, oldest first."""
    order: Sequence[str]
    """The models that may answer, in the order of choice."""
    ledger: Ledger
    deadline: float
    """On the gateway's clock."""
    caller: str | None = None
    """Who asks; None is nobody in particular, who shares no places with anybody."""
    whole: bool = False
    """Whether nothing is shown before the answer is whole, so that one that breaks off can be replaced."""
    max_tokens: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    """The same when the same call is made again, by a node that was cut short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A piece of an answer and the model that gave it."""

    model: str
    piece: Piece


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """How many calls may be open at once."""

    provider: int = 128
    caller: int = 32


class Gateway:
    """The models that can be called, with a breaker each."""

    def __init__(
        self,
        models: Sequence[Model],
        *,
        local: LocalServers | None = None,
        limits: Limits | None = None,
        places: Places | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """The clock is that of deadlines and breakers, and `sleep` waits on it between attempts."""
        self.models: Mapping[str, Model] = {model.id: model for model in models}
        self.limits = limits or Limits()
        self._local = local
        self._clock, self._sleep = clock, sleep
        self.breakers: Mapping[str, Breaker] = {model.id: Breaker(clock) for model in models}
        self._repeats = RepeatBudget()
        places = places or Places()
        self._providers, self._callers = Bulkhead(places.provider), Bulkhead(places.caller)

    def breaker_open(self, model: str) -> bool:
        """Whether `model` is resting after failures."""
        return self.breakers[model].open

    def missing_file(self, model: Model) -> str | None:
        """Return why a local model's file cannot be served, or None."""
        if not model.local:
            return None
        return self._local.fault(model.id) if self._local else "no local server is configured"

    async def computed_s(self, model: str) -> float | None:
        """Return the processor seconds that a local model's server has taken so far, which is started for that.

        None where nobody knows: for a model elsewhere, a server that does not start, a system that does not tell.
        """
        if self._local is None or not self.models[model].local:
            return None
        try:
            await self._local.aensure(model)
        except (ModelFileError, ProviderError):
            return None  # the call that follows says so
        return self._local.processor_s(model)

    def deadline(self) -> float:
        """Return the deadline of a turn that begins now."""
        return self._clock() + self.limits.turn

    async def stream(self, chat: Chat) -> AsyncGenerator[Token, None]:
        """Answer `chat`, from the first model of its order that can.

        Raises:
            AgentError: the schema asked for is none, or no answer is short enough.
            NoModelError: the order is empty.
            DeadlineError: the turn's time is over.
            BudgetError: what is left of the budget is too little for any of them.
            ProviderError: every model failed; the last failure.
        """
        asked_validator(chat.options)  # a wish that cannot be met costs no call
        course = Course()
        order = [self.models[model] for model in dict.fromkeys(chat.order)]
        paused: set[str] = set()
        for place, model in enumerate(order, 1):  # it grows by those that asked for a pause
            waiting = len(order) - place
            if (shared := course.hopeless(model)) is not None:
                _pass_over(model, f"passed over: {shared}", chat)
                continue
            if model.id in paused:
                held = self.breakers[model.id].held_s
                if held > 0 and not self._soon(model, chat):  # it asked for a longer one meanwhile
                    _pass_over(model, f"{model.id} asked for a longer pause", chat)
                    continue
                await self._sleep(held)
            for number in range(1, ATTEMPTS_A_DEPLOYMENT + 1):
                if course.over:
                    raise course.failure
                attempt, messages = self._prepared(model, chat, number)
                try:
                    async with aclosing(self._tokens(attempt, messages, chat)) as tokens:
                        async for token in tokens:
                            yield token
                    return
                except ProviderError as error:
                    if attempt.shown or isinstance(error, DeadlineError):
                        raise
                    course.note(model, error, called=attempt.admitted)
                    if not attempt.admitted:
                        _pass_over(model, str(error), chat)
                    pause = pause_before_repeat(error, number, others=waiting > 0)
                if not attempt.admitted:
                    if number == 1 and model.id not in paused and self._soon(model, chat):
                        paused.add(model.id)
                        order.append(model)
                    break
                if not course.spares_one(waiting=waiting):
                    break
                if not await self._paused(pause, chat, others=waiting > 0):
                    break
        raise course.failure

    def _soon(self, model: Model, chat: Chat) -> bool:
        """Whether the model asked for a pause that is worth waiting for if no other answers."""
        pause = self.breakers[model.id].held_s
        return 0 < pause <= min(LONGEST_PAUSE_S, self._left(chat))

    async def _paused(self, pause: float | None, chat: Chat, *, others: bool) -> bool:
        """Wait before a repeat and return True; False if there is to be none."""
        if pause is None or pause >= self._left(chat) or not self._repeats.take(others=others):
            return False
        await self._sleep(pause)
        return True

    def _prepared(
        self, model: Model, chat: Chat, number: int
    ) -> tuple[Attempt, list[dict[str, Any]]]:
        """Return the attempt at an answer of `model`, and the messages that it can read."""
        # At least half of the window is for what the model reads.
        longest = min(model.max_output_tokens, model.context_tokens // 2)
        max_tokens = min(chat.max_tokens or longest, longest)
        if max_tokens < 1:
            raise AgentError(f"max_tokens: given {chat.max_tokens}, expected 1 or more")
        # Schemas and tools are read and paid for as messages are.
        asked = count_tokens([json.dumps(chat.options, default=str)]) if chat.options else 0
        own = clean(chat.messages, provider=model.provider)
        messages = fit(own, model.context_tokens - max_tokens - asked)
        attempt = Attempt(
            model,
            call=_idempotency_key(chat, model, number),
            ledger=chat.ledger,
            breaker=self.breakers[model.id],
            input_tokens=sum(map(count_message, messages)) + asked,
            max_tokens=max_tokens,
        )
        return attempt, messages

    async def _tokens(
        self, attempt: Attempt, messages: Sequence[dict[str, Any]], chat: Chat
    ) -> AsyncGenerator[Token, None]:
        model = attempt.model
        async with self._place(attempt, chat), attempt:
            self._repeats.note_call()
            name, base_url, api_key = await self._reachable(model, chat)
            request = Request(
                model=model.id,
                litellm=name,
                messages=messages,
                max_tokens=attempt.max_tokens,
                limits=self.limits,
                # The transport waits on real sockets, whatever the clock of the turn is.
                deadline=time.monotonic() + self._left(chat),
                base_url=base_url or None,
                api_key=api_key or None,
                idempotency_key=attempt.call,
                options={"reasoning_effort": model.effort, **chat.options}
                if model.effort
                else chat.options,
            )
            noted = _noted(transport.stream(request), attempt)
            pieces = checked(noted, model=model.id, options=chat.options, whole=chat.whole)
            async with aclosing(noted), aclosing(pieces):
                async for piece in pieces:
                    attempt.show(piece)
                    yield Token(model=model.id, piece=piece)

    @asynccontextmanager
    async def _place(self, attempt: Attempt, chat: Chat) -> AsyncIterator[None]:
        """Hold a place of the caller and one of the provider; waiting for them is the turn's time.

        A provider that is full is waited for as long as for a connection: another model may be free.
        """
        model, left = attempt.model, self._left(chat)
        over = DeadlineError(_OVER, model=model.id)
        if left <= 0:
            raise over
        attempt.check()
        busy = ProviderError(f"{model.id} is busy with other calls", model=model.id)
        wait = min(left, self.limits.connect)
        async with AsyncExitStack() as held:
            if chat.caller is not None:
                mine = self._callers.place(chat.caller, seconds=left, otherwise=over)
                await held.enter_async_context(mine)
            theirs = self._providers.place(model.provider, seconds=wait, otherwise=busy)
            await held.enter_async_context(theirs)
            yield

    def _left(self, chat: Chat) -> float:
        """Return the seconds of the turn that are left."""
        return chat.deadline - self._clock()

    async def _reachable(self, model: Model, chat: Chat) -> tuple[str, str, str]:
        """Return what `_address` does, within the turn's time."""
        try:
            async with asyncio.timeout(self._left(chat)):
                return await self._address(model)
        except TimeoutError:
            raise DeadlineError(_OVER, model=model.id) from None
        except ModelFileError as error:
            raise ProviderError(str(error), model=model.id) from None

    async def _address(self, model: Model) -> tuple[str, str, str]:
        """Return LiteLLM's name for the model, its address and its key; a local one is started first."""
        if model.local:
            assert self._local is not None, "a model without a server is masked"
            endpoint = await self._local.aensure(model.id)
            return f"openai/{endpoint.model}", endpoint.api_base, endpoint.api_key
        base_url = os.environ.get(model.base_url_env, "") if model.base_url_env else model.base_url
        # An endpoint without a key still wants the header.
        api_key = os.environ.get(model.key, "") if model.key else ("none" if base_url else "")
        return model.litellm, base_url, api_key


async def _noted(
    pieces: AsyncGenerator[Piece, None], attempt: Attempt
) -> AsyncGenerator[Piece, None]:
    """Pass the pieces on and take them into the books."""
    async with aclosing(pieces):
        async for piece in pieces:
            attempt.note(piece)
            yield piece


def _idempotency_key(chat: Chat, model: Model, number: int) -> str:
    """Return the name of an attempt at a call, by which a provider knows it if it comes again."""
    return hashlib.sha256(f"{chat.id} {model.id} {number}".encode()).hexdigest()[:32]


def _pass_over(model: Model, reason: str, chat: Chat) -> None:
    """Leave a trace of a model that was not called, so that nobody wonders why another answered."""
    chat.ledger.note(Call(model=model.id, ok=False, cost_usd=0.0, error=reason))
