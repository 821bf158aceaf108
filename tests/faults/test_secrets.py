"""Test 30 (b): canaries in the environment, in a provider's errors and in a prompt are found where they belong only."""

import io
import logging
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agents.contract import failed
from agents.errors import ProviderError
from app.assembly import make_options
from app.settings import read_settings
from graphs import Context
from graphs.checkpoints import open_sqlite
from graphs.gateway import fallback, transport
from graphs.redaction import RedactingFilter
from tests.support.agents import fake_agent, fake_graph, model_at, on
from tests.support.bars import bar
from tests.support.provider import FakeProvider, echo_key, ok
from tests.support.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]
KEY = "canary-in-the-environment-0f3a"
"""Of no form that a pattern could know."""
PROMPT = "canary-in-the-prompt-77b1"
PERSONAL = ("ann.canary@example.org", "+49 30 90182055", "4111 1111 1111 1111")


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Collect everything that any library logs while all debugging is on, as an application writes it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(RedactingFilter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield written
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def careless(state: Any, runtime: Any) -> Any:
    """An agent that repeats what it was told in the reason of its failure."""
    return failed(f"no entry for {state['request']}")


@pytest.mark.parametrize("n", [1, pytest.param(50, marks=pytest.mark.faults)])
async def test_30b_canaries(
    n: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CANARY_API_KEY", KEY)
    monkeypatch.setattr(fallback, "FIRST_PAUSE_S", 0.001)
    transport.load()
    seen: list[str] = []
    others: list[str] = []
    errors: list[str] = []
    script = [echo_key(401), echo_key(500), echo_key(429), echo_key(403)]
    with FakeProvider(*script * (3 * n + 9)) as echoing, FakeProvider(ok("Fine.")) as sound:
        models = [
            model_at(echoing.base_url, "echoing", key="CANARY_API_KEY", quality={"writing": 0.9}),
            model_at(sound.base_url, "sound"),
        ]
        with logged() as logs:
            async with open_sqlite(tmp_path / "threads.sqlite") as saver:
                graph = fake_graph(
                    fake_agent("careless", careless),
                    models=models,
                    saver=saver,
                    preference="performance",
                )
                for number in range(n):
                    for thread, text in (
                        (f"ann-{number}", f"{'careless ' * 9} {PROMPT} {' '.join(PERSONAL)}"),
                        (f"bob-{number}", "write a poem"),
                    ):
                        async for part in graph.astream(
                            {"messages": [("user", text)]},
                            on(thread),
                            context=Context(user=thread),
                            stream_mode=["custom", "messages"],
                        ):
                            seen.append(repr(part))
                    snapshots = graph.aget_state_history(on(f"bob-{number}"))
                    others += [repr(snapshot) async for snapshot in snapshots]
                    mine = await graph.aget_state(on(f"ann-{number}"))
                    seen.append(repr(mine.values["record"]))
            for _ in range(n):
                errors += [await _shown_of_an_error(echoing.base_url) for _ in script]
    assert any("no entry for careless" in text for text in seen), "the agent did run"
    stored = _read(tmp_path)
    places = {
        "logs": logs.getvalue() + "".join(capfd.readouterr()),
        "errors": "".join(errors),
        "responses": "".join(seen),
        "checkpoints of other threads": "".join(others),
        "all checkpoints": stored,
        "settings": repr(read_settings()) + repr(models) + repr(make_options(read_settings())),
        "traces": _traced(sound.base_url) if n >= 50 else "",
    }
    keys = {place for place, text in places.items() if KEY in text}
    told = [name for name in places if name != "all checkpoints"]
    prompts = {place for place in told if PROMPT in places[place] and place != "responses"}
    personal = {place for place in told for canary in PERSONAL if canary in places[place]}
    if n >= 50:
        bar(
            30,
            "(b) canary secrets",
            2 * n,
            f"{len(keys)} hits of a key in {len(places)} places, {len(prompts | personal)} of a prompt in {len(told)}",
            "0 hits",
        )
    assert len(echoing.requests) > len(errors), "turns were refused too"
    assert not keys
    assert not prompts | personal


def _read(folder: Path) -> str:
    """Return the threads' file, journal and all, as it lies on the disk."""
    return b"".join(path.read_bytes() for path in folder.glob("threads.sqlite*")).decode("latin-1")


async def _shown_of_an_error(base_url: str) -> str:
    """Return all that a tracker of errors could write down of a call that is refused."""
    request = transport.Request(
        model="m",
        litellm="openai/fake",
        messages=[{"role": "user", "content": PROMPT}],
        max_tokens=9,
        limits=transport.Limits(),
        deadline=time.monotonic() + PATIENCE_S,
        base_url=base_url,
        api_key=KEY,
    )
    with pytest.raises(ProviderError) as refused:
        await anext(transport.stream(request))
    return "".join(traceback.format_exception(refused.value)) + repr(vars(refused.value))


TRACED = """
import asyncio, sys
import graphs
from langchain_core.tracers.langchain import wait_for_all_tracers
from tests.support.agents import fake_agent, fake_graph, model_at, say
async def main():
    graph = fake_graph(fake_agent("alpha"), models=[model_at(sys.argv[1], key="CANARY_API_KEY")])
    for text in ("write a poem " + sys.argv[2], "alpha " + sys.argv[2]):
        await say(graph, text)
asyncio.run(main())
wait_for_all_tracers()
"""


def _traced(base_url: str) -> str:
    """Return what a tracing service is sent of two turns, one by a model and one by an agent."""
    came: list[bytes] = []

    class FakeLangSmith(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(self.rfile.read(int(self.headers.get("content-length") or 0)))
            self._answer()

        do_PATCH = do_POST

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), FakeLangSmith) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        subprocess.run(
            [sys.executable, "-c", TRACED, base_url, f"{PROMPT} {' '.join(PERSONAL)}"],
            cwd=ROOT,
            check=True,
            env={
                **os.environ,
                "LANGSMITH_TRACING": "true",
                "LANGSMITH_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
                "LANGSMITH_API_KEY": "lsv2_pt_not_a_real_one",
                "LANGSMITH_DISABLE_RUN_COMPRESSION": "true",
            },
        )
        server.shutdown()
    sent = b"".join(came).decode("latin-1")
    assert "observe" in sent, "the runs are traced"
    return sent
