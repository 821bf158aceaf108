"""The upper level of two: agents in cells of a few hundred near ones, so that a search opens the nearest cells only.

A cell holds agents of one declared category, or of none; a cell that grows too large is split in two, so agents come
and go with no rebuild. FAISS finds the nearest cells. The few hundred rows of a cell are multiplied by numpy: twenty
small FAISS indexes, asked one after the other, take longer, and one index of all rows with FAISS's own lists must be
trained, splits no list and looks through all of them to remove a row. It knows vectors and ids, no texts.
"""

from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from graphs.routing.index import VectorIndex
from graphs.routing.space import nearness

__all__ = ["Cells"]

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]
FULL = 512
"""A cell is split when it holds more."""
_BUILT = 192
"""Agents a cell when many are added at once."""
_NEAR = 64
"""Cells that are searched for at first; hardly ever are more opened."""
_SAMPLE_A_CELL = 40
_ROUNDS = 6


class _Cell:
    """Rows that grow by doubling; the last row takes the place of one that is removed."""

    def __init__(self, category: str, dim: int, *, name: str) -> None:
        self.category = category
        self.name = name
        self.ids: list[str] = []
        self._rows = np.zeros((8, dim), np.float32)
        self.total = np.zeros(dim, np.float64)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def rows(self) -> Matrix:
        return self._rows[: len(self.ids)]

    def extend(self, ids: Sequence[str], rows: Matrix) -> None:
        needed = len(self.ids) + len(ids)
        if needed > len(self._rows):
            grown = np.zeros((max(needed, 2 * len(self._rows)), rows.shape[1]), np.float32)
            grown[: len(self.ids)] = self.rows
            self._rows = grown
        self._rows[len(self.ids) : needed] = rows
        self.ids.extend(ids)
        self.total += rows.sum(axis=0)

    def remove(self, id_: str) -> None:
        at = self.ids.index(id_)
        self.total -= self._rows[at]
        last = self.ids.pop()
        if last != id_:
            self.ids[at] = last
            self._rows[at] = self._rows[len(self.ids)]

    @property
    def centre(self) -> Vector:
        middle: Vector = (self.total / max(float(np.linalg.norm(self.total)), 1e-9)).astype(
            np.float32
        )
        return middle


