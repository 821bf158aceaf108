"""What is computed once and kept for as long as its owner lives."""

from collections.abc import Callable, Hashable
from typing import TypeVar

__all__ = ["Memo"]

T = TypeVar("T")


class Memo:
    """Keeps what was computed, by key; for classes to derive from."""

    def __init__(self) -> None:
        self._memo: dict[Hashable, object] = {}

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return what `compute` gives, computed once for each key."""
        if key not in self._memo:
            self._memo[key] = compute()
        return self._memo[key]  # type: ignore[return-value]
