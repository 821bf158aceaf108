"""Embeds the queries of outcome tables with progress, and remembers their vectors from run to run.

The memory is a SQLite file in MoMA's folder: a text's hash and the encoder's name lead to its vector.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from graphs.routing.encoder import Encoder
from graphs.routing.estimators.base import Queries
from graphs.routing.features import surface
from graphs.routing.hashed_words import hashed_words

__all__ = ["embedded", "progress"]

_BATCH = 128
_TABLE = (
    "create table if not exists vectors (key blob primary key, vector blob not null) without rowid"
)


@contextmanager
def progress() -> Iterator[Progress]:
    """Show progress on standard error, where it is a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        yield bar


def embedded(texts: Sequence[str], encoder: Encoder, *, home: Path, bar: Progress) -> Queries:
    """Return the queries with their vectors; what was embedded before is read from `home`."""
    keys = [_key(encoder.name, text) for text in texts]
    vectors = np.empty((len(texts), encoder.dim), np.float32)
    task = bar.add_task("embedding", total=len(texts))
    with closing(_open(home / "vectors.sqlite")) as memory:
        missing = []
        first = {key: row for row, key in reversed([*enumerate(keys)])}
        for key, row in first.items():
            known = _recall(memory, key, dim=encoder.dim)
            if known is None:
                missing.append(row)
            else:
                vectors[row] = known
        bar.advance(task, len(texts) - len(missing))
        # Texts of like length run together, so that none is padded to the longest.
        missing.sort(key=lambda row: len(texts[row]))
        for start in range(0, len(missing), _BATCH):
            rows = missing[start : start + _BATCH]
            vectors[rows] = encoder.encode([texts[row] for row in rows])
            _remember(memory, [(keys[row], vectors[row].tobytes()) for row in rows])
            bar.advance(task, len(rows))
    # A text that is there again has the very same vector, which it would not have out of another batch.
    vectors = vectors[[first[key] for key in keys]]
    return Queries(vectors=vectors, surface=surface(texts), words=hashed_words(texts))


def _open(path: Path) -> sqlite3.Connection:
    """Open the memory; a damaged one is begun anew, where none can be kept it lasts as long as the command."""
    try:
        return _checked(path)
    except sqlite3.OperationalError:
        return _checked(":memory:")
    except sqlite3.DatabaseError:
        path.unlink(missing_ok=True)
        return _checked(path)


def _checked(path: Path | str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30)
    try:
        connection.execute(_TABLE)
        if connection.execute("pragma quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("damaged")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _remember(memory: sqlite3.Connection, rows: Sequence[tuple[bytes, bytes]]) -> None:
    # What cannot be kept is computed again the next time.
    with suppress(sqlite3.DatabaseError), memory:
        memory.executemany("insert or replace into vectors values (?, ?)", rows)


def _key(encoder: str, text: str) -> bytes:
    return hashlib.sha256(f"{encoder}\0{text}".encode(errors="surrogatepass")).digest()


def _recall(memory: sqlite3.Connection, key: bytes, *, dim: int) -> NDArray[np.float32] | None:
    found = memory.execute("select vector from vectors where key = ?", (key,)).fetchone()
    if found is None:
        return None
    vector = np.frombuffer(found[0], np.float32)
    return vector if len(vector) == dim and np.isfinite(vector).all() else None
