"""Writes what the user reads about tasks, in Markdown. It decides nothing and stores nothing."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from agents.tasks.dates import Due, read_due
from agents.tasks.store import Task

SHOWN = 50
SCOPES = ("overdue", "today", "tomorrow", "this week", "next week", "this month", "done")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~])")


def quoted(title: str) -> str:
    """Return a title in italics, its Markdown signs taken as letters."""
    return f"*{escaped(title)}*"


def escaped(title: str) -> str:
    """Return a title whose Markdown signs are taken as letters."""
    return _MARKDOWN.sub(r"\\\1", title)


def due_words(due: Due | None, *, now: datetime) -> str:
    """Return `, due Tue 24 Nov 2026, 09:00`, or `, no date`."""
    return f", due {due.in_words(now)}" if due else ", no date"


def task_line(task: Task, *, now: datetime) -> str:
    """Return one line of a list."""
    due = due_words(task.due, now=now) if task.due else ""
    return f"- **{task.number}** {escaped(task.title)}{due}{' (done)' if task.done else ''}"


def task_lines(tasks: Sequence[Task], *, now: datetime) -> str:
    """Return a list, cut at `SHOWN` lines with the rest counted."""
    lines = [task_line(task, now=now) for task in tasks[:SHOWN]]
    if len(tasks) > SHOWN:
        lines.append(f"- and {len(tasks) - SHOWN:,} more")
    return "\n".join(lines)


def values(tasks: Sequence[Task]) -> list[dict[str, Any]]:
    """Return tasks for programs, as many as a person is shown: an outcome's size is bounded."""
    return [task.to_json() for task in tasks[:SHOWN]]


def counted(count: int, *, kind: str = "") -> str:
    """Return `1 open task` or `3 open tasks`."""
    return f"{count:,} {kind + ' ' if kind else ''}task{'' if count == 1 else 's'}"


def in_scope(tasks: Sequence[Task], scope: str, *, now: datetime) -> list[Task]:
    """Return the tasks that a listing shows; those overdue belong to `today`, and to the weeks of today."""
    if scope == "done":
        return [task for task in tasks if task.done]
    dated = [(task, task.due) for task in tasks if not task.done]
    if not scope:
        return [task for task, _ in dated]
    if scope == "overdue":
        return [task for task, due in dated if due and due.is_past(now)]
    today = now.date()
    monday = today - timedelta(days=today.weekday())
    spans = {
        "today": (None, today),
        "tomorrow": (today + timedelta(days=1), today + timedelta(days=1)),
        "this week": (None, monday + timedelta(days=6)),
        "next week": (monday + timedelta(days=7), monday + timedelta(days=13)),
        "this month": (
            None,
            (today.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1),
        ),
    }
    if scope in spans:
        first, final = spans[scope]
    else:
        day = read_due(scope, now=now)
        if day is None:
            return []
        first = final = day.day(now)
    return [
        task
        for task, due in dated
        if due and (first is None or first <= due.day(now)) and due.day(now) <= final
    ]


def listing(tasks: Sequence[Task], scope: str, *, now: datetime) -> str:
    """Return the tasks of a scope under headings, or a sentence if there is none."""
    name = _scope_name(scope, now=now)
    if not tasks:
        return {
            "": "Your list is empty.",
            "done": "No task is done yet.",
            "overdue": "Nothing is overdue.",
        }.get(scope, f"Nothing is due {name}.")
    if scope in ("done", "overdue"):
        return f"**{counted(len(tasks), kind=scope)}**\n\n{task_lines(tasks, now=now)}"
    head = f"**{counted(len(tasks), kind='open')}**{', ' + name if name else ''}"
    groups: dict[str, list[Task]] = {}
    for task in tasks[:SHOWN]:
        groups.setdefault(_heading(task.due, now=now), []).append(task)
    blocks = [f"{heading}\n\n{task_lines(group, now=now)}" for heading, group in groups.items()]
    if len(tasks) > SHOWN:
        blocks.append(f"And {len(tasks) - SHOWN:,} more.")
    return "\n\n".join([head, *blocks])


def _scope_name(scope: str, *, now: datetime) -> str:
    if not scope or scope in SCOPES:
        return scope
    due = read_due(scope, now=now)
    return f"on {due.day(now):%a %-d %b %Y}" if due else scope


def _heading(due: Due | None, *, now: datetime) -> str:
    if due is None:
        return "No date"
    if due.is_past(now):
        return "Overdue"
    days = (due.day(now) - now.date()).days
    if days <= 0:
        return "Today"
    if days == 1:
        return "Tomorrow"
    return "This week" if days <= 6 - now.weekday() else "Later"


def standing(task: Task, *, now: datetime) -> str:
    """Return whether a task is done or open, and since when it is due."""
    if task.done:
        return f"Yes: **{task.number}** {quoted(task.title)} is done."
    late = " It is overdue." if task.due and task.due.is_past(now) else ""
    return f"**{task.number}** {quoted(task.title)} is open{due_words(task.due, now=now)}.{late}"


def named(tasks: Sequence[Task], *, most: int = 10) -> str:
    """Return the titles in a sentence, cut at `most` with the rest counted."""
    titles = [quoted(task.title) for task in tasks[:most]]
    if len(tasks) > most:
        return f"{', '.join(titles)} and {len(tasks) - most:,} more"
    return " and ".join([", ".join(titles[:-1]), titles[-1]]) if len(titles) > 1 else titles[0]
