"""The task agent's dialogues, its approvals, its file, and what it leaves to others."""

import json
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, RetryPolicy

from agents.contract import AgentContext, AgentState
from agents.errors import CatalogError
from agents.tasks import build
from agents.tasks.changing import NO_ANSWER
from agents.tasks.command import Verb
from agents.tasks.dates import Due, read_due
from agents.tasks.drafting import MAX_TITLE
from agents.tasks.language import MAX_REQUEST, clean, read_command
from agents.tasks.phrases import split_when
from agents.tasks.store import FILE_NAME, TaskStoreError, open_store
from graphs.outcome import LARGEST_MEMORY
from tests.support.plain import assert_plain

NOW = datetime(2026, 11, 23, 14, 15, tzinfo=ZoneInfo("Europe/Berlin"))  # a Monday
THREAD: RunnableConfig = {"configurable": {"thread_id": "t"}}

AGENT = build({})


@dataclass
class Chat:
    """Runs turns as a caller would: it carries the memory and resumes what is pending."""

    home: Path
    user: str = "local"
    now: datetime = NOW
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        agent = build(self.options) if self.options else AGENT
        self.graph = agent.copy(update={"checkpointer": InMemorySaver()})
        self.memory: dict[str, Any] = {}
        self.question: dict[str, Any] = {}

    @property
    def context(self) -> AgentContext:
        return AgentContext(home=self.home, user=self.user, now=self.now)

    def say(self, request: str, event: str = "start") -> dict[str, Any]:
        turn = {"request": request, "event": event, "history": [], "memory": self.memory}
        return self._run(Command(resume=request) if self.question else turn)

    def _run(self, given: Any) -> dict[str, Any]:
        result = self.graph.invoke(given, THREAD, context=self.context)
        pending = result.get("__interrupt__")
        self.question = pending[0].value if pending else {}
        if pending:
            return {"event": "pending", "text": ""}
        assert_plain(result)
        assert len(json.dumps([result["outcome"], result["memory"]])) < LARGEST_MEMORY
        self.memory = result["memory"]
        return dict(result["outcome"])

    def titles(self) -> list[str]:
        with open_store(self.home, user=self.user) as store:
            return [task.title for task in sorted(store.tasks(), key=lambda task: task.number)]


@pytest.fixture
def chat(tmp_path: Path) -> Chat:
    return Chat(tmp_path)


def with_tasks(chat: Chat, *requests: str) -> Chat:
    for request in requests:
        assert chat.say(request)["event"] == "done"
    return chat


# -- adding ---------------------------------------------------------------------------------


def test_a_task_is_added_in_three_turns(chat: Chat) -> None:
    asked = chat.say("remind me to call the dentist")
    assert (asked["event"], asked["text"][:5]) == ("needs_input", "When?")
    assert chat.memory["draft"]["title"] == "call the dentist"
    confirm = chat.say("tomorrow at 9", "continue")
    assert confirm["text"] == "Add *call the dentist*, due Tue 24 Nov 2026, 09:00?"
    assert chat.titles() == []
    added = chat.say("yes", "affirm")
    assert added["event"] == "done"
    assert added["text"].startswith("Added *call the dentist*, due Tue 24 Nov 2026, 09:00.")
    assert added["data"]["task"]["due"] == {
        "utc": "2026-11-24T08:00+00:00",
        "zone": "Europe/Berlin",
        "all_day": False,
    }


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (
            "add buy milk to my list tomorrow at 5pm",
            "Added *buy milk*, due Tue 24 Nov 2026, 17:00.",
        ),
        (
            "add buy milk tomorrow at 5pm to my to-do list",
            "Added *buy milk*, due Tue 24 Nov 2026, 17:00.",
        ),
        (
            "Please add a task: renew passport by friday",
            "Added *renew passport*, due Fri 27 Nov 2026.",
        ),
        ("put eggs on my shopping list", "Added *eggs*, no date."),
        ("create a task called Fix the roof", "Added *Fix the roof*, no date."),
        ("add *read* [this] to my list", r"Added *\*read\* \[this\]*, no date."),
    ],
)
def test_a_full_request_is_added_at_once(chat: Chat, request_: str, text: str) -> None:
    assert chat.say(request_)["text"] == text


