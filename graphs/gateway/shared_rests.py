"""Tells the other workers on a PostgreSQL database which models rest, and hears of it from them.

So what one worker learned with five failed calls no other pays for. News take about a second; a database that cannot
be reached takes nothing but them. It needs the extra `postgres`.
"""

import logging
import queue
import threading
import uuid
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import psycopg

from graphs.gateway.breaker import Breaker

__all__ = ["SharedRests"]

INTERVAL_S = 1.0
_CONNECT_S = 2
_TABLE = """
CREATE SCHEMA IF NOT EXISTS moma;
CREATE TABLE IF NOT EXISTS moma.rests (model TEXT PRIMARY KEY, worker TEXT NOT NULL, until TIMESTAMPTZ NOT NULL);
"""
_TELL = """
INSERT INTO moma.rests VALUES (%s, %s, now() + make_interval(secs => %s))
ON CONFLICT (model) DO UPDATE SET worker = excluded.worker, until = greatest(rests.until, excluded.until)
"""
_HEAR = """
SELECT model, extract(epoch FROM until - now()) FROM moma.rests WHERE until > now() AND worker <> %s
"""
_SETTING_UP = 7_205_759_403_792_793
"""The key of the advisory lock under which the table is made: any number that nobody else takes."""
_log = logging.getLogger(__name__)


class SharedRests:
    """A thread that keeps the breakers of this process and those of others informed."""

    def __init__(self, url: str, breakers: Mapping[str, Breaker]) -> None:
        """Follow `breakers`, by model, and tell of their rests; `start` begins it."""
        self._url, self._breakers = url, breakers
        self._worker = uuid.uuid4().hex
        self._news: queue.SimpleQueue[tuple[str, float] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="moma-rests", daemon=True)
        for model, breaker in breakers.items():
            breaker.on_rest = partial(self._tell_later, model)

    def start(self) -> "SharedRests":
        """Begin, and return itself."""
        self._thread.start()
        return self

    def close(self) -> None:
        """End; what is under way is waited for, a database that hangs is not."""
        self._news.put(None)
        self._thread.join(2 * _CONNECT_S)

    def _tell_later(self, model: str, seconds: float) -> None:
        self._news.put((model, seconds))

    def _work(self) -> None:
        session: psycopg.Connection[Any] | None = None
        reachable = True
        while True:
            news = []
            with suppress(queue.Empty):
                news.append(self._news.get(timeout=INTERVAL_S))
                while True:
                    news.append(self._news.get_nowait())
            try:
                session = session or self._opened()
                for rest in news:
                    if rest is not None:
                        session.execute(_TELL, (rest[0], self._worker, rest[1]))
                self._hear(session)
                reachable = True
            except psycopg.Error as error:
                if reachable:
                    _log.warning("rests of models are not shared: %s", " ".join(str(error).split()))
                session, reachable = None, False
            if None in news:
                break
        if session is not None:
            session.close()

    def _opened(self) -> "psycopg.Connection[Any]":
        session = psycopg.connect(self._url, autocommit=True, connect_timeout=_CONNECT_S)
        with session.transaction():
            session.execute("SELECT pg_advisory_xact_lock(%s)", (_SETTING_UP,))
            session.execute(_TABLE)
        return session

    def _hear(self, session: "psycopg.Connection[Any]") -> None:
        for model, seconds in session.execute(_HEAR, (self._worker,)).fetchall():
            if model in self._breakers:  # another worker may have another catalogue
                self._breakers[model].rest(float(seconds))
