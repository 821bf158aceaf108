"""A catalogue of models behind scripted providers, and answers by what is asked."""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.support.provider import FakeProvider, Reply, Seen, Usage, Wire, ok

Answer = Callable[[str], str | Reply]
"""From the user's message to what is answered."""


def answering(answer: Answer, *, usage: Usage = (10, 5), after: float = 0.0) -> Reply:
    """Answer each request by its last message, `after` so many seconds."""

    async def reply(wire: Wire, seen: Seen) -> None:
        await asyncio.sleep(after)
        found = answer(seen.body["messages"][-1]["content"])
        await (ok(found, usage=usage) if isinstance(found, str) else found)(wire, seen)

    return reply


def write_catalogue(
    path: Path, providers: Mapping[str, FakeProvider], *, price: bool = True
) -> Path:
    """Write a catalogue of one model for each provider; one that is `dear` costs 1,000 times as much."""
    models = [
        {
            "id": name,
            "litellm": f"openai/{name}",
            "base_url": provider.base_url,
            **({"price": _price(name)} if price else {}),
            "context_tokens": 8000,
            "max_output_tokens": 100,
        }
        for name, provider in providers.items()
    ]
    path.write_text(json.dumps({"default_model": models[0]["id"], "models": models}))
    return path


def write_questions(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def sums(n: int) -> list[dict[str, Any]]:
    """Return n questions with a number for an answer."""
    return [
        {
            "query_id": f"q{i}",
            "query": f"What is {i} plus {i}?",
            "grader": "numeric",
            "answer": 2 * i,
        }
        for i in range(n)
    ]


def right(text: str) -> str:
    """Answer a question of `sums`."""
    return str(2 * int(text.split()[2])) if " plus " in text else "A poem."


def texts_of(provider: FakeProvider) -> list[str]:
    """Return the last message of each request."""
    return [seen.body["messages"][-1]["content"] for seen in provider.requests]


def _price(name: str) -> dict[str, float]:
    times = 1000.0 if name.startswith("dear") else 1.0
    return {"input": times, "output": 2 * times}
