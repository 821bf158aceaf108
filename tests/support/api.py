"""MoMA's server on 127.0.0.1 in a thread of its own, over a house of fake agents, and clients that speak to it."""

import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from openai import OpenAI

from app.server.application import make_app
from app.server.door import LOOPBACK
from app.server.keys import Key, Keys, make_key
from app.server.resources import Resources, resources_of
from graphs.gateway import transport
from graphs.services import Services
from tests.support.agents import fake_services
from tests.support.waiting import wait_until


@dataclass(kw_only=True)
class Api:
    """A running server."""

    url: str
    resources: Resources
    server: uvicorn.Server
    opened: list[Any] = field(default_factory=list)

    def http(self, **headers: str) -> httpx.Client:
        """Return a plain client with these headers, `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        # Nothing is encrypted here, and reading the system's certificates takes longer than a turn.
        client = httpx.Client(base_url=self.url, headers=named, timeout=60, verify=False)
        self.opened.append(client)
        return client

    def openai(self, key: str = "none", **options: Any) -> OpenAI:
        """Return OpenAI's own client."""
        http = httpx.Client(timeout=60, verify=False)
        given = {"max_retries": 0, "http_client": http, **options}
        client = OpenAI(base_url=f"{self.url}/v1", api_key=key, **given)
        self.opened.append(client)
        return client

    def chat(self, *messages: Any, headers: dict[str, str] | None = None, **body: Any) -> Any:
        """Send a chat and return the response; a text is the user's message."""
        asked = [{"role": "user", "content": m} if isinstance(m, str) else m for m in messages]
        return self.http(**(headers or {})).post(
            "/v1/chat/completions", json={"messages": asked, **body}
        )

    def say(self, *messages: Any, headers: dict[str, str] | None = None, **body: Any) -> str:
        """Send a chat, whose user and assistant take turns, and return the answer."""
        roles = ("user", "assistant")
        asked = [
            {"role": roles[n % 2], "content": m} if isinstance(m, str) else m
            for n, m in enumerate(messages)
        ]
        response = self.chat(*asked, headers=headers, **body)
        assert response.status_code == 200, response.text
        return str(response.json()["choices"][0]["message"]["content"])


@contextmanager
def serving(
    *agents: Any,
    keys: Keys | None = None,
    hosts: Collection[str] | None = LOOPBACK,
    load: bool = True,
    a2a_url: str | None = None,
    threads: Path | str | None = None,
    services: Services | None = None,
    **house: Any,
) -> Iterator[Api]:
    """Serve a house of `agents`; see `fake_services`."""
    found: list[Resources] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)

        @asynccontextmanager
        async def opened() -> AsyncIterator[Resources]:
            served = services or fake_services(*agents, home=home, **house)
            place = str(threads or home / "threads.sqlite")
            try:
                async with resources_of(served, threads=place, keys=keys) as resources:
                    if load:
                        await asyncio.to_thread(served.router)
                        await asyncio.to_thread(transport.load)
                    found.append(resources)
                    yield resources
            finally:
                served.close()

        config = uvicorn.Config(
            make_app(opened, hosts=hosts, a2a_url=a2a_url),
            host="127.0.0.1",
            port=0,
            log_level="critical",
            ws="none",
            loop="asyncio",
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, name="moma-api", daemon=True)
        thread.start()
        wait_until(lambda: server.started or not thread.is_alive())
        assert server.started, "the server did not start"
        port = server.servers[0].sockets[0].getsockname()[1]
        api = Api(url=f"http://127.0.0.1:{port}", resources=found[0], server=server)
        try:
            yield api
        finally:
            for client in api.opened:
                client.close()
            server.should_exit = True
            thread.join(60)
            assert not thread.is_alive()


def keyring(*entries: dict[str, Any]) -> tuple[Keys, list[str]]:
    """Return keys with these entries, and what their bearers send."""
    import yaml

    texts, kept = [], []
    for entry in entries:
        text, entry_yaml = make_key(**entry)
        texts.append(text)
        kept.append(Key(**yaml.safe_load(entry_yaml)[0]))
    return Keys(kept), texts
