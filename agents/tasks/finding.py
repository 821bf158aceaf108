"""The nodes that read a request and find the tasks it means: `understand`, `find`, `choose`, `show`.

They read the list and never change it.
"""

import re
from dataclasses import asdict

from langgraph.runtime import Runtime

from agents.contract import AgentContext, declined, done, needs_input
from agents.replies import read_reply
from agents.tasks.command import Command, Verb
from agents.tasks.corrections import correction, seems_elsewhere
from agents.tasks.dates import DateOrder, read_due
from agents.tasks.language import MAX_REQUEST, clean, read_command
from agents.tasks.matching import find_tasks, pick_tasks, task_numbers
from agents.tasks.state import Step, TasksState, ending, stores
from agents.tasks.store import Task, open_store
from agents.tasks.wording import counted, in_scope, listing, quoted, standing, task_lines, values

_AFTER: dict[Verb, Step] = {
    Verb.DELETE: "approve",
    Verb.RESCHEDULE: "reschedule",
    Verb.STATUS: "show",
}
_UNDO = re.compile(
    r"(?:please )?(?:undo|revert|take back)(?: (?:it|that|this|the last one))?[.!]?", re.IGNORECASE
)
CANNOT_UNDO = "I cannot undo; nothing was changed. Say what should be, such as *reopen 1* or *move 2 to friday*."
_FIRST: dict[Verb, Step] = {Verb.ADD: "draft", Verb.LIST: "show"}


def understand(
    state: TasksState, runtime: Runtime[AgentContext], *, order: DateOrder
) -> TasksState:
    """Read what the request asks of the list; decline what asks nothing of it."""
    memory = state.get("memory") or {}
    if len(state["request"]) > MAX_REQUEST:
        return ending(
            declined(f"a request to the task list has at most {MAX_REQUEST:,} characters")
        )
    text = clean(state["request"])
    engaged = state.get("event") in ("stay", "continue")
    command = read_command(text, engaged=engaged)
    if command is None and engaged and memory.get("last") is not None:
        if read_due(correction(text), now=runtime.context.now, order=order, reply=True):
            command = Command(verb=Verb.RESCHEDULE, target="it", value=correction(text))
    if command is None and _UNDO.fullmatch(text):  # a model would say that it was done
        return ending(done(CANNOT_UNDO, memory=memory))
    if command is None:
        return ending(declined("the request asks nothing of the task list"))
    title = (memory.get("draft") or {}).get("title")
    left = f"The unfinished task {quoted(title)} was dropped." if title else ""
    plain = {**asdict(command), "verb": command.verb.value}
    return TasksState(
        command=plain,
        note="" if command.verb is Verb.LIST else left,
        ids=[],
        step=_FIRST.get(command.verb, "find"),
    )


@stores
def find(state: TasksState, runtime: Runtime[AgentContext]) -> TasksState:
    """Find the tasks that the command means; ask which, if its words fit several."""
    command, memory = state["command"], state.get("memory") or {}
    with open_store(runtime.context.home, user=runtime.context.user) as store:
        tasks = store.tasks()
    verb, target = Verb(command["verb"]), command["target"]
    pool = _pool(verb, tasks)
    if target == "*":
        named = (
            in_scope(tasks, command["value"], now=runtime.context.now) if command["value"] else pool
        )
        found = sorted(named, key=lambda task: task.number)
    else:
        engaged = state.get("event") in ("stay", "continue")
        strict = not command["sure"] and not engaged and verb not in (Verb.COMPLETE, Verb.STATUS)
        found = find_tasks(target, pool, strict=strict, last=memory.get("last"))
    if not found:
        return _none_found(state, tasks)
    numbers = task_numbers(target)
    missing = sorted(numbers - {task.number for task in found})
    note = " ".join(
        [state.get("note", ""), *(f"There is no such task {number}." for number in missing)]
    )
    ids = [task.id for task in found]
    if len(found) > 1 and target != "*" and not numbers and verb is not Verb.STATUS:
        lines = task_lines(found, now=runtime.context.now)
        question = f"{counted(len(found))} match {quoted(target)}:\n\n{lines}\n\nWhich one?"
        return ending(
            needs_input(question, memory={"awaiting": "pick", "command": command, "ids": ids})
        )
    return TasksState(ids=ids, note=note.strip(), step=_AFTER.get(verb, "change"))


