"""The server as it is run: a process of its own, that drains when it is told to end."""

import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from app.server.__main__ import main
from app.server.keys import make_key
from tests.support.provider import FakeProvider, Seen, Wire, ok, stall, stream
from tests.support.server_process import answers, free_port, process
from tests.support.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[2]


def test_a_server_that_is_told_to_end_finishes_its_turns_and_takes_no_more(tmp_path: Path) -> None:
    gate = threading.Event()

    async def held(wire: Wire, seen: Seen) -> None:
        import asyncio

        await stream({"content": "begun "}, finish=None, usage=None, done=False)(wire, seen)
        await asyncio.to_thread(gate.wait, PATIENCE_S)
        for event in (
            '{"choices": [{"index": 0, "delta": {"content": "ended."}}]}',
            '{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}',
            "[DONE]",
        ):
            await wire.event(event)

    keyed, entry = make_key(user="ann")
    (tmp_path / "keys.yaml").write_text(entry, encoding="utf-8")
    body = {"messages": [{"role": "user", "content": "write a poem"}], "model": "fake"}
    with (
        FakeProvider(held) as provider,
        process(tmp_path, provider, MOMA_API_KEYS=str(tmp_path / "keys.yaml")) as (url, running),
    ):
        wait_until(lambda: answers(url, "/ready") or running.poll() is not None)
        assert running.poll() is None, running.stderr.read() if running.stderr else ""
        headers = {"authorization": f"Bearer {keyed}"}
        with (
            httpx.Client(base_url=url, headers=headers, timeout=PATIENCE_S) as client,
            client.stream(
                "POST", "/v1/chat/completions", json={**body, "stream": True}
            ) as response,
        ):
            lines = response.iter_lines()
            assert any("begun" in line for line in lines)
            running.send_signal(signal.SIGTERM)

            def refused() -> bool:
                return (
                    httpx.post(
                        f"{url}/v1/chat/completions", json=body, headers=headers, timeout=30
                    ).status_code
                    == 503
                )

            wait_until(lambda: not answers(url, "/ready"))
            assert refused()
            assert answers(url, "/health")
            gate.set()
            rest = [*lines]
        assert any("ended." in line for line in rest)
        assert "data: [DONE]" in rest
        assert running.wait(PATIENCE_S) == 0
        assert running.stderr is not None
        assert running.stderr.read() == ""


def test_a_stream_that_outlasts_the_end_is_told_so(tmp_path: Path) -> None:
    body = {
        "messages": [{"role": "user", "content": "write a poem"}],
        "model": "fake",
        "stream": True,
    }
    with (
        FakeProvider(stall(after=1)) as provider,
        process(tmp_path, provider, MOMA_DRAIN_SECONDS="0.1") as (url, running),
    ):
        wait_until(lambda: answers(url, "/ready") or running.poll() is not None)
        with httpx.stream("POST", f"{url}/v1/chat/completions", json=body, timeout=60) as response:
            lines = response.iter_lines()
            assert any("word" in line for line in lines)
            running.send_signal(signal.SIGTERM)
            (told,) = [line for line in lines if line]
        error = json.loads(told.removeprefix("data: "))["error"]
        assert (error["code"], "send the message again" in error["message"]) == ("overloaded", True)
        assert running.wait(PATIENCE_S) == 0
        assert running.stderr is not None
        assert running.stderr.read() == ""


_HANGING = """
import time
from langgraph.graph import END, START, StateGraph
from agents.contract import AgentContext, AgentState

def hang(state):
    time.sleep(3_600)

builder = StateGraph(AgentState, context_schema=AgentContext)
builder.add_node("hang", hang)
builder.add_edge(START, "hang")
builder.add_edge("hang", END)
graph = builder.compile()
"""


def test_an_agent_whose_threads_hang_keeps_neither_other_turns_nor_the_end(tmp_path: Path) -> None:
    (tmp_path / "hanging.py").write_text(_HANGING, encoding="utf-8")
    card = {"id": "hanging", "description": "Never comes back.", "run": "hanging:graph"}
    settings = {
        "PYTHONPATH": str(tmp_path),
        "MOMA_DAY_BUDGET_USD": "5",
        "MOMA_DRAIN_SECONDS": "0.2",
    }
    all_of_asyncio = min(32, (os.cpu_count() or 1) + 4)

    def ask(model: str) -> int:
        body = {"messages": [{"role": "user", "content": "write a poem"}], "model": model}
        return httpx.post(f"{url}/v1/chat/completions", json=body, timeout=PATIENCE_S).status_code

    with (
        FakeProvider(ok()) as provider,
        ThreadPoolExecutor(all_of_asyncio) as clients,
        process(tmp_path, provider, [card], **settings) as (url, running),
    ):
        wait_until(lambda: answers(url, "/ready") or running.poll() is not None)
        hung = [clients.submit(ask, "agent:hanging") for _ in range(all_of_asyncio)]
        wait_until(lambda: f"moma_turns_admitted {all_of_asyncio}.0" in told(url))
        assert ask("fake") == 200
        assert not any(turn.done() for turn in hung)
        running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE_S) == 0
        assert {turn.result() for turn in hung} == {503}


def told(url: str) -> str:
    return httpx.get(f"{url}/metrics", timeout=PATIENCE_S).text


def test_a_server_that_still_loads_ends_well(tmp_path: Path) -> None:
    with FakeProvider(ok()) as provider, process(tmp_path, provider) as (url, running):
        wait_until(lambda: answers(url, "/health") or running.poll() is not None)
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE_S) == 0


@pytest.mark.parametrize(
    ("name", "text"), [("MOMA_CATALOG", "agents: 5"), ("MOMA_API_KEYS", "nothing")]
)
def test_a_broken_set_up_is_told_on_one_line(
    tmp_path: Path,
    name: str,
    text: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "broken"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv(name, str(path))
    assert main(["--port", str(free_port())]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.count("\n") == 1
    assert str(path) in error


def test_threads_that_cannot_be_opened_are_told_on_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "threads.sqlite"
    path.write_bytes(b"no database" * 100)
    path.chmod(0o600)
    monkeypatch.setenv("MOMA_CHECKPOINTS", str(path))
    assert main(["--port", str(free_port())]) == 2
    out, error = capfd.readouterr()
    assert (out, error.count("\n")) == ("", 1)
    assert error.startswith(f"moma: {path}: the saved threads cannot be used")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MOMA_CATALOG", "or set MOMA_CATALOG\n"),
        ("MOMA_API_KEYS", "MOMA_API_KEYS: {path}: cannot be read"),
        ("MOMA_API_KEYS", "set it to the path of a file of keys\n"),
    ],
)
def test_a_file_that_is_missing_is_told_with_its_setting(
    name: str,
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(name, str(path := tmp_path / "missing"))
    assert main(["--port", str(free_port())]) == 2
    assert expected.format(path=path) in capsys.readouterr().err
