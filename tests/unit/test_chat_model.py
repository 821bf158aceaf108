"""The gateway as agents see it: a LangChain chat model, called from the loop and from other threads."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from typing import Any, cast

import pytest
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from pydantic import BaseModel

from agents.errors import AgentError, NoModelError, ProviderError
from graphs.gateway import transport
from graphs.gateway.chat_model import GatewayChatModel
from graphs.gateway.gateway import Gateway
from graphs.gateway.ledger import Ledger
from graphs.gateway.models import Model, Price
from graphs.gateway.transport import Limits
from tests.support.provider import FakeProvider, ok, stall, status, tool_call
from tests.support.waiting import PATIENCE_S


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Pay for the import before anything is timed."""
    transport.load()


def chat_model(
    *providers: FakeProvider, base_url: str | None = None, **more: Any
) -> GatewayChatModel:
    """Return a chat model of this event loop, over a model for each provider."""
    models = [
        Model(
            id=f"m{n}",
            litellm="openai/fake",
            base_url=base_url or provider.base_url,
            price=Price(input=1, output=1),
            context_tokens=4096,
        )
        for n, provider in enumerate(providers)
    ]
    gateway = Gateway(
        models, limits=Limits(first_token=PATIENCE_S, idle=PATIENCE_S, turn=PATIENCE_S)
    )
    return GatewayChatModel(
        gateway=gateway,
        order=tuple(gateway.models),
        ledger=Ledger(),
        deadline=gateway.deadline(),
        loop=asyncio.get_running_loop(),
        **more,
    )


async def test_an_answer_comes_with_its_model_its_finish_and_its_usage() -> None:
    with FakeProvider(ok("One two.", usage=(9, 4))) as provider:
        message = await chat_model(provider).ainvoke("Hi.")
    assert message.text == "One two."
    assert message.response_metadata["model_name"] == "m0"
    assert message.response_metadata["finish_reason"] == "stop"
    assert message.usage_metadata == {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}


async def test_streamed_chunks_add_up_to_the_same() -> None:
    with FakeProvider(ok("One two.", usage=(9, 4))) as provider:
        chunks = [chunk async for chunk in chat_model(provider).astream("Hi.")]
    assert "".join(chunk.text for chunk in chunks) == "One two."
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert whole.response_metadata["model_name"] == "m0"
    assert whole.usage_metadata
    assert whole.usage_metadata["total_tokens"] == 13


async def test_a_thread_may_call_and_stream_synchronously() -> None:
    with FakeProvider(ok("One two.")) as provider:
        model = chat_model(provider)
        message = await asyncio.to_thread(model.invoke, "Hi.")
        chunks = await asyncio.to_thread(lambda: list(model.stream("Hi.")))
    assert message.text == "".join(chunk.text for chunk in chunks) == "One two."
    assert message.usage_metadata


async def test_a_call_on_the_loops_own_thread_says_what_to_do_instead_of_waiting_for_ever() -> None:
    with FakeProvider() as provider:
        model = chat_model(provider)
        with pytest.raises(AgentError, match="call ainvoke or astream"):
            model.invoke("Hi.")
        with pytest.raises(AgentError, match="call ainvoke or astream"):
            list(model.stream("Hi."))
    assert provider.requests == []


async def test_errors_reach_a_thread_as_they_are() -> None:
    with FakeProvider(status(401)) as provider:
        model = chat_model(provider)
        with pytest.raises(ProviderError, match="m0 refused its key"):
            await asyncio.to_thread(model.invoke, "Hi.")
    with pytest.raises(NoModelError):
        await asyncio.to_thread(chat_model().invoke, "Hi.")


async def test_a_sync_stream_that_is_closed_early_hangs_up() -> None:
    def first_of(model: GatewayChatModel) -> str:
        stream = cast("Generator[AIMessageChunk, None, None]", model.stream("Hi."))
        with closing(stream):
            return next(stream).text

    with FakeProvider(stall(1)) as provider:
        model = chat_model(provider)
        assert await asyncio.to_thread(first_of, model) == "word "
        assert await asyncio.to_thread(provider.requests[0].hung_up.wait, 1)
        assert [call["error"] for call in model.ledger.calls] == ["cancelled"]


async def test_a_stream_that_is_closed_early_hangs_up() -> None:
    with FakeProvider(stall(2)) as provider:
        stream = cast("AsyncGenerator[AIMessageChunk, None]", chat_model(provider).astream("Hi."))
        async with aclosing(stream):
            await anext(stream)
        assert await asyncio.to_thread(provider.requests[0].hung_up.wait, 1)


async def test_calls_that_fill_the_loops_worker_threads_are_still_answered() -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
    with FakeProvider(ok("Yes.")) as provider:
        # A name has to be resolved, which takes a worker thread of the loop that makes the call.
        named = provider.base_url.replace("127.0.0.1", "localhost")
        model = chat_model(provider, base_url=named)
        calls = (asyncio.to_thread(model.invoke, "Hi.") for _ in range(20))
        answers = await asyncio.wait_for(asyncio.gather(*calls), 10)
    assert {answer.text for answer in answers} == {"Yes."}
    assert len(model.ledger.calls) == 20


