"""Turns over HTTP with SQLite behind: MoMA's server, bare LangGraph behind the same web framework, LiteLLM's own proxy.

Each server is a process of its own, and so is the provider, which answers after 20 ms in the form of OpenAI's API;
its first word is the moment at which it was sent. Each turn is on a thread of its own, and no text comes twice, so
that nothing of the routing is remembered. LiteLLM's proxy keeps no threads and routes nothing; it is measured if
its command is given. The provider is asked directly too: overhead is what a turn alone takes longer than that. How
fast a shared machine is changes within seconds, so turns alone are a few of each server by turns, and turns at once a
round of each; the figures are the medians of the turns and of the rounds. Processor time is the server's own, which
other load disturbs least.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import httpx
import yaml

from benchmarks.report import print_table

ROOT = Path(__file__).parents[1]
PROVIDER_MS = 20
WORDS = 24
_KINDS = ("provider", "bare, one node", "bare, four nodes")
DIRECT = "nothing: the provider asked directly"
CATALOG = "catalog.yaml"
_PATH = "/v1/chat/completions"
_WARM = 20
"""Turns of a new client that are not measured."""
_IN_A_ROW = 10
"""Turns alone of one server before the next one's."""


def provider(every_ms: float) -> Any:
    """Return the application of a provider that answers after a while, with a word every so many milliseconds."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response, StreamingResponse
    from starlette.routing import Route

    async def chat(request: Request) -> Response:
        body = await request.json()
        await asyncio.sleep(PROVIDER_MS / 1e3)
        head = {"id": "x", "created": 1, "model": body["model"]}
        usage = {"prompt_tokens": 20, "completion_tokens": WORDS, "total_tokens": 20 + WORDS}
        words = [str(time.time_ns()), *(f" w{n}" for n in range(WORDS - 1))]
        if not body.get("stream"):
            message = {"role": "assistant", "content": "".join(words)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            whole = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
            return Response(json.dumps(whole), media_type="application/json")

        async def stream() -> AsyncIterator[str]:
            for n, word in enumerate(words):
                delta = (
                    {"content": word}
                    if n
                    else {"role": "assistant", "content": str(time.time_ns())}
                )
                yield _event(head, [{"index": 0, "delta": delta, "finish_reason": None}])
                if every_ms:
                    await asyncio.sleep(every_ms / 1e3)
            yield _event(head, [{"index": 0, "delta": {}, "finish_reason": "stop"}], usage)
            yield "data: [DONE]\n\n"

        return StreamingResponse(stream(), media_type="text/event-stream")

    return Starlette(routes=[Route(_PATH, chat, methods=["POST"])])


def _event(head: Mapping[str, Any], choices: list[Any], usage: Any = None) -> str:
    chunk = {**head, "object": "chat.completion.chunk", "choices": choices, "usage": usage}
    return f"data: {json.dumps(chunk)}\n\n"


def bare(nodes: int, base_url: str, threads: Path) -> Any:
    """Return an application of LangGraph and FastAPI alone: a graph of so many nodes, of which one calls the model."""
    from fastapi import FastAPI, Request
    from langgraph.graph import END, START, MessagesState, StateGraph
    from starlette.responses import Response, StreamingResponse

    from graphs.checkpoints import open_sqlite
    from graphs.gateway import transport

    transport.load()
    import litellm  # the same transport

    async def answer(state: MessagesState) -> dict[str, Any]:
        from langgraph.config import get_stream_writer

        write, said = get_stream_writer(), ""
        asked = [
            {"role": "user", "content": m.content} for m in state["messages"] if m.type == "human"
        ]
        stream = await litellm.acompletion(
            model="openai/fake",
            messages=asked,
            stream=True,
            api_base=base_url,
            api_key="none",
            max_retries=0,
        )
        async for chunk in stream:
            if text := chunk.choices[0].delta.content:
                said += text
                write(text)
        return {"messages": [{"role": "assistant", "content": said}]}

    async def step(_: MessagesState) -> dict[str, Any]:
        return {}

    builder: Any = StateGraph(MessagesState)
    names = ["answer"] if nodes == 1 else ["observe", "route", "answer", "idle"]
    for name in names:
        builder.add_node(name, answer if name == "answer" else step)
    for before, after in zip([START, *names], [*names, END], strict=True):
        builder.add_edge(before, after)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_sqlite(threads) as saver:
            app.state.graph = builder.compile(checkpointer=saver)
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post(_PATH)
    async def chat(request: Request) -> Response:
        body, graph = json.loads(await request.body()), request.app.state.graph
        config = {"configurable": {"thread_id": request.headers["x-session-id"]}}
        sent = {"messages": body["messages"]}
        if not body.get("stream"):
            result = await graph.ainvoke(sent, config, durability="sync")
            message = {"role": "assistant", "content": result["messages"][-1].content}
            return Response(
                json.dumps({"choices": [{"message": message}]}), media_type="application/json"
            )

        async def stream() -> AsyncIterator[str]:
            async for text in graph.astream(sent, config, durability="sync", stream_mode="custom"):
                yield f"data: {json.dumps({'choices': [{'delta': {'content': text}}]})}\n\n"
            yield "data: [DONE]\n\n"

        return StreamingResponse(stream(), media_type="text/event-stream")

    return app


@dataclass(slots=True, kw_only=True)
class Load:
    """What one server did."""

    alone_ms: list[float] = field(default_factory=list)
    """Each turn that was taken when there was no other."""
    first_ms: list[float] = field(default_factory=list)
    """From the provider's first word to the client's, of each turn alone that is streamed."""
    turns_a_second: list[float] = field(default_factory=list)
    """With others at once, by round."""
    processor_ms: list[float] = field(default_factory=list)
    """The server's processor time a turn with others at once, by round; NaN where the system does not tell."""


