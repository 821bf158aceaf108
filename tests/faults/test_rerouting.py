"""Prefixes that make an easy query look hard: how many more of them reach the strong model, and what bounds them."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from graphs import Catalog, Context, Options, Services
from graphs.dry_run import dry_run
from graphs.gateway.models import Model, count_tokens
from graphs.routing.dialogue import Dialogue
from graphs.routing.reading import read_turn
from graphs.routing.router import rank_models
from tests.support.agents import FakeEncoder
from tests.support.bars import bar
from tests.support.rerouting import easy_queries, gadgets

ROOT = Path(__file__).parents[2]
PREFERENCES = (0.25, "auto", 0.75)
MOST_POINTS = 10
LITTLE_USD = 0.00005


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    catalog = Catalog.from_file(ROOT / "catalog.yaml")
    built = Services.from_catalog(catalog, Options(home=Path("unused")))
    built.router()
    yield built
    built.close()


def pools(services: Services) -> dict[str, list[Model]]:
    """Return the pools to choose from: all models with a price, and pairs of a strong one and a weak one."""
    priced = [m for m in services.catalog.models if m.price and not m.local]
    by_quality = sorted(priced, key=lambda m: m.mean_quality)
    pairs = {
        f"{weak.id} or {strong.id}": [weak, strong]
        for weak in by_quality[:2]
        for strong in by_quality[-2:]
    }
    return {"all": priced, **pairs}


def share(
    services: Services,
    texts: Sequence[str],
    vectors: NDArray[np.float32],
    pool: Sequence[Model],
    preference: str | float,
) -> float:
    """Return the share of texts whose first choice is among the best quarter of the pool."""
    models = services.router()._models
    assert models is not None
    ranked = sorted(pool, key=lambda m: m.mean_quality)
    strong = {m.id for m in ranked[-max(1, len(pool) // 4) :]}
    chosen = []
    for text, vector in zip(texts, vectors, strict=True):
        prediction = models.predict(vector)
        read, written = count_tokens([text]), round(prediction.output_tokens)
        costs = {m.id: m.price.of(read, written) for m in pool if m.price}
        chosen.append(rank_models(prediction, costs, preference)[0].option.id in strong)
    return float(np.mean(chosen))


def rises(services: Services, queries: Sequence[str], prefixes: Sequence[str]) -> dict[str, float]:
    """Return by how many points of a hundred the share of the strong models rises, by pool and preference."""
    prefixed = [f"{prefix} {query}" for prefix in prefixes for query in queries]
    before, after = services.embed(queries), services.embed(prefixed)
    return {
        f"{name}, {preference}": 100
        * (
            share(services, prefixed, after, pool, preference)
            - share(services, queries, before, pool, preference)
        )
        for name, pool in pools(services).items()
        for preference in PREFERENCES
    }


def test_prefixes_bring_no_more_easy_queries_to_the_strong_models(services: Services) -> None:
    found = rises(services, easy_queries()[::20], gadgets()[::12])
    assert max(found.values()) <= MOST_POINTS, found


async def test_money_bounds_what_a_prefix_may_reach(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in services.catalog.models:
        if model.key:
            monkeypatch.setenv(model.key, "no-call-is-made")
    context = Context(preference="performance", budget_usd=LITTLE_USD)
    for prefix in gadgets()[::10]:
        record = await dry_run(f"{prefix} What is a noun?", services, context=context)
        dear = {m["candidate"] for m in record["models"]["masked"] if m["code"] == "budget"}
        assert {"gpt-5.6", "claude-opus-5"} <= dear
        assert not dear & set(record["models"]["order"])


def test_of_a_long_text_no_more_than_its_beginning_and_its_end_are_read() -> None:
    def encode(texts: Sequence[str], /) -> NDArray[np.float32]:
        return FakeEncoder().encode(["x"] * len(texts))

    text = "begin " + "and then prove it; " * 50_000 + "Who wrote Hamlet?"
    reading = read_turn(text, Dialogue().after(text, agent="a", said=text), encode)
    assert max(map(len, (reading.text, reading.last_text, reading.said_text))) < 30_000
    assert (reading.text[:5], reading.text[-17:]) == ("begin", "Who wrote Hamlet?")


@pytest.mark.faults
def test_adversarial_rerouting(services: Services) -> None:
    queries, prefixes = easy_queries(), gadgets()
    found = rises(services, queries, prefixes)
    began = time.perf_counter()
    services.router().choose_agent("x y " * 250_000, Dialogue(), allowed=list(services.cards()))
    seconds = time.perf_counter() - began
    worst = max(found, key=lambda name: found[name])
    result = (
        f"the strong share rises by {found[worst]:+.1f} points at most ({worst});"
        f" a text of a million characters is read in {seconds:.2f} s"
    )
    bar(
        19,
        "adversarial rerouting",
        len(prefixes) * len(queries),
        result,
        "+10 points, bounded",
    )
    assert found[worst] <= MOST_POINTS
    assert seconds < Options().routing_seconds
