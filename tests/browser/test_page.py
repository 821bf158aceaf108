"""The web page as a person uses it: in headless Chromium, with a real server and a fake provider behind it."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from langgraph.types import interrupt

from agents.contract import declined, done
from agents.replies import approved
from graphs.gateway.models import Price
from graphs.machine import TRANSITIONS, Phase
from tests.support import browser as browsers
from tests.support.agents import fake_agent, model_at
from tests.support.api import Api, keyring, serving
from tests.support.provider import FakeProvider, Reply, Seen, Wire, hang, ok, stall, status, stream
from tests.support.waiting import PATIENCE_S

MISSING = browsers.missing()
if MISSING:
    pytest.skip(MISSING, allow_module_level=True)

from playwright.sync_api import Browser, ConsoleMessage, Page, expect  # noqa: E402

expect.set_options(timeout=1e3 * PATIENCE_S)

MARKUP = '<script>window.bad = 1</script><img src=x onerror="window.bad = 1"> <b>bold</b>'
REST = "\n\n| a | b |\n|---|--:|\n| 1 | 22 |\n\n```python\nx = 1\n```\n\n- [out](https://elsewhere.invalid/) *now*"
WIDE = f"\n\n| {' | '.join('abcdefghij')} |\n|{'---|' * 10}\n| {' | '.join(['a wide cell'] * 10)} |"
HEBREW = "\u05db\u05ea\u05d5\u05d1 \u05e9\u05d9\u05e8"
READ = threading.Event()
"""Set when the page showed the first words of a streamed answer."""
APPROVAL = {"kind": "approval", "question": "Delete it?", "details": ["a file"], "agent": "gamma"}


def shred(state: Any, runtime: Any) -> Any:
    verdict = approved(interrupt(APPROVAL))
    if verdict is None:
        return declined("that is neither")
    return done("Deleted." if verdict else "Kept.")


class Waiting(Wire):
    """The server's side of a request whose answer goes on when its first words have been read."""

    async def send(self, data: bytes) -> None:
        if b"elsewhere" in data:
            await asyncio.to_thread(READ.wait, PATIENCE_S)
        await super().send(data)


async def in_two_parts(wire: Wire, seen: Seen) -> None:
    """Say the rest of an answer when its first words have been read."""
    parts = {"content": "**First** words"}, {"content": REST}
    await stream(*parts)(Waiting(wire._writer), seen)


def by_text(**replies: Reply) -> Reply:
    """Answer by the word that the message holds."""

    async def reply(wire: Wire, seen: Seen) -> None:
        asked = str(seen.body["messages"][-1]["content"])
        found = next((r for word, r in replies.items() if word in asked), ok("A poem."))
        await found(wire, seen)

    return reply


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    replies = by_text(
        streamed=in_two_parts,
        endless=stall(3),
        silent=hang(),
        markup=ok(MARKUP),
        wide=ok("Wide:" + WIDE),
    )
    agents = [fake_agent(name) for name in ("alpha", "beta")]
    with FakeProvider(replies) as provider:
        at = provider.base_url
        models = [
            model_at(at, "small", quality={"writing": 0.88}),
            model_at(at, "large", quality={"writing": 0.9}, price=Price(input=30.0, output=60.0)),
            model_at(at, "keyless", key="NO_SUCH_API_KEY"),
        ]
        with serving(*agents, fake_agent("gamma", shred), models=models) as running:
            yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browsers.browser() as running:
        yield running


Open = Callable[..., Page]


