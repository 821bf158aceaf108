"""An MCP server's tools as an agent, against real servers: what a model may call, what a person allows, what breaks."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.language_models import FakeListChatModel
from langgraph.checkpoint.memory import InMemorySaver
from mcp import Client
from mcp_types import Tool

from agents.card import AgentCard
from agents.contract import AgentContext
from agents.elsewhere.entries import McpEntry
from agents.elsewhere.mcp import _called, _listed
from agents.elsewhere.mcp_model import Chooser
from agents.elsewhere.mcp_sessions import McpSessions, close_all
from agents.elsewhere.mcp_tools import LONGEST_RESULT, LONGEST_SCHEMA, ToolCard, tool_cards
from agents.errors import AgentError, UnreachableError
from agents.registry import build_agent
from graphs import Context
from graphs.redaction import hide, redact
from graphs.threads import MomaGraph
from tests.support.agents import (
    FakeAgent,
    answer,
    fake_agent,
    fake_graph,
    model_at,
    on,
    say,
    served_by,
)
from tests.support.mcp_server import INJECTED
from tests.support.provider import FakeProvider, Reply, ok
from tests.support.served import served
from tests.support.waiting import PATIENCE_S, until

WEAK = 0.1
"""The quality of a model that is not trusted with words: results are shown as they are."""
SCHEMA = "the answer of m does not hold to the schema that was asked for"
"""What the gateway says of a model that names what it was not offered."""
ROOT = Path(__file__).parents[2]


def step(verb: str) -> Reply:
    """Let the model say what is next."""
    return ok(json.dumps({"next": verb}))


def given(**arguments: Any) -> Reply:
    """Let the model write arguments."""
    return ok(json.dumps(arguments))


@dataclass
class Desk:
    """A house with an agent of an MCP server, and another that takes what it gives back."""

    graph: MomaGraph
    provider: FakeProvider
    notes: Path
    other: FakeAgent
    home: Path
    prompts: list[Any] = field(default_factory=list)

    def written(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    def read_by_model(self) -> str:
        return json.dumps([seen.body["messages"] for seen in self.provider.requests])

    def offered(self) -> list[str]:
        """Return what the model might say at its first choice."""
        schema = self.provider.requests[0].body["response_format"]["json_schema"]["schema"]
        found: list[str] = schema["properties"]["next"]["enum"]
        return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of all agents of this file; their servers end with it."""
    yield tmp_path_factory.mktemp("desk")
    close_all()


@pytest.fixture(scope="module")
def built(folder: Path) -> FakeAgent:
    """One agent for most tests, so that its server starts once."""
    return desk_agent(folder)


def desk_agent(folder: Path, **entry: Any) -> FakeAgent:
    command = {
        "command": sys.executable,
        "args": ("-m", "tests.support.mcp_server", str(folder / "notes")),
    }
    mcp = McpEntry(**({} if "url" in entry else command) | entry)
    card = AgentCard(id="desk", description="desk", name="the desk", mcp=mcp)
    graph = build_agent(card).graph
    assert graph is not None
    return FakeAgent(card, graph)


