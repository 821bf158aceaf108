"""What the nodes share in one process: the agents, the routers, the gateway, and the operator's options.

It decides nothing. The routers load on first use or behind the first prompt (`warm`), once for all callers.
"""

import asyncio
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from tzlocal import get_localzone

from agents.card import AgentCard
from agents.errors import RoutingError, SettingsError
from agents.registry import Registry, build_agent
from graphs.admission import Admission
from graphs.catalog import Catalog
from graphs.gateway.breaker import Breaker
from graphs.gateway.gateway import Gateway
from graphs.gateway.local import LocalModel, LocalServers, default_model
from graphs.gateway.models import Model, resolve_path
from graphs.gateway.transport import Limits
from graphs.masks import Caller, ModelFacts
from graphs.routing.dialogue import Dialogue
from graphs.routing.encoder import Encoder, make_encoder
from graphs.routing.fitted import Fitted
from graphs.routing.profile import Profile
from graphs.routing.profile_files import load_profile
from graphs.routing.router import Example, Router
from graphs.state import Context, Preference

_T = TypeVar("_T")
_TURNS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the operator set."""

    home: Path = field(default_factory=lambda: Path.home() / ".local" / "share" / "moma")
    """Where agents keep their files."""
    encoder: str = "onnx"
    profile: Path | None = None
    """The folder of a measured profile; without one the catalogue's assumed qualities count."""
    preference: Preference = "auto"
    budget_usd: float | None = None
    """For a turn."""
    default_grants: frozenset[str] = frozenset()
    """What every caller has."""
    residency: frozenset[str] = frozenset()
    """Where models must run; empty means anywhere."""
    max_hops: int = 8
    capable_from: float = 0.6
    """The quality from which a model is trusted to write SQL or to answer from passages."""
    tie_break: bool = False
    """Whether a model is asked which of a few agents is meant before the user is."""
    local_threads: int = 1
    turns_at_once: int = 64
    turns_waiting: int = 64
    """More are refused."""
    turns_per_user: int | None = None
    limits: Limits = field(default_factory=Limits)
    on_progress: Callable[[str], None] | None = None


