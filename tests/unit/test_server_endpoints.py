"""The other endpoints: what may be asked for, dry runs, feedback, health, readiness, counters, the description."""

import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from agents.errors import CheckpointError
from app.server.metrics import Metrics
from graphs.budgets import BudgetLimits
from graphs.gateway import transport
from tests.support.agents import fake_agent, fake_services, model_at
from tests.support.api import Api, serving
from tests.support.provider import FakeProvider, ok, stall
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with FakeProvider(ok("A poem.")) as provider:
        models = [
            model_at(provider.base_url),
            model_at("http://127.0.0.1:9", "keyed", key="NOBODY_HAS_THIS_KEY"),
        ]
        agents = (
            fake_agent("alpha"),
            fake_agent("off", enabled=False),
            fake_agent("gamma", grants=frozenset({"pay"})),
        )
        with serving(*agents, models=models) as running:
            yield running


def test_what_may_be_asked_for_is_listed_with_why_some_cannot_serve(api: Api) -> None:
    models = api.openai().models.list().data
    reasons = {m.id: m.moma["masked"] for m in models}  # type: ignore[attr-defined]
    assert reasons == {
        "auto": None,
        "auto:cost": None,
        "auto:performance": None,
        "agent:alpha": None,
        "m": None,
        "keyed": "NOBODY_HAS_THIS_KEY is not set",
    }
    assert api.openai().models.retrieve("agent:alpha").id == "agent:alpha"
    assert api.openai().models.retrieve("auto:0.3").id == "auto:0.3"
    for name in ("agent:gamma", "nobody", "auto:5"):
        missing = api.http().get(f"/v1/models/{name}")
        assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")


def test_a_dry_run_decides_and_leaves_nothing(api: Api) -> None:
    asked = {
        "messages": [{"role": "user", "content": "alpha please"}],
        "metadata": {"session_id": "d"},
    }
    told = api.http().post("/v1/route", json=asked)
    record = told.json()["record"]
    assert (record["dry_run"], record["agents"]["agent"], record["turn"]) == (True, "alpha", 1)
    assert told.headers["x-moma-agent"] == "alpha"
    asked["messages"] = [{"role": "user", "content": "write a poem"}]
    record = api.http().post("/v1/route", json=asked).json()["record"]
    assert (record["models"]["chosen"], record["calls"]) == ("m", [])
    api.say("alpha please", headers={"x-session-id": "d"})
    follow = [
        {"role": "user", "content": "alpha please"},
        {"role": "assistant", "content": "alpha did it."},
        {"role": "user", "content": "and again"},
    ]
    for _ in range(2):
        record = api.http().post("/v1/route", json={**asked, "messages": follow}).json()["record"]
        assert (record["turn"], record["event"]) == (2, "continue")
    unknown = api.http().post("/v1/route", json={**asked, "model": "nobody"})
    assert unknown.status_code == 404


def test_feedback_is_kept_of_turns_that_were_made(api: Api) -> None:
    done = api.chat("alpha please").json()
    given: list[tuple[dict[str, Any], int]] = [
        ({"id": done["id"], "score": "up"}, 200),
        ({"decision_id": done["moma"]["decision_id"], "score": 0, "comment": "no"}, 200),
        ({"decision_id": "nothing", "score": 1}, 404),
        ({"decision_id": "nothing", "id": "x", "score": 1}, 400),
        ({"score": 1}, 400),
        ({"id": done["id"], "score": 2}, 400),
        ({"id": done["id"], "score": "good"}, 400),
        ({"id": done["id"], "score": 1, "user": "ann"}, 400),
    ]
    for body, code in given:
        response = api.http().post("/v1/feedback", json=body)
        assert response.status_code == code, body
    store = api.resources.conversations._store
    assert store is not None


