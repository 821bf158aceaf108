"""Keeps an index of agents on disk as plain arrays under their hashes, and reads it back without embedding a text.

Nothing is opened before its hash is checked; no pickle. It knows the index's parts, not what they are for.
"""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from agents.errors import RoutingError
from graphs.routing.agents import AgentIndex, Encode
from graphs.routing.space import Space

__all__ = ["load_agents", "save_agents"]

_FORMAT = 1
_ARRAYS = ("vectors", "counts", "means", "cells", "ends", "texts")
_MANIFEST = "agents.json"
_REBUILD = "build it again"


def save_agents(index: AgentIndex, folder: Path, *, encoder: str, catalog: str) -> None:
    """Write an index.

    Args:
        index: the index.
        folder: where to; made if it is not there.
        encoder: the name of the encoder that made its vectors.
        catalog: what tells one catalogue from another, such as a hash of it.

    Raises:
        RoutingError: it cannot be written.
    """
    arrays, facts = index.packed()
    manifest: dict[str, Any] = {
        "format": _FORMAT, "encoder": encoder, "catalog": catalog, "sha256": {}, **facts,
    }  # fmt: skip
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in _ARRAYS:
            content = io.BytesIO()
            np.lib.format.write_array(content, arrays[name], allow_pickle=False)
            data = content.getbuffer()
            manifest["sha256"][name] = hashlib.sha256(data).hexdigest()
            _write(folder / f"{name}.npy", data)
        _write(folder / _MANIFEST, json.dumps(manifest).encode())
    except OSError as error:
        raise RoutingError(f"the index of agents cannot be saved: {error.strerror}") from error


def load_agents(
    folder: Path, *, encoder: str, catalog: str, encode: Encode, dim: int, space: Space | None
) -> AgentIndex:
    """Read an index back.

    Args:
        folder: where it was saved.
        encoder: the name of the encoder in use.
        catalog: what tells one catalogue from another.
        encode: embeds the texts of cards that are added later.
        dim: the length of the vectors.
        space: what was fitted for the encoder.

    Raises:
        RoutingError: there is none, it was changed, or it is another encoder's or another catalogue's.
    """
    try:
        manifest = json.loads((folder / _MANIFEST).read_bytes())
        made = {name: manifest[name] for name in ("format", "encoder", "catalog")}
        if made != {"format": _FORMAT, "encoder": encoder, "catalog": catalog}:
            raise RoutingError(
                f"the index of agents in {folder.name!r} is not of this format, encoder and catalogue: {_REBUILD}"
            )
        arrays = {name: _read(folder, name, manifest["sha256"][name]) for name in _ARRAYS}
        return AgentIndex.unpacked(arrays, manifest, encode, dim=dim, space=space)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise RoutingError(
            f"the index of agents in {folder.name!r} cannot be read: {_REBUILD}"
        ) from error


def _read(folder: Path, name: str, sha256: str) -> Any:
    content = (folder / f"{name}.npy").read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise RoutingError(
            f"the index of agents in {folder.name!r} was changed: {name}.npy: {_REBUILD}"
        )
    # A view of what was read: an array that is copied out of it would be there twice.
    with io.BytesIO(content) as head:
        version = np.lib.format.read_magic(head)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(head)
        if dtype.hasobject:
            raise RoutingError(f"{name}.npy holds objects, expected numbers: {_REBUILD}")
        return np.frombuffer(content, dtype, offset=head.tell()).reshape(shape)


def _write(path: Path, content: Any) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)
