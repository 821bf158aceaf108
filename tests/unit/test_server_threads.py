"""Which thread a request goes on in: named, found by what was said, edited, repeated, and never another caller's."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langgraph.types import interrupt

from agents.contract import declined, done, needs_input
from agents.replies import approved
from tests.support import postgres
from tests.support.agents import fake_agent, model_at
from tests.support.api import Api, keyring, serving
from tests.support.provider import FakeProvider, held, ok, stall, status
from tests.support.waiting import wait_until

QUESTION = {"kind": "approval", "question": "Delete it?", "details": ["a file"], "agent": "alpha"}


class Shop:
    """An agent that asks for when, then books; and one that deletes after a yes."""

    def __init__(self) -> None:
        self.deleted = 0
        self.booker = fake_agent("alpha", self._book)
        self.shredder = fake_agent("gamma", self._shred)

    def _book(self, state: Any, runtime: Any) -> Any:
        if "asked" in state["memory"]:
            return done(f"Booked for {state['request']}.")
        return needs_input("For when?", memory={"asked": True})

    def _shred(self, state: Any, runtime: Any) -> Any:
        verdict = approved(interrupt(QUESTION))
        if verdict is None:
            return declined("that is neither")
        self.deleted += verdict
        return done("Deleted." if verdict else "Kept.")


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    with FakeProvider(ok("A poem.")) as provider:
        yield provider


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


@pytest.fixture(scope="module")
def api(provider: FakeProvider, shop: Shop) -> Iterator[Api]:
    agents = (shop.booker, fake_agent("beta"), shop.shredder)
    with serving(*agents, models=[model_at(provider.base_url)]) as running:
        yield running


def session(name: str) -> dict[str, str]:
    return {"x-session-id": name}


def asked_of(provider: FakeProvider) -> list[tuple[str, str]]:
    """Return what the model was told last."""
    return [(m["role"], m["content"]) for m in provider.requests[-1].body["messages"][1:]]


@pytest.mark.parametrize(
    "named",
    [
        {"metadata": {"session_id": "s1"}},
        {"headers": {"x-session-id": "s2"}},
        {"headers": {"X-OpenWebUI-Chat-Id": "s3"}},
        {"headers": {"x-session-id": "ein Gespräch / 4".encode().decode("latin-1")}},
        {"metadata": {"session_id": "s5"}, "headers": {"x-session-id": "never"}},
        {},
    ],
)
def test_an_open_question_is_answered_in_its_thread(api: Api, named: dict[str, Any]) -> None:
    headers = named.get("headers", {})
    headers = {k: v.encode("latin-1") for k, v in headers.items()}
    body = {k: v for k, v in named.items() if k != "headers"}
    assert api.say("alpha", headers=headers, **body) == "For when?"
    told = api.say("alpha", "For when?", "tomorrow at nine", headers=headers, **body)
    assert told == "Booked for tomorrow at nine."


def test_who_sends_only_what_is_new_goes_on_in_the_named_thread(api: Api) -> None:
    assert api.say("alpha", headers=session("delta")) == "For when?"
    assert api.say("tomorrow", headers=session("delta")) == "Booked for tomorrow."


def test_another_name_is_another_thread(api: Api) -> None:
    api.say("alpha", headers=session("one"))
    assert api.say("tomorrow", headers=session("two")) == "A poem."


def test_an_unnamed_conversation_that_is_not_known_is_taken_up(
    api: Api, provider: FakeProvider
) -> None:
    assert api.say("Hello!", "Hi.", "write a poem") == "A poem."
    assert asked_of(provider) == [
        ("user", "Hello!"),
        ("assistant", "Hi."),
        ("user", "write a poem"),
    ]


def test_what_identifies_a_conversation_is_its_text_and_not_its_form(api: Api) -> None:
    assert api.say("alpha  now ", tools=None) == "For when?"
    parts = [{"type": "text", "text": "alpha now"}]
    system = {"role": "system", "content": "It is another day."}
    messages = [
        system,
        {"role": "user", "content": parts},
        {"role": "assistant", "content": [{"type": "text", "text": "For when? "}]},
        {"role": "user", "content": "today"},
    ]
    response = api.chat(*messages)
    assert response.json()["choices"][0]["message"]["content"] == "Booked for today."


def test_two_conversations_that_began_alike_go_their_own_ways(
    api: Api, provider: FakeProvider
) -> None:
    for _ in range(2):
        assert api.say("write one") == "A poem."
    api.say("write one", "A poem.", "write of cats")
    api.say("write one", "A poem.", "write of dogs")
    said = [text for _, text in asked_of(provider)]
    assert said == ["write one", "A poem.", "write of dogs"]
    api.say("write one", "A poem.", "write of cats", "A poem.", "and more of them")
    assert [text for _, text in asked_of(provider)] == [
        "write one",
        "A poem.",
        "write of cats",
        "A poem.",
        "and more of them",
    ]


@pytest.mark.parametrize("headers", [session("edited"), {}])
def test_an_edited_turn_goes_on_from_before_it(
    api: Api, provider: FakeProvider, headers: dict[str, str]
) -> None:
    where = "here" if headers else "there"
    api.say(f"write {where}", headers=headers)
    api.say(f"write {where}", "A poem.", "alpha", headers=headers)
    api.say(f"write {where}", "A poem.", "alpha", "For when?", "today", headers=headers)
    # The question that alpha asked is of a branch that the client has left.
    api.say(f"write {where}", "A poem.", "write of cats", headers=headers)
    assert [text for _, text in asked_of(provider)] == [
        f"write {where}",
        "A poem.",
        "write of cats",
    ]
    # Asked for again, and then back on the first branch: alpha is asked for nothing there any more.
    api.say(f"write {where}", "A poem.", "write of cats", headers=headers)
    assert len(asked_of(provider)) == 3
    told = api.say(f"write {where}", "A poem.", "alpha", "For when?", "monday", headers=headers)
    assert told == "Booked for monday."


OPEN_WEBUI = "x-openwebui-chat-id"


@pytest.mark.parametrize("headers", [{OPEN_WEBUI: "again"}, session("again"), {}])
def test_what_is_asked_for_again_in_a_dialogue_that_repeats_itself_is_the_earlier_turn(
    api: Api, provider: FakeProvider, headers: dict[str, str]
) -> None:
    text = f"write again {len(headers)}"
    api.say(text, headers=headers)
    api.say(text, "A poem.", text, headers=headers)
    api.say(text, "A poem.", text, headers=headers)
    assert [t for _, t in asked_of(provider)] == [text, "A poem.", text]
    api.say(text, "A poem.", "write of birds", headers=headers)
    assert [t for _, t in asked_of(provider)] == [text, "A poem.", "write of birds"]


@pytest.mark.parametrize("headers", [{OPEN_WEBUI: "deleted"}, {}])
def test_what_a_client_took_out_of_its_dialogue_is_not_told(
    api: Api, provider: FakeProvider, headers: dict[str, str]
) -> None:
    secret, sea = f"write a secret {len(headers)}", f"write of the sea {len(headers)}"
    api.say(secret, headers=headers)
    api.say(secret, "A poem.", sea, headers=headers)
    api.say(sea, "A poem.", "write of hills", headers=headers)
    assert [t for _, t in asked_of(provider)] == [sea, "A poem.", "write of hills"]


def test_who_said_the_same_before_does_not_hear_what_another_said_since(
    api: Api, provider: FakeProvider
) -> None:
    for _ in range(2):
        api.say("write a greeting")
    api.say("write a greeting", "A poem.", "write my secret")
    api.say("write a greeting", "A poem.", "write my secret", "A poem.", "write a greeting")
    api.say("write a greeting", "A poem.", "write what you know")
    said = [text for _, text in asked_of(provider)]
    assert said == ["write a greeting", "A poem.", "write what you know"]


@pytest.mark.parametrize("headers", [{OPEN_WEBUI: "at once"}, {}])
def test_requests_that_are_sent_at_once_do_not_see_each_other(headers: dict[str, str]) -> None:
    gate, wanted = threading.Event(), [f"write {n}" for n in range(4)]
    with (
        FakeProvider(ok("Begun."), held(gate, ok("So."))) as own,
        serving(models=[model_at(own.base_url)]) as api,
    ):
        api.say("write at once", headers=headers)
        with ThreadPoolExecutor(4) as pool:
            sent = [
                pool.submit(api.say, "write at once", "Begun.", text, headers=headers)
                for text in wanted
            ]
            wait_until(lambda: api.resources.services.admission.admitted == 4)
            gate.set()
            assert [each.result() for each in sent] == ["So."] * 4
        told = [[m["content"] for m in r.body["messages"][1:]] for r in own.requests[1:]]
    assert sorted(told) == [["write at once", "Begun.", text] for text in wanted]


def test_a_chat_that_begins_with_two_models_side_by_side_is_two_branches() -> None:
    headers, gate = {OPEN_WEBUI: "side by side"}, threading.Event()
    replies = (held(gate, ok("One.")), held(gate, ok("Two.")), ok("Later."))
    with FakeProvider(*replies) as own, serving(models=[model_at(own.base_url)]) as api:
        with ThreadPoolExecutor(2) as pool:
            sent = [pool.submit(api.say, "write begin", headers=headers) for _ in range(2)]
            wait_until(lambda: api.resources.services.admission.admitted == 2)
            gate.set()
            assert sorted(each.result() for each in sent) == ["One.", "Two."]
        for answer in ("One.", "Two."):
            api.say("write begin", answer, "write on", headers=headers)
        told = [[m["content"] for m in r.body["messages"][1:]] for r in own.requests]
    assert told == [
        ["write begin"],
        ["write begin"],
        ["write begin", "One.", "write on"],
        ["write begin", "Two.", "write on"],
    ]


@pytest.mark.parametrize("headers", [{OPEN_WEBUI: "branches"}, {}])
def test_a_client_that_goes_back_to_an_earlier_answer_goes_on_from_it(
    headers: dict[str, str],
) -> None:
    with (
        FakeProvider(ok("One."), ok("Two."), ok("More.")) as own,
        serving(models=[model_at(own.base_url)]) as api,
    ):
        api.say("write begin", "Begun.", "write on", headers=headers)
        api.say("write begin", "Begun.", "write on", headers=headers)
        api.say("write begin", "Begun.", "write on", "One.", "write more", headers=headers)
        told = [m["content"] for m in own.requests[-1].body["messages"][1:]]
    assert told == ["write begin", "Begun.", "write on", "One.", "write more"]


@pytest.mark.parametrize("headers", [{OPEN_WEBUI: "stopped"}, session("stopped")])
def test_what_a_stopped_answer_had_said_is_told_to_who_goes_on(headers: dict[str, str]) -> None:
    with (
        FakeProvider(stall(), ok("Gone on.")) as own,
        serving(models=[model_at(own.base_url)]) as api,
    ):
        asked = {"messages": [{"role": "user", "content": "write a story"}], "stream": True}
        with api.http(**headers).stream("POST", "/v1/chat/completions", json=asked) as stream:
            next(line for line in stream.iter_lines() if "word" in line)
        wait_until(lambda: not api.resources.services.admission.admitted)
        api.say("write a story", "word word", "go on where you stopped", headers=headers)
        told = [m["content"] for m in own.requests[-1].body["messages"][1:]]
    assert told == ["write a story", "word word", "go on where you stopped"]


@pytest.mark.parametrize(
    "named", [{"metadata": {"session_id": "menu"}}, {"headers": {"x-session-id": "menu too"}}]
)
def test_a_first_message_that_is_said_again_is_a_further_turn_of_the_named_thread(
    api: Api, provider: FakeProvider, named: dict[str, Any]
) -> None:
    for text in ("write the menu", "write more", "write the menu"):
        api.say(text, **named)
    said = [text for _, text in asked_of(provider)]
    assert said == ["write the menu", "A poem.", "write more", "A poem.", "write the menu"]


def test_open_webuis_first_turn_that_is_asked_for_again_begins_anew(
    api: Api, provider: FakeProvider
) -> None:
    open_webui = {"x-openwebui-chat-id": "first"}
    for text in ("write first", "write first", "write anew"):
        api.say(text, headers=open_webui)
        assert asked_of(provider) == [("user", text)]


def test_an_edit_of_what_is_not_found_begins_the_thread_anew(
    api: Api, provider: FakeProvider
) -> None:
    headers = session("unfound")
    api.say("write of cats", headers=headers)
    api.say("something else", "Yes.", "write of dogs", headers=headers)
    said = [text for _, text in asked_of(provider)]
    assert said == ["something else", "Yes.", "write of dogs"]


def test_a_client_that_shortens_the_history_goes_on(api: Api, provider: FakeProvider) -> None:
    headers = session("short")
    api.say("write of cats", headers=headers)
    api.say("write of cats", "A poem.", "write of dogs", headers=headers)
    api.say("write of dogs", "A poem.", "write of owls", headers=headers)
    assert len(asked_of(provider)) == 5


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("headers", [session("approve"), {}])
def test_an_approval_is_asked_for_in_words_and_given_by_the_next_message(
    api: Api, shop: Shop, headers: dict[str, str], streamed: bool
) -> None:
    before = shop.deleted
    headers = {k: f"{v}{streamed}" for k, v in headers.items()}
    asked = "Delete it?\n\n- a file"
    response = api.chat("gamma", headers=headers, stream=streamed)
    if streamed:
        assert '"awaiting_approval": true' in response.text
        assert '"finish_reason":"stop"' in response.text
    else:
        body = response.json()
        assert body["choices"][0]["message"]["content"] == asked
        assert (body["model"], body["moma"]["phase"]) == ("agent:gamma", "awaiting_approval")
        assert response.headers["x-moma-stage"] == "awaiting_approval"
    assert shop.deleted == before
    assert api.say("gamma", asked, "yes", headers=headers) == "Deleted."
    assert shop.deleted == before + 1
    # Asked for again, the yes is not given twice: the thread begins anew.
    api.chat(
        {"role": "user", "content": "gamma"},
        {"role": "assistant", "content": asked},
        {"role": "user", "content": "yes"},
        headers=headers,
    )
    assert shop.deleted == before + 1


@pytest.mark.parametrize("streamed", [False, True])
def test_an_edited_turn_may_end_in_a_question_for_an_approval(api: Api, streamed: bool) -> None:
    headers = session(f"fork{streamed}")
    api.say("write here", headers=headers)
    api.say("write here", "A poem.", "write more", headers=headers)
    messages = [
        {"role": "user", "content": "write here"},
        {"role": "assistant", "content": "A poem."},
        {"role": "user", "content": "gamma"},
    ]
    asked = api.chat(*messages, headers=headers, stream=streamed)
    assert "awaiting_approval" in asked.text
    assert '"turn": 2' in api.chat(*messages, headers={**headers, "x-moma-debug": "1"}).text
    told = api.say("write here", "A poem.", "gamma", "Delete it?", "no", headers=headers)
    assert told == "Kept."


def test_tools_may_be_answered_by_their_key_alone(provider: FakeProvider) -> None:
    from tests.support.provider import tool_call

    tool = {"type": "function", "function": {"name": "look"}}
    with FakeProvider(tool_call("look", "{}"), ok("Seen."), ok("Seen again.")) as own:
        with serving(models=[model_at(own.base_url, abilities=frozenset({"tools"}))]) as api:
            where = session("tools")
            asked = api.chat("look", headers=where, tools=[tool]).json()
            assistant = asked["choices"][0]["message"]
            result = {
                "role": "tool",
                "tool_call_id": assistant["tool_calls"][0]["id"],
                "content": "x",
            }
            question = {"role": "user", "content": "look"}
            body: dict[str, Any] = {"headers": where, "tools": [tool]}
            told = api.chat(question, assistant, result, **body).json()
            assert told["choices"][0]["message"]["content"] == "Seen."
            again = api.chat(question, assistant, result, **body).json()
            assert again["choices"][0]["message"]["content"] == "Seen again."
        assert [m["role"] for m in own.requests[-1].body["messages"]] == [
            "system", "user", "assistant", "tool",
        ]  # fmt: skip


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("headers", [session("retried"), {}])
def test_a_second_try_with_the_same_key_is_answered_as_the_first(
    api: Api, provider: FakeProvider, headers: dict[str, str], streamed: bool
) -> None:
    retry = {**headers, "idempotency-key": f"k{streamed}{len(headers)}"}
    if headers:
        retry["x-session-id"] += str(streamed)
    first = api.chat("write once", headers=retry, stream=streamed)
    calls = len(provider.requests)
    second = api.chat("write once", headers=retry, stream=streamed)
    assert len(provider.requests) == calls
    assert second.headers["x-moma-decision-id"] == first.headers["x-moma-decision-id"]
    if streamed:
        assert "A poem." in second.text
        assert "[DONE]" in second.text
    else:
        assert second.json()["choices"] == first.json()["choices"]
        assert second.json()["usage"] == first.json()["usage"]
        assert second.json()["model"] == "m"
    other = api.chat("write twice", headers=retry)
    assert other.status_code == 400
    assert other.json()["error"]["code"] == "idempotency_key_reused"


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("agent", [True, False])
def test_a_second_try_of_an_earlier_turn_tells_who_answered_it(
    api: Api, provider: FakeProvider, agent: bool, streamed: bool
) -> None:
    text = "beta" if agent else "write once"
    retry = {**session(f"earlier{agent}{streamed}"), "idempotency-key": "k1"}
    first = api.chat(text, headers=retry)
    api.say("write more", headers={**retry, "idempotency-key": "k2"})
    api.say("write still more", headers={**retry, "idempotency-key": "k3"})
    calls = len(provider.requests)
    again = api.chat(text, headers=retry, stream=streamed)
    assert len(provider.requests) == calls
    for name in ("decision-id", "agent", "model", "reason"):
        assert again.headers.get(f"x-moma-{name}") == first.headers.get(f"x-moma-{name}")
    if streamed:
        assert f'"id":"{first.json()["id"]}"' in again.text.replace(": ", ":")
        assert "[DONE]" in again.text
    else:
        same = ("id", "model", "choices", "usage", "moma")
        assert [again.json()[k] for k in same] == [first.json()[k] for k in same]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_second_try_of_the_turn_that_led_to_a_question_does_not_answer_it(streamed: bool) -> None:
    done_so_far = []

    async def work(state: Any, runtime: Any) -> Any:
        if not state["memory"]:
            return needs_input("All of them?", memory={"asked": True})
        if approved(interrupt(QUESTION)):
            done_so_far.append(state["request"])
        return done("Deleted.")

    with serving(fake_agent("alpha", work)) as api:
        named = session("asked")
        api.say("alpha", headers=named)
        retry = {**named, "idempotency-key": "k1"}
        for _ in range(2):
            asked = api.chat("yes", headers=retry, stream=streamed)
            assert QUESTION["question"] in asked.text
        assert not done_so_far
        assert api.say("yes", headers=named) == "Deleted."
    assert len(done_so_far) == 1


@pytest.mark.parametrize("streamed", [False, True])
def test_a_second_try_of_a_turn_that_failed_is_no_answer(streamed: bool) -> None:
    with FakeProvider(status(401)) as own, serving(models=[model_at(own.base_url)]) as api:
        retry = {**session("failed"), "idempotency-key": "k1"}
        first = api.chat("write once", headers=retry)
        again = api.chat("write once", headers=retry, stream=streamed)
    assert first.status_code == 502
    if streamed:
        errors = [line for line in again.text.splitlines() if '"error"' in line]
        assert json.loads(errors[0].removeprefix("data: "))["error"] == first.json()["error"]
        assert '"content"' not in again.text
    else:
        assert (again.status_code, again.json()) == (502, first.json())


@pytest.mark.parametrize("streamed", [False, True])
def test_a_second_try_of_a_turn_that_was_refused_is_refused(streamed: bool) -> None:
    with serving(models=[model_at("http://127.0.0.1:9", key="NO_SUCH_KEY")]) as api:
        retry = {**session("refused"), "idempotency-key": "k1"}
        first = api.chat("write once", headers=retry)
        again = api.chat("write once", headers=retry, stream=streamed)
    assert first.status_code == again.status_code == 404
    assert again.json()["error"] == first.json()["error"]


def test_a_second_try_beside_the_first_waits_for_its_answer() -> None:
    gate = threading.Event()
    with (
        FakeProvider(held(gate, ok("Once."))) as own,
        serving(models=[model_at(own.base_url)]) as api,
    ):
        retry = {"idempotency-key": "same"}
        with ThreadPoolExecutor(3) as pool:
            tries = [pool.submit(api.say, "write once", headers=retry) for _ in range(3)]
            wait_until(lambda: api.resources.services.admission.admitted == 3)
            gate.set()
            assert [t.result() for t in tries] == ["Once."] * 3
        assert len(own.requests) == 1


def test_a_message_that_is_said_twice_at_once_is_two_turns() -> None:
    gate = threading.Event()
    with (
        FakeProvider(held(gate, ok("Once."))) as own,
        serving(models=[model_at(own.base_url)]) as api,
    ):
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(api.say, "write once", headers=session("twice"))
            wait_until(lambda: len(own.requests) == 1)
            second = pool.submit(api.say, "write once", headers=session("twice"))
            wait_until(lambda: api.resources.services.admission.admitted == 2)
            gate.set()
            assert [first.result(), second.result()] == ["Once."] * 2
        said = [m["content"] for m in own.requests[1].body["messages"] if m["role"] == "user"]
        assert said == ["write once"] * 2


def test_open_webui_streams_with_its_headers(provider: FakeProvider, shop: Shop) -> None:
    """The shape of what it sends with ENABLE_FORWARD_USER_INFO_HEADERS on."""
    keys, (key,) = keyring({"user": "open-webui", "forwards_users": True})
    with serving(shop.booker, models=[model_at(provider.base_url)], keys=keys) as api:
        assert "auto" in [model.id for model in api.openai(key).models.list().data]

        def ask(user: str, chat: str, *said: str) -> str:
            headers = {
                "X-OpenWebUI-User-Name": "Ann%20Ex",
                "X-OpenWebUI-User-Id": user,
                "X-OpenWebUI-User-Email": f"{user}@example.org",
                "X-OpenWebUI-User-Role": "user",
                "X-OpenWebUI-Chat-Id": chat,
            }
            roles = ("user", "assistant")
            messages: Any = [{"role": roles[n % 2], "content": t} for n, t in enumerate(said)]
            stream: Any = api.openai(key).chat.completions.create(
                model="auto",
                messages=messages,
                stream=True,
                extra_headers=headers,
            )
            return "".join(chunk.choices[0].delta.content or "" for chunk in stream)

        assert ask("u1", "c1", "alpha") == "For when?"
        assert ask("u2", "c1", "alpha", "For when?", "today") == "A poem."
        assert ask("u1", "c1", "alpha", "For when?", "today") == "Booked for today."


@pytest.mark.parametrize("before", [[], ["write of cats"]])
def test_a_turn_that_no_model_answered_can_be_tried_again(before: list[str]) -> None:
    answers = [*(ok("A poem.") for _ in before), status(401), ok("A poem.")]
    with FakeProvider(*answers) as own:
        with serving(models=[model_at(own.base_url)]) as api:
            where = session("again")
            for text in before:
                api.say(text, headers=where)
            assert api.chat("write a poem", headers=where).status_code == 502
            assert api.say("write a poem", headers=where) == "A poem."
            told = [text for role, text in asked_of(own) if role == "user"]
            assert told == [*before, "write a poem"]


def test_two_callers_never_share_a_thread(provider: FakeProvider, shop: Shop) -> None:
    keys, (ann, bob, desk) = keyring(
        {"user": "ann"}, {"user": "bob"}, {"user": "desk", "forwards_users": True}
    )
    callers: list[dict[str, str]] = [
        {"authorization": f"Bearer {ann}"},
        # Who may not name users is not believed.
        {"authorization": f"Bearer {bob}", "x-openwebui-user-id": "ann"},
        {"authorization": f"Bearer {desk}", "x-openwebui-user-id": "ann"},
        {"authorization": f"Bearer {desk}"},
    ]
    agents = (shop.booker, fake_agent("beta"))
    with serving(*agents, models=[model_at(provider.base_url)], keys=keys) as api:
        for named in ({"x-session-id": "s"}, {}):
            for n, asker in enumerate(callers):
                extra = {k: f"{v}{n}" for k, v in named.items()}
                assert api.say(f"alpha {n}", headers={**asker, **extra}) == "For when?"
                for k, other in enumerate(callers):
                    if k == n:
                        continue
                    told = api.say(f"alpha {n}", "For when?", "now", headers={**other, **extra})
                    assert told == "A poem.", (n, k)
                told = api.say(f"alpha {n}", "For when?", "now", headers={**asker, **extra})
                assert told == "Booked for now."


def test_threads_and_conversations_outlive_the_server(
    provider: FakeProvider, tmp_path: Path
) -> None:
    agents, models = (Shop().booker,), [model_at(provider.base_url)]
    threads = tmp_path / "threads.sqlite"
    with serving(*agents, models=models, threads=threads) as api:
        decision = api.chat("alpha").headers["x-moma-decision-id"]
    with serving(*agents, models=models, threads=threads) as api:
        feedback = api.http().post("/v1/feedback", json={"decision_id": decision, "score": "up"})
        assert feedback.status_code == 200
        assert api.say("alpha", "For when?", "today") == "Booked for today."
    assert threads.with_name("threads.conversations.sqlite").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(postgres.missing() is not None, reason=str(postgres.missing()))
def test_two_servers_share_a_database(provider: FakeProvider) -> None:
    house: dict[str, Any] = {"models": [model_at(provider.base_url)]}
    with postgres.server() as address:
        shops = [Shop(), Shop()]
        with (
            serving(shops[0].booker, threads=address, **house) as one,
            serving(shops[1].booker, threads=address, **house) as two,
        ):
            done = one.chat("alpha")
            wait_until(lambda: one.resources.conversations._writing is None)
            assert two.http().get("/ready").status_code == 200
            assert two.say("alpha", "For when?", "today") == "Booked for today."
            given = {"id": done.json()["id"], "score": "down"}
            assert two.http().post("/v1/feedback", json=given).status_code == 200


TITLE = (
    "### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history.\n"
    "### Guidelines:\n- The title should clearly represent the main theme.\n### Output:\nJSON format: "
    '{ "title": "your concise title here" }\n### Chat History:\n<chat_history>\nUSER: alpha\n</chat_history>'
)
BACKGROUND = [
    TITLE,
    TITLE.replace("Generate a concise, 3-5 word title with an emoji", "Generate 1-3 broad tags"),
    "### Task:\nSuggest 3-5 relevant follow-up questions or prompts that the user might ask",
    "### Task:\nPredict 3-5 useful messages this user might naturally send next to advance their objective.",
    "### Task:\nSummarize the conversation history that will be compacted out of the active chat context.",
    'Available Tools: [{"name": "get_notes"}]\n\nYour task is to choose and return the correct tool(s) from the list '
    "of available tools based on the query. Follow these guidelines:",
    "### Task:\nAnalyze the chat history to determine the necessity of generating search queries, in the",
    "Provide a concise, 5-word-or-less title for the conversation, using title case conventions.",
    "Please generate a concise, 5-word-or-less title for the conversation, using its same language",
]


@pytest.mark.parametrize("prompt", BACKGROUND)
def test_what_a_chat_ui_asks_for_itself_leaves_the_thread_alone(
    api: Api, provider: FakeProvider, prompt: str
) -> None:
    where = {"x-openwebui-chat-id": f"chat{BACKGROUND.index(prompt)}"}
    assert api.say("alpha", headers=where) == "For when?"
    title = api.chat(prompt, headers=where)
    assert (title.json()["model"], title.headers["x-moma-stage"]) == ("m", "idle")
    assert asked_of(provider) == [("user", prompt)]
    assert api.say("alpha", "For when?", "today", headers=where) == "Booked for today."


def test_a_task_can_be_named(api: Api, provider: FakeProvider) -> None:
    api.say("alpha title?", metadata={"task": "title_generation"})
    assert asked_of(provider) == [("user", "alpha title?")]


@pytest.mark.parametrize(
    "prompt",
    [
        "### Task:\nRespond to the user query using the provided context, incorporating citations. alpha",
        "alpha Generate a concise, 3-5 word title",
    ],
)
def test_what_a_user_asks_is_not_taken_for_the_uis(api: Api, prompt: str) -> None:
    assert api.chat(prompt).headers["x-moma-decision-id"]
    assert api.chat(prompt).json()["moma"]["phase"] in ("awaiting_input", "idle")
