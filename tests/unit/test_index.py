"""The index on small cases: order, masks, changes, refusals, and what a saved one survives."""

import io
import json
import os
import shutil
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from agents.errors import RoutingError
from graphs.routing import index as index_module
from graphs.routing.index import VectorIndex

ENCODER = "tiny@1"
IDS = ["b", "a", "c", "ü\ud800", ""]
ROWS = np.array([[1, 0], [1, 0], [0, 1], [-1, 0], [0.5, 0.5]], np.float32)
EAST = np.array([[1, 0]], np.float32)


@pytest.fixture
def index() -> VectorIndex:
    return VectorIndex.from_vectors(IDS, ROWS)


def ids_of(hits: list[tuple[str, float]]) -> list[str]:
    return [id_ for id_, _ in hits]


# Search


def test_hits_come_best_first_and_ties_by_id(index: VectorIndex) -> None:
    assert index.search(EAST, 3) == [[("a", 1.0), ("b", 1.0), ("", 0.5)]]


def test_a_tie_at_the_end_goes_to_the_smaller_id(index: VectorIndex) -> None:
    assert index.search(EAST, 1) == [[("a", 1.0)]]


def test_ties_of_many_are_cut_by_id() -> None:
    ids = [f"{n:04}" for n in range(1000)]
    index = VectorIndex.from_vectors(ids[::-1], np.ones((1000, 2), np.float32))
    assert ids_of(index.search(EAST, 7)[0]) == ids[:7]


def test_more_neighbours_than_vectors_are_all_of_them(index: VectorIndex) -> None:
    assert sorted(ids_of(index.search(EAST, 10_000)[0])) == sorted(IDS)


def test_only_allowed_ids_come_back(index: VectorIndex) -> None:
    assert ids_of(index.search(EAST, 2, allowed={"c", "b", "unknown"})[0]) == ["b", "c"]
    assert index.search(EAST, 2, allowed=["c", "c"]) == [[("c", 0.0)]]


@pytest.mark.parametrize("allowed", [[], {"unknown"}], ids=["nothing", "unknown"])
def test_nothing_allowed_gives_empty_lists(index: VectorIndex, allowed: list[str]) -> None:
    assert index.search(np.vstack([EAST, EAST]), 3, allowed=allowed) == [[], []]


def test_an_empty_index_gives_empty_lists() -> None:
    empty = VectorIndex.from_vectors([], np.empty((0, 2), np.float32))
    assert empty.search(EAST, 3) == [[]]
    assert (len(empty), empty.dim) == (0, 2)


def test_no_query_gives_no_list(index: VectorIndex) -> None:
    assert index.search(np.empty((0, 2), np.float32), 3) == []


def test_a_zero_query_ties_everything(index: VectorIndex) -> None:
    assert index.search(np.zeros((1, 2)), 2) == [[("", 0.0), ("a", 0.0)]]


def test_the_largest_numbers_give_finite_scores() -> None:
    rows = np.full((1, 384), 1e15)
    [[(_, score)]] = VectorIndex.from_vectors(["a"], rows).search(-rows, 1)
    assert score == pytest.approx(-384e30)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (np.ones((1, 3)), r"\(1, 3\), expected \(n, 2\)"),
        (np.ones(2), r"\(2,\), expected \(n, 2\)"),
        (np.array([[1.0, np.nan]]), "not finite"),
        (np.array([[np.inf, 0.0]]), "not finite"),
        (np.array([[1e300, 0.0]]), "not finite"),
        (np.array([["x", "y"]]), "expected numbers"),
    ],
    ids=["dimension", "flat", "nan", "inf", "beyond float32", "text"],
)
def test_a_query_that_is_no_vector_is_refused(
    index: VectorIndex, query: npt.NDArray[Any], message: str
) -> None:
    with pytest.raises(RoutingError, match=message):
        index.search(query, 1)


