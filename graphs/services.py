"""What the nodes share in one process: the agents, the routers, the gateway, and the operator's options.

It decides nothing. The routers load on first use or behind the first prompt (`warm`), once for all callers.
"""

import asyncio
import logging
import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, tzinfo
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from tzlocal import get_localzone

from agents.card import AgentCard
from agents.elsewhere.checks import secrets_of
from agents.errors import RoutingError, SettingsError
from agents.extras import how_to_install
from agents.registry import Registry, build_agent
from graphs.admission import Admission
from graphs.ahead import Ahead
from graphs.budgets import Budgets, Left, Spender
from graphs.call import needs_tools, wants_form
from graphs.catalog import Catalog
from graphs.checking.calibration import Calibration
from graphs.checking.names import check_names
from graphs.feedback import LiveFeedback
from graphs.gateway.breaker import Breaker
from graphs.gateway.gateway import Gateway
from graphs.gateway.local import LocalModel, LocalServers, default_model
from graphs.gateway.models import Model, resolve_path
from graphs.live_profile import LiveProfile, LoadedProfile
from graphs.mask_classes import MaskClasses
from graphs.masks import Caller, ModelFacts
from graphs.options import Options
from graphs.permits import Permits
from graphs.policy.checks.known import Known
from graphs.policy.live import LivePolicy
from graphs.redaction import hide
from graphs.routing.encoder import CachedEncoder, Encoder, make_encoder
from graphs.routing.feedback import Evidence
from graphs.routing.fitted import Fitted
from graphs.routing.joint import Joint, assumed_joint
from graphs.routing.measured import MeasuredModels
from graphs.routing.router import Example, Router
from graphs.state import Context, Preference, State
from graphs.timed_pool import TimedPool

