"""Finds the readable files of a folder and brings the index up to date with them.

It knows the folder and the store, and no question. Only files that changed are read; what cannot be read is reported
and never stops the run.
"""

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from agents.documents import chunks, readers
from agents.documents.sections import UnreadableError
from agents.documents.store import Fingerprint, Store

MAX_FILES = 10_000
MAX_BYTES = 50_000_000
_MAX_DEPTH = 32

Progress = Callable[[int, int, str], None]
"""Told (files done, files to do, name of the file being read)."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file in the folder."""

    path: str
    """Relative to the folder, with forward slashes."""
    size: int
    mtime_ns: int


@dataclass(slots=True)
class Walk:
    """What a walk through the folder met."""

    files: dict[str, Found] = field(default_factory=dict)
    others: int = 0
    """Files of a kind that has no reader."""
    outside: list[str] = field(default_factory=list)
    """Links that lead out of the folder."""
    cut: bool = False
    """Whether there are more readable files than the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one run did."""

    read: int = 0
    unchanged: int = 0
    removed: int = 0
    left: int = 0
    """Changed files that the run had no time for."""
    problems: tuple[str, ...] = ()
    """One line each on what was met in this run and could not be read in full."""
    others: int = 0


def walk(folder: Path) -> Walk:
    """Return the readable files below `folder`: hidden ones and links out of it are passed over."""
    met = Walk()
    root = folder.resolve()
    for entry, relative in _entries(root, prefix="", depth=0):
        if not readers.readable(entry.name):
            met.others += 1
            continue
        if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(root):
            met.outside.append(relative)
            continue
        try:
            status = entry.stat()
        except OSError:  # gone since the folder was listed, or a link to nothing
            continue
        if not stat.S_ISREG(status.st_mode):
            continue
        if len(met.files) >= MAX_FILES:
            met.cut = True
            break
        met.files[relative] = Found(relative, status.st_size, status.st_mtime_ns)
    return met


def _entries(folder: Path, *, prefix: str, depth: int) -> Iterator[tuple[os.DirEntry[str], str]]:
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError:  # a sub-folder that may not be read
        return
    for entry in entries:
        if entry.name.startswith((".", "~$")):  # hidden, or Word's lock on an open file
            continue
        if entry.is_dir(follow_symlinks=False):
            if depth < _MAX_DEPTH:
                yield from _entries(
                    Path(entry.path), prefix=f"{prefix}{entry.name}/", depth=depth + 1
                )
        elif not entry.is_dir():
            yield entry, prefix + entry.name


def update(store: Store, folder: Path, *, seconds: float, progress: Progress) -> Report:
    """Read what changed since the last run, forget what is gone, and say what happened.

    Args:
        store: the index of this folder.
        folder: an existing folder.
        seconds: after this long no further file is begun, though one always is; the next run goes on.
        progress: told of each file before it is read.
    """
    met = walk(folder)
    known = store.fingerprints()
    gone = [path for path in known if path not in met.files]
    for path in gone:
        store.drop(path)
    changed = [file for file in met.files.values() if not _same(file, known.get(file.path))]
    problems = _limits(met)
    deadline = time.monotonic() + seconds
    done = 0
    for file in changed:
        if done and time.monotonic() > deadline:
            break
        progress(done, len(changed), file.path)
        if problem := _refresh(store, folder, file, known.get(file.path)):
            problems.append(f"{file.path} {problem}")
        done += 1
    return Report(
        read=done,
        unchanged=len(met.files) - len(changed),
        removed=len(gone),
        left=len(changed) - done,
        problems=tuple(problems),
        others=met.others,
    )


def _same(file: Found, known: Fingerprint | None) -> bool:
    return known is not None and (known.size, known.mtime_ns) == (file.size, file.mtime_ns)


def _limits(met: Walk) -> list[str]:
    lines = [f"{path} is a link out of the folder and was not followed" for path in met.outside]
    if met.cut:
        lines.append(f"the folder holds more than {MAX_FILES:,} files: only the first were indexed")
    return lines


def _refresh(store: Store, folder: Path, file: Found, known: Fingerprint | None) -> str:
    """Read one file into the store; return what was left out, as the end of a sentence."""
    try:
        file.path.encode()
    except UnicodeEncodeError:  # cannot be stored, so it is met again in every run
        return "has a name that is not Unicode: rename it"
    mark = Fingerprint(size=file.size, mtime_ns=file.mtime_ns)
    try:
        data = _bytes(folder / file.path)
        sha = hashlib.sha256(data).hexdigest()
        mark = Fingerprint(size=file.size, mtime_ns=file.mtime_ns, sha256=sha)
        if known is not None and known.sha256 == sha:
            store.touch(file.path, mark)
            return ""
        extract = readers.read(data, name=file.path)
    except OSError as error:
        # Granting access does not change the time of change, so none is stored and the next run tries again.
        mark = Fingerprint(size=file.size, mtime_ns=0)
        problem = f"cannot be read: {error.strerror or 'unknown error'}"
        store.replace(file.path, mark, chunks=(), problem=problem)
        return problem
    except UnreadableError as error:
        store.replace(file.path, mark, chunks=(), problem=str(error))
        return str(error)
    store.replace(file.path, mark, chunks=chunks.cut(extract.sections), problem=extract.note)
    return extract.note


def _bytes(path: Path) -> bytes:
    limit = f"the limit is {MAX_BYTES // 1_000_000} MB"
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise UnreadableError(f"is too large: {size / 1e6:.0f} MB, {limit}")
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)  # it may have grown since
    if len(data) > MAX_BYTES:
        raise UnreadableError(f"is too large: it grew while it was read, {limit}")
    return data
