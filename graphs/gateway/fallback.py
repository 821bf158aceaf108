"""What follows a failure: whether the same deployment is asked again and after how long, and which other one can help.

It sends nothing and reads no clock.
"""

import random
import threading
from dataclasses import dataclass, field

from agents.errors import NoModelError, ProviderError, RefusedError
from graphs.gateway.models import Model

ATTEMPTS_A_DEPLOYMENT, ATTEMPTS_A_TURN = 2, 6
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 4.0
REPEATS_PER_CALL, REPEATS_IN_RESERVE = 0.1, 10.0


class RepeatBudget:
    """How many repeats on the same deployment the process may still make: a tenth of its calls, and a small reserve.

    Without it, an outage would be answered with twice the calls. Falling back to another deployment costs nothing
    here. Half of the reserve is for turns that have no other model left. Safe to share between threads.
    """

    def __init__(self) -> None:
        self._left = REPEATS_IN_RESERVE
        self._lock = threading.Lock()

    def note_call(self) -> None:
        """Count a first call, which earns a tenth of a repeat."""
        with self._lock:
            self._left = min(REPEATS_IN_RESERVE, self._left + REPEATS_PER_CALL)

    def take(self, *, others: bool) -> bool:
        """Return whether a repeat may be made, and count it.

        Args:
            others: whether the turn has another model to ask.
        """
        with self._lock:
            if self._left < 1 + (REPEATS_IN_RESERVE / 2 if others else 0):
                return False
            self._left -= 1
            return True


def pause_before_repeat(error: ProviderError, number: int, *, others: bool) -> float | None:
    """Return the seconds to wait before the same deployment is asked again; None: it is not.

    Args:
        error: how the last attempt failed.
        number: which attempt on the deployment that was, from 1.
        others: whether the turn has another model to ask; then a long wait is not worth it.
    """
    if not error.may_retry or number >= ATTEMPTS_A_DEPLOYMENT:
        return None
    if error.retry_after is not None:
        return None if others and error.retry_after > LONGEST_PAUSE_S else error.retry_after
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**number)
    return random.uniform(0, longest)  # noqa: S311 full jitter, not a secret


def can_help(other: Model, *, failed: Model, error: ProviderError) -> bool:
    """Return whether `other` may answer what `failed` could not, as a refused key or a full window tells."""
    if error.remedy == "key":
        return (other.provider, other.key) != (failed.provider, failed.key)
    if error.remedy == "provider":
        return other.provider != failed.provider
    if error.remedy == "window":
        return other.context_tokens > failed.context_tokens
    return True


@dataclass(slots=True)
class Course:
    """How a turn has gone so far."""

    failure: ProviderError = field(
        default_factory=lambda: NoModelError("no model may answer this turn; /models says why")
    )
    """What the turn ends with if nothing follows."""
    calls: int = 0
    _failed: list[tuple[Model, ProviderError]] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether the turn has made all the calls that it may."""
        return self.calls >= ATTEMPTS_A_TURN

    def spares_one(self, *, waiting: int) -> bool:
        """Whether a repeat leaves a call for each of the `waiting` models that were not asked yet."""
        return ATTEMPTS_A_TURN - self.calls > waiting

    def note(self, model: Model, error: ProviderError, *, called: bool) -> None:
        """Take in how an attempt ended; one that was called says more than one that could not be.

        The request is to blame only where every model that was called says so.
        """
        other = self.calls and not isinstance(self.failure, RefusedError)
        if (called or not self.calls) and not (other and isinstance(error, RefusedError)):
            self.failure = error
        if called:
            self.calls += 1
            self._failed.append((model, error))

    def hopeless(self, model: Model) -> ProviderError | None:
        """Return the failure that `model` would share, if any."""
        return next((e for m, e in self._failed if not can_help(model, failed=m, error=e)), None)
