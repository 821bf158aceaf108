"""A circuit breaker for one deployment: after repeated failures it rests, then lets one probe through.

It knows no model and reads the clock it is given. Policy: 5 failures in a row open it for 10 s; each failed probe
doubles the rest, up to 5 minutes; a success closes it.
"""

import threading
import time
from collections.abc import Callable

FAILURES_TO_OPEN = 5
FIRST_REST_S, LONGEST_REST_S = 10.0, 300.0


class Breaker:
    """Whether a deployment may be called now."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._rest = FIRST_REST_S
        self._closed_until: float | None = None
        self._probing = False

    @property
    def open(self) -> bool:
        """Whether calls are refused at this moment; a rest that is over admits a probe."""
        with self._lock:
            if self._closed_until is None:
                return False
            return self._probing or self._clock() < self._closed_until

    def admit(self) -> bool:
        """Take the right to call; False if the breaker is open or a probe is under way."""
        with self._lock:
            if self._closed_until is None:
                return True
            if self._probing or self._clock() < self._closed_until:
                return False
            self._probing = True
            return True

    def succeed(self) -> None:
        """Note a good answer."""
        with self._lock:
            self._failures, self._rest = 0, FIRST_REST_S
            self._closed_until, self._probing = None, False

    def fail(self) -> None:
        """Note a failure."""
        with self._lock:
            self._failures += 1
            if self._probing:
                self._rest = min(2 * self._rest, LONGEST_REST_S)
            elif self._failures < FAILURES_TO_OPEN:
                return
            self._closed_until, self._probing = self._clock() + self._rest, False

    def release(self) -> None:
        """Give back a right that was taken and not used: the call was cancelled."""
        with self._lock:
            self._probing = False