@stores
def choose(state: TasksState, runtime: Runtime[AgentContext]) -> TasksState:
    """Read which of the tasks shown the user means."""
    memory, text = state["memory"], clean(state["request"])
    command = dict(memory["command"])
    reply = read_reply(text)
    if reply in ("deny", "cancel", "close") or re.fullmatch(
        r"none(?: of (?:them|these))?", text, re.IGNORECASE
    ):
        return TasksState(step="drop")
    with open_store(runtime.context.home, user=runtime.context.user) as store:
        tasks = store.with_ids(memory["ids"])
    picked = pick_tasks(text, tasks)
    if picked and (len(picked) == 1 or len(picked) == len(tasks)):
        step = _AFTER.get(Verb(command["verb"]), "change")
        return TasksState(command=command, ids=[task.id for task in picked], note="", step=step)
    other = read_command(text)
    if other is not None and other.sure:
        return TasksState(step="understand")
    if not picked and seems_elsewhere(text):
        return ending(declined("that picks none of the tasks shown"))
    question = (
        f"{task_lines(tasks, now=runtime.context.now)}\n\nWhich one? Say its number, or *none*."
    )
    return ending(needs_input(question, memory=memory))


@stores
def show(state: TasksState, runtime: Runtime[AgentContext]) -> TasksState:
    """Show the list, or how the tasks found stand; a draft that waits is kept and named."""
    command, now, memory = state["command"], runtime.context.now, state.get("memory") or {}
    with open_store(runtime.context.home, user=runtime.context.user) as store:
        tasks = store.tasks()
    if Verb(command["verb"]) is Verb.LIST:
        tasks = in_scope(tasks, command["value"], now=now)
        text = listing(tasks, command["value"], now=now)
        title = (memory.get("draft") or {}).get("title")
        if title:
            text += f"\n\nThe task {quoted(title)} is not added yet."
    else:
        ids = set(state["ids"])
        tasks = [task for task in tasks if task.id in ids]
        text = "\n".join(standing(task, now=now) for task in tasks) if tasks else "It is gone."
        memory = {"last": tasks[0].id} if len(tasks) == 1 else {}
    data = {"tasks": values(tasks)}
    return ending(done(text, data=data, memory=memory))


def _pool(verb: Verb, tasks: list[Task]) -> list[Task]:
    """Return the tasks that a verb can mean: only open ones can be finished, only done ones reopened."""
    if verb in (Verb.DELETE, Verb.STATUS):
        return tasks
    return [task for task in tasks if task.done is (verb is Verb.REOPEN)]


def _none_found(state: TasksState, tasks: list[Task]) -> TasksState:
    command = state["command"]
    if not command["sure"]:
        return ending(declined("no task on the list is named so"))
    verb, target = Verb(command["verb"]), command["target"]
    if target == "*":
        kind = {"done": "done", "overdue": "overdue"}.get(command["value"], "")
        what = {Verb.DELETE: kind, Verb.REOPEN: "done"}.get(verb, "open")
        return ending(
            done(f"There is no {what + ' ' if what else ''}task on your list; nothing was changed.")
        )
    others = find_tasks(target, tasks)
    if others:
        state_of = "already done" if others[0].done else "still open"
        return ending(
            done(f"{quoted(others[0].title)} is {state_of}.", memory={"last": others[0].id})
        )
    return ending(done(f"No task on your list matches {quoted(target)}; nothing was changed."))
