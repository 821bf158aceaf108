"""Imports large libraries without a search for garbage meanwhile.

What a module makes when it is imported stays. The more of it there is, the oftener Python looks through all of it in
vain: for a third of the time that LiteLLM takes.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_inside = 0
_was_on = True


@contextmanager
def no_collection() -> Iterator[None]:
    """Hold garbage collection back; several threads may at once, and the last one ends it."""
    global _inside, _was_on
    with _lock:
        if not _inside:
            _was_on = gc.isenabled()
            gc.disable()
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside and _was_on:
                gc.enable()
