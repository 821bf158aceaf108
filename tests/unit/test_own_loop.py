"""A loop for synchronous code goes on whatever runs in it, and in a forked process."""

import asyncio
import os

import pytest

from graphs.own_loop import OwnLoop


async def seven() -> int:
    await asyncio.sleep(0)
    return 7


async def leave() -> None:
    raise SystemExit(3)


def value_of(loop: OwnLoop) -> int:
    return asyncio.run_coroutine_threadsafe(seven(), loop.get()).result(timeout=60)


def test_what_ends_a_process_ends_a_task_and_is_told() -> None:
    loop = OwnLoop("test")
    with pytest.raises(SystemExit):
        asyncio.run_coroutine_threadsafe(leave(), loop.get()).result(timeout=60)
    assert value_of(loop) == 7


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Python's, of a fork beside threads
def test_it_begins_again_in_a_forked_process() -> None:
    loop = OwnLoop("test")
    assert value_of(loop) == 7
    child = os.fork()
    if child == 0:
        os._exit(value_of(loop))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
