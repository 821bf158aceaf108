"""The two routers of one process over one encoder: which agents fit a text, which model answers it best for its price.

It knows cards, anchors and prices as values; it calls no model and applies no mask, it gets what a mask let through.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from agents.card import AgentCard
from graphs.machine import Event
from graphs.routing.agents import AgentIndex
from graphs.routing.choice import Option, Ranked, rank
from graphs.routing.chooser import Choice, Chooser
from graphs.routing.corrections import Corrections
from graphs.routing.decision import Costs
from graphs.routing.dialogue import Dialogue
from graphs.routing.encoder import CachedEncoder, Encoder, encode_checked
from graphs.routing.evidence import skim
from graphs.routing.fitted import Fitted
from graphs.routing.joint import Joint
from graphs.routing.measured import MeasuredModels
from graphs.routing.parts import requests_in
from graphs.routing.quality import AnchorEstimator, Prediction, declared_anchors
from graphs.routing.reading import turn_texts

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A text of a known kind of task."""

    text: str
    kind: str
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """One version of the profile; what is read of it in a moment is all of one version."""

    models: MeasuredModels
    corrections: Callable[[], Corrections | None]
    overall: Mapping[str, float]


def _behind(encoder: Encoder) -> Encoder:
    return encoder.behind if isinstance(encoder, CachedEncoder) else encoder


