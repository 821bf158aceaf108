"""Answers a chat by the first model of an order that can: one loop owns retries, fallback, breaker, budget, deadline.

It knows no routing: the order comes from outside, already masked. A model that has shown text is never replaced.
"""

import asyncio
import os
import random
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.errors import (
    BrokenAnswerError,
    BudgetError,
    DeadlineError,
    ModelFileError,
    NoModelError,
    ProviderError,
)
from graphs.gateway import transport
from graphs.gateway.breaker import Breaker
from graphs.gateway.ledger import Call, Ledger
from graphs.gateway.local import LocalServers
from graphs.gateway.models import Model, count_tokens
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
    ) -> None:
        self.models: Mapping[str, Model] = {model.id: model for model in models}
        self.limits = limits or Limits()
        self._local = local
        self._breakers = {model.id: Breaker() for model in models}

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
        if not chat.order:
            raise NoModelError("no model may answer this turn; /models says why")
        last: ProviderError | None = None
        attempts = 0
        for model_id in chat.order:
            for attempt in range(ATTEMPTS_A_DEPLOYMENT):
                if attempts >= ATTEMPTS_A_TURN:
                    break
                if attempt:
                    await self._pause(attempt, chat.deadline)
                attempts += 1
                shown = False
                try:
                    async for token in self._attempt(self.models[model_id], chat):
                        shown = shown or bool(token.piece.text or token.piece.tool_calls)
                        yield token
                    return
                except ProviderError as error:
                    if shown or isinstance(error, DeadlineError):
                        raise
                    last = error
                    if not error.may_retry:
                        break
        raise last or NoModelError("no model may answer this turn; /models says why")

    async def _attempt(self, model: Model, chat: Chat) -> AsyncGenerator[Token, None]:
        left = chat.deadline - time.monotonic()
        if left <= 0:
            raise DeadlineError("the time for this turn is over", model=model.id)
        breaker = self._breakers[model.id]
        if not breaker.admit():
            raise ProviderError(f"{model.id} is resting after failures", model=model.id)
        texts = [str(m.get("content") or "") for m in chat.messages]
        tokens_in = count_tokens(texts)
        tokens_out = min(chat.max_tokens or model.max_output_tokens, model.max_output_tokens)
        try:
            reserved = chat.ledger.reserve(
                model.id, model.price, input_tokens=tokens_in, output_tokens=tokens_out
            )
        except BudgetError:
            breaker.release()
            raise
        began, first, text, usage = time.monotonic(), None, 0, Piece()
        error: str | None = "cancelled"
        try:
            async with asyncio.timeout(left):
                request = await self._request(model, chat, max_tokens=tokens_out)
                async for piece in transport.stream(request):
                    if first is None:
                        first = time.monotonic()
                    text += len(piece.text)
                    if piece.finish:
                        usage = piece
                    yield Token(model=model.id, piece=piece)
            breaker.succeed()
            error = None
        except TimeoutError:
            breaker.fail()
            error = "the turn's time was over"
            raise DeadlineError("the time for this turn is over", model=model.id) from None
        except (ProviderError, ModelFileError) as failure:
            error = str(failure)
            breaker.fail() if _is_fault(failure) else breaker.release()
            if isinstance(failure, ModelFileError):
                raise ProviderError(error, model=model.id) from None
            raise
        finally:
            if error == "cancelled":
                breaker.release()
            spent_in = usage.input_tokens if usage.input_tokens is not None else tokens_in
            spent_out = (
                usage.output_tokens
                if usage.output_tokens is not None
                else count_tokens(["x" * text])
            )
            billed = error is None or first is not None
            now = time.monotonic()
            chat.ledger.settle(
                reserved,
                Call(
                    model=model.id,
                    ok=error is None,
                    input_tokens=spent_in if billed else 0,
                    output_tokens=spent_out if billed else 0,
                    cost_usd=_cost(model, spent_in, spent_out) if billed else 0.0,
                    first_token_ms=None if first is None else round(1e3 * (first - began), 1),
                    ms=round(1e3 * (now - began), 1),
                    error=error,
                ),
            )

    async def _request(self, model: Model, chat: Chat, *, max_tokens: int) -> Request:
        name, base_url, api_key = await self._address(model)
        return Request(
            model=model.id,
            litellm=name,
            messages=fit(chat.messages, model.context_tokens - max_tokens),
            max_tokens=max_tokens,
            limits=self.limits,
            base_url=base_url or None,
            api_key=api_key or None,
            options=chat.options,
        )

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

    async def _pause(self, attempt: int, deadline: float) -> None:
        """Wait with full jitter before an attempt on the same deployment."""
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt)
        pause = random.uniform(0, longest)  # noqa: S311 jitter, not a secret
        await asyncio.sleep(max(0.0, min(pause, deadline - time.monotonic())))


def fit(messages: Sequence[dict[str, Any]], tokens: int) -> list[dict[str, Any]]:
    """Return the system messages and as many of the last others as fit `tokens`; the last is always kept."""
    system = [m for m in messages if m["role"] == "system"]
    others = [m for m in messages if m["role"] != "system"]
    left = tokens - count_tokens([str(m.get("content") or "") for m in system])
    kept: list[dict[str, Any]] = []
    for message in reversed(others):
        left -= count_tokens([str(message.get("content") or "")])
        if left < 0 and kept:
            break
        kept.append(message)
    return system + kept[::-1]


def _is_fault(failure: Exception) -> bool:
    """Return whether the deployment is at fault; a refused request says nothing of its health."""
    retryable = isinstance(failure, ProviderError) and failure.may_retry
    return retryable or isinstance(failure, BrokenAnswerError | ModelFileError)


def _cost(model: Model, input_tokens: int, output_tokens: int) -> float | None:
    return None if model.price is None else model.price.of(input_tokens, output_tokens)
