"""The Responses API, as OpenAI's own client sees it."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from langgraph.types import interrupt

from agents.contract import done, needs_input
from agents.replies import approved
from tests.support.agents import fake_agent, model_at
from tests.support.api import Api, serving
from tests.support.provider import FakeProvider, cut, ok, stream, tool_call

TOOL: Any = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object"},
    "strict": False,
}


def booking(state: Any, runtime: Any) -> Any:
    if "asked" in state["memory"]:
        return done(f"Booked for {state['request']}.")
    return needs_input("For when?", memory={"asked": True})


def shredding(state: Any, runtime: Any) -> Any:
    verdict = approved(interrupt({"kind": "approval", "question": "Delete it?"}))
    return done("Deleted." if verdict else "Kept.")


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider(ok("A poem."), ok("Another.")) as provider:
        yield provider


@pytest.fixture
def api(provider: FakeProvider) -> Iterator[Api]:
    able: dict[str, Any] = {
        "abilities": frozenset({"tools"}),
        "modalities": frozenset({"text", "image"}),
    }
    agents = (fake_agent("alpha", booking), fake_agent("gamma", shredding))
    with serving(*agents, models=[model_at(provider.base_url, **able)]) as running:
        yield running


def test_a_model_answers(api: Api, provider: FakeProvider) -> None:
    made = api.openai().responses.create(
        model="auto", input="write a poem", instructions="Be brief.", max_output_tokens=9
    )
    assert (made.output_text, made.model, made.status) == ("A poem.", "m", "completed")
    assert made.usage is not None
    assert (made.usage.input_tokens, made.usage.output_tokens) == (11, 7)
    body = provider.requests[0].body
    assert (body["messages"][0]["content"], body["max_tokens"]) == ("Be brief.", 9)


def test_a_response_is_followed_in_its_thread_and_can_be_followed_twice(api: Api) -> None:
    client = api.openai()
    asked = client.responses.create(model="auto", input="alpha")
    assert (asked.output_text, asked.model) == ("For when?", "agent:alpha")
    for day in ("today", "monday"):
        told = client.responses.create(input=day, previous_response_id=asked.id, model="auto")
        assert told.output_text == f"Booked for {day}."
    wanted = client.responses.create(input="gamma", previous_response_id=told.id, model="auto")
    assert wanted.output_text == "Delete it?"
    given = client.responses.create(input="yes", previous_response_id=wanted.id, model="auto")
    assert given.output_text == "Deleted."
    # A yes that was given is not given twice.
    with pytest.raises(openai.NotFoundError):
        client.responses.create(input="yes", previous_response_id=wanted.id, model="auto")
    with pytest.raises(openai.NotFoundError) as missing:
        client.responses.create(input="yes", previous_response_id="resp_nothing", model="auto")
    assert missing.value.code == "previous_response_not_found"


def test_a_conversation_is_named_or_sent_whole(api: Api) -> None:
    client = api.openai()
    client.responses.create(model="auto", input="alpha", conversation="c1")
    told = client.responses.create(model="auto", input="today", conversation="c1")
    assert told.output_text == "Booked for today."
    client.responses.create(model="auto", input="alpha now")
    whole: Any = [
        {"role": "user", "content": [{"type": "input_text", "text": "alpha now"}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "For when?"}]},
        {"role": "user", "content": "monday"},
    ]
    assert client.responses.create(model="auto", input=whole).output_text == "Booked for monday."


def test_a_stream_tells_every_step(api: Api) -> None:
    with api.openai().responses.stream(model="auto", input="write a poem") as events:
        kinds = [event.type for event in events]
        final = events.get_final_response()
    assert final.output_text == "A poem."
    steps = [kind for kind, before in zip(kinds, ["", *kinds], strict=False) if kind != before]
    assert steps == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    told = api.openai().responses.create(
        model="auto", input="write more", previous_response_id=final.id
    )
    assert told.output_text == "Another."


@pytest.mark.parametrize("streamed", [False, True])
def test_tools_are_called_and_answered(streamed: bool) -> None:
    replies = (tool_call("weather", '{"city":', ' "Oslo"}'), ok("Rain."))
    with FakeProvider(*replies) as own:
        model = model_at(own.base_url, abilities=frozenset({"tools"}))
        with serving(fake_agent("alpha"), models=[model]) as api:
            client = api.openai()
            asked: Any
            if streamed:
                with client.responses.stream(
                    model="auto", input="alpha, the weather?", tools=[TOOL]
                ) as events:
                    asked = events.until_done().get_final_response()
            else:
                asked = client.responses.create(
                    model="auto", input="alpha, the weather?", tools=[TOOL]
                )
            (call,) = asked.output
            assert (call.type, call.name) == ("function_call", "weather")
            assert json.loads(call.arguments) == {"city": "Oslo"}
            result: Any = {
                "type": "function_call_output",
                "call_id": call.call_id,
                "output": "rain",
            }
            told = client.responses.create(
                model="auto", input=[result], previous_response_id=asked.id, tools=[TOOL]
            )
            assert told.output_text == "Rain."
            again: Any = [
                {"role": "user", "content": "alpha, the weather?"},
                call.to_dict(),
                result,
            ]
            assert client.responses.create(model="auto", input=again, tools=[TOOL]).output_text
        assert own.requests[0].body["tools"][0]["function"]["name"] == "weather"
        assert [m["role"] for m in own.requests[1].body["messages"]] == [
            "system", "user", "assistant", "tool",
        ]  # fmt: skip


def test_an_answer_that_is_cut_short_or_breaks_off_says_so() -> None:
    replies = (stream({"content": "Half"}, finish="length"), cut(1))
    with FakeProvider(*replies) as own, serving(models=[model_at(own.base_url)]) as api:
        made = api.openai().responses.create(model="auto", input="write a poem")
        assert (made.status, made.output_text) == ("incomplete", "Half")
        events = api.openai().responses.create(model="auto", input="write a poem", stream=True)
        with pytest.raises(openai.APIError, match="no model could answer"):
            list(events)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)
def test_a_response_and_its_item_say_that_they_are_not_whole(
    finish: str, reason: str, streamed: bool
) -> None:
    half = stream({"content": "Half"}, finish=finish)
    with FakeProvider(half) as own, serving(models=[model_at(own.base_url)]) as api:
        client = api.openai()
        made: Any
        if streamed:
            with client.responses.stream(model="auto", input="write a poem") as events:
                made = [event for event in events][-1].response  # type: ignore[union-attr]
        else:
            made = client.responses.create(model="auto", input="write a poem")
    assert (made.status, made.incomplete_details.reason) == ("incomplete", reason)
    assert [(item.status, item.content[0].text) for item in made.output] == [("incomplete", "Half")]


def test_what_is_not_to_be_stored_is_in_no_thread(api: Api, provider: FakeProvider) -> None:
    client = api.openai()
    made = client.responses.create(model="auto", input="alpha", store=False)
    assert (made.output_text, made.model, made.to_dict()["store"]) == ("A poem.", "m", False)
    assert (
        api.http().post("/v1/feedback", json={"decision_id": made.id[5:], "score": 1}).status_code
        == 404
    )
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="auto", input="more", previous_response_id=made.id)
    for named, fault in (
        ({"conversation": "c"}, "the whole conversation"),
        ({"previous_response_id": made.id}, "the whole conversation"),
        ({"model": "agent:alpha"}, "ask for a model"),
    ):
        asked = {"input": "more", "store": False, **named}
        refused = api.http().post("/v1/responses", json=asked)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "store")
        assert fault in refused.json()["error"]["message"]


def test_a_conversation_is_named_as_openais_client_names_it(api: Api) -> None:
    named: Any = {"input": "alpha", "conversation": {"id": "c9"}}
    api.http().post(
        "/v1/responses", json={**named, "stream_options": {"include_obfuscation": False}}
    )
    told = api.http().post("/v1/responses", json={**named, "input": "today"}).json()
    assert told["output"][0]["content"][0]["text"] == "Booked for today."
    assert told["conversation"] == {"id": "c9"}


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"input": "x", "model": "nobody"}, 404, "does not exist"),
        ({"input": ""}, 400, "empty"),
        ({"input": []}, 400, "at least 1 item"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, 400, "input"),
        ({"input": "x", "tools": [{"type": "web_search"}]}, 400, "tools"),
        ({"input": "x", "background": True}, 400, "background"),
        ({"input": "x", "conversation": "c", "previous_response_id": "r"}, 400, "not both"),
        ({"input": "x", "text": {"verbosity": "low"}}, 400, "verbosity"),
        ({"input": "x", "frob": 1}, 400, "not known here"),
        (
            {
                "input": [
                    {"role": "user", "content": [{"type": "input_image", "image_url": "http://x/"}]}
                ]
            },
            400,
            "input.0.content.0.image_url: send the picture itself",
        ),
        ({"input": [{"role": "bad", "content": "x"}]}, 400, "input.0.role: Input should be 'user'"),
        ({"input": 5}, 400, "input: Input should be a valid string or a valid array; given 5"),
        ({"input": "x", "preference": 2}, 400, "a number from 0 to 1"),
    ],
)
def test_what_cannot_be_done_is_refused(
    api: Api, body: dict[str, Any], code: int, message: str
) -> None:
    response = api.http().post("/v1/responses", json=body)
    assert response.status_code == code, response.text
    assert message in response.json()["error"]["message"]


def test_a_picture_and_a_schema_reach_the_model(api: Api, provider: FakeProvider) -> None:
    url = "data:image/png;base64,AAAA"
    content = [{"type": "input_text", "text": "alpha?"}, {"type": "input_image", "image_url": url}]
    given: Any = [{"type": "reasoning", "summary": []}, {"role": "user", "content": content}]
    assert api.openai().responses.create(model="auto", input=given).output_text == "A poem."
    assert provider.requests[0].body["messages"][-1]["content"][1]["image_url"]["url"] == url
    form: Any = {"format": {"type": "json_schema", "name": "x", "schema": {"type": 5}}}
    with pytest.raises(openai.BadRequestError, match="no JSON schema"):
        api.openai().responses.create(model="auto", input="write", text=form)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_second_try_of_a_response_that_follows_another_is_not_paid_twice(
    api: Api, provider: FakeProvider, streamed: bool
) -> None:
    client = api.http(idempotency_key="k1")
    before = client.post("/v1/responses", json={"input": "write a poem"}).json()
    asked = {"input": "write another", "previous_response_id": before["id"], "stream": streamed}
    first = client.post("/v1/responses", json=asked)
    calls = len(provider.requests)
    again = client.post("/v1/responses", json=asked)
    assert (calls, len(provider.requests)) == (2, 2)
    assert again.headers["x-moma-decision-id"] == first.headers["x-moma-decision-id"]
    assert "Another." in again.text
    other = client.post("/v1/responses", json={**asked, "input": "write a third"})
    assert (other.status_code, other.json()["error"]["code"]) == (400, "idempotency_key_reused")
    fork = api.http(idempotency_key="k2").post("/v1/responses", json=asked)
    assert fork.status_code == 200
    assert [m["content"] for m in provider.requests[-1].body["messages"][1:]] == [
        "write a poem",
        "A poem.",
        "write another",
    ]
