"""What must hold for any text, any date and any users of the task list."""

import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.contract import AgentContext, OutcomeEvent
from agents.tasks import build
from agents.tasks.dates import HORIZON, Due, read_due
from agents.tasks.language import clean, read_command
from agents.tasks.matching import find_tasks
from agents.tasks.phrases import split_when
from agents.tasks.store import open_store

NOW = datetime(2026, 11, 23, 14, 15, tzinfo=UTC)
AGENT = build({})
VOCABULARY = (
    "remind me to add my list task tasks delete all the done mark as complete move rename show what is due"
    " tomorrow friday at 9 5pm on by in 2 days 12 may 31 next every no yes it to: milk * ' -- \x00 \U0001f95b"
).split(" ")
sentences = st.lists(st.sampled_from(VOCABULARY), max_size=14).map(" ".join)
many = settings(max_examples=80, deadline=None)


@many
@given(text=sentences | st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    read_command(cleaned, engaged=True)
    rest, phrase = split_when(cleaned)
    assert len(rest) + len(phrase) <= len(cleaned)
    due = read_due(phrase or cleaned, now=NOW, reply=True)
    assert due is None or abs(due.moment - NOW) < HORIZON


@settings(max_examples=40, deadline=None)
@given(
    text=sentences, event=st.sampled_from(["start", "continue", "stay", "affirm", "deny", "cancel"])
)
def test_any_turn_ends_in_an_outcome_and_deletes_nothing_unasked(text: str, event: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        context = AgentContext(home=Path(name), now=NOW)
        with open_store(context.home, user=context.user) as store:
            kept = store.add("buy milk", due=None, draft="d", now=NOW)
        turn: Any = {"request": text, "event": event, "history": [], "memory": {"last": kept.id}}
        result: Any = AGENT.invoke(turn, context=context)
        assert "__interrupt__" in result or result["outcome"]["event"] in list(OutcomeEvent)
        with open_store(context.home, user=context.user) as store:
            assert kept.id in [task.id for task in store.tasks()]


users = st.text(min_size=1, max_size=12)
steps = st.lists(
    st.tuples(
        users, st.sampled_from(["add", "done", "rename", "due", "delete"]), st.integers(1, 6)
    ),
    max_size=20,
)


@many
@given(first=users, second=users, steps=steps)
def test_no_user_sees_or_changes_anothers_tasks(
    first: str, second: str, steps: list[tuple[str, str, int]]
) -> None:
    if first == second:
        second += "'"
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        with open_store(home, user=first) as store:
            mine = [store.add(f"mine {i}", due=None, draft=str(i), now=NOW) for i in range(3)]
        for other, action, number in [*((second, a, n) for _, a, n in steps), *steps]:
            if other == first:
                continue
            with open_store(home, user=other) as store:
                _act(store, action, number)
                assert not any(task.title.startswith("mine") for task in store.tasks())
        with open_store(home, user=first) as store:
            assert store.tasks() == mine


def _act(store: Any, action: str, number: int) -> None:
    ids = list(range(1, number + 1))  # the first user's ids are among them
    due = Due(moment=NOW, all_day=False)
    if action == "add":
        store.add("theirs", due=due, draft=str(number), now=NOW)
    elif action == "done":
        store.set_done(ids, at=NOW)
    elif action == "rename":
        store.rename(ids, "taken")
    elif action == "due":
        store.set_due(ids, due)
    else:
        store.delete(ids)


@many
@given(
    moment=st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)),
    offset=st.integers(-14 * 60, 14 * 60),
    all_day=st.booleans(),
)
def test_a_due_date_survives_storing(moment: datetime, offset: int, all_day: bool) -> None:
    zone = timezone(timedelta(minutes=offset))
    due = Due(moment=moment.replace(second=0, microsecond=0, tzinfo=zone), all_day=all_day)
    again = Due.from_json(due.to_json())
    assert (again, again.in_words(due.moment)) == (due, due.in_words(due.moment))


@many
@given(
    titles=st.lists(st.text(min_size=1, max_size=40).map(clean).filter(bool), max_size=6),
    drafts=st.data(),
)
def test_a_draft_counts_once_and_a_title_finds_its_task(
    titles: list[str], drafts: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name, open_store(Path(name), user="u") as store:
        for index, title in enumerate(titles):
            for _ in range(drafts.draw(st.integers(1, 3))):
                store.add(title, due=None, draft=str(index), now=NOW)
        tasks = store.tasks()
        assert [task.title for task in tasks] == titles
        assert [task.number for task in tasks] == list(range(1, len(titles) + 1))
        for task in tasks:
            assert task in find_tasks(f"task {task.number}", tasks)
