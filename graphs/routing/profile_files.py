"""Keeps a profile in a folder: plain arrays and JSON under hashes.

`shared/` holds the arrays that belong to no model, `models/` one JSON file for each model (and arrays, for one that was
added later), so that adding a model changes no byte of another's. The manifest has the hash of every file and the name
of the encoder; nothing is opened before its hash is checked.
"""

import hashlib
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.errors import RoutingError
from graphs.routing.costs import CostModel
from graphs.routing.estimators.combined import Combined
from graphs.routing.estimators.design import Design
from graphs.routing.estimators.domains import DomainScores, Reader
from graphs.routing.estimators.local import Group, LocalComponents
from graphs.routing.estimators.neighbours import index_rows
from graphs.routing.estimators.ridge import RotatedRidge
from graphs.routing.estimators.zero import ZeroRouter
from graphs.routing.features import SURFACE
from graphs.routing.files import read_bytes, remove_others, write_atomically
from graphs.routing.profile import Part, Profile, built, split

__all__ = ["load_profile", "save_profile"]

_FORMAT = 1
_MANIFEST = "manifest.json"
_LIMIT = 1 << 32
_MANIFEST_LIMIT = 1 << 26
_FOLDERS = ("", "shared", "models")
_REMEDY = "fit it again with `python -m app.profile fit`"
_NAME = re.compile(r"(?:shared|models)/[A-Za-z0-9_.-]+\.(?:npy|json)|profile\.json")
_WRITTEN = re.compile(
    r"(?:profile|shared/\w+|models/\w+-[0-9a-f]{8}(?:\.\w+)?)-[0-9a-f]{12}\.(?:npy|json)(?:\.tmp)?"
)
"""What `_path` makes of a name, or what a crash left of it."""
_SHA = re.compile(r"[0-9a-f]{64}")

Arrays = dict[str, NDArray[Any]]


def save_profile(profile: Profile, directory: Path) -> None:
    """Write the folder, one writer at a time; a crash leaves the old profile or the new one.

    Raises:
        RoutingError: the files cannot be written.
    """
    contents = {f"shared/{name}.npy": _npy(array) for name, array in _shared(profile).items()}
    stems = []
    for model, part in zip(profile.models, split(profile), strict=True):
        stem = f"models/{re.sub(r'[^A-Za-z0-9]+', '_', model)[:60]}-{_sha(model.encode())[:8]}"
        stems.append(stem)
        contents[f"{stem}.json"] = _json({"model": model, **part.numbers})
        own = _group(part.neighbours) if part.neighbours else {}
        contents |= {f"{stem}.{name}.npy": _npy(array) for name, array in own.items()}
    contents["profile.json"] = _json({**_head(profile), "models": stems})
    hashes = {name: _sha(content) for name, content in sorted(contents.items())}
    manifest = {"format": _FORMAT, "encoder": profile.encoder, "sha256": hashes}
    written = {_path(name, hashes[name]): content for name, content in contents.items()}
    try:
        for folder in _FOLDERS:
            (directory / folder).mkdir(parents=True, exist_ok=True)
        for path, content in written.items():
            write_atomically(directory / path, content)
        write_atomically(directory / _MANIFEST, _json(manifest))
        remove_others(directory, ours=_WRITTEN, keep=written)
    except OSError as error:
        raise RoutingError(f"the profile cannot be saved: {error.strerror}") from error


def load_profile(directory: Path, *, encoder: str | None = None) -> Profile:
    """Read a profile back.

    Args:
        directory: what `save_profile` wrote.
        encoder: the name of the encoder that will embed the queries, if it is known already.

    Raises:
        RoutingError: a file is missing or changed, or the profile was made with another encoder.
    """
    where = f"the profile in {directory.name!r}"
    while True:
        manifest = _read_manifest(directory, where)
        made_with = manifest["encoder"]
        if encoder is not None and made_with != encoder:
            raise RoutingError(
                f"{where} was made with encoder {made_with!r}, this is {encoder!r}: {_REMEDY}"
            )
        try:
            return _loaded(_Files(directory, manifest["sha256"], where), made_with)
        except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
            raise RoutingError(f"{where} is not of format {_FORMAT}: {_REMEDY}") from error
        except RoutingError:
            # Saved anew in the meantime, its files are others.
            if _read_manifest(directory, where) == manifest:
                raise


class _Files:
    """The files of a manifest, each checked when it is read."""

    def __init__(self, directory: Path, hashes: Mapping[str, str], where: str) -> None:
        self._directory, self._hashes, self._where = directory, hashes, where

    def json(self, name: str) -> Any:
        return json.loads(self._bytes(name))

    def array(self, name: str) -> NDArray[Any]:
        return np.lib.format.read_array(io.BytesIO(self._bytes(name)), allow_pickle=False)

    def arrays(self, stem: str) -> Arrays:
        """Return the arrays `<stem><name>.npy` by name."""
        names = [n for n in self._hashes if n.startswith(stem) and n.endswith(".npy")]
        return {n[len(stem) : -len(".npy")]: self.array(n) for n in names}

    def _bytes(self, name: str) -> bytes:
        content = read_bytes(
            self._directory / _path(name, self._hashes[name]),
            limit=_LIMIT,
            what=self._where,
            remedy=_REMEDY,
        )
        if _sha(content) != self._hashes[name]:
            raise RoutingError(
                f"{self._where} was changed: {name} is not what was saved: {_REMEDY}"
            )
        return content