class Services:
    """One process's agents, routers and gateway."""

    def __init__(
        self,
        catalog: Catalog,
        registry: Registry,
        gateway: Gateway,
        local: LocalServers,
        options: Options,
    ) -> None:
        self.catalog = catalog
        self.registry = registry
        self.gateway = gateway
        self.options = options
        self.admission = Admission(
            at_once=options.turns_at_once,
            waiting=options.turns_waiting,
            per_user=options.turns_per_user,
        )
        # Read once: the zone is in a file, and turns run in an event loop.
        self.zone = get_localzone()
        self._local = local
        self._router: Router | None = None
        self._loading = threading.Lock()
        # Embedding is CPU work that lets go of the interpreter lock: two at a time, off the event loop.
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="moma-route")
        self._breakers: defaultdict[str, Breaker] = defaultdict(Breaker)
        self._deadlines: OrderedDict[str, float] = OrderedDict()

    @classmethod
    def from_catalog(cls, catalog: Catalog, options: Options | None = None) -> "Services":
        """Build the agents and prepare the rest; nothing heavy is loaded yet.

        Raises:
            CatalogError: an agent cannot be built.
        """
        options = options or Options()
        registry = Registry(build_agent(card) for card in catalog.agents)
        local = LocalServers.from_models(
            [_local_model(m, threads=options.local_threads) for m in catalog.models if m.local],
            log_dir=options.home / "logs",
            on_progress=options.on_progress,
        )
        gateway = Gateway(catalog.models, local=local, limits=options.limits)
        services = cls(catalog, registry, gateway, local, options)
        registry.on_change(services._follow)
        return services

    def router(self) -> Router:
        """Return the routers; the first call loads the encoder and embeds the cards.

        Raises:
            MomaError: the encoder cannot be loaded.
        """
        with self._loading:
            if self._router is None:
                self._router = self._load()
            return self._router

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of `texts`, (n, d) unit rows."""
        return self.router().encode(texts)

    def knows(self, text: str, dialogue: Dialogue) -> bool:
        """Whether the vectors that a turn reads are at hand."""
        return self._router is not None and self._router.knows(text, dialogue)

    def hear(self, dialogue: Dialogue) -> None:
        """Embed what was said while the user reads it, so that the next choice need not wait for that."""
        if self._router is not None:
            with suppress(RuntimeError):  # the pool is closed: there is no next turn
                self._pool.submit(self._router.hear, dialogue)

    def warm(self) -> threading.Thread:
        """Load the routers and LiteLLM in the background and return the thread."""
        thread = threading.Thread(target=self._warm, name="moma-warm", daemon=True)
        thread.start()
        return thread

    async def in_pool(self, work: Callable[[], _T]) -> _T:
        """Run `work` in the routers' threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """End the local models' servers."""
        self._local.close()
        self._pool.shutdown(wait=False)

    def cards(self) -> Mapping[str, AgentCard]:
        """Return the cards of this moment."""
        return {agent_id: agent.card for agent_id, agent in self.registry.agents.items()}

    def runnable(self) -> frozenset[str]:
        """Return the agents with a graph behind their card."""
        return frozenset(i for i, agent in self.registry.agents.items() if agent.graph is not None)

    def model_facts(self, *, input_tokens: int) -> Iterable[ModelFacts]:
        """Return what masks need to know of each model, for a turn of `input_tokens`."""
        for model in self.catalog.models:
            yield model.facts(
                input_tokens=input_tokens,
                breaker_open=self.gateway.breaker_open(model.id),
                missing_file=self.gateway.missing_file(model),
            )

    def caller(self, context: Context | None, *, spent: float = 0.0) -> Caller:
        """Return what the caller may have; no context means no grants beyond the default ones."""
        given = context or Context()
        return Caller(
            grants=frozenset(given.grants) | self.options.default_grants,
            include=frozenset(given.include),
            exclude=frozenset(given.exclude),
            budget_usd=self.budget(context, spent=spent),
        )

    def budget(self, context: Context | None, *, spent: float = 0.0) -> float | None:
        """Return what this turn may still cost: the lower of the caller's and the operator's limit, less `spent`."""
        limits = [
            limit
            for limit in (context.budget_usd if context else None, self.options.budget_usd)
            if limit is not None
        ]
        return max(0.0, min(limits) - spent) if limits else None

    def breaker(self, agent_id: str) -> Breaker:
        """Return the breaker of an agent, which counts its crashes."""
        return self._breakers[agent_id]

    def broken(self) -> frozenset[str]:
        """Return the agents that rest after crashes."""
        return frozenset(i for i, breaker in [*self._breakers.items()] if breaker.open)

    def deadline(self, turn: str) -> float:
        """Return until when a turn may run, on the monotonic clock; asked for first, it begins.

        Args:
            turn: the id of its record.
        """
        deadline = self._deadlines.setdefault(turn, self.gateway.deadline())
        while len(self._deadlines) > _TURNS_AT_ONCE:
            self._deadlines.popitem(last=False)
        return deadline

    def preference(self, context: Context | None) -> Preference:
        """Return the caller's preference, or the operator's."""
        given = context.preference if context else None
        return self.options.preference if given is None else given

    def _follow(self, before: AgentCard | None, after: AgentCard | None) -> None:
        with self._loading:
            if self._router is not None:
                self._router.change(before, after)

    def _load(self) -> Router:
        encoder = self._encoder()
        return Router.from_parts(
            encoder,
            profile=self._profile(encoder),
            cards=self.cards().values(),
            examples=[
                Example(text=text, kind=kind.id, output_tokens=kind.output_tokens)
                for kind in self.catalog.kinds
                for text in kind.examples
            ],
            qualities={model.id: model.quality for model in self.catalog.models},
            costs=self.catalog.costs,
            fitted=self._fitted(),
        )

    def _profile(self, encoder: Encoder) -> Profile | None:
        """Return the profile that the operator named, which must be sound: it was asked for."""
        if self.options.profile is None:
            return None
        try:
            return load_profile(self.options.profile, encoder=encoder.name)
        except RoutingError as error:
            raise SettingsError(f"MOMA_PROFILE: {error}") from error

    def _fitted(self) -> Fitted:
        return Fitted.load()

    def _encoder(self) -> Encoder:
        return make_encoder(self.options.encoder)

    def _warm(self) -> None:
        from agents.errors import MomaError
        from graphs.gateway import transport

        try:
            self.router()
        except MomaError:
            return  # the first turn meets the same error, where it can be shown
        transport.load()


def _local_model(model: Model, *, threads: int) -> LocalModel:
    if not model.path:
        return default_model(name=model.id, context_tokens=model.context_tokens, threads=threads)
    return LocalModel(
        name=model.id,
        path=resolve_path(model.path),
        context_tokens=model.context_tokens,
        threads=threads,
    )
