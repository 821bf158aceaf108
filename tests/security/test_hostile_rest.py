"""Gadgets in a checkpoint database, in every form that a serialiser reads: none of them is ever run."""

import itertools
import json
import pickle
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ormsgpack
import pytest
from langgraph.checkpoint.serde import jsonplus
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import interrupt

from agents.contract import done
from agents.errors import MomaError
from graphs.checkpoints import open_sqlite
from graphs.threads import MomaGraph
from tests.support.agents import fake_agent, fake_graph, on, say
from tests.support.bars import bar

Form = Callable[[str], tuple[str, bytes]]
"""From a shell command to the type and the content of a stored blob."""


class Unpickled:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        import os

        return os.system, (self.command,)


def ext(code: int, *content: Any) -> tuple[str, bytes]:
    return "msgpack", ormsgpack.packb(ormsgpack.Ext(code, ormsgpack.packb(content)))


def lc(version: int, kind: str, path: list[str], **more: Any) -> tuple[str, bytes]:
    return "json", json.dumps({"lc": version, "type": kind, "id": path, **more}).encode()


FORMS: dict[str, Form] = {
    "msgpack, one argument": lambda c: ext(jsonplus.EXT_CONSTRUCTOR_SINGLE_ARG, "os", "system", c),
    "msgpack, arguments": lambda c: ext(
        jsonplus.EXT_CONSTRUCTOR_POS_ARGS, "subprocess", "getoutput", [c]
    ),
    "msgpack, named arguments": lambda c: ext(
        jsonplus.EXT_CONSTRUCTOR_KW_ARGS, "subprocess", "run", {"args": c, "shell": True}
    ),
    "msgpack, a method": lambda c: ext(
        jsonplus.EXT_METHOD_SINGLE_ARG, "subprocess", "Popen", c, "__call__"
    ),
    "msgpack, pydantic 1": lambda c: ext(
        jsonplus.EXT_PYDANTIC_V1, "subprocess", "getoutput", {"cmd": c}, "construct"
    ),
    "msgpack, pydantic 2": lambda c: ext(
        jsonplus.EXT_PYDANTIC_V2, "subprocess", "getoutput", {"cmd": c}, "model_validate_json"
    ),
    "msgpack, an array of objects": lambda c: ext(
        jsonplus.EXT_NUMPY_ARRAY, "|O", [1], "C", pickle.dumps(Unpickled(c))
    ),
    "msgpack, one within another": lambda c: (
        "msgpack",
        ormsgpack.packb(
            ormsgpack.Ext(
                jsonplus.EXT_DELTA_SNAPSHOT,
                ext(jsonplus.EXT_CONSTRUCTOR_SINGLE_ARG, "os", "system", c)[1],
            )
        ),
    ),
    "pickle": lambda c: ("pickle", pickle.dumps(Unpickled(c))),
    "json, lc 2": lambda c: lc(2, "constructor", ["os", "system"], args=[c], kwargs={}),
    "json, lc 2 with a method": lambda c: lc(
        2, "constructor", ["subprocess", "Popen"], method="__init__", args=[c], kwargs={"shell": True}
    ),
    "json, lc 1": lambda c: lc(1, "constructor", ["subprocess", "run"], kwargs={"args": c}),
    "json, a secret": lambda c: lc(1, "secret", ["MOMA_CANARY"]),
    "json, half a character": lambda c: (
        "json",
        json.dumps({"\ud800": {"lc": 2, "type": "constructor", "id": ["os", "system"], "args": [c]}}).encode(),
    ),
    "an unknown type": lambda c: ("python", f"__import__('os').system({c!r})".encode()),
    "nothing": lambda c: ("msgpack", b""),
}  # fmt: skip
PLACES = ("checkpoint", "value", "writes", "metadata")


