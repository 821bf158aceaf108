"""`langgraph dev` as an operator starts it, and turns through its API as Studio takes them."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from agents.card import AgentCard, Skill
from agents.elsewhere.entries import RemoteEntry
from agents.registry import build_agent
from graphs.machine import Phase
from graphs.threads import MomaGraph
from tests.support.agents import FakeAgent, answer, fake_agent, fake_graph, on, say, served_by
from tests.support.provider import FakeProvider, ok
from tests.support.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]
AGENTS = ("calculator", "calendar", "tasks", "documents", "data")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("studio") / "log"


@pytest.fixture(scope="module")
def server(log: Path) -> Iterator[str]:
    """The address of a server on a free port, without any key, over the shipped agents and a fake provider."""
    with FakeProvider(ok("It rains.")) as provider, log.open("wb") as out:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        running = subprocess.Popen(
            [Path(sys.executable).with_name("langgraph"), "dev", "--no-browser", "--no-reload",
             "--config", ROOT / "langgraph.json", "--host", "127.0.0.1", "--port", str(port)],
            cwd=ROOT, stdout=out, stderr=out, env=_environment(log.parent, provider.base_url),
        )  # fmt: skip
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()
            try:
                running.wait(PATIENCE_S / 4)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def _environment(folder: Path, base_url: str) -> dict[str, str]:
    agents = (ROOT / "catalog.yaml").read_text(encoding="utf-8").partition("\nagents:\n")[2]
    model = (
        "default_model: fake\n"
        f"models: [{{id: fake, litellm: openai/fake, base_url: '{base_url}', "
        "price: {input: 1.0, output: 1.0}, context_tokens: 8192}]\n"
    )
    (folder / "catalog.yaml").write_text(f"{model}agents:\n{agents}", encoding="utf-8")
    foreign = ("MOMA_", "LANGSMITH_", "LANGCHAIN_", "LANGGRAPH_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    own = {"MOMA_HOME": str(folder / "home"), "MOMA_CATALOG": str(folder / "catalog.yaml")}
    own["PYTHON_DOTENV_DISABLED"] = "1"
    return {**{k: v for k, v in kept.items() if not k.endswith("_API_KEY")}, **own}


@pytest.fixture
async def client(server: str, log: Path) -> AsyncIterator[LangGraphClient]:
    deadline = time.monotonic() + PATIENCE_S
    async with get_client(url=server) as found:
        while True:
            try:
                await found.http.get("/ok")
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline, read_log(log)[-2000:]
                await asyncio.sleep(0.2)
        yield found


def read_log(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")


async def take(client: LangGraphClient, thread: str, text: str | None = None, **more: Any) -> str:
    """Take a turn and return what is said last."""
    given: Any = {"messages": [{"role": "user", "content": text}]} if text else None
    result: Any = await client.runs.wait(thread, "agent", input=given, **more)
    return str(result["messages"][-1]["content"])


async def stands(client: LangGraphClient, thread: str) -> tuple[str, str, list[Any]]:
    """Return the thread's phase, its status, and what it waits for."""
    state: Any = await client.threads.get_state(thread)
    status = (await client.threads.get(thread))["status"]
    asked = [pending["value"]["question"] for pending in state["interrupts"]]
    return state["values"]["phase"], status, asked


async def test_the_xray_graph_shows_the_phases_the_agents_and_their_insides(
    client: LangGraphClient,
) -> None:
    (assistant,) = await client.assistants.search()
    graph = await client.assistants.get_graph(assistant["assistant_id"], xray=True)
    nodes = {str(node["id"]) for node in graph["nodes"]}
    assert set(Phase) <= nodes
    for agent in AGENTS:
        assert len([node for node in nodes if node.startswith(f"{agent}:")]) >= 2, agent
    labels = {edge.get("data") for edge in graph["edges"]}
    assert {"new_request", "clarify", "needs_approval"} & {str(label) for label in labels}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("What is 17% of 2,350?", "399.5"),
        ("What time is it in Tokyo?", "Tokyo"),
        ("Index the folder", ""),
        ("What tables do I have?", ""),
        ("Write a haiku about rain", "It rains."),
    ],
)
async def test_a_turn_runs(client: LangGraphClient, log: Path, text: str, answer: str) -> None:
    thread = (await client.threads.create())["thread_id"]
    assert answer in await take(client, thread, text)
    state: Any = await client.threads.get_state(thread)
    record = state["values"]["record"]
    assert [run["reason"] for run in record["runs"] if run["event"] == "failed"] == []
    assert record["degraded"] is None
    assert "BlockingError" not in read_log(log)