@pytest.mark.parametrize("k", [0, -1])
def test_no_neighbours_cannot_be_asked_for(index: VectorIndex, k: int) -> None:
    with pytest.raises(RoutingError, match=f"{k} neighbours"):
        index.search(EAST, k)


def test_a_query_scores_the_same_alone_and_among_many() -> None:
    """A matrix product in place of single ones would round by position, and equal vectors would no longer tie."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((300, 384)).astype(np.float32)
    vectors[100:200] = vectors[:100]
    index = VectorIndex.from_vectors([str(n) for n in range(300)], vectors)
    queries = rng.standard_normal((50, 384)).astype(np.float32)
    together = index.search(queries, 300)
    assert together == [index.search(query[None], 300)[0] for query in queries]
    assert together == index.search(queries, 300, allowed={str(n) for n in range(300)})
    for hits in together:
        scores = dict(hits)
        assert all(scores[str(n)] == scores[str(n + 100)] for n in range(100))


# Changes


def test_removed_ids_are_gone_and_the_rest_stays(index: VectorIndex) -> None:
    index.remove(["b", "", "b"])
    assert ids_of(index.search(EAST, 9)[0]) == ["a", "c", "ü\ud800"]
    assert "b" not in index
    assert "a" in index
    index.add(["b"], np.array([[2, 0]]))
    assert index.search(EAST, 1) == [[("b", 2.0)]]


def test_everything_can_be_removed_and_added_again(index: VectorIndex) -> None:
    index.remove(IDS)
    assert index.search(EAST, 1) == [[]]
    index.add(IDS, ROWS)
    assert index.search(EAST, 3) == VectorIndex.from_vectors(IDS, ROWS).search(EAST, 3)


@pytest.mark.parametrize(
    ("ids", "rows", "message"),
    [
        (["new", "a"], np.ones((2, 2)), "'a' is in the index already"),
        (["new", "new"], np.ones((2, 2)), "'new' is in the index already"),
        (["new"], np.ones((2, 2)), "1 ids came with 2 vectors"),
        (["new"], np.ones((1, 3)), r"\(1, 3\), expected \(n, 2\)"),
        (["new"], np.array([[np.nan, 1]]), "not finite"),
    ],
    ids=["taken", "twice", "number", "dimension", "nan"],
)
def test_a_refused_addition_changes_nothing(
    index: VectorIndex, ids: list[str], rows: npt.NDArray[Any], message: str
) -> None:
    before = index.search(EAST, 9)
    with pytest.raises(RoutingError, match=message):
        index.add(ids, rows)
    assert index.search(EAST, 9) == before
    assert len(index) == len(IDS)


def test_a_refused_removal_changes_nothing(index: VectorIndex) -> None:
    with pytest.raises(RoutingError, match="'unknown' is not in the index"):
        index.remove(["a", "unknown"])
    assert "a" in index


@pytest.mark.parametrize("shape", [(3,), (0,), (1, 0), (1, 2, 2)], ids=str)
def test_vectors_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(RoutingError, match="expected"):
        VectorIndex.from_vectors(["a"] * shape[0], np.ones(shape))


def test_searches_stay_whole_while_another_thread_changes_the_index() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((400, 16)).astype(np.float32)
    ids = [str(n) for n in range(400)]
    index = VectorIndex.from_vectors(ids[:200], vectors[:200])
    expected = dict(VectorIndex.from_vectors(ids, vectors).search(vectors[:1], 400)[0])
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            index.add(ids[200:], vectors[200:])
            index.remove(ids[200:])

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(200):
            hits = index.search(vectors[:1], 400)[0]
            assert len(hits) in (200, 400)
            assert all(expected[id_] == score for id_, score in hits)
    finally:
        stop.set()
        thread.join()


# On disk


def saved(index: VectorIndex, directory: Path) -> dict[str, Path]:
    index.save(directory, encoder=ENCODER)
    return {path.name.partition("-")[0].partition(".")[0]: path for path in directory.iterdir()}


def test_a_saved_index_comes_back_the_same(index: VectorIndex, tmp_path: Path) -> None:
    index.remove(["a"])
    index.save(tmp_path / "new" / "folder", encoder=ENCODER)
    loaded = VectorIndex.load(tmp_path / "new" / "folder", encoder=ENCODER)
    assert loaded.search(EAST, 9) == index.search(EAST, 9)
    assert (len(loaded), loaded.dim) == (4, 2)


def test_an_empty_index_can_be_saved(tmp_path: Path) -> None:
    VectorIndex.from_vectors([], np.empty((0, 7))).save(tmp_path, encoder=ENCODER)
    assert VectorIndex.load(tmp_path, encoder=ENCODER).dim == 7


def test_the_index_of_another_encoder_is_refused(index: VectorIndex, tmp_path: Path) -> None:
    index.save(tmp_path, encoder=ENCODER)
    with pytest.raises(RoutingError, match="made with encoder 'tiny@1', this is 'other@2': build"):
        VectorIndex.load(tmp_path, encoder="other@2")


def test_saving_again_replaces_the_files(index: VectorIndex, tmp_path: Path) -> None:
    index.save(tmp_path, encoder=ENCODER)
    index.remove(["b"])
    (tmp_path / "ids-0123456789abcdef.json.tmp").write_text("left by a crash")
    assert sorted(saved(index, tmp_path)) == ["ids", "manifest", "vectors"]
    assert len(VectorIndex.load(tmp_path, encoder=ENCODER)) == 4


def test_a_crash_while_saving_leaves_the_old_index_or_the_new(
    index: VectorIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stop the saving before each of its steps on the file system in turn."""

    class Crash(Exception):
        pass

    sizes = set()
    for steps in range(20):
        directory = tmp_path / str(steps)
        index.save(directory, encoder=ENCODER)
        smaller = VectorIndex.from_vectors(IDS[1:], ROWS[1:])
        left = steps

        def crash_when_over(step: Callable[..., Any]) -> Callable[..., Any]:
            def run(*args: Any, **kwargs: Any) -> Any:
                nonlocal left
                left -= 1
                if left < 0:
                    raise Crash
                return step(*args, **kwargs)

            return run

        with monkeypatch.context() as patch:
            for name in ("open", "replace", "unlink"):
                patch.setattr(Path, name, crash_when_over(getattr(Path, name)))
            patch.setattr(os, "fsync", crash_when_over(os.fsync))
            try:
                smaller.save(directory, encoder=ENCODER)
                finished = True
            except Crash:
                finished = False
        size = len(VectorIndex.load(directory, encoder=ENCODER))
        assert size in (4, 5)
        sizes.add((finished, size))
    assert {(False, 5), (False, 4), (True, 4)} == sizes


