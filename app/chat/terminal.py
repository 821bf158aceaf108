"""The terminal's own echo, which would write into an answer that is being drawn. It knows nothing of what is drawn."""

import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

_LOCAL_MODES = 3
"""Where `termios` keeps the modes that have the echo among them."""


@contextmanager
def unechoed() -> Iterator[None]:
    """Keep what is typed for the next prompt, unseen.

    A key, or the `^C` of an interrupt, would move the cursor, and what is drawn anew would begin in the wrong line.
    Where the input is no terminal nothing is done.
    """
    try:
        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
    except (OSError, ValueError, termios.error):
        yield
        return
    silent = [*before]
    silent[_LOCAL_MODES] &= ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSANOW, silent)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