@pytest.fixture
def opened(chromium: Browser, api: Api) -> Iterator[Open]:
    """Open the page in a browser that has nothing of other tests; it asks no other host and reports no error."""
    contexts, hosts, faults = [], set[str](), list[str]()

    def console(message: ConsoleMessage) -> None:
        # Chromium reports each refused request itself.
        if message.type in ("error", "warning") and "Failed to load" not in message.text:
            faults.append(message.text)

    def open_(
        url: str = api.url,
        *,
        width: int = 1280,
        height: int = 800,
        script: str = "",
        **more: Any,
    ) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, **more)
        context.set_default_timeout(1e3 * PATIENCE_S)
        context.add_init_script(script)
        contexts.append(context)
        page = context.new_page()
        page.on("console", console)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        page.goto(url)
        page.wait_for_selector("html[data-ready]")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert faults == []
    assert len(hosts) <= 1, hosts


@pytest.fixture
def page(opened: Open) -> Page:
    return opened()


def say(page: Page, text: str, *, ends: str = "done") -> Any:
    """Take a turn with the keyboard and return it as the page shows it."""
    count = page.locator(".turn").count()
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")
    turn = page.locator(".turn").nth(count)
    expect(turn).not_to_have_attribute("data-state", "running")
    assert turn.get_attribute("data-state") == ends, turn.inner_text()
    return turn


def expect_lit(page: Page, phase: str) -> None:
    """Wait until the phase is the one that is lit: the last words of an answer come before it."""
    expect(page.locator("#machine .lit")).to_have_attribute("data-phase", phase)


def test_an_agent_answers_and_the_phase_is_lit(page: Page) -> None:
    expect_lit(page, "idle")
    turn = say(page, "alpha")
    expect(turn.locator(".answer")).to_have_text("alpha did it.")
    expect(turn.locator("summary")).to_contain_text("alpha · fits best · $0")
    expect_lit(page, "engaged")
    took = page.locator("#machine .took path[data-from]")
    assert (took.get_attribute("data-from"), took.get_attribute("data-to")) == ("idle", "engaged")
    expect(page.locator("#status")).to_contain_text("alpha answered: alpha did it.")


def test_the_drawing_is_the_table(page: Page, api: Api) -> None:
    told = api.http().get("/v1/machine").json()
    rows = {(t["from"], t["event"]): t["to"] for t in told["transitions"]}
    assert rows == {(p.value, e.value): to.value for (p, e), to in TRANSITIONS.items()}
    nodes = page.locator("#machine [data-phase]")
    assert {n.get_attribute("data-phase") for n in nodes.all()} == {p.value for p in Phase}
    page.locator("[data-phase=awaiting_choice]").press("Enter")
    expect(page.locator(".legend h3")).to_have_text("From awaiting choice to")
    ways = {w.get_attribute("data-to") for w in page.locator("#machine .way path[data-to]").all()}
    choice = Phase.AWAITING_CHOICE
    assert ways == {to.value for (p, _), to in TRANSITIONS.items() if p == choice} - {choice.value}


def test_a_model_is_streamed_and_drawn_as_markdown(page: Page) -> None:
    READ.clear()
    page.get_by_label("Message", exact=True).fill("write a streamed poem")
    page.keyboard.press("Enter")
    expect(page.locator(".answer strong")).to_have_text("First")
    expect(page.locator(".turn")).to_have_attribute("data-state", "running")
    READ.set()
    expect(page.locator(".turn")).to_have_attribute("data-state", "done")
    expect(page.locator("#status")).to_contain_text("small answered: First words")
    expect(page.locator(".answer td.number")).to_have_text("22")
    expect(page.locator(".answer pre code")).to_have_text("x = 1")
    link = page.locator(".answer li a")
    assert link.get_attribute("href") == "https://elsewhere.invalid/"
    assert link.get_attribute("rel") == "noopener noreferrer"


def test_the_decision_opens_with_the_choice_marked(page: Page) -> None:
    turn = say(page, "write a poem")
    turn.locator("summary").press("Enter")
    record = turn.locator(".record")
    expect(record.locator(".why")).to_contain_text("small served")
    expect(record.locator(".plot .chosen circle.ring")).to_have_count(1)
    assert record.locator(".plot g.chosen").get_attribute("data-model") == "small"
    assert record.locator(".plot g.point").count() == 2
    expect(record.locator("tr.marked td").first).to_have_text("small")
    expect(record.locator(".masks")).to_contain_text("NO_SUCH_API_KEY is not set")
    expect(record.locator(".scores li")).not_to_have_count(0)
    expect(record).to_contain_text("11 in, 7 out")


