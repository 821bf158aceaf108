"""The budgets of a turn, a thread, a user and a day, brought together: what a turn may still cost, and its books.

It knows no model. If what was spent cannot be read, nothing more may be spent.
"""

import logging
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from agents.errors import BudgetError
from graphs.gateway.accounts import Account, Accounts, FileAccounts, Purse
from graphs.gateway.ledger import Call, Ledger

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLimits:
    """What the operator lets be spent, in USD; None is any amount."""

    turn: float | None = None
    thread: float | None = None
    """For all turns of a thread."""
    user: float | None = None
    """For all turns of a user in a day (UTC)."""
    day: float | None = None
    """For all turns of everybody in a day (UTC)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spender:
    """On whose behalf a call is made."""

    user: str
    thread: str | None
    turn_limit: float | None = None
    """The caller's own limit for the turn."""
    spent: float = 0.0
    """What the turn has cost so far."""


@dataclass(frozen=True, slots=True)
class Left:
    """What may still be spent."""

    usd: float | None
    """None is any amount."""
    fault: str = ""
    """Why it is nothing, where that is not what was spent."""


class Budgets:
    """All budgets of a process; what was spent is opened when the first of them needs it."""

    def __init__(self, limits: BudgetLimits, *, home: Path, database: str | None = None) -> None:
        """What was spent is kept in the PostgreSQL database at `database`, or in a file in `home`."""
        self.limits = limits
        self.told: Callable[[Call], None] | None = None
        """Is told each call that was made, when it is over, whatever becomes of its turn; None: nobody is."""
        self._path, self._database = home / "spent.sqlite", database
        self._accounts: Accounts | None = None
        self._opening = threading.Lock()

    @property
    def wait(self) -> bool:
        """Whether reading what is left may wait for another process."""
        return (self.limits.thread, self.limits.user, self.limits.day) != (None, None, None)

    def within(self, limits: BudgetLimits) -> "Budgets":
        """Return budgets with other limits that are kept where these are; they are closed by themselves."""
        return Budgets(limits, home=self._path.parent, database=self._database)

    def left(self, spender: Spender) -> Left:
        """Return the least that any budget leaves."""
        limits, fault = self._of_turn(spender), ""
        try:
            purse = self._purse(spender)
            limits += [] if purse is None else [purse.left_usd]
        except BudgetError as error:
            fault = _told(error)
            limits.append(0.0)
        return Left(min(limits) if limits else None, fault)

    def ledger(self, spender: Spender, *, limit_usd: float | None = None) -> Ledger:
        """Return the books of calls, within every budget and within `limit_usd`."""
        limits = self._of_turn(spender) + ([] if limit_usd is None else [limit_usd])
        try:
            purse = self._purse(spender)
        except BudgetError as error:
            return Ledger(0.0, fault=_told(error))
        return Ledger(min(limits) if limits else None, purse=purse, told=self.told)

    def renews(self, spender: Spender) -> bool:
        """Return whether it is a day's budget that leaves the least, so that there is more when the next day begins."""
        try:
            purse = self._purse(spender)
            of = purse.of if purse else ()
            daily = [account for account in of if account.day is not None]
            if purse is None or not daily:
                return False
            lasting = [account for account in of if account.day is None]
            left = purse.accounts.left_usd(daily)
            others = [purse.accounts.left_usd(lasting)] if lasting else []
        except BudgetError:
            return False
        return left < min([*self._of_turn(spender), *others], default=math.inf)

    def close(self) -> None:
        """Close the file of what was spent."""
        if self._accounts is not None:
            self._accounts.close()

    def _of_turn(self, spender: Spender) -> list[float]:
        """Return what the turn's own limits leave: the operator's and the caller's."""
        given = (self.limits.turn, spender.turn_limit)
        return [max(0.0, limit - spender.spent) for limit in given if limit is not None]

    def _purse(self, spender: Spender) -> Purse | None:
        accounts = self._accounts_of(spender)
        if not accounts:
            return None
        with self._opening:
            if self._accounts is None:
                self._accounts = self._opened()
        return Purse(self._accounts, accounts)

    def _opened(self) -> Accounts:
        if self._database is None:
            return FileAccounts.from_file(self._path)
        try:
            from graphs.gateway.postgres_accounts import PostgresAccounts
        except ImportError:
            raise BudgetError(
                "what was spent is in PostgreSQL, which needs the extra postgres"
            ) from None
        return PostgresAccounts.from_url(self._database)

    def _accounts_of(self, spender: Spender) -> Sequence[Account]:
        today, limits = datetime.now(UTC).date(), self.limits
        of = []
        if limits.thread is not None and spender.thread:
            name = f"thread {spender.thread}"
            of.append(Account(name=name, whose="this thread", limit_usd=limits.thread))
        if limits.user is not None:
            name = f"user {today} {spender.user}"
            of.append(Account(name=name, whose="you today", limit_usd=limits.user, day=today))
        if limits.day is not None:
            name = f"day {today}"
            of.append(Account(name=name, whose="all users today", limit_usd=limits.day, day=today))
        return of


def _told(error: BudgetError) -> str:
    _log.warning("nothing more may be spent: %s", error)
    return str(error)