class Cells:
    """Agents by cell."""

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self._cells: dict[str, _Cell] = {}
        self._centres = VectorIndex(dim=dim)
        self._made = 0
        self._cell_of: dict[str, _Cell] = {}

    def __len__(self) -> int:
        return len(self._cell_of)

    def add_all(self, ids: Sequence[str], vectors: Matrix, categories: Sequence[str]) -> None:
        """Add many agents; those of each category are spread over new cells by clustering."""
        by_category: dict[str, list[int]] = {}
        for row, category in enumerate(categories):
            by_category.setdefault(category, []).append(row)
        for category, rows in sorted(by_category.items()):
            own = vectors[rows]
            groups = _clusters(own, -(-len(rows) // _BUILT)) if len(rows) > FULL else None
            for group in groups if groups is not None else [np.arange(len(rows))]:
                cell = self._new(category)
                cell.extend([ids[rows[g]] for g in group], own[group])
                self._keep(cell)

    def add(self, id_: str, vector: Vector, category: str) -> None:
        """Add an agent to the nearest cell of its category."""
        own = [name for name, cell in self._cells.items() if cell.category == category]
        if own:
            ((nearest, _),) = self._centres.search(vector[None, :], 1, allowed=own)[0]
            cell = self._cells[nearest]
            cell.extend([id_], vector[None, :])
            self._cell_of[id_] = cell
            if len(cell) > FULL:
                self._split(cell)
            else:
                self._moved(cell)
        else:
            cell = self._new(category)
            cell.extend([id_], vector[None, :])
            self._keep(cell)

    def remove(self, id_: str) -> None:
        """Remove an agent, if it is there."""
        cell = self._cell_of.pop(id_, None)
        if cell is None:
            return
        cell.remove(id_)
        if len(cell):
            self._moved(cell)
        else:
            self._drop(cell)

    def nearest(
        self,
        queries: Matrix,
        top: int,
        *,
        open_agents: int,
        allowed: Callable[[str], bool] | None = None,
    ) -> list[str]:
        """Return the `top` agents nearest to any of `queries` (n, d), nearest first.

        Args:
            queries: unit rows.
            top: how many at most.
            open_agents: cells are opened, the nearest first, until they hold so many that are allowed.
            allowed: which agents may come back; None means all.
        """
        if not self._cells:
            return []
        ids: list[str] = []
        scores: list[Vector] = []
        for cell in self._nearest_first(queries):
            near = nearness(cell.rows, queries)
            keep = range(len(cell))
            if allowed is not None:
                keep = [n for n in keep if allowed(cell.ids[n])]  # type: ignore[assignment]
                near = near[keep]
            ids += cell.ids if allowed is None else [cell.ids[n] for n in keep]
            scores.append(near)
            if len(ids) >= max(open_agents, top):
                break
        flat = np.concatenate(scores)
        if not len(flat):
            return []
        some = np.argpartition(-flat, min(top, len(flat)) - 1)[:top].tolist()
        return [ids[n] for n in sorted(some, key=lambda n: (-float(flat[n]), ids[n]))]

    def groups(self) -> list[tuple[str, Collection[str]]]:
        """Return the declared category, empty if none, and the members of each cell."""
        return [(cell.category, tuple(cell.ids)) for cell in self._cells.values()]

    def packed(self, ids: Sequence[str]) -> tuple[Matrix, NDArray[np.int32], list[str]]:
        """Return for each agent its vector and the number of its cell, and the category of each cell."""
        number = {name: n for n, name in enumerate(self._cells)}
        vectors: dict[str, Vector] = {}
        for cell in self._cells.values():
            vectors.update(zip(cell.ids, cell.rows, strict=True))
        rows = np.stack([vectors[i] for i in ids]) if ids else np.zeros((0, self._dim), np.float32)
        cells = np.array([number[self._cell_of[i].name] for i in ids], np.int32)
        return rows, cells, [cell.category for cell in self._cells.values()]

    @classmethod
    def unpacked(
        cls,
        ids: Sequence[str],
        vectors: Matrix,
        cells: NDArray[np.int32],
        categories: Sequence[str],
    ) -> "Cells":
        """Return the cells that `packed` was called on."""
        found = cls(vectors.shape[1])
        order = np.argsort(cells, kind="stable")
        bounds = np.searchsorted(cells[order], np.arange(len(categories) + 1))
        for category, start, end in zip(categories, bounds[:-1], bounds[1:], strict=True):
            cell = found._new(category)
            rows = order[start:end]
            cell.extend([ids[row] for row in rows], vectors[rows])
            found._keep(cell)
        return found

    def _nearest_first(self, queries: Matrix) -> Iterator[_Cell]:
        """Yield all cells, the one whose centre is nearest to any of the queries first."""
        seen: set[str] = set()
        for count in (min(_NEAR, len(self._cells)), len(self._cells)):
            best: dict[str, float] = {}
            for hits in self._centres.search(queries, count):
                best.update((n, score) for n, score in hits if score > best.get(n, -np.inf))
            for name in sorted(best, key=lambda n: (-best[n], n))[:count]:
                if name not in seen:
                    seen.add(name)
                    yield self._cells[name]

    def _new(self, category: str) -> _Cell:
        self._made += 1
        return _Cell(category, self._dim, name=f"{self._made:08}")

    def _keep(self, cell: _Cell) -> None:
        self._cells[cell.name] = cell
        self._centres.add([cell.name], cell.centre[None, :])
        self._cell_of.update((i, cell) for i in cell.ids)

    def _moved(self, cell: _Cell) -> None:
        self._centres.remove([cell.name])
        self._centres.add([cell.name], cell.centre[None, :])

    def _drop(self, cell: _Cell) -> None:
        del self._cells[cell.name]
        self._centres.remove([cell.name])

    def _split(self, cell: _Cell) -> None:
        self._drop(cell)
        for group in _clusters(cell.rows, 2):
            half = self._new(cell.category)
            half.extend([cell.ids[g] for g in group], cell.rows[group])
            self._keep(half)


def _clusters(rows: Matrix, count: int) -> list[NDArray[np.int64]]:
    """Return the rows in `count` groups or fewer, by spherical k-means on an evenly spaced sample."""
    sample = rows[:: max(1, len(rows) // (count * _SAMPLE_A_CELL))]
    centres = sample[np.linspace(0, len(sample) - 1, count).astype(int)].copy()
    for _ in range(_ROUNDS):
        owner = np.argmax(sample @ centres.T, axis=1)
        for n in range(count):
            if (mine := owner == n).any():
                middle = sample[mine].sum(axis=0)
                centres[n] = middle / max(float(np.linalg.norm(middle)), 1e-9)
    owner = np.concatenate(
        [np.argmax(rows[at : at + 8192] @ centres.T, axis=1) for at in range(0, len(rows), 8192)]
    )
    groups = [np.flatnonzero(owner == n) for n in range(count)]
    groups = [g for g in groups if len(g)]
    if len(groups) == 1:  # equal rows cannot be told apart: any cut will do
        half = len(groups[0]) // 2
        return [groups[0][:half], groups[0][half:]]
    return groups