def test_spend_stands_beside_always_best_and_outlives_a_reload(page: Page) -> None:
    say(page, "write a poem")
    said = "This conversation$0.000025Always the best model$0.000750"
    expect(page.locator("#spend")).to_contain_text(said)
    page.reload()
    expect(page.locator("#spend")).to_contain_text(said)
    expect(page.locator(".answer")).to_have_text("A poem.")
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".turn")).to_have_count(0)
    expect(page.locator("#spend")).to_contain_text("Nothing yet.")


def test_a_long_conversation_is_compared_as_a_whole(page: Page) -> None:
    say(page, "write a poem")
    page.evaluate(
        """() => {
             const place = `moma.conversation.${localStorage["moma.conversation"]}`;
             const [turn] = JSON.parse(localStorage[place]);
             const turns = Array.from({ length: 100 }, (_, n) => ({ ...turn, id: `turn ${n}`, at: n }));
             localStorage[place] = JSON.stringify(turns);
           }"""
    )
    page.reload()
    say(page, "write another poem")
    page.reload()
    expect(page.locator("#spend")).to_contain_text("Always the best model$0.0758")
    expect(page.locator("#spend")).to_contain_text("over 101 turns.")


@pytest.mark.parametrize("storage", ["localStorage", "sessionStorage"])
def test_a_browser_that_keeps_nothing_is_served_all_the_same(storage: str, opened: Open) -> None:
    denied = "get() { throw new DOMException('denied', 'SecurityError'); }"
    keys, (plain,) = keyring({"user": "ann"})
    with serving(fake_agent("alpha"), keys=keys) as api:
        page = opened(api.url, script=f"Object.defineProperty(window, '{storage}', {{ {denied} }})")
        page.get_by_label("This server asks for a key").fill(plain)
        page.keyboard.press("Enter")
        expect(page.locator("#model option")).to_have_count(2)
        expect(say(page, "alpha").locator(".answer")).to_have_text("alpha did it.")
        page.get_by_role("button", name="New conversation").click()
        expect(page.locator(".turn")).to_have_count(0)


def test_knobs_turn_in_a_browser_that_is_full(page: Page) -> None:
    page.evaluate(
        """() => {
             for (let size = 2 ** 20, n = 0; size >= 1; size /= 2)
               try { for (;;) localStorage.setItem(n++, "x".repeat(size)); } catch {}
           }"""
    )
    page.get_by_role("button", name="Dark").click()
    expect(page.get_by_role("button", name="Light")).to_be_visible()
    performance = page.get_by_role("button", name="performance")
    performance.click()
    expect(performance).to_have_attribute("aria-pressed", "true")
    say(page, "alpha")
    said = "The browser does not keep this conversation"
    expect(page.locator("#status")).to_contain_text(f"alpha did it. {said}")
    expect(page.locator("#unkept")).to_be_visible()
    page.evaluate("localStorage.clear()")
    say(page, "alpha")
    expect(page.locator("#unkept")).to_be_hidden()


def test_a_message_that_is_kept_in_part_is_not_sent_again(page: Page) -> None:
    page.evaluate(
        """() => {
             localStorage.spare = "x".repeat(8_000);
             for (let size = 2 ** 20, n = 0; size >= 1; size /= 2)
               try { for (;;) localStorage.setItem(n++, "x".repeat(size)); } catch {}
             delete localStorage.spare;
           }"""
    )
    page.route("**/v1/chat/completions", lambda route: route.abort(), times=1)
    turn = say(page, "alpha " + 20_000 * "x", ends="failed")
    expect(turn.get_by_role("button", name="Try again")).to_be_visible()
    page.reload()
    expect(turn.get_by_role("alert")).to_have_text("The server cannot be reached.")
    expect(turn.locator(".asked p")).to_contain_text("alpha xxx")