class Router:
    """Ranks agents and models for a text. Safe to use from several threads."""

    def __init__(
        self,
        encoder: Encoder,
        agents: AgentIndex,
        models: AnchorEstimator | None,
        *,
        fitted: Fitted,
        costs: Costs | None = None,
    ) -> None:
        self._queries = encoder if isinstance(encoder, CachedEncoder) else CachedEncoder(encoder)
        self._encoder = self._queries.behind
        self._agents = agents
        self._chooser = Chooser(agents, self._queries.encode, fitted, costs=costs)
        self._models = models
        self._measured: _Measured | None = None
        self._lock = threading.RLock()  # the index changes in place when a card comes or goes

    @classmethod
    def from_parts(
        cls,
        encoder: Encoder,
        *,
        cards: Iterable[AgentCard],
        examples: Sequence[Example],
        qualities: Mapping[str, Mapping[str, float]],
        costs: Costs | None = None,
        fitted: Fitted | None = None,
    ) -> "Router":
        """Embed the cards and the kinds' examples.

        Args:
            encoder: embeds cards, examples and queries alike; one that remembers is asked for queries alone.
            cards: the agents.
            examples: general requests by kind; empty means that no quality can be predicted.
            qualities: for each model its assumed quality by kind.
            costs: what a wrong choice of agent costs.
            fitted: the numbers of the choice of an agent; the shipped ones if not given.
        """
        fitted = fitted or Fitted.load()
        encode = partial(encode_checked, _behind(encoder))
        agents = AgentIndex.from_cards(
            cards, encode, dim=encoder.dim, space=fitted.space_for(encoder.name)
        )
        models = None
        if examples and qualities:
            anchors = declared_anchors(
                models=qualities,
                kinds=[(e.kind, e.output_tokens) for e in examples],
                vectors=encode([e.text for e in examples]),
            )
            models = AnchorEstimator.from_anchors(anchors)
        return cls(encoder, agents, models, fitted=fitted, costs=costs)

    def measure(
        self, models: MeasuredModels, corrections: Callable[[], Corrections | None] = lambda: None
    ) -> None:
        """Predict by what was measured of the models, from now on.

        Args:
            models: the profile, with vectors of this encoder, beside the catalogue.
            corrections: returns what feedback says of the profile's models at this moment.
        """
        self._measured = _Measured(models=models, corrections=corrections, overall=models.overall)

    @property
    def encoder_name(self) -> str:
        """Which encoder the vectors are from."""
        return self._encoder.name

    @property
    def measured(self) -> MeasuredModels | None:
        """The profile beside the catalogue; None without one."""
        return self._measured.models if self._measured else None

    @property
    def measured_overall(self) -> Mapping[str, float]:
        """The overall quality of each model by the profile; empty without one."""
        return self._measured.overall if self._measured else {}

    @property
    def joint(self) -> Joint | None:
        """How the profile's models answer together; None where no answers were recorded."""
        return self._measured.models.profile.joint if self._measured else None

    def embed(self, text: str) -> Vector:
        """Return the unit vector (d,) of `text`."""
        vector: Vector = self._queries.encode([text])[0]
        return vector

    def knows(self, text: str, dialogue: Dialogue) -> bool:
        """Whether what a turn reads was embedded of late."""
        return all(t in self._queries for t in _read(text, dialogue))

    @property
    def quick(self) -> bool:
        """Whether to choose takes a millisecond or two once a turn is embedded: nobody changes the agents now."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            return self._agents.quick
        finally:
            self._lock.release()

    def expect(self, text: str, dialogue: Dialogue) -> None:
        """Announce a turn, so that it is embedded together with those that come at the same time."""
        self._queries.expect(_read(text, dialogue))

    def read(self, text: str, dialogue: Dialogue) -> None:
        """Embed what a turn reads."""
        self._queries.encode(_read(text, dialogue))

    def skim(self, text: str, dialogue: Dialogue) -> None:
        """Read the words of a turn that is being embedded; it takes a fraction of a millisecond."""
        skim(text, dialogue)

    def hear(self, dialogue: Dialogue) -> None:
        """Embed what was said in a dialogue, before the user goes on."""
        self._chooser.hear(dialogue)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the unit rows (n, d) of `texts`, which are many and not cached."""
        return encode_checked(self._encoder, texts)

    def choose_agent(
        self, text: str, dialogue: Dialogue, *, allowed: Collection[str], may_ask: bool = True
    ) -> Choice:
        """Return who of the allowed agents takes the turn."""
        self.read(text, dialogue)  # the long part needs no lock
        mask = frozenset(allowed)
        with self._lock:
            choice = self._chooser.choose(
                text, dialogue, allowed=mask.__contains__, mask=mask, may_ask=may_ask
            )
            if choice.decision.event == Event.STAY:
                return choice
            several = self._chooser.several(text, dialogue, allowed=mask.__contains__)
        return replace(choice, several=several)

    def predict(self, text: str) -> Prediction | None:
        """Return the models' quality on `text`, measured or assumed; None where there is nothing to predict from."""
        vector = self.embed(text)
        assumed = self._models.predict(vector) if self._models else None
        if (measured := self._measured) is None:
            return assumed
        corrections = measured.corrections()
        return measured.models.predict(text, vector, assumed=assumed, corrections=corrections)

    def change(self, before: AgentCard | None, after: AgentCard | None) -> None:
        """Follow a change of the registry."""
        with self._lock:
            if after is None:
                if before is not None:
                    self._agents.remove(before.id)
            # Switching an agent on or off moves no text: the kill switch works without an encoder.
            elif before is None or replace(before, enabled=after.enabled) != after:
                self._agents.add(after)

    def settle(self) -> None:
        """Fit what the cards' examples are fitted for, which the next turn would do else."""
        with self._lock:
            self._agents.settle()


def rank_models(
    prediction: Prediction, costs: Mapping[str, float], preference: str | float
) -> list[Ranked]:
    """Return the frontier over the models in `costs`, in the order of choice.

    Args:
        prediction: the predicted quality of each model.
        costs: the predicted price of this query for each model that may answer, in USD.
        preference: `cost`, `auto`, `performance` or 0..1.
    """
    options = [
        Option(
            id=model,
            quality=prediction.quality[model],
            uncertainty=prediction.uncertainty[model],
            cost_usd=cost,
        )
        for model, cost in costs.items()
    ]
    return rank(options, preference)


def _read(text: str, dialogue: Dialogue) -> list[str]:
    """Return all that is embedded of a turn."""
    return [*turn_texts(text, dialogue), *requests_in(text)]