def plant(path: Path, form: Form, place: str, trace: Path) -> int:
    """Put a gadget into every row of a database; return in how many."""
    kind, blob = form(f"touch {trace}")
    with sqlite3.connect(path) as db:
        if place == "checkpoint":
            count = db.execute(
                "UPDATE checkpoints SET type = ?, checkpoint = ?", (kind, blob)
            ).rowcount
        elif place == "writes":
            count = db.execute("UPDATE writes SET type = ?, value = ?", (kind, blob)).rowcount
        elif place == "metadata":
            count = db.execute("UPDATE checkpoints SET metadata = ?", (blob,)).rowcount
        else:
            count = plant_values(db, kind, blob)
    db.close()
    return count


def plant_values(db: sqlite3.Connection, kind: str, blob: bytes) -> int:
    """Put a gadget into the values that each checkpoint holds, where it can stand."""
    rows = db.execute("SELECT checkpoint_id, checkpoint FROM checkpoints").fetchall()
    gadget = ormsgpack.unpackb(blob, ext_hook=ormsgpack.Ext) if kind == "msgpack" and blob else {
        "lc": 2, "type": "constructor", "id": ["os", "system"], "gadget": blob,
    }  # fmt: skip
    for checkpoint_id, stored in rows:
        whole = ormsgpack.unpackb(stored, ext_hook=ormsgpack.Ext)
        for channel in ("record", "memories", "floor", "decision"):
            whole["channel_values"][channel] = gadget
        db.execute(
            "UPDATE checkpoints SET checkpoint = ? WHERE checkpoint_id = ?",
            (ormsgpack.packb(whole), checkpoint_id),
        )
    return len(rows)


def approving() -> Any:
    def work(state: Any, runtime: Any) -> Any:
        return done(f"{interrupt({'kind': 'approval'})}")

    return fake_agent("alpha", work)


async def touch_everything(graph: MomaGraph) -> None:
    """Read, list, resume and go on in a thread whose rows may be anything."""
    acts: list[Callable[[], Any]] = [
        lambda: graph.aget_state(on("t"), subgraphs=True),
        lambda: say(graph, "yes"),
        lambda: say(graph, "alpha"),
        lambda: history(graph),
    ]
    for act in acts:
        try:
            await act()
        except MomaError as error:
            assert str(error).isprintable()  # noqa: PT017 a damaged thread is refused on one line
        except Exception:
            if act is not acts[3]:
                raise


async def history(graph: MomaGraph) -> None:
    async for _ in graph.aget_state_history(on("t")):
        pass


async def attack(form: str, place: str, folder: Path) -> None:
    """Store a thread that waits for an approval, plant a gadget, and use the thread."""
    path, trace = folder / "threads.sqlite", folder / "canary"
    path.unlink(missing_ok=True)
    async with open_sqlite(path) as saver:
        graph = fake_graph(approving(), fake_agent("beta"), saver=saver)
        await say(graph, "beta")
        await say(graph, "alpha")
    assert plant(path, FORMS[form], place, trace) > 3
    async with open_sqlite(path) as saver:
        await touch_everything(fake_graph(approving(), fake_agent("beta"), saver=saver))
    assert not trace.exists(), (form, place)


@pytest.mark.parametrize(
    "form", ["msgpack, one argument", "msgpack, arguments", "msgpack, named arguments", "pickle"]
)
def test_the_gadgets_are_armed(form: str, tmp_path: Path) -> None:
    trace = tmp_path / "canary"
    permissive = JsonPlusSerializer(pickle_fallback=True, allowed_msgpack_modules=True)
    permissive.loads_typed(FORMS[form](f"touch {trace}"))
    assert trace.exists()


@pytest.mark.parametrize(("form", "place"), [*zip(FORMS, itertools.cycle(PLACES), strict=False)])
async def test_no_gadget_at_rest_runs(
    form: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOMA_CANARY", "canary")
    await attack(form, place, tmp_path)


@pytest.mark.faults
async def test_hostile_data_at_rest(tmp_path: Path) -> None:
    tried: Counter[str] = Counter()
    for form, place in itertools.product(FORMS, PLACES):
        await attack(form, place, tmp_path)
        tried[place] += 1
    result = f"0 executions ({len(FORMS)} forms in {len(PLACES)} places)"
    bar(29, "hostile data at rest", tried.total(), result, "0 executions in 10 forms")
