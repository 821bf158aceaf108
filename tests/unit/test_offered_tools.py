"""Requests of chat UIs that send tools with every message: agents take their turns as without."""

from collections.abc import Iterator
from typing import Any

import pytest

from agents.contract import needs_input
from tests.support.agents import fake_agent, model_at
from tests.support.api import Api, keyring, serving
from tests.support.provider import FakeProvider, ok


def tools(*names: str) -> list[dict[str, Any]]:
    return [
        {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
        for name in names
    ]


OPEN_WEBUI = tools(
    "get_current_timestamp", "calculate_timestamp", "ask_user", "search_chats", "my_own"
)
WEATHER = tools("weather", "search_chats")


@pytest.fixture(scope="module")
def keys() -> Any:
    return keyring({"user": "program"}, {"user": "desk", "forwards_users": True})


@pytest.fixture(scope="module")
def api(keys: Any) -> Iterator[Api]:
    asker = fake_agent("alpha", lambda state, runtime: needs_input("For when?", memory={}))
    with FakeProvider(ok("From the model.")) as provider:
        able = model_at(provider.base_url, abilities=frozenset({"tools"}))
        with serving(asker, models=[able], keys=keys[0]) as running:
            yield running


@pytest.mark.parametrize(
    ("body", "headers", "bearer", "served"),
    [
        ({"tools": OPEN_WEBUI}, {}, "program", "agent"),
        ({"tools": OPEN_WEBUI, "tool_choice": "auto"}, {}, "program", "agent"),
        ({"tools": OPEN_WEBUI, "tool_choice": "required"}, {}, "program", "model"),
        ({"tools": OPEN_WEBUI, "metadata": {"tools": "needed"}}, {}, "program", "model"),
        ({"tools": WEATHER}, {}, "program", "model"),
        ({"tools": WEATHER, "metadata": {"tools": "optional"}}, {}, "program", "agent"),
        ({"tools": WEATHER}, {"x-openwebui-chat-id": "c"}, "program", "agent"),
        ({"tools": WEATHER}, {}, "desk", "agent"),
    ],
)
def test_who_serves_a_message_that_comes_with_tools(
    api: Api, keys: Any, body: dict[str, Any], headers: dict[str, str], bearer: str, served: str
) -> None:
    key = dict(zip(("program", "desk"), keys[1], strict=True))[bearer]
    said = api.say("alpha", headers={"authorization": f"Bearer {key}", **headers}, **body)
    assert said == {"agent": "For when?", "model": "From the model."}[served]


def test_the_results_of_tools_go_to_a_model(api: Api, keys: Any) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "search_chats", "arguments": "{}"}}
    messages = (
        {"role": "user", "content": "alpha"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "nothing found"},
    )
    headers = {"authorization": f"Bearer {keys[1][0]}"}
    assert api.say(*messages, headers=headers, tools=OPEN_WEBUI) == "From the model."
