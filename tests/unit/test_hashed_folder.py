"""A folder under a manifest of hashes: whatever is changed in it is refused, and no crash loses both contents."""

import io
import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.errors import RoutingError
from graphs.routing import hashed_folder
from graphs.routing.hashed_folder import (
    HashedFiles,
    array_bytes,
    json_bytes,
    read_folder,
    write_folder,
)

OURS = re.compile(r"ids|rows/\w+")
Content = tuple[list[str], NDArray[np.float32]]
FIVE: Content = (["a", "b", "c", "d", "é"], np.arange(10, dtype=np.float32).reshape(5, 2))
FOUR: Content = (FIVE[0][1:], FIVE[1][1:])


def write(content: Content, folder: Path, *, kind: str = "test 1") -> None:
    ids, rows = content
    files = [("ids.json", json_bytes(ids)), ("rows/all.npy", array_bytes(rows))]
    write_folder(folder, files, kind=kind, about={"of": "x"}, ours=OURS, what="the test")


def build(files: HashedFiles) -> Content:
    ids, rows = files.json("ids.json"), files.arrays("rows/")["all"]
    if rows.shape != (len(ids), 2):
        raise ValueError("another length")
    return ids, rows


def read(folder: Path, *, kind: str = "test 1") -> Content:
    return read_folder(folder, build, kind=kind, what="the test", remedy="write it again")


def parts(folder: Path) -> dict[str, Path]:
    found = [p for p in folder.rglob("*") if p.is_file() and p.name != ".lock"]
    return {path.name.partition("-")[0].partition(".")[0]: path for path in found}


@pytest.mark.parametrize("content", [FIVE, ([], np.zeros((0, 2), np.float32))], ids=["5", "0"])
def test_it_comes_back_as_it_was_written(content: Content, tmp_path: Path) -> None:
    write(content, tmp_path / "new" / "folder")
    ids, rows = read(tmp_path / "new" / "folder")
    assert ids == content[0]
    np.testing.assert_array_equal(rows, content[1])


def test_arrays_in_the_order_of_columns_come_back(tmp_path: Path) -> None:
    file = io.BytesIO()
    np.save(file, np.asfortranarray(FIVE[1]))
    files = [("ids.json", json_bytes(FIVE[0])), ("rows/all.npy", file.getvalue())]
    write_folder(tmp_path, files, kind="test 1", about={}, ours=OURS, what="the test")
    np.testing.assert_array_equal(read(tmp_path)[1], FIVE[1])


def test_another_kind_is_refused(tmp_path: Path) -> None:
    write(FIVE, tmp_path)
    with pytest.raises(RoutingError, match="damaged or not of the form 'test 2': write it again"):
        read(tmp_path, kind="test 2")


def test_writing_again_removes_what_was_and_what_a_crash_left_and_nothing_else(
    tmp_path: Path,
) -> None:
    write(FIVE, tmp_path)
    (tmp_path / "rows" / "gone-0123456789ab.npy.tmp").write_text("left by a crash")
    mine = tmp_path / "notes-0123456789ab.json"
    mine.write_text("mine")
    write(FOUR, tmp_path)
    assert sorted(parts(tmp_path)) == ["all", "ids", "manifest", "notes"]
    assert len(read(tmp_path)[0]) == 4
    assert mine.read_text() == "mine"


