"""A folder of arrays and JSON under a manifest of their hashes: nothing in it is parsed before its hash is checked.

Each file has its hash in its name and the manifest is replaced last, so that a crash at any moment leaves the old
content or the new one. The manifest holds a hash of itself. Hashes tell damage and mix-ups, not forgery: who can write
the folder can write the hashes too. It knows nothing of what the files mean.
"""

import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from agents.errors import RoutingError
from graphs.routing.files import locked, read_bytes, remove_others, write_atomically

__all__ = [
    "MANIFEST",
    "Content",
    "HashedFiles",
    "array_bytes",
    "checked_files",
    "json_bytes",
    "read_folder",
    "write_folder",
]

MANIFEST = "manifest.json"
LARGEST_MANIFEST = 1 << 26
_NAME = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)?[A-Za-z0-9_-][A-Za-z0-9_.-]*\.(?:npy|json)")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_T = TypeVar("_T")
Content = bytes | memoryview


class HashedFiles:
    """The files of a manifest, each checked when it is read."""

    def __init__(
        self, directory: Path, manifest: Mapping[str, Any], what: str, remedy: str
    ) -> None:
        self._directory, self._what, self._remedy = directory, what, remedy
        self._hashes: Mapping[str, str] = manifest["sha256"]
        self._sizes: Mapping[str, int] = manifest["bytes"]
        self.about: Mapping[str, Any] = manifest["about"]
        """What the writer said of the whole."""

    def json(self, name: str) -> Any:
        """Return the content of a JSON file."""
        return json.loads(self._bytes(name))

    def array(self, name: str) -> NDArray[Any]:
        """Return an array, a view of what was read, that cannot be written to."""
        content = self._bytes(name)
        with io.BytesIO(content) as head:
            shape, fortran, dtype = _HEADERS[np.lib.format.read_magic(head)](head)
            start = head.tell()
        if dtype.hasobject:
            raise ValueError(f"{name} holds objects")
        # No array is made by what the header declares: a length that the file does not have is refused.
        return np.frombuffer(content, dtype, offset=start).reshape(
            shape, order="F" if fortran else "C"
        )

    def arrays(self, stem: str) -> dict[str, NDArray[Any]]:
        """Return the arrays `<stem><name>.npy` by name."""
        names = [n for n in self._hashes if n.startswith(stem) and n.endswith(".npy")]
        return {n[len(stem) : -len(".npy")]: self.array(n) for n in names}

    def contents(self) -> dict[str, bytes]:
        """Return every file by name."""
        return {name: self._bytes(name) for name in self._hashes}

    def _bytes(self, name: str) -> bytes:
        expected = self._hashes[name]
        path = self._directory / _path(name, expected)
        content = read_bytes(path, limit=self._sizes[name], what=self._what, remedy=self._remedy)
        if hashlib.sha256(content).hexdigest() != expected:
            raise RoutingError(
                f"{self._what} was changed: {name} is not what was saved: {self._remedy}"
            )
        return content