@pytest.mark.parametrize("kind", ["manifest", "ids", "vectors"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes() + b" "),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["gone", "empty", "cut", "longer", "folder"],
)
def test_a_damaged_file_is_refused(
    index: VectorIndex, tmp_path: Path, kind: str, damage: Callable[[Path], object]
) -> None:
    damage(saved(index, tmp_path)[kind])
    with pytest.raises(RoutingError, match="build it again"):
        VectorIndex.load(tmp_path, encoder=ENCODER)


def test_every_flipped_bit_is_refused(index: VectorIndex, tmp_path: Path) -> None:
    for path in saved(index, tmp_path).values():
        content = path.read_bytes()
        for position in range(len(content)):
            flipped = bytearray(content)
            flipped[position] ^= 1 << (position % 8)
            path.write_bytes(flipped)
            with pytest.raises(RoutingError):
                VectorIndex.load(tmp_path, encoder=ENCODER)
        path.write_bytes(content)
    assert len(VectorIndex.load(tmp_path, encoder=ENCODER)) == 5


def test_files_of_two_indexes_do_not_mix(index: VectorIndex, tmp_path: Path) -> None:
    mine = saved(index, tmp_path / "mine")
    theirs = saved(VectorIndex.from_vectors(["x"], np.ones((1, 3))), tmp_path / "theirs")
    shutil.copy(theirs["vectors"], mine["vectors"])
    with pytest.raises(RoutingError, match="was changed"):
        VectorIndex.load(tmp_path / "mine", encoder=ENCODER)