def test_a_crash_at_any_step_leaves_the_old_content_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stop the writing before each of its steps on the file system in turn."""

    class Crash(Exception):
        pass

    sizes = set()
    for steps in range(24):
        directory = tmp_path / str(steps)
        write(FIVE, directory)
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
                write(FOUR, directory)
                finished = True
            except Crash:
                finished = False
        sizes.add((finished, len(read(directory)[0])))
    assert sizes == {(False, 5), (False, 4), (True, 4)}


def make_a_folder_of(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "gone": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b" "),
    "folder": make_a_folder_of,
    "two gigabytes of nothing": lambda path: os.truncate(path, 2 << 30),
}


@pytest.mark.parametrize("part", ["manifest", "ids", "all"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused(tmp_path: Path, part: str, damage: str) -> None:
    write(FIVE, tmp_path)
    DAMAGES[damage](parts(tmp_path)[part])
    with pytest.raises(RoutingError, match="the test"):
        read(tmp_path)


def test_every_flipped_bit_is_refused(tmp_path: Path) -> None:
    write(FIVE, tmp_path)
    for path in parts(tmp_path).values():
        content = path.read_bytes()
        for position in range(len(content)):
            flipped = bytearray(content)
            flipped[position] ^= 1 << (position % 8)
            path.write_bytes(flipped)
            with pytest.raises(RoutingError):
                read(tmp_path)
        path.write_bytes(content)
    assert len(read(tmp_path)[0]) == 5


def test_files_of_two_folders_do_not_mix(tmp_path: Path) -> None:
    write(FIVE, tmp_path / "mine")
    write(FOUR, tmp_path / "theirs")
    shutil.copy(parts(tmp_path / "theirs")["all"], parts(tmp_path / "mine")["all"])
    with pytest.raises(RoutingError, match="was changed"):
        read(tmp_path / "mine")


def npy(
    array: NDArray[Any], *, shape: tuple[int, ...] | None = None, pickle: bool = False
) -> bytes:
    """Return an array as a file, on demand with a header that states another shape."""
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=pickle)
    content = file.getvalue()
    return content.replace(str(array.shape).encode(), str(shape).encode()) if shape else content


FORGED: dict[str, tuple[bytes, bytes]] = {
    "fewer ids": (b'["a"]', npy(np.ones((2, 2)))),
    "nested": (b"[" * 100_000, npy(np.ones((1, 2)))),
    "no list": (b"3", npy(np.ones((1, 2)))),
    "objects": (b'["a"]', npy(np.array([[print, print]], object), pickle=True)),
    "two gigabytes": (b'["a"]', npy(np.ones((1, 2)), shape=(1 << 27, 2))),
    "terabytes": (b'["a"]', npy(np.ones((1, 2)), shape=(1 << 40, 384))),
    "beyond int64": (b'["a"]', npy(np.ones((1, 2)), shape=(1 << 62, 384))),
    "less than there is": (b'["a"]', npy(np.ones((2, 2)), shape=(1, 2))),
    "zip": (b'["a"]', b"PK\x03\x04 not an array"),
    "a header of version 9": (b'["a"]', npy(np.ones((1, 2))).replace(b"\x93NUMPY\x01", b"\x93NUMPY\x09")),
    "a header that is code": (
        b'["a"]',
        npy(np.ones((1, 2))).replace(b"{'descr'", b"{[print]"),
    ),
    "nothing": (b"", b""),
}  # fmt: skip


@pytest.mark.parametrize("forgery", FORGED)
def test_forged_files_under_right_hashes_are_refused(tmp_path: Path, forgery: str) -> None:
    ids, rows = FORGED[forgery]
    files = [("ids.json", ids), ("rows/all.npy", rows)]
    write_folder(tmp_path, files, kind="test 1", about={}, ours=OURS, what="the test")
    with pytest.raises(RoutingError, match="not of the form 'test 1'"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("ids.json", "../../../../etc/passwd"),
        ("ids.json", "A" * 64),
        ("ids.json", ""),
        ("ids.json", 5),
        ("ids.json", None),
        ("../ids.json", "a" * 64),
        ("/etc/ids.json", "a" * 64),
        ("a/b/ids.json", "a" * 64),
        (".json", "a" * 64),
    ],
)
def test_a_manifest_cannot_name_other_files(tmp_path: Path, name: str, digest: Any) -> None:
    write(FIVE, tmp_path)
    forged = hashed_folder._manifest("test 1", {}, {name: digest}, {name: 9})
    (tmp_path / "manifest.json").write_bytes(forged)
    with pytest.raises(RoutingError, match=r"manifest\.json"):
        read(tmp_path)


@pytest.mark.parametrize("manifest", [b"[]", b"3", b'{"about": 1}', b"[" * 100_000, b"\xff\xfe"])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, manifest: bytes) -> None:
    write(FIVE, tmp_path)
    (tmp_path / "manifest.json").write_bytes(manifest)
    with pytest.raises(RoutingError, match=r"manifest\.json"):
        read(tmp_path)


def test_a_folder_that_cannot_be_written_is_a_routing_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RoutingError, match="the test cannot be saved"):
        write(FIVE, tmp_path / "file" / "below")


def test_two_writers_take_turns_and_a_reader_gets_one_of_theirs(tmp_path: Path) -> None:
    write(FIVE, tmp_path)
    until = time.monotonic() + 0.5
    faults: list[RoutingError] = []

    def keep_writing(content: Content) -> None:
        while time.monotonic() < until:
            try:
                write(content, tmp_path)
            except RoutingError as error:
                faults.append(error)

    writers = [threading.Thread(target=keep_writing, args=[c]) for c in (FIVE, FOUR)]
    for writer in writers:
        writer.start()
    sizes = set()
    while time.monotonic() < until:
        sizes.add(len(read(tmp_path)[0]))
    for writer in writers:
        writer.join()
    assert faults == []
    assert sizes <= {4, 5}
    hashes = {sha256(p.read_bytes()).hexdigest() for p in parts(tmp_path).values()}
    assert len(hashes) == 3
    assert len(read(tmp_path)[0]) in (4, 5)
