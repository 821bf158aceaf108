"""MoMA as an MCP server: its two tools over a real session, and the command as a client starts it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import interrupt
from mcp import Client, StdioServerParameters

from agents.contract import done
from app.mcp.tools import make_mcp
from graphs import Context, build_graph
from tests.support.agents import FakeAgent, fake_agent, fake_services, model_at
from tests.support.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]


def house(*agents: FakeAgent, context: Any = Context, **rest: Any) -> Client:
    services = fake_services(*agents, **rest)
    graph = build_graph(services=services, checkpointer=InMemorySaver())
    return Client(make_mcp(graph, services, context=context))


async def call(client: Client, tool: str, **arguments: str) -> tuple[str, dict[str, Any], bool]:
    result = await client.call_tool(tool, arguments)
    (said,) = result.content
    return str(getattr(said, "text", "")), result.structured_content, bool(result.is_error)


async def test_ask_answers_and_says_who_and_where() -> None:
    async with house(fake_agent("alpha")) as client:
        tools = {tool.name: tool.annotations for tool in (await client.list_tools()).tools}
        assert {name: hints and hints.read_only_hint for name, hints in tools.items()} == {
            "ask": False, "route": True,
        }  # fmt: skip
        text, values, failed = await call(client, "ask", message="alpha")
        assert values["answer"] == "alpha did it."
        assert values["served_by"] == {"kind": "agent", "id": "alpha"}
        assert values["thread"] in text
        assert not failed


async def test_an_approval_comes_as_a_text_and_the_next_ask_answers_it() -> None:
    ran: list[str] = []

    def work(state: Any, runtime: Any) -> Any:
        said = interrupt({"question": "Delete it?", "details": ["a file"]})
        ran.append(said)
        return done(f"You said {said}.")

    async with house(fake_agent("alpha", work)) as client:
        text, values, _ = await call(client, "ask", message="alpha")
        assert values["phase"] == "awaiting_approval"
        assert "Delete it?\n\n- a file" in text
        assert "It waits for a yes or no of the user" in text
        _, after, _ = await call(client, "ask", message="yes", thread=values["thread"])
        assert (after["answer"], ran) == ("You said yes.", ["yes"])
        _, other, _ = await call(client, "ask", message="yes")
        assert other["phase"] != "awaiting_approval", "another thread has nothing to say yes to"


async def test_route_says_who_would_and_runs_nothing() -> None:
    alpha = fake_agent("alpha")
    async with house(alpha, models=[model_at("http://127.0.0.1:9")]) as client:
        text, values, _ = await call(client, "route", message="alpha")
        assert text.startswith("alpha: ")
        assert (values["chosen"], values["record"]["dry_run"]) == ("alpha", True)
        assert (await call(client, "route", message="a poem"))[1]["chosen"] == "m"
        assert alpha.runs == 0


async def test_faults_are_errors_of_the_tool_with_one_line() -> None:
    user = "ann"
    async with house(fake_agent("alpha"), context=lambda: Context(user=user)) as client:
        for wrong in ({"message": " "}, {"message": "alpha", "thread": "a\nb"}):
            text, values, failed = await call(client, "ask", **wrong)
            assert (failed, values["status"], "\n" in text) == (True, 400, False)
        _, values, _ = await call(client, "ask", message="alpha")
        user = "bob"
        for tool in ("ask", "route"):
            _, refused, failed = await call(client, tool, message="x", thread=values["thread"])
            assert (failed, refused["status"]) == (True, 404)


async def test_the_command_serves_the_shipped_agents(tmp_path: Path) -> None:
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "app.mcp"],
        cwd=ROOT,
        env={"MOMA_HOME": str(tmp_path / "home"), "PYTHON_DOTENV_DISABLED": "1", **_path()},
    )
    async with Client(command) as client:
        _, values, failed = await call(client, "ask", message="What is 17% of 2,350?")
        assert (values["answer"], failed) == ("17% of 2,350 = **399.5**", False)
        _, values, _ = await call(client, "ask", message="and 20%?", thread=values["thread"])
        assert "470" in values["answer"]
        assert json.dumps(values)


@pytest.mark.parametrize("seconds", [1.8, 2.1])
def test_a_client_may_leave_while_the_routers_still_load(seconds: float, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "app.mcp"]
    environment = {"MOMA_HOME": str(tmp_path / "home"), "PYTHON_DOTENV_DISABLED": "1", **_path()}
    server = subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=environment
    )
    time.sleep(seconds)
    _, said = server.communicate(timeout=PATIENCE_S)
    assert (server.returncode, said) == (0, b"")


def _path() -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