def test_what_other_tabs_left_behind_makes_room(page: Page) -> None:
    for text in ("alpha", "beta"):
        say(page, text)
    page.evaluate("localStorage['moma.conversation.left'] = ''")
    page.evaluate(
        """() => {
             for (let size = 2 ** 20; size >= 1; size /= 2)
               try { for (;;) localStorage["moma.conversation.left"] += "x".repeat(size); } catch {}
           }"""
    )
    say(page, "write a poem " + 15_000 * "x")
    page.reload()
    expect(page.locator(".turn")).to_have_count(3)


@pytest.mark.parametrize("kept", ["{", "[null]", '[{"state": "done", "text": "a", "answer": "b"}]'])
def test_what_is_kept_and_cannot_be_read_is_passed_over(kept: str, page: Page) -> None:
    say(page, "alpha")
    page.evaluate(
        """(text) => {
             localStorage["moma.preference"] = text;
             localStorage[`moma.conversation.${localStorage["moma.conversation"]}`] = text;
           }""",
        kept,
    )
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-ready", "true")
    expect(say(page, "alpha").locator(".answer")).to_have_text("alpha did it.")


def test_turns_at_no_known_price_are_left_out_of_what_is_compared(opened: Open) -> None:
    with FakeProvider() as provider:
        models = [model_at(provider.base_url, price=None)]
        with serving(fake_agent("alpha"), models=models) as api:
            page = opened(api.url)
            say(page, "write a poem")
            expect(page.locator("#spend")).to_contain_text("is not known for this turn.")


def test_who_answers_is_told_while_they_do(page: Page) -> None:
    page.get_by_label("Message", exact=True).fill("write an endless poem")
    page.keyboard.press("Enter")
    expect(page.locator(".turn .running")).to_have_text("small answers")
    page.keyboard.press("Escape")
    expect(page.locator(".turn")).to_have_attribute("data-state", "stopped")


def test_text_from_right_to_left_is_set_so(page: Page) -> None:
    page.get_by_label("Message", exact=True).fill(HEBREW)
    expect(page.get_by_label("Message", exact=True)).to_have_css("direction", "rtl")
    turn = say(page, HEBREW)
    expect(turn.locator(".asked p")).to_have_css("direction", "rtl")
    expect(turn.locator(".answer p")).to_have_css("direction", "ltr")


def test_a_name_is_told_as_it_is_written(page: Page) -> None:
    who = page.evaluate(
        """async () => {
             const { takeTurn } = await import("/page/api.js");
             const headers = { "x-moma-agent": "gr%C3%B6%C3%9Fe" };
             window.fetch = async () => new Response("data: [DONE]\\n\\n", { headers });
             let told;
             await takeTurn({ body: {}, session: "s", retry: "r", tell: ({ who }) => { told = who; } });
             return told;
           }"""
    )
    assert who == "größe"


def test_a_key_that_ends_a_composition_sends_and_stops_nothing(page: Page) -> None:
    message = page.get_by_label("Message", exact=True)
    message.fill("alpha")
    message.dispatch_event("keydown", {"key": "Enter", "keyCode": 229, "bubbles": True})
    expect(message).to_have_value("alpha")
    message.fill("write an endless poem")
    message.press("Enter")
    expect(page.locator(".turn .running")).to_have_text("small answers")
    message.dispatch_event("keydown", {"key": "Escape", "isComposing": True, "bubbles": True})
    expect(page.locator(".turn")).to_have_attribute("data-state", "running")
    message.press("Escape")
    expect(page.locator(".turn")).to_have_attribute("data-state", "stopped")
    page.get_by_role("button", name="Dark").press("Escape")
    expect(page.get_by_role("button", name="Dark")).to_be_focused()


