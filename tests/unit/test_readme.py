"""README.md is run: what it tells a newcomer to type is typed."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from tests.support.outcomes import graded, write_table
from tests.support.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[2]
SERVER = "127.0.0.1:8000"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Return what follows a prompt in the console blocks, without its comment."""
    typed = [
        line[2:] for block in blocks("console") for line in block.splitlines() if line[:2] == "$ "
    ]
    return [line.partition("  #")[0].strip() for line in typed]


def run(command: list[str], cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MOMA_HOME": str(cwd / "home")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder like the checkout's root, with nothing in it but the catalogue and a table of outcomes."""
    shutil.copy(ROOT / "catalog.yaml", tmp_path)
    write_table(tmp_path / "outcomes.parquet", graded())
    return tmp_path


@contextmanager
def served(code: str, folder: Path) -> Iterator[str]:
    """Serve in `folder` where `code` speaks to a server; yield the code with its address."""
    if SERVER not in code:
        yield code
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    server = subprocess.Popen(
        [sys.executable, "-m", "app.server", "--port", address.partition(":")[2]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MOMA_HOME": str(folder / "home")},
        stdout=subprocess.DEVNULL,
    )

    def ready() -> bool:
        try:
            return httpx.get(f"http://{address}/ready", timeout=5).status_code == 200
        except httpx.HTTPError:
            return server.poll() is not None

    try:
        wait_until(ready)
        yield code.replace(SERVER, address)
    finally:
        server.terminate()
        assert server.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("code", blocks("python"))
def test_its_python_runs_and_prints_what_its_comments_say(code: str, folder: Path) -> None:
    with served(code, folder) as code:
        done = run([sys.executable, "-W", "error::SyntaxWarning", "-c", code], folder)
    assert done.returncode == 0, done.stderr
    promised = re.findall(r"^\s*print\(.*\)  # (.+)$", code, re.MULTILINE)
    assert done.stdout.splitlines() == promised


@pytest.mark.parametrize("command", [c for c in commands() if c.startswith("python -m app.")])
def test_its_commands_run(command: str, folder: Path) -> None:
    done = run(["sh", "-c", command.replace("python", sys.executable, 1)], folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout or done.stderr, "it says what it did"


@pytest.mark.parametrize("command", [c for c in commands() if c.startswith("make ")])
def test_its_make_targets_exist(command: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in command.split()[1:]:
        assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), target


def test_every_command_is_one_that_is_tried() -> None:
    assert commands()
    others = [c for c in commands() if not c.startswith(("make ", "python -m app."))]
    assert others == []


@pytest.mark.parametrize("text", blocks("yaml"))
def test_its_yaml_is_taken_by_the_catalogue(text: str, folder: Path) -> None:
    (entry,) = yaml.safe_load(text)
    section = "agents" if "run" in entry or "skills" in entry else "models"
    assert {"id", "litellm" if section == "models" else "description"} <= set(entry)
    catalog = (folder / "catalog.yaml").read_text(encoding="utf-8")
    (folder / "catalog.yaml").write_text(
        catalog.replace(f"\n{section}:\n", f"\n{section}:\n{text}", 1)
    )
    from graphs import Catalog

    loaded = Catalog.from_file(folder / "catalog.yaml")
    assert entry["id"] in [e.id for e in (loaded.agents if section == "agents" else loaded.models)]
