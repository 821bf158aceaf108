"""Whatever stands in what MoMA reads, reading it gives a value or one of MoMA's errors, on one line."""

import asyncio
import copy
import io
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.checkpoint.memory import InMemorySaver
from rich.console import Console

from agents.card import AgentCard
from agents.contract import declined
from agents.errors import MomaError
from agents.source import Source
from app.assembly import make_options
from app.chat.commands import COMMANDS, Session, check_thread, run_command
from app.conversations import read_conversations
from app.lines import read_lines
from app.route.models import _read
from app.settings import Settings, read_settings
from graphs import build_graph
from graphs.gateway.gguf_files import parse_local_models
from graphs.routing.card_texts import CardTexts, card_texts
from graphs.routing.choice import preference_weight
from graphs.routing.dialogue import Dialogue
from graphs.routing.outcomes import Outcomes
from graphs.saved import check_saved
from tests.support.agents import fake_agent, fake_services, model_at, on
from tests.support.provider import FakeProvider, ok

QUICK = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
KEYS = st.sampled_from(
    ["conversation_id", "turns", "user", "assistant", "query_id", "query", "id", "description", "skills", "", "\ud800"]
)  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | KEYS
    | st.sampled_from(["NaN", "1e999", "\x00", "\x1b[2J", "9" * 5_000, 10**400])
)  # fmt: skip
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
CONVERSATION = '{"conversation_id": "a", "turns": [{"user": "hi", "assistant": "yes?"}]}'
QUERY = '{"query_id": "a", "query": "Why?"}'


def reads_or_refuses(read: Callable[[], Any]) -> Any:
    """Return what is read, None where it is refused as it should be."""
    try:
        value = read()
        return list(value) if isinstance(value, Iterator) else value
    except MomaError as error:
        message = str(error)
    assert message.isprintable(), message
    assert len(message) < 1_000
    return None


@st.composite
def damaged(draw: st.DrawFn, text: str) -> bytes:
    """Return a good text with a stretch of it replaced."""
    content = text.encode()
    start = draw(st.integers(0, len(content)))
    end = draw(st.integers(start, min(len(content), start + 12)))
    put = draw(
        st.binary(max_size=6) | st.sampled_from([b"{", b'"', b"\n", b"NaN", b"\\ud800", b"1e999"])
    )
    return content[:start] + put + content[end:]  # fmt: skip


def in_file(content: bytes, name: str, read: Callable[[Path], Any]) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return reads_or_refuses(lambda: read(path))


LINES = (
    st.binary(max_size=60)
    | JSON.map(lambda value: json.dumps(value).encode())
    | damaged(CONVERSATION)
    | damaged(QUERY)
    | st.lists(st.sampled_from([CONVERSATION, QUERY, "", "[]"]), max_size=4).map(
        lambda lines: "\n".join(lines).encode()
    )
)


@given(LINES, st.sampled_from(["x.jsonl", "x.jsonl.gz"]))
@example(b'{"query_id": "a", "query": "\\ud800"}', "x.jsonl")
@example(b"\x1f\x8b\x08\x00", "x.jsonl.gz")
@example('"\x9b31m\u202e"'.encode(), "x.jsonl")
@QUICK
def test_lines_conversations_and_queries(content: bytes, name: str) -> None:
    for read in (read_lines, read_conversations, _read):
        in_file(content, name, lambda path, read=read: list(read(path)))  # type: ignore[misc]


@given(
    JSON | st.fixed_dictionaries({"id": SCALARS}, optional={"description": JSON, "skills": JSON})
)
@QUICK
def test_a_card_that_is_taken_can_be_indexed_and_kept(value: Any) -> None:
    source = Source("c.json", "", value)
    card = reads_or_refuses(lambda: source.check(value, AgentCard, at=[]))
    if card is not None:
        texts = card_texts(card)
        assert CardTexts.unpacked(texts.packed()) == texts


