"""Exact search over named vectors, kept in memory by FAISS, which never reads a file.

It knows neither what the ids stand for nor how the vectors were made.
"""

import threading
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from agents.errors import RoutingError

__all__ = ["VectorIndex"]

Vectors = npt.NDArray[np.float32]
Hits = list[tuple[str, float]]

_MANY = 100
"""Neighbours from which the search for a single query is done by numpy over FAISS's rows."""
_LARGEST = 1e15  # the product of two vectors of such numbers is still finite in float32

_faiss: Any = faiss  # its stub has the signatures of C++, not those of the Python wrappers


class VectorIndex:
    """Vectors under string ids, searched by inner product; its methods may be called from several threads.

    A removed vector's row is taken by the last one, so a removal moves one row and not all behind it.
    """

    def __init__(self, *, dim: int) -> None:
        self.dim = dim
        self._flat: Any = _faiss.IndexFlatIP(dim)
        self._ids: list[str] = []  # by row
        self._rows: dict[str, int] = {}
        self._lock = threading.Lock()  # FAISS lets go of the interpreter while it searches

    @classmethod
    def from_vectors(cls, ids: Sequence[str], vectors: npt.NDArray[Any]) -> "VectorIndex":
        """Build an index of one row a vector; `vectors` is (n, d), for an empty index (0, d)."""
        shape = vectors.shape
        if len(shape) != 2 or shape[1] < 1:
            raise RoutingError(
                f"the vectors have the shape {shape}, expected (number of ids, dimension)"
            )
        index = cls(dim=shape[1])
        index.add(ids, vectors)
        return index

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._rows

    def add(self, ids: Sequence[str], vectors: npt.NDArray[Any]) -> None:
        """Add vectors under new ids.

        Raises:
            RoutingError: an id is taken or given twice, or a vector has another dimension or a number that is
                not finite. Nothing has been added then.
        """
        rows = self._checked(vectors, what="vector")
        if len(rows) != len(ids):
            raise RoutingError(f"{len(ids)} ids came with {len(rows)} vectors, expected one each")
        with self._lock:
            new: dict[str, int] = {}
            for id_ in ids:
                if id_ in self._rows or id_ in new:
                    raise RoutingError(f"the id {id_!r} is in the index already: remove it first")
                new[id_] = len(self._ids) + len(new)
            self._flat.add(rows)
            self._ids.extend(new)
            self._rows.update(new)

    def remove(self, ids: Iterable[str]) -> None:
        """Remove vectors by their ids.

        Raises:
            RoutingError: an id is not in the index. Nothing has been removed then.
        """
        gone = dict.fromkeys(ids)
        with self._lock:
            for id_ in gone:
                if id_ not in self._rows:
                    raise RoutingError(f"the id {id_!r} is not in the index: nothing was removed")
            before = len(self._ids)
            stored = self._view()
            for id_ in gone:
                row, last = self._rows.pop(id_), self._ids.pop()
                if last != id_:
                    stored[row] = stored[len(self._ids)]
                    self._ids[row] = last
                    self._rows[last] = row
            self._flat.remove_ids(_faiss.IDSelectorRange(len(self._ids), before))

    def search(
        self, queries: npt.NDArray[Any], k: int, *, allowed: Collection[str] | None = None
    ) -> list[Hits]:
        """Return for each query its `k` nearest ids with their inner products, best first, ties by id.

        Args:
            queries: (n, d).
            k: how many at most; fewer come back when fewer are there.
            allowed: the only ids that may come back, if given; ids that are not in the index are passed over.

        Raises:
            RoutingError: a query has another dimension or a number that is not finite, or `k` is less than 1.
        """
        checked = self._checked(queries, what="query")
        if k < 1:
            raise RoutingError(f"{k} neighbours were asked for, expected 1 or more")
        with self._lock:
            opened = self._opened(allowed)
            available = int(opened.sum())
            if not available or not len(checked):
                return [[] for _ in checked]
            selector = None if available == len(self._ids) else _selector(opened)
            return self._nearest(checked, k, available, selector)

    def nearest_rows(
        self, queries: npt.NDArray[Any], k: int
    ) -> tuple[Vectors, npt.NDArray[np.int64]]:
        """Return the inner products and the rows, in the order of adding, of the `k` nearest, (n, k) each.

        For callers that keep a value a row and never remove one; ties come in no stated order.

        Raises:
            RoutingError: a query has another dimension or a number that is not finite, or `k` is not in 1..size.
        """
        checked = self._checked(queries, what="query")
        if not 1 <= k <= len(self._ids):
            raise RoutingError(
                f"{k} neighbours were asked for, expected 1 to {len(self._ids)}, the size of the index"
            )
        with self._lock:
            if len(checked) == 1 and k >= _MANY:
                return _nearest_of_one(self._view(), checked[0], k)
            scores, rows = self._flat.search(checked, k)
        return scores, rows

    def vectors(self) -> Vectors:
        """Return a copy of the vectors, (size, d), in the order of the rows."""
        with self._lock:
            return self._stored()

    def _checked(self, vectors: npt.NDArray[Any], *, what: str) -> Vectors:
        try:
            with np.errstate(over="ignore"):  # what is too large is refused below
                rows = np.ascontiguousarray(vectors, np.float32)
        except (ValueError, TypeError) as error:
            raise RoutingError(
                f"a {what} has the type {vectors.dtype}, expected numbers"
            ) from error
        if rows.ndim != 2 or rows.shape[1] != self.dim:
            raise RoutingError(
                f"the shape for each {what} is {vectors.shape}, expected (n, {self.dim}): "
                "encode with the encoder of this index"
            )
        if not (np.abs(rows) <= _LARGEST).all():  # false for NaN too
            raise RoutingError(f"a {what} holds a number that is not finite or beyond {_LARGEST:g}")
        return rows

    def _opened(self, allowed: Collection[str] | None) -> npt.NDArray[np.bool_]:
        """Return for each row whether it may come back."""
        if allowed is None:
            return np.ones(len(self._ids), bool)
        opened = np.zeros(len(self._ids), bool)
        opened[[row for id_ in allowed if (row := self._rows.get(id_)) is not None]] = True
        return opened

    def _nearest(self, queries: Vectors, k: int, available: int, selector: Any) -> list[Hits]:
        """Search until whatever ties with the last of the `k` hits is among those found, then order them."""
        found = min(k + 1, available)
        while True:
            scores, rows = self._flat.search(queries, found, params=selector)
            if found == available or not (scores[:, found - 1] == scores[:, k - 1]).any():
                break
            found = min(2 * found, available)
        return [
            self._ordered(*hits)[:k] for hits in zip(scores.tolist(), rows.tolist(), strict=True)
        ]

    def _ordered(self, scores: list[float], rows: list[int]) -> Hits:
        hits = [
            (self._ids[row], score) for score, row in zip(scores, rows, strict=True) if row >= 0
        ]
        return sorted(hits, key=lambda hit: (-hit[1], hit[0]))

    def _view(self) -> Vectors:
        """Return the rows where FAISS keeps them, (size, d); for use under the lock."""
        numbers: Vectors = _faiss.rev_swig_ptr(self._flat.get_xb(), len(self._ids) * self.dim)
        return numbers.reshape(-1, self.dim)

    def _stored(self) -> Vectors:
        if not self._ids:
            return np.empty((0, self.dim), np.float32)
        stored: Vectors = self._flat.reconstruct_n(0, len(self._ids))
        return stored


def _nearest_of_one(
    stored: Vectors, query: Vectors, k: int
) -> tuple[Vectors, npt.NDArray[np.int64]]:
    """Return what a search for `query` (d,) gives: to part hundreds from thousands numpy takes a third of the time."""
    scores = stored @ query
    near = np.argpartition(scores, len(scores) - k)[-k:]
    order = near[np.argsort(scores[near])[::-1]]
    return scores[order][None], order[None]


def _selector(opened: npt.NDArray[np.bool_]) -> Any:
    bitmap = np.packbits(opened, bitorder="little")
    return _faiss.SearchParameters(sel=_faiss.IDSelectorBitmap(bitmap))
