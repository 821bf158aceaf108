"""Keeps a profile in a folder: plain arrays and JSON under hashes.

`shared/` holds the arrays that belong to no model, `models/` one JSON file for each model (and arrays, for one that was
added later), so that adding a model changes no byte of another's. The manifest has the name of the encoder.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.errors import RoutingError
from graphs.routing.costs import CostModel
from graphs.routing.estimators.base import Queries
from graphs.routing.estimators.combined import Combined
from graphs.routing.estimators.design import Design
from graphs.routing.estimators.domains import DomainScores, Reader
from graphs.routing.estimators.gated import Shape
from graphs.routing.estimators.local import Group, LocalComponents
from graphs.routing.estimators.mixture import MixtureOfExperts
from graphs.routing.estimators.neighbours import index_rows
from graphs.routing.estimators.ridge import RotatedRidge
from graphs.routing.estimators.zero import ZeroRouter
from graphs.routing.features import SURFACE
from graphs.routing.hashed_folder import (
    Content,
    HashedFiles,
    array_bytes,
    json_bytes,
    read_folder,
    write_folder,
)
from graphs.routing.joint import LEVELS, Joint
from graphs.routing.profile import Part, Profile, built, split

__all__ = ["OURS", "load_profile", "save_profile"]

_KIND = "profile 2"
_REMEDY = "fit it again with `python -m app.profile fit`"
OURS = re.compile(r"profile|shared/\w+|models/\w+-[0-9a-f]{8}(?:\.\w+)?")
"""The stems of a profile's files."""

_JOINT = {"ease": "m", "loading": "m", "weights": "u", "empty": "m", "likeness": "mm"}
"""The arrays of how models answer together, with an m for an axis of models and a u for one of levels."""

Arrays = dict[str, NDArray[Any]]


def save_profile(profile: Profile, directory: Path, *, replacing: str | None = None) -> None:
    """Write the folder; a crash leaves the old profile or the new one.

    Args:
        profile: what to save.
        directory: where to.
        replacing: the id of the profile that this one was made from, if that is there and to be replaced.

    Raises:
        RoutingError: the files cannot be written, or another profile is there than `replacing`.
    """
    write_folder(
        directory,
        _files(profile),
        kind=_KIND,
        about={"encoder": profile.encoder},
        ours=OURS,
        what="the profile",
        replacing=replacing,
    )


def load_profile(directory: Path, *, encoder: str | None = None) -> Profile:
    """Read a profile back.

    Args:
        directory: what `save_profile` wrote.
        encoder: the name of the encoder that will embed the queries, if it is known already.

    Raises:
        RoutingError: a file is missing or changed, or the profile was made with another encoder.
    """
    what = f"the profile in {directory.name!r}"

    def build(files: HashedFiles) -> Profile:
        made_with = files.about["encoder"]
        if encoder is not None and made_with != encoder:
            raise RoutingError(
                f"{what} was made with encoder {made_with!r}, this is {encoder!r}: {_REMEDY}"
            )
        return _loaded(files, made_with)

    return read_folder(directory, build, kind=_KIND, what=what, remedy=_REMEDY)


def _files(profile: Profile) -> Iterator[tuple[str, Content]]:
    stems = []
    for name, array in _shared(profile).items():
        yield f"shared/{name}.npy", array_bytes(array)
    for model, part in zip(profile.models, split(profile), strict=True):
        tag = hashlib.sha256(model.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        stem = f"models/{re.sub(r'[^A-Za-z0-9]+', '_', model)[:60]}-{tag}"
        stems.append(stem)
        yield f"{stem}.json", json_bytes({"model": model, **part.numbers})
        own = _group(part.neighbours) if part.neighbours else {}
        for name, array in own.items():
            yield f"{stem}.{name}.npy", array_bytes(array)
    yield "profile.json", json_bytes({**_head(profile), "models": stems})


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
        **({"experts": quality.experts.shape._asdict()} if quality.experts else {}),
        **({"joint": _joint_head(profile.joint)} if profile.joint else {}),
    }


def _joint_head(joint: Joint) -> dict[str, Any]:
    return {"models": list(joint.models), "slope": joint.slope}


