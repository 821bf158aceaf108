"""MoMA's server as a process of its own, over the shipped calculator and one model at a provider of the tests."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from agents.source import Source
from tests.support.provider import FakeProvider

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(
    folder: Path,
    provider: FakeProvider,
    cards: Sequence[Mapping[str, Any]] = (),
    /,
    **settings: str,
) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run a server over the shipped calculator, the agents of `cards` and one model; it is not waited for."""
    shipped = Source.from_file(ROOT / "catalog.yaml").value
    agents = [card for card in shipped["agents"] if card["id"] == "calculator"]
    model = {
        "id": "fake",
        "litellm": "openai/fake",
        "base_url": provider.base_url,
        "price": {"input": 1.0, "output": 1.0},
        "context_tokens": 8192,
    }
    catalog = {"agents": [*agents, *cards], "models": [model], "default_model": "fake"}
    (folder / "catalog.yaml").write_text(yaml.safe_dump(catalog), encoding="utf-8")
    port = free_port()
    running = subprocess.Popen(
        [sys.executable, "-m", "app.server", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, "MOMA_CATALOG": str(folder / "catalog.yaml"), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield f"http://127.0.0.1:{port}", running
    finally:
        running.kill()
        running.communicate()


def answers(url: str, path: str) -> bool:
    try:
        return httpx.get(f"{url}{path}", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