async def test_an_approval_is_resumed_by_a_command_and_by_a_message(
    client: LangGraphClient, log: Path
) -> None:
    thread = (await client.threads.create())["thread_id"]
    assert "Added" in await take(client, thread, "remind me to call mum tomorrow at 9")
    for reply in ({"command": {"resume": "no"}}, {"text": "no"}):
        await take(client, thread, "delete all my tasks")
        phase, status, asked = await stands(client, thread)
        assert (phase, status) == ("awaiting_approval", "interrupted")
        assert asked == ["Delete *call mum*?"]
        assert await take(client, thread, **reply) == "Nothing was deleted."
        assert (await stands(client, thread))[:2] == ("engaged", "idle")
    assert "call mum" in await take(client, thread, "show my tasks")
    assert "BlockingError" not in read_log(log)


SAID = [
    "what is 17% of 2350",
    "what is 10% of 50",
    "remind me to water the plants tomorrow at 9",
    "delete the task water the plants",
]


def far(server: str, assistant: str = "agent") -> MomaGraph:
    """Return a house with an agent for what is said here, which is a graph of that server."""
    skills = tuple(Skill(id=f"s{n}", examples=(text,)) for n, text in enumerate(SAID))
    entry = RemoteEntry(url=server, assistant=assistant)
    card = AgentCard(id="far", description="far", skills=skills, remote=entry)
    graph = build_agent(card).graph
    assert graph is not None
    return fake_graph(FakeAgent(card, graph), fake_agent("beta"), saver=InMemorySaver())


async def test_a_graph_over_there_is_an_agent_here(client: LangGraphClient, server: str) -> None:
    graph = far(server)
    result = await say(graph, SAID[0])
    assert (answer(result), served_by(result)) == ("17% of 2350 = **399.5**", ("agent", "far"))
    await say(graph, SAID[1])
    thread = (await graph.aget_state(on("t"))).values["memories"]["far"]["thread"]
    over_there: Any = await client.threads.get_state(thread)
    assert over_there["values"]["turn"] == 2


async def test_its_approval_over_there_is_one_here(client: LangGraphClient, server: str) -> None:
    graph = far(server)
    await say(graph, SAID[2])
    asked = await say(graph, SAID[3])
    assert asked["phase"] == "awaiting_approval"
    (pause,) = asked["__interrupt__"]
    assert (pause.value["question"], pause.value["agent"]) == ("Delete *water the plants*?", "far")
    ended = await say(graph, "yes")
    assert (ended["phase"], answer(ended)) == ("engaged", "Deleted *water the plants*.")


async def test_a_graph_that_is_not_there_over_there_is_a_failure(
    client: LangGraphClient, server: str
) -> None:
    result = await say(far(server, "none"), SAID[0])
    run = result["record"]["runs"][0]
    assert (run["agent"], run["event"]) == ("far", "failed")
    assert "HTTP status 4" in run["reason"]


def test_the_example_of_a_remote_graph_runs(server: str) -> None:
    example = [sys.executable, str(ROOT / "examples" / "remote_graph.py"), server]
    done = subprocess.run(
        example, capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    first, added, question, deleted = done.stdout.splitlines()
    assert first == "17% of 2,350 = **399.5**"
    assert "call mum" in added
    assert question.startswith("Delete ")
    assert deleted.startswith("Deleted ")


async def test_the_page_is_there_and_what_it_speaks_to(client: LangGraphClient, log: Path) -> None:
    http = client.http.client
    start = await http.get("/")
    assert "text/html" in start.headers["content-type"]
    assert "default-src 'none'" in start.headers["content-security-policy"]
    assert (await http.get("/page/main.js")).status_code == 200
    assert len((await http.get("/v1/machine")).json()["phases"]) == len(Phase)
    headers = {"x-session-id": "page", "x-moma-debug": "true"}
    for text, told in (
        ("What is 17% of 2,350?", "399.5"),
        ("Write a haiku about rain", "It rains."),
    ):
        asked = [{"role": "user", "content": text}]
        body = {"messages": asked, "stream": True}
        answer = await http.post("/v1/chat/completions", json=body, headers=headers)
        chunks = [json.loads(line[6:]) for line in answer.text.splitlines() if '"choices"' in line]
        said = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
        assert told in said
        assert chunks[-1]["moma"]["record"]["phase_to"] in set(Phase)
    assert "BlockingError" not in read_log(log)
