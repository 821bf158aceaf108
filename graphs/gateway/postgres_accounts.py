"""What was spent, in PostgreSQL: for the processes of many machines. It needs the extra `postgres`."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from graphs.gateway.accounts import BUSY_S, Account, Accounts, alone, unusable
from graphs.savers.advisory_locks import lock_key

__all__ = ["PostgresAccounts"]

_TABLES = """
CREATE SCHEMA IF NOT EXISTS moma;
CREATE TABLE IF NOT EXISTS moma.spent (account TEXT PRIMARY KEY, pico BIGINT NOT NULL, day TEXT);
CREATE TABLE IF NOT EXISTS moma.held (call TEXT, account TEXT, pico BIGINT NOT NULL, day TEXT,
PRIMARY KEY (call, account));
"""
_SESSION = "SET search_path = moma; SET statement_timeout = {ms}; SET lock_timeout = {ms}"


class PostgresAccounts(Accounts):
    """Tables in a schema of their own. Accounts are locked in one order, lest two changes wait for each other."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: psycopg.Connection[Any] | None = None
        self._lock = threading.Lock()

    @classmethod
    def from_url(cls, url: str) -> "PostgresAccounts":
        """Open the database; its tables are made if they are not there.

        Raises:
            BudgetError: it cannot be reached or used.
        """
        opened = cls(url)
        with opened._reading(), opened._connected().transaction():
            # Two that make them at once would be in each other's way.
            opened._run("SELECT pg_advisory_xact_lock(?)", lock_key("account tables"))
            opened._run(_TABLES)
        return opened

    def close(self) -> None:
        """End the session."""
        with self._lock:
            if self._session is not None:
                self._session.close()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with alone(self._lock):
            try:
                yield
            except psycopg.Error as error:
                raise unusable(" ".join(str(error).split())) from None

    @contextmanager
    def _changing(self, accounts: Sequence[Account]) -> Iterator[None]:
        with self._reading(), self._connected().transaction():
            for key in sorted(lock_key(f"account {account.name}") for account in accounts):
                self._run("SELECT pg_advisory_xact_lock(?)", key)
            yield

    def _run(self, sql: str, *values: Any) -> Any:
        return self._connected().execute(sql.replace("?", "%s"), values or None)

    def _connected(self) -> "psycopg.Connection[Any]":
        """Return the session, a new one if the last has ended."""
        if self._session is None or self._session.closed:
            self._session = psycopg.connect(
                self._url, autocommit=True, connect_timeout=max(2, round(BUSY_S))
            )
            self._session.execute(_SESSION.format(ms=round(BUSY_S * 1e3)))
        return self._session
