"""Which signals have no degrees: their score is 1 whenever they fire."""

from graphs.policy.policy import Signal

__all__ = ["is_sharp", "is_sure"]

_SHARP = frozenset({"authz", "context", "grant", "holder", "length", "phase", "time"})
_GRADED_METHODS = frozenset({"bm25", "ngram"})


def is_sure(signal: Signal) -> bool:
    """Return whether a signal's score is 1 whenever it fires."""
    if signal.type == "keyword":
        return str(signal.fields.get("method", "")).casefold() not in _GRADED_METHODS
    return signal.type in _SHARP


def is_sharp(signal: Signal) -> bool:
    """Return whether a signal's score is 1 where it fires, and 0 where it does not."""
    return signal.type in _SHARP