def _read_manifest(directory: Path, where: str) -> dict[str, Any]:
    content = read_bytes(directory / _MANIFEST, limit=_MANIFEST_LIMIT, what=where, remedy=_REMEDY)
    try:
        manifest = json.loads(content)
        hashes = manifest["sha256"]
        sound = manifest["format"] == _FORMAT and isinstance(manifest["encoder"], str)
        sound = sound and all(_NAME.fullmatch(n) and _SHA.fullmatch(h) for n, h in hashes.items())
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RoutingError(f"{where} has a damaged {_MANIFEST}: {_REMEDY}") from error
    if not sound:
        raise RoutingError(f"{where} has a {_MANIFEST} that is not of format {_FORMAT}: {_REMEDY}")
    return dict(manifest)


def _head(profile: Profile) -> dict[str, Any]:
    quality = profile.quality
    return {
        "sources": list(profile.sources),
        "rows": profile.rows,
        "surface": list(SURFACE),
        "weights": quality.weights.tolist(),
        "scale": quality.scale,
        "near": quality.near,
        "far": quality.far,
    }


def _shared(profile: Profile) -> Arrays:
    """Return what belongs to no model, by name."""
    quality, first = profile.quality, profile.quality.local.groups[0]
    return {
        **_design("reader", quality.domains.reader.design),
        "reader_weights": quality.domains.reader.weights,
        "reader_bias": quality.domains.reader.bias,
        **_design("ridge", quality.ridge.design),
        "ridge_latent": quality.ridge.latent,
        "ridge_spread": quality.ridge.spread,
        "local_axes": first.axes,
        **_group(first, prefix="local_"),
        **_design("costs", profile.costs.design),
    }


def _loaded(files: _Files, encoder: str) -> Profile:
    head = files.json("profile.json")
    if head["surface"] != list(SURFACE):
        raise ValueError("other surface features")
    shared = files.arrays("shared/")
    first = {key.removeprefix("local_"): shared[key] for key in shared if key.startswith("local_")}
    empty = np.zeros(0)
    quality = Combined(
        zero=ZeroRouter(mean=empty, error=empty),
        domains=DomainScores(
            reader=Reader(
                design=_read_design("reader", shared),
                weights=shared["reader_weights"],
                bias=shared["reader_bias"],
            ),
            means=empty,
            errors=empty,
        ),
        ridge=RotatedRidge(
            design=_read_design("ridge", shared),
            mean=empty,
            latent=shared["ridge_latent"],
            loadings=empty,
            spread=shared["ridge_spread"],
            noise=empty,
        ),
        local=LocalComponents(
            groups=(_read_group(first, first["axes"], mean=empty, loadings=empty),)
        ),
        weights=np.array(head["weights"], np.float64),
        scale=float(head["scale"]),
        near=float(head["near"]),
        far=float(head["far"]),
        spread=empty,
    )
    costs = CostModel(
        design=_read_design("costs", shared),
        weights=empty,
        bias=empty,
        low=empty,
        high=empty,
        smear=empty,
        prices=empty,
    )
    sources, rows = tuple(head["sources"]), int(head["rows"])
    profile = Profile(
        encoder=encoder, models=(), quality=quality, costs=costs, sources=sources, rows=rows
    )
    parts = [_part(files, stem, first["axes"]) for stem in head["models"]]
    names = tuple(part.numbers["model"] for part in parts)
    return built(profile, names, parts)


def _part(files: _Files, stem: str, axes: NDArray[np.float32]) -> Part:
    numbers, arrays = files.json(f"{stem}.json"), files.arrays(f"{stem}.")
    if not arrays:
        return Part(numbers)
    loadings = np.array(numbers["local_loadings"], np.float64).reshape(-1, 1)
    return Part(
        numbers,
        _read_group(arrays, axes, mean=np.array([numbers["local_mean"]]), loadings=loadings),
    )


def _design(prefix: str, design: Design) -> Arrays:
    return {
        f"{prefix}_mean": design.mean,
        f"{prefix}_scale": design.scale,
        f"{prefix}_centre": design.centre,
    }


def _read_design(prefix: str, arrays: Arrays) -> Design:
    return Design(
        mean=arrays[f"{prefix}_mean"],
        scale=arrays[f"{prefix}_scale"],
        centre=arrays[f"{prefix}_centre"],
    )


def _group(group: Group, *, prefix: str = "") -> Arrays:
    return {
        f"{prefix}vectors": group.index.vectors(),
        f"{prefix}components": group.components,
        f"{prefix}counts": group.counts,
        f"{prefix}trust": group.trust,
    }


def _read_group(
    arrays: Arrays,
    axes: NDArray[np.float32],
    *,
    mean: NDArray[np.float64],
    loadings: NDArray[np.float64],
) -> Group:
    return Group(
        axes=axes,
        index=index_rows(arrays["vectors"]),
        mean=mean,
        components=arrays["components"],
        counts=arrays["counts"].astype(np.intp),
        trust=arrays["trust"],
        loadings=loadings,
    )


def _path(name: str, sha256: str) -> str:
    """Return where a file is kept: its hash in its name, so that a new one never overwrites an old one."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem}-{sha256[:12]}{dot}{ending}"


def _npy(array: NDArray[Any]) -> bytes:
    content = io.BytesIO()
    np.lib.format.write_array(content, np.ascontiguousarray(array), allow_pickle=False)
    return content.getvalue()


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
