"""The nodes that write a new task with the user: `draft`, `revise`, `save` and `drop`.

A draft gets a key that is the same when the run is repeated, so that saving it twice adds it once.
"""

import re
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid4, uuid5

from langgraph.runtime import Runtime

from agents.contract import AgentContext, declined, done, needs_input
from agents.replies import Reply, read_reply
from agents.tasks.corrections import new_title, says_no_date, seems_elsewhere, spoken_date
from agents.tasks.dates import DateOrder, Due, read_due
from agents.tasks.language import clean, read_command
from agents.tasks.phrases import split_when
from agents.tasks.state import TasksState, ending, stores
from agents.tasks.store import open_store
from agents.tasks.wording import due_words, quoted

MAX_TITLE = 500
WHEN = "When? Say a date such as *tomorrow at 9*, or *no date*."


def draft(state: TasksState, runtime: Runtime[AgentContext], *, order: DateOrder) -> TasksState:
    """Write the draft of a new task from one sentence; ask for what is missing."""
    command, now = state["command"], runtime.context.now
    title, phrase = split_when(command["value"])
    first = _first_of_two(title) if phrase else ""
    if first:
        title, phrase = split_when(first)
    due = read_due(phrase, now=now, order=order) if phrase else None
    written = {
        "key": _key(command["value"], runtime),
        "title": title.strip("\"' "),
        "due": due.to_json() if due else None,
        "remind": command["remind"],
    }
    if phrase and due is None and title:
        return _ask("when", written, f"I could not read *{phrase}* as a date. {WHEN}")
    if first:
        one = f"That is two tasks. Say the other one after this. {_confirmation(written, now=now)}"
        return _ask("confirm", written, one)
    if command["repeats"] and title:
        once = f"Tasks on this list do not repeat. {_confirmation(written, now=now)}"
        return _ask("confirm", written, once) if due else _ask("when", written, f"{once} {WHEN}")
    return _next(written, now=now, confirm=False)


def _first_of_two(title: str) -> str:
    """Return the first of two tasks that have a date each, without the last one's date; nothing if it is one task."""
    first, both, _ = title.partition(" and ")
    return first if both and split_when(first)[1] else ""


def revise(state: TasksState, runtime: Runtime[AgentContext], *, order: DateOrder) -> TasksState:
    """Change the draft by a reply: a date, another title, yes, no, or something else altogether."""
    memory, now = state["memory"], runtime.context.now
    written, awaiting = dict(memory["draft"]), memory["awaiting"]
    text = clean(state["request"])
    reply = read_reply(text)
    if reply == "cancel":
        return TasksState(step="drop")
    if awaiting == "title":
        return _titled(state, text, reply, now=now, order=order)
    keep = Due.from_json(written["due"]) if written["due"] else None
    if says_no_date(text):
        return TasksState(draft={**written, "due": None}, step="save")
    due = spoken_date(text, now=now, order=order, keep=keep)
    if due:
        return _next({**written, "due": due.to_json()}, now=now, confirm=True)
    settled = _answered(written, awaiting, reply, text, now=now)
    if settled:
        return settled
    if awaiting in ("confirm", "change") and (title := new_title(text)):
        return _next({**written, "title": title}, now=now, confirm=True)
    command = read_command(text)
    if command is not None and command.sure:
        return TasksState(step="understand")
    if seems_elsewhere(text):
        return ending(declined("that is no answer about the task being added"))
    return _ask_again(written, awaiting, text, now=now)


@stores
def save(state: TasksState, runtime: Runtime[AgentContext]) -> TasksState:
    """Store the draft; a repeated run finds it stored and says the same."""
    written, context = state["draft"], runtime.context
    due = Due.from_json(written["due"]) if written["due"] else None
    with open_store(context.home, user=context.user) as store:
        task = store.add(written["title"], due=due, draft=written["key"], now=context.now)
    text = f"Added {quoted(task.title)}{due_words(task.due, now=context.now)}."
    if written["remind"] and due:
        text += " It is on your list; I ring no alarm."
    return ending(done(text, data={"task": task.to_json()}, memory={"last": task.id}))


def drop(state: TasksState) -> TasksState:
    """Forget what was begun, and say so."""
    memory = state.get("memory") or {}
    written = memory.get("draft")
    if written and written["title"]:
        return ending(done(f"Dropped {quoted(written['title'])}; nothing was added."))
    if memory.get("awaiting"):
        return ending(done("Dropped; nothing was changed."))
    return ending(done("There is nothing to cancel."))