@pytest.mark.parametrize(
    ("sent", "code", "param", "said"),
    [
        (b"", "invalid_json", None, "the body is not JSON"),
        (b"[]", "invalid_value", None, "an object"),
        (b'{"id": "x", "score": 2}', "invalid_value", "score", "score: .* less than or equal to 1"),
        (b'{"id": "x", "mood": 1}', "unsupported_parameter", "mood", "'mood' is not supported"),
    ],
)
def test_feedback_of_another_form_is_told_as_any_other_body(
    sent: bytes, code: str, param: str | None, said: str, api: Api
) -> None:
    client = api.http(content_type="application/json")
    response = client.post("/v1/feedback", content=sent)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (400, code, param)
    assert re.search(said, error["message"])


def test_health_is_life_and_readiness_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_litellm", None)
    with serving(fake_agent("alpha"), load=False) as api:
        client = api.http()
        assert client.get("/health").status_code == 200
        loading = client.get("/ready")
        assert (loading.status_code, loading.json()["missing"]) == (
            503,
            ["the routers are still loading", "LiteLLM, which calls the models, is still loading"],
        )
        api.resources.services.router()
        assert client.get("/ready").json()["missing"] == loading.json()["missing"][1:]
        transport.load()
        assert client.get("/ready").status_code == 200


async def test_a_server_that_is_about_to_end_takes_no_turn() -> None:
    with serving(fake_agent("alpha")) as api:
        await api.resources.services.admission.drain(0.0)
        client = api.http()
        assert client.get("/health").status_code == 200
        assert client.get("/ready").json()["missing"] == ["the process is about to end"]
        refused = api.chat("alpha")
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        assert api.chat("alpha", stream=True).status_code == 503


def test_a_store_that_fails_is_not_ready(tmp_path: Any) -> None:
    threads = tmp_path / "threads.sqlite"
    with serving(fake_agent("alpha"), threads=threads) as api:
        assert api.http().get("/ready").status_code == 200
        import sqlite3

        with sqlite3.connect(threads) as broken:
            broken.execute("DROP TABLE checkpoints")
        response = api.http().get("/ready")
        assert response.status_code == 503
        assert "cannot be read" in response.json()["missing"][0]
        assert api.chat("alpha", headers={"x-session-id": "x"}).status_code == 503


def test_the_counters_tell_of_turns_and_of_no_user(api: Api) -> None:
    client = api.http()

    def value(series: str) -> float:
        found = re.search(
            rf"^{re.escape(series)} (\S+)$", client.get("/metrics").text, re.MULTILINE
        )
        return float(found[1]) if found else 0.0

    served = 'moma_turns_total{id="m",kind="model",status="ok"}'
    before, read = value(served), value('moma_tokens_total{direction="input",model="m"}')
    api.say("write a secret-poem", headers={"x-session-id": "a-secret"})
    api.chat("write", model="nobody")
    assert value(served) == before + 1
    assert value('moma_tokens_total{direction="input",model="m"}') == read + 11
    assert value('moma_turns_total{id="none",kind="none",status="404"}') >= 1
    assert value('moma_model_resting{model="m"}') == 0
    before = value('moma_turns_total{id="refuse",kind="router",status="429"}')
    assert api.chat("write", max_cost_usd=0).status_code == 429
    assert value('moma_turns_total{id="refuse",kind="router",status="429"}') == before + 1
    assert value('moma_turns_total{id="none",kind="none",status="429"}') == 0
    wait_until(lambda: value("moma_turns_admitted") == 0)
    text = client.get("/metrics").text
    assert "secret" not in text
    for name in ("moma_turn_seconds_bucket", "moma_cost_usd_total", "moma_draining"):
        assert name in text