@pytest.mark.parametrize(
    "correction", ["make it 10", "at 10 instead", "no, 10", "yes, but at 10am", "10:00"]
)
def test_a_correction_changes_the_hour_and_keeps_the_day(chat: Chat, correction: str) -> None:
    chat.say("remind me to call the dentist")
    chat.say("tomorrow at 9", "continue")
    assert (
        chat.say(correction, "continue")["text"]
        == "Add *call the dentist*, due Tue 24 Nov 2026, 10:00?"
    )


def test_another_day_keeps_the_hour(chat: Chat) -> None:
    chat.say("remind me to call the dentist")
    chat.say("tomorrow at 9", "continue")
    assert chat.say("no, on friday", "continue")["text"].endswith("due Fri 27 Nov 2026, 09:00?")


def test_a_hesitant_date_is_read(chat: Chat) -> None:
    chat.say("remind me to call the dentist")
    text = chat.say("um, maybe next thursday?", "continue")["text"]
    assert text == "Add *call the dentist*, due Thu 26 Nov 2026?"
    assert chat.say("the date", "continue")["text"].startswith("When?")


def test_another_title_is_confirmed_again(chat: Chat) -> None:
    chat.say("remind me to call the dentist")
    chat.say("tomorrow at 9", "continue")
    changed = chat.say("call it see Dr Weber", "continue")
    assert changed["text"] == "Add *see Dr Weber*, due Tue 24 Nov 2026, 09:00?"


@pytest.mark.parametrize("reply", ["no date", "whenever", "Any time.", "it doesn't matter"])
def test_no_date_adds_without_one(chat: Chat, reply: str) -> None:
    chat.say("remind me to call the dentist")
    assert chat.say(reply, "continue")["text"] == "Added *call the dentist*, no date."


def test_no_asks_what_to_change_and_a_second_no_drops(chat: Chat) -> None:
    chat.say("remind me to call the dentist")
    chat.say("tomorrow at 9", "continue")
    assert chat.say("no", "deny")["text"].startswith("What should I change")
    assert chat.say("no", "deny")["text"] == "Dropped *call the dentist*; nothing was added."
    assert (chat.titles(), chat.memory) == ([], {})


@pytest.mark.parametrize(
    ("reply", "event"), [("cancel", "cancel"), ("never mind", "cancel"), ("never mind", "continue")]
)
def test_cancel_drops_the_draft_and_says_so(chat: Chat, reply: str, event: str) -> None:
    chat.say("remind me to call the dentist")
    assert chat.say(reply, event)["text"] == "Dropped *call the dentist*; nothing was added."
    assert (chat.titles(), chat.memory) == ([], {})


def test_cancel_with_nothing_begun(chat: Chat) -> None:
    assert chat.say("cancel", "cancel")["text"] == "There is nothing to cancel."


def test_a_missing_title_is_asked_for(chat: Chat) -> None:
    assert chat.say("set a reminder for tomorrow at 9")["text"] == "What should I add?"
    assert (
        chat.say("to call mum", "continue")["text"] == "Add *call mum*, due Tue 24 Nov 2026, 09:00?"
    )


def test_a_date_that_has_passed_is_asked_for_again(chat: Chat) -> None:
    asked = chat.say("remind me to pay rent today at 8am")
    assert asked["event"] == "needs_input"
    assert asked["text"].startswith("Mon 23 Nov 2026, 08:00 has passed. When?")


def test_an_impossible_date_is_named(chat: Chat) -> None:
    assert chat.say("add meet Bob on feb 30 to my list")["text"].startswith(
        "I could not read *on feb 30* as a date."
    )


def test_tasks_do_not_repeat_and_the_user_is_told(chat: Chat) -> None:
    asked = chat.say("remind me every tuesday at 9 to water the plants")
    assert asked["text"] == (
        "Tasks on this list do not repeat. Add *water the plants*, due Tue 24 Nov 2026, 09:00?"
    )


@pytest.mark.parametrize("request_", ["undo", "Undo that."])
def test_what_cannot_be_undone_is_said(chat: Chat, request_: str) -> None:
    chat.say("add buy milk to my list")
    said = chat.say(request_, "continue")
    assert said["text"].startswith("I cannot undo; nothing was changed.")


