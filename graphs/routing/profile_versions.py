"""Earlier versions of a profile, kept whole in its folder, so that any of them comes back byte for byte.

A version is named by the beginning of its manifest's hash. It knows nothing of what the files mean.
"""

import json
import re
from pathlib import Path

from agents.errors import InputError, RoutingError
from graphs.routing.feedback_log import profile_id
from graphs.routing.files import locked, remove_others, write_atomically
from graphs.routing.hashed_folder import MANIFEST, stored_names

__all__ = ["keep", "restore", "versions"]

_FOLDER = "versions"
_ID = re.compile(r"[0-9a-f]{12}")


def versions(directory: Path) -> list[str]:
    """Return the ids of the versions that are kept."""
    kept = (directory / _FOLDER).glob(f"*/{MANIFEST}")
    return sorted(path.parent.name for path in kept if _ID.fullmatch(path.parent.name))


def keep(directory: Path) -> str:
    """Copy the profile of a folder to its versions and return its id; the manifest is copied last.

    Raises:
        RoutingError: it cannot be read or written.
    """
    version = profile_id(directory)
    _copy(directory, directory / _FOLDER / version)
    return version


def restore(directory: Path, version: str, *, ours: re.Pattern[str]) -> None:
    """Put a version back in place; the one that was there is kept.

    Args:
        directory: the profile's folder.
        version: its id.
        ours: the stems of a profile's files, of which those of no use are removed.

    Raises:
        InputError: there is no such version.
        RoutingError: it cannot be read or written.
    """
    known = versions(directory)
    if version not in known:
        raise InputError(
            f"there is no version {version!r:.40} of the profile; there are {', '.join(known) or 'none'}"
        )
    keep(directory)
    _copy(directory / _FOLDER / version, directory)
    names = set(_names(directory))
    written = re.compile(rf"(?:{ours.pattern})-[0-9a-f]{{12}}\.(?:npy|json)(?:\.tmp)?")
    with locked(directory):
        remove_others(directory, ours=written, keep=names)


def _copy(source: Path, target: Path) -> None:
    try:
        target.mkdir(parents=True, exist_ok=True)
        with locked(target):
            for name in [*_names(source), MANIFEST]:
                content = (source / name).read_bytes()
                path = target / name
                if name != MANIFEST and path.is_file() and path.read_bytes() == content:
                    continue
                path.parent.mkdir(exist_ok=True)
                write_atomically(path, content)
    except OSError as error:
        raise RoutingError(f"the profile's version cannot be saved: {error.strerror}") from error


def _names(directory: Path) -> list[str]:
    """Return the names of the files of a manifest."""
    try:
        return stored_names(json.loads((directory / MANIFEST).read_bytes()))
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise RoutingError(
            f"the profile in {directory.name!r} has a damaged {MANIFEST}; fit it again"
        ) from error
