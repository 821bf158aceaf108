"""What a person reads in the terminal: Markdown that grows without repeating itself, and calm lines under it."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.checkpoint.memory import InMemorySaver
from markdown_it import MarkdownIt
from rich.console import Console
from rich.live import Live

from agents.contract import declined, needs_input
from app.chat import view
from app.chat.screen import make_screen, settled
from app.view import facts, make_console, money, table
from graphs import Context
from graphs import record as records
from graphs.gateway.models import Price
from graphs.machine import Phase
from graphs.spoken import Ended, run_turn
from tests.support.agents import fake_agent, fake_graph, model_at
from tests.support.provider import FakeProvider, ok, status

STORY = (
    "# Rain\n\nIt fell\nand fell.\n\n- on roofs\n- on roads\n\n```\ncode\n\nmore\n```\n\nThe end.\n"
)


def drawn(*things: Any, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, height=24)
    console.print(*things)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())  # type: ignore[attr-defined]


def terminal(width: int = 60, height: int = 8) -> Console:
    return Console(
        file=io.StringIO(), force_terminal=True, color_system=None, width=width, height=height
    )


def shown(console: Console) -> str:
    """Return the lines that a terminal would show at the end, those that scrolled away too."""
    lines, row = [""], 0
    text = console.file.getvalue()  # type: ignore[attr-defined]
    while text:
        if text.startswith("\x1b["):
            end = next(i for i, c in enumerate(text[2:], 2) if c.isalpha())
            code, text = text[2 : end + 1], text[end + 1 :]
            if code == "2K":
                lines[row] = ""
            elif code.endswith("A"):
                row = max(
                    row - int(code[:-1]), len(lines) - console.height
                )  # what scrolled away stays
        elif text[0] == "\n":
            row, text = row + 1, text[1:]
            lines += [""] * (row + 1 - len(lines))
        else:
            lines[row] += text[0] if text[0] != "\r" else ""
            text = text[1:]
    return "\n".join(line.rstrip() for line in lines).strip("\n")


async def ended(graph: Any, *texts: str) -> Ended:
    for text in texts:
        parts = [p async for p in run_turn(graph, text, thread="t", context=Context())]
    assert isinstance(parts[-1], Ended)
    return parts[-1]


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("story", [STORY, STORY * 6, "```\n" + "code\n" * 30 + "```\n"])
def test_an_answer_in_pieces_looks_as_the_whole_and_repeats_nothing(
    story: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = Live.update  # drawn at every piece, not at every twelfth of a second
    monkeypatch.setattr(Live, "update", lambda self, drawn: update(self, drawn, refresh=True))
    console = terminal()
    with make_screen(console) as screen:
        screen.note("working")
        for start in range(0, len(story), size):
            screen.say(story[start : start + size])
    whole = drawn(view.answer(story), width=60).strip("\n")
    assert shown(console).split("\n") == whole.split("\n")


@pytest.mark.parametrize("text", ["Hello **you**.", "Hello **you**.\n", ""])
def test_a_pipe_gets_the_text_as_it_is_with_its_line_ended(text: str) -> None:
    console = Console(file=io.StringIO())
    with make_screen(console) as screen:
        screen.note("not for a pipe")
        screen.say(text)
    assert console.file.getvalue() == (text.rstrip("\n") + "\n" if text else "")  # type: ignore[attr-defined]


@pytest.mark.parametrize("terminal", [True, False])
def test_a_model_gives_no_orders_to_the_terminal(terminal: bool) -> None:
    written = io.StringIO()
    orders = "\x1b]0;title\x07", "\x1b[2J", "\x1b", "]52;c;eA==\x07", "\x9b31m", "\u202eback"
    with make_screen(Console(file=written, force_terminal=terminal)) as screen:
        screen.note(f"reading {orders[0]}")
        for order in orders:
            screen.say(f"{order}said\n\n")
    assert written.getvalue().count("said") >= len(orders)
    for order in ("\x1b]", "\x1b[2J", "\x07", "\x9b", "\u202e"):
        assert order not in written.getvalue()


def test_verse_keeps_its_lines() -> None:
    assert drawn(view.answer("Rain falls\nsoft and slow")) == "Rain falls\nsoft and slow"


def test_a_list_that_comes_first_begins_at_the_top() -> None:
    assert drawn(view.answer("- a\n- b")).startswith(" • a")


@given(
    st.lists(
        st.sampled_from(
            ["# t", "a", "- b", "  c", "> q", "```", "", "|a|b|", "|-|-|", "---", "1. x"]
        )
    )
)
def test_what_is_settled_is_drawn_the_same_whatever_follows(lines: list[str]) -> None:
    text = "\n".join(lines)
    end = settled(text)
    assert 0 <= end <= len(text)
    read = MarkdownIt().enable("table").parse
    apart = [(t.type, t.content) for part in (text[:end], text[end:]) for t in read(part)]
    assert apart == [(t.type, t.content) for t in read(text)]


def test_a_block_is_settled_when_the_next_one_begins() -> None:
    assert [settled(text) for text in ("a", "a\n\n", "a\n\nb", "- a\n- b")] == [0, 0, 3, 0]


async def test_the_quiet_line_says_who_why_cost_and_time_in_one_line() -> None:
    alpha = fake_agent("alpha", lambda state, runtime: declined("a long story " * 20))
    with FakeProvider(ok("Hello.")) as provider:
        graph = fake_graph(alpha, models=[model_at(provider.base_url)])
        line = view.quiet_line(await ended(graph, "alpha please")).plain
    who, why, cost, time = line.split(" · ")
    assert (who, why, cost) == ("m", "alpha declined, no agent may serve", "$0.000025")
    assert time.endswith((" ms", " s"))


async def test_the_quiet_line_tells_a_start_from_a_floor_that_is_kept() -> None:
    graph = fake_graph(fake_agent("alpha"), saver=InMemorySaver())
    first, second = [view.quiet_line(await ended(graph, "alpha please")).plain for _ in range(2)]
    assert first.startswith("alpha · fits best · $0 · ")
    assert second.startswith("alpha · keeps the floor · $0 · ")


async def test_the_quiet_line_tells_that_an_agent_still_waits_for_an_answer() -> None:
    def work(state: Any, runtime: Any) -> Any:
        if state["memory"]:
            return declined("that is no day")
        return needs_input("For when?", memory={"asked": True})

    with FakeProvider(ok("A poem.")) as provider:
        graph = fake_graph(
            fake_agent("alpha", work), saver=InMemorySaver(), models=[model_at(provider.base_url)]
        )
        await ended(graph, "alpha")
        line = view.quiet_line(await ended(graph, "write a poem about alpha?")).plain
    assert "the question before still waits" in line


async def test_the_quiet_line_says_when_another_model_than_the_wanted_one_answered() -> None:
    with FakeProvider(status(404), ok("Hello.")) as provider:
        dear = model_at(provider.base_url, "dear", price=Price(input=9, output=9))
        graph = fake_graph(models=[model_at(provider.base_url), dear], preference="cost")
        turn = await ended(graph, "write a poem")
    line = "stepped up from m to dear: m does not know this model name"
    assert f" · {line} · " in view.quiet_line(turn).plain
    assert line in drawn(view.why(turn.record), width=200)


async def test_the_quiet_line_admits_a_price_that_is_not_known() -> None:
    with FakeProvider(status(404), ok("Hello.")) as provider:
        models = [model_at(provider.base_url), model_at(provider.base_url, "z", price=None)]
        graph = fake_graph(models=models)
        assert " · price unknown · " in view.quiet_line(await ended(graph, "hello")).plain


async def test_why_shows_the_whole_record() -> None:
    alpha = fake_agent("alpha", lambda state, runtime: declined("not mine"))
    with FakeProvider(ok("Hello.")) as provider:
        models = [
            model_at(provider.base_url),
            model_at(provider.base_url, "locked", key="NO_SUCH_KEY"),
        ]
        end = await ended(fake_graph(alpha, models=models), "alpha please")
    text = drawn(view.why(end.record), width=100)
    for part in (
        "not mine",
        "NO_SUCH_KEY is not set",
        "frontier for writing",
        "11 in, 7 out",
        end.record["id"],
    ):
        assert part in text


def test_why_before_the_first_turn_says_so() -> None:
    assert drawn(view.why(None)) == "No turn has been decided yet."


def test_why_of_a_turn_that_was_stopped_before_it_was_routed_names_no_holder() -> None:
    record = records.begin(thread="t", turn=1, phase="idle", event="new_request", versions={})
    text = drawn(view.why(record))
    assert "idle → … (not ended), event new_request" in text
    assert text.count("not asked: the turn has not ended") == 2


@pytest.mark.parametrize("phase", Phase)
def test_the_phases_are_drawn_with_the_current_one_marked(phase: Phase) -> None:
    (marked,) = [line for line in drawn(view.phases(phase)).splitlines() if line.startswith("→")]
    assert marked.split()[1] == phase


@pytest.mark.parametrize(
    ("usd", "text"), [(None, "price unknown"), (0, "$0"), (0.5, "$0.5000"), (0.00002, "$0.000020")]
)
def test_money_is_read_as_a_person_does(usd: float | None, text: str) -> None:
    assert money(usd) == text


def test_a_table_leaves_out_a_column_with_nothing_in_it() -> None:
    text = drawn(table("agents", ("agent", "masked because"), [("a", ""), ("b", "")]))
    assert "masked because" not in text
    text = drawn(table("agents", ("agent", "masked because"), [("a", ""), ("b", "no [key]")]))
    assert "no [key]" in text


def test_nothing_is_cut_off_on_a_narrow_terminal() -> None:
    name = "openai-compatible-with-a-long-name"
    text = drawn(
        table("t", ("model", "because"), [(name, "x" * 50)]), facts({name: "y" * 50}), width=40
    )
    assert "…" not in text
    assert (text.count("x"), text.count("y")) == (50, 50)


def test_a_closed_pipe_is_left_to_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    class FakeClosedPipe(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    console = make_console()
    console.file = FakeClosedPipe()
    with pytest.raises(BrokenPipeError):
        console.print("hello")