def test_two_tasks_with_a_date_each_are_added_one_by_one(chat: Chat) -> None:
    asked = chat.say("remind me to buy milk tomorrow and call mom on friday")
    assert asked["text"].startswith(
        "That is two tasks. Say the other one after this. Add *buy milk*, due"
    )
    assert chat.say("yes", "affirm")["text"].startswith("Added *buy milk*, due")
    assert chat.say("remind me to buy milk and eggs tomorrow")["text"].startswith(
        "Added *buy milk and eggs*"
    )


def test_a_title_that_is_too_long_is_asked_for_again(chat: Chat) -> None:
    asked = chat.say(f"add {'x' * (MAX_TITLE + 1)} to my list")
    assert (asked["event"], chat.titles()) == ("needs_input", [])
    assert "501 characters" in asked["text"]
    assert "at most 500" in asked["text"]
    assert chat.say("y" * MAX_TITLE, "continue")["event"] == "done"


def test_control_and_direction_characters_are_stripped(chat: Chat) -> None:
    chat.say("add buy\x00 mi\x1blk\u202e\nnow\u2066 to my list")
    assert chat.titles() == ["buy milk now"]


def test_a_question_in_between_is_left_to_others_and_the_draft_stays(chat: Chat) -> None:
    chat.say("remind me to call the dentist")
    assert chat.say("what is the capital of France?", "continue")["event"] == "declined"
    assert chat.say("tomorrow at 9", "continue")["text"].startswith("Add *call the dentist*")


def test_listing_in_between_keeps_the_draft(chat: Chat) -> None:
    chat.say("remind me to call the dentist")
    assert (
        "The task *call the dentist* is not added yet."
        in chat.say("show my tasks", "continue")["text"]
    )
    assert chat.say("no date", "continue")["event"] == "done"


def test_another_task_in_between_drops_the_draft_and_says_so(chat: Chat) -> None:
    chat.say("remind me to call the dentist")
    text = chat.say("add eggs to my list", "continue")["text"]
    assert text == "Added *eggs*, no date. The unfinished task *call the dentist* was dropped."


def test_saving_a_draft_twice_adds_it_once(tmp_path: Path) -> None:
    graph = AGENT.copy(update={"checkpointer": InMemorySaver()})
    context = AgentContext(home=tmp_path, now=NOW)
    turn: Any = {"request": "add eggs to my list", "event": "start", "history": [], "memory": {}}
    graph.invoke(turn, THREAD, context=context)
    before = next(s for s in graph.get_state_history(THREAD) if s.next == ("save",))
    again = graph.invoke(None, before.config, context=context)  # the crash came after the commit
    assert again["outcome"]["text"] == "Added *eggs*, no date."
    assert Chat(tmp_path).titles() == ["eggs"]


# -- showing --------------------------------------------------------------------------------


@pytest.fixture
def full(chat: Chat) -> Chat:
    dates = {
        "pay rent": "yesterday",
        "call the dentist": "today at 5pm",
        "buy milk": "tomorrow",
        "renew passport": "friday at noon",
        "plan holidays": "3 december",
        "read a book": "",
    }
    with open_store(chat.home, user=chat.user) as store:
        for title, words in dates.items():
            store.add(title, due=read_due(words, now=NOW), draft=title, now=NOW)
    return chat


EVERYTHING = [
    "pay rent", "call the dentist", "buy milk", "renew passport", "plan holidays", "read a book"
]  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "titles"),
    [
        ("what do I have to do today?", ["pay rent", "call the dentist"]),
        ("what's overdue?", ["pay rent"]),
        ("what's due this week", ["pay rent", "call the dentist", "buy milk", "renew passport"]),
        ("show my tasks for tomorrow", ["buy milk"]),
        ("what do I have to do on friday?", ["renew passport"]),
        ("which tasks are due next week?", []),
        ("show completed tasks", []),
        *(
            (request_, EVERYTHING)
            for request_ in ("What's on my list?", "show me everything on my list")
        ),
    ],
)
def test_a_listing_shows_its_scope(full: Chat, request_: str, titles: list[str]) -> None:
    outcome = full.say(request_)
    assert [task["title"] for task in outcome["data"]["tasks"]] == titles
    assert all(title in outcome["text"] for title in titles)


