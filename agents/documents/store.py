"""The index on disk: documents, their passages and a full-text table over them, in one SQLite file.

It knows SQL and no file format, folder walk or question. Each document is replaced in one transaction, so a run that is
stopped leaves every document either as it was or as it is now.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from agents.documents.chunks import Chunk
from agents.documents.schema import prepare
from agents.documents.sections import CLOSE, OPEN
from agents.errors import AgentError

_BUSY_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """By which a changed file is told."""

    size: int
    mtime_ns: int
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One indexed file."""

    path: str
    """Relative to the folder, with forward slashes."""
    passages: int
    problem: str
    """What was left out, or why nothing could be read; empty if all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A stored passage and the file it is from."""

    id: int
    file: str
    page: int | None
    heading: str
    text: str


class Store:
    """One connection to the index, for one folder; use it in the thread that opened it."""

    def __init__(self, connection: sqlite3.Connection, *, folder: str) -> None:
        self._db = connection
        self._folder = folder

    @classmethod
    @contextmanager
    def open(cls, path: Path, *, folder: Path) -> Iterator["Store"]:
        """Open the index file, making it if it is absent or of an older version.

        Raises:
            AgentError: the file cannot be opened, is damaged or stays locked by another process.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(OSError):  # SQLite says what is wrong with it
            path.touch(mode=0o600)
        connection = None
        try:
            connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
            with suppress(sqlite3.OperationalError):  # locked: another connection does it right now
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            prepare(connection)
            yield cls(connection, folder=str(folder))
        except sqlite3.Error as error:
            locked = "locked" in str(error)
            remedy = "try again in a moment" if locked else "delete it to have it built anew"
            raise AgentError(f"the index {path.name} cannot be used ({error}): {remedy}") from error
        finally:
            if connection is not None:
                connection.close()

    def fingerprints(self) -> dict[str, Fingerprint]:
        """Return what was known of each file when it was last read, by path."""
        rows = self._db.execute(
            "SELECT path, size, mtime_ns, sha256 FROM documents WHERE folder = ?", (self._folder,)
        )
        return {
            path: Fingerprint(size=size, mtime_ns=mtime, sha256=sha)
            for path, size, mtime, sha in rows
        }

    def touch(self, path: str, fingerprint: Fingerprint) -> None:
        """Record a new time of change for a file whose content is the same."""
        self._db.execute(
            "UPDATE documents SET size = ?, mtime_ns = ? WHERE folder = ? AND path = ?",
            (fingerprint.size, fingerprint.mtime_ns, self._folder, path),
        )

    def replace(
        self, path: str, fingerprint: Fingerprint, *, chunks: Sequence[Chunk], problem: str
    ) -> None:
        """Put a file's passages in the place of those it had, in one transaction."""
        name = path.rpartition(".")[0]
        with _transaction(self._db):
            self._delete(path)
            cursor = self._db.execute(
                "INSERT INTO documents (folder, path, size, mtime_ns, sha256, problem) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    self._folder,
                    path,
                    fingerprint.size,
                    fingerprint.mtime_ns,
                    fingerprint.sha256,
                    problem,
                ),
            )
            self._db.executemany(
                "INSERT INTO passages (document, page, heading, name, text, first, last) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        cursor.lastrowid,
                        chunk.page,
                        chunk.heading,
                        name,
                        chunk.text,
                        chunk.start,
                        chunk.end,
                    )
                    for chunk in chunks
                ],
            )

    def drop(self, path: str) -> None:
        """Forget a file that is gone."""
        with _transaction(self._db):
            self._delete(path)

    def documents(self) -> list[Document]:
        """Return the indexed files in the order of their paths."""
        rows = self._db.execute(
            "SELECT d.path, count(p.id), d.problem FROM documents d LEFT JOIN passages p ON p.document = d.id"
            " WHERE d.folder = ? GROUP BY d.id ORDER BY d.path",
            (self._folder,),
        )
        return [
            Document(path=path, passages=count, problem=problem) for path, count, problem in rows
        ]

    def size(self) -> tuple[int, int]:
        """Return how many documents have passages, and how many passages there are."""
        row = self._db.execute(
            "SELECT count(DISTINCT p.document), count(*) FROM passages p JOIN documents d ON d.id = p.document"
            " WHERE d.folder = ?",
            (self._folder,),
        ).fetchone()
        return int(row[0]), int(row[1])

    def best(self, match: str, *, limit: int) -> list[int]:
        """Return the ids of the passages that match an FTS5 expression, best BM25 first."""
        # The weights are of a word in the text, in the headings and in the file's name.
        rows = self._db.execute(
            "SELECT words.rowid FROM words JOIN passages p ON p.id = words.rowid JOIN documents d ON d.id = p.document"
            " WHERE words MATCH ? AND d.folder = ? ORDER BY bm25(words, 1.0, 0.8, 0.6), words.rowid LIMIT ?",
            (match, self._folder, limit),
        )
        return [row[0] for row in rows]

    def frequency(self, match: str) -> int:
        """Return in how many passages an FTS5 expression is found."""
        row = self._db.execute(
            "SELECT count(*) FROM words JOIN passages p ON p.id = words.rowid JOIN documents d ON d.id = p.document"
            " WHERE words MATCH ? AND d.folder = ?",
            (match, self._folder),
        ).fetchone()
        return int(row[0])

    def holding(self, match: str, *, among: Sequence[int]) -> set[int]:
        """Return those of the passages `among` which match an FTS5 expression."""
        marks = ", ".join("?" * len(among))
        rows = self._db.execute(
            f"SELECT rowid FROM words WHERE words MATCH ? AND rowid IN ({marks})",  # noqa: S608
            (match, *among),
        )
        return {row[0] for row in rows}

    def passage(self, number: int) -> Passage:
        """Return a passage by its id."""
        row = self._db.execute(
            "SELECT d.path, p.page, p.heading, p.text FROM passages p JOIN documents d ON d.id = p.document"
            " WHERE p.id = ?",
            (number,),
        ).fetchone()
        return Passage(id=number, file=row[0], page=row[1], heading=row[2], text=row[3])

    def highlighted(self, number: int, match: str) -> str:
        """Return a passage's text with each matching word between OPEN and CLOSE."""
        row = self._db.execute(
            "SELECT highlight(words, 0, ?, ?) FROM words WHERE words MATCH ? AND rowid = ?",
            (OPEN, CLOSE, match, number),
        ).fetchone()
        return str(row[0]) if row else self.passage(number).text

    def probe(self) -> bytes | None:
        """Return the vector of the probe text when the stored vectors were made."""
        row = self._db.execute("SELECT probe FROM encoder").fetchone()
        return bytes(row[0]) if row else None

    def forget_vectors(self, probe: bytes) -> None:
        """Drop every vector, since another encoder will make the next; `probe` tells the two apart."""
        with _transaction(self._db):
            self._db.execute("DELETE FROM encoder")
            self._db.execute("INSERT INTO encoder (probe) VALUES (?)", (probe,))
            self._db.execute("UPDATE passages SET vector = NULL")

    def without_vector(self) -> list[int]:
        """Return the ids of the passages that have no vector yet."""
        rows = self._db.execute(
            "SELECT p.id FROM passages p JOIN documents d ON d.id = p.document"
            " WHERE p.vector IS NULL AND d.folder = ? ORDER BY p.id",
            (self._folder,),
        )
        return [row[0] for row in rows]

    def set_vectors(self, vectors: Sequence[tuple[int, bytes]]) -> None:
        """Store vectors as (passage id, float32 bytes)."""
        with _transaction(self._db):
            self._db.executemany(
                "UPDATE passages SET vector = ? WHERE id = ?",
                [(data, number) for number, data in vectors],
            )

    def vectors(self, *, block: int, size: int) -> Iterator[list[tuple[int, bytes]]]:
        """Yield the stored vectors of `size` bytes as (passage id, float32 bytes), `block` at a time."""
        cursor = self._db.execute(
            "SELECT p.id, p.vector FROM passages p JOIN documents d ON d.id = p.document"
            " WHERE length(p.vector) = ? AND d.folder = ?",
            (size, self._folder),
        )
        while rows := cursor.fetchmany(block):
            yield rows

    def _delete(self, path: str) -> None:
        self._db.execute(
            "DELETE FROM documents WHERE folder = ? AND path = ?", (self._folder, path)
        )


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
