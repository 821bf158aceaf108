"""Says what is configured, and tries what can be tried for nothing."""

import asyncio
import os
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

from rich.console import Console, RenderableType
from rich.text import Text

from agents.elsewhere.checks import secrets_of
from agents.errors import MomaError
from app.assembly import make_services
from app.candidates import agents_table, models_table
from app.doctor.overlaps import overlaps
from app.settings import Settings
from app.view import facts, table
from graphs import Services
from graphs.checkpoints import open_threads
from graphs.masks import Need, model_refusal

__all__ = ["examine"]

_REACH_S = 2.0
_PASSWORD = re.compile(r"//[^/@]*@")


def examine(console: Console, settings: Settings) -> int:
    """Print what is configured and what would be masked for a plain turn, and try what can be tried for nothing.

    Returns:
        the exit status: 1 if a problem was found.

    Raises:
        MomaError: the set-up is broken.
    """
    settings.make_home()
    services = make_services(settings)
    try:
        console.print(_configured(settings), _keys(services), _policy(services), "")
        console.print(agents_table(services), "", models_table(services), "")
        problems = [
            *_threads(console, settings),
            *_encoder(console, services),
            *_shadow(services),
            *_pool(services),
        ]
    finally:
        services.close()
    for problem in problems:
        console.print(Text(problem, style="red"))
    count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}."
    console.print(count if problems else "No problems.")
    return 1 if problems else 0


def _configured(settings: Settings) -> RenderableType:
    shown = {
        f"MOMA_{name.upper()}": ", ".join(value) if isinstance(value, tuple) else str(value)
        for name, value in settings.model_dump().items()
        if value not in (None, "", ())
    }
    return facts({name: _PASSWORD.sub("//…@", value) for name, value in shown.items()})


def _keys(services: Services) -> RenderableType:
    """Return which of the variables that the catalogue names are set; never what they hold."""
    needed = {name for m in services.catalog.models for name in (m.key, m.base_url_env) if name}
    needed |= {name for card in services.catalog.agents for name in secrets_of(card)}
    there = sorted(name for name in needed if os.environ.get(name))
    return facts({"keys set": ", ".join(there) or f"none of {len(needed)}"})


def _policy(services: Services) -> RenderableType:
    """Return which policy is in force; one that fails its checks ends the set-up before."""
    if services.permits is None:
        return facts({"policy": "none"})
    policy = services.permits.policy.engine().policy
    counts = f"{len(policy.rules)} rules, {len(policy.signals)} signals, {len(policy.tests)} tests"
    return facts({"policy": f"{policy.hash[:12]}, {counts}, sound"})


def _threads(console: Console, settings: Settings) -> Iterator[str]:
    """Print how many threads are kept; yield why they cannot be read."""
    try:
        kept = asyncio.run(_count_threads(settings))
    except MomaError as error:
        yield str(error)
    else:
        place = _PASSWORD.sub("//…@", settings.threads_place)
        console.print(facts({"threads": f"{kept:,} in {place}"}))


async def _count_threads(settings: Settings) -> int:
    async with open_threads(settings.threads_place) as saver:
        return await saver.count_threads()


def _encoder(console: Console, services: Services) -> Iterator[str]:
    """Print the encoder and the cards that it can confuse; yield why it or what is loaded with it cannot be used."""
    try:
        encoder = services.shared_encoder
        found = overlaps(services.cards(), encoder.encode)
    except MomaError as error:
        yield f"the encoder cannot be used: {error}"
        return
    console.print(facts({"encoder": encoder.name}))
    try:
        measured = services.router().measured
    except MomaError as error:
        yield str(error)
    else:
        if measured is not None and not measured.columns:
            yield f"MOMA_PROFILE counts for nothing: {measured.said}"
        elif measured is not None:
            console.print(facts({"profile": measured.said}))
    if found:
        columns = ("card", "nearer to", "texts", "the nearest of them")
        console.print(table("cards with texts that are nearer to another's", columns, found))


def _shadow(services: Services) -> Iterator[str]:
    """Yield why the shadow can compare nothing."""
    try:
        if services.shadow is not None:
            services.shadow.services.router()
    except MomaError as error:
        yield f"the shadow cannot be used: {error}"


def _pool(services: Services) -> Iterator[str]:
    """Yield what keeps models from answering that a mask does not know of, and whether any is left."""
    caller, need = (
        services.caller(None, services.left(None)),
        Need(tokens=1, residency=services.options.residency),
    )
    allowed = []
    for model in services.model_facts(input_tokens=1):
        refusal = model_refusal(model, caller=caller, need=need)
        if refusal is None:
            allowed.append(model.id)
        elif refusal.code == "file":
            yield f"the model {model.id}: {refusal.reason}"
    for model_id in allowed:
        if fault := _unreachable(services, model_id):
            yield f"the model {model_id}: {fault}"
    if not allowed:
        yield f"no model may answer: {_remedy(services)}"


def _remedy(services: Services) -> str:
    """Return what to do so that any model may answer."""
    asked = services.options.residency
    places = {place for model in services.catalog.models for place in model.residency}
    if asked and not asked & places:
        known = ", ".join(sorted(places)) or "no place that is known"
        return f"MOMA_RESIDENCY is {', '.join(sorted(asked))}, and the models run in {known}"
    return "set a provider's key or install the local model"


def _unreachable(services: Services, model_id: str) -> str | None:
    """Return why a model's own address cannot be reached; providers' addresses are not tried."""
    model = services.gateway.models[model_id]
    address = os.environ.get(model.base_url_env, "") if model.base_url_env else model.base_url
    if not address:
        return None
    try:
        parts = urlsplit(address)
        place = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        with closing(socket.create_connection(place, timeout=_REACH_S)):
            return None
    except (OSError, ValueError) as error:
        return f"{model.base_url_env or 'its base_url'} cannot be reached ({error})"
