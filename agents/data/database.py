"""Loads a folder's files into a locked in-memory DuckDB and keeps it until a file changes. It knows no question.

Files are copied into tables while the database may still read; then file and network access end for good, so no
statement can reach anything but these tables.
"""

import sqlite3
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agents.data import files, sqlite
from agents.data.loading import load_file
from agents.data.query import identifier
from agents.data.sandbox import Result, SandboxError, check_select, run
from agents.data.schema import Column, ColumnKind, Skipped, Table
from agents.data.words import stems

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAX_TABLES = 64
MAX_COLUMNS = 200
MAX_DISTINCT = 1_000
LOAD_SECONDS = 30.0
MEMORY = "1GB"

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
            "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The loaded tables, what could not be loaded, and the locked connection behind them."""

    tables: tuple[Table, ...]
    skipped: tuple[Skipped, ...]
    connection: "DuckDBPyConnection"

    @classmethod
    def load(cls, found: list[files.DataFile], skipped: list[Skipped]) -> "Database":
        """Load every file that can be read; name the others in `skipped`."""
        import duckdb  # heavy; needed only once a question is about data

        connection = duckdb.connect(
            ":memory:",
            config={
                "threads": 1,
                "memory_limit": MEMORY,
                "temp_directory": "",
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "python_enable_replacements": False,
            },
        )
        loader = _Loader(connection)
        for file in found:
            loader.add(file)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        return cls(
            tables=tuple(loader.tables), skipped=(*skipped, *loader.skipped), connection=connection
        )

    def table(self, name: str) -> Table:
        """Return the table called exactly `name`; KeyError if there is none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)

    def select(self, sql: str) -> Result:
        """Check and run one SELECT; SandboxError says why it was refused or how it failed."""
        check_select(self.connection, sql, tables=[table.name for table in self.tables])
        return run(self.connection, sql)


class Library:
    """Keeps the databases of the last few folders; a folder is loaded again when its files change."""

    def __init__(self, *, capacity: int = 4) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._kept: OrderedDict[Path, tuple[object, Database]] = OrderedDict()

    def open(self, folder: Path) -> Database:
        """Return the database of `folder` as its files are now."""
        found, skipped = files.find(folder)
        state = (tuple(found), tuple(skipped))
        with self._lock:
            kept = self._kept.get(folder)
            if kept is None or kept[0] != state or any(s.passing for s in kept[1].skipped):
                kept = (state, Database.load(found, skipped))
                self._kept[folder] = kept
            self._kept.move_to_end(folder)
            # An evicted database is closed by its last user, who may be in the middle of a query.
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)
            return kept[1]


class _Loader:
    """Fills a database file by file, within one time limit for all."""

    def __init__(self, connection: "DuckDBPyConnection") -> None:
        self._connection = connection
        self._deadline = time.monotonic() + LOAD_SECONDS
        self._names: set[str] = set()
        self.tables: list[Table] = []
        self.skipped: list[Skipped] = []

    def add(self, file: files.DataFile) -> None:
        """Load one file, or note why not."""
        import duckdb  # heavy; needed only once a question is about data

        left = self._deadline - time.monotonic()
        if left <= 0:
            self._skip(
                file, f"loading the files before it took {LOAD_SECONDS:g} s; remove or split some"
            )
            return
        timer = threading.Timer(left, self._connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            self._read(file)
        except duckdb.InterruptException:
            self._skip(file, "it takes too long to load; split it")
        except duckdb.OutOfMemoryException:
            self._skip(file, f"it does not fit into {MEMORY} of memory; split it")
        except (duckdb.Error, sqlite3.Error, UnicodeError, OSError, ValueError) as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            reason = first.replace(str(file.path), file.path.name)[:200]
            passing = "locked" in reason and file.reader == "sqlite"
            self._skip(file, f"it cannot be read: {reason}", passing=passing)
        finally:
            timer.cancel()

    def _read(self, file: files.DataFile) -> None:
        if file.reader == "sqlite":
            self._read_sqlite(file)
            return
        if file.size == 0:
            raise ValueError("the file is empty")
        name = files.table_name(file.path.stem, taken=self._names)
        try:
            note = load_file(self._connection, file, name=name, most_columns=MAX_COLUMNS)
            self._keep(name, source=file.path.name, note=note)
        except Exception:
            self._drop(name)
            raise

    def _read_sqlite(self, file: files.DataFile) -> None:
        """Load each table by itself: a view of what is gone must not take the others along."""
        sources = sqlite.table_names(file.path)
        for source in sources[: sqlite.MAX_SQLITE_TABLES]:
            name = files.table_name(source, taken=self._names)
            place = f"{file.path.name} ({source})"
            try:
                more = sqlite.copy_table(
                    file.path, source, into=self._connection, name=name, deadline=self._deadline
                )
            except sqlite3.Error as error:
                self._drop(name)
                late = time.monotonic() > self._deadline
                reason = "it takes too long to load" if late else f"it cannot be read: {error}"
                passing = "locked" in str(error)
                self.skipped.append(Skipped(file=place, reason=reason[:250], passing=passing))
                continue
            note = f"only the first {sqlite.MAX_SQLITE_ROWS:,} rows were read" if more else ""
            self._keep(name, source=place, note=note)
        if len(sources) > sqlite.MAX_SQLITE_TABLES:
            self._skip(file, f"of its tables only the first {sqlite.MAX_SQLITE_TABLES} were read")

    def _drop(self, name: str) -> None:
        """Drop what was loaded of a table; one that stays, as time was over just then, is known to nobody."""
        import duckdb

        with suppress(duckdb.Error):
            self._connection.execute(f"DROP TABLE IF EXISTS {identifier(name)}")

    def _keep(self, name: str, *, source: str, note: str = "") -> None:
        if len(self.tables) >= MAX_TABLES:
            self._connection.execute(f"DROP TABLE {identifier(name)}")
            raise ValueError(f"there are more than {MAX_TABLES} tables")
        self.tables.append(_profile(self._connection, name=name, source=source, note=note))

    def _skip(self, file: files.DataFile, reason: str, *, passing: bool = False) -> None:
        self.skipped.append(Skipped(file=file.path.name, reason=reason, passing=passing))


def _profile(connection: "DuckDBPyConnection", *, name: str, source: str, note: str) -> Table:
    described = connection.execute(f"DESCRIBE {identifier(name)}").fetchall()
    if len(described) > MAX_COLUMNS:
        raise ValueError(f"it has {len(described)} columns, more than the {MAX_COLUMNS} allowed")
    counts = ", ".join(f"count(DISTINCT {identifier(row[0])})" for row in described)
    query = f"SELECT count(*), {counts} FROM {identifier(name)}"  # noqa: S608 - every name is quoted
    measured = connection.execute(query).fetchone() or (0,)
    rows = int(measured[0])
    columns = []
    for (column, kind, *_), distinct in zip(described, measured[1:], strict=True):
        values = {}
        if _kind(kind) is ColumnKind.TEXT and 0 < distinct <= MAX_DISTINCT:
            values = _values(connection, table=name, column=column)
        columns.append(
            Column(
                name=column,
                type=kind,
                kind=_kind(kind),
                unique=rows > 0 and distinct == rows,
                values=values,
            )
        )
    return Table(name=name, source=source, columns=tuple(columns), rows=rows, note=note)


def _values(
    connection: "DuckDBPyConnection", *, table: str, column: str
) -> dict[tuple[str, ...], tuple[str, ...]]:
    name = identifier(column)
    query = (
        f"SELECT DISTINCT {name} FROM {identifier(table)} "  # noqa: S608 - every name is quoted
        f"WHERE length({name}) BETWEEN 1 AND 80 ORDER BY 1"
    )
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for (value,) in connection.execute(query).fetchall():
        key = stems(str(value))
        if key:
            found[key] = (*found.get(key, ()), str(value))
    return found


def _kind(type_name: str) -> ColumnKind:
    if type_name.endswith("]") or type_name.startswith(("STRUCT", "MAP", "UNION")):
        return ColumnKind.OTHER
    if type_name == "BOOLEAN":
        return ColumnKind.BOOLEAN
    if type_name.startswith(("DATE", "TIMESTAMP")):
        return ColumnKind.DATE
    if type_name.startswith(_NUMBERS):
        return ColumnKind.NUMBER
    return (
        ColumnKind.TEXT if type_name.startswith(("VARCHAR", "ENUM", "UUID")) else ColumnKind.OTHER
    )


__all__ = ["Database", "Library", "SandboxError"]