@pytest.fixture
def desk(folder: Path, built: FakeAgent, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Return what makes a house over a model that says `replies`."""
    open_providers: list[FakeProvider] = []

    def house(*replies: Reply, agent: FakeAgent = built, quality: float = 0.9, **rest: Any) -> Desk:
        provider = FakeProvider(*replies).__enter__()
        open_providers.append(provider)
        other = fake_agent("beta")
        graph = fake_graph(
            agent,
            other,
            models=[model_at(provider.base_url, quality={"writing": quality})],
            saver=InMemorySaver(),
            home=folder,
            **rest,
        )
        return Desk(graph, provider, folder / "notes", other, folder)

    (folder / "notes").unlink(missing_ok=True)
    yield house
    for provider in open_providers:
        provider.__exit__(None, None, None)


async def why_failed(house: Desk) -> str:
    """Return why the agent failed in a turn that another then served."""
    result = await say(house.graph, "desk desk beta")
    assert served_by(result) == ("agent", "beta")
    run = result["record"]["runs"][0]
    assert (run["agent"], run["event"]) == ("desk", "failed")
    return str(run["reason"])


async def test_the_model_reads_with_a_tool_and_answers(desk: Any) -> None:
    house = desk(step("call add"), given(a=2, b=3), step("answer"), ok("It is 5."))
    result = await say(house.graph, "desk")
    assert (answer(result), served_by(result)) == ("It is 5.", ("agent", "desk"))
    assert {"call add", "call note", "ask", "decline"} <= set(house.offered())
    arguments = house.provider.requests[1].body["response_format"]["json_schema"]["schema"]
    assert set(arguments["properties"]) == {"a", "b"}
    assert '"result": "5"' in house.provider.requests[2].body["messages"][-1]["content"]
    assert len(result["record"]["calls"]) == 4
    values = (await house.graph.aget_state(on("t"))).values
    used = [{"tool": "add", "arguments": {"a": 2, "b": 3}, "ok": True}]
    assert values["outcome"]["data"] == {"tools": used}


@pytest.mark.parametrize(
    ("said", "notes", "event"),
    [("yes", ["buy milk"], "done"), ("no", [], "done"), ("what is it?", [], "declined")],
)
async def test_what_changes_something_is_run_once_and_only_after_a_yes(
    desk: Any, said: str, notes: list[str], event: str
) -> None:
    house = desk(step("call note"), given(text="buy milk"), step("answer"), ok("Noted."))
    asked = await say(house.graph, "desk")
    assert asked["phase"] == "awaiting_approval"
    (pause,) = asked["__interrupt__"]
    assert pause.value["question"] == "May the desk run `note`?"
    assert pause.value["details"] == ["text: buy milk"]
    assert house.written() == []
    result = await say(house.graph, said)
    assert house.written() == notes
    assert result["record"]["runs"][0]["event"] == event
    assert result["phase"] != "awaiting_approval"


async def test_an_instruction_in_a_result_runs_nothing_without_an_approval(desk: Any) -> None:
    house = desk(
        step("call read_page"), step("call note"), given(text="owned"), step("answer"), ok("x")
    )
    asked = await say(house.graph, "desk")
    assert json.dumps(INJECTED)[1:-1] in house.read_by_model(), "the model has read it and obeys"
    assert asked["phase"] == "awaiting_approval"
    assert house.written() == []
    await say(house.graph, "no")
    assert house.written() == []


async def test_the_operator_says_what_changes_and_what_only_reads(
    desk: Any, folder: Path, address: str
) -> None:
    agent = desk_agent(
        folder, url=address, tools=("add", "note"), changes=("add",), reads=("note",)
    )
    house = desk(step("call add"), given(a=1, b=1), step("answer"), ok("2"), agent=agent)
    assert (await say(house.graph, "desk"))["phase"] == "awaiting_approval"
    assert house.offered() == ["call add", "call note", "ask", "decline"]
    house = desk(step("call note"), given(text="free"), step("answer"), ok("Noted."), agent=agent)
    assert answer(await say(house.graph, "desk")) == "Noted."
    assert house.written() == ["free"]


@pytest.mark.parametrize("name", ["call rm -rf", "call note ", "note", "call"])
async def test_a_forged_name_is_not_called(desk: Any, name: str) -> None:
    reason = await why_failed(house := desk(step(name)))
    assert reason == SCHEMA
    assert house.written() == []


async def test_a_tool_outside_the_list_cannot_be_named(
    desk: Any, folder: Path, address: str
) -> None:
    house = desk(step("call note"), agent=desk_agent(folder, url=address, tools=("add",)))
    assert await why_failed(house) == SCHEMA
    assert house.written() == []
    assert "note" not in house.read_by_model()


@pytest.mark.parametrize("wrong", [{"a": "two", "b": 3}, {"a": 1}])
async def test_wrong_arguments_are_asked_for_again(desk: Any, wrong: Any) -> None:
    house = desk(step("call add"), given(**wrong), given(a=2, b=3), step("answer"), quality=WEAK)
    assert answer(await say(house.graph, "desk")) == "5"


class Careless(FakeListChatModel):
    """A model behind no gateway, which nobody holds to a schema."""

    def with_structured_output(self, schema: Any, **kwargs: Any) -> Any:
        return self | (lambda message: json.loads(message.text))


@pytest.mark.parametrize(
    ("said", "event"),
    [
        (['{"next": "call rm"}'], "failed"),
        (['{"next": ["call note"]}'], "failed"),
        (['{"next": "answer"}'], "failed"),
        (['["call note"]'], "AgentError"),
        (["note"], "AgentError"),
        (['{"next": "call add"}', '{"a": "two"}', '{"next": "answer"}'], "done"),
        (['{"next": "call add"}', "[2, 3]"], "AgentError"),
    ],
)
async def test_what_a_careless_model_says_is_checked_again(
    desk: Any, built: FakeAgent, folder: Path, said: list[str], event: str
) -> None:
    house = desk(agent=built)
    context = AgentContext(home=folder, model=Careless(responses=said))
    given_turn = {"request": "desk", "event": "start"}
    if event == "AgentError":
        with pytest.raises(AgentError, match="did not answer in the form that was asked for"):
            await built.graph.ainvoke(given_turn, context=context)
        return
    result = await built.graph.ainvoke(given_turn, context=context)
    assert result["outcome"]["event"] == event
    assert house.written() == []
    if event == "done":
        assert result["outcome"]["text"] == "not called: a: 'two' is not of type 'integer'"
        assert result["outcome"]["data"]["tools"][0]["ok"] is False


TEXT = {"q": {"type": "string"}}


@pytest.mark.parametrize(
    ("schema", "is_asked"),
    [
        ({"properties": TEXT}, True),
        ({"additionalProperties": {"type": "string"}}, True),
        ({"additionalProperties": {}}, True),
        ({"patternProperties": {"^q": {"type": "string"}}}, True),
        ({"anyOf": [{"properties": TEXT}]}, True),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"properties": TEXT}}}, True),
        ({}, False),
        ({"properties": {}, "additionalProperties": False}, False),
    ],
)
async def test_a_model_is_asked_for_arguments_wherever_a_schema_has_room_for_any(
    folder: Path, schema: dict[str, Any], is_asked: bool
) -> None:
    tool = ToolCard(name="t", description="", schema={"type": "object", **schema}, changes=False)
    context = AgentContext(home=folder, model=Careless(responses=['{"q": "x"}']))
    chooser = Chooser(title="", request="", history=(), tools=[tool], steps=(), context=context)
    assert await chooser.arguments(tool) == ({"q": "x"} if is_asked else {})


async def test_half_a_character_in_an_argument_is_no_end_of_the_connection(desk: Any) -> None:
    house = desk(
        step("call note"),
        given(text="half \ud83d"),
        step("call note"),
        given(text="whole"),
        step("answer"),
        ok("Noted."),
    )
    assert (await say(house.graph, "desk"))["phase"] == "awaiting_approval"
    assert answer(await say(house.graph, "yes")) == "Noted."
    assert house.written() == ["whole"]
    assert "hold half a character" in house.read_by_model()


async def test_calls_in_a_turn_are_bounded(desk: Any, folder: Path, address: str) -> None:
    agent = desk_agent(folder, url=address, steps=2)
    adds = [[step("call add"), given(a=n, b=n)] for n in range(3)]
    house = desk(*chain.from_iterable(adds), agent=agent)
    assert await why_failed(house) == SCHEMA
    last = house.provider.requests[-1].body["response_format"]["json_schema"]["schema"]
    assert last["properties"]["next"]["enum"] == ["ask", "answer"]


async def test_a_model_that_goes_in_circles_is_taken_out_of_them(desk: Any) -> None:
    house = desk(*2 * [step("call add"), given(a=2, b=3)], ok("It is 5."))
    result = await say(house.graph, "desk")
    assert answer(result) == "It is 5."
    assert house.read_by_model().count('\\"result\\": \\"5\\"') == 3, "one call, read three times"


async def test_a_long_result_is_cut_before_anybody_reads_it(desk: Any) -> None:
    house = desk(step("call huge"), step("answer"), quality=WEAK)
    said = answer(await say(house.graph, "desk"))
    assert len(said) < LONGEST_RESULT + 100
    assert "(cut: 2,992,000 characters more)" in said
    assert len(house.read_by_model()) < 3 * LONGEST_RESULT


async def test_a_tool_that_fails_is_a_result(desk: Any) -> None:
    house = desk(step("call fail"), step("answer"), ok("There is no such page."))
    assert answer(await say(house.graph, "desk")) == "There is no such page."
    assert '\\"ok\\": false' in house.read_by_model()


async def test_a_weak_model_calls_and_does_not_talk(desk: Any) -> None:
    house = desk(step("call add"), given(a=2, b=3), step("answer"), quality=WEAK)
    assert answer(await say(house.graph, "desk")) == "5"
    assert house.offered()[-1] == "decline"
    assert "ask" not in house.offered()


async def test_rubbish_between_messages_is_passed_over(desk: Any) -> None:
    house = desk(step("call rubbish"), step("answer"), quality=WEAK)
    assert answer(await say(house.graph, "desk")) == "after the rubbish"


async def test_asking_keeps_the_floor_and_declining_gives_the_turn_back(desk: Any) -> None:
    house = desk(step("ask"), ok("Which note?"), step("decline"))
    asked = await say(house.graph, "desk")
    assert (asked["phase"], answer(asked)) == ("awaiting_input", "Which note?")
    result = await say(house.graph, "desk beta")
    assert result["record"]["runs"][0]["reason"] == "none of the tools of the desk fits the request"
    assert served_by(result) == ("agent", "beta")


async def test_a_server_that_dies_in_mid_call_is_a_failure_and_starts_anew(desk: Any) -> None:
    assert "ended or closed the connection" in await why_failed(desk(step("call die")))
    house = desk(step("call pid"), step("answer"), quality=WEAK)
    process = answer(await say(house.graph, "desk"))
    os.kill(int(process), signal.SIGKILL)
    again = answer(await say(desk(step("call pid"), step("answer"), quality=WEAK).graph, "desk"))
    assert again != process


async def test_a_call_that_hangs_cuts_no_other_of_its_user(folder: Path) -> None:
    args = ("-m", "tests.support.mcp_server", str(folder / "notes"))
    server = McpSessions(McpEntry(command=sys.executable, args=args), name="desk")

    async def pid(client: Client) -> str:
        return str((await _called(client, name="pid", arguments={})).content[0].text)

    async def later(client: Client) -> str:
        await asyncio.sleep(0.5)
        return await pid(client)

    async def hangs(client: Client) -> str:
        raise TimeoutError

    first = await server.run(pid, user="u", home=folder)
    running = asyncio.create_task(server.run(later, user="u", home=folder))
    await asyncio.sleep(0.1)
    with pytest.raises(UnreachableError, match="did not answer"):
        await server.run(hangs, user="u", home=folder)
    assert await server.run(pid, user="u", home=folder) != first
    assert await running == first
    await until(lambda: not _runs(int(first)))


LEAVING = """
import asyncio, sys, threading, time
from pathlib import Path
from agents.elsewhere.entries import McpEntry
from agents.elsewhere.mcp_sessions import McpSessions
from app.leaving import leave

async def pid(client):
    return (await client.call_tool("pid", {})).content[0].text

server = McpSessions(McpEntry(command=sys.executable, args=("-c", sys.argv[1])), name="desk")
print(asyncio.run(server.run(pid, user="u", home=Path(sys.argv[2]))))
leave(0)
"""
STUBBORN = """
import threading, time
from tests.support.mcp_server import server
threading.Thread(target=time.sleep, args=(60,)).start()
server.run()
"""


def test_a_server_that_outlives_its_input_ends_with_the_command(folder: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", LEAVING, STUBBORN, str(folder)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert not _runs(int(told.stdout))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_change_whose_answer_never_came_is_told_to_the_user(desk: Any) -> None:
    house = desk(step("call note_and_die"), given(text="once"))
    await say(house.graph, "desk")
    result = await say(house.graph, "yes")
    assert house.written() == ["once"]
    assert answer(result).startswith("I cannot say whether `note_and_die` was done")
    assert served_by(result) == ("agent", "desk")


async def test_a_change_that_was_cut_short_is_not_made_twice(
    desk: Any, folder: Path, address: str
) -> None:
    agent = desk_agent(folder, url=address)
    house = desk(step("call note_and_hang"), given(text="once"), agent=agent)
    await say(house.graph, "desk")
    turn = asyncio.create_task(say(house.graph, "yes"))
    await until(lambda: house.written() == ["once"])
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    result = await house.graph.ainvoke(None, on("t"))
    assert answer(result).startswith("I cannot say whether `note_and_hang` was done: the process")
    assert house.written() == ["once"]


async def test_each_user_has_a_connection_of_their_own(desk: Any) -> None:
    processes = set()
    for user in ("local", "bob", "local"):
        house = desk(step("call pid"), step("answer"), quality=WEAK)
        processes.add(answer(await say(house.graph, "desk", context=Context(user=user))))
    assert len(processes) == 2


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"command": "no-such-command"}, "cannot be started: No such file or directory"),
        ({"command": "true"}, "ended or closed the connection"),
        ({"command": sys.executable, "args": ("-c", "print('Welcome!')")}, "ended or closed"),
        ({"url": "http://127.0.0.1:9/mcp"}, "cannot be reached"),
        ({"env": ("DESK_TOKEN",)}, "DESK_TOKEN is not set; set it to reach this agent"),
    ],
)
async def test_a_server_that_is_not_there_is_a_failure_with_a_reason(
    desk: Any, folder: Path, entry: Any, reason: str
) -> None:
    entry = {"args": ()} | entry if "command" in entry else entry
    assert reason in await why_failed(desk(agent=desk_agent(folder, **entry)))


async def test_a_server_sees_of_the_environment_what_is_named_and_logs_do_not(
    desk: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_PASSPHRASE", "open-sesame-42")
    monkeypatch.setenv("DESK_OTHER", "unseen")
    house = desk(
        step("call secret"),
        step("answer"),
        quality=WEAK,
        agent=desk_agent(folder, env=("DESK_PASSPHRASE",)),
    )
    assert answer(await say(house.graph, "desk")) == "DESK_PASSPHRASE"
    hide(["DESK_PASSPHRASE"])
    assert redact("it said open-sesame-42") == "it said [key]"


async def test_a_mask_holds_before_any_server_is_started(desk: Any, folder: Path) -> None:
    agent = desk_agent(folder, command="no-such-command", args=())
    agent = replace(agent, card=replace(agent.card, grants=frozenset({"desk"})))
    house = desk(agent=agent)
    result = await say(house.graph, "desk desk beta")
    assert served_by(result) == ("agent", "beta")
    assert [m["code"] for m in result["record"]["agents"]["masked"]] == ["grants"]
    assert "cannot be started" in await why_failed_for(house, Context(grants=["desk"]))


async def why_failed_for(house: Desk, context: Context) -> str:
    result = await say(house.graph, "desk desk beta", context=context, thread="u")
    return str(result["record"]["runs"][0]["reason"])


async def test_without_a_model_it_says_that_it_needs_one(desk: Any) -> None:
    house = desk()
    reason = await why_failed_for(house, Context(exclude=["m"]))
    assert reason == "no model may serve it, and it needs one to choose a tool"


async def test_a_tool_that_the_server_lacks_is_said(desk: Any, folder: Path, address: str) -> None:
    agent = desk_agent(folder, url=address, tools=("add", "fly"))
    said = "the MCP server desk offers no tool 'fly' of use"
    assert await why_failed(desk(agent=agent)) == said


def test_the_log_says_once_which_tool_is_left_out_and_why(caplog: pytest.LogCaptureFixture) -> None:
    schemas: dict[str, dict[str, Any]] = {
        "broken": {"properties": {"a": {"type": "nonsense"}}},
        "long": {"description": "x" * LONGEST_SCHEMA},
        "words": {"properties": {"a": {"type": "string", "pattern": r"^\p{L}+$"}}},
    }
    listed = [
        Tool(name=name, input_schema={"type": "object", **schema})
        for name, schema in schemas.items()
    ]
    for _ in range(2):
        cards = tool_cards(listed, McpEntry(command="x"), server="far")
        assert [card["name"] for card in cards] == ["words"]
    broken, long = [r.getMessage() for r in caplog.records]
    assert broken == (
        "the tool 'broken' of the MCP server far is left out: its schema: no JSON schema: "
        "'nonsense' is not valid under any of the given schemas"
    )
    assert "characters; at most 10,000 are read" in long
    with pytest.raises(UnreachableError, match="offers no tool 'broken' of use: its schema: no"):
        tool_cards(listed, McpEntry(command="x", tools=("broken",)), server="far")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """The same server over HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (folder / "http.log").open("wb") as out:
        running = subprocess.Popen(
            [sys.executable, "-m", "tests.support.mcp_server", folder / "notes", str(port)],
            cwd=ROOT, stdout=out, stderr=out,
        )  # fmt: skip
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/")
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
        running.kill()
        running.wait()


async def test_over_http_with_a_header_from_the_environment(
    desk: Any, folder: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_KEY", "abc-123")
    agent = desk_agent(folder, url=address, headers_env={"X-Desk": "DESK_KEY"})
    house = desk(step("call header"), step("answer"), quality=WEAK, agent=agent)
    assert answer(await say(house.graph, "desk")) == "abc-123"
    house = desk(
        step("call note"), given(text="over http"), step("answer"), ok("Noted."), agent=agent
    )
    assert (await say(house.graph, "desk"))["phase"] == "awaiting_approval"
    assert answer(await say(house.graph, "yes")) == "Noted."
    assert house.written() == ["over http"]


@pytest.mark.parametrize("packed", [False, True])
async def test_a_body_without_end_is_not_read_to_its_end(
    desk: Any, folder: Path, packed: bool
) -> None:
    async def endless(scope: Any, receive: Any, send: Any) -> None:
        more = [(b"content-encoding", b"gzip")] if packed else []
        headers = [(b"content-type", b"application/json"), *more]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(16):
            await send({"type": "http.response.body", "body": b" " * 2**20, "more_body": True})

    with served(endless) as url:
        agent = desk_agent(folder, url=f"{url}/mcp", seconds=30.0)
        house = desk(step("call header"), agent=agent)
        assert await why_failed(house) == "the MCP server desk cannot be reached (ReadError)"


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (401, "text/plain", "answers with the HTTP status 401"),
        (404, "application/json", "answers with the HTTP status 404"),
        (500, "text/html", "answers with the HTTP status 500"),
        (302, "", "answers with the HTTP status 302"),
        (200, "text/html; charset=utf-8", "answers what is not MCP (text/html)"),
        (200, "application/json", "answers what is not MCP (MCPError)"),
    ],
)
async def test_what_answers_and_is_no_mcp_server_is_told_with_its_answer(
    folder: Path, status: int, kind: str, told: str
) -> None:
    async def other(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", kind.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"<p>secret-text</p>"})

    with served(other) as url:
        agent = desk_agent(folder, url=f"{url}/mcp")
        context = AgentContext(home=folder, model=Careless(responses=[""]))
        with pytest.raises(UnreachableError) as refused:
            await agent.graph.ainvoke({"request": "desk", "event": "start"}, context=context)
    assert str(refused.value) == f"the MCP server desk {told}"


@pytest.mark.parametrize("code", [-32600, -32001])
async def test_a_server_that_forgot_its_sessions_is_given_a_new_one(
    folder: Path, code: int
) -> None:
    sessions: set[str] = set()

    def reply(message: Any, session: str) -> tuple[int, Any]:
        found: dict[str, Any] = {"jsonrpc": "2.0", "id": message.get("id")}
        if message["method"] == "initialize":
            sessions.add(session)
            about = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}}
            return 200, {**found, "result": {**about, "serverInfo": {"name": "x", "version": "1"}}}
        if session not in sessions:
            return 404, {**found, "error": {"code": code, "message": "Session not found"}}
        tool = {"name": "look", "inputSchema": {"type": "object"}}
        return 200 if "id" in message else 202, {**found, "result": {"tools": [tool]}}

    async def old(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive()).get("body", b"")
        session = dict(scope["headers"]).get(b"mcp-session-id", b"").decode()
        status, said = 405, None
        if scope["method"] == "POST":
            session = session or f"s{len(sessions)}"
            status, said = reply(json.loads(body), session)
        headers = [(b"content-type", b"application/json"), (b"mcp-session-id", session.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(said).encode()})

    with served(old) as url:
        server = McpSessions(McpEntry(url=f"{url}/mcp", seconds=5.0), name="desk")
        for _ in range(2):
            listed = await server.run(_listed, user="u", home=folder, again=True)
            assert [tool.name for tool in listed] == ["look"]
            sessions.clear()


