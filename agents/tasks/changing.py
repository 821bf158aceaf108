"""The nodes that change tasks: `reschedule`, `change`, `approve`, `delete`.

Nothing is deleted before the user has said yes, and then exactly the tasks that were shown.
"""

import re
from typing import Any

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from agents.contract import AgentContext, declined, done, needs_input
from agents.replies import approved, read_reply
from agents.tasks.command import Verb
from agents.tasks.corrections import correction, says_no_date, seems_elsewhere, spoken_date
from agents.tasks.dates import DateOrder, Due, read_due
from agents.tasks.drafting import MAX_TITLE, WHEN
from agents.tasks.language import clean, read_command
from agents.tasks.phrases import SPAN
from agents.tasks.state import TasksState, ending, stores
from agents.tasks.store import Task, TaskStore, open_store
from agents.tasks.wording import counted, due_words, named, quoted, values

MAX_DETAILS = 100
_HESITATION = 3
"""Words; a longer answer may be a request of another kind."""
NO_ANSWER = "that is not a yes or a no, so nothing was deleted"


@stores
def reschedule(
    state: TasksState, runtime: Runtime[AgentContext], *, order: DateOrder
) -> TasksState:
    """Settle the new date of the tasks found; ask for it if it is missing or has passed."""
    memory, now, text = state.get("memory") or {}, runtime.context.now, clean(state["request"])
    asked = memory.get("awaiting") == "new_date" and not state.get("ids")
    ids = memory["ids"] if asked else state["ids"]
    phrase = text if asked else state["command"]["value"]
    if asked and read_reply(text) in ("cancel", "deny", "close"):
        return TasksState(step="drop")
    with open_store(runtime.context.home, user=runtime.context.user) as store:
        tasks = store.with_ids(ids)
    if says_no_date(phrase):
        return TasksState(ids=ids, due=None, command={"verb": Verb.RESCHEDULE.value}, step="change")
    keep = tasks[0].due if len(tasks) == 1 else None
    later = re.fullmatch(rf"by ({SPAN})", phrase, re.IGNORECASE)
    if later:
        due = read_due(f"in {later[1]}", now=keep.moment if keep else now, keep=keep)
    elif asked:
        due = spoken_date(phrase, now=now, order=order, keep=keep)
    else:
        due = read_due(correction(phrase), now=now, order=order, keep=keep, reply=True)
    if due and not due.is_past(now):
        command = {"verb": Verb.RESCHEDULE.value}
        return TasksState(ids=ids, due=due.to_json(), command=command, step="change")
    if asked and due is None:
        other = read_command(text)
        if other is not None and other.sure:
            return TasksState(step="understand")
        if seems_elsewhere(text):
            return ending(declined("that is no new date for the task"))
    passed = f"{due.in_words(now)} has passed. " if due else ""
    question = f"{passed}To when should I move {named(tasks)}? {WHEN.removeprefix('When? ')}"
    return ending(needs_input(question, memory={"awaiting": "new_date", "ids": ids}))


@stores
def change(state: TasksState, runtime: Runtime[AgentContext]) -> TasksState:
    """Complete, reopen, rename or reschedule the tasks found; doing it twice changes nothing more."""
    context, command, ids = runtime.context, state["command"], state["ids"]
    verb = Verb(command["verb"])
    if verb is Verb.RENAME and len(command["value"]) > MAX_TITLE:
        length = len(command["value"])
        return ending(
            done(
                f"A task has at most {MAX_TITLE} characters and that is {length:,}; nothing was changed."
            )
        )
    with open_store(context.home, user=context.user) as store:
        before = store.with_ids(ids)
        _apply(store, verb, state, runtime.context)
        after = store.with_ids(ids)
    if not after:
        return ending(done("That task is no longer on your list; nothing was changed."))
    memory = {"last": after[0].id} if len(after) == 1 else {}
    text = _changed(verb, before, after, runtime.context)
    return ending(done(text, data={"tasks": values(after)}, memory=memory))


@stores
def approve(state: TasksState, runtime: Runtime[AgentContext]) -> TasksState:
    """Ask for a yes before anything is deleted. It runs again from its start when the answer comes."""
    with open_store(runtime.context.home, user=runtime.context.user) as store:
        everything = store.tasks()
    ids = set(state["ids"])
    tasks = sorted((task for task in everything if task.id in ids), key=lambda task: task.number)
    answer = interrupt(
        {
            "kind": "approval",
            "question": _question(tasks, of=len(everything)),
            "details": _details(tasks),
            "agent": "tasks",
        }
    )
    verdict = approved(answer)
    if verdict is None and _only_hesitates(answer):
        return ending(done("Nothing was deleted: that was neither a yes nor a no."))
    if verdict is None:
        return ending({**declined(NO_ANSWER), "memory": {}})
    return TasksState(step="delete") if verdict else ending(done("Nothing was deleted."))


def _only_hesitates(answer: Any) -> bool:
    """Whether an answer is a word or three and asks nothing: "maybe", which nobody else would know what to do with."""
    return isinstance(answer, str) and "?" not in answer and len(answer.split()) <= _HESITATION


@stores
def delete(state: TasksState, runtime: Runtime[AgentContext]) -> TasksState:
    """Delete exactly the tasks that were shown and say which."""
    with open_store(runtime.context.home, user=runtime.context.user) as store:
        gone = store.delete(state["ids"])
    if not gone:
        return ending(done("Those tasks are no longer on your list."))
    gone = sorted(gone, key=lambda task: task.number)
    count = f"{counted(len(gone))}: " if len(gone) > 1 else ""
    return ending(done(f"Deleted {count}{named(gone)}.", data={"deleted": values(gone)}))


def _apply(store: TaskStore, verb: Verb, state: TasksState, context: AgentContext) -> None:
    ids = state["ids"]
    if verb is Verb.COMPLETE:
        store.set_done(ids, at=context.now)
    elif verb is Verb.REOPEN:
        store.set_done(ids, at=None)
    elif verb is Verb.RENAME:
        store.rename(ids, state["command"]["value"])
    else:
        due = state.get("due")
        store.set_due(ids, Due.from_json(due) if due else None)


def _changed(verb: Verb, before: list[Task], after: list[Task], context: AgentContext) -> str:
    if verb is Verb.COMPLETE:
        return f"Done: {named(after)}."
    if verb is Verb.REOPEN:
        return f"Open again: {named(after)}."
    if verb is Verb.RENAME:
        return f"Renamed {named(before)} to {quoted(after[0].title)}."
    return f"Moved {named(after)}{due_words(after[0].due, now=context.now)}."


def _question(tasks: list[Task], *, of: int) -> str:
    if len(tasks) == 1:
        return f"Delete {quoted(tasks[0].title)}?"
    return f"Delete {'all ' if len(tasks) == of else ''}{counted(len(tasks))}?"


def _details(tasks: list[Task]) -> list[str]:
    titles = [task.title for task in tasks[:MAX_DETAILS]]
    return (
        [*titles, f"and {len(tasks) - MAX_DETAILS:,} more"] if len(tasks) > MAX_DETAILS else titles
    )
