"""A stored blob names a function to call: no saver that a graph was built with calls it. And state is plain JSON."""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import ormsgpack
import pytest
from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde._msgpack import STRICT_MSGPACK_ENABLED
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.jsonplus import EXT_CONSTRUCTOR_SINGLE_ARG, JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command, Interrupt, interrupt

from agents.contract import declined, done, hand_over, needs_input
from agents.errors import CheckpointError
from graphs import Context
from graphs.checkpoints import open_sqlite
from tests.support.agents import fake_agent, fake_graph, model_at, on, say
from tests.support.plain import assert_plain
from tests.support.provider import FakeProvider, ok

PERMISSIVE = JsonPlusSerializer(pickle_fallback=True, allowed_msgpack_modules=True)


class FakeCipher:
    """Turns bytes around, so that a blob is not what it was."""

    def encrypt(self, plaintext: bytes) -> tuple[str, bytes]:
        return "fake", plaintext[::-1]

    def decrypt(self, ciphername: str, ciphertext: bytes) -> bytes:
        return ciphertext[::-1]


def bomb(trace: Path) -> bytes:
    """Return a blob that a permissive serialiser turns into a call of `os.system`."""
    call = ormsgpack.packb(("os", "system", f"touch {trace}"))
    return ormsgpack.packb(ormsgpack.Ext(EXT_CONSTRUCTOR_SINGLE_ARG, call))


