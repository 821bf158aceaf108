"""README.md and the guides are run: what they tell a newcomer to type is typed."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from graphs import Catalog
from tests.support.outcomes import graded, write_table
from tests.support.prose import GUIDES, README, ROOT, Script, blocks, code, commands, typed
from tests.support.waiting import PATIENCE_S, wait_until

SERVER = "127.0.0.1:8000"
DOCUMENTS = [README, *GUIDES]


def each(scripts: list[Script]) -> list[Any]:
    """Return scripts as parameters, each named after where it is from."""
    return [pytest.param(s, id=s.of) for s in scripts if s.parts]


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
    """A folder like the checkout's root, with nothing in it but the catalogue and tables of outcomes."""
    shutil.copy(ROOT / "catalog.yaml", tmp_path)
    table = graded()
    write_table(tmp_path / "outcomes.parquet", table)
    newcomer = {f"newcomer|{of}": table[f"bard|{of}"] for of in ("score", "cost")}
    columns = {name: table[name] for name in ("query_id", "dataset", "query")}
    write_table(tmp_path / "small.parquet", columns | newcomer)
    return tmp_path


def write_files(script: Script, folder: Path) -> None:
    """Write the blocks that have a name as files."""
    for block in script.files:
        assert block.title is not None
        (folder / block.title).write_text(block.text, encoding="utf-8")


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


@pytest.mark.parametrize("script", each(code()))
def test_their_python_runs_and_prints_what_its_comments_say(script: Script, folder: Path) -> None:
    write_files(script, folder)
    with served(script.text, folder) as text:
        done = run([sys.executable, "-W", "error::SyntaxWarning", "-c", text], folder)
    assert done.returncode == 0, done.stderr
    promised = re.findall(r"^\s*print\(.*\)  # (.+)$", text, re.MULTILINE)
    assert done.stdout.splitlines() == promised


@pytest.mark.parametrize("script", each(typed()))
def test_their_commands_run(script: Script, folder: Path) -> None:
    write_files(script, folder)
    for command in script.parts:
        done = run(["sh", "-c", command.replace("python", sys.executable, 1)], folder)
        assert done.returncode == 0, f"{command}\n{done.stderr}{done.stdout}"
        assert done.stdout or done.stderr, "it says what it did"


@pytest.mark.parametrize("command", [c for d in DOCUMENTS for c in commands(d) if c[:5] == "make "])
def test_their_make_targets_exist(command: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in command.split()[1:]:
        assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), target


def test_every_command_is_one_that_is_tried() -> None:
    assert commands(README)
    tried = {c for script in typed() for c in script.parts}
    every = [c for document in DOCUMENTS for c in commands(document)]
    assert [c for c in every if c not in tried and not c.startswith("make ")] == []


CATALOGUED = [b.text for d in DOCUMENTS for b in blocks(d, "yaml") if not b.title]


@pytest.mark.parametrize("text", CATALOGUED)
def test_their_yaml_is_taken_by_the_catalogue(text: str, folder: Path) -> None:
    catalog = (folder / "catalog.yaml").read_text(encoding="utf-8")
    given = yaml.safe_load(text)
    if isinstance(given, dict):  # a section of its own
        (folder / "catalog.yaml").write_text(f"{catalog}\n{text}")
        Catalog.from_file(folder / "catalog.yaml")
        return
    section = "models" if "litellm" in given[0] else "agents"
    known = {"id", "litellm" if section == "models" else "description"}
    (folder / "catalog.yaml").write_text(
        catalog.replace(f"\n{section}:\n", f"\n{section}:\n{text}", 1)
    )
    loaded = Catalog.from_file(folder / "catalog.yaml")
    ids = [e.id for e in (loaded.agents if section == "agents" else loaded.models)]
    for entry in given:
        assert known <= set(entry)
        assert entry["id"] in ids