COLUMNS = st.sampled_from(
    ["query_id", "query", "dataset", "m|score", "m|cost", "n|score", "|score", "x"]
)
KINDS = st.sampled_from(
    ["'a'", "1", "0.5", "NULL", "-1", "'NaN'::DOUBLE", "'inf'::DOUBLE", "[1, 2]", "{'a': 1}", "DATE '2020-01-01'", "''",
     "TRUE", "'\\xFF'::BLOB", "1e308", "repeat('x', 300000)"]
)  # fmt: skip


@given(st.dictionaries(COLUMNS, KINDS, min_size=1, max_size=6), st.integers(0, 2), st.booleans())
@settings(QUICK, max_examples=20)
def test_tables_of_outcomes(columns: dict[str, str], rows: int, whole: bool) -> None:
    if whole:
        columns = {"query_id": "'a'", "query": "'q'", "m|score": "1", "m|cost": "0.5", **columns}
    names = ", ".join(f'{value} AS "{name}"' for name, value in columns.items())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.parquet"
        duckdb.sql(f"COPY (SELECT {names} FROM range({rows})) TO '{path}' (FORMAT parquet)")
        reads_or_refuses(lambda: Outcomes.from_files([path]))
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] + b"\x00" + content[len(content) // 2 + 1 :])
        reads_or_refuses(lambda: Outcomes.from_files([path]))


@given(st.binary(max_size=80))
@settings(QUICK, max_examples=40)
def test_bytes_that_are_no_table(content: bytes) -> None:
    in_file(content, "t.parquet", lambda path: Outcomes.from_files([path]))


NAMES = st.sampled_from([f"MOMA_{name.upper()}" for name in Settings.model_fields])
VALUES = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=12) | (
    st.sampled_from(["nan", "inf", "-1", "1e999", "9" * 5_000, "true", "[1", "{}", "a=b", ",,", "~", "${HOME}"])
)  # fmt: skip


