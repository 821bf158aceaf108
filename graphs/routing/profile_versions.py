"""Earlier versions of a profile, kept whole in its folder, so that any of them comes back byte for byte.

A version is named by the beginning of its manifest's hash, and only what is as it was saved is copied in or out. It
knows nothing of what the files mean.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from agents.errors import InputError, RoutingError
from graphs.routing.files import locked, remove_others, write_atomically
from graphs.routing.hashed_folder import MANIFEST, checked_files

__all__ = ["keep", "restore", "versions"]

_FOLDER = "versions"
_ID = re.compile(r"[0-9a-f]{12}")

Files = Mapping[str, bytes]


def versions(directory: Path) -> list[str]:
    """Return the ids of the versions that are kept."""
    kept = (directory / _FOLDER).glob(f"*/{MANIFEST}")
    return sorted(path.parent.name for path in kept if _ID.fullmatch(path.parent.name))


def keep(directory: Path) -> str:
    """Copy the profile of a folder to its versions and return its id; the manifest is copied last.

    Raises:
        RoutingError: it is damaged, or cannot be read or written.
    """
    with _alone(directory):
        return _keep(directory, _live(directory))


def restore(directory: Path, version: str, *, ours: re.Pattern[str]) -> str | None:
    """Put a version back in place; return the id under which the one that was there is kept, None if it was damaged.

    Args:
        directory: the profile's folder.
        version: its id.
        ours: the stems of a profile's files, of which those of no use are removed.

    Raises:
        InputError: there is no such version.
        RoutingError: the version is damaged, or cannot be read or written.
    """
    known = versions(directory)
    if version not in known:
        raise InputError(
            f"there is no version {version!r:.40} of the profile; there are {', '.join(known) or 'none'}"
        )
    with _alone(directory):
        try:
            live = _live(directory)
        except RoutingError:  # what is damaged is put right, and is nothing to come back to
            live = None
        before = _keep(directory, live) if live else None
        wanted = _kept(directory / _FOLDER / version)
        _write(directory, wanted)
        written = re.compile(rf"(?:{ours.pattern})-[0-9a-f]{{12}}\.(?:npy|json)(?:\.tmp)?")
        remove_others(directory, ours=written, keep=wanted.keys())
    return before


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Keep other writers of the profile out from the first file that is read to the last that is removed."""
    try:
        with locked(directory):
            yield
    except OSError as error:
        raise RoutingError(f"the profile's version cannot be saved: {error.strerror}") from error


def _keep(directory: Path, live: Files) -> str:
    version = _id(live)
    _write(directory / _FOLDER / version, live)
    return version


def _live(directory: Path) -> Files:
    remedy = "roll back to an earlier version, or fit it again"
    return checked_files(directory, what=f"the profile in {directory.name!r}", remedy=remedy)


def _kept(folder: Path) -> Files:
    what, remedy = f"the version {folder.name!r} of the profile", "roll back to another one"
    files = checked_files(folder, what=what, remedy=remedy)
    if _id(files) != folder.name:
        raise RoutingError(f"{what} holds {_id(files)!r}: {remedy}")
    return files


def _write(folder: Path, files: Files) -> None:
    """Write what is not there yet, the manifest last."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        if path.is_file() and path.read_bytes() == content:
            continue
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, content)


def _id(files: Files) -> str:
    return hashlib.sha256(files[MANIFEST]).hexdigest()[:12]
