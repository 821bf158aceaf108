"""A circuit breaker for one deployment: after repeated failures it rests, then lets one probe through.

It knows no model and reads the clock it is given. Policy: 5 failures in a row, or more than half of at least 10 calls
within 30 s, open it for 10 s; each failed probe doubles the rest, up to 5 minutes; a good probe closes it. Where a
share of the calls fails anyway, runs of 5 come by chance, at 30 % every few hundred calls, and say nothing: then the
run has to be so long that chance makes it once in a million. A deployment that names the moment from which it may be
asked again is held until then, and for 5 minutes at most.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from enum import StrEnum

FAILURES_TO_OPEN = 5
BY_CHANCE = 1e-6
"""How probable a run of failures may be in a deployment that fails as often as before."""
FIRST_REST_S, LONGEST_REST_S = 10.0, 300.0
WINDOW_S, CALLS_TO_JUDGE, BAD_SHARE = 30.0, 10, 0.5
"""A share of failures is judged over so many seconds, from so many calls on."""


class Permit(StrEnum):
    """The right to make one call."""

    CALL = "call"  # the breaker was closed
    PROBE = "probe"  # a rest was over: what becomes of this one call decides


class Breaker:
    """Whether a deployment may be called now. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._ends: deque[tuple[float, bool]] = deque()
        """When the calls of the last `WINDOW_S` ended, and whether they failed."""
        self._bad = 0
        self._rest = FIRST_REST_S
        self._rests_until: float | None = None
        self._held_until = -math.inf
        self._probing = False
        self.on_rest: Callable[[float], None] | None = None
        """Told of each rest that begins here, in seconds."""

    @property
    def open(self) -> bool:
        """Whether calls are refused at this moment; a rest that is over admits a probe."""
        with self._lock:
            return self._refuses()

    @property
    def rest_s(self) -> float:
        """The seconds until a call may be admitted, 0 if one may be now or a probe is under way."""
        with self._lock:
            return max(0.0, self._ready_at() - self._clock())

    @property
    def held_s(self) -> float:
        """The seconds for which the deployment asked to be left alone, 0 if it did not or rests after failures."""
        with self._lock:
            held = self._held_until - self._clock()
            return max(0.0, held) if self._rests_until is None else 0.0

    def admit(self) -> Permit | None:
        """Take the right to call; None if the breaker is open or a probe is under way.

        Each permit is given back once, to `succeed`, `fail` or `release`; `settle` does that by how the call ended.
        """
        with self._lock:
            if self._refuses():
                return None
            self._probing = self._rests_until is not None
            return Permit.PROBE if self._probing else Permit.CALL

    def settle(self, permit: Permit, *, good: bool | None) -> None:
        """Give back a permit, and say whether the call was a good one; None says nothing of the deployment's health."""
        if good is None:
            self.release(permit)
        elif good:
            self.succeed(permit)
        else:
            self.fail(permit)

    def succeed(self, permit: Permit) -> None:
        """Note a good answer. One that began before the breaker opened does not close it."""
        with self._lock:
            if permit is Permit.PROBE:
                self._rest, self._rests_until, self._probing = FIRST_REST_S, None, False
                self._ends.clear()
                self._bad = 0
            self._in_a_row = 0
            self._note(failed=False)

    def fail(self, permit: Permit) -> None:
        """Note a failure. Calls that began before the breaker opened neither end a probe nor lengthen the rest."""
        with self._lock:
            began = self._fail(permit)
        if began and self.on_rest is not None:
            self.on_rest(self._rest)

    def release(self, permit: Permit) -> None:
        """Give back a permit of a call that says nothing of the deployment's health, as a cancelled one."""
        with self._lock:
            if permit is Permit.PROBE:
                self._probing = False

    def hold(self, seconds: float) -> None:
        """Admit nobody for so many seconds, as the deployment asked; a shorter wait does not undo a longer one.

        What it asked may be a mistake, as of a clock that is wrong: after `LONGEST_REST_S` it is asked again.
        """
        seconds = min(seconds, LONGEST_REST_S)
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)
        if self.on_rest is not None:
            self.on_rest(seconds)

    def rest(self, seconds: float) -> None:
        """Rest for so many seconds, as another process found that it should; a probe under way goes on."""
        with self._lock:
            if not self._probing:
                until = self._clock() + seconds
                self._rests_until = max(until, self._rests_until or until)

    def _fail(self, permit: Permit) -> bool:
        """Count a failure and return whether a rest begins with it."""
        if permit is Permit.PROBE:
            self._rest = min(2 * self._rest, LONGEST_REST_S)
            self._rests_until, self._probing = self._clock() + self._rest, False
            return True
        if self._rests_until is not None:
            return False
        self._in_a_row += 1
        self._note(failed=True)
        judged = len(self._ends) >= CALLS_TO_JUDGE
        mostly_bad = judged and self._bad > BAD_SHARE * len(self._ends)
        if mostly_bad or self._in_a_row >= self._run_to_open():
            self._rests_until = self._clock() + self._rest
            return True
        return False

    def _run_to_open(self) -> int:
        """Return how many failures in a row open it."""
        before = len(self._ends) - self._in_a_row
        share = (self._bad - self._in_a_row) / before if before >= CALLS_TO_JUDGE else 0.0
        if share <= 0:
            return FAILURES_TO_OPEN
        # Above half, the share itself opens it.
        run = math.log(BY_CHANCE) / math.log(min(share, BAD_SHARE))
        return max(FAILURES_TO_OPEN, math.ceil(run))

    def _refuses(self) -> bool:
        return self._probing or self._clock() < self._ready_at()

    def _ready_at(self) -> float:
        return max(self._held_until, -math.inf if self._rests_until is None else self._rests_until)

    def _note(self, *, failed: bool) -> None:
        now = self._clock()
        self._ends.append((now, failed))
        self._bad += failed
        while self._ends[0][0] <= now - WINDOW_S:
            self._bad -= self._ends.popleft()[1]
