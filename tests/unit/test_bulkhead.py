"""Places for calls at once: in order of arrival, across event loops, and none is ever lost."""

import asyncio
import threading

import pytest

from graphs.gateway.bulkhead import Bulkhead
from tests.support.waiting import PATIENCE_S, until

FULL = RuntimeError("full")


async def test_who_waits_too_long_is_told_so_and_takes_no_place() -> None:
    doors = Bulkhead(1)
    async with doors.place("a", seconds=PATIENCE_S, otherwise=FULL):
        with pytest.raises(RuntimeError, match="full"):
            async with doors.place("a", seconds=0.02, otherwise=FULL):
                pass
        async with doors.place("b", seconds=PATIENCE_S, otherwise=FULL):
            assert doors.names == 2
    async with doors.place("a", seconds=PATIENCE_S, otherwise=FULL):
        pass
    assert doors.names == 0, "nothing is kept of who has left"


async def test_places_go_in_order_of_arrival() -> None:
    doors, came = Bulkhead(1), list[int]()

    async def visit(number: int) -> None:
        async with doors.place("a", seconds=PATIENCE_S, otherwise=FULL):
            came.append(number)

    async with doors.place("a", seconds=PATIENCE_S, otherwise=FULL):
        visits = []
        for number in range(9):
            visits.append(asyncio.create_task(visit(number)))
            await asyncio.sleep(0)
        visits[4].cancel()
    await asyncio.gather(*visits, return_exceptions=True)
    assert came == [0, 1, 2, 3, 5, 6, 7, 8]
    assert doors.names == 0


async def test_an_error_inside_is_not_taken_for_a_full_house() -> None:
    with pytest.raises(TimeoutError):
        async with Bulkhead(1).place("a", seconds=PATIENCE_S, otherwise=FULL):
            raise TimeoutError


async def test_threads_with_loops_of_their_own_share_the_places() -> None:
    doors, inside, most = Bulkhead(3), 0, 0
    guard = threading.Lock()

    async def visit() -> None:
        nonlocal inside, most
        async with doors.place("a", seconds=PATIENCE_S, otherwise=FULL):
            with guard:
                inside += 1
                most = max(most, inside)
            await asyncio.sleep(0.001)
            with guard:
                inside -= 1

    async def visits() -> None:
        await asyncio.gather(*(visit() for _ in range(20)))

    threads = [threading.Thread(target=lambda: asyncio.run(visits())) for _ in range(4)]
    for thread in threads:
        thread.start()
    await until(lambda: not any(thread.is_alive() for thread in threads))
    assert most == 3
    assert (inside, doors.names) == (0, 0)
