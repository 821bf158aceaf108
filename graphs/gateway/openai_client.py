"""Spares OpenAI's client the walk through what it sends, which LiteLLM has built in its final form.

The client compares each message and tool with every type that it could have, on the event loop: 6 ms for a dialogue of
forty messages, in which no other turn goes on. The types of chat completions change nothing.
"""

from collections.abc import Mapping
from typing import Any

from openai import AsyncOpenAI
from openai.resources.chat import AsyncCompletions

__all__ = ["spare_walk"]

_WALKED = ("messages", "tools")
"""What of a request may be large."""


class _Completions(AsyncCompletions):
    """The same calls, with what is large put into the body as it is."""

    async def create(  # type: ignore[override]  # whatever it is given, it passes on
        self, *, extra_body: Mapping[str, Any] | None = None, **given: Any
    ) -> Any:
        """Send a request; see `AsyncCompletions.create`."""
        large = {name: given.pop(name) for name in _WALKED if given.get(name)}
        # What the client is given as `extra_body` takes the place of what it would send.
        rest = {"messages": [], **given} if "messages" in large else given
        create: Any = super().create
        return await create(**rest, extra_body={**large, **(extra_body or {})})


def spare_walk(stream: object) -> None:
    """Spare the client that opened `stream` the walk from its next call on; LiteLLM keeps clients for many calls.

    Of a stream that another client opened nothing is changed.
    """
    client = getattr(stream, "_client", None)
    if isinstance(client, AsyncOpenAI) and not isinstance(client.chat.completions, _Completions):
        vars(client.chat)["completions"] = _Completions(client)
