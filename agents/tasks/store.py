"""Keeps tasks in one SQLite file, each user's apart. It knows no language and no graph.

Every statement carries the user; a file that cannot be read is reported and left as it is.
"""

# ruff: noqa: S608 - statements are put together from texts of this module; values are parameters

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agents.errors import AgentError
from agents.tasks.dates import Due

FILE_NAME = "tasks.db"
MAX_TASKS = 10_000
SCHEMA_VERSION = 1
BUSY_SECONDS = 5.0
_SCHEMA = """
CREATE TABLE tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user TEXT NOT NULL,
    number INTEGER NOT NULL,
    draft TEXT NOT NULL,
    title TEXT NOT NULL,
    due_utc TEXT,
    due_zone TEXT,
    all_day INTEGER NOT NULL DEFAULT 0,
    created_utc TEXT NOT NULL,
    done_utc TEXT,
    UNIQUE (user, number),
    UNIQUE (user, draft)
) STRICT
"""
_COLUMNS = "id, number, title, due_utc, due_zone, all_day, done_utc"
_IN = "user = ? AND id IN (SELECT value FROM json_each(?))"


class TaskStoreError(AgentError):
    """The task list could not be read or written; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task, as stored."""

    id: int
    number: int
    """What the user calls it by; it stays the same while the task exists."""
    title: str
    due: Due | None
    done: bool

    def to_json(self) -> dict[str, Any]:
        """Return it JSON-plain, for the `data` of an outcome."""
        due = self.due.to_json() if self.due else None
        return {"number": self.number, "title": self.title, "due": due, "done": self.done}


class TaskStore:
    """One user's tasks, over an open connection."""

    def __init__(self, connection: sqlite3.Connection, *, user: str) -> None:
        self._db = connection
        self._user = user

    def tasks(self) -> list[Task]:
        """Return all tasks: by due date, then those without one, in the order of their numbers."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM tasks WHERE user = ? ORDER BY due_utc IS NULL, due_utc, number",
            (self._user,),
        )
        return [_task(row) for row in rows]

    def with_ids(self, ids: Sequence[int]) -> list[Task]:
        """Return those of the tasks that still exist."""
        wanted = set(ids)
        return [task for task in self.tasks() if task.id in wanted]

    def add(self, title: str, *, due: Due | None, draft: str, now: datetime) -> Task:
        """Add one task and return it; a draft that was added before is returned, not added again."""
        plain = due.to_json() if due else {}
        with self._writing():
            same = self._db.execute(
                f"SELECT {_COLUMNS} FROM tasks WHERE user = ? AND draft = ?",
                (self._user, draft),
            ).fetchone()
            if same is not None:
                return _task(same)
            count, last = self._db.execute(
                "SELECT COUNT(*), COALESCE(MAX(number), 0) FROM tasks WHERE user = ?", (self._user,)
            ).fetchone()
            if count >= MAX_TASKS:
                raise TaskStoreError(
                    f"your list holds {count:,} tasks and {MAX_TASKS:,} are the most;"
                    " delete some, for example with `clear completed tasks`"
                )
            row = self._db.execute(
                "INSERT INTO tasks (user, number, draft, title, due_utc, due_zone, all_day, created_utc)"
                f" VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING {_COLUMNS}",
                (
                    self._user,
                    last + 1,
                    draft,
                    title,
                    plain.get("utc"),
                    plain.get("zone"),
                    int(plain.get("all_day", False)),
                    _utc(now),
                ),
            ).fetchone()
            return _task(row)

    def set_done(self, ids: Sequence[int], *, at: datetime | None) -> None:
        """Mark the tasks as done at that moment, or as open with None."""
        self._change("done_utc = ?", (_utc(at) if at else None,), ids)

    def set_due(self, ids: Sequence[int], due: Due | None) -> None:
        """Give the tasks a due date, or none."""
        plain = due.to_json() if due else {}
        values = (plain.get("utc"), plain.get("zone"), int(plain.get("all_day", False)))
        self._change("due_utc = ?, due_zone = ?, all_day = ?", values, ids)

    def rename(self, ids: Sequence[int], title: str) -> None:
        """Give the tasks a new title."""
        self._change("title = ?", (title,), ids)

    def delete(self, ids: Sequence[int]) -> list[Task]:
        """Delete exactly these tasks and return those that still existed."""
        with self._writing():
            gone = self.with_ids(ids)
            self._db.execute(f"DELETE FROM tasks WHERE {_IN}", (self._user, json.dumps(list(ids))))
        return gone

    def _change(self, assignments: str, values: tuple[object, ...], ids: Sequence[int]) -> None:
        with self._writing():
            self._db.execute(
                f"UPDATE tasks SET {assignments} WHERE {_IN}",
                (*values, self._user, json.dumps(list(ids))),
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


@contextmanager
def open_store(home: Path, *, user: str) -> Iterator[TaskStore]:
    """Open the user's tasks in `home`, for the length of a `with` block.

    Raises:
        TaskStoreError: the file is damaged, busy, of a newer MoMA, or cannot be written.
    """
    path = home / FILE_NAME
    try:
        home.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as db:
            _prepare(db)
            yield TaskStore(db, user=user)
    except sqlite3.DatabaseError as error:
        raise TaskStoreError(_explain(error)) from error
    except OSError as error:
        raise TaskStoreError(
            f"the task list {FILE_NAME} cannot be opened ({error.strerror}); check the rights of its folder"
        ) from error


def _prepare(db: sqlite3.Connection) -> None:
    version = _version(db)
    if version == 0:
        db.execute("BEGIN IMMEDIATE")
        version = _version(db)
        if version == 0:
            db.execute(_SCHEMA)
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            version = SCHEMA_VERSION
        db.execute("COMMIT")
    if version != SCHEMA_VERSION:
        raise TaskStoreError(
            f"the task list {FILE_NAME} has schema version {version} and this program reads {SCHEMA_VERSION};"
            " use the version of MoMA that wrote it"
        )


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _explain(error: sqlite3.DatabaseError) -> str:
    text = str(error)
    if "locked" in text or "busy" in text:
        return f"the task list {FILE_NAME} is busy with another program; try again in a moment"
    if isinstance(error, sqlite3.OperationalError) and ("disk" in text or "readonly" in text):
        return (
            f"the task list {FILE_NAME} cannot be written ({text}); check the disk and its rights"
        )
    return (
        f"the task list {FILE_NAME} cannot be read ({text}); it was left as it is:"
        " restore a backup, or move it away to start a new list"
    )


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _task(row: tuple[Any, ...]) -> Task:
    key, number, title, due_utc, zone, all_day, done_utc = row
    due = Due.from_json({"utc": due_utc, "zone": zone, "all_day": all_day}) if due_utc else None
    return Task(id=key, number=number, title=title, due=due, done=done_utc is not None)