def test_a_listing_groups_by_day(full: Chat) -> None:
    text = full.say("my tasks")["text"]
    headings = [line for line in text.splitlines() if line and not line.startswith(("-", "*"))]
    assert headings == ["Overdue", "Today", "Tomorrow", "This week", "Later", "No date"]
    assert "- **2** call the dentist, due Mon 23 Nov 2026, 17:00" in text


def test_a_day_that_passes_makes_a_task_overdue(full: Chat) -> None:
    full.now = NOW + timedelta(days=2)
    assert [t["title"] for t in full.say("what is overdue")["data"]["tasks"]] == [
        "pay rent",
        "call the dentist",
        "buy milk",
    ]


def test_the_due_date_is_shown_in_the_zone_of_the_reader(full: Chat) -> None:
    full.now = NOW.astimezone(ZoneInfo("America/New_York"))
    assert "call the dentist, due Mon 23 Nov 2026, 11:00" in full.say("my tasks")["text"]


def test_a_question_about_one_task(full: Chat) -> None:
    assert (
        "*buy milk* is open, due Tue 24 Nov 2026" in full.say("did I finish the milk task?")["text"]
    )
    full.say("mark 3 as done")
    assert full.say("did I finish the milk task?")["text"] == "Yes: **3** *buy milk* is done."


# -- changing -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        "3 done",
        "#3 completed",
        "complete the milk task",
        "I'm done with the milk",
        "mark 3 as done",
        "cross milk off my list",
        "buy milk is done",
    ],
)
def test_a_task_is_completed_and_reopened(full: Chat, request_: str) -> None:
    assert full.say(request_)["text"] == "Done: *buy milk*."
    assert full.say("reopen task 3")["text"] == "Open again: *buy milk*."


def test_two_matches_are_asked_about(full: Chat) -> None:
    with_tasks(full, "add pay the dentist to my list")
    asked = full.say("complete the dentist task")
    assert asked["event"] == "needs_input"
    assert "- **2** call the dentist" in asked["text"]
    assert "- **7** pay the dentist" in asked["text"]
    assert full.say("the second", "continue")["text"] == "Done: *pay the dentist*."


def test_a_task_is_moved_and_renamed(full: Chat) -> None:
    moved = full.say("move the dentist task to friday")["text"]
    assert moved == "Moved *call the dentist*, due Fri 27 Nov 2026, 17:00."
    assert full.say("make it 10", "stay")["text"].endswith("due Fri 27 Nov 2026, 10:00.")
    assert (
        full.say("remove the due date from task 2")["text"] == "Moved *call the dentist*, no date."
    )
    assert (
        full.say("rename task 2 to ring Dr Weber")["text"]
        == "Renamed *call the dentist* to *ring Dr Weber*."
    )


def test_a_move_without_a_date_asks_for_it(full: Chat) -> None:
    assert full.say("reschedule task 2")["text"].startswith(
        "To when should I move *call the dentist*?"
    )
    assert full.say("friday at noon", "continue")["text"].endswith("due Fri 27 Nov 2026, 12:00.")


@pytest.mark.parametrize(
    ("request_", "due"),
    [
        ("postpone the dentist task by 2 days", "Wed 25 Nov 2026, 17:00"),
        ("snooze task 2 for an hour", "Mon 23 Nov 2026, 18:00"),
        ("delay task 3 by a week", "Tue 1 Dec 2026"),
    ],
)
def test_a_task_is_put_off_by_a_span(full: Chat, request_: str, due: str) -> None:
    assert full.say(request_)["text"].endswith(f", due {due}.")


def test_a_number_that_names_no_task_is_said(full: Chat) -> None:
    assert (
        full.say("mark 3 and 99 as done")["text"] == "Done: *buy milk*. There is no such task 99."
    )
    assert (
        full.say("complete task 98")["text"]
        == "No task on your list matches *task 98*; nothing was changed."
    )


# -- deleting -------------------------------------------------------------------------------


