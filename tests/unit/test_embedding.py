"""The memory of vectors: it saves work, and whatever becomes of it costs no more than that work."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.profile.embedding import embedded, progress

TEXTS = [f"text {n}" for n in range(200)]


class Counting:
    """Makes unit vectors and counts the texts."""

    name, dim = "counting", 64

    def __init__(self) -> None:
        self.texts = 0

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += len(texts)
        vectors = [np.random.default_rng(len(t) + ord(t[-1])).normal(size=self.dim) for t in texts]
        return np.array([v / np.linalg.norm(v) for v in vectors], np.float32)


def run(home: Path) -> tuple[NDArray[np.float32], int]:
    encoder = Counting()
    with progress() as bar:
        found = embedded(TEXTS, encoder, home=home, bar=bar)
    return found.vectors, encoder.texts


def test_what_was_embedded_before_is_remembered(tmp_path: Path) -> None:
    first, worked = run(tmp_path)
    again, repeated = run(tmp_path)
    np.testing.assert_array_equal(first, again)
    assert (worked, repeated) == (200, 0)


def test_a_text_that_is_there_again_is_embedded_once(tmp_path: Path) -> None:
    encoder = Counting()
    with progress() as bar:
        found = embedded([*TEXTS[:3], *TEXTS[:3]], encoder, home=tmp_path, bar=bar).vectors
    assert encoder.texts == 3
    np.testing.assert_array_equal(found[:3], found[3:])


@pytest.mark.parametrize("damage", ["header", "cut", "middle"])
def test_a_damaged_memory_is_begun_anew(damage: str, tmp_path: Path) -> None:
    first, _ = run(tmp_path)
    path = tmp_path / "vectors.sqlite"
    content = bytearray(path.read_bytes())
    if damage == "header":
        content[:16] = b"no database here"
    elif damage == "cut":
        del content[len(content) // 2 :]
    else:
        content[4096:-4096] = bytes(len(content) - 8192)
    path.write_bytes(content)
    again, worked = run(tmp_path)
    np.testing.assert_array_equal(first, again)
    assert worked == 200
    assert run(tmp_path)[1] == 0


def test_where_nothing_can_be_kept_it_works_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "vectors.sqlite").mkdir()
    assert run(tmp_path)[1] == 200


def test_one_that_lets_nothing_in_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    run(tmp_path)
    with closing(sqlite3.connect(tmp_path / "vectors.sqlite")) as memory, memory:
        memory.execute(
            "create trigger full before insert on vectors begin select raise(abort, 'full'); end"
        )
        memory.execute("delete from vectors where key in (select key from vectors limit 50)")
    assert run(tmp_path)[1] == 50
    assert run(tmp_path)[1] == 50