@pytest.mark.parametrize(("tabs", "said"), [(1, "Kept."), (2, "Deleted.")])
def test_an_approval_is_answered_by_keyboard(page: Page, tabs: int, said: str) -> None:
    turn = say(page, "gamma")
    expect(turn.locator(".answer")).to_contain_text("Delete it?")
    expect_lit(page, "awaiting_approval")
    for _ in range(tabs):
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".turn").nth(1).locator(".answer")).to_have_text(said)
    expect_lit(page, "engaged")
    expect(page.locator("#ask")).to_be_hidden()


def test_focus_is_kept_where_what_was_pressed_goes(page: Page) -> None:
    message = page.get_by_label("Message", exact=True)
    page.locator("#examples button").last.press("Enter")
    expect(message).to_be_focused()
    expect(page.locator(".turn")).not_to_have_attribute("data-state", "running")
    message.fill("alpha")
    page.get_by_role("button", name="Send").press("Enter")
    expect(message).to_be_focused()
    expect(page.locator(".turn").nth(1)).to_have_attribute("data-state", "done")
    page.route("**/v1/chat/completions", lambda route: route.abort(), times=1)
    say(page, "beta", ends="failed")
    page.get_by_role("button", name="Try again").press("Enter")
    expect(message).to_be_focused()
    phase = page.locator("[data-phase=closed]")
    phase.focus()
    expect(page.locator(".turn").nth(2)).to_have_attribute("data-state", "done")
    expect_lit(page, "engaged")
    expect(phase).to_be_focused()


def test_a_clarifying_question_has_its_options_as_buttons(page: Page) -> None:
    say(page, "alpha beta")
    expect_lit(page, "awaiting_choice")
    page.locator("#ask").get_by_role("button", name="beta").click()
    expect(page.locator(".turn").nth(1).locator(".answer")).to_have_text("beta did it.")


@pytest.mark.parametrize("how", ["Escape", "button"])
def test_a_turn_is_stopped(page: Page, how: str) -> None:
    page.get_by_label("Message", exact=True).fill("write an endless poem")
    page.keyboard.press("Enter")
    expect(page.locator(".answer")).to_contain_text("word")
    if how == "button":
        page.get_by_role("button", name="Stop").click()
    else:
        page.keyboard.press("Escape")
    expect(page.locator(".turn")).to_have_attribute("data-state", "stopped")
    turn = say(page, "alpha")
    expect(turn.locator(".answer")).to_have_text("alpha did it.")


@contextmanager
def failing() -> Iterator[tuple[Api, threading.Event]]:
    """Serve a house whose provider fails until it is mended."""
    mended = threading.Event()

    async def reply(wire: Wire, seen: Seen) -> None:
        await (ok("A poem.") if mended.is_set() else status(400, "no"))(wire, seen)

    with FakeProvider(reply) as provider, serving(models=[model_at(provider.base_url)]) as api:
        yield api, mended


def test_an_error_is_one_line_with_a_retry(opened: Open) -> None:
    with failing() as (api, mended):
        page = opened(api.url)
        turn = say(page, "write a poem", ends="failed")
        expect(turn.get_by_role("alert")).to_contain_text("No model could answer")
        mended.set()
        turn.get_by_role("button", name="Try again").click()
        expect(page.locator(".answer")).to_have_text("A poem.")
        expect(page.locator(".turn")).to_have_count(1)


