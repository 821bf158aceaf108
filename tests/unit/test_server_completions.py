"""Chat completions over HTTP, as OpenAI's own client and others see them."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from langchain_core.messages import AIMessageChunk
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI
from pydantic import BaseModel, SecretStr

from agents.contract import declined, done, failed, needs_input
from app.server import completions
from app.server.errors import ApiError
from graphs.gateway.models import Price
from tests.support.agents import fake_agent, model_at
from tests.support.api import Api, serving
from tests.support.provider import (
    FakeProvider,
    Reply,
    cut,
    hang,
    held,
    ok,
    stall,
    status,
    stream,
    tool_call,
)
from tests.support.waiting import PATIENCE_S, wait_until

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
PICTURE = "data:image/png;base64,iVBORw0KGgo="


class Script:
    """What the provider behind the module's server answers, in turn; each test sets its own."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []

    async def __call__(self, wire: Any, seen: Any) -> None:
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        await reply(wire, seen)


class House:
    """A server with one able model, one that is plain and dearer, and two agents."""

    def __init__(self, api: Api, provider: FakeProvider, script: Script) -> None:
        self.api, self.provider, self._script = api, provider, script

    def answers(self, *replies: Reply) -> None:
        self._script.replies = list(replies)
        self.provider.requests.clear()

    @property
    def asked(self) -> list[Any]:
        return [seen.body for seen in self.provider.requests]


@pytest.fixture(scope="module")
def shared() -> Iterator[House]:
    script = Script()
    with FakeProvider(script) as provider:
        able = model_at(
            provider.base_url,
            abilities=frozenset({"tools", "json"}),
            modalities=frozenset({"text", "image"}),
        )
        keyed = model_at("http://127.0.0.1:9", "keyed", key="NOBODY_HAS_THIS_KEY")
        agents = (fake_agent("alpha"), fake_agent("beta"))
        with serving(*agents, models=[able, keyed]) as api:
            yield House(api, provider, script)


@pytest.fixture
def house(shared: House) -> House:
    for breaker in shared.api.resources.services.gateway.breakers.values():
        breaker.__init__(breaker._clock)  # type: ignore[misc]
    shared.answers(ok("Hello there."))
    return shared


def user(content: Any) -> Any:
    return [{"role": "user", "content": content}]


def test_a_model_answers_openais_client(house: House) -> None:
    raw = house.api.openai().chat.completions.with_raw_response.create(
        model="auto", messages=user("write a poem")
    )
    done = raw.parse()
    assert done.choices[0].message.content == "Hello there."
    assert (done.model, done.choices[0].finish_reason) == ("m", "stop")
    assert done.usage is not None
    assert (done.usage.prompt_tokens, done.usage.completion_tokens) == (11, 7)
    assert done.system_fingerprint is not None
    assert done.system_fingerprint.startswith("moma_")
    headers = raw.headers
    assert done.id == f"chatcmpl-{headers['x-moma-decision-id']}"
    assert (headers["x-moma-stage"], headers["x-moma-model"]) == ("idle", "m")
    assert float(headers["x-moma-cost-usd"]) == pytest.approx(25e-6)


def test_an_agent_answers_and_costs_nothing(house: House) -> None:
    done = house.api.openai().chat.completions.create(model="auto", messages=user("alpha please"))
    assert (done.choices[0].message.content, done.model) == ("alpha did it.", "agent:alpha")
    assert done.usage is not None
    assert done.usage.total_tokens == 0


def test_what_the_user_says_is_embedded_before_its_thread_is_looked_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def foresee(text: str) -> None:
        seen.append(text)

    async def find_place(*_: Any) -> Any:
        seen.append("looked for")
        raise ApiError(400, "stop here", code="stopped")

    monkeypatch.setattr(house.api.resources.services.ahead, "foresee", foresee)
    monkeypatch.setattr(completions, "find_place", find_place)
    assert house.api.chat("write\x00 a poem").status_code == 400
    assert house.api.chat("long " * 1_000).status_code == 400
    assert house.api.chat(user([{"type": "text", "text": "in parts"}])[0]).status_code == 400
    assert seen == ["write a poem", *["looked for"] * 3]


