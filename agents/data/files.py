"""Finds the data files of a folder and names their tables. It knows file names and sizes, never what is inside.

Only plain files that really lie in the folder count: a link that leads out of it is refused by name.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from agents.data.schema import Skipped

MAX_FILES = 64
MAX_BYTES = 100_000_000

_READERS = {
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".json": "read_json",
    ".jsonl": "read_json",
    ".ndjson": "read_json",
    ".parquet": "read_parquet",
    ".db": "sqlite",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A file that may be read, what reads it, and when it last changed."""

    path: Path
    reader: str
    size: int
    changed_ns: int
    log: tuple[int, int] = (0, 0)
    """The size and the last change of SQLite's write-ahead log beside it, which holds what was written last."""


def find(folder: Path) -> tuple[list[DataFile], list[Skipped]]:
    """Return the data files of `folder` in the order of their names, and those that are refused.

    Files of other kinds are ignored silently. A folder that does not exist holds no files.
    """
    if not folder.is_dir():
        return [], []
    root = folder.resolve()
    files: list[DataFile] = []
    skipped: list[Skipped] = []
    for path in sorted(folder.iterdir()):
        reader = _READERS.get(path.suffix.lower())
        if reader is None or path.name.startswith(".") or path.is_dir():
            continue
        reason = _refusal(path, root=root, taken=len(files))
        if reason:
            skipped.append(Skipped(file=path.name, reason=reason))
            continue
        size, changed_ns = _state(path)
        log = _state(path.with_name(f"{path.name}-wal")) if reader == "sqlite" else (0, 0)
        files.append(
            DataFile(path=path.resolve(), reader=reader, size=size, changed_ns=changed_ns, log=log)
        )
    return files, skipped


def _state(path: Path) -> tuple[int, int]:
    """Return the size of a file and when it last changed, in nanoseconds; zeros where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_size, stat.st_mtime_ns


def _refusal(path: Path, *, root: Path, taken: int) -> str:
    if not path.is_file():
        return "it is not a readable file"
    if path.resolve().parent != root:
        return "it is a link to a file outside the folder; copy the file instead"
    if re.search(r"[*?\[\]{}]", path.name):
        return "its name holds one of * ? [ ] { }, which would match other files; rename it"
    size = path.stat().st_size
    if size > MAX_BYTES:
        return f"it has {size:,} bytes, more than the {MAX_BYTES:,} allowed; split it"
    if taken >= MAX_FILES:
        return f"the folder has more than {MAX_FILES} data files; remove some"
    return ""


def table_name(text: str, *, taken: set[str]) -> str:
    """Return a free table name made from a file's or a table's name, and add it to `taken`."""
    base = re.sub(r"\W+", "_", text.casefold()).strip("_") or "table"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    taken.add(name)
    return name
