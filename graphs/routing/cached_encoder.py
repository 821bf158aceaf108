"""An encoder that remembers, and encodes together what turns that run at once ask for. It knows no kind of encoder."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from agents.errors import RoutingError
from graphs.routing.encoders.rows import Vectors, readable

if TYPE_CHECKING:
    from graphs.routing.encoder import Encoder

__all__ = ["CachedEncoder", "encode_checked"]

_NOT_QUITE_1 = 0.01
"""By how much the square of a length may miss 1; int8 weights and half precision stay far below."""
_TOGETHER = 4_096
"""Characters that are encoded together: no more than the longest text alone, so that nobody waits longer."""
_PATIENCE_S = 1.0
"""How long a thread waits for a text that another one encodes before it does so itself."""


def encode_checked(encoder: "Encoder", texts: Sequence[str]) -> Vectors:
    """Return the encoder's rows for `texts`, (n, d), whoever wrote it: what is none of a vector ends here.

    Raises:
        RoutingError: there are not as many rows, they have another length, or one is not of length 1.
    """
    rows = np.asarray(encoder.encode(texts))
    if rows.shape != (len(texts), encoder.dim):
        raise RoutingError(
            f"the encoder {encoder.name} gave vectors of shape {rows.shape}, "
            f"expected ({len(texts)}, {encoder.dim})"
        )
    squares = np.einsum("nd,nd->n", rows, rows, dtype=np.float64)
    if not (np.abs(squares - 1) <= _NOT_QUITE_1).all():  # false for NaN too
        raise RoutingError(f"the encoder {encoder.name} gave a vector that is not of length 1")
    return rows


class CachedEncoder:
    """An encoder that remembers the vectors of the texts used last.

    Eight short texts in one go take half the processor time of eight in a row. So texts may be announced (`expect`):
    whoever encodes next takes them along, and who asked for them finds them here.
    """

    def __init__(self, encoder: "Encoder", *, entries: int = 1024) -> None:
        self.behind = encoder
        """What encodes texts that are not remembered."""
        self._entries = entries
        self._rows: OrderedDict[str, Vectors] = OrderedDict()
        self._expected: OrderedDict[str, None] = OrderedDict()
        self._under_way: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The name of the encoder behind."""
        return self.behind.name

    @property
    def dim(self) -> int:
        """The length of each vector."""
        return self.behind.dim

    def __contains__(self, text: str) -> bool:
        return readable(text) in self._rows

    def expect(self, texts: Iterable[str]) -> None:
        """Announce texts that will be asked for in a moment."""
        with self._lock:
            for key in map(readable, texts):
                if key not in self._rows and key not in self._under_way:
                    self._expected[key] = None
            while len(self._expected) > self._entries:
                self._expected.popitem(last=False)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one row a text; only texts that are not remembered reach the encoder, each once."""
        if not texts:
            return np.empty((0, self.dim), np.float32)
        keys = [readable(text) for text in texts]  # bounds what an entry can weigh
        with self._lock:
            known = {key: self._rows[key] for key in keys if key in self._rows}
            missing = [key for key in dict.fromkeys(keys) if key not in known]
            others = {self._under_way[key] for key in missing if key in self._under_way}
            mine = [key for key in missing if key not in self._under_way]
            batch, done = [*mine, *self._along(mine)], threading.Event()
            self._under_way.update(dict.fromkeys(batch, done))
        if batch:
            known.update(self._encoded(batch, mine, done))
        for other in others:
            other.wait(_PATIENCE_S)
        with self._lock:
            known.update({key: self._rows[key] for key in missing if key in self._rows})
        if left := [key for key in missing if key not in known]:  # what another thread could not do
            known.update(zip(left, self._rows_of(left), strict=True))
        self._remember(known, used=keys)
        return np.stack([known[key] for key in keys])

    def _along(self, mine: Sequence[str]) -> list[str]:
        """Return what is taken along with `mine`, if there is anything to encode; the lock is held."""
        for key in mine:
            self._expected.pop(key, None)
        room, along = _TOGETHER - sum(map(len, mine)), []
        for key in [*self._expected] if mine else ():
            if len(key) > room:
                continue  # it waits until it is asked for, and holds up no shorter one
            del self._expected[key]
            if key not in self._rows and key not in self._under_way:
                along.append(key)
                room -= len(key)
        return along

    def _encoded(
        self, batch: Sequence[str], mine: Sequence[str], done: threading.Event
    ) -> dict[str, Vectors]:
        """Encode a batch, or of it what this thread was asked for, and let go who waits for it."""
        rows: dict[str, Vectors] = {}
        try:
            try:
                rows = dict(zip(batch, self._rows_of(batch), strict=True))
            except RoutingError:
                if len(batch) == len(mine):
                    raise
                rows = dict(zip(mine, self._rows_of(mine), strict=True))
            self._remember(rows)
        finally:
            with self._lock:
                for key in batch:
                    self._under_way.pop(key, None)
            done.set()
        return rows

    def _rows_of(self, texts: Sequence[str]) -> list[Vectors]:
        return [*map(np.copy, encode_checked(self.behind, texts))]

    def _remember(self, rows: dict[str, Vectors], *, used: Sequence[str] = ()) -> None:
        with self._lock:
            self._rows.update(rows)
            for key in used:
                if key in self._rows:
                    self._rows.move_to_end(key)
            while len(self._rows) > self._entries:
                self._rows.popitem(last=False)
