"""Two servers on one PostgreSQL database: either goes on with any thread, also with one whose worker was killed."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import postgres
from tests.support.bars import bar
from tests.support.provider import FakeProvider, Seen, Wire, ok
from tests.support.server_process import answers, process
from tests.support.waiting import PATIENCE_S, wait_until

pytestmark = pytest.mark.skipif(postgres.missing() is not None, reason=str(postgres.missing()))
HELD = "write a poem that is held up"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres.server() as address:
        yield address


def say(url: str, text: str, *, key: str | None = None, thread: str = "t") -> httpx.Response:
    headers = {"x-session-id": thread, **({"idempotency-key": key} if key else {})}
    body = {"messages": [{"role": "user", "content": text}]}
    return httpx.post(f"{url}/v1/chat/completions", json=body, headers=headers, timeout=PATIENCE_S)


def said(response: httpx.Response) -> tuple[str, str]:
    """Return who answered, and what."""
    assert response.status_code == 200, response.text
    answer: Any = response.json()
    return answer["model"], answer["choices"][0]["message"]["content"]


@pytest.mark.faults
def test_a_worker_that_is_killed_in_mid_turn_leaves_its_thread_to_the_other(
    server: str, tmp_path: Path
) -> None:
    asked, gate = threading.Event(), threading.Event()

    async def held(wire: Wire, seen: Seen) -> None:
        first = HELD in str(seen.body) and not asked.is_set()
        if first:
            asked.set()
            await asyncio.to_thread(gate.wait, PATIENCE_S)
        await ok("A poem.")(wire, seen)

    with FakeProvider(held) as provider:
        shared = {
            "MOMA_CHECKPOINTS": server,
            "MOMA_USER_BUDGET_USD": "1",
            "MOMA_ROUTING_SECONDS": str(PATIENCE_S),
        }
        folders = [tmp_path / name for name in ("one", "two")]
        for folder in folders:
            folder.mkdir()
        with (
            process(folders[0], provider, MOMA_HOME=str(folders[0]), **shared) as (one, first),
            process(folders[1], provider, MOMA_HOME=str(folders[1]), **shared) as (two, _),
        ):
            wait_until(lambda: answers(one, "/ready") and answers(two, "/ready"))
            turns = [
                said(say(one, "What is 17% of 2,350?")),
                said(say(two, "and what is 20% of 50?")),
                said(say(one, "write a poem")),
            ]
            waiting = threading.Thread(target=_swallow, args=(one, HELD))
            waiting.start()
            assert asked.wait(PATIENCE_S)
            first.kill()
            waiting.join(PATIENCE_S)
            turns.append(said(say(two, HELD, key="k")))
            calls = len(provider.requests)
            again = said(say(two, HELD, key="k"))
            gate.set()
            assert len(provider.requests) == calls, "what was answered is not asked for again"
    bar(
        1,
        "two servers on PostgreSQL, one killed in mid-turn",
        len(turns),
        f"{len(turns)} of 4 answered, the last by the other server",
        "the other goes on",
    )
    assert [who for who, _ in turns] == ["agent:calculator", "agent:calculator", "fake", "fake"]
    assert again == turns[-1] == ("fake", "A poem.")


def _swallow(url: str, text: str) -> None:
    try:
        say(url, text, key="k")
    except httpx.HTTPError:
        return
