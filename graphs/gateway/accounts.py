"""What was spent beyond one turn: by a thread, by a user in a day, by all in a day. Kept where all processes reach it.

It knows no model and no price. A call is charged with the most that it can cost before it is made, and what it did not
use is given back: so two calls at once never pass a limit, and a process that dies in between has not spent unseen.
What is held for a call is known by the call's name: made again after its process died, it is not charged again.
Amounts are whole picodollars, so that sums are exact. Any of this may wait for another process: no place for an event
loop.
"""

import math
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from agents.errors import BudgetError

_PICO = 10**12
BUSY_S = 2.0
"""How long another process may hold up a reading or writing."""
_TABLES = """
CREATE TABLE IF NOT EXISTS spent (account TEXT PRIMARY KEY, pico INTEGER NOT NULL, day TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS held (call TEXT, account TEXT, pico INTEGER NOT NULL, day TEXT, PRIMARY KEY (call, account))
STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose money is counted, and how much there is."""

    name: str
    """Unique; with the day in it if it is a day's."""
    whose: str
    """As in a sentence: this thread, this user today, all users today."""
    limit_usd: float
    day: date | None = None


class Accounts(ABC):
    """What was spent, in a database. Safe to share between threads and processes."""

    def left_usd(self, accounts: Sequence[Account]) -> float:
        """Return the least that is left in any of the accounts.

        Raises:
            BudgetError: the database cannot be read.
        """
        with self._reading():
            return min(max(0.0, self._left(account) / _PICO) for account in accounts)

    def charge(self, accounts: Sequence[Account], usd: float, *, model: str, call: str) -> None:
        """Charge every account with `usd` for a call, or none; what is held for that call already counts.

        Raises:
            BudgetError: it does not fit one of them, or the database cannot be written.
        """
        with self._changing(accounts):
            new = [account for account in accounts if self._held(call, account) is None]
            for account in new:
                left = self._left(account)
                # Compared before it is rounded up, so that what is no number is refused too.
                if not usd * _PICO <= left:
                    raise BudgetError(
                        f"a call to {model} may cost {usd:.6f} USD and {max(0, left) / _PICO:.6f} "
                        f"is left to {account.whose}",
                        model=model,
                    )
            for account in new:
                self._add(account, math.ceil(usd * _PICO))
                self._hold(call, account, math.ceil(usd * _PICO))

    def correct(self, accounts: Sequence[Account], call: str, *, cost_usd: float) -> None:
        """Turn what is held for a call into what it cost.

        Raises:
            BudgetError: the database cannot be written; then what was charged stays.
        """
        with self._changing(accounts):
            for account in accounts:
                held = self._held(call, account) or 0
                self._add(account, math.ceil(cost_usd * _PICO) - held)
                self._run("DELETE FROM held WHERE call = ? AND account = ?", call, account.name)

    @abstractmethod
    def close(self) -> None:
        """Close the database."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[None]:
        """Have the connection to oneself within this process; what it raises is a `BudgetError`."""

    @abstractmethod
    def _changing(self, accounts: Sequence[Account]) -> AbstractContextManager[None]:
        """Do what `_reading` does, and change the accounts as one, while nobody else changes them."""

    @abstractmethod
    def _run(self, sql: str, *values: Any) -> Any:
        """Execute a statement with `?` for its values, and return its cursor."""

    def _held(self, call: str, account: Account) -> int | None:
        row = self._run(
            "SELECT pico FROM held WHERE call = ? AND account = ?", call, account.name
        ).fetchone()
        return int(row[0]) if row else None

    def _hold(self, call: str, account: Account, pico: int) -> None:
        row = (call, account.name, pico, _text(account.day))
        self._run("INSERT INTO held VALUES (?, ?, ?, ?)", *row)

    def _left(self, account: Account) -> int:
        """Return the picodollars that are left, less than none if more was spent; none of what is no limit."""
        row = self._run("SELECT pico FROM spent WHERE account = ?", account.name).fetchone()
        limit = account.limit_usd * _PICO
        return math.floor(limit) - (int(row[0]) if row else 0) if math.isfinite(limit) else 0

    def _add(self, account: Account, pico: int) -> None:
        day = _text(account.day)
        if (
            account.day is not None
        ):  # one that is over is asked for no more, but by turns that began in it
            over = _text(account.day - timedelta(1))
            self._run("DELETE FROM spent WHERE day < ?", over)
            self._run("DELETE FROM held WHERE day < ?", over)
        self._run(
            "INSERT INTO spent VALUES (?, ?, ?) "
            "ON CONFLICT (account) DO UPDATE SET pico = spent.pico + excluded.pico",
            account.name,
            pico,
            day,
        )


class FileAccounts(Accounts):
    """A SQLite file of what was spent, for the processes of one machine."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._lock = threading.Lock()

    @classmethod
    def from_file(cls, path: Path) -> "FileAccounts":
        """Open the file, for its owner only; it is made if it is not there.

        Raises:
            BudgetError: it cannot be opened or is something else.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            database = sqlite3.connect(
                path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise unusable(error) from None
        return cls(database)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with alone(self._lock):
            try:
                yield
            except sqlite3.Error as error:
                raise unusable(error) from None

    @contextmanager
    def _changing(self, accounts: Sequence[Account]) -> Iterator[None]:
        with self._reading():
            self._run("BEGIN IMMEDIATE")
            try:
                yield
                self._run("COMMIT")
            except BaseException:
                self._run("ROLLBACK")
                raise

    def _run(self, sql: str, *values: Any) -> Any:
        return self._database.execute(sql, values)


@dataclass(frozen=True, slots=True)
class Purse:
    """The accounts that one turn spends from."""

    accounts: Accounts
    of: Sequence[Account]

    @property
    def left_usd(self) -> float:
        """The least that is left in any of them."""
        return self.accounts.left_usd(self.of)


@contextmanager
def alone(lock: threading.Lock) -> Iterator[None]:
    """Have the lock of a connection, or give up waiting for it.

    Raises:
        BudgetError: another call of this process has had it for too long.
    """
    if not lock.acquire(timeout=BUSY_S):
        raise unusable("another call waits for it")
    try:
        yield
    finally:
        lock.release()


def unusable(error: object) -> BudgetError:
    """Return the refusal of a database that fails: what is left is not known, so nothing is spent."""
    return BudgetError(f"what was spent so far cannot be read or written ({error})")


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None
