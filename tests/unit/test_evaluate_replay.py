"""Stored turns decided again under another configuration, and a shadow that does it beside live turns."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.assembly import make_services
from app.evaluate.__main__ import main as evaluate
from app.settings import Settings
from graphs import Context, build_graph
from graphs.checkpoints import open_sqlite
from graphs.counterfactual import Served, first_choice
from tests.support.agents import served_by
from tests.support.provider import FakeProvider, ok
from tests.support.waiting import PATIENCE_S

KINDS = [
    {
        "id": "writing",
        "examples": ["Write a poem about the sea", "Write a story"],
        "output_tokens": 300,
    }
]
CALCULATOR = {
    "id": "calculator",
    "name": "Calculator",
    "description": "Computes arithmetic, percentages and units",
    "run": "agents.calculator:build",
    "skills": [
        {"id": "percent", "name": "Percentages", "examples": ["What is 15% of 80?", "12% of 300"]}
    ],
}
SAID = {
    "one": ["What is 17% of 2,350?"],
    "two": ["Write a story about an owl", "Write a poem about rain"],
}


def model(model_id: str, url: str, *, price: float, quality: float) -> dict[str, Any]:
    return {
        "id": model_id,
        "litellm": "openai/fake",
        "base_url": url,
        "price": {"input": price, "output": price},
        "context_tokens": 8192,
        "quality": {"writing": quality},
    }


def catalog(path: Path, models: list[dict[str, Any]], agents: list[dict[str, Any]]) -> Path:
    whole = {
        "version": 1,
        "default_model": "small",
        "models": models,
        "kinds": KINDS,
        "agents": agents,
    }
    path.write_text(yaml.safe_dump(whole))
    return path


async def live(settings: Settings) -> list[tuple[str, str]]:
    """Take the turns and return who served each."""
    services = make_services(settings)
    served = []
    async with open_sqlite(Path(settings.threads_place)) as saver:
        graph = build_graph(services=services, checkpointer=saver)
        for thread, texts in SAID.items():
            for text in texts:
                said = {"messages": [{"role": "user", "content": text}]}
                result = await graph.ainvoke(
                    said, {"configurable": {"thread_id": thread}}, context=Context(user=thread)
                )
                served.append(served_by(result))
    if services.shadow is not None:
        await services.shadow.rest()
    services.close()
    return served


@pytest.fixture
async def kept(tmp_path: Path) -> Any:
    """A store of three turns, and a second catalogue without the agent and with a model that is better and dearer."""
    with FakeProvider(ok("A poem.", usage=(10, 20))) as provider:
        small = model("small", provider.base_url, price=1, quality=0.6)
        large = model("large", provider.base_url, price=9, quality=0.9)
        first = catalog(tmp_path / "first.yaml", [small], [CALCULATOR])
        other = catalog(tmp_path / "other.yaml", [small, large], [])
        settings = Settings(
            catalog=first,
            home=tmp_path,
            shadow_catalog=other,
            shadow_preference="performance",
            routing_seconds=PATIENCE_S,
        )
        served = await live(settings)
        assert served == [("agent", "calculator"), ("model", "small"), ("model", "small")]
        asked = len(provider.requests)
        yield settings, other
        assert len(provider.requests) == asked, "a replay calls nobody"


def report_of(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "replay.json").read_text())
    return report


async def test_what_another_catalogue_would_change(
    kept: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, other = kept
    monkeypatch.setenv("MOMA_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("MOMA_ROUTING_SECONDS", str(PATIENCE_S))
    out = tmp_path / "out"

    given = ["--threads", settings.threads_place, "--catalog", str(other), "--output", str(out)]
    status = await asyncio.to_thread(evaluate, ["replay", *given, "--preference", "performance"])
    assert status == 0
    report = report_of(out)
    changes = [
        (r["thread"], r["turn"], r["change"], r["now"]["id"]) for r in report["turns_compared"]
    ]
    assert changes == [
        ("one", 1, "agent to model", "large"),
        ("two", 1, "another model", "large"),
        ("two", 2, "another model", "large"),
    ]
    assert (report["turns"], report["changed"], report["model_turns"]) == (3, 3, 2)
    assert report["now_usd"] == pytest.approx(9 * report["then_usd"])
    assert report["spent_usd"] == pytest.approx(2 * 30e-6)
    assert report["then_quality"] < report["now_quality"]
    text = (out / "replay.md").read_text()
    assert "| small | large | 2 |" in text
    assert not any(said in text for texts in SAID.values() for said in texts), "no text of a user's"
    assert (out / "changes.png").stat().st_size > 1_000
    assert (out / "price.png").stat().st_size > 1_000


async def test_a_shadow_says_the_same_as_a_replay(kept: Any, tmp_path: Path) -> None:

    settings, _ = kept
    path = settings.home / "shadow.jsonl"
    assert path.stat().st_mode & 0o077 == 0
    out = tmp_path / "out"
    given = ["--shadow", str(path), "--output", str(out), "--no-plots"]
    assert await asyncio.to_thread(evaluate, ["replay", *given]) == 0
    report = report_of(out)
    changes = sorted((r["thread"], r["turn"], r["now"]["id"]) for r in report["turns_compared"])
    assert changes == [("one", 1, "large"), ("two", 1, "large"), ("two", 2, "large")]
    assert report["changed"] == 3


async def test_a_shadow_that_cannot_be_loaded_compares_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with FakeProvider(ok("A poem.")) as provider:
        small = model("small", provider.base_url, price=1, quality=0.6)
        first = catalog(tmp_path / "first.yaml", [small], [CALCULATOR])
        settings = Settings(catalog=first, home=tmp_path, shadow_profile=tmp_path / "nowhere")
        await live(settings)
    assert not (tmp_path / "shadow.jsonl").exists()
    assert "the shadow could not look at a turn: MOMA_PROFILE: " in caplog.text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--preference", "best"], "the preference 'best' is not"),
        (["--limit", "0"], "--limit is 0"),
        (["--catalog", "nowhere.yaml"], "nowhere.yaml"),
        (["--shadow", "nowhere.jsonl"], "nowhere.jsonl"),
        (["--threads", "mysql://x"], "given 'mysql'"),
        (["--threads", "nowhere.sqlite"], "nowhere.sqlite: no such file"),
    ],
)
def test_bad_input_is_one_line(
    given: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("MOMA_HOME", str(tmp_path))
    assert evaluate(["replay", "--output", str(tmp_path / "out"), "--no-plots", *given]) == 2
    error = capsys.readouterr().err.strip()
    assert told in error
    assert "\n" not in error
    assert not Path("nowhere.sqlite").exists()


SIDE = {"kind": "model", "id": "a"}
COUNTED = ("spent_usd", "then_usd", "now_usd", "then_quality", "now_quality")
COMPARED = {"then": SIDE, "now": SIDE, "change": "same", **dict.fromkeys(COUNTED, 0.5)}


@pytest.mark.parametrize(
    "wrong",
    [
        {"now": 5},
        {"then": {"kind": "model"}},
        {"now": {"kind": "model", "id": 5}},
        {"change": None},
        {"then_usd": "dear"},
    ],
    ids=str,
)
def test_a_line_that_no_shadow_wrote_is_named(
    wrong: dict[str, Any], tmp_path: Path, capsys: Any
) -> None:
    path = tmp_path / "shadow.jsonl"
    path.write_text(json.dumps({**COMPARED, **wrong}) + "\n")
    given = ["--shadow", str(path), "--output", str(tmp_path / "out"), "--no-plots"]
    assert evaluate(["replay", *given]) == 2
    assert "shadow.jsonl, line 1: given" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("record", "served"),
    [
        ({"agents": {"decision": "clarify", "agent": "a"}}, ("router", "clarify")),
        ({"agents": {"decision": "start", "agent": "a"}}, ("agent", "a")),
        (
            {
                "agents": {
                    "decision": "none",
                    "agent": None,
                    "earlier": [{"decision": "start", "agent": "a"}],
                }
            },
            ("agent", "a"),
        ),
        ({"event": "continue", "runs": [{"agent": "a"}]}, ("agent", "a")),
        (
            {
                "event": "affirm",
                "agents": {"decision": "none", "agent": None},
                "models": {"chosen": "m"},
                "runs": [{"agent": "a"}],  # it declined
            },
            ("agent", "a"),
        ),
        (
            {"agents": {"decision": "none", "agent": None}, "models": {"chosen": "m"}},
            ("model", "m"),
        ),
        (
            {"agents": {"decision": "none", "agent": None}, "models": {"chosen": None}},
            ("router", "refuse"),
        ),
        ({"served_by": {"kind": "router", "id": "closed"}}, ("router", "closed")),
    ],
)
def test_the_first_choice_is_what_was_decided_and_not_who_served_in_the_end(
    record: dict[str, Any], served: tuple[str, str]
) -> None:
    empty: dict[str, Any] = {
        "event": "new_request",
        "agents": {"decision": None, "agent": None},
        "models": None,
        "runs": [],
        "served_by": None,
    }
    assert first_choice({**empty, **record}) == Served(*served)
