"""A model at several efforts: each is a candidate of its own, priced with its thinking, and asked for what it is."""

from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from agents.errors import CatalogError
from graphs import Catalog, Context, build_graph
from graphs.gateway.models import EffortFacts, Price
from tests.support.agents import fake_services, model_at, say, served_by
from tests.support.provider import FakeProvider, ok

ENTRY = """
kinds: [{id: sums, examples: [add two numbers]}, {id: words, examples: [write a poem]}]
default_model: t-low
models:
  - id: t
    litellm: openai/t
    context_tokens: 1000
    price: {input: 1.0, output: 2.0}
    quality: {sums: 0.4, words: 0.8}
    efforts: {low: {thinking_tokens: 10}, high: {thinking_tokens: 500, quality: {sums: 0.9}}}
"""


def read(tmp_path: Path, text: str) -> Catalog:
    path = tmp_path / "catalog.yaml"
    path.write_text(text)
    return Catalog.from_file(path)


def test_each_effort_is_a_model_of_its_own(tmp_path: Path) -> None:
    low, high = read(tmp_path, ENTRY).models
    assert (low.id, low.effort, low.thinking_tokens) == ("t-low", "low", 10)
    assert (high.id, high.effort, high.thinking_tokens) == ("t-high", "high", 500)
    assert low.quality == {"sums": 0.4, "words": 0.8}
    assert high.quality == {"sums": 0.9, "words": 0.8}
    assert low.provider == high.provider


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (ENTRY.replace("t-low", "t"), r"default_model: given 't', expected the id of a model"),
        (ENTRY.replace("low: {", "hard: {", 1), r"efforts\.hard"),
        (ENTRY.replace("{sums: 0.9}", "{sum: 0.9}"), r"models\[0\]\.quality: given 'sum'"),
        (ENTRY.replace("    efforts:", "    effort: low\n    efforts:"), "expected one of the two"),
        (
            ENTRY + "  - {id: t-low, litellm: openai/u, context_tokens: 10}\n",
            r"'t-low' is given twice.*ID-EFFORT",
        ),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, wrong: str, told: str) -> None:
    with pytest.raises(CatalogError, match=told):
        read(tmp_path, wrong)


def thinker(provider: FakeProvider, **facts: Any) -> Any:
    model = model_at(
        provider.base_url,
        "t",
        price=Price(input=100.0, output=1000.0),
        max_output_tokens=4000,
        efforts={
            "low": EffortFacts(quality={"writing": 0.5}, thinking_tokens=10),
            "high": EffortFacts(quality={"writing": 0.9}, thinking_tokens=3000),
        },
    )
    services = fake_services(models=model.candidates(), **facts)
    return build_graph(services=services, checkpointer=InMemorySaver())


@pytest.mark.parametrize(("preference", "effort"), [("cost", "low"), ("performance", "high")])
async def test_the_preference_chooses_the_effort_and_the_call_asks_for_it(
    preference: str, effort: str
) -> None:
    with FakeProvider(ok("A poem.")) as provider:
        graph = thinker(provider, preference=preference)
        ended = await say(graph, "write a poem")
        own = Context(call={"reasoning_effort": "minimal"})
        await say(graph, "write a poem", thread="other", context=own)
    assert served_by(ended) == ("model", f"t-{effort}")
    assert [seen.body["reasoning_effort"] for seen in provider.requests] == [effort, "minimal"]


async def test_thinking_counts_in_the_predicted_price() -> None:
    with FakeProvider(ok("A poem.")) as provider:
        ended = await say(thinker(provider, preference="performance"), "write a poem")
    prices = {row["id"]: row["cost_usd"] for row in ended["record"]["models"]["frontier"]}
    assert prices["t-high"] - prices["t-low"] == pytest.approx(2990 * 1000 / 1e6)
