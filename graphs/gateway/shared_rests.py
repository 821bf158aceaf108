"""Tells the other workers on a PostgreSQL database which models rest, and hears of it from them.

So what one worker learned with five failed calls no other pays for. News take about a second; a database that cannot
be reached takes nothing but them. It needs the extra `postgres`.
"""

import logging
import queue
import threading
import time
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
        """A model and until when it rests, on the monotonic clock; None at the end."""
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
        self._news.put((model, time.monotonic() + seconds))

    def _work(self) -> None:
        session: psycopg.Connection[Any] | None = None
        untold: dict[str, float] = {}
        reachable, ended = True, False
        while not ended:
            ended = self._gather(untold)
            try:
                session = session or self._opened()
                self._tell(session, untold)
                self._hear(session)
                reachable = True
            except psycopg.Error as error:
                if reachable:
                    _log.warning("rests of models are not shared: %s", " ".join(str(error).split()))
                if session is not None:
                    session.close()
                session, reachable = None, False
        if session is not None:
            session.close()

    def _gather(self, untold: dict[str, float]) -> bool:
        """Add what comes within an interval, until when each model rests; return whether the end has come."""
        with suppress(queue.Empty):
            news = self._news.get(timeout=INTERVAL_S)
            while news is not None:
                untold[news[0]] = max(news[1], untold.get(news[0], 0.0))
                news = self._news.get_nowait()
            return True
        return False

    def _tell(self, session: "psycopg.Connection[Any]", untold: dict[str, float]) -> None:
        """Tell the others; what could not be told is kept for the next time."""
        while untold:
            model, until = next(iter(untold.items()))
            if (left := until - time.monotonic()) > 0:
                session.execute(_TELL, (model, self._worker, left))
            del untold[model]

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
