"""A circuit breaker for one deployment: after repeated failures it rests, then lets one probe through.

It knows no model and reads the clock it is given. Policy: 5 failures in a row open it for 10 s; each failed probe
doubles the rest, up to 5 minutes; a success closes it.
"""

import threading
import time
from collections.abc import Callable
from enum import StrEnum

FAILURES_TO_OPEN = 5
FIRST_REST_S, LONGEST_REST_S = 10.0, 300.0


class Permit(StrEnum):
    """The right to make one call."""

    CALL = "call"  # the breaker was closed
    PROBE = "probe"  # a rest was over: what becomes of this one call decides


class Breaker:
    """Whether a deployment may be called now. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._rest = FIRST_REST_S
        self._rests_until: float | None = None
        self._probing = False

    @property
    def open(self) -> bool:
        """Whether calls are refused at this moment; a rest that is over admits a probe."""
        with self._lock:
            return self._refuses()

    def admit(self) -> Permit | None:
        """Take the right to call; None if the breaker is open or a probe is under way.

        Each permit is given back once, to `succeed`, `fail` or `release`.
        """
        with self._lock:
            if self._refuses():
                return None
            self._probing = self._rests_until is not None
            return Permit.PROBE if self._probing else Permit.CALL

    def succeed(self) -> None:
        """Note a good answer, whatever the permit: the deployment works."""
        with self._lock:
            self._failures, self._rest = 0, FIRST_REST_S
            self._rests_until, self._probing = None, False

    def fail(self, permit: Permit) -> None:
        """Note a failure. Calls that began before the breaker opened neither end a probe nor lengthen the rest."""
        with self._lock:
            if permit is Permit.PROBE:
                self._rest = min(2 * self._rest, LONGEST_REST_S)
                self._rests_until, self._probing = self._clock() + self._rest, False
            elif self._rests_until is None:
                self._failures += 1
                if self._failures >= FAILURES_TO_OPEN:
                    self._rests_until = self._clock() + self._rest

    def release(self, permit: Permit) -> None:
        """Give back a permit of a call that says nothing of the deployment's health, as a cancelled one."""
        with self._lock:
            if permit is Permit.PROBE:
                self._probing = False

    def _refuses(self) -> bool:
        if self._rests_until is None:
            return False
        return self._probing or self._clock() < self._rests_until
