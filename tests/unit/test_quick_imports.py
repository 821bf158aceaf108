"""Garbage collection waits while libraries are imported, and goes on as it was."""

import gc
from collections.abc import Iterator
from threading import Event, Thread

import pytest

from graphs.quick_imports import no_collection


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    gc.enable()
    yield
    gc.enable()


def test_collection_is_off_inside_and_on_again_after() -> None:
    with no_collection():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_whoever_had_it_off_keeps_it_off() -> None:
    gc.disable()
    with no_collection():
        pass
    assert not gc.isenabled()


def test_a_failed_import_leaves_it_on() -> None:
    with pytest.raises(ImportError), no_collection():
        raise ImportError
    assert gc.isenabled()


def test_the_last_thread_to_leave_turns_it_on() -> None:
    inside, leave = Event(), Event()

    def other() -> None:
        with no_collection():
            inside.set()
            leave.wait(10)

    with no_collection():
        thread = Thread(target=other)
        thread.start()
        assert inside.wait(10)
    assert not gc.isenabled()
    leave.set()
    thread.join(10)
    assert gc.isenabled()
