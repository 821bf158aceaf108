"""Locks between the processes of one machine: a byte of a lock file for each name.

The system gives the locks of a process back when it ends, however it ends. It knows nothing of threads.
"""

import fcntl
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_open: "dict[Path, FileLocks]" = {}
_open_guard = threading.Lock()


class FileLocks:
    """POSIX record locks. They are the process's: closing any descriptor of the file would give all of them back."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.users = 0

    async def take(self, name: str) -> bool:
        """Take a lock; return whether this process has it now."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(name))
        except (BlockingIOError, PermissionError):  # POSIX allows either
            return False
        return True

    async def give_back(self, name: str) -> None:
        """Give back a lock that was taken."""
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(name))

    def close(self) -> None:
        """Close the file, with which every lock is given back."""
        os.close(self._file)


@contextmanager
def shared_file_locks(path: Path) -> Iterator[FileLocks]:
    """Open the lock file at `path`, once in this process for all who ask.

    Raises:
        OSError: it cannot be opened.
    """
    path = path.resolve()
    with _open_guard:
        locks = _open.get(path) or _open.setdefault(path, FileLocks(path))
        locks.users += 1
    try:
        yield locks
    finally:
        with _open_guard:
            locks.users -= 1
            if not locks.users:
                del _open[path]
                locks.close()


def _place(name: str) -> int:
    """Return the byte that stands for a lock: one of 2^62, so that two locks do not meet."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 2
