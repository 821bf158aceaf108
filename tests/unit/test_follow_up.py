"""What a text goes on with, and that the model is chosen for both."""

from dataclasses import replace
from pathlib import Path

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from graphs import Catalog, Options, Services, build_graph
from graphs.routing.follow_up import FARTHEST, in_context
from tests.support.agents import model_at, say
from tests.support.provider import FakeProvider, ok

PROGRAM = "Write a Python function that parses a log file and debug it."


@pytest.mark.parametrize(
    "text",
    [
        "yes", "Why?", "go on", "ok, please continue", "and in Rust?", "make it shorter", "What about this one?",
        "Great, go on", "Explain that again", "can you do the same in Java?", "now translate it into French",
    ],
)  # fmt: skip
def test_a_text_that_says_little_goes_on_with_the_one_before(text: str) -> None:
    assert in_context(text, ["Hello!", PROGRAM]) == f"{PROGRAM}\n{text}"


@pytest.mark.parametrize(
    "text",
    [
        "Write a poem about the sea", "Who was Obama?", "What is the capital of France?", "Define entropy", "42", "?",
        "Warum?", "thanks", "That's great!",
        "Tell me a joke", "It rained in Oslo yesterday, so which museums are open there on a Monday morning?",
    ],
)  # fmt: skip
def test_a_text_that_says_what_it_wants_stands_alone(text: str) -> None:
    assert in_context(text, [PROGRAM]) == text


def test_texts_that_go_on_with_each_other_lead_back_to_what_they_are_about() -> None:
    assert in_context("why?", [PROGRAM, "go on"]) == f"{PROGRAM}\ngo on\nwhy?"
    assert in_context("why?", []) == "why?"
    assert in_context("why?", [PROGRAM, *["yes"] * FARTHEST]).count("\n") == FARTHEST


async def test_the_model_is_chosen_for_what_the_text_goes_on_with(tmp_path: Path) -> None:
    shipped = Catalog.from_file(Path("catalog.yaml"))
    even = {kind.id: 0.5 for kind in shipped.kinds}
    with FakeProvider(ok("Hm.")) as provider:
        models = tuple(
            model_at(provider.base_url, name, quality=even | {kind: 0.9})
            for name, kind in (("coder", "coding"), ("talker", "conversation"))
        )
        catalog = replace(shipped, agents=(), models=models, default_model="coder")
        services = Services.from_catalog(catalog, Options(home=tmp_path, preference="performance"))
        services.router()
        graph = build_graph(services=services, checkpointer=InMemorySaver())
        chosen = [
            (await say(graph, text))["record"]["models"]["chosen"]
            for text in (PROGRAM, "why?", "Hello, how are you doing today?", "yes")
        ]
        services.close()
    assert chosen == ["coder", "coder", "talker", "talker"]
