"""Lets hypothesis-jsonschema 0.23, which reads private parts of Hypothesis, work with the Hypothesis that is locked.

It draws objects by `while many.more()`; since 6.170 Hypothesis has `with many as elements: for _ in elements` instead.
"""

from collections.abc import Iterator
from typing import Any

from hypothesis.internal.conjecture import utils

_END = object()


class Many(utils.many):
    """Hypothesis' loop over elements with the method that was taken out."""

    _turns: Iterator[Any]

    def more(self) -> bool:
        """Whether another element is to be drawn."""
        if self._depth is None:
            self.__enter__()
            self._turns = iter(self)
        if next(self._turns, _END) is not _END:
            return True
        self.__exit__(None)
        return False


if not hasattr(utils.many, "more"):
    utils.many = Many  # type: ignore[misc]