def test_a_turn_whose_connection_fails_can_be_sent_again(page: Page) -> None:
    page.route("**/v1/chat/completions", lambda route: route.abort(), times=1)
    turn = say(page, "alpha", ends="failed")
    expect(turn.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    turn.get_by_role("button", name="Try again").click()
    expect(page.locator(".answer")).to_have_text("alpha did it.")


def test_a_reload_in_the_middle_of_an_answer_keeps_the_question(page: Page) -> None:
    page.get_by_label("Message", exact=True).fill("write something endless")
    page.keyboard.press("Enter")
    expect(page.locator(".answer")).not_to_be_empty()
    page.reload()
    expect(page.locator(".turn")).to_have_attribute("data-state", "stopped")
    expect(page.locator(".asked p")).to_have_text("write something endless")


def test_a_reload_before_the_first_word_says_why_there_is_no_answer(page: Page) -> None:
    page.get_by_label("Message", exact=True).fill("write something silent")
    page.keyboard.press("Enter")
    expect(page.locator(".turn")).to_have_attribute("data-state", "running")
    page.reload()
    said = "The page was closed before the answer came."
    expect(page.locator(".turn").get_by_role("alert")).to_contain_text(said)


def test_two_tabs_of_one_conversation_lose_no_turn(page: Page) -> None:
    say(page, "write a first poem")
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator(".turn")).to_have_count(1)
    say(page, "write a second poem")
    expect(other.locator(".turn")).to_have_count(2)
    say(other, "write a third poem")
    expect(page.locator(".turn")).to_have_count(3)
    page.reload()
    expect(page.locator(".asked p")).to_have_text(
        ["write a first poem", "write a second poem", "write a third poem"]
    )
    page.get_by_role("button", name="New conversation").click()
    say(other, "write a fourth poem")
    page.reload()
    expect(page.locator(".turn")).to_have_count(0)
    other.close()


def test_a_tab_hears_how_a_turn_of_another_ended(page: Page) -> None:
    say(page, "alpha")
    other = page.context.new_page()
    other.goto(page.url)
    shown = other.locator(".turn")
    shown.first.locator("summary").click()
    page.get_by_label("Message", exact=True).fill("write an endless poem")
    page.keyboard.press("Enter")
    expect(shown.nth(1)).to_have_attribute("data-state", "running")
    page.keyboard.press("Escape")
    expect(shown.nth(1)).to_have_attribute("data-state", "stopped")
    page.get_by_label("Message", exact=True).fill("write an endless poem again")
    page.keyboard.press("Enter")
    expect(page.locator(".turn .running")).to_have_text("small answers")
    expect(shown.nth(2)).to_have_attribute("data-state", "running")
    page.goto("about:blank")
    expect(shown.nth(2)).to_have_attribute("data-state", re.compile("stopped|failed"))
    expect(shown.first.locator(".record")).to_be_visible()
    other.close()


def test_the_knobs_of_a_tab_say_what_it_sends(page: Page) -> None:
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_role("button", name="performance").click()
    assert say(page, "write a poem").locator("summary").inner_text().startswith("small · ")
    other.close()


WIKI = "https://a.invalid/Mercury_(planet)"
ADDRESS = f'<a href="{WIKI}" target="_blank" rel="noopener noreferrer">'


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("1. one\n\n   two", "<li><p>one</p><p>two</p></li>"),
        ("- one\n  ```\n  x\n  ```", "<li>one<pre><code>x</code></pre></li>"),
        ("***both***", "<p><strong><em>both</em></strong></p>"),
        ("**one *two***, **three**", "<strong>one <em>two</em></strong>, <strong>three</strong>"),
        (f"[wiki]({WIKI}).", f"<p>{ADDRESS}wiki</a>.</p>"),
        (f"(see {WIKI})", f"<p>(see {ADDRESS}{WIKI}</a>)</p>"),
        (f"<{WIKI}>", f"<p>{ADDRESS}{WIKI}</a></p>"),
        ("[x](javascript:(1)) <javascript:1>", "<p><span>x</span> &lt;javascript:1&gt;</p>"),
    ],
)
def test_markdown_is_drawn_as_it_is_meant(text: str, drawn: str, page: Page) -> None:
    html = page.evaluate(
        """async (text) => {
             const { drawMarkdown } = await import("/page/markdown.js");
             const place = document.createElement("div");
             drawMarkdown(place, text);
             return place.innerHTML;
           }""",
        text,
    )
    assert drawn in re.sub(' (dir|tabindex)="\\w+"', "", html)