def test_a_stream_has_the_words_the_usage_and_an_end(house: House) -> None:
    chunks = [
        *house.api.openai().chat.completions.create(
            model="auto:cost",
            messages=user("write a poem"),
            stream=True,
            stream_options={"include_usage": True},
        )
    ]
    words = [c.choices[0].delta.content for c in chunks if c.choices]
    assert (words[0], words[-1]) == ("", None)
    assert "".join(words[:-1]) == "Hello there."
    assert {c.model for c in chunks} == {"m"}
    assert len({c.id for c in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert (chunks[-1].choices, chunks[-1].usage and chunks[-1].usage.total_tokens) == ([], 18)


def test_the_lines_of_a_stream_are_server_sent_events(house: House) -> None:
    response = house.api.chat("alpha please", stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-moma-agent"] == "alpha"
    events = response.text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    last = json.loads(events[-3].removeprefix("data: "))
    assert last["moma"]["phase"] == "engaged"
    assert "usage" not in last


def test_a_word_is_passed_on_before_the_next_one_comes(house: House) -> None:
    house.answers(stall(after=1))
    with (
        house.api.http() as client,
        client.stream(
            "POST",
            "/v1/chat/completions",
            json={"messages": user("write a poem"), "stream": True},
        ) as response,
    ):
        lines = response.iter_lines()
        assert any('"content":"word "' in line for line in lines)
        seen = house.provider.requests[0]
        assert not seen.hung_up.is_set()
    assert seen.hung_up.wait(PATIENCE_S), "who leaves ends the call to the model"
    wait_until(lambda: house.api.resources.services.admission.admitted == 0)


def test_who_hangs_up_before_the_answer_ends_the_turn(house: House) -> None:
    house.answers(hang())
    with house.api.http() as client, pytest.raises(httpx.ReadTimeout):
        client.post("/v1/chat/completions", json={"messages": user("write a poem")}, timeout=1.0)
    assert house.provider.requests[0].hung_up.wait(PATIENCE_S)
    wait_until(lambda: house.api.resources.services.admission.admitted == 0)


async def test_the_asynchronous_client_streams_too(house: House) -> None:
    async with AsyncOpenAI(base_url=f"{house.api.url}/v1", api_key="none", max_retries=0) as client:
        events = await client.chat.completions.create(
            model="auto", messages=user("write a poem"), stream=True
        )
        said = "".join([e.choices[0].delta.content or "" async for e in events])
    assert said == "Hello there."


@pytest.mark.parametrize("streamed", [False, True])
def test_tools_of_the_client_are_called_and_answered(house: House, streamed: bool) -> None:
    house.answers(tool_call("weather", '{"city":', ' "Oslo"}'), ok("Rain."))
    client = house.api.openai()
    messages = user("alpha, the weather in Oslo?")
    asked: Any = client.chat.completions.create(
        model="auto", messages=messages, tools=[TOOL], stream=streamed
    )
    if streamed:
        chunks = [chunk for chunk in asked if chunk.choices]
        parts = [call for c in chunks for call in c.choices[0].delta.tool_calls or ()]
        assert (parts[0].id, parts[0].function.name) == ("call_1", "weather")
        arguments = "".join(part.function.arguments for part in parts)
        finish = chunks[-1].choices[0].finish_reason
    else:
        (call,) = asked.choices[0].message.tool_calls
        assert (call.id, call.function.name) == ("call_1", "weather")
        assert asked.choices[0].message.content is None
        arguments, finish = call.function.arguments, asked.choices[0].finish_reason
    assert (json.loads(arguments), finish) == ({"city": "Oslo"}, "tool_calls")
    called = {"name": "weather", "arguments": arguments}
    messages += [
        {
            "role": "assistant",
            "tool_calls": [{"id": "call_1", "type": "function", "function": called}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
    ]
    raw = client.chat.completions.with_raw_response.create(
        model="auto", messages=messages, tools=[TOOL]
    )
    assert raw.parse().choices[0].message.content == "Rain."
    assert "m asked for these tools and goes on" in raw.headers["x-moma-reason"]
    assert house.asked[0]["tools"] == [TOOL]
    assert [m["role"] for m in house.asked[1]["messages"]][-2:] == ["assistant", "tool"]


@pytest.mark.parametrize("arguments", ['{"city":', "[1]", "Oslo"])
def test_arguments_that_are_no_object_go_back_to_the_model(house: House, arguments: str) -> None:
    called = {
        "id": "c1",
        "type": "function",
        "function": {"name": "weather", "arguments": arguments},
    }
    said = {"role": "assistant", "content": None, "tool_calls": [called]}
    fault = {"role": "tool", "tool_call_id": "c1", "content": "the arguments are no JSON"}
    response = house.api.chat("write the weather", said, fault, tools=[TOOL])
    assert response.status_code == 200, response.text
    (call,) = house.asked[0]["messages"][-2]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"unreadable": arguments}


def test_a_tool_message_that_answers_nothing_is_refused(house: House) -> None:
    lost = {"role": "tool", "tool_call_id": "lost", "content": "x"}
    response = house.api.chat("weather", lost, tools=[TOOL])
    assert response.status_code == 400
    assert "no call that is open" in response.json()["error"]["message"]


def test_what_is_asked_of_the_model_reaches_it(house: House) -> None:
    given: dict[str, Any] = {
        "temperature": 0.25,
        "top_p": 0.5,
        "seed": 3,
        "stop": ["END"],
        "presence_penalty": 0.5,
        "frequency_penalty": -0.5,
    }
    system = {"role": "system", "content": "Be a pirate."}
    later = {"role": "developer", "content": [{"type": "text", "text": "And brief."}]}
    house.api.chat(system, later, *user("write a poem"), max_completion_tokens=5, **given)
    (body,) = house.asked
    assert {name: body[name] for name in given} == given
    assert body["max_tokens"] == 5
    assert body["messages"][0]["content"] == "Be a pirate.\n\nAnd brief."


class Person(BaseModel):
    name: str
    age: int


def test_an_answer_holds_to_a_schema(house: House) -> None:
    house.answers(ok('{"name": "Ann"}'), ok('{"name": "Ann", "age": 5}'))
    done = house.api.openai().chat.completions.parse(
        model="auto", messages=user("write who she is"), response_format=Person
    )
    assert done.choices[0].message.parsed == Person(name="Ann", age=5)
    assert len(house.asked) == 2, "the first answer was not what was asked for"


def test_an_answer_in_json_is_a_models_whatever_agent_fits(house: House) -> None:
    house.answers(ok('{"name": "Ann", "age": 5}'))
    form = {
        "type": "json_schema",
        "json_schema": {"name": "p", "schema": Person.model_json_schema()},
    }
    response = house.api.chat("alpha please", response_format=form)
    assert (response.json()["model"], len(house.asked)) == ("m", 1)
    assert (
        house.api.chat("alpha please", response_format={"type": "text"}).json()["model"]
        == "agent:alpha"
    )
    named = house.api.chat("alpha please", model="agent:alpha", response_format=form)
    assert named.status_code == 400
    assert "agents answer in words" in named.json()["error"]["message"]


def test_a_picture_goes_to_a_model_that_sees(house: House) -> None:
    part = {"type": "image_url", "image_url": {"url": PICTURE}}
    content = [{"type": "text", "text": "alpha, what is this?"}, part]
    response = house.api.chat({"role": "user", "content": content})
    assert response.json()["model"] == "m"
    assert house.asked[0]["messages"][-1]["content"][1]["image_url"]["url"] == PICTURE
    audio = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    deaf = house.api.chat({"role": "user", "content": [content[0], audio]})
    assert deaf.status_code == 400
    assert "it does not take audio" in deaf.json()["error"]["message"]


def test_a_model_or_an_agent_can_be_asked_for(house: House) -> None:
    assert house.api.chat("alpha please", model="m").json()["model"] == "m"
    assert house.api.chat("beta please", model="agent:alpha").json()["model"] == "agent:alpha"


REFUSED: list[tuple[dict[str, Any], int, str, str | None]] = [
    ({"model": "nobody"}, 404, "does not exist", "model_not_found"),
    ({"model": "agent:nobody"}, 404, "does not exist", "model_not_found"),
    ({"model": "auto:5"}, 404, "is not cost, auto", "model_not_found"),
    ({"model": "keyed"}, 404, "message: keyed: NOBODY_HAS_THIS_KEY is not set", "model_not_found"),
    ({"n": 2}, 400, "MoMA gives one answer", "unsupported_value"),
    ({"logprobs": True}, 400, "no log probabilities", "unsupported_value"),
    ({"top_logprobs": 2}, 400, "log probabilities", "unsupported_parameter"),
    ({"logit_bias": {"1": 1}}, 400, "other numbers", "unsupported_parameter"),
    ({"top_logprobs": 2, "logprobs": None}, 400, "log probabilities", "unsupported_parameter"),
    ({"functions": []}, 400, "send `tools`", "unsupported_parameter"),
    ({"frobnicate": 1}, 400, "not known here", "unsupported_parameter"),
    ({"temperature": 3}, 400, "less than or equal to 2", "invalid_value"),
    ({"tool_choice": "required"}, 400, "needs tools", None),
    ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "gone"}}}, 400,
     "given 'gone', expected one of the tools: weather", "invalid_value"),
    ({"max_tokens": 1, "max_completion_tokens": 2}, 400, "not both", None),
    ({"preference": "dear"}, 400, "preference", "invalid_value"),
    ({"model": "auto:cost", "preference": "performance"}, 400, "contradict", None),
    ({"model": "m", "allowed_models": ["other*"]}, 400, "not among those allowed", None),
    ({"allowed_models": [], "allowed_agents": []}, 403, "the caller excluded it", "no_model"),
    ({"max_cost_usd": 0}, 429, "a call costs at least", "insufficient_quota"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": 5}}}},
     400, "no JSON schema", None),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"$ref": "#/$defs/gone"}}}},
     400, "which is not in it", None),
    ({"messages": []}, 400, "at least 1 item", "invalid_value"),
    ({"messages": [{"role": "assistant", "content": "x"}]}, 400, "not the user's", "invalid_value"),
    ({"messages": [{"role": "user", "content": " "}]}, 400, "empty", "invalid_value"),
    ({"messages": [{"role": "user", "content": "x" * 200_001}]}, 413, "at most 200,000",
     "context_length_exceeded"),
    ({"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "http://169.254.169.254/"}}]}]},
     400, "send the picture itself", "invalid_image_url"),
]  # fmt: skip


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("body", "code", "message", "kind"), REFUSED)
def test_what_cannot_be_done_is_refused_in_openais_form(
    house: House, body: dict[str, Any], code: int, message: str, kind: str | None, streamed: bool
) -> None:
    given = {"messages": user("write a poem"), "stream": streamed, **body}
    response = house.api.http().post("/v1/chat/completions", json=given)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (code, kind), error
    assert message in error["message"]
    assert set(error) == {"message", "type", "param", "code"}
    assert not house.asked


