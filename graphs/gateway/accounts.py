"""What was spent beyond one turn: by a thread, by a user in a day, by all in a day. Kept in a file, for all processes.

It knows no model and no price. A call is charged with the most that it can cost before it is made, and what it did not
use is given back: so two calls at once never pass a limit, and a process that dies in between has not spent unseen.
What is held for a call is known by the call's name: made again after its process died, it is not charged again.
Amounts are whole picodollars, so that sums are exact. Any of this may wait for another process: no place for an event
loop.
"""

import math
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from agents.errors import BudgetError

_PICO = 10**12
_BUSY_S = 2.0
"""How long another process may hold the file."""
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


class Accounts:
    """A file of what was spent. Safe to share between threads and processes."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._lock = threading.Lock()

    @classmethod
    def from_file(cls, path: Path) -> "Accounts":
        """Open the file, for its owner only; it is made if it is not there.

        Raises:
            BudgetError: it cannot be opened or is something else.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            database = sqlite3.connect(
                path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise _closed(error) from None
        return cls(database)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def left_usd(self, accounts: Sequence[Account]) -> float:
        """Return the least that is left in any of the accounts.

        Raises:
            BudgetError: the file cannot be read.
        """
        with self._alone():
            return min(max(0.0, self._left(account) / _PICO) for account in accounts)

    def charge(self, accounts: Sequence[Account], usd: float, *, model: str, call: str) -> None:
        """Charge every account with `usd` for a call, or none; what is held for that call already counts.

        Raises:
            BudgetError: it does not fit one of them, or the file cannot be written.
        """
        with self._alone(), self._transaction():
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
            BudgetError: the file cannot be written; then what was charged stays.
        """
        with self._alone(), self._transaction():
            for account in accounts:
                held = self._held(call, account) or 0
                self._add(account, math.ceil(cost_usd * _PICO) - held)
                self._database.execute(
                    "DELETE FROM held WHERE call = ? AND account = ?", (call, account.name)
                )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Have the file to oneself within this process."""
        if not self._lock.acquire(timeout=_BUSY_S):
            raise _closed("another call waits for it")
        try:
            yield
        except sqlite3.Error as error:
            raise _closed(error) from None
        finally:
            self._lock.release()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            self._database.execute("ROLLBACK")
            raise

    def _held(self, call: str, account: Account) -> int | None:
        row = self._database.execute(
            "SELECT pico FROM held WHERE call = ? AND account = ?", (call, account.name)
        ).fetchone()
        return int(row[0]) if row else None

    def _hold(self, call: str, account: Account, pico: int) -> None:
        row = (call, account.name, pico, _text(account.day))
        self._database.execute("INSERT INTO held VALUES (?, ?, ?, ?)", row)

    def _left(self, account: Account) -> int:
        """Return the picodollars that are left, less than none if more was spent; none of what is no limit."""
        row = self._database.execute(
            "SELECT pico FROM spent WHERE account = ?", (account.name,)
        ).fetchone()
        limit = account.limit_usd * _PICO
        return math.floor(limit) - (row[0] if row else 0) if math.isfinite(limit) else 0

    def _add(self, account: Account, pico: int) -> None:
        day = _text(account.day)
        # A day that is over is asked for no more.
        self._database.execute("DELETE FROM spent WHERE day < ?", (day,))
        self._database.execute("DELETE FROM held WHERE day < ?", (day,))
        self._database.execute(
            "INSERT INTO spent VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET pico = pico + excluded.pico",
            (account.name, pico, day),
        )


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None


@dataclass(frozen=True, slots=True)
class Purse:
    """The accounts that one turn spends from."""

    accounts: Accounts
    of: Sequence[Account]

    @property
    def left_usd(self) -> float:
        """The least that is left in any of them."""
        return self.accounts.left_usd(self.of)


def _closed(error: object) -> BudgetError:
    """Return the refusal of a file that fails: what is left is not known, so nothing is spent."""
    return BudgetError(f"what was spent so far cannot be read or written ({error})")