def test_the_blob_is_armed(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    JsonPlusSerializer(allowed_msgpack_modules=True).loads_typed(("msgpack", bomb(trace)))
    assert trace.exists()


MEMORY_SAVERS: dict[str, Callable[[], InMemorySaver]] = {
    "default": InMemorySaver,
    "permissive": lambda: InMemorySaver(serde=PERMISSIVE),
    "encrypted": lambda: InMemorySaver(serde=EncryptedSerializer(FakeCipher(), PERMISSIVE)),
}


@pytest.mark.parametrize("kind", MEMORY_SAVERS)
async def test_a_planted_blob_is_not_run_by_the_memory_saver(kind: str, tmp_path: Path) -> None:
    saver, trace = MEMORY_SAVERS[kind](), tmp_path / "trace"
    graph = fake_graph(fake_agent("alpha"), saver=saver)
    await say(graph, "alpha")
    for place, (form, _) in saver.blobs.items():
        if place[2] in ("record", "memories", "floor", "messages"):
            blob = bomb(trace)
            saver.blobs[place] = (form, blob[::-1] if "fake" in form else blob)
    state = await graph.aget_state(on("t"))
    assert f"touch {trace}" in str(state.values["record"])  # the blob was read, and stayed a text
    await say(graph, "alpha", thread="other")
    assert not trace.exists()


def plant(path: Path, trace: Path) -> int:
    """Put the blob into every checkpoint of a database, as a value and as a whole."""
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT checkpoint_id, checkpoint FROM checkpoints").fetchall()
        for checkpoint_id, stored in rows:
            whole = ormsgpack.unpackb(stored, ext_hook=ormsgpack.Ext)
            call = ormsgpack.packb(("os", "system", f"touch {trace}"))
            whole["channel_values"]["record"] = ormsgpack.Ext(EXT_CONSTRUCTOR_SINGLE_ARG, call)
            db.execute(
                "UPDATE checkpoints SET checkpoint = ? WHERE checkpoint_id = ?",
                (ormsgpack.packb(whole), checkpoint_id),
            )
        db.execute("UPDATE writes SET value = ?", (bomb(trace),))
    db.close()
    return len(rows)


async def test_a_planted_blob_is_not_run_by_our_own_saver(tmp_path: Path) -> None:
    path, trace = tmp_path / "threads.sqlite", tmp_path / "trace"
    async with open_sqlite(path) as saver:
        await say(fake_graph(fake_agent("alpha"), saver=saver), "alpha")
    assert plant(path, trace) > 3
    async with open_sqlite(path) as saver:
        graph = fake_graph(fake_agent("alpha"), saver=saver)
        assert (await graph.aget_state(on("t"))).values["record"] == f"touch {trace}"
        with pytest.raises(CheckpointError, match=r"damaged \(record\)"):
            await say(graph, "alpha")
    assert not trace.exists()


def test_a_planted_blob_is_not_run_by_a_synchronous_saver(tmp_path: Path) -> None:
    path, trace = tmp_path / "threads.sqlite", tmp_path / "trace"
    for turn in range(2):
        with SqliteSaver.from_conn_string(str(path)) as saver:
            saver.serde = PERMISSIVE
            graph = fake_graph(fake_agent("alpha"), saver=saver)
            with nullcontext() if turn == 0 else pytest.raises(CheckpointError, match="damaged"):
                graph.invoke({"messages": "alpha"}, on("t"))
        if turn == 0:
            assert plant(path, trace) > 3
    assert not trace.exists()


def test_importing_the_orchestrator_first_makes_langgraph_strict() -> None:
    assert STRICT_MSGPACK_ENABLED


class FakeNotary(JsonPlusSerializer):
    """A serialiser that keeps what it is given, as it is before it becomes bytes."""

    def __init__(self) -> None:
        super().__init__(allowed_msgpack_modules=None)
        self.given: list[Any] = []

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        self.given.append(obj)
        return super().dumps_typed(obj)


def without_langgraphs_own(value: Any) -> Any:
    """Return `value` with messages and interrupts as the values that they hold, and a crash as its text."""
    if isinstance(value, Exception):
        return repr(value)
    if isinstance(value, BaseMessage):
        return value.model_dump()
    if isinstance(value, tuple) and value and isinstance(value[0], Interrupt):
        return [pause.value for pause in value]
    if type(value) is dict:
        return {k: without_langgraphs_own(v) for k, v in value.items()}
    if type(value) is list:
        return [without_langgraphs_own(v) for v in value]
    return value


async def many_turns(saver: BaseCheckpointSaver[Any], home: Path) -> None:
    """Go through every phase and most edges of the machine."""
    asking = iter([needs_input("When?", memory={"n": 1}), done("Booked.", data={"n": [1, 2.5]})])

    def shred(state: Any, runtime: Any) -> Any:
        return done("Deleted." if interrupt({"kind": "approval"}) == "yes" else "Kept.")

    agents = [
        fake_agent("alpha", lambda state, runtime: next(asking)),
        fake_agent("beta"),
        fake_agent("shredder", shred),
        fake_agent("giver", lambda state, runtime: hand_over("beta", reason="theirs")),
        fake_agent("mover", lambda state, runtime: Command(graph=Command.PARENT, goto="beta")),
        fake_agent("shy", lambda state, runtime: declined("not mine")),
        fake_agent("crash", lambda state, runtime: 1 / 0),
    ]
    with FakeProvider(ok("A poem.")) as provider:
        graph = fake_graph(
            *agents, saver=saver, models=[model_at(provider.base_url)], home=home, max_hops=1
        )
        texts = "alpha; tomorrow; beta; giver; mover; shy; crash; shredder; yes; alpha beta; 2; shy crash"
        for text in [*texts.split("; "), "write a poem", "write one for me", "shredder", "bye"]:
            await say(graph, text, context=Context(preference=0.5))
        await graph.ainvoke(
            {"messages": [HumanMessage([{"type": "text", "text": "bye"}])]}, on("t")
        )
        await say(graph, "write", thread="empty", context=Context(include=["nobody"]))
    state = await graph.aget_state(on("t"))
    assert state.values["phase"] == "closed"


async def test_everything_that_is_saved_is_exactly_plain_json(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notary = FakeNotary()
    with caplog.at_level(logging.WARNING):
        await many_turns(InMemorySaver(serde=notary), tmp_path)
    assert len(notary.given) > 500
    for value in notary.given:
        assert_plain(without_langgraphs_own(value))
    assert "Blocked deserialization" not in caplog.text
