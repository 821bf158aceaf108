"""README.md and the guides are run: what they tell a newcomer to type is typed."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from graphs import Catalog
from tests.support.outcomes import graded, with_answers, write_table
from tests.support.prose import GUIDES, README, ROOT, Session, blocks, commands, sessions, tried
from tests.support.waiting import PATIENCE_S, wait_until

SERVER = "127.0.0.1:8000"
DOCUMENTS = [README, *GUIDES]


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


def make_folder(path: Path) -> Path:
    """Make a folder like the checkout's root, with the catalogue, a policy and tables of outcomes in it."""
    (path / "examples").mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "catalog.yaml", path)
    shutil.copy(ROOT / "examples/policy.dsl", path / "examples")
    table = graded()
    write_table(path / "outcomes.parquet", with_answers(table))
    newcomer = {f"newcomer|{of}": table[f"bard|{of}"] for of in ("score", "cost")}
    columns = {name: table[name] for name in ("query_id", "dataset", "query")}
    write_table(path / "small.parquet", columns | newcomer)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder like the checkout's root."""
    return make_folder(tmp_path)


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


def check(found: list[Session], path: Path) -> None:
    """Check that sessions run, print what the comments beside their prints say, and that their commands speak."""
    folders, promised = [], list[str]()
    with ExitStack() as stack:
        for session in found:
            folder = make_folder(path / session.of)
            code = stack.enter_context(served("\n".join(session.python), folder))
            (folder / "session.py").write_text(code, encoding="utf-8")
            (folder / "commands").write_text("\n".join(session.commands), encoding="utf-8")
            for block in session.files:
                (folder / str(block.title)).write_text(block.text, encoding="utf-8")
            folders.append(str(folder))
            promised += [f"# {session.of}"]
            promised += re.findall(r"^\s*print\(.*\)  # (.+)$", code, re.MULTILINE)
        typed = [sys.executable, "-W", "error::SyntaxWarning", "-m", "tests.support.sessions"]
        done = run([*typed, *folders], path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == promised
    for command in (command for session in found for command in session.commands):
        said = done.stderr.partition(f"$ {command}\n")[2]
        assert said, f"{command} says nothing"
        assert said[0] != "$", f"{command} says nothing"


def test_what_the_readme_shows_runs(tmp_path: Path) -> None:
    check(sessions(README), tmp_path)


def test_what_the_guides_show_runs(tmp_path: Path) -> None:
    check([session for guide in GUIDES for session in sessions(guide)], tmp_path)


@pytest.mark.parametrize("command", [c for d in DOCUMENTS for c in commands(d) if c[:5] == "make "])
def test_their_make_targets_exist(command: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in command.split()[1:]:
        assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), target


def test_every_command_is_one_that_is_tried() -> None:
    assert commands(README)
    every = [command for document in DOCUMENTS for command in commands(document)]
    assert [c for c in every if not tried(c) and not c.startswith("make ")] == []


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
        named = [f"{entry['id']}-{effort}" for effort in entry.get("efforts", ())]
        assert set(named or [entry["id"]]) <= set(ids)