def write_folder(
    directory: Path,
    files: Iterable[tuple[str, Content]],
    *,
    kind: str,
    about: Mapping[str, Any],
    ours: re.Pattern[str],
    what: str,
    replacing: str | None = None,
) -> None:
    """Write the files, one writer at a time: another one waits.

    Args:
        directory: where to; made if it is not there. Files of others in it stay.
        files: name, with at most one folder before it, and content; each is asked for when it is written.
        kind: what it is and of which format; the reader asks for the same.
        about: JSON-plain; what tells one from another.
        ours: the stems of all names that any version of the content may have: what an earlier one left is removed.
        what: how errors name it.
        replacing: the beginning of the hash of the manifest that this is made from; another one is not overwritten.

    Raises:
        RoutingError: it cannot be written, or is no more what it was made from.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with locked(directory):
            _check_unchanged(directory, replacing, what)
            hashes: dict[str, str] = {}
            sizes: dict[str, int] = {}
            for name, content in files:
                assert _NAME.fullmatch(name), name
                hashes[name], sizes[name] = hashlib.sha256(content).hexdigest(), len(content)
                path = directory / _path(name, hashes[name])
                path.parent.mkdir(exist_ok=True)
                write_atomically(path, content)
            write_atomically(directory / MANIFEST, _manifest(kind, about, hashes, sizes))
            written = re.compile(rf"(?:{ours.pattern})-[0-9a-f]{{12}}\.(?:npy|json)(?:\.tmp)?")
            remove_others(directory, ours=written, keep={_path(n, h) for n, h in hashes.items()})
    except OSError as error:
        raise RoutingError(f"{what} cannot be saved: {error.strerror}") from error


def read_folder(
    directory: Path, build: Callable[[HashedFiles], _T], *, kind: str, what: str, remedy: str
) -> _T:
    """Return what `build` makes of the files.

    Args:
        directory: what `write_folder` wrote.
        build: makes the content of the files; whatever it raises on content of another shape is a RoutingError here.
        kind: as it was written.
        what: how errors name it.
        remedy: what to do if it is of no use.

    Raises:
        RoutingError: a file is missing, too large, changed, or not what it should be.
    """
    while True:
        manifest = _read_manifest(directory, kind=kind, what=what, remedy=remedy)
        try:
            return build(HashedFiles(directory, manifest, what, remedy))
        except RoutingError:
            # Saved anew in the meantime, its files are others.
            if _read_manifest(directory, kind=kind, what=what, remedy=remedy) == manifest:
                raise
        except (
            ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError,
        ) as error:  # fmt: skip
            raise RoutingError(f"{what} is not of the form {kind!r}: {remedy}") from error


def checked_files(directory: Path, *, what: str, remedy: str) -> dict[str, bytes]:
    """Return the content of each file, of whatever kind, by its name in the folder; the manifest is the last.

    Raises:
        RoutingError: a file is missing, too large or changed; the text begins with `what` and ends with `remedy`.
    """
    manifest = _read_manifest(directory, kind=None, what=what, remedy=remedy)
    hashes = manifest["sha256"]
    content = HashedFiles(directory, manifest, what, remedy).contents()
    files = {_path(name, hashes[name]): held for name, held in content.items()}
    whole = _manifest(manifest["kind"], manifest["about"], hashes, manifest["bytes"])
    return {**files, MANIFEST: whole}


def array_bytes(array: NDArray[Any]) -> Content:
    """Return an array as a file's content."""
    content = io.BytesIO()
    np.lib.format.write_array(content, np.ascontiguousarray(array), allow_pickle=False)
    return content.getbuffer()


def json_bytes(value: Any) -> bytes:
    """Return a JSON-plain value as a file's content."""
    return json.dumps(value, indent=1, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _check_unchanged(directory: Path, replacing: str | None, what: str) -> None:
    if replacing is None:
        return
    found = hashlib.sha256((directory / MANIFEST).read_bytes()).hexdigest()
    if not found.startswith(replacing):
        raise RoutingError(
            f"{what} was changed by another command: it is {found[: len(replacing)]}, expected {replacing}; "
            "nothing was saved, do it again"
        )


def _manifest(
    kind: str, about: Mapping[str, Any], hashes: Mapping[str, str], sizes: Mapping[str, int]
) -> bytes:
    content = {
        "kind": kind,
        "about": dict(about),
        "sha256": dict(sorted(hashes.items())),
        "bytes": dict(sorted(sizes.items())),
    }
    return json_bytes({**content, "self": hashlib.sha256(json_bytes(content)).hexdigest()})


def _read_manifest(directory: Path, *, kind: str | None, what: str, remedy: str) -> dict[str, Any]:
    """Return a manifest that is byte for byte what would be written; `kind` None is any."""
    text = read_bytes(directory / MANIFEST, limit=LARGEST_MANIFEST, what=what, remedy=remedy)
    try:
        manifest: dict[str, Any] = json.loads(text)
        hashes, sizes = manifest["sha256"], manifest["bytes"]
        sound = all(_NAME.fullmatch(n) and _SHA256.fullmatch(h) for n, h in hashes.items())
        sound = sound and all(type(sizes[name]) is int for name in hashes)
        same = kind in (None, manifest["kind"])
        same = same and text == _manifest(manifest["kind"], manifest["about"], hashes, sizes)
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise RoutingError(f"{what} has a damaged {MANIFEST}: {remedy}") from error
    if not (sound and same):
        other = f" or not of the form {kind!r}" if kind else ""
        raise RoutingError(f"{what} has a {MANIFEST} that is damaged{other}: {remedy}")
    return manifest


def _path(name: str, sha256: str) -> str:
    """Return where a file is kept: its hash in its name, so that a new one never overwrites an old one."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem}-{sha256[:12]}{dot}{ending}"
