"""The saved threads: they outlive the process, and a store that cannot be used is one clear line."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.types import ERROR
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import interrupt

from agents.contract import done
from agents.errors import CheckpointError
from graphs import checkpoints
from graphs.checkpoints import open_sqlite, open_threads, strict
from graphs.locks import locks_of
from graphs.saved import check_values
from graphs.savers.threaded_saver import ThreadedSaver
from tests.support.agents import answer, fake_agent, fake_graph, on, say
from tests.support.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]
ANOTHER_PROCESS = """
import asyncio, os, signal, sys
from pathlib import Path
from graphs.checkpoints import open_sqlite
from tests.support.agents import fake_agent, fake_graph, say

async def main():
    async with open_sqlite(Path(sys.argv[1])) as saver:
        await say(fake_graph(fake_agent("alpha"), saver=saver), "alpha, said another process")
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def one_turn(path: Path) -> None:
    async with open_sqlite(path) as saver:
        await say(fake_graph(fake_agent("alpha"), saver=saver), "alpha")


def test_a_thread_goes_on_after_its_process_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "threads.sqlite"
    killed = subprocess.run(
        [sys.executable, "-c", ANOTHER_PROCESS, str(path)],
        cwd=ROOT,
        timeout=PATIENCE_S,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    asyncio.run(go_on(path))


async def go_on(path: Path) -> None:
    async with open_sqlite(path) as saver:
        graph = fake_graph(fake_agent("alpha"), saver=saver)
        result = await say(graph, "alpha")
        texts = [m.text for m in (await graph.aget_state(on("t"))).values["messages"]]
    assert texts[:2] == ["alpha, said another process", "alpha did it."]
    assert (result["record"]["turn"], result["record"]["phase_from"]) == (2, "engaged")


async def test_the_file_is_its_owners_alone_and_its_directories_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "threads.sqlite"
    await one_turn(path)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def random_bytes(path: Path) -> None:
    path.write_bytes(os.urandom(10_000))


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def pages_overwritten(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:12_288] = b"\xff" * 8192
    path.write_bytes(content)


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [random_bytes, cut_in_half, pages_overwritten, a_directory])
async def test_a_damaged_store_is_one_line_that_says_what_to_do(
    damage: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "threads.sqlite"
    await one_turn(path)
    damage(path)
    with pytest.raises(CheckpointError) as caught:
        await one_turn(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: the saved threads cannot be used (")
    assert text.endswith("move the file away to start anew, or set MOMA_CHECKPOINTS to another")
    assert "\n" not in text


async def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="cannot be used"):
        await one_turn(tmp_path / "file" / "threads.sqlite")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_directory_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(CheckpointError, match="cannot be used"):
        asyncio.run(one_turn(tmp_path / "threads.sqlite"))


async def test_a_store_that_another_program_holds_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "BUSY_MS", 20)
    path = tmp_path / "threads.sqlite"
    async with open_sqlite(path) as saver:
        graph = fake_graph(fake_agent("alpha"), saver=saver)
        await say(graph, "alpha")
        holder = sqlite3.connect(path)
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(CheckpointError, match=r"locked\); the turn was not taken"):
            await say(graph, "alpha")
        holder.rollback()
        assert answer(await say(graph, "alpha")) == "alpha did it."
        holder.close()
    holder = sqlite3.connect(path)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(CheckpointError, match="another program is using the file; end it"):
        await one_turn(path)
    holder.close()


async def test_a_damaged_thread_is_one_line_and_the_others_go_on(tmp_path: Path) -> None:
    path = tmp_path / "threads.sqlite"
    await one_turn(path)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE checkpoints SET checkpoint = ?", (b"\xc1 no msgpack",))
    db.close()
    async with open_sqlite(path) as saver:
        graph = fake_graph(fake_agent("alpha"), saver=saver)
        for use in (say(graph, "alpha"), graph.aget_state(on("t"))):
            with pytest.raises(CheckpointError, match="the saved thread is damaged"):
                await use
        assert answer(await say(graph, "alpha", thread="other")) == "alpha did it."


def numbered(whole: Any) -> None:
    whole["channel_versions"] = dict.fromkeys(whole["channel_versions"], 3)


def lettered(whole: Any) -> None:
    whole["channel_versions"] = dict.fromkeys(whole["channel_versions"], "abc")


def seen_by_lists(whole: Any) -> None:
    whole["versions_seen"] = {name: [] for name in whole["versions_seen"]}


def undecided(whole: Any) -> None:
    whole["channel_values"].pop("decision", None)


@pytest.mark.parametrize("damage", [numbered, lettered, seen_by_lists, undecided])
async def test_a_yes_to_a_damaged_thread_is_one_line_and_runs_nobody(
    damage: Callable[[Any], None], tmp_path: Path
) -> None:
    allowed: list[bool] = []

    def work(state: Any, runtime: Any) -> Any:
        allowed.append(interrupt("May I?") == "yes")
        return done("Done.")

    path, serde = tmp_path / "threads.sqlite", strict(InMemorySaver()).serde
    async with open_sqlite(path) as saver:
        await say(fake_graph(fake_agent("alpha", work), saver=saver), "alpha")
    with sqlite3.connect(path) as db:
        for row, kind, stored in db.execute("SELECT rowid, type, checkpoint FROM checkpoints"):
            whole = serde.loads_typed((kind, stored))
            damage(whole)
            changed = (*serde.dumps_typed(whole), row)
            db.execute("UPDATE checkpoints SET type = ?, checkpoint = ? WHERE rowid = ?", changed)
    db.close()
    async with open_sqlite(path) as saver:
        with pytest.raises(CheckpointError, match="the saved thread is damaged"):
            await say(fake_graph(fake_agent("alpha", work), saver=saver), "yes")
    assert allowed == []


def test_a_message_that_says_no_text_is_damaged() -> None:
    said = HumanMessage.model_construct(content=5)
    with pytest.raises(CheckpointError, match=r"damaged \(messages\)"):
        check_values([("messages", [said])])


async def test_metadata_that_is_nested_without_end_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "threads.sqlite"
    await one_turn(path)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE checkpoints SET metadata = ?", (b"[" * 200_000,))
    db.close()
    async with open_sqlite(path) as saver:
        with pytest.raises(CheckpointError, match="the saved thread is damaged"):
            await say(fake_graph(fake_agent("alpha"), saver=saver), "alpha")


async def test_a_thread_in_a_phase_that_is_none_is_one_line() -> None:
    graph = fake_graph(fake_agent("alpha"), saver=InMemorySaver())
    await say(graph, "alpha")
    await graph.aupdate_state(on("t"), {"phase": "dancing"}, as_node="engaged")
    with pytest.raises(CheckpointError, match="stands in the phase 'dancing', which is none"):
        await say(graph, "alpha")


async def test_a_synchronous_saver_is_wrapped_and_shares_its_locks(tmp_path: Path) -> None:
    with SqliteSaver.from_conn_string(str(tmp_path / "threads.sqlite")) as saver:
        first, second = strict(saver), strict(saver)
        assert isinstance(first, ThreadedSaver)
        assert locks_of(first) is locks_of(second) is locks_of(saver)
        graph = fake_graph(fake_agent("alpha"), saver=saver)
        await say(graph, "alpha")
        checkpoint = await first.aget_tuple(on("t"))
        assert checkpoint is not None
        assert first.get_tuple(on("t")) == checkpoint
        listed = [found async for found in first.alist(on("t"))]
        assert listed[0].config == checkpoint.config
        assert [found.config for found in first.list(on("t"))] == [f.config for f in listed]
        await first.adelete_thread("t")
        assert saver.get_tuple(on("t")) is None


def test_an_asynchronous_saver_is_used_as_it_is() -> None:
    saver = InMemorySaver()
    assert strict(saver) is saver


class FakeCipher:
    def encrypt(self, plaintext: bytes) -> tuple[str, bytes]:
        return "fake", plaintext[::-1]

    def decrypt(self, ciphername: str, ciphertext: bytes) -> bytes:
        return ciphertext[::-1]


@pytest.mark.parametrize(
    "serde", [None, EncryptedSerializer(FakeCipher())], ids=["plain", "encrypted"]
)
async def test_the_exception_that_ended_a_task_is_kept_without_its_keys(serde: Any) -> None:
    saver = InMemorySaver(serde=serde)
    assert strict(saver) is saver
    error = RuntimeError("boom sk-canary-0123456789abcdef")
    place = {"thread_id": "t", "checkpoint_ns": "", "checkpoint_id": "1"}
    await saver.aput_writes({"configurable": place}, [(ERROR, error), ("messages", ["hi"])], "task")
    kept = [saver.serde.loads_typed(value[2]) for value in saver.writes["t", "", "1"].values()]
    assert kept == ["RuntimeError('boom [key]')", ["hi"]]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://[bad", "cannot be used"),
        ("postgresql://h/db?nonsense=1", "invalid URI query parameter"),
    ],
)
async def test_an_address_that_is_none_is_told_at_once(url: str, told: str) -> None:
    with pytest.raises(CheckpointError, match=told):
        async with open_threads(url):
            pass