def test_deleting_everything_waits_for_a_yes(full: Chat) -> None:
    assert full.say("delete all my tasks")["event"] == "pending"
    assert full.question == {
        "kind": "approval",
        "question": "Delete all 6 tasks?",
        "details": [
            "pay rent",
            "call the dentist",
            "buy milk",
            "renew passport",
            "plan holidays",
            "read a book",
        ],
        "agent": "tasks",
    }
    assert len(full.titles()) == 6
    assert full.say("yes")["text"].startswith("Deleted 6 tasks: *pay rent*, ")
    assert full.titles() == []


@pytest.mark.parametrize(
    "request_", ["delete task 3", "delete the milk task", "remove milk from my list"]
)
def test_one_task_is_deleted_after_a_yes(full: Chat, request_: str) -> None:
    full.say(request_)
    assert full.question["question"] == "Delete *buy milk*?"
    assert full.say("go ahead")["text"] == "Deleted *buy milk*."
    assert "buy milk" not in full.titles()


def test_no_deletes_nothing(full: Chat) -> None:
    full.say("clear my list")
    assert full.say("no")["text"] == "Nothing was deleted."
    assert len(full.titles()) == 6


def test_another_subject_deletes_nothing_and_is_declined(full: Chat) -> None:
    full.say("clear my list")
    outcome = full.say("what's the weather in Bern?")
    assert (outcome["event"], outcome["reason"]) == ("declined", NO_ANSWER)
    assert len(full.titles()) == 6


@pytest.mark.parametrize("reply", ["maybe", "hm, later"])
def test_who_hesitates_at_an_approval_hears_that_nothing_was_deleted(
    full: Chat, reply: str
) -> None:
    full.say("delete buy milk")
    said = full.say(reply)
    assert said["text"] == "Nothing was deleted: that was neither a yes nor a no."


def test_another_subject_at_an_approval_closes_what_led_to_it(full: Chat) -> None:
    with_tasks(full, "add pay the dentist to my list")
    full.say("delete the dentist task")
    full.say("the second", "continue")
    assert full.say("what's the weather in Bern?")["reason"] == NO_ANSWER
    assert full.memory == {}


def test_a_task_added_while_the_question_stood_survives(full: Chat) -> None:
    full.say("delete all my tasks")
    with_tasks(Chat(full.home, now=NOW), "add a late one to my list")
    full.say("yes")
    assert full.titles() == ["a late one"]


def test_only_done_tasks_are_cleared(full: Chat) -> None:
    full.say("mark 1 and 3 as done")
    full.say("clear completed tasks")
    assert full.question["details"] == ["pay rent", "buy milk"]
    full.say("yes")
    assert len(full.titles()) == 4


def _as_node(agent: Any) -> Any:
    return agent


def _called(agent: Any) -> Any:
    def call(state: AgentState) -> AgentState:
        result: AgentState = agent.invoke(state)
        return AgentState(outcome=result["outcome"], memory=result["memory"])

    return call


@pytest.mark.parametrize("held", [_as_node, _called], ids=["as a node", "called in a node"])
@pytest.mark.parametrize(
    ("answer", "left"), [("no", 6), ("yes", 0), ("maybe later we can talk", 6)]
)
def test_approval_works_inside_a_parent(
    full: Chat, held: Callable[[Any], Any], answer: str, left: int
) -> None:
    parent = StateGraph(AgentState, context_schema=AgentContext)
    parent.add_node("tasks", held(AGENT))
    parent.add_edge(START, "tasks")
    parent.add_edge("tasks", END)
    graph = parent.compile(checkpointer=InMemorySaver())
    turn: Any = {"request": "delete all my tasks", "event": "start", "history": [], "memory": {}}
    paused = graph.invoke(turn, THREAD, context=full.context)
    assert paused["__interrupt__"][0].value["question"] == "Delete all 6 tasks?"
    result = graph.invoke(Command(resume=answer), THREAD, context=full.context)
    assert result["outcome"]["event"] == ("declined" if "maybe" in answer else "done")
    assert len(full.titles()) == left


