"""What a model is worth as the judge of two agents that are too close: how often it names the right one, and its time.

It replays labelled conversations, and puts each turn on which the router would ask to the cheapest local model of the
catalogue, as the graph does with `tie_break` on. CONVERSATIONS are those of `app.evaluate agents`, MODELS is a
catalogue whose models are used. The router then goes on with its own choice, so that both see the same turns.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from langchain_core.messages import HumanMessage

from app.conversations import make_chooser, read_conversations
from benchmarks.report import print_table
from graphs import record as records
from graphs.catalog import Catalog
from graphs.gateway.transport import Limits
from graphs.machine import Event
from graphs.nodes.tie_break import tie_break
from graphs.options import Options
from graphs.replay import replay
from graphs.routing.decision import Decision
from graphs.routing.encoder import CachedEncoder, make_encoder
from graphs.services import Services
from graphs.state import State

_PATIENT = Limits(connect=60, first_token=60, idle=60, turn=120)


def asked(catalog: Catalog, conversations: Path) -> Iterator[tuple[str, Decision, str | None]]:
    """Yield each request on which the router would ask, its question, and whose the turn was."""
    chooser = make_chooser(catalog, CachedEncoder(make_encoder(), entries=1_000_000))
    titles = {card.id: card.title for card in catalog.agents}
    gold = {}
    for line in conversations.read_text().splitlines():
        row = json.loads(line)
        gold[row["conversation_id"]] = [turn["agent"] for turn in row["turns"]]
    for conversation in read_conversations(conversations):
        steps = replay(conversation.turns, chooser, titles=titles)
        for (user, _), step, right in zip(
            conversation.turns, steps, gold[conversation.id], strict=True
        ):
            if step.decision == "ask":
                question = Decision(
                    event=Event.CLARIFY,
                    agent=step.agent,
                    others=step.others,
                    p_fit=step.ranked[0][1],
                    reason=step.reason,
                )
                yield user, question, right


async def judged(
    services: Services, text: str, question: Decision
) -> tuple[str | None, float, float]:
    """Return whom the model names, None where it leaves the question to the user, with ms and USD."""
    record = records.begin(thread=None, turn=0, phase="idle", event="new_request", versions={})
    state: dict[str, Any] = {
        "decision": record,
        "request": text,
        "messages": [HumanMessage(text)],
        "active_agent": None,
    }
    began = time.perf_counter()
    decision, record = await tie_break(question, question.others, State(**state), None, services)  # type: ignore[typeddict-item]
    took = 1e3 * (time.perf_counter() - began)
    named = None if decision.event == Event.CLARIFY else decision.agent
    return named, took, float(record["cost_usd"])


async def _main(arguments: argparse.Namespace) -> None:
    catalog = Catalog.from_file(arguments.catalog)
    questions = list(asked(catalog, arguments.conversations))[: arguments.limit]
    models = Catalog.from_file(arguments.models)
    local = [model for model in models.models if model.local]
    both = replace(catalog, models=tuple(local), kinds=models.kinds, default_model=local[0].id)
    counts: Counter[str] = Counter()
    times = []
    with TemporaryDirectory() as home:
        services = Services.from_catalog(both, Options(home=Path(home), limits=_PATIENT))
        try:
            for text, question, right in questions:
                named, took, _ = await judged(services, text, question)
                times.append(took)
                counts["first"] += question.agent == right
                counts["among"] += right in question.others
                counts["named"] += named is not None
                counts["right"] += named is not None and named == right
        finally:
            services.close()
    n = max(len(questions), 1)
    row = [
        local[0].id,
        str(len(questions)),
        f"{counts['among'] / n:.2f}",
        f"{counts['first'] / n:.2f}",
        f"{counts['named'] / n:.2f}",
        f"{counts['right'] / max(counts['named'], 1):.2f}",
        f"{statistics.median(times):.0f}" if times else "",
    ]
    columns = ["model", "questions", "right one offered", "router's first right"]
    columns += ["named", "right of the named", "ms p50"]
    print_table("A model as the judge where the router would ask", columns, [row])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--catalog", type=Path, required=True, help="the agents")
    parser.add_argument("--conversations", type=Path, required=True, help="labelled")
    parser.add_argument("--models", type=Path, default=Path("catalog.yaml"))
    parser.add_argument("--limit", type=int, default=100)
    asyncio.run(_main(parser.parse_args()))
