"""The tables of the index, and how an absent or older index is built. It knows SQL only."""

import sqlite3
from collections.abc import Iterator

_VERSION = 1
"""Raised when the schema, a reader or the cutting changes: an older index is built anew."""

_SCHEMA = """
DROP TABLE IF EXISTS words;
DROP TABLE IF EXISTS passages;
DROP TABLE IF EXISTS documents;
DROP TABLE IF EXISTS encoder;
CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    folder TEXT NOT NULL,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    problem TEXT NOT NULL,
    UNIQUE (folder, path)
) STRICT;
CREATE TABLE passages (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    page INTEGER,
    heading TEXT NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    vector BLOB
) STRICT;
CREATE INDEX passages_document ON passages (document);
CREATE TABLE encoder (probe BLOB NOT NULL) STRICT;
CREATE VIRTUAL TABLE words USING fts5(
    text, heading, name, content='passages', content_rowid='id', tokenize='porter unicode61 remove_diacritics 2'
);
CREATE TRIGGER passage_added AFTER INSERT ON passages BEGIN
    INSERT INTO words (rowid, text, heading, name) VALUES (new.id, new.text, new.heading, new.name);
END;
CREATE TRIGGER passage_dropped AFTER DELETE ON passages BEGIN
    INSERT INTO words (words, rowid, text, heading, name)
    VALUES ('delete', old.id, old.text, old.heading, old.name);
END;
"""


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables unless they are there in this version; the content of an older one is dropped."""
    if connection.execute("PRAGMA user_version").fetchone()[0] == _VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have done it while this one waited for the lock.
        if connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            for statement in _statements(_SCHEMA):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _statements(script: str) -> Iterator[str]:
    """Split a script into statements, since `executescript` would end the transaction first."""
    statement = ""
    for line in script.strip().splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