def _key(words: str, runtime: Runtime[AgentContext]) -> str:
    """Return the key of a draft: of the words, and of the step of the parent graph in which this agent runs.

    A step that is repeated after a crash has the same id; LangGraph puts a number behind it when it retries.
    """
    info = runtime.execution_info
    steps = [step for step in info.checkpoint_ns.split("|")[:-1] if ":" in step] if info else []
    return uuid5(NAMESPACE_OID, "|".join([*steps, words])).hex if steps else uuid4().hex


def _titled(
    state: TasksState, text: str, reply: Reply | None, *, now: datetime, order: DateOrder
) -> TasksState:
    """Read the reply to "What should I add?"."""
    written = dict(state["memory"]["draft"])
    if reply in ("deny", "close"):
        return TasksState(step="drop")
    command = read_command(text)
    if command is not None and command.sure and not (command.verb == "add" and command.value):
        return TasksState(step="understand")
    title, phrase = split_when(command.value if command and command.verb == "add" else text)
    due = read_due(phrase, now=now, order=order) if phrase else None
    if phrase and due is None:
        title = text
    title = re.sub(r"^to ", "", title, flags=re.IGNORECASE)
    written["title"] = "" if reply else title.strip("\"' ")
    if due:
        written["due"] = due.to_json()
    return _next(written, now=now, confirm=bool(written["due"]))


def _answered(
    written: dict[str, Any], awaiting: str, reply: Reply | None, text: str, *, now: datetime
) -> TasksState | None:
    if awaiting == "confirm" and reply == "affirm":
        return TasksState(draft=written, step="save")
    if awaiting == "confirm" and reply in ("deny", "close"):
        return _ask(
            "change", written, "What should I change: the text, the date, or should I drop it?"
        )
    if awaiting == "when" and reply == "deny":
        undated = {**written, "due": None}
        return _ask("confirm", undated, _confirmation(undated, now=now))
    dropped = re.fullmatch(r"(?:just )?drop(?: it)?[.!]?", text, re.IGNORECASE)
    if dropped or (awaiting == "change" and reply in ("deny", "close")):
        return TasksState(step="drop")
    if awaiting in ("confirm", "change"):
        if re.fullmatch(
            r"(?:change )?(?:the )?(?:date|time|day|due date|when)[.!]?", text, re.IGNORECASE
        ):
            return _ask("when", written, WHEN)
        if re.fullmatch(
            r"(?:change )?(?:the )?(?:text|title|name|words?|task)[.!]?", text, re.IGNORECASE
        ):
            return _ask("title", written, "What should the task say?")
    return None


def _next(written: dict[str, Any], *, now: datetime, confirm: bool) -> TasksState:
    """Ask for what the draft still lacks; else ask for a yes, or save it."""
    title, due = written["title"], Due.from_json(written["due"]) if written["due"] else None
    if not title:
        return _ask("title", written, "What should I add?")
    if len(title) > MAX_TITLE:
        short = f"That is {len(title):,} characters; a task has at most {MAX_TITLE}. What should it say, in short?"
        return _ask("title", {**written, "title": ""}, short)
    if due and due.is_past(now):
        return _ask("when", {**written, "due": None}, f"{due.in_words(now)} has passed. {WHEN}")
    if written["remind"] and due is None:
        return _ask("when", written, WHEN)
    if confirm:
        return _ask("confirm", written, _confirmation(written, now=now))
    return TasksState(draft=written, step="save")


def _confirmation(written: dict[str, Any], *, now: datetime) -> str:
    if not written["due"]:
        return f"Add {quoted(written['title'])} without a date?"
    due = Due.from_json(written["due"])
    return f"Add {quoted(written['title'])}{due_words(due, now=now)}?"


def _ask(awaiting: str, written: dict[str, Any], question: str) -> TasksState:
    return ending(needs_input(question, memory={"awaiting": awaiting, "draft": written}))


def _ask_again(written: dict[str, Any], awaiting: str, text: str, *, now: datetime) -> TasksState:
    if awaiting == "when":
        return _ask("when", written, f"I could not read {quoted(text[:80])} as a date. {WHEN}")
    question = _confirmation(written, now=now)
    return _ask("confirm", written, f"{question} Say *yes*, *no*, or what to change.")