def part(**given: Any) -> dict[str, Any]:
    return {"messages": user([given])}


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        (part(type="image_url", image_url={}), "messages.0.content.0.image_url.url", "Field required"),
        (part(type="image_url", image_url={"url": "http://x/"}),
         "messages.0.content.0.image_url.url", "send the picture itself"),
        (part(type="text", text=5), "messages.0.content.0.text", "Input should be a valid string;"),
        (part(type="film"), "messages.0.content.0.type",
         "Input should be 'text', 'image_url', 'input_audio'; given 'film'"),
        (part(text="x"), "messages.0.content.0.type", "Field required"),
        ({"messages": user(5)}, "messages.0.content",
         "Input should be a valid string or a valid array; given 5"),
        ({"preference": 2}, "preference",
         "Input should be cost, auto, performance or a number from 0 to 1; given 2"),
        ({"stop": [""]}, "stop.0", "String should have at least 1 character; given ''"),
        ([], None, "Input should be an object; given []"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_the_path_that_openai_gives_it(
    house: House, body: Any, param: str | None, message: str
) -> None:
    given = {"messages": user("hi"), **body} if isinstance(body, dict) else body
    error = house.api.http().post("/v1/chat/completions", json=given).json()["error"]
    assert error["param"] == param
    assert error["message"].startswith(f"{param or 'the body'}: {message}")


def test_openais_client_raises_its_own_errors(house: House) -> None:
    client = house.api.openai()
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="nobody", messages=user("hello"))
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.RateLimitError) as spent:
        house.api.openai(max_retries=2).chat.completions.create(
            model="auto", messages=user("write a poem"), extra_body={"max_cost_usd": 0}
        )
    assert spent.value.code == "insufficient_quota"
    headers = spent.value.response.headers
    assert "retry-after" not in headers, "the turn's own limit is the same tomorrow"
    assert headers["x-should-retry"] == "false"


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("reply", [status(401), status(404), stream({"content": ""})])
def test_a_failure_before_the_first_word_has_a_status(
    house: House, reply: Reply, streamed: bool
) -> None:
    house.answers(reply)
    response = house.api.chat("write a poem", stream=streamed)
    assert response.status_code == 502
    assert "no model could answer" in response.json()["error"]["message"]


