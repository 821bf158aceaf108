"""Keeps an index of agents on disk as plain arrays under their hashes, and reads it back without embedding a text.

It knows the index's parts, not what they are for.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.errors import RoutingError
from graphs.routing.agents import AgentIndex, Encode
from graphs.routing.hashed_folder import (
    Content,
    HashedFiles,
    array_bytes,
    json_bytes,
    read_folder,
    write_folder,
)
from graphs.routing.space import Space

__all__ = ["load_agents", "save_agents"]

_KIND = "agents 2"
_ARRAYS = ("vectors", "counts", "means", "cells", "ends", "texts")
_FACTS = "facts.json"
_OURS = re.compile(rf"{'|'.join(_ARRAYS)}|facts")
_REMEDY = "build it again"


def save_agents(index: AgentIndex, folder: Path, *, encoder: str, catalog: str) -> None:
    """Write an index; a crash leaves the old one or the new one.

    Args:
        index: the index.
        folder: where to; made if it is not there.
        encoder: the name of the encoder that made its vectors.
        catalog: what tells one catalogue from another, such as a hash of it.

    Raises:
        RoutingError: it cannot be written.
    """
    arrays, facts = index.packed()

    def files() -> Iterator[tuple[str, Content]]:
        for name in _ARRAYS:
            yield f"{name}.npy", array_bytes(arrays[name])
        yield _FACTS, json_bytes(facts)

    write_folder(
        folder,
        files(),
        kind=_KIND,
        about={"encoder": encoder, "catalog": catalog},
        ours=_OURS,
        what="the index of agents",
    )


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
    what = f"the index of agents in {folder.name!r}"

    def build(files: HashedFiles) -> AgentIndex:
        if files.about != {"encoder": encoder, "catalog": catalog}:
            raise RoutingError(f"{what} is another encoder's or another catalogue's: {_REMEDY}")
        arrays = {name: files.array(f"{name}.npy") for name in _ARRAYS}
        facts = files.json(_FACTS)
        _check(arrays, facts, dim=dim)
        return AgentIndex.unpacked(arrays, facts, encode, dim=dim, space=space)

    return read_folder(folder, build, kind=_KIND, what=what, remedy=_REMEDY)


def _check(arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any], *, dim: int) -> None:
    """Check that the parts fit each other.

    Raises:
        ValueError: they do not.
    """
    ids, vectors, ends = facts["ids"], arrays["vectors"], arrays["ends"]
    agents, cells = len(ids), arrays["cells"]
    fits = (
        len(set(ids)) == agents
        and all(isinstance(agent_id, str) for agent_id in ids)
        and vectors.shape == (int(arrays["counts"].sum()), dim)
        and arrays["means"].shape == (agents, dim)
        and all(arrays[name].shape == (agents,) for name in ("counts", "cells", "ends"))
        and bool((arrays["counts"] >= 1).all() and (np.diff(ends, prepend=0) >= 0).all())
        and bool(((cells >= 0) & (cells < len(facts["categories"]))).all())
        and len(arrays["texts"]) == (int(ends[-1]) if agents else 0)
        and bool(np.isfinite(vectors).all() and np.isfinite(arrays["means"]).all())
    )
    if not fits:
        raise ValueError("parts that do not fit each other")
