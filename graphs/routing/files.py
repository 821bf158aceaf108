"""Files that are whole or not there: atomic writes, bounded reads. It knows nothing of what is in them."""

import fcntl
import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.errors import RoutingError

__all__ = ["Stamp", "locked", "read_bytes", "remove_others", "stamp_of", "write_atomically"]

Stamp = tuple[int, int, int] | None
"""What tells a file from another one in its place; None where there is none."""
_LOCK = ".lock"


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Keep other writers out, threads and processes; the system lets go of the lock of one that was killed."""
    lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def write_atomically(path: Path, content: bytes | memoryview) -> None:
    """Put a file in place in one step, on the disk when it returns."""
    temporary = path.with_name(f"{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_bytes(path: Path, *, limit: int, what: str, remedy: str) -> bytes:
    """Return the content of a file of at most `limit` bytes.

    Raises:
        RoutingError: it is not there or larger; the text begins with `what` and ends with `remedy`.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > limit:
                raise RoutingError(
                    f"{what} has a {path.name} of {size} bytes, expected at most {limit}"
                )
            return file.read(limit)
    except OSError as error:
        raise RoutingError(
            f"{what} has no {path.name} that can be read ({error.strerror}): {remedy}"
        ) from error


def remove_others(directory: Path, *, ours: re.Pattern[str], keep: Collection[str]) -> None:
    """Remove the files of `directory` and its sub-folders that an earlier writing left.

    Args:
        directory: may hold files of others, which stay.
        ours: what the paths that we write look like, relative to `directory`, whole.
        keep: the paths that stay.
    """
    for path in [*directory.glob("*"), *directory.glob("*/*")]:
        name = path.relative_to(directory).as_posix()
        if ours.fullmatch(name) and name not in keep and path.is_file():
            path.unlink(missing_ok=True)


def stamp_of(path: Path) -> Stamp:
    """Return the stamp of a file as it is now."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