@given(st.dictionaries(NAMES, VALUES, max_size=4))
@QUICK
def test_settings_of_the_environment(values: dict[str, str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        reads_or_refuses(lambda: make_options(read_settings(Path("none"))))


@given(st.binary(max_size=60) | damaged("MOMA_MAX_HOPS=3\nMOMA_GRANTS='a,b'\n# x\nexport A=${B}\n"))
@settings(QUICK, max_examples=60)
def test_a_file_of_settings(content: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHON_DOTENV_DISABLED")
        clean_after(patch)
        in_file(content, ".env", read_settings)


def clean_after(patch: pytest.MonkeyPatch) -> None:
    """Let what python-dotenv puts into the environment be taken out again."""
    import os

    kept = dict(os.environ)
    environ = os.environ.copy()
    patch.setattr(os, "environ", environ)
    environ.clear()
    environ.update(kept)


@given(st.text(max_size=30) | st.floats().map(str))
@QUICK
def test_words_of_a_command_line(text: str) -> None:
    for read in (preference_weight, parse_local_models, check_thread):
        reads_or_refuses(lambda read=read: read(text))  # type: ignore[misc]


LINE = st.builds(
    lambda name, argument: f"{name} {argument}",
    st.sampled_from([*(set(COMMANDS) - {"/quit"}), "/x", "/"]),
    st.text(max_size=12) | st.sampled_from(["nan", "$1", "1e999", "-0", "auto", "x" * 300, "\x1b[2J"]),
)  # fmt: skip


@given(st.lists(LINE, min_size=1, max_size=4))
@settings(QUICK, max_examples=15)
def test_commands_of_the_chat(lines: list[str]) -> None:
    services = fake_services(fake_agent("alpha"), models=[model_at("http://127.0.0.1:9/v1")])
    graph = build_graph(services=services, checkpointer=InMemorySaver())

    async def converse() -> None:
        session = Session(graph, services, "one")
        for line in lines:
            try:
                await run_command(session, line)
            except MomaError as error:
                assert str(error).isprintable()  # noqa: PT017

    asyncio.run(converse())
    services.close()


@given(JSON | st.dictionaries(st.sampled_from(list(Dialogue().plain())), JSON, max_size=9))
@QUICK
def test_a_saved_dialogue(value: Any) -> None:
    assert Dialogue.from_plain(Dialogue.from_plain(value).plain()) == Dialogue.from_plain(value)


FIELDS = st.dictionaries(
    st.sampled_from(
        ["messages", "owner", "phase", "active_agent", "turn", "decision", "record", "memories", "floor", "choice",
         "rest", "dialogue", "tried", "hops", "target", "asked", "event", "request", "outcome", "spent_usd"]
    ),
    JSON,
    max_size=4,
)  # fmt: skip


@given(FIELDS, JSON, st.booleans())
@settings(QUICK, max_examples=80)
def test_a_thread_that_was_saved_with_any_values(
    values: dict[str, Any], other: Any, whole: bool
) -> None:
    checkpoint: Any = {
        "v": 4, "id": "1", "ts": "t", "channel_values": values, "channel_versions": {}, "versions_seen": {},
    }  # fmt: skip
    saved = CheckpointTuple(on("t"), checkpoint if whole else other, {"step": 1}, None, None)
    reads_or_refuses(lambda: check_saved(saved))


@given(FIELDS, st.sampled_from(["alpha", "yes", "never mind", "write a poem", "1"]))
@settings(QUICK, max_examples=20)
def test_a_turn_on_a_thread_with_any_values(values: dict[str, Any], text: str) -> None:
    services = fake_services(fake_agent("alpha"))
    graph = build_graph(services=services, checkpointer=InMemorySaver())

    async def live() -> None:
        await graph.ainvoke({"messages": "alpha"}, on("t"))
        try:
            await graph.aupdate_state(on("t"), values, as_node="engaged")
        except Exception:  # noqa: BLE001 LangGraph itself refuses some
            return
        try:
            await graph.ainvoke({"messages": text}, on("t"))
        except MomaError as error:
            assert str(error).isprintable()  # noqa: PT017

    asyncio.run(live())
    services.close()


RECORD: dict[str, Any] = {}


async def a_record() -> dict[str, Any]:
    """Return the record of a turn that an agent declined and a model answered, with nothing left out."""
    if not RECORD:
        agents = (
            fake_agent("alpha", lambda *_: declined("not mine")),
            fake_agent("beta", grants=frozenset({"x"})),
        )
        with FakeProvider(ok("A song.")) as provider:
            services = fake_services(
                *agents, models=[model_at(provider.base_url), model_at("", "m2", key="NO_KEY")]
            )
            result = await build_graph(services=services).ainvoke(
                {"messages": "alpha, write a poem"}
            )
        services.close()
        RECORD.update(result["record"])
    return copy.deepcopy(RECORD)


@st.composite
def spots(draw: st.DrawFn, record: Any) -> list[Any]:
    """Return the way to a value within a record."""
    way: list[Any] = []
    while isinstance(record, dict | list) and record and (not way or draw(st.booleans())):
        step = draw(
            st.sampled_from(sorted(record) if isinstance(record, dict) else range(len(record)))
        )
        way.append(step)
        record = record[step]
    return way


def put(record: Any, way: Sequence[Any], value: Any, *, gone: bool) -> None:
    for step in way[:-1]:
        record = record[step]
    if gone:
        del record[way[-1]]
    else:
        record[way[-1]] = value


@given(st.data())
@settings(QUICK, max_examples=40)
def test_a_damaged_record_is_drawn_or_refused(data: st.DataObject) -> None:
    record = asyncio.run(a_record())
    services = fake_services(fake_agent("alpha"))
    graph = build_graph(services=services, checkpointer=InMemorySaver())
    for _ in range(data.draw(st.integers(1, 3))):
        if way := data.draw(spots(record)):
            put(record, way, data.draw(JSON), gone=data.draw(st.booleans()))

    async def look() -> None:
        values = {"record": record, "turn": 1, "phase": "idle"}
        with suppress(Exception):  # LangGraph itself refuses some
            await graph.aupdate_state(on("t"), values, as_node="idle")
        for session in (
            Session(graph, services, "new", record=record),
            Session(graph, services, "new"),
        ):
            try:
                if session.record is None:
                    await session.enter("t")
                for line in ("/why", "/graph"):
                    Console(file=io.StringIO()).print(await run_command(session, line))
            except MomaError as error:
                assert str(error).isprintable()  # noqa: PT017

    asyncio.run(look())
    services.close()