class Client:
    """Asks one server, each turn on a thread of its own; `name` is of this client alone."""

    def __init__(self, http: httpx.AsyncClient, name: str) -> None:
        self._http, self._name = http, name
        self._count = iter(range(10**9))

    async def whole(self) -> float:
        """Return how long a turn took, in ms."""
        began = time.perf_counter()
        body, headers = self._turn(stream=False)
        answer = await self._http.post(_PATH, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        assert f" w{WORDS - 2}" in answer.json()["choices"][0]["message"]["content"]
        return 1e3 * (time.perf_counter() - began)

    async def first(self) -> float:
        """Return how long after the provider sent its first word that came, in ms; read the rest."""
        body, headers = self._turn(stream=True)
        late = 0.0
        async with self._http.stream("POST", _PATH, json=body, headers=headers) as answer:
            async for line in answer.aiter_lines():
                if late or not line.startswith("data: {"):
                    continue
                choices = json.loads(line[6:]).get("choices") or [{}]
                if said := (choices[0].get("delta") or {}).get("content"):
                    late = (time.time_ns() - int(said.split()[0])) / 1e6
        return late

    def _turn(self, *, stream: bool) -> tuple[dict[str, Any], dict[str, str]]:
        number = next(self._count)
        text = f"Write a limerick about the ship number {number} of the fleet of {self._name}"
        messages = [{"role": "user", "content": text}]
        headers = {"x-session-id": f"{self._name}-{number}"}
        return {"model": "auto", "stream": stream, "messages": messages}, headers


async def measure_round(
    servers: "Mapping[str, Server]",
    loads: Mapping[str, Load],
    *,
    turns: int,
    at_once: int,
    number: int,
) -> None:
    """Add one round of so many turns to what each server did: a quarter alone, a quarter streamed, all at once."""
    async with AsyncExitStack() as stack:
        clients = {}
        for name, server in servers.items():
            limits = httpx.Limits(max_connections=at_once)
            http = httpx.AsyncClient(base_url=server.url, timeout=120, limits=limits, verify=False)
            await stack.enter_async_context(http)
            clients[name] = Client(http, f"{name[:4]}{number}")
            for _ in range(_WARM):
                await clients[name].whole()
        for _ in range(max(1, turns // 4 // _IN_A_ROW)):
            for name, client in clients.items():
                loads[name].alone_ms += [await client.whole() for _ in range(_IN_A_ROW)]
                loads[name].first_ms += [await client.first() for _ in range(_IN_A_ROW)]
        for name, client in clients.items():
            spent, began = servers[name].processor_s(), time.perf_counter()
            await _at_once(client, turns, at_once)
            took = time.perf_counter() - began
            loads[name].turns_a_second.append(turns / took)
            loads[name].processor_ms.append(1e3 * (servers[name].processor_s() - spent) / turns)


async def _at_once(client: Client, turns: int, at_once: int) -> None:
    left = iter(range(turns))

    async def worker() -> None:
        for _ in left:
            await client.whole()

    await asyncio.gather(*(worker() for _ in range(at_once)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that runs."""

    url: str
    pid: int

    def processor_s(self) -> float:
        """Return the processor seconds it has used so far, user and system; NaN where the system does not tell."""
        try:
            told = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return float("nan")
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(command: list[str], port: int, **environment: str) -> Iterator[Server]:
    """Run a server until the context ends."""
    env = {**os.environ, **environment}
    running = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    try:
        while True:
            assert running.poll() is None, f"{command} ended with {running.returncode}"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield Server(url=f"http://127.0.0.1:{port}", pid=running.pid)
    finally:
        running.terminate()
        running.wait(60)


def write_catalog(folder: Path, base_url: str) -> Path:
    """Write the shipped catalogue with one model, at the provider."""
    catalog = yaml.safe_load((ROOT / CATALOG).read_text())
    model = {
        "id": "fake",
        "litellm": "openai/fake",
        "base_url": base_url,
        "price": {"input": 1.0, "output": 2.0},
        "context_tokens": 8192,
    }
    path = folder / CATALOG
    path.write_text(yaml.safe_dump({**catalog, "models": [model], "default_model": "fake"}))
    return path


def _servers(
    folder: Path, base_url: str, litellm: str | None
) -> Iterator[tuple[str, list[str], int, dict[str, str]]]:
    port = free_port()
    home = {"MOMA_CATALOG": str(write_catalog(folder, base_url)), "MOMA_HOME": str(folder / "moma")}
    yield "MoMA", [sys.executable, "-m", "app.server", "--port", str(port)], port, home
    for kind in _KINDS[1:]:
        port = free_port()
        yield kind, _serve(kind, port, base_url, folder / f"{len(kind)}.sqlite"), port, {}
    if litellm:
        port = free_port()
        params = {"model": "openai/fake", "api_base": base_url, "api_key": "none"}
        config = {"model_list": [{"model_name": "auto", "litellm_params": params}]}
        path = folder / "litellm.yaml"
        path.write_text(yaml.safe_dump(config))
        command = [litellm, "--config", str(path), "--port", str(port), "--host", "127.0.0.1"]
        yield "LiteLLM's proxy, no threads", command, port, {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def provider_command(port: int, *, every_ms: float = 0) -> list[str]:
    """Return the command that runs the provider, with a word every so many milliseconds."""
    return _serve("provider", port, every_ms=every_ms)


def _serve(
    kind: str, port: int, base_url: str = "", threads: Path = Path(), *, every_ms: float = 0
) -> list[str]:
    given = [
        "--serve",
        kind,
        "--port",
        str(port),
        "--provider",
        base_url,
        "--threads",
        str(threads),
        "--every-ms",
        str(every_ms),
    ]
    return [sys.executable, "-m", "benchmarks.load", *given]


def main(arguments: argparse.Namespace) -> None:
    """Measure all servers, by turns, and print the table."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        asked = provider_command(port, every_ms=arguments.every_ms)
        servers = {DIRECT: stack.enter_context(process(asked, port))}
        base_url = f"{servers[DIRECT].url}/v1"
        for name, command, port, environment in _servers(folder, base_url, arguments.litellm):
            servers[name] = stack.enter_context(process(command, port, **environment))
            if name == "MoMA":
                wait_ready(servers[name].url)
        loads = {name: Load() for name in servers}
        turns = max(1, arguments.turns // arguments.rounds)
        for number in range(arguments.rounds):
            at_once = arguments.at_once
            asyncio.run(measure_round(servers, loads, turns=turns, at_once=at_once, number=number))
    of = {name: _typical(load) for name, load in loads.items()}
    bare_rate = of[_KINDS[2]]["turns_a_second"]
    without_ms = of[DIRECT]["alone_ms"] + WORDS * arguments.every_ms
    print_table(
        f"{turns} turns in each of {arguments.rounds} rounds, {arguments.at_once} at once, a provider that answers "
        f"after {PROVIDER_MS} ms with a word every {arguments.every_ms:g} ms",
        [
            "server",
            "turns/s",
            "to bare, four nodes",
            "processor ms a turn",
            "alone ms p50",
            "overhead ms p50",
            "first word later by ms p50",
        ],
        [
            [
                name,
                f"{typical['turns_a_second']:.0f}",
                f"{typical['turns_a_second'] / bare_rate:.2f}",
                f"{typical['processor_ms']:.1f}",
                f"{typical['alone_ms']:.1f}",
                "" if name == DIRECT else f"{typical['alone_ms'] - without_ms:.1f}",
                f"{typical['first_ms']:.1f}",
            ]
            for name, typical in of.items()
        ],
    )


def _typical(load: Load) -> dict[str, float]:
    """Return the medians of what a server did."""
    return {part.name: statistics.median(getattr(load, part.name)) for part in fields(Load)}


def wait_ready(url: str) -> None:
    """Return when MoMA's server at `url` is ready."""
    while httpx.get(f"{url}/ready").status_code != 200:
        time.sleep(0.1)


def _run(given: argparse.Namespace) -> None:
    import uvicorn

    if given.serve == "provider":
        app = provider(given.every_ms)
    else:
        app = bare(1 if "one" in given.serve else 4, given.provider, given.threads)
    uvicorn.run(app, host="127.0.0.1", port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=1200, help="of each server, in all rounds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument(
        "--litellm", help="the command of LiteLLM's proxy, from an environment of its own"
    )
    parser.add_argument(
        "--every-ms",
        type=float,
        default=0,
        help="between the words of the provider; 0: all at once",
    )
    parser.add_argument("--serve", choices=_KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--provider", help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        _run(given)
    else:
        main(given)
