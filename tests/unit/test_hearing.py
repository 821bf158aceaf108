"""What was said is embedded for the next turn where nobody else waits for the processor."""

import asyncio

import pytest

from graphs import ahead
from graphs.routing.dialogue import Dialogue
from tests.support.agents import fake_agent, fake_services
from tests.support.waiting import until


async def test_what_was_said_is_embedded_while_no_other_turn_is_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ahead, "_LISTEN_S", 0.0)
    services = fake_services(fake_agent("alpha"))
    heard: list[Dialogue] = []
    try:
        monkeypatch.setattr(services.router(), "hear", heard.append)
        dialogue = Dialogue().after("Hello.", agent=None, said="Good morning.")
        with services.admission.turn("ann"):
            services.ahead.hear(dialogue)
            await asyncio.sleep(0.05)
            assert heard == []
        services.ahead.hear(dialogue)
        await until(lambda: heard == [dialogue])
    finally:
        services.close()