class FakeListener(BaseCallbackHandler):
    """Notes the tokens that it is told of."""

    def __init__(self) -> None:
        self.tokens: list[str] = []

    def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        self.tokens.append(token)


class FakeAsyncListener(AsyncCallbackHandler):
    """Notes the tokens that it is told of."""

    def __init__(self) -> None:
        self.tokens: list[str] = []

    async def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        self.tokens.append(token)


@pytest.mark.parametrize("listener", [FakeListener, FakeAsyncListener])
async def test_callbacks_hear_each_token_once(
    listener: Callable[[], FakeListener | FakeAsyncListener],
) -> None:
    with FakeProvider(ok("One two.")) as provider:
        heard = listener()
        await chat_model(provider).ainvoke("Hi.", {"callbacks": [heard]})
    assert "".join(heard.tokens) == "One two."


async def test_an_answer_is_the_same_where_nobody_listens() -> None:
    with FakeProvider(ok("One two.", usage=(9, 4))) as provider:
        announced = await chat_model(provider).ainvoke("Hi.")
        plain = await chat_model(provider).answer([HumanMessage("Hi.")])
    assert plain.id
    assert plain.id != announced.id
    assert plain.model_copy(update={"id": None}) == announced.model_copy(update={"id": None})


async def test_an_answer_is_announced_to_who_listens() -> None:
    heard = FakeAsyncListener()

    async def ask(asked: str) -> Any:
        return await chat_model(provider).answer([HumanMessage(asked)])

    with FakeProvider(ok("One two.")) as provider:
        await RunnableLambda(ask).ainvoke("Hi.", {"callbacks": [heard]})
    assert "".join(heard.tokens) == "One two."


async def test_callbacks_hear_a_thread_too() -> None:
    with FakeProvider(ok("One two.")) as provider:
        heard = FakeListener()
        await asyncio.to_thread(chat_model(provider).invoke, "Hi.", {"callbacks": [heard]})
    assert "".join(heard.tokens) == "One two."


async def test_what_is_bound_reaches_the_provider() -> None:
    with FakeProvider() as provider:
        model = chat_model(provider, max_tokens=77)
        await model.ainvoke("Hi.", stop=["\n"], temperature=0, unknown_option=1)
        await model.bind(max_tokens=5).ainvoke("Hi.")
    first, second = (seen.body for seen in provider.requests)
    assert (first["stop"], first["temperature"], first["max_tokens"]) == (["\n"], 0, 77)
    assert "unknown_option" not in first
    assert second["max_tokens"] == 5


async def test_messages_keep_their_roles_and_tool_calls() -> None:
    call = {"name": "add", "args": {"a": 1}, "id": "c1"}
    with FakeProvider() as provider:
        await chat_model(provider).ainvoke(
            [
                SystemMessage("S"),
                HumanMessage("Q"),
                AIMessage("", tool_calls=[{**call, "type": "tool_call"}]),
                ToolMessage("2", tool_call_id="c1"),
            ]
        )
    sent = provider.requests[0].body["messages"]
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "tool"]
    assert sent[2]["tool_calls"][0]["id"] == sent[3]["tool_call_id"] == "c1"


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        (None, None),
        ("auto", "auto"),
        ("any", "required"),
        ("add", {"type": "function", "function": {"name": "add"}}),
    ],
)
async def test_bound_tools_are_called(asked: str | None, sent: Any) -> None:
    with FakeProvider(tool_call("add", '{"a": 1,', ' "b": 2}')) as provider:
        message = await chat_model(provider).bind_tools([add], tool_choice=asked).ainvoke("1+2?")
    body = provider.requests[0].body
    assert body["tools"][0]["function"]["name"] == "add"
    assert body.get("tool_choice") == sent
    (call,) = message.tool_calls
    assert (call["name"], call["args"], call["id"]) == ("add", {"a": 1, "b": 2}, "call_1")


class Place(BaseModel):
    """A place."""

    city: str
    people: int


async def test_a_structured_answer_is_asked_for_by_schema_and_parsed() -> None:
    with FakeProvider(ok('{"city": "Oslo", "people": 717710}')) as provider:
        model = chat_model(provider)
        place = await model.with_structured_output(Place).ainvoke("Where?")
        plain = await asyncio.to_thread(
            model.with_structured_output(Place.model_json_schema()).invoke, "Where?"
        )
    assert place == Place(city="Oslo", people=717710)
    assert plain == {"city": "Oslo", "people": 717710}
    for seen in provider.requests:
        asked = seen.body["response_format"]["json_schema"]
        assert asked["name"] == "Place"
        assert set(asked["schema"]["properties"]) == {"city", "people"}


async def test_it_falls_back_as_the_gateway_does() -> None:
    with FakeProvider(status(404)) as gone, FakeProvider(ok("Yes.")) as provider:
        message = await chat_model(gone, provider).ainvoke("Hi.")
    assert message.response_metadata["model_name"] == "m1"
