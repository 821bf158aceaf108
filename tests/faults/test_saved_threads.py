"""Threads that released versions saved are loaded, and go on from where they stand."""

import shutil
from pathlib import Path

import pytest

from graphs.checkpoints import open_sqlite
from tests.support.agents import answer, on, say
from tests.support.bars import bar
from tests.support.old_threads import CUT, THREADS, graph_of
from tests.support.provider import FakeProvider, ok

FIXTURES = sorted(Path(__file__).with_name("fixtures").glob("threads-*.sqlite"))
GOES_ON = {
    "idle": ("write a song", "A song.", "idle"),
    "engaged": ("and again", "alpha did it.", "engaged"),
    "awaiting_input": ("tomorrow", "Booked for tomorrow.", "engaged"),
    "awaiting_approval": ("yes", "Deleted.", "engaged"),
    "awaiting_choice": ("2", "beta did it.", "engaged"),
    "closed": ("beta", "beta did it.", "engaged"),
}
"""What is said on a thread in each phase, what comes back, and the phase then."""


def test_there_are_threads_in_each_phase_in_which_turns_end() -> None:
    assert FIXTURES
    assert GOES_ON.keys() == THREADS.keys()


@pytest.mark.one_size
@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
async def test_old_threads_go_on(fixture: Path, tmp_path: Path) -> None:
    path = tmp_path / "threads.sqlite"
    shutil.copy(fixture, path)
    loaded = 0
    with FakeProvider(ok("A song.")) as provider:
        async with open_sqlite(path) as saver:
            graph = graph_of(saver, provider.base_url)
            for thread, (text, said, phase) in GOES_ON.items():
                before = (await graph.aget_state(on(thread))).values
                assert before["phase"] == thread
                result = await say(graph, text, thread=thread)
                assert (answer(result), result["phase"]) == (said, phase)
                assert len(result["messages"]) > len(before["messages"])
                loaded += 1
            asked = len(provider.requests)
            result = await graph.ainvoke(None, on(CUT))
            assert (answer(result), len(provider.requests)) == ("A poem.", asked)
            loaded += 1
    bar(5, f"old checkpoints, {fixture.stem}", loaded, f"{loaded} of {loaded} go on", "100 %")
