"""Answers a chat by the first model of an order that can: one loop owns retries, fallback, breaker, budget, deadline.

It knows no routing: the order comes from outside, already masked. A model that has shown text is never replaced.
"""

import asyncio
import hashlib
import json
import os
import random
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from agents.errors import DeadlineError, ModelFileError, NoModelError, ProviderError
from graphs.gateway import transport
from graphs.gateway.attempt import Attempt
from graphs.gateway.breaker import Breaker
from graphs.gateway.ledger import Ledger
from graphs.gateway.local import LocalServers
from graphs.gateway.models import Model, count_message, count_tokens
from graphs.gateway.transport import Limits, Piece, Request

ATTEMPTS_A_DEPLOYMENT, ATTEMPTS_A_TURN = 2, 6
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """What is to be answered."""

    messages: Sequence[dict[str, Any]]
    """In OpenAI's form, oldest first."""
    order: Sequence[str]
    """The models that may answer, in the order of choice."""
    ledger: Ledger
    deadline: float
    """On the monotonic clock."""
    max_tokens: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    """The same when the same call is made again, by a node that was cut short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A piece of an answer and the model that gave it."""

    model: str
    piece: Piece


class Gateway:
    """The models that can be called, with a breaker each."""

    def __init__(
        self,
        models: Sequence[Model],
        *,
        local: LocalServers | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """The clock is that of the breakers."""
        self.models: Mapping[str, Model] = {model.id: model for model in models}
        self.limits = limits or Limits()
        self._local = local
        self._breakers = {model.id: Breaker(clock) for model in models}

    def breaker_open(self, model: str) -> bool:
        """Whether `model` is resting after failures."""
        return self._breakers[model].open

    def missing_file(self, model: Model) -> str | None:
        """Return why a local model's file cannot be served, or None."""
        if not model.local:
            return None
        return self._local.fault(model.id) if self._local else "no local server is configured"

    def deadline(self) -> float:
        """Return the deadline of a turn that begins now."""
        return time.monotonic() + self.limits.turn

    async def stream(self, chat: Chat) -> AsyncGenerator[Token, None]:
        """Answer `chat`, from the first model of its order that can.

        Raises:
            NoModelError: the order is empty.
            DeadlineError: the turn's time is over.
            BudgetError: what is left of the budget is too little for any of them.
            ProviderError: every model failed; the last failure.
        """
        failure: ProviderError = NoModelError("no model may answer this turn; /models says why")
        calls = 0
        for model in dict.fromkeys(chat.order):
            for number in range(1, ATTEMPTS_A_DEPLOYMENT + 1):
                if calls == ATTEMPTS_A_TURN:
                    raise failure
                attempt, messages = self._prepared(self.models[model], chat)
                try:
                    async with aclosing(self._tokens(attempt, messages, chat, number)) as tokens:
                        async for token in tokens:
                            yield token
                    return
                except ProviderError as error:
                    if attempt.begun or isinstance(error, DeadlineError):
                        raise
                    # A call that failed says more than one that was not made.
                    if attempt.admitted or not calls:
                        failure = error
                    pause = _pause(error, number)
                calls += attempt.admitted
                if pause is None or time.monotonic() + pause >= chat.deadline:
                    break
                await asyncio.sleep(pause)
        raise failure

    def _prepared(self, model: Model, chat: Chat) -> tuple[Attempt, list[dict[str, Any]]]:
        """Return the attempt at an answer of `model`, and the messages that it can read."""
        # At least half of the window is for what the model reads.
        longest = min(model.max_output_tokens, model.context_tokens // 2)
        max_tokens = min(chat.max_tokens or longest, longest)
        # Schemas and tools are read and paid for as messages are.
        asked = count_tokens([json.dumps(chat.options, default=str)]) if chat.options else 0
        messages = fit(chat.messages, model.context_tokens - max_tokens - asked)
        attempt = Attempt(
            model,
            ledger=chat.ledger,
            breaker=self._breakers[model.id],
            input_tokens=sum(map(count_message, messages)) + asked,
            max_tokens=max_tokens,
        )
        return attempt, messages

    async def _tokens(
        self, attempt: Attempt, messages: Sequence[dict[str, Any]], chat: Chat, number: int
    ) -> AsyncGenerator[Token, None]:
        model = attempt.model
        if chat.deadline <= time.monotonic():
            raise DeadlineError("the time for this turn is over", model=model.id)
        with attempt:
            name, base_url, api_key = await self._reachable(model, chat.deadline)
            request = Request(
                model=model.id,
                litellm=name,
                messages=messages,
                max_tokens=attempt.max_tokens,
                limits=self.limits,
                deadline=chat.deadline,
                base_url=base_url or None,
                api_key=api_key or None,
                idempotency_key=_idempotency_key(chat, model, number),
                options=chat.options,
            )
            async with aclosing(transport.stream(request)) as pieces:
                async for piece in pieces:
                    attempt.note(piece)
                    yield Token(model=model.id, piece=piece)

    async def _reachable(self, model: Model, deadline: float) -> tuple[str, str, str]:
        """Return what `_address` does, within the turn's time."""
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await self._address(model)
        except TimeoutError:
            raise DeadlineError("the time for this turn is over", model=model.id) from None
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


def _idempotency_key(chat: Chat, model: Model, number: int) -> str:
    """Return the name of an attempt at a call, by which a provider knows it if it comes again."""
    return hashlib.sha256(f"{chat.id} {model.id} {number}".encode()).hexdigest()[:32]


def _pause(error: ProviderError, number: int) -> float | None:
    """Return the seconds to wait before the next attempt on the same deployment; None: there is none."""
    if not error.may_retry or number == ATTEMPTS_A_DEPLOYMENT:
        return None
    if error.retry_after is not None:
        return error.retry_after
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**number)
    return random.uniform(0, longest)  # noqa: S311 full jitter, not a secret


def fit(messages: Sequence[dict[str, Any]], tokens: int) -> list[dict[str, Any]]:
    """Return the system messages and as many of the last others as fit `tokens`; the last is always kept.

    The answers of tools stay with the message that called them: without it, providers refuse them.
    """
    system = [m for m in messages if m["role"] == "system"]
    groups: list[list[dict[str, Any]]] = []
    for message in (m for m in messages if m["role"] != "system"):
        if message["role"] == "tool" and groups:
            groups[-1].append(message)
        else:
            groups.append([message])
    left = tokens - sum(map(count_message, system))
    kept: list[dict[str, Any]] = []
    for group in reversed(groups):
        left -= sum(map(count_message, group))
        if left < 0 and kept:
            break
        kept = group + kept
    return system + kept