@pytest.mark.parametrize(
    "line",
    ["| name | value |\n" + " " * 2_500 + "-" + " " * 2_500 + "x", "# a" + " " * 20_000 + "b"],
    ids=["table", "heading"],
)
def test_a_line_of_blanks_is_drawn_at_once(line: str, page: Page) -> None:
    took = page.evaluate(
        """async (text) => {
             const { drawMarkdown } = await import("/page/markdown.js");
             const began = performance.now();
             drawMarkdown(document.createElement("div"), text);
             return performance.now() - began;
           }""",
        line,
    )
    assert took < 1_000


def test_what_looks_like_markup_is_text(page: Page) -> None:
    turn = say(page, "write markup")
    expect(turn.locator(".answer")).to_have_text(MARKUP)
    assert turn.locator(".answer :is(script, img, b)").count() == 0
    assert page.evaluate("window.bad") is None
    asked = say(page, f"alpha {MARKUP}")
    expect(asked.locator(".asked p")).to_have_text(f"alpha {MARKUP}")


def test_the_picker_and_the_preference_reach_the_server(page: Page) -> None:
    picker = page.get_by_label("Served by")
    expect(picker.locator("option[value=keyless]")).to_be_disabled()
    expect(picker.locator("option[value=keyless]")).to_contain_text("NO_SUCH_API_KEY is not set")
    page.get_by_role("button", name="performance").click()
    turn = say(page, "write a poem")
    expect(turn.locator("summary")).to_contain_text("large · ")
    page.get_by_label("From cheapest to best").press("Home")
    turn = say(page, "write a poem again")
    expect(turn.locator("summary")).to_contain_text("small · ")
    picker.select_option("agent:beta")
    turn = say(page, "hello")
    expect(turn.locator(".answer")).to_have_text("beta did it.")


def test_a_key_is_asked_for_where_one_is_needed(opened: Open) -> None:
    keys, (plain,) = keyring({"user": "ann"})
    with serving(fake_agent("alpha"), keys=keys) as api:
        page = opened(api.url)
        for wrong in ("sk-moma-…", "wrong"):
            page.get_by_label("It is kept until this tab is closed").fill(wrong)
            page.keyboard.press("Enter")
            expect(page.locator("#key")).to_contain_text("The server does not take this key")
            expect(page.get_by_label("The server does not take this key")).to_be_focused()
        page.get_by_label("It is kept until this tab is closed").fill(plain)
        page.keyboard.press("Enter")
        expect(page.locator("#model optgroup[label=Agents] option")).to_have_count(1)
        turn = say(page, "alpha")
        turn.locator("summary").click()
        expect(turn.locator(".record")).to_have_text(re.compile("not shown to this key"))
        assert (
            page.evaluate("[sessionStorage['moma.key'], JSON.stringify(localStorage)]")[0] == plain
        )
        assert plain not in page.evaluate("JSON.stringify(localStorage)")


def test_a_narrow_screen_scrolls_in_one_direction(opened: Open) -> None:
    page = opened(width=360, height=740)
    say(page, "write a wide poem").locator("summary").click()
    expect(page.locator(".plot svg")).to_be_visible()
    places = "['html', 'body', '#scroll'].map((name) => document.querySelector(name))"
    wide = f"{places}.map((place) => place.scrollWidth - place.clientWidth)"
    assert page.evaluate(wide) == [0, 0, 0]
    page.get_by_role("button", name="State").click()
    expect(page.locator("#machine svg")).to_be_visible()
    assert page.evaluate(wide)[:2] == [0, 0]
    page.get_by_role("button", name="New conversation").click()
    expect(page.get_by_label("Message", exact=True)).to_be_focused()