def test_a_stream_that_breaks_off_is_counted_by_what_broke(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with FakeProvider(ok("A poem.")) as own, serving(models=[model_at(own.base_url)]) as api:
        saver: Any = api.resources.graph.checkpointer
        put = saver.aput

        async def full(config: Any, checkpoint: Any, *rest: Any) -> Any:
            messages = checkpoint["channel_values"].get("messages")
            if messages and messages[-1].type == "ai":
                raise CheckpointError("the disk is full")
            return await put(config, checkpoint, *rest)

        monkeypatch.setattr(saver, "aput", full)
        assert "the disk is full" in api.chat("write", stream=True).text
        text = api.http().get("/metrics").text
    assert 'moma_turns_total{id="none",kind="none",status="503"} 1.0' in text


def counted(api: Api, name: str) -> dict[str, float]:
    """Return the values of a counter by their labels."""
    text = api.http().get("/metrics").text
    found = re.findall(rf"^{name}{{(.*)}} (\S+)$", text, re.MULTILINE)
    return {labels: float(value) for labels, value in found}


def test_a_stream_that_its_reader_leaves_has_cost_what_it_cost() -> None:
    with FakeProvider(stall(after=1)) as own, serving(models=[model_at(own.base_url)]) as api:
        body = {"messages": [{"role": "user", "content": "write"}], "stream": True}
        with api.http().stream("POST", "/v1/chat/completions", json=body) as response:
            assert any("word " in line for line in response.iter_lines())
        wait_until(lambda: any("499" in labels for labels in counted(api, "moma_turns_total")))
        assert counted(api, "moma_cost_usd_total")['model="m"'] > 0
        assert counted(api, "moma_tokens_total")['direction="output",model="m"'] > 0
        assert not counted(api, "moma_failed_calls_total"), "the model did not fail"


def test_a_call_that_was_never_made_did_not_fail() -> None:
    with FakeProvider(ok("A poem.")) as own:
        # Masks reckon with the least that a call costs; what it may cost is known when it is to be made.
        limits = BudgetLimits(user=50e-6)
        with serving(models=[model_at(own.base_url)], budgets=limits) as api:
            refused = api.chat("write")
            assert (refused.status_code, refused.headers["x-should-retry"]) == (429, "false")
            assert int(refused.headers["retry-after"]) >= 1, (
                "a day's budget is there again tomorrow"
            )
            assert not counted(api, "moma_failed_calls_total")
        assert not own.requests


def test_what_is_refused_is_counted_where_it_would_have_been_a_turn() -> None:
    with serving(fake_agent("alpha")) as api:
        client = api.http()
        client.get("/v1/models/nobody")
        client.post("/v1/feedback", json={})
        assert not counted(api, "moma_turns_total")
        host, port = api.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as wire:
            wire.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: 500\r\n\r\n{"
            )
        wait_until(lambda: bool(counted(api, "moma_turns_total")))
        assert counted(api, "moma_turns_total") == {'id="none",kind="none",status="499"': 1}


def test_labels_are_bounded() -> None:
    metrics = Metrics(fake_services())
    for n in range(2_000):
        metrics.count({"served_by": {"kind": "agent", "id": f"a{n}"}}, status="ok", began=0)
    text = metrics.text().decode()
    assert len(re.findall(r"^moma_turns_total", text, re.MULTILINE)) <= 502
    assert 'id="other"' in text


def test_probes_may_leave_the_body_out(api: Api) -> None:
    for path in ("/health", "/ready"):
        answer = api.http().head(path)
        assert (answer.status_code, answer.content) == (200, b"")


def test_what_is_not_there_is_told_in_openais_form(api: Api) -> None:
    client = api.http()
    for method, path in (("GET", "/v1/nothing"), ("GET", "/v1/chat/completions"), ("GET", "/docs")):
        response = client.request(method, path)
        assert response.status_code in (404, 405)
        assert response.json()["error"]["type"] == "invalid_request_error"


def test_the_description_names_every_path(api: Api) -> None:
    described = api.http().get("/openapi.json").json()
    assert set(described["paths"]) == {
        "/v1/chat/completions", "/v1/responses", "/v1/route", "/v1/feedback", "/v1/models", "/v1/models/{model}",
        "/v1/machine", "/health", "/ready", "/metrics",
    }  # fmt: skip