@pytest.mark.parametrize("streamed", [False, True])
def test_what_every_model_refuses_is_the_requests_fault(house: House, streamed: bool) -> None:
    house.answers(status(400, "the secret parameter foo"))
    response = house.api.chat("write a poem", stream=streamed)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "request_refused")
    assert response.json()["error"]["message"] == "no model could answer: m refused the request"
    assert "secret" not in response.text


def test_a_models_refusal_is_an_answer(house: House) -> None:
    house.answers(stream({"refusal": "No "}, {"refusal": "way."}))
    assert house.api.say("write a poem") == "No way."


def test_a_decision_is_told_before_a_slow_first_word(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.server.stream.FIRST_WORD_S", 0.0)
    gate = threading.Event()
    house.answers(held(gate, status(401)))
    body = {"messages": user("write a poem"), "stream": True}
    with house.api.http().stream("POST", "/v1/chat/completions", json=body) as response:
        assert (response.status_code, response.headers["x-moma-model"]) == (200, "m")
        assert "m is the only model that may answer" in response.headers["x-moma-reason"]
        gate.set()
        told = response.read().decode()
    assert '"error": {"message": "no model could answer' in told
    assert "[DONE]" not in told


def test_a_stream_that_breaks_off_ends_with_an_error_and_no_done(house: House) -> None:
    house.answers(cut(2))
    client = house.api.openai()
    words: list[str] = []

    def read() -> None:
        for chunk in client.chat.completions.create(
            model="auto", messages=user("write a poem"), stream=True
        ):
            words.append(chunk.choices[0].delta.content or "")

    with pytest.raises(openai.APIError, match="no model could answer"):
        read()
    assert "".join(words) == "word word "


def test_the_whole_record_is_told_on_request(house: House) -> None:
    plain = house.api.chat("alpha please").json()
    assert "record" not in plain["moma"]
    told = house.api.chat("alpha please", headers={"x-moma-debug": "true"}).json()
    assert told["moma"]["record"]["agents"]["agent"] == "alpha"
    streamed = house.api.chat("alpha please", stream=True, headers={"x-moma-debug": "true"})
    assert '"considered"' in streamed.text


def test_langchains_chat_model_talks_to_it(house: House) -> None:
    model = ChatOpenAI(
        base_url=f"{house.api.url}/v1", api_key=SecretStr("none"), model="auto", max_retries=0
    )
    assert model.invoke("write a poem").content == "Hello there."
    whole: AIMessageChunk | None = None
    for chunk in model.stream("write a poem"):
        assert isinstance(chunk, AIMessageChunk)
        whole = chunk if whole is None else whole + chunk
    assert whole is not None
    assert (whole.content, whole.response_metadata["model_name"]) == ("Hello there.", "m")
    house.answers(tool_call("weather", '{"city": "Oslo"}'))
    called = model.bind_tools([TOOL]).invoke("the weather?")
    assert called.tool_calls[0]["args"] == {"city": "Oslo"}
    house.answers(ok('{"name": "Ann", "age": 5}'))
    person = model.with_structured_output(Person).invoke("write who she is")
    assert person == Person(name="Ann", age=5)


def test_litellm_talks_to_it(house: House) -> None:
    import litellm

    given = {"api_base": f"{house.api.url}/v1", "api_key": "none", "max_retries": 0}
    done: Any = litellm.completion(
        "openai/auto", messages=user("write a poem"), num_retries=0, **given
    )
    assert (done.choices[0].message.content, done.model) == ("Hello there.", "m")
    parts: Any = litellm.completion(
        "openai/auto:cost", messages=user("write a poem"), stream=True, **given
    )
    assert "".join(p.choices[0].delta.content or "" for p in parts) == "Hello there."


def test_what_is_sent_as_nothing_is_nothing(house: House) -> None:
    names = ("functions", "function_call", "logit_bias", "top_logprobs", "logprobs", "n", "stop")
    empty: dict[str, Any] = {"tools": [], "tool_choice": "auto", "stop": []}
    given = {name: None for name in (*names, "temperature", "seed", "user", "metadata")} | empty
    assert house.api.say("write a poem", **given) == "Hello there."


def after_a_comment(api: Api, gate: threading.Event, text: str, **headers: str) -> str:
    """Send `text`, open the gate when the server has sent a comment, and return what comes then."""
    with (
        api.http(**headers) as client,
        client.stream(
            "POST", "/v1/chat/completions", json={"messages": user(text), "stream": True}
        ) as response,
    ):
        lines = response.iter_lines()
        assert any(line == ": keep-alive" for line in lines)
        assert "x-moma-agent" not in response.headers
        gate.set()
        return "\n".join(lines)


def test_silence_is_filled_with_comments(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.server.stream.KEEP_ALIVE_S", 0.05)
    gate = threading.Event()
    house.answers(held(gate, ok("At last.")))
    assert "last." in after_a_comment(house.api, gate, "write a poem")


def test_a_client_hears_something_before_a_slow_agent_has_decided(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = threading.Event()

    async def slow(state: Any, runtime: Any) -> Any:
        if state["memory"]:
            await asyncio.to_thread(gate.wait, PATIENCE_S)
            return done("At last.")
        return needs_input("For when?", memory={"asked": True})

    monkeypatch.setattr("app.server.stream.KEEP_ALIVE_S", 0.05)
    with serving(fake_agent("alpha", slow)) as api:
        assert api.say("alpha", headers={"x-session-id": "slow"}) == "For when?"
        rest = after_a_comment(api, gate, "tomorrow", x_session_id="slow")
    assert "At last." in rest
    assert '"served_by": {"kind": "agent", "id": "alpha"}' in rest


@pytest.mark.parametrize("streamed", [False, True])
def test_what_nobody_foresaw_is_told_without_its_words(
    house: House, monkeypatch: pytest.MonkeyPatch, streamed: bool
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("app.server.completions.context_of", broken)
    response = house.api.chat("write a poem", stream=streamed)
    assert (response.status_code, response.json()["error"]["type"]) == (500, "server_error")
    assert "secret" not in response.text


def test_a_thought_is_paid_for_and_not_told(house: House) -> None:
    house.answers(stream({"reasoning_content": "Hmm."}, {"content": "Yes."}))
    assert house.api.say("write a poem") == "Yes."


def test_a_busy_server_says_when_to_come_again() -> None:
    gate = threading.Event()
    with FakeProvider(held(gate, ok())) as provider:
        house: dict[str, Any] = {"models": [model_at(provider.base_url)]}
        with serving(**house, turns_at_once=4, turns_waiting=0, turns_per_user=1) as api:
            asking = threading.Thread(target=api.say, args=("write a poem",), daemon=True)
            asking.start()
            wait_until(lambda: bool(provider.requests))
            refused = api.chat("write another")
            assert refused.status_code == 429
            assert int(refused.headers["retry-after"]) >= 1
            assert refused.json()["error"]["type"] == "rate_limit_error"
            gate.set()
            asking.join(PATIENCE_S)


def told_of(api: Api, **body: Any) -> tuple[int, str | None, str]:
    """Return status, code and message of a chat that is refused."""
    response = api.chat("alpha please", **body)
    error = response.json()["error"]
    return response.status_code, error["code"], error["message"].removeprefix(NOTHING)


NOTHING = "nothing may serve this message: "


@pytest.mark.parametrize(
    ("outcome", "code", "kind"),
    [(declined("not mine"), 400, "agent_declined"), (failed("not mine"), 502, "no_answer")],
)
def test_an_agent_that_gives_the_turn_back_is_told_of_with_its_reason_where_it_alone_may_serve(
    outcome: Any, code: int, kind: str
) -> None:
    agents = (fake_agent("alpha", lambda state, runtime: outcome), fake_agent("beta"))
    with FakeProvider(ok("never")) as provider:
        with serving(*agents, models=[model_at(provider.base_url)]) as api:
            told = told_of(api, model="agent:alpha")
        assert told == (code, kind, "alpha: it gave this turn back: not mine")
        assert not provider.requests


def test_what_no_second_try_can_help_is_sent_once() -> None:
    runs: list[str] = []

    def decline(state: Any, runtime: Any) -> Any:
        runs.append(state["request"])
        return declined("not mine")

    with serving(fake_agent("alpha", decline)) as api:
        client = api.openai(max_retries=2)
        with pytest.raises(openai.BadRequestError, match="not mine"):
            client.chat.completions.create(model="agent:alpha", messages=user("who was it"))
    assert runs == ["who was it"]


def test_the_missing_key_is_told_however_many_agents_there_are() -> None:
    keyed = [model_at("http://127.0.0.1:9", name, key=f"NO_{name}") for name in ("one", "two")]
    shy = (fake_agent(f"a{n}", grants=frozenset({"g"})) for n in range(25))
    with serving(*shy, models=keyed) as api:
        assert told_of(api, model="two") == (404, "model_not_found", "two: NO_two is not set")
        status, code, message = told_of(api)
    assert (status, code) == (404, "model_not_found")
    assert message.startswith("one: NO_one is not set; two: NO_two is not set; a0: ")


def test_a_model_that_rests_may_be_asked_again_later() -> None:
    with FakeProvider() as provider, serving(models=[model_at(provider.base_url)]) as api:
        gateway = api.resources.services.gateway
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gateway, "breaker_open", lambda model: True)
            status, code, message = told_of(api, model="m")
    assert (status, code) == (503, "no_model")
    assert message == "m: it failed too often of late; its breaker is open"


def test_who_leaves_nobody_to_ask_is_told_so() -> None:
    with FakeProvider() as provider:
        with serving(fake_agent("alpha"), models=[model_at(provider.base_url)]) as api:
            response = api.chat("alpha please", allowed_models=[], allowed_agents=[])
    assert (response.status_code, response.json()["error"]["code"]) == (403, "no_model")


def test_what_the_policy_forbids_is_a_403_that_says_which_rule(tmp_path: Path) -> None:
    path = tmp_path / "policy.dsl"
    path.write_text("""SIGNAL metadata plan { key: "plan" equals: "free" }
    ROUTE free { PRIORITY 2 WHEN metadata("plan") MODEL "other" AGENT NONE }
    ROUTE rest { PRIORITY 1 }
    MODEL other {}""")
    with FakeProvider(ok("Hi.")) as provider:
        with serving(models=[model_at(provider.base_url)], policy=path) as api:
            refused = api.chat("hello", metadata={"plan": "free"})
            served = api.chat("hello")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "policy")
    assert "the policy's rule free lets only other serve" in refused.json()["error"]["message"]
    assert served.status_code == 200


@pytest.mark.parametrize("task", ["title", "tags", "follow_ups", "summary"])
def test_a_program_may_name_its_tasks_with_plain_words(house: House, task: str) -> None:
    told = house.api.chat("alpha please", metadata={"task": task}).json()
    assert told["model"] == "agent:alpha"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_turn_that_outlasts_the_process_may_be_sent_again(
    monkeypatch: pytest.MonkeyPatch, streamed: bool
) -> None:
    for name in ("FIRST_WORD_S", "KEEP_ALIVE_S"):  # so that nothing was sent before
        monkeypatch.setattr(f"app.server.stream.{name}", PATIENCE_S)
    with FakeProvider(hang()) as own, serving(models=[model_at(own.base_url)]) as api:
        loop = api.server.servers[0].get_loop()

        def cut_it_short() -> None:
            wait_until(lambda: bool(own.requests))
            loop.call_soon_threadsafe(api.resources.ending.set)

        cutting = threading.Thread(target=cut_it_short, daemon=True)
        cutting.start()
        told = api.chat("write a poem", stream=streamed)
        cutting.join(PATIENCE_S)
    assert (told.status_code, told.headers["retry-after"]) == (503, "1")


def test_a_step_to_another_model_is_told() -> None:
    with FakeProvider(status(404), ok("Dear.")) as provider:
        cheap = model_at(provider.base_url, "cheap", price=Price(input=0.1, output=0.1))
        best = model_at(provider.base_url, "best", quality={"writing": 0.9})
        with serving(models=[cheap, best]) as api:
            response = api.chat("write a poem", model="auto:cost")
    told = response.headers["x-moma-reason"]
    assert told.endswith("; stepped up from cheap to best: cheap does not know this model name")
    step = response.json()["moma"]["stepped"]
    assert (step["from"], step["to"], step["direction"]) == ("cheap", "best", "up")
