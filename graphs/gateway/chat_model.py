"""The gateway as a LangChain chat model, so that agents and the answer node call models as any LangChain code does.

It is made for one turn: the order of models, the ledger and the deadline are the turn's.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from queue import SimpleQueue
from typing import Any
from uuid import uuid4

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
)
from langchain_core.globals import get_llm_cache
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import (
    LC_ID_PREFIX,
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    convert_to_openai_messages,
)
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.runnables.config import ensure_config, get_async_callback_manager_for_config
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from pydantic import BaseModel, ConfigDict, Field

from agents.errors import AgentError, ProviderError
from graphs.gateway.gateway import Chat, Gateway, Token
from graphs.gateway.ledger import Ledger
from graphs.gateway.pieces import Piece, joined
from graphs.own_loop import OwnLoop
from graphs.results import Results

_PASSED_ON = (
    "response_format", "temperature", "top_p", "presence_penalty", "frequency_penalty", "seed", "reasoning_effort",
    "tools", "tool_choice", "parallel_tool_calls", "logprobs", "user",
)  # fmt: skip


class GatewayChatModel(BaseChatModel):
    """A chat model that is the first of `order` that can answer."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    # LangChain writes what a model is, by its fields, for each call: so only what is short is shown.
    gateway: Gateway = Field(repr=False)
    order: tuple[str, ...]
    ledger: Ledger = Field(repr=False)
    deadline: float
    caller: str | None = None
    """Who asks; None is nobody in particular."""
    whole: bool = False
    """Whether an answer is passed on only when all of it is there, so that one that breaks off can be replaced."""
    max_tokens: int | None = None
    loop: asyncio.AbstractEventLoop = Field(repr=False)
    """The turn's loop, which a synchronous call from its own thread would stop."""
    results: Results | None = Field(default=None, repr=False)
    """Where answers are kept for a node that runs again; None keeps none."""

    @property
    def _llm_type(self) -> str:
        return "moma"

    async def answer(self, messages: list[BaseMessage], **options: Any) -> AIMessage:
        """Answer as `ainvoke` does; where nobody listens, without LangChain's announcements: they take most of a ms."""
        if _is_heard():
            return await self.ainvoke(messages, **options)
        message = (await self._agenerate(messages, **options)).generations[0].message
        assert isinstance(message, AIMessage)
        return message.model_copy(update={"id": f"{LC_ID_PREFIX}-{uuid4()}"})

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        first, shown = True, ""
        try:
            async with aclosing(self._tokens(messages, stop, run_manager, kwargs)) as tokens:
                async for token in tokens:
                    chunk, first = _chunk(token, first=first), False
                    if run_manager:
                        await run_manager.on_llm_new_token(token.piece.text, chunk=chunk)
                    shown += token.piece.text
                    yield chunk
        except ProviderError as error:
            error.shown = shown
            raise

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        self._refuse_own_loop()
        came: SimpleQueue[Token | None] = SimpleQueue()

        async def read() -> None:
            async with aclosing(self._tokens(messages, stop, run_manager, kwargs)) as tokens:
                async for token in tokens:
                    came.put(token)

        reading = asyncio.run_coroutine_threadsafe(read(), _own_loop.get())
        reading.add_done_callback(lambda _: came.put(None))
        first = True
        try:
            while (token := came.get()) is not None:
                chunk, first = _chunk(token, first=first), False
                if run_manager:
                    run_manager.on_llm_new_token(token.piece.text, chunk=chunk)
                yield chunk
            reading.result()
        finally:
            reading.cancel()

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        """Answer where nobody reads along: so an answer that breaks off can be replaced, and its words come at once."""
        if run_manager and run_manager.handlers:
            chunks = [c async for c in self._astream(messages, stop, run_manager, **kwargs)]
            return ChatResult(generations=[_joined(chunks)])
        model, pieces = "", list[Piece]()
        async with aclosing(
            self._tokens(messages, stop, run_manager, kwargs, whole=True)
        ) as tokens:
            async for token in tokens:
                model = token.model
                pieces.append(token.piece)
        chunks = [
            _chunk(Token(model=model, piece=piece), first=not n)
            for n, piece in enumerate(joined(pieces))
        ]
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

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Return the model with tools that it may call; `any` obliges it to call one, a name to call that."""
        choice: Any = {"any": "required"}.get(tool_choice or "", tool_choice)
        if choice not in (None, "auto", "none", "required"):
            choice = {"type": "function", "function": {"name": choice}}
        schemas = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=schemas, tool_choice=choice, **kwargs)

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """Return the model bound to answer in the JSON of `schema`, as small local models can too."""
        if include_raw or kwargs:
            raise NotImplementedError(
                "with_structured_output takes a schema only; for the raw message, bind "
                "`response_format` and parse the text"
            )
        wanted = convert_to_json_schema(schema)
        named = {"name": wanted.get("title", "answer"), "schema": wanted}
        bound = self.bind(response_format={"type": "json_schema", "json_schema": named})
        if isinstance(schema, type) and issubclass(schema, BaseModel):
            return bound | PydanticOutputParser(pydantic_object=schema)
        return bound | JsonOutputParser()

    def _refuse_own_loop(self) -> None:
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            return
        if here is self.loop:
            raise AgentError(
                "the model was called synchronously on the event loop, which would stop every other turn; "
                "call ainvoke or astream, or make the node a plain function"
            )

    def _tokens(
        self,
        messages: Sequence[BaseMessage],
        stop: list[str] | None,
        run_manager: AsyncCallbackManagerForLLMRun | CallbackManagerForLLMRun | None,
        given: dict[str, Any],
        *,
        whole: bool = False,
    ) -> AsyncGenerator[Token, None]:
        chat = self._chat(messages, stop, given, whole=whole or self.whole)
        if self.results is None:
            return self.gateway.stream(chat)
        metadata = run_manager.metadata if run_manager else {}
        place = str(metadata.get("langgraph_checkpoint_ns", ""))
        # A node of the orchestrator's own is told from others by its task; LangChain does not always name it.
        scope = place if "|" in place else ""
        if not scope and self.whole and len(self.order) == 1:
            # A cascade may ask the models in another order when it runs again; each answer stays its model's.
            scope = self.order[0]
        return self.results.stream(self.gateway, chat, scope=scope)

    def _chat(
        self,
        messages: Sequence[BaseMessage],
        stop: list[str] | None,
        given: dict[str, Any],
        *,
        whole: bool,
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
            caller=self.caller,
            whole=whole,
            max_tokens=given.get("max_tokens") or self.max_tokens,
            options=options,
        )


_own_loop = OwnLoop("moma-models")
"""Serves synchronous calls. The turn's loop cannot: its worker threads may all be waiting for such calls, which need
one to resolve a name."""


def _is_heard() -> bool:
    """Whether a call is shown to anyone: a stream of messages, a tracer, a callback, LangChain's own cache."""
    manager = get_async_callback_manager_for_config(ensure_config())
    return bool(manager.handlers) or get_llm_cache() is not None


def _chunk(token: Token, *, first: bool) -> ChatGenerationChunk:
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
    # Chunks are merged by adding metadata up, so each fact is said once. Who answers stands at the beginning: a model
    # that has shown text is never replaced.
    metadata: dict[str, Any] = {"model_name": token.model} if first else {}
    if piece.finish:
        metadata["finish_reason"] = piece.finish
    if piece.logprobs:
        metadata["logprobs"] = list(piece.logprobs)
    message = AIMessageChunk(
        content=piece.text,
        tool_call_chunks=calls,
        usage_metadata=usage,
        response_metadata=metadata,
    )
    return ChatGenerationChunk(message=message)


def _joined(chunks: Sequence[ChatGenerationChunk]) -> Any:
    return chunks[0] + list(chunks[1:]) if len(chunks) > 1 else chunks[0]