# -- what is left to others -----------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        "write a haiku about rain",
        "who was Einstein?",
        "how do I delete a git branch?",
        "what time is it in Tokyo?",
        "delete all my files",
        "delete the file",
        "remind me what a monad is",
        "remind me of the capital of France",
        "make a to-do list app in python",
        "create a task in Celery that retries",
        "what do I need to do to get a visa?",
        "cancel my flight tomorrow",
        "complete the sentence: the milk is",
        "I need to finish the report",
        "rename the file to foo.txt",
        "push to main",
        "move the sofa to friday",
        "drop the last column",
        "make me a list of european capitals",
        "add 2 and 3",
        "add 5 to the list",
        "yes",
        "",
        "x" * (MAX_REQUEST + 1),
    ],
)
def test_other_requests_are_declined(full: Chat, request_: str) -> None:
    before = full.titles()
    outcome = full.say(request_)
    assert (outcome["event"], outcome["text"]) == ("declined", "")
    assert "\n" not in outcome["reason"]
    assert full.titles() == before


def test_unsure_words_need_a_task_of_that_very_name(chat: Chat) -> None:
    with_tasks(chat, "add sort my files to my list")
    assert chat.say("delete all my files")["event"] == "declined"
    assert chat.say("delete sort my files")["event"] == "pending"


def test_a_stay_may_say_less(chat: Chat) -> None:
    with_tasks(chat, "add eggs to my list")
    assert chat.say("add flour too please")["event"] == "declined"
    assert chat.say("add flour tomorrow", "stay")["text"] == "Added *flour*, due Tue 24 Nov 2026."


async def test_it_runs_asynchronously(tmp_path: Path) -> None:
    turn: Any = {"request": "add eggs to my list", "event": "start", "history": [], "memory": {}}
    result = await build({}).ainvoke(turn, context=AgentContext(home=tmp_path, now=NOW))
    assert result["outcome"]["text"] == "Added *eggs*, no date."


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"colour": 1}, ["'colour'", "'date_order'"]),
        ({"date_order": "DYM"}, ["'DYM'", "MDY, DMY, YMD"]),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(CatalogError) as error:
        build(options)
    assert all(word in str(error.value) for word in words)


def test_the_date_order_is_the_operators(tmp_path: Path) -> None:
    chat = Chat(tmp_path, options={"date_order": "DMY"})
    assert chat.say("add tax return to my list on 11/12/2026")["text"].endswith(
        "due Fri 11 Dec 2026."
    )


# -- the file -------------------------------------------------------------------------------


def test_a_damaged_file_is_reported_and_left_as_it_is(chat: Chat) -> None:
    path = chat.home / FILE_NAME
    path.write_bytes(b"this is not a database, but it is somebody's data" * 100)
    before = path.read_bytes()
    for request in ("my tasks", "add eggs to my list", "delete task 1"):
        outcome = chat.say(request)
        assert outcome["event"] == "failed"
        assert outcome["reason"].startswith("the task list tasks.db cannot be read")
        assert str(chat.home) not in outcome["reason"]
    assert path.read_bytes() == before


def test_a_failure_keeps_the_draft_for_another_try(chat: Chat) -> None:
    chat.say("remind me to call the dentist")
    (chat.home / FILE_NAME).write_bytes(b"x" * 4096)
    assert chat.say("no date", "continue")["event"] == "failed"
    (chat.home / FILE_NAME).unlink()
    assert chat.say("no date", "continue")["text"] == "Added *call the dentist*, no date."


def test_a_newer_schema_is_refused(chat: Chat) -> None:
    with_tasks(chat, "add eggs to my list")
    with sqlite3.connect(chat.home / FILE_NAME) as db:
        db.execute("PRAGMA user_version = 7")
    db.close()
    assert "schema version 7 and this program reads 1" in chat.say("my tasks")["reason"]


