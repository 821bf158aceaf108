"""Which threads are being begun: who asks two models side by side sends the first turn of a chat twice at once.

It is of one process, and knows no thread.
"""

import time

__all__ = ["LONGEST_S", "Beginnings"]

LONGEST_S = 2.0
"""After so long the first state of a thread is saved, or its turn was not taken."""


class Beginnings:
    """The threads whose first turn came a moment ago."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def is_first(self, thread: str) -> bool:
        """Note that a first turn of `thread` has come; return whether none had a moment ago."""
        now = time.monotonic()
        self._since = {t: at for t, at in self._since.items() if now - at < LONGEST_S}
        if thread in self._since:
            return False
        self._since[thread] = now
        return True
