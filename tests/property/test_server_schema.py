"""Whatever is sent, by the server's own description or against it: no error of the server's, and its answers hold."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tests.support.many  # isort: skip  # before what it mends is used
import schemathesis
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from app.server.errors import ApiError
from app.server.request import ChatRequest, parse_request
from tests.support.agents import fake_agent, model_at
from tests.support.api import Api, serving
from tests.support.provider import FakeProvider, ok

assert tests.support.many
OPERATIONS = [
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/responses"),
    ("POST", "/v1/route"),
    ("POST", "/v1/feedback"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{model}"),
    ("GET", "/health"),
    ("GET", "/v1/machine"),
    ("GET", "/ready"),
    ("GET", "/metrics"),
]
EXAMPLES = {"POST": 10, "GET": 3}


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    able: dict[str, Any] = {
        "abilities": frozenset({"tools"}),
        "modalities": frozenset({"text", "image", "audio"}),
    }
    with FakeProvider(ok("A poem.")) as provider:
        with serving(fake_agent("alpha"), models=[model_at(provider.base_url, **able)]) as running:
            yield running


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_description_holds(api: Api, method: str, path: str, mode: GenerationMode) -> None:
    if mode is GenerationMode.NEGATIVE and method == "GET":
        pytest.skip("there is nothing to send")
    described = api.http().get("/openapi.json").json()
    operation = schemathesis.openapi.from_dict(described)[path][method]
    # A description cannot say that the last message must be the user's.
    unsaid = [positive_data_acceptance] if {"messages", "input"} & _fields(operation) else []

    @settings(max_examples=EXAMPLES[method])
    @given(operation.as_strategy(generation_mode=mode))
    def holds(case: Any) -> None:
        case.call_and_validate(base_url=api.url, excluded_checks=unsaid)

    holds()


def _fields(operation: Any) -> set[str]:
    body = operation.definition.raw.get("requestBody", {}).get("content", {})
    return set(body.get("application/json", {}).get("schema", {}).get("properties", {}))


def test_every_operation_is_tried(api: Api) -> None:
    paths = api.http().get("/openapi.json").json()["paths"]
    assert {(m.upper(), p) for p, methods in paths.items() for m in methods} == set(OPERATIONS)


# Bodies that are nearly right, which the description's own generator seldom makes.

TEXTS = st.text(max_size=20) | st.sampled_from(["alpha", "yes", "\x00", "\u202e", "### Task:"])
PARTS = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": TEXTS}),
    st.just({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}),
    st.just({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}),
    st.just({"type": "nothing"}),
)
CALLS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["c1", "c2", ""]),
            "type": st.just("function"),
            "function": st.fixed_dictionaries(
                {
                    "name": st.just("f"),
                    "arguments": st.sampled_from(["", "{}", "[1]", "{", '{"a": 1}']),
                }
            ),
        }
    ),
    max_size=2,
)
MESSAGES = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"role": st.just("user"), "content": TEXTS | st.lists(PARTS, max_size=3)}
        ),
        st.fixed_dictionaries(
            {"role": st.just("assistant")}, optional={"content": TEXTS, "tool_calls": CALLS}
        ),
        st.fixed_dictionaries(
            {
                "role": st.just("tool"),
                "content": TEXTS,
                "tool_call_id": st.sampled_from(["c1", "c2"]),
            }
        ),
        st.fixed_dictionaries({"role": st.sampled_from(["system", "developer"]), "content": TEXTS}),
    ),
    min_size=1,
    max_size=6,
)
JUNK: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.just([])
    | st.just({})
)
FIELDS = {name: JUNK for name in ChatRequest.model_fields if name != "messages"} | {
    "model": st.sampled_from(["auto", "auto:0.3", "auto:", "agent:alpha", "agent:", "m", "x", ""]),
    "stream": st.booleans(),
    "tools": st.just([{"type": "function", "function": {"name": "f"}}]),
    "metadata": st.dictionaries(st.sampled_from(["session_id", "task"]), JUNK | TEXTS, max_size=2),
    "preference": st.sampled_from(["cost", 0.5, -1, "dear"]),
}


@given(
    MESSAGES,
    st.dictionaries(st.sampled_from(sorted(FIELDS)), st.none(), max_size=3).flatmap(
        lambda chosen: st.fixed_dictionaries({name: FIELDS[name] for name in chosen})
    ),
    st.sampled_from([{}, {"x-session-id": "s"}, {"idempotency-key": "k"}]),
)
@settings(max_examples=60)
def test_no_body_breaks_the_server(
    api: Api, messages: Any, more: dict[str, Any], headers: dict[str, str]
) -> None:
    text = json.dumps({"messages": messages, **more})
    with api.http(content_type="application/json") as client:
        response = client.post("/v1/chat/completions", content=text, headers=headers)
    assert response.status_code in (200, 400, 403, 404, 413, 429, 503), response.text
    if response.status_code != 200:
        assert set(response.json()["error"]) == {"message", "type", "param", "code"}


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")))
def test_no_bytes_break_the_reading_of_a_request(body: bytes) -> None:
    refusal = refused(body)
    assert refusal is None or refusal.status == 400
    assert "\n" not in str(refusal)


def refused(body: bytes) -> ApiError | None:
    try:
        parse_request(body)
    except ApiError as error:
        return error
    return None