@pytest.mark.parametrize("limit", ["_MANIFEST_BYTES", "_FILE_BYTES"])
def test_a_file_that_is_too_large_is_not_read(
    index: VectorIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    index.save(tmp_path, encoder=ENCODER)
    monkeypatch.setattr(index_module, limit, 10)
    with pytest.raises(RoutingError, match="expected at most 10"):
        VectorIndex.load(tmp_path, encoder=ENCODER)


def npy(
    array: npt.NDArray[Any], *, shape: tuple[int, ...] | None = None, pickle: bool = False
) -> bytes:
    """Return an array as a file, on demand with a header that states another shape."""
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=pickle)
    content = file.getvalue()
    return content.replace(str(array.shape).encode(), str(shape).encode()) if shape else content


@pytest.mark.parametrize(
    ("ids", "vectors"),
    [
        (b'["a", "a"]', npy(np.ones((2, 2)))),
        (b'["a"]', npy(np.ones((2, 2)))),
        (b"[1, 2]", npy(np.ones((2, 2)))),
        (b'{"a": 1}', npy(np.ones((1, 2)))),
        (b"[" * 100_000, npy(np.ones((1, 2)))),
        (b'["a"]', npy(np.ones(2))),
        (b'["a"]', npy(np.array([[np.nan, 1.0]]))),
        (b'["a"]', npy(np.array([["x", "y"]]))),
        (b'["a"]', npy(np.array([[print, print]], object), pickle=True)),
        (b'["a"]', npy(np.ones((1, 2)), shape=(1 << 40, 384))),
        (b'["a"]', npy(np.ones((1, 2)), shape=(1 << 62, 384))),
        (b'["a"]', b"PK\x03\x04 not an array"),
    ],
    ids=["same id", "fewer ids", "numbers", "mapping", "nested", "flat", "nan", "text", "objects", "terabytes",
         "beyond int64", "zip"],
)  # fmt: skip
def test_forged_files_under_right_hashes_are_refused(
    tmp_path: Path, ids: bytes, vectors: bytes
) -> None:
    hashes = {"ids": sha256(ids).hexdigest(), "vectors": sha256(vectors).hexdigest()}
    for kind, content in (("ids", ids), ("vectors", vectors)):
        (tmp_path / index_module._file_name(kind, hashes[kind])).write_bytes(content)
    (tmp_path / "manifest.json").write_bytes(index_module._manifest(encoder=ENCODER, **hashes))
    with pytest.raises(RoutingError):
        VectorIndex.load(tmp_path, encoder=ENCODER)


@pytest.mark.parametrize("hash_", ["../../../../etc/passwd", "A" * 64, "", 5, None], ids=str)
def test_a_manifest_cannot_name_other_files(
    index: VectorIndex, tmp_path: Path, hash_: object
) -> None:
    manifest = saved(index, tmp_path)["manifest"]
    content = json.loads(manifest.read_text())
    content["sha256"]["ids"] = hash_
    manifest.write_text(json.dumps(content, indent=2) + "\n")
    with pytest.raises(RoutingError, match=r"manifest\.json"):
        VectorIndex.load(tmp_path, encoder=ENCODER)


def test_an_index_that_cannot_be_written_is_a_routing_error(
    index: VectorIndex, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RoutingError, match="cannot be saved"):
        index.save(tmp_path / "file" / "below", encoder=ENCODER)