def test_a_busy_file_is_reported(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    with_tasks(chat, "add eggs to my list")
    monkeypatch.setattr("agents.tasks.store.BUSY_SECONDS", 0.05)
    db = sqlite3.connect(chat.home / FILE_NAME, isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    outcome = chat.say("add flour to my list")
    db.close()
    assert (outcome["event"], "is busy" in outcome["reason"]) == ("failed", True)


def test_a_full_list_is_reported(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.tasks.store.MAX_TASKS", 2)
    with_tasks(chat, "add a to my list", "add b to my list")
    outcome = chat.say("add c to my list")
    assert (outcome["event"], chat.titles()) == ("failed", ["a", "b"])
    assert "your list holds 2 tasks and 2 are the most" in outcome["reason"]


def test_sql_in_a_title_is_a_title(chat: Chat) -> None:
    title = "x'); DROP TABLE tasks; --"
    chat.say(f"add {title} to my list")
    assert chat.titles() == [title]


def test_many_threads_add_at_once(tmp_path: Path) -> None:
    def add(index: int) -> int:
        with open_store(tmp_path, user="u") as store:
            return store.add(f"task {index}", due=None, draft=str(index), now=NOW).number

    with ThreadPoolExecutor(12) as pool:
        assert sorted(pool.map(add, range(12))) == list(range(1, 13))


@pytest.mark.parametrize("again", ["retried", "resumed"])
def test_a_run_repeated_after_a_crash_adds_its_task_once(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    """The crash comes when the task is stored and nobody has heard of it yet."""
    crashes = iter([True])

    def fake_due_words(due: Due | None, *, now: datetime) -> str:
        if next(crashes, False):
            raise RuntimeError("crash")
        return ""

    monkeypatch.setattr("agents.tasks.drafting.due_words", fake_due_words)
    policy = RetryPolicy(initial_interval=0.001, jitter=False, retry_on=RuntimeError)
    parent = StateGraph(AgentState, context_schema=AgentContext)
    parent.add_node("tasks", AGENT, retry_policy=policy if again == "retried" else None)
    parent.add_edge(START, "tasks")
    parent.add_edge("tasks", END)
    graph = parent.compile(checkpointer=InMemorySaver())

    def say(request: str) -> Any:
        turn: AgentState = {"request": request, "event": "start", "memory": {}}
        try:
            return graph.invoke(turn, THREAD, context=chat.context)
        except RuntimeError:
            return graph.invoke(None, THREAD, context=chat.context)

    assert say("add milk to my list")["outcome"]["text"] == "Added *milk*."
    assert next(crashes, None) is None
    assert chat.titles() == ["milk"]
    say("add milk to my list")
    assert chat.titles() == ["milk", "milk"]  # another turn is another wish


def test_a_long_list_has_outcomes_of_bounded_size(chat: Chat) -> None:
    with open_store(chat.home, user=chat.user) as store:
        for number in range(400):
            store.add(f"task {number} {'word ' * 20}", due=None, draft=str(number), now=NOW)
    assert "And 350 more." in chat.say("show my tasks")["text"]
    assert len(chat.say("show my tasks")["data"]["tasks"]) == 50
    chat.say("complete all my tasks")
    chat.say("delete all my tasks")
    assert "and 390 more" in chat.say("yes")["text"]


def test_a_failed_write_changes_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path, user="u") as store:
        task = store.add("a", due=None, draft="1", now=NOW)
    with pytest.raises(TaskStoreError), open_store(tmp_path, user="u") as store:
        store.rename([task.id], None)  # type: ignore[arg-type]
    with open_store(tmp_path, user="u") as store:
        assert [t.title for t in store.tasks()] == ["a"]


# -- words ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("tomorrow at 9", "Tue 24 Nov 2026, 09:00"),
        ("9", "Mon 23 Nov 2026, 21:00"),
        ("at 5", "Mon 23 Nov 2026, 17:00"),
        ("in 2 hours", "Mon 23 Nov 2026, 16:15"),
        ("two weeks from today", "Mon 7 Dec 2026"),
        ("next friday", "Fri 27 Nov 2026"),
        ("this weekend", "Sat 28 Nov 2026"),
        ("the end of the month", "Mon 30 Nov 2026"),
        ("end of next month", "Thu 31 Dec 2026"),
        ("by the end of next week", "Fri 4 Dec 2026"),
        ("the end of the year", "Thu 31 Dec 2026"),
        ("eoy", "Thu 31 Dec 2026"),
        ("by the end of february", "Sun 28 Feb 2027"),
        ("end of nov.", "Mon 30 Nov 2026"),
        ("the 5th", "Sat 5 Dec 2026"),
        ("nov 23", "Mon 23 Nov 2026"),
        ("tonight at 8", "Mon 23 Nov 2026, 20:00"),
        ("monday morning at 7", "Mon 30 Nov 2026, 07:00"),
        ("quarter to eight", "Mon 23 Nov 2026, 19:45"),
        ("12am", "Tue 24 Nov 2026, 00:00"),
        ("2026-12-01 14:00", "Tue 1 Dec 2026, 14:00"),
        ("Tue 24 Nov 2026, 09:00", "Tue 24 Nov 2026, 09:00"),
    ],
)
def test_dates_in_words(phrase: str, words: str) -> None:
    due = read_due(phrase, now=NOW, reply=True)
    assert due is not None
    assert due.in_words(NOW) == words


@pytest.mark.parametrize(
    "phrase", ["feb 30", "at 25", "in 9999 years", "99/99", "may", "blah", "", "friday monday"]
)
def test_no_dates(phrase: str) -> None:
    assert read_due(phrase, now=NOW, reply=True) is None


def test_an_hour_that_the_clock_change_leaves_out_becomes_one_that_exists() -> None:
    spring = datetime(2027, 3, 27, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    due = read_due("tomorrow at 02:30", now=spring)
    assert due is not None
    assert due.in_words(spring) == "Sun 28 Mar 2027, 03:30"


@pytest.mark.parametrize(
    ("night", "due"),
    [("2027-03-28T01:30", "04:30"), ("2026-10-25T01:30", "02:30")],
)
def test_hours_from_now_are_hours_that_pass(night: str, due: str) -> None:
    now = datetime.fromisoformat(night).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    found = read_due("in 2 hours", now=now)
    assert found is not None
    assert found.moment - now.astimezone(UTC) == timedelta(hours=2)
    assert f"{found.moment.astimezone(now.tzinfo):%H:%M}" == due


def test_a_day_is_due_until_it_ends() -> None:
    due = Due(moment=datetime(2026, 11, 23, tzinfo=NOW.tzinfo), all_day=True)
    assert not due.is_past(NOW.replace(hour=23, minute=59))
    assert due.is_past(NOW.replace(hour=0) + timedelta(days=1))


def test_a_fixed_offset_survives_storing() -> None:
    moment = datetime.fromisoformat("2026-11-24T09:00-03:30")
    due = Due(moment=moment, all_day=True)
    assert due.to_json()["zone"] == "UTC-03:30"
    assert Due.from_json(due.to_json()) == due
    assert Due(moment=moment.astimezone(UTC), all_day=False).to_json()["zone"] == "UTC"


@pytest.mark.parametrize(
    "text",
    [
        "call bob at 555-1234",
        "read chapter 5",
        "finish pages 10-12",
        "go to Monday's meeting",
        "buy sun cream",
        "meet May",
    ],
)
def test_numbers_and_names_are_no_dates(text: str) -> None:
    assert split_when(text) == (text, "")


def test_and_to_adds_one_task_more_while_the_list_is_talked_about() -> None:
    command = read_command("and to buy flowers tomorrow", engaged=True)
    assert command is not None
    assert (command.verb, command.value) == (Verb.ADD, "buy flowers tomorrow")
    assert read_command("and to buy flowers tomorrow") is None
    assert read_command("to buy or not to buy", engaged=True) is None
    assert read_command("and to be honest I like it", engaged=True) is None


def test_everything_is_every_task_while_the_list_is_talked_about() -> None:
    command = read_command("delete everything", engaged=True)
    assert command is not None
    assert (command.verb, command.target) == (Verb.DELETE, "*")
    alone = read_command("delete everything")
    assert alone is None or alone.target != "*"


def test_the_bare_list_is_shown() -> None:
    command = read_command("list")
    assert command is not None
    assert command.verb == Verb.LIST


def test_long_texts_are_read_in_bounded_time() -> None:
    started = time.monotonic()
    for piece in ("a ", "to my list ", "at 5 ", "1 and ", "all my tasks "):
        read_command(clean(piece * MAX_REQUEST)[:MAX_REQUEST], engaged=True)
    assert time.monotonic() - started < 60
