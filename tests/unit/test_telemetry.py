"""What is told of turns: spans by the conventions, LangSmith's metadata, lines of JSON; nothing that was said."""

import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tracers.langchain import LangChainTracer
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import interrupt
from langsmith import Client
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agents.contract import declined, done
from agents.errors import SettingsError
from app.telemetry import exporting, logging_to
from graphs import tracing
from tests.support.agents import fake_agent, fake_graph, model_at, on, say
from tests.support.provider import FakeProvider, ok, status

ROOT = Path(__file__).parents[2]
SECRET = "the secret word is xylophone"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def tree(exporter: InMemorySpanExporter) -> dict[str, tuple[str | None, ReadableSpan]]:
    """Return each span by its name, with the name of the one that it is in."""
    finished = exporter.get_finished_spans()
    names = {span.context.span_id: span.name for span in finished if span.context}
    return {s.name: (names.get(s.parent.span_id) if s.parent else None, s) for s in finished}


async def test_a_turn_its_agents_and_its_calls_are_one_tree(spans: InMemorySpanExporter) -> None:
    refuses = fake_agent("alpha", lambda *_: declined("not mine"))
    with FakeProvider(status(500)) as broken, FakeProvider(ok("A poem.", usage=(9, 4))) as sound:
        models = [
            model_at(broken.base_url, "broken", quality={"writing": 0.9}),
            model_at(sound.base_url, "sound"),
        ]
        graph = fake_graph(refuses, models=models, preference="performance", saver=InMemorySaver())
        await say(graph, f"alpha, {SECRET}")
    found = tree(spans)
    assert {name: parent for name, (parent, _) in found.items()} == {
        "invoke_agent moma": None,
        "route": "invoke_agent moma",
        "invoke_agent alpha": "invoke_agent moma",
        "answer": "invoke_agent moma",
        "chat broken": "answer",
        "chat sound": "answer",
    }
    whole, failed, sound_call = (
        dict(found[name][1].attributes or {})
        for name in ("invoke_agent moma", "chat broken", "chat sound")
    )
    assert whole["gen_ai.conversation.id"] == "t"
    assert (whole["moma.served_by.kind"], whole["moma.served_by.id"]) == ("model", "sound")
    assert sound_call["gen_ai.operation.name"] == "chat"
    assert (sound_call["gen_ai.provider.name"], sound_call["gen_ai.request.model"]) == (
        "openai",
        "sound",
    )
    assert (sound_call["gen_ai.usage.input_tokens"], sound_call["gen_ai.usage.output_tokens"]) == (
        9,
        4,
    )
    assert failed["error.type"] == "ProviderError"
    assert not found["invoke_agent moma"][1].status.is_unset or "error.type" not in whole
    events = found["invoke_agent moma"][1].events
    record = json.loads(str((events[0].attributes or {})["record"]))
    assert record["served_by"] == {"kind": "model", "id": "sound"}
    assert not any("xylophone" in span.to_json() for span in spans.get_finished_spans())


async def test_an_approval_is_no_error_and_a_crash_is(spans: InMemorySpanExporter) -> None:
    asks = fake_agent("asks", lambda *_: done(f"{interrupt({'question': 'pay?'})}"))
    graph = fake_graph(asks, saver=InMemorySaver())
    await say(graph, "asks")
    attributes = dict(tree(spans)["invoke_agent moma"][1].attributes or {})
    assert (attributes["moma.phase"], attributes.get("error.type")) == ("awaiting_approval", None)
    await say(graph, "yes")
    await graph.aupdate_state(on("t"), {"phase": "dancing"}, as_node="engaged")
    with pytest.raises(Exception, match="dancing"):
        await say(graph, "asks")
    last = [s for s in spans.get_finished_spans() if s.name == "invoke_agent moma"][-1]
    assert (last.attributes or {})["error.type"] == "CheckpointError"


async def test_without_anybody_who_listens_there_are_no_spans(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (await say(fake_graph(fake_agent("alpha")), "alpha"))["phase"] == "engaged"
    monkeypatch.setattr(tracing, "trace", None)
    assert (await say(fake_graph(fake_agent("alpha")), "alpha"))["phase"] == "engaged"


@pytest.fixture
def collector() -> Iterator[Any]:
    """A real HTTP server that keeps what is posted to it, by path."""
    posted: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((self.path, body))
            self.send_response(200)
            self.end_headers()

        do_PATCH = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", posted
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_process_sends_its_spans_to_the_place_that_is_named(
    collector: Any, tmp_path: Path
) -> None:
    url, posted = collector
    done = subprocess.run(
        [sys.executable, "-m", "app.chat", "--once", "What is 17% of 2,350?", "--json"],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "MOMA_HOME": str(tmp_path),
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    decision = json.loads(done.stdout)["record"]["id"]
    requests = [
        ExportTraceServiceRequest.FromString(body) for path, body in posted if path == "/v1/traces"
    ]
    sent = [
        s for r in requests for rs in r.resource_spans for ss in rs.scope_spans for s in ss.spans
    ]
    assert {span.name for span in sent} == {"invoke_agent moma", "route", "invoke_agent calculator"}
    known = {a.key: a.value.string_value for span in sent for a in span.attributes}
    assert known["moma.decision.id"] == decision
    assert b"2,350" not in b"".join(body for _, body in posted)


def test_a_place_without_the_extra_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingsError, match="needs the extra telemetry"), exporting("moma"):
        pass
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with exporting("moma"):
        pass


async def test_langsmith_gets_the_record_and_nothing_that_was_said(collector: Any) -> None:
    url, posted = collector
    client = Client(
        api_url=url,
        api_key="k",
        auto_batch_tracing=False,
        hide_inputs=True,
        hide_outputs=True,
        info={},
    )
    graph = fake_graph(fake_agent("alpha"))
    await graph.ainvoke(
        {"messages": [{"role": "user", "content": f"alpha, {SECRET}"}]},
        {"callbacks": [LangChainTracer(client=client)]},
    )
    client.flush()
    body = b"".join(body for _, body in posted)
    assert b'"moma_record"' in body
    assert b'"served_by":{"kind":"agent","id":"alpha"}' in body.replace(b" ", b"")
    assert b"xylophone" not in body
    client.close()


async def test_each_turn_is_a_line_of_json_without_keys() -> None:
    stream = io.StringIO()
    with logging_to(logging.StreamHandler(stream), plain=False):
        await say(fake_graph(fake_agent("alpha")), f"alpha, {SECRET}")
        logging.getLogger("x").warning("the key is sk-canary-0123456789abcdef")
        try:
            raise ValueError("boom sk-canary-0123456789abcdef")
        except ValueError:
            logging.getLogger("x").exception("broke")
    turn, warned, broke = map(json.loads, stream.getvalue().splitlines())
    assert (turn["logger"], turn["level"], turn["record"]["served_by"]["id"]) == (
        "moma.turns",
        "INFO",
        "alpha",
    )
    assert warned["text"] == "the key is [key]"
    assert "ValueError: boom [key]" in broke["error"]
    assert "xylophone" not in stream.getvalue()
