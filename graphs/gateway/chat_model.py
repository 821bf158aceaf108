"""The gateway as a LangChain chat model, so that agents and the answer node call models as any LangChain code does.

It is made for one turn: the order of models, the ledger and the deadline are the turn's.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage, convert_to_openai_messages
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import ConfigDict

from graphs.gateway.gateway import Chat, Gateway, Token
from graphs.gateway.ledger import Ledger

_PASSED_ON = ("response_format", "temperature", "top_p", "seed", "tools", "tool_choice", "logprobs")


class GatewayChatModel(BaseChatModel):
    """A chat model that is the first of `order` that can answer."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    gateway: Gateway
    order: tuple[str, ...]
    ledger: Ledger
    deadline: float
    max_tokens: int | None = None
    loop: asyncio.AbstractEventLoop
    """Where calls run; synchronous callers in other threads wait for it."""

    @property
    def _llm_type(self) -> str:
        return "moma"

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        async for token in self.gateway.stream(self._chat(messages, stop, kwargs)):
            chunk = _chunk(token)
            if run_manager:
                await run_manager.on_llm_new_token(token.piece.text, chunk=chunk)
            yield chunk

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        tokens = self.gateway.stream(self._chat(messages, stop, kwargs))
        try:
            while True:
                following = asyncio.run_coroutine_threadsafe(anext(tokens, None), self.loop)
                token = following.result()
                if token is None:
                    return
                chunk = _chunk(token)
                if run_manager:
                    run_manager.on_llm_new_token(token.piece.text, chunk=chunk)
                yield chunk
        finally:
            asyncio.run_coroutine_threadsafe(tokens.aclose(), self.loop)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        chunks = [c async for c in self._astream(messages, stop, run_manager, **kwargs)]
        return ChatResult(generations=[_joined(chunks)])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(
            generations=[_joined([*self._stream(messages, stop, run_manager, **kwargs)])]
        )

    def _chat(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, given: dict[str, Any]
    ) -> Chat:
        options = {name: given[name] for name in _PASSED_ON if given.get(name) is not None}
        if stop:
            options["stop"] = stop
        converted = convert_to_openai_messages(list(messages))
        assert isinstance(converted, list)
        return Chat(
            messages=converted,
            order=self.order,
            ledger=self.ledger,
            deadline=self.deadline,
            max_tokens=given.get("max_tokens") or self.max_tokens,
            options=options,
        )


def _chunk(token: Token) -> ChatGenerationChunk:
    piece = token.piece
    usage = None
    if piece.finish and piece.input_tokens is not None and piece.output_tokens is not None:
        usage = UsageMetadata(
            input_tokens=piece.input_tokens,
            output_tokens=piece.output_tokens,
            total_tokens=piece.input_tokens + piece.output_tokens,
        )
    calls = [
        tool_call_chunk(
            name=(call.get("function") or {}).get("name"),
            args=(call.get("function") or {}).get("arguments"),
            id=call.get("id"),
            index=call.get("index"),
        )
        for call in piece.tool_calls
    ]
    # Chunks are merged by adding metadata up, so each fact is said once, at the end.
    metadata = {"model_name": token.model, "finish_reason": piece.finish} if piece.finish else {}
    message = AIMessageChunk(
        content=piece.text,
        tool_call_chunks=calls,
        usage_metadata=usage,
        response_metadata=metadata,
    )
    return ChatGenerationChunk(message=message)


def _joined(chunks: Sequence[ChatGenerationChunk]) -> Any:
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    return whole
