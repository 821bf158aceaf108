"""The lock of a thread under random arrivals and cancellations: one at a time, in order, and always given back."""

import asyncio
import threading

from hypothesis import given
from hypothesis import strategies as st

from graphs.locks import FairLock, lock_of
from tests.support.waiting import PATIENCE_S


class FakeSaver:
    """Anything that a lock can be kept on."""


@given(cancelled=st.lists(st.sampled_from(["no", "waiting", "holding"]), max_size=12))
def test_whoever_is_not_cancelled_gets_the_lock_in_order_of_arrival(cancelled: list[str]) -> None:
    async def main() -> list[int]:
        saver, inside = FakeSaver(), 0
        order: list[int] = []
        entered = [asyncio.Event() for _ in cancelled]

        async def hold(number: int) -> None:
            nonlocal inside
            async with lock_of(saver, "t"):
                inside += 1
                assert inside == 1
                entered[number].set()
                try:
                    await asyncio.sleep(2 * PATIENCE_S if cancelled[number] == "holding" else 0)
                    order.append(number)
                finally:
                    inside -= 1

        tasks = [asyncio.create_task(hold(n)) for n in range(len(cancelled))]
        await asyncio.sleep(0)
        for task, how in zip(tasks, cancelled, strict=True):
            if how == "waiting":
                task.cancel()
        for number, (task, how) in enumerate(zip(tasks, cancelled, strict=True)):
            if how == "holding":
                await asyncio.wait_for(entered[number].wait(), PATIENCE_S)
                task.cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), PATIENCE_S)
        async with asyncio.timeout(PATIENCE_S), lock_of(saver, "t"):
            return order

    assert asyncio.run(main()) == [n for n, how in enumerate(cancelled) if how == "no"]


@given(threads=st.integers(2, 4), turns=st.integers(1, 5))
def test_threads_with_loops_of_their_own_exclude_each_other(threads: int, turns: int) -> None:
    lock, inside = FairLock(), 0
    done: list[int] = []

    async def work() -> None:
        nonlocal inside
        for _ in range(turns):
            async with asyncio.timeout(PATIENCE_S), lock:
                inside += 1
                await asyncio.sleep(0)
                assert inside == 1
                inside -= 1
                done.append(1)

    workers = [threading.Thread(target=asyncio.run, args=(work(),)) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(done) == threads * turns
