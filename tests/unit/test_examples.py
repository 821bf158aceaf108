"""Every file in `examples/` runs and does what it says."""

import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.support.provider import FakeProvider, ok, tool_call
from tests.support.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
BACKEND = """
import httpx, asyncio
from app.main import api
import app, graphs
assert "fastapi_backend" in app.__file__, app.__file__

async def main():
    async with api.router.lifespan_context(api):
        transport = httpx.ASGITransport(api)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            for user, thread, text in (("ada", "1", "What is 17% of 2,350?"), ("ada", "1", "and 20%?"),
                                       ("bob", "1", "and 20%?"), ("ada", "1", " ")):
                said = await client.post("/chat", json={"thread": thread, "text": text}, headers={"x-user": user})
                print(said.status_code, said.text.splitlines()[0])

asyncio.run(main())
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the shipped catalogue, where nothing of the user's is."""
    shutil.copy(ROOT / "catalog.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Return what runs an example as the command line would."""

    def go(name: str, *arguments: str) -> dict[str, Any]:
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        return runpy.run_path(str(EXAMPLES / name), run_name="__main__")

    return go


def test_a_backend_with_an_app_package_of_its_own(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BACKEND],
        cwd=folder,
        env={
            "PYTHONPATH": f"{EXAMPLES / 'fastapi_backend'}:{ROOT}",
            "HOME": str(folder),
            "PYTHON_DOTENV_DISABLED": "1",
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "200 17% of 2,350 = **399.5**",
        "200 20% of 2,350 = **470**",
        '404 {"detail":"there is no such thread of yours; begin one with another id"}',
        '400 {"detail":"the message is empty; write what you want to know or do"}',
    ]


def test_a_chat_model(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run("chat_model.py")
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "17% of 2,350 = **399.5** from calculator"
    assert said[1] == "20% of 2,350 = **470**"
    assert "144" in said[-1]


def test_an_example_runs_by_the_command_of_its_page(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "examples.node_in_a_graph"],
        cwd=ROOT,
        env={"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()[:1]) == (0, ["17% of 2,350 = **399.5**"])


def test_a_node_in_a_graph(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run("node_in_a_graph.py")
    assert capsys.readouterr().out.splitlines() == [
        "17% of 2,350 = **399.5**",
        "20% of 2,350 = **470**",
    ]


def test_a_model_for_an_agent(
    run: Any, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeProvider(tool_call("stock", '{"item": "lamps"}'), ok("There are seven.")) as provider:
        catalog = (
            "default_model: fake\nmodels: [{id: fake, litellm: openai/fake, context_tokens: 8192, "
            f"base_url: '{provider.base_url}', price: {{input: 1.0, output: 1.0}}, abilities: [tools]}}]\n"
            "kinds: [{id: writing, examples: [write a poem]}]\n"
        )
        (folder / "catalog.yaml").write_text(catalog)
        run("model_for_agent.py")
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "There are seven."
    assert said[1].startswith("chosen: fake because fake is the only model")


async def test_what_chainlit_calls(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chainlit cannot be installed beside MoMA's tools: the example's handler is run with the calls that it makes."""
    sent: list[Any] = []

    class Message:
        def __init__(self, content: str, author: str = "") -> None:
            self.content, self.author = content, author

        async def stream_token(self, token: str) -> None:
            self.content += token

        async def send(self) -> None:
            sent.append(self)

    chainlit: Any = ModuleType("chainlit")
    chainlit.Message, chainlit.on_message = Message, lambda handler: handler
    session = {"id": "session-1", "user": SimpleNamespace(identifier="ada")}
    chainlit.user_session = SimpleNamespace(get=session.get)
    monkeypatch.setitem(sys.modules, "chainlit", chainlit)
    example = runpy.run_path(str(EXAMPLES / "chainlit_app.py"))
    for text in ("What is 17% of 2,350?", "and 20%?", " "):
        await example["answer"](Message(text))
    assert [(reply.author, reply.content.splitlines()[0]) for reply in sent] == [
        ("calculator", "17% of 2,350 = **399.5**"),
        ("calculator", "20% of 2,350 = **470**"),
        ("", "the message is empty; write what you want to know or do"),
    ]


def test_each_is_short_and_is_in_the_list() -> None:
    """test_studio.py runs `remote_graph.py`, where a server is."""
    files = [p for p in EXAMPLES.rglob("*.py") if p.name != "__init__.py"]
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in files:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        assert len(lines) <= 40, path
        assert f"`{path.relative_to(EXAMPLES).parts[0]}" in listed, path