if TYPE_CHECKING:
    from graphs.gateway.shared_rests import SharedRests
    from graphs.shadow import Shadow

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_TURNS_AT_ONCE = 10_000
_LOAD_AGAIN_S = 30.0
"""Until then what broke in loading the routers is told again: a turn must not wait for each new try."""
_LEARN_WITHIN_S = 30.0
"""How long a word on a turn waits for the profile to be loaded."""


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
        self._masks = MaskClasses(registry.agents)
        self.permits: Permits | None = None
        """What the policy says of turns; None without a policy."""
        self.shadow: Shadow | None = None
        """Another configuration that decides the same turns for comparison."""
        self.calibration: Calibration | None = None
        """What checks of answers are worth, as fitted beside the profile; None where nothing was."""
        self.feedback: LiveFeedback | None = None
        """What words on turns say of the profile; None where they are not kept, or no profile is loaded yet."""
        self.budgets = Budgets(options.budgets, home=options.home, database=options.database)
        self._rests = _shared_rests(options.database, gateway)
        self.admission = Admission(
            at_once=options.turns_at_once,
            waiting=options.turns_waiting,
            per_user=options.turns_per_user,
        )
        # Read once: the zone is in a file, and turns run in an event loop.
        self.zone: tzinfo = get_localzone()
        self._local = local
        self._router: Router | None = None
        self._live_profile: LiveProfile | None = None
        self._loading = threading.Lock()
        self._broken: tuple[float, Exception] | None = None
        self._loader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="moma-load")
        # Embedding is CPU work that lets go of the interpreter lock: two at a time, off the event loop.
        self._pool = TimedPool(workers=2, seconds=options.routing_seconds, name="moma-route")
        self.ahead = Ahead(lambda: self._router, admission=self.admission, pool=self._pool)
        """What is embedded before a turn asks for it."""
        self._settled = _done()
        self._fault: str | None = None
        self._closed = False
        self._breakers: defaultdict[str, Breaker] = defaultdict(Breaker)
        self._deadlines: OrderedDict[str, float] = OrderedDict()

    @classmethod
    def from_catalog(cls, catalog: Catalog, options: Options | None = None) -> "Services":
        """Build the agents and prepare the rest; nothing heavy is loaded yet.

        Raises:
            CatalogError: an agent cannot be built.
            SettingsError: feedback is to count and there is no profile.
            PolicyError: the policy cannot be read or fails its checks.
        """
        options = options or Options()
        if options.feedback != "off" and options.profile is None:
            raise SettingsError(
                f"MOMA_FEEDBACK: given {options.feedback!r} without a profile to learn for; set MOMA_PROFILE"
            )
        check_names(
            options.checks, verifier=options.verifier, models=[m.id for m in catalog.models]
        )
        hide(name for card in catalog.agents for name in secrets_of(card))
        registry = Registry(build_agent(card) for card in catalog.agents)
        local = LocalServers.from_models(
            [_local_model(m, threads=options.local_threads) for m in catalog.models if m.local],
            log_dir=options.home / "logs",
            on_progress=options.on_progress,
        )
        gateway = Gateway(catalog.models, local=local, limits=options.limits, places=options.places)
        services = cls(catalog, registry, gateway, local, options)
        registry.on_change(services._follow)
        services._take_policy()
        return services

    def router(self) -> Router:
        """Return the routers; the first call loads the encoder and embeds the cards.

        Raises:
            MomaError: the encoder cannot be loaded.
        """
        with self._loading:
            if self._router is None:
                if self._broken and time.monotonic() < self._broken[0]:
                    raise self._broken[1].with_traceback(None)
                try:
                    self._router = self._load()
                except Exception as error:
                    self._broken = time.monotonic() + _LOAD_AGAIN_S, error
                    raise
            return self._router

    @property
    def loaded(self) -> bool:
        """Whether the routers are loaded."""
        return self._router is not None

    async def loaded_router(self, *, seconds: float) -> Router:
        """Return the routers as soon as they are loaded.

        Raises:
            RoutingError: that takes longer than `seconds`; it goes on for later turns.
        """
        if self._router is None:
            try:
                async with asyncio.timeout(seconds):
                    await asyncio.get_running_loop().run_in_executor(self._loader, self.router)
            except TimeoutError:
                raise RoutingError("the routers are still loading") from None
        return self.router()

    async def learn(self, word: Evidence) -> None:
        """Keep a word on a turn, where they are kept; the profile that it speaks of may still be loading.

        Raises:
            RoutingError: that takes too long.
        """
        await self.loaded_router(seconds=_LEARN_WITHIN_S)
        if self.feedback is not None:
            await asyncio.to_thread(self.feedback.add, word)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of `texts`, (n, d) unit rows."""
        return self.router().encode(texts)

    def warm(self) -> threading.Thread:
        """Load the routers and LiteLLM in the background and return the thread."""
        thread = threading.Thread(target=self._warm, name="moma-warm", daemon=True)
        thread.start()
        return thread

    async def in_pool(self, work: Callable[[], _T]) -> _T:
        """Run `work` in the routers' threads.

        Raises:
            RoutingError: it takes longer than the operator's limit.
        """
        return await self._pool.run(work)

    def is_news(self, fault: str | None) -> bool:
        """Whether routing fails in another way than in the turn before; None says that it works."""
        before, self._fault = self._fault, fault
        return fault is not None and fault != before

    def close(self) -> None:
        """End the local models' servers and close the file of what was spent."""
        self._closed = True
        if self._live_profile is not None:
            self._live_profile.close()
        if self.feedback is not None:
            self.feedback.close()
        if self.shadow is not None:
            self.shadow.services.close()
        if self.permits is not None:
            self.permits.close()
        self._local.close()
        self._pool.close()
        self.ahead.close()
        self._loader.shutdown(wait=False)
        self.budgets.close()
        if self._rests is not None:
            self._rests.close()

    def masks(self) -> MaskClasses:
        """Return the masks over the agents of this moment."""
        agents, masks = self.registry.agents, self._masks
        if masks.agents is not agents:
            masks = self._masks = MaskClasses(agents)
        return masks  # another thread may have set those of other agents

    def cards(self) -> Mapping[str, AgentCard]:
        """Return the cards of this moment."""
        return {agent_id: agent.card for agent_id, agent in self.registry.agents.items()}

    def runnable(self) -> frozenset[str]:
        """Return the agents with a graph behind their card."""
        return frozenset(i for i, agent in self.registry.agents.items() if agent.graph is not None)

    def overall_quality(self, model_id: str) -> float:
        """Return a model's quality whatever the request: as measured, or as declared until a profile is loaded."""
        measured = self._router.measured_overall if self._router is not None else {}
        return measured.get(model_id, self.gateway.models[model_id].mean_quality)

    def model_facts(self, *, input_tokens: int) -> Iterable[ModelFacts]:
        """Return what masks need to know of each model, for a turn of `input_tokens`."""
        for model in self.catalog.models:
            yield model.facts(
                input_tokens=input_tokens,
                breaker_open=self.gateway.breaker_open(model.id),
                held_s=self.gateway.breakers[model.id].held_s,
                missing_file=self.gateway.missing_file(model),
            )

    def caller(self, context: Context | None, left: Left, state: State | None = None) -> Caller:
        """Return what the caller may have; no context means no grants beyond the default ones.

        Args:
            context: who is calling.
            left: what may still be spent.
            state: the turn, about which the policy is asked; None asks about no turn.
        """
        given = context or Context()
        judged = self.permits.of(state, context) if self.permits and state else None
        grants = frozenset(given.grants) | self.options.default_grants
        return Caller(
            grants=judged.grants if judged else grants,
            permit=judged.permit if judged else None,
            include=frozenset(given.include),
            exclude=frozenset(given.exclude),
            budget_usd=left.usd,
            own_tools=needs_tools(given.call),
            form=wants_form(given.call),
        )

    def left(
        self, context: Context | None, *, spent: float = 0.0, thread: str | None = None
    ) -> Left:
        """Return what this turn may still cost; see `spender`."""
        return self.budgets.left(self.spender(context, spent=spent, thread=thread))

    def spender(self, context: Context | None, *, spent: float, thread: str | None) -> Spender:
        """Return on whose behalf a call is made.

        Args:
            context: who is calling, with a limit of their own, perhaps.
            spent: what the turn has cost so far.
            thread: its id, None if nothing is kept of it.
        """
        given = context or Context()
        return Spender(user=given.user, thread=thread, turn_limit=given.budget_usd, spent=spent)

    async def with_books(self, work: Callable[..., _T], *args: Any, **options: Any) -> _T:
        """Call what reads how much was spent: in a thread, where another process may hold up the reading."""
        if self.budgets.wait:
            return await asyncio.to_thread(work, *args, **options)
        return work(*args, **options)

    def breaker(self, agent_id: str) -> Breaker:
        """Return the breaker of an agent, which counts its crashes."""
        return self._breakers[agent_id]

    def broken(self) -> frozenset[str]:
        """Return the agents that rest after crashes."""
        return frozenset(i for i, breaker in [*self._breakers.items()] if breaker.open)

    def moment(self, record: Mapping[str, Any]) -> datetime:
        """Return when a turn began, in the zone of this process; the same when it goes on after it was cut short."""
        return datetime.fromisoformat(record["ts"]).astimezone(self.zone)

    def deadline(self, turn: str) -> float:
        """Return until when a turn may run, on the monotonic clock; asked for first, it begins.

        Args:
            turn: the id of its record.
        """
        deadline = self._deadlines.setdefault(turn, self.gateway.deadline())
        while len(self._deadlines) > _TURNS_AT_ONCE:
            self._deadlines.popitem(last=False)
        return deadline

    def go_on(self, turn: str) -> None:
        """Let a turn that was cut short have its time anew; see `deadline`."""
        self._deadlines.pop(turn, None)

    def checked(self, context: Context | None) -> bool:
        """Return whether the answer of a model is checked before it is shown."""
        given = context.checked if context else None
        return self.options.checked_answers if given is None else given

    def recorded_together(self) -> frozenset[str]:
        """Return the models of which it is known how they answer together; none without a profile with answers."""
        known = self._router.joint if self._router is not None else None
        return frozenset(known.models if known else ())

    def joint(self, models: Sequence[str]) -> Joint:
        """Return how `models` answer together, as measured, or as assumed of those whose answers were not recorded."""
        known = self._router.joint if self._router is not None else None
        return assumed_joint(models) if known is None else known.covering(models)

    def preference(self, context: Context | None) -> Preference:
        """Return the caller's preference, or the operator's."""
        given = context.preference if context else None
        return self.options.preference if given is None else given

    def _follow(self, before: AgentCard | None, after: AgentCard | None) -> None:
        with self._loading:
            if self._router is not None:
                self._router.change(before, after)
                if self._settled.done() and not self._closed:
                    self._settled = self._loader.submit(self._router.settle)

    def _load(self) -> Router:
        encoder = self.shared_encoder
        profile = self._profile(encoder)
        router = Router.from_parts(
            encoder,
            cards=self.cards().values(),
            examples=[
                Example(text=text, kind=kind.id, output_tokens=kind.output_tokens)
                for kind in self.catalog.kinds
                for text in kind.examples
            ],
            qualities=self._qualities(),
            costs=self.catalog.costs,
            fitted=self._fitted(),
        )
        if profile is not None:
            live, found = profile
            self._take_profile(found, router)
            live.watch(partial(self._take_profile, router=router))
            self._live_profile = live
        return router

    def _profile(self, encoder: Encoder) -> tuple[LiveProfile, LoadedProfile] | None:
        """Return the profile that the operator named, which must be sound: it was asked for."""
        if self.options.profile is None:
            return None
        live = LiveProfile(self.options.profile, encoder=encoder.name)
        try:
            return live, live.load()
        except RoutingError as error:
            raise SettingsError(f"MOMA_PROFILE: {error}") from error

    def _take_profile(self, found: LoadedProfile, router: Router) -> None:
        """Let what comes go by this version; a turn that has its prediction goes on by that."""
        if self._closed:
            return
        before, feedback = self.feedback, None
        if self.options.profile is not None and self.options.feedback != "off":
            live = self.options.feedback == "live"
            feedback = LiveFeedback(
                self.options.profile, found.profile, version=found.version, live=live
            )
        measured = MeasuredModels.of(found.profile, self._qualities(), version=found.version)
        router.measure(measured, feedback.corrections if feedback else lambda: None)
        self.feedback, self.calibration = feedback, found.calibration
        if not measured.columns:
            _log.warning("MOMA_PROFILE counts for nothing: %s", measured.said)
        if before is not None:
            before.close()

    def _qualities(self) -> dict[str, Mapping[str, float]]:
        return {model.id: model.quality for model in self.catalog.models}

    def _fitted(self) -> Fitted:
        return Fitted.load()

    @cached_property
    def shared_encoder(self) -> Encoder:
        """The encoder of the routers and of the policy, which embed the same texts; made when it is first asked for."""
        return CachedEncoder(self._encoder())

    def _encoder(self) -> Encoder:
        return make_encoder(self.options.encoder)

    def _take_policy(self) -> None:
        """Load the policy, which must be sound: it was asked for."""
        if self.options.policy is None:
            return
        live = LivePolicy(
            self.options.policy,
            encoder=lambda: self.shared_encoder,
            known=self._known,
            classifiers=self.options.classifiers,
        )
        live.engine()
        self.permits = Permits(
            live,
            default_grants=self.options.default_grants,
            zone=self.zone,
            seconds=self.options.routing_seconds,
        )

    def _known(self) -> Known:
        """Return what a policy may speak of here."""
        return Known(models=frozenset(self.gateway.models), agents=frozenset(self.registry.agents))

    def _warm(self) -> None:
        from agents.errors import MomaError
        from graphs.gateway import transport

        try:
            self.router()
        except MomaError:
            return  # the first turn meets the same error, where it can be shown
        if not self._closed:
            transport.load()


def _done() -> Future[None]:
    """Return a future that is over."""
    future: Future[None] = Future()
    future.set_result(None)
    return future


def _shared_rests(database: str | None, gateway: Gateway) -> "SharedRests | None":
    """Share what is learned of the models' health with the other processes on a database."""
    if database is None:
        return None
    try:
        from graphs.gateway.shared_rests import SharedRests
    except ImportError:
        raise SettingsError(
            f"a PostgreSQL database needs the extra postgres; install it: {how_to_install('postgres')}"
        ) from None
    return SharedRests(database, gateway.breakers).start()


def _local_model(model: Model, *, threads: int) -> LocalModel:
    if not model.path:
        return default_model(name=model.id, context_tokens=model.context_tokens, threads=threads)
    return LocalModel(
        name=model.id,
        path=resolve_path(model.path),
        context_tokens=model.context_tokens,
        threads=threads,
    )