def test_a_low_screen_has_room_for_all_that_is_below_a_long_message(opened: Open) -> None:
    page = opened(width=640, height=360)
    page.get_by_label("Message", exact=True).fill("a\n" * 20)
    expect(page.get_by_label("Served by")).to_be_in_viewport(ratio=1)
    expect(page.get_by_label("From cheapest to best")).to_be_in_viewport(ratio=1)


def test_all_of_a_conversation_is_printed(opened: Open) -> None:
    page = opened(height=400)
    for n in range(5):
        say(page, f"alpha {n}")
    page.emulate_media(media="print")
    last = page.locator(".turn").last.evaluate("(turn) => turn.getBoundingClientRect().bottom")
    assert 400 < last <= page.evaluate("document.documentElement.scrollHeight")


def frontier(*models: tuple[str, float, float]) -> dict[str, Any]:
    """Return what a record has of `models`, of which the second is chosen."""
    rows = [
        {"id": i, "quality": q, "uncertainty": 0.15, "cost_usd": usd, "closeness": 0.5}
        for i, q, usd in models
    ]
    return {"frontier": rows, "chosen": rows[1]["id"]}


FRONTIERS = {
    "long names": frontier(
        ("largest-frontier-preview", 0.93, 4e-3),
        ("large", 0.85, 5e-4),
        ("medium-instruct-2026", 0.8, 1e-4),
        ("small", 0.7, 2e-5),
        ("free-local", 0.4, 0.0),
    ),
    "near": frontier(*((f"model-number-{n}", 0.9 - n / 200, 1e-3 - n * 1e-5) for n in range(8))),
    "far apart": frontier(*((f"model-{n}", 0.9 - n / 20, 10.0**-n) for n in range(14))),
    "one decade": frontier(("best", 0.9, 1e-4), ("good", 0.8, 5e-5), ("fair", 0.7, 1.2e-5)),
}


@pytest.mark.parametrize("width", [250, 310, 700])
@pytest.mark.parametrize("models", FRONTIERS.values(), ids=FRONTIERS.keys())
def test_no_word_of_the_plot_lies_on_another(models: Any, width: int, page: Page) -> None:
    page.evaluate(
        """async ([models, width]) => {
             const { frontierPlot } = await import("/page/frontier.js");
             const plot = frontierPlot(models);
             document.body.replaceChildren(plot);
             plot.style.width = `${width}px`;
           }""",
        [models, width],
    )
    expect(page.locator(".plot .names .chosen")).to_have_text(models["chosen"])
    boxes = page.locator(".plot text").evaluate_all(
        "(texts) => texts.map((text) => [text.textContent, text.getBBox()])"
        ".map(([said, { x, y, width, height }]) => [said, x, x + width, y + 3, y + height - 3])"
    )
    assert [b for b in boxes if b[1] < 0 or b[2] > width] == []
    for n, (said, left, right, top, bottom) in enumerate(boxes):
        for other, left2, right2, top2, bottom2 in boxes[n + 1 :]:
            is_over = left < right2 and left2 < right and top < bottom2 and top2 < bottom
            assert not is_over, (said, other)


def test_dark_follows_the_system_until_it_is_chosen(opened: Open) -> None:
    page = opened(color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(21, 22, 20)"
    page.get_by_role("button", name="Light").click()
    assert page.evaluate(ground) == "rgb(250, 249, 246)"
    page.reload()
    assert page.evaluate(ground) == "rgb(250, 249, 246)"


def test_what_is_served_says_what_may_be_loaded(api: Api) -> None:
    http = api.http()
    start = http.get("/")
    policy = start.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    names = re.findall(r'"(/page/[\w.]+)"', start.text)
    assert len(names) >= 3
    for name in names:
        answer = http.get(name)
        assert answer.status_code == 200
        again = http.get(name, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert http.get("/page/__init__.py").status_code == 404
    assert http.get("/page/..%2f..%2fcatalog.yaml").status_code == 404
