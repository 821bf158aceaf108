"""The whole of MoMA as a LangChain chat model, for code that knows only chat models.

    model = MomaChatModel(graph=build_graph(catalog="catalog.yaml", checkpointer=saver))
    model.invoke("What is 17% of 2,350?", {"configurable": {"thread_id": "42"}})

With a thread in the config only the newest user's message is sent, because the thread has the others; without one all
messages are sent and nothing is kept. System messages, `stop`, and what is bound, such as `temperature`, go to the
model that answers. It takes no tools: MoMA's agents are what it has. For a model that calls your own tools see
`graphs.middleware`.
"""

import asyncio
import contextvars
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
)
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config, var_child_runnable_config
from pydantic import ConfigDict

from agents.errors import InputError
from graphs.call import INSTRUCTIONS, instructions_of
from graphs.spoken import HOW, Ended, Noted, Reading, Said
from graphs.state import Context
from graphs.threads import MomaGraph

__all__ = ["MomaChatModel"]

_THREAD = "moma_thread"
_NO_TOOLS = (
    "MomaChatModel takes no tools, MoMA's agents are what it has; for a model that calls yours take "
    "graphs.middleware.ModelChoice"
)


class MomaChatModel(BaseChatModel):
    """A chat model that is a whole MoMA: agents, models, threads and approvals behind one name.

    The answer's `response_metadata` says who gave it (`served_by`), where the dialogue stands (`phase`), what it cost
    (`cost_usd`, None where a price is not known) and the decision `record`. A question of an agent, an approval too, is
    an answer like any other; the next message on the thread replies to it.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    graph: MomaGraph
    context: Context | None = None
    """Who is calling; None is nobody in particular."""

    @property
    def _llm_type(self) -> str:
        return "moma"

    def invoke(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        """Answer a message; see `BaseChatModel.invoke`."""
        return super().invoke(input, config, **_with_thread(config, kwargs))

    async def ainvoke(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        """Answer a message; see `BaseChatModel.ainvoke`."""
        return await super().ainvoke(input, config, **_with_thread(config, kwargs))

    def stream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        """Answer a message in pieces; see `BaseChatModel.stream`."""
        yield from super().stream(input, config, **_with_thread(config, kwargs))

    async def astream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        """Answer a message in pieces; see `BaseChatModel.astream`."""
        async for chunk in super().astream(input, config, **_with_thread(config, kwargs)):
            yield chunk

    def bind_tools(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse tools.

        Raises:
            NotImplementedError: always, as LangChain expects of a model without tools.
        """
        raise NotImplementedError(_NO_TOOLS)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        graph, given, config, context = self._turn(messages, {"stop": stop, **kwargs})
        apart, reading = _apart(), Reading()
        parts: Any = graph.astream(given, config, context=context, **HOW)

        async def following() -> Any:
            return await anext(parts, None)

        try:
            while (part := await asyncio.create_task(following(), context=apart)) is not None:
                for chunk in _chunks(reading.take(part)):
                    if run_manager:
                        await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk
        finally:
            await asyncio.create_task(parts.aclose(), context=apart)
        for event in reading.end():
            for chunk in _chunks(event):
                if run_manager:
                    await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        graph, given, config, context = self._turn(messages, {"stop": stop, **kwargs})
        apart, reading = _apart(), Reading()
        parts = graph.stream(given, config, context=context, **HOW)
        while (part := apart.run(next, parts, None)) is not None:
            for chunk in _chunks(reading.take(part)):
                if run_manager:
                    run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk
        for event in reading.end():
            for chunk in _chunks(event):
                if run_manager:
                    run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return _whole([*self._stream(messages, stop, run_manager, **kwargs)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return _whole([c async for c in self._astream(messages, stop, run_manager, **kwargs)])

    def _turn(
        self, messages: Sequence[BaseMessage], asked: dict[str, Any]
    ) -> tuple[MomaGraph, dict[str, Any], RunnableConfig, Context | None]:
        """Return the graph, its input, its config and its context for a call.

        Raises:
            InputError: there is no message of the user, or something is asked that cannot be had.
        """
        thread = asked.pop(_THREAD, None)
        context = _with_call(self.context, messages, asked)
        said = [message for message in messages if not isinstance(message, SystemMessage)]
        if thread is None:
            config: RunnableConfig = {"configurable": {"thread_id": uuid.uuid4().hex}}
            return self.graph.copy({"checkpointer": None}), {"messages": said}, config, context
        newest = next((m for m in reversed(said) if isinstance(m, HumanMessage)), None)
        if newest is None:
            raise InputError("there is no message of the user; send one")
        config = {"configurable": {"thread_id": thread}}
        return self.graph, {"messages": [newest]}, config, context


def _with_call(
    context: Context | None, messages: Sequence[BaseMessage], asked: Mapping[str, Any]
) -> Context | None:
    """Return the context with what a call asks of the model that answers: its system messages and options."""
    if "tools" in asked:
        raise InputError(_NO_TOOLS)
    given = context or Context()
    prompts = [m.text for m in messages if isinstance(m, SystemMessage)]
    prompt = "\n\n".join(text for text in (instructions_of(given.call), *prompts) if text)
    options = {name: value for name, value in asked.items() if value is not None}
    if prompt:
        options[INSTRUCTIONS] = prompt
    return replace(given, call={**given.call, **options}) if options else context


def _with_thread(config: RunnableConfig | None, kwargs: dict[str, Any]) -> dict[str, Any]:
    thread = (ensure_config(config).get("configurable") or {}).get("thread_id")
    return kwargs if thread is None else {_THREAD: str(thread), **kwargs}


def _apart() -> contextvars.Context:
    """Return a context in which a turn is a run of its own, also within a node of another graph."""
    context = contextvars.copy_context()
    context.run(var_child_runnable_config.set, None)
    return context


def _chunks(event: Said | Noted | Ended | None) -> Iterator[ChatGenerationChunk]:
    if isinstance(event, Said):
        yield ChatGenerationChunk(message=AIMessageChunk(content=event.text))
    elif isinstance(event, Ended):
        record = event.record
        facts = {
            "model_name": event.served_by["id"],
            "served_by": event.served_by,
            "phase": event.phase,
            "cost_usd": record.get("cost_usd"),
            "record": record,
        }
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                content="", response_metadata=facts, usage_metadata=_usage(record)
            )
        )


def _usage(record: dict[str, Any]) -> UsageMetadata:
    calls = record.get("calls") or ()
    read = sum(call["input_tokens"] for call in calls)
    written = sum(call["output_tokens"] for call in calls)
    return UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written)


def _whole(chunks: Sequence[ChatGenerationChunk]) -> ChatResult:
    text = "".join(chunk.text for chunk in chunks)
    last = chunks[-1].message
    assert isinstance(last, AIMessageChunk)
    message = AIMessage(
        text, response_metadata=last.response_metadata, usage_metadata=last.usage_metadata
    )
    return ChatResult(generations=[ChatGeneration(message=message)])