async def test_a_server_that_hangs_is_a_failure_in_its_time(
    desk: Any, folder: Path, address: str
) -> None:
    agent = desk_agent(folder, url=address, seconds=2.0)
    house = desk(step("call hang"), agent=agent)
    assert await why_failed(house) == "the MCP server desk did not answer within 2 s"


async def test_a_server_that_fails_again_and_again_rests(desk: Any, folder: Path) -> None:
    house = desk(agent=desk_agent(folder, command="no-such-command", args=()))
    for _ in range(6):
        result = await say(house.graph, "desk desk beta")
    assert [m["code"] for m in result["record"]["agents"]["masked"]] == ["health"]


TOOLS = """
SIGNAL keyword large {{ keywords: ["99"] }}
ROUTE large {{ PRIORITY 2 WHEN keyword("large") PLUGIN tools {{ mode: "none" }} AGENT "desk" }}
ROUTE rest {{ PRIORITY 1 PLUGIN tools {{ mode: "filtered" allow_tools: [{allowed}] }} }}
"""


@pytest.mark.parametrize(
    ("allowed", "a", "why"),
    [
        ('"add"', 2, None),
        ('"list"', 2, "the tool add is not among those that the rule allows"),
        ('"add"', 99, "the rule lets no tool be called"),  # what the model wrote into the call
    ],
)
async def test_the_policy_reads_each_call_before_it_is_made(
    desk: Any, tmp_path: Path, allowed: str, a: int, why: str | None
) -> None:
    policy = tmp_path / "policy.dsl"
    policy.write_text(TOOLS.format(allowed=allowed))
    replies = (step("call add"), given(a=a, b=3), step("answer"), ok("So it is."))
    house = desk(*replies, policy=policy)
    await say(house.graph, "desk")
    (used,) = (await house.graph.aget_state(on("t"))).values["outcome"]["data"]["tools"]
    assert used["ok"] is (why is None)
    told = house.provider.requests[2].body["messages"][-1]["content"]
    assert (f"not called: the policy denies it: {why}" in told) is (why is not None)