def _shared(profile: Profile) -> Arrays:
    """Return what belongs to no model, by name."""
    quality, first = profile.quality, profile.quality.local.groups[0]
    return {
        **_design("reader", quality.domains.reader.design),
        "reader_weights": quality.domains.reader.weights,
        "reader_bias": quality.domains.reader.bias,
        "reader_rarity": quality.domains.reader.rarity,
        **_design("ridge", quality.ridge.design),
        "ridge_latent": quality.ridge.latent,
        "ridge_spread": quality.ridge.spread,
        "local_axes": first.axes,
        **_group(first, prefix="local_"),
        **_design("costs", profile.costs.design),
        **(_experts(quality.experts) if quality.experts else {}),
        **(_joint(profile.joint) if profile.joint else {}),
    }


def _loaded(files: HashedFiles, encoder: str) -> Profile:
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
                rarity=shared.get("reader_rarity", np.zeros(0)),
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
        experts=_read_experts(head["experts"], shared) if "experts" in head else None,
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
        encoder=encoder,
        models=(),
        quality=quality,
        costs=costs,
        sources=sources,
        rows=rows,
        joint=_read_joint(head["joint"], shared) if "joint" in head else None,
    )
    parts = [_part(files, stem, first["axes"]) for stem in head["models"]]
    names = tuple(part.numbers["model"] for part in parts)
    whole = built(profile, names, parts)
    _try(whole, dim=len(first["axes"]))
    return whole


def _try(profile: Profile, *, dim: int) -> None:
    """Predict for one query, so that numbers that do not fit each other are found now and not in a turn.

    Raises:
        ValueError: they do not.
    """
    query = Queries(vectors=np.zeros((1, dim), np.float32), surface=np.zeros((1, len(SURFACE))))
    estimate = profile.quality.foresee(query).estimate
    found = [estimate.mean, estimate.deviation, profile.costs.predict(query)]
    if not all(np.isfinite(numbers).all() for numbers in found):
        raise ValueError("numbers that are not finite")
    if profile.joint and not set(profile.joint.models) <= set(profile.models):
        raise ValueError("answers of models that it does not have")


def _experts(experts: MixtureOfExperts) -> Arrays:
    return {
        **_design("experts", experts.design),
        "experts_first": experts.first,
        "experts_threshold": experts.threshold,
        "experts_cuts": experts.cuts,
    }


def _read_experts(head: dict[str, int], arrays: Arrays) -> MixtureOfExperts:
    """Return the experts without the models' own numbers.

    Raises:
        ValueError: the numbers do not fit each other.
    """
    shape = Shape(**head)
    e, top, w = shape
    heads, rows = len(arrays["experts_cuts"]), len(arrays["experts_centre"])
    if not 1 <= top <= e or arrays["experts_first"].shape != (rows, heads * e * (1 + w)):
        raise ValueError("experts of another shape")
    return MixtureOfExperts(
        design=_read_design("experts", arrays),
        shape=shape,
        first=arrays["experts_first"],
        threshold=arrays["experts_threshold"],
        loadings=np.zeros((heads, e * (w + 1), 0)),
        cuts=arrays["experts_cuts"],
        floor=np.zeros(0),
    )


def _joint(joint: Joint) -> Arrays:
    return {f"joint_{name}": getattr(joint, name) for name in _JOINT}


def _read_joint(head: dict[str, Any], arrays: Arrays) -> Joint:
    """Return how the models answer together.

    Raises:
        ValueError: the numbers do not fit each other.
    """
    models = tuple(head["models"])
    found = {name: arrays[f"joint_{name}"] for name in _JOINT}
    sizes = {"m": len(models), "u": len(LEVELS)}
    for name, axes in _JOINT.items():
        if found[name].shape != tuple(sizes[axis] for axis in axes):
            raise ValueError(f"joint_{name} is of another shape")
    if not all(np.isfinite(numbers).all() for numbers in (*found.values(), head["slope"])):
        raise ValueError("numbers that are not finite")
    return Joint(models=models, slope=float(head["slope"]), **found)


def _part(files: HashedFiles, stem: str, axes: NDArray[np.float32]) -> Part:
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
