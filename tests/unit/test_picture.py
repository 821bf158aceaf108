"""The picture of the graph is drawn from the graph that runs, and the README shows it as it is."""

import re
from pathlib import Path

from graphs import build_graph
from graphs.machine import Phase
from graphs.picture import draw

ROOT = Path(__file__).parents[2]


def drawn(*, phase: str | None = None) -> str:
    return draw(build_graph(catalog=ROOT / "catalog.yaml"), phase=phase)


def test_every_phase_and_every_agent_is_in_the_picture() -> None:
    picture = drawn()
    for name in [*Phase, "calculator", "calendar", "tasks", "documents", "data"]:
        assert re.search(rf"\b{re.escape(name)}\b", picture), name


def test_each_event_of_an_agent_is_on_the_edge_that_it_takes() -> None:
    picture = drawn()
    assert "agents -->|declined, failed, hand_over| handing_over" in picture
    assert "agents -->|done| engaged" in picture
    assert "route -->|none| answer" in picture


def test_the_phase_of_the_thread_is_marked() -> None:
    assert "style awaiting_input " in drawn(phase="awaiting_input")
    assert "style" not in drawn()


def test_the_readme_shows_the_graph_that_runs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```mermaid\n(.*?)\n```", readme, re.DOTALL)
    assert block is not None
    assert block.group(1) == drawn()
