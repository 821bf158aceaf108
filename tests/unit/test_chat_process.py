"""The chat as a person and a script run it: real processes, a real pseudo-terminal, a fake provider of answers."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from agents.source import Source
from agents.tasks.store import open_store
from app.chat.__main__ import main
from graphs import Services
from tests.support.agents import FakeEncoder
from tests.support.provider import FakeProvider, ok, stall
from tests.support.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]
CHAT = [sys.executable, "-m", "app.chat"]


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A catalogue of two of the shipped agents without a model, and MOMA_CATALOG set to it."""
    shipped = Source.from_file(ROOT / "catalog.yaml").value
    agents = [card for card in shipped["agents"] if card["id"] in ("calculator", "tasks")]
    path = tmp_path / "catalog.yaml"
    path.write_text(yaml.safe_dump({"agents": agents}), encoding="utf-8")
    monkeypatch.setenv("MOMA_CATALOG", str(path))
    return path


@pytest.fixture
def fake_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a chat that runs in this process start at once."""
    monkeypatch.setattr(Services, "_encoder", lambda self: FakeEncoder())


def add_model(catalog: Path, base_url: str) -> None:
    model = (
        f"models: [{{id: fake, litellm: openai/fake, base_url: '{base_url}', "
        "price: {input: 1.0, output: 1.0}, context_tokens: 8192}]\ndefault_model: fake\n"
    )
    catalog.write_text(model + catalog.read_text(encoding="utf-8"), encoding="utf-8")


class Terminal:
    """A chat in a pseudo-terminal of its own."""

    def __init__(self, term: str, *arguments: str) -> None:
        pid, self._fd = pty.fork()
        if pid == 0:  # the child: an exec, so that nothing of the test's process runs on
            os.chdir(ROOT)
            os.environ |= {
                "TERM": term,
                "PROMPT_TOOLKIT_NO_CPR": "1",
                "COLUMNS": "80",
                "LINES": "24",
            }
            os.execv(CHAT[0], [*CHAT, *arguments])
        self.pid, self.text = pid, ""
        self._seen = 0

    def send(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def expect(self, text: str) -> str:
        """Wait for `text` after what was waited for before; return what came with it, without escape codes."""
        deadline = time.monotonic() + PATIENCE_S
        while (at := (plain := _plain(self.text)).find(text, self._seen)) < 0:
            assert time.monotonic() < deadline, f"waited for {text!r}, got {plain[self._seen :]!r}"
            self._read(0.1)
        came, self._seen = plain[self._seen : at + len(text)], at + len(text)
        return came

    def ended(self) -> int:
        """Wait for the end and return the exit status."""
        deadline = time.monotonic() + PATIENCE_S
        while (done := os.waitpid(self.pid, os.WNOHANG))[0] == 0:
            assert time.monotonic() < deadline, f"it did not end: {_plain(self.text)!r}"
            self._read(0.05)
        return os.waitstatus_to_exitcode(done[1])

    def _read(self, seconds: float) -> None:
        if select.select([self._fd], [], [], seconds)[0]:
            try:
                self.text += os.read(self._fd, 65_536).decode(errors="replace")
            except OSError:  # the other side is closed
                time.sleep(seconds)


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r", "", text)


@contextmanager
def terminal(*arguments: str, term: str = "xterm") -> Iterator[Terminal]:
    chat = Terminal(term, *arguments)
    try:
        yield chat
    finally:
        try:
            os.kill(chat.pid, signal.SIGKILL)
            os.waitpid(chat.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass  # it has ended


def test_a_person_talks_stops_an_answer_is_asked_and_leaves(catalog: Path, tmp_path: Path) -> None:
    with FakeProvider(stall(after=3)) as provider:
        add_model(catalog, provider.base_url)
        with terminal("--thread", "demo") as chat:
            chat.expect("/help lists the commands")
            chat.expect("thread demo · new")
            chat.expect(">")
            chat.send("What is 17% of 2,350?\r")  # while the routers still load
            assert "Traceback" not in chat.expect("= 399.5")
            chat.expect("calculator · fits best · $0 · ")
            chat.expect(">")
            chat.send("Write a long story about rain\r")
            chat.expect("word word word")
            chat.send("typed ahead\x03")
            assert not {"^C", "typed"} & set(chat.expect("Stopped.").split()), (
                "it draws undisturbed"
            )
            assert provider.requests[0].hung_up.wait(PATIENCE_S), (
                "the provider still writes for nobody"
            )
            chat.expect(">")
            chat.send("/why\r")
            chat.expect("turn    2 of thread demo")
            chat.expect("(not ended)")
            chat.expect("no agent fits")
            chat.expect(">")
            chat.send("half a line\x03")
            chat.expect("Ctrl-D or /quit leaves.")
            chat.expect(">")
            chat.send("remind me to buy milk tomorrow at 9\r")
            chat.expect("Added buy milk")
            chat.send("delete all my tasks\r")
            chat.expect("Delete buy milk?")
            chat.expect("yes or no >")
            chat.send("/nonsense\r")
            chat.expect("no command '/nonsense'; /help lists them")
            chat.expect("yes or no >")
            chat.send("no\r")
            chat.expect("Nothing was deleted.")
            chat.expect(">")
            chat.send("\x04")
            assert chat.ended() == 0
    history = tmp_path / "home" / "chat-history"
    assert "delete all my tasks" in history.read_text()
    assert history.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("seconds", [0.1, 0.2, 0.4])
def test_a_person_may_leave_while_the_routers_still_load(seconds: float, catalog: Path) -> None:
    with terminal() as chat:
        chat.expect(">")
        time.sleep(seconds)
        chat.send("\x04")
        assert chat.ended() == 0
        assert "terminate" not in chat.text


def test_a_dumb_terminal_gets_plain_text_and_ctrl_c_works(catalog: Path) -> None:
    with terminal(term="dumb") as chat:
        chat.expect("> ")
        chat.send("\x03")
        chat.expect("Ctrl-D or /quit leaves.")
        chat.send("2+2\n")
        chat.expect("2 + 2 = **4**")
        chat.expect("> ")
        chat.send("\x04")
        assert chat.ended() == 0
        assert "\x1b" not in chat.text


def test_a_pipe_is_answered_in_plain_text_and_may_be_closed(catalog: Path) -> None:
    chat = subprocess.Popen(
        CHAT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    )
    assert chat.stdin is not None
    assert chat.stdout is not None
    with chat:
        chat.stdin.write(b"What is 2+2?\n\n/nonsense\n/thread \xff\n3+4\n")
        chat.stdin.flush()
        assert chat.stdout.readline() == b"2 + 2 = **4**\n"
        assert chat.stdout.readline().startswith(b"calculator \xc2\xb7 fits best")
        while (line := chat.stdout.readline()) != b"3 + 4 = **7**\n":
            assert line.startswith(b"thread ")
        chat.stdout.close()
        _, err = chat.communicate(b"3+3\n/help\n4+4\n", timeout=PATIENCE_S)
    assert chat.returncode == 0
    assert err == b"no command '/nonsense'; /help lists them\n"


def test_an_approval_is_asked_by_one_process_and_answered_to_another(
    catalog: Path, tmp_path: Path, fake_encoder: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_store(tmp_path / "home", user="local") as store:
        store.add("buy milk", due=None, draft="test", now=datetime.now(UTC))
    assert main(["--once", "delete all my tasks", "--thread", "t", "--json"]) == 0
    asked = json.loads(capsys.readouterr().out)
    assert set(asked) == {"answer", "served_by", "record"}
    assert asked["answer"].startswith("Delete")
    assert (asked["served_by"]["id"], asked["record"]["phase_to"]) == ("tasks", "awaiting_approval")
    command = [*CHAT, "--once", "-", "--thread", "t", "--json"]
    done = subprocess.run(command, input=b"no\n", capture_output=True, cwd=ROOT, check=True)
    answered = json.loads(done.stdout)
    assert (answered["answer"], answered["record"]["turn"]) == ("Nothing was deleted.", 2)
    with open_store(tmp_path / "home", user="local") as store:
        assert [task.title for task in store.tasks()] == ["buy milk"]


def test_an_answer_is_printed_once_as_the_markdown_it_is(
    catalog: Path, fake_encoder: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeProvider(ok("**Rain**\n\n- falls")) as provider:
        add_model(catalog, provider.base_url)
        assert main(["--once", "qwertz"]) == 0
    assert capsys.readouterr() == ("**Rain**\n\n- falls\n", "")


def test_streams_that_are_closed_are_no_fault(catalog: Path) -> None:
    lines = ("--once - <&-", "--once 2+2 <&- >&-", "<&-")
    chats = [
        subprocess.Popen(
            ["sh", "-c", f"exec {sys.executable} -m app.chat {line}"],
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )
        for line in lines
    ]
    errors = [chat.communicate(timeout=PATIENCE_S)[1] for chat in chats]
    assert [chat.returncode for chat in chats] == [2, 0, 0]
    assert errors == [b"moma: the message is empty; write what you want to know or do\n", b"", b""]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_said_in_one_line(
    catalog: Path,
    fake_encoder: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main(["--once", "2+2"]) == 2
    assert capsys.readouterr().err == "moma: [Errno 28] No space left on device\n"


def one_line(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the chat in this process and return its one line on stderr."""
    assert main(list(arguments)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("moma: ")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MOMA_CATALOG", "nope.yaml", "nope.yaml: cannot be read"),
        ("MOMA_HOME", "{file}", "MOMA_HOME: "),
        ("MOMA_CHECKPOINTS", "{file}", "the saved threads cannot be used"),
        ("MOMA_CHECKPOINTS", "{file}/below", "the saved threads cannot be used"),
        ("MOMA_CHECKPOINTS", "mysql://a:secret@h/d", "expected the path of a SQLite file"),
        ("MOMA_DAY_BUDGET_USD", "inf", "MOMA_DAY_BUDGET_USD"),
        ("MOMA_ENCODER", "foo", "the encoder 'foo'"),
        ("MOMA_LOCAL_MODELS", "mine={file}", "expected a GGUF file"),
        ("MOMA_LOCAL_MODELS", "mine", "MOMA_LOCAL_MODELS: "),
        ("MOMA_TYPO", "1", "MOMA_TYPO: unknown setting"),
    ],
)
def test_a_broken_set_up_is_said_in_one_line(
    name: str,
    value: str,
    expected: str,
    catalog: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").write_bytes(b"no database " * 1000)
    monkeypatch.setenv(name, value.format(file=tmp_path / "file"))
    add_model(catalog, "http://127.0.0.1:9/v1")
    assert expected in one_line(capsys, "--once", "hi")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("agents: [", "catalog.yaml:"),
        ("agents:\n  - id: a b\n    description: x\n", "catalog.yaml:2: agents[0].id"),
        ("models: []\nagents: 3\n", "catalog.yaml:2: agents"),
        ("", "catalog.yaml"),
    ],
)
def test_a_broken_catalogue_is_said_in_one_line(
    content: str, expected: str, catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    catalog.write_text(content)
    assert expected in one_line(capsys, "--once", "hi")


@pytest.mark.parametrize("text", ["", " \t\n", "\x00\x07", "a" * 1_000_000])
def test_what_cannot_be_a_turn_is_said_in_one_line(
    text: str, catalog: Path, fake_encoder: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "message" in one_line(capsys, "--once", text)


@pytest.mark.parametrize("thread", ["", "a\nb", "\udcff", "x" * 201])
def test_an_odd_thread_is_said_in_one_line(
    thread: str, catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "1 to 200 printable characters" in one_line(capsys, "--once", "hi", "--thread", thread)


@pytest.mark.parametrize("text", ["2+2 🎉", "\udcff\udcfe hello", "é" * 5000])
def test_odd_characters_are_answered(
    text: str, catalog: Path, fake_encoder: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeProvider(ok("Hello 🎉.")) as provider:
        add_model(catalog, provider.base_url)
        assert main(["--once", text, "--thread", "ü 🎉/../x"]) == 0
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("arguments", [["--json"], ["--nope"], ["--once"], ["text"]])
def test_bad_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err
