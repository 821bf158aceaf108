"""What users and graders say of answers, as evidence on the models' predicted quality. No clock, no file.

A piece of evidence is a reward from 0 to 1 beside the quality that the profile had predicted; what is learnt is the
residual. `corrections` turns residuals into shifts of the prediction. It knows no text: of a query it has the region,
the profile's likeliest domain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["CAPS", "Evidence", "FeedbackRules", "Kind", "Pieces"]

Vector = NDArray[np.float64]
Places = NDArray[np.intp]


class Kind(StrEnum):
    """How the word on an answer came."""

    THUMB = "thumb"
    """A user's judgement: up, down, or a score."""
    GRADER = "grader"
    """A judge's or a test's score."""
    EDIT = "edit"
    """How much of the answer a user kept."""
    ESCALATION = "escalation"
    """0: a check failed and a cascade went on, or the user asked for a better model; 1: the checks held."""
    REASK = "reask"
    """0: the user asked the same again, or anew in other words; 1: the user went on to something else. The absence
    must be told too, since a kind that is only ever bad tells nothing of one model against another."""


WEIGHTS: Mapping[Kind, float] = {
    Kind.THUMB: 1.0,
    Kind.GRADER: 1.0,
    Kind.EDIT: 0.7,
    Kind.ESCALATION: 0.4,
    Kind.REASK: 0.25,
}
"""How much a piece counts by its kind, in thumbs. Ours, not measured: a thumb is meant, a re-ask has many causes."""
CAPS: Mapping[Kind, float] = {Kind.EDIT: 0.1, Kind.ESCALATION: 0.05, Kind.REASK: 0.05}
"""How far all evidence of a kind may move a model beside what was said outright, without a review. After a confirmed
change each grows as `FeedbackRules.cap` does; thumbs and graders have that cap alone. Ours, not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One word on one answer."""

    decision: str
    """The id of the turn's record."""
    model: str
    region: int
    """The domain of the profile that the query is likeliest in."""
    predicted: float
    """The quality that the profile predicted, without any correction."""
    reward: float
    """0 to 1."""
    kind: Kind
    source: str
    """Who says it: a user, a key, a grader."""
    day: float
    """When, in days since 1970, UTC."""
    profile: str | None = None
    """The version of the profile that predicted; None is the one at hand."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What a later word of the same source on the same answer replaces."""
        return (self.decision, self.kind.value, self.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackRules:
    """How far evidence may go. The numbers are ours, chosen on recorded tables (`benchmarks/README.md`)."""

    cap: float = 0.15
    """The largest shift of a model's quality without a review or a confirmed change."""
    changed_cap: float = 0.5
    """The largest shift after a change that enough sources confirm."""
    confirming_sources: int = 12
    """How many sources must agree on a change."""
    half_life_days: float = 14.0
    """Until a piece counts half."""
    daily: float = 20.0
    """The most that one source counts in a day over all models, in thumbs; a grader for each model."""
    per_source: float = 1.0
    """The most that one source counts for one model, in thumbs."""
    per_grader: float = 10.0
    """The same for a source of graded answers, which an operator adds by hand: each grade is of another question."""
    source_cap: float = 0.05
    """The most that one source may move one model."""
    ignored: float = 0.08
    """A shift of the mean up to this is not acted on without a review or a change, a larger one is reduced by it:
    chance moves the means of sound models by half of it, and so do 5 % of false evidence."""
    elsewhere: float = 0.25
    """What a piece counts for in the other regions than its own."""
    suspicious: float = 3.5
    """Standard errors between a source and all others on a model from which it is shown as suspicious, and dropped."""
    tolerated: float = 1.5
    """Standard errors up to which a source counts in full; then as the square of the ratio."""
    drift_slack: float = 0.25
    """Standard deviations of a residual that the detector lets pass."""
    drift_alarm: float = 16.0
    """Its threshold: about one false alarm in 21,000 pieces (Siegmund, 1985), before sources are asked to agree."""
    left_out: float = 0.2
    """The share of sources, one at least, without whom a change must still show: those that say the most of it."""
    least_change: float = 0.1
    """How large it must be without them."""
    sure: float = 3.0
    """How many standard errors that must be."""
    before_change: float = 0.05
    """What evidence from before a change still counts."""
    prior_deviation: float = 0.15
    """How far off a profile's prediction may be unnoticed, one standard deviation: what exploration reckons with."""
    changed_deviation: float = 0.3
    """The same for every model while there is unrest."""
    unrest: int = 200
    """For how many pieces after a change more is explored."""

    @property
    def prior_mass(self) -> float:
        """Evidence for "as predicted", in thumbs: so much that one source moves a mean by `source_cap` at most."""
        return self.per_source / self.source_cap


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """Evidence in columns of n rows, in the order of time; models, sources and kinds by number."""

    models: tuple[str, ...]
    sources: tuple[str, ...]
    model: Places
    region: Places
    source: Places
    kind: Places
    predicted: Vector
    reward: Vector
    weight: Vector
    """By kind."""
    day: Vector
    decisions: tuple[str, ...] = field(repr=False, default=())

    def __len__(self) -> int:
        return len(self.reward)

    @classmethod
    def of(cls, evidence: Sequence[Evidence], models: Sequence[str]) -> "Pieces":
        """Return the evidence on `models`; of several words of a source on an answer the last in `evidence` counts.

        That is the one that was written last, under a lock: the clocks of several machines do not agree on the latest.
        """
        place = {model: number for number, model in enumerate(models)}
        rows = [e for e in {e.key: e for e in evidence}.values() if e.model in place]
        rows.sort(key=lambda e: (e.day, e.key))
        sources = sorted({e.source for e in rows})
        number = {source: at for at, source in enumerate(sources)}
        kinds = {kind: at for at, kind in enumerate(Kind)}
        return cls(
            models=tuple(models),
            sources=tuple(sources),
            model=np.array([place[e.model] for e in rows], np.intp),
            region=np.array([e.region for e in rows], np.intp),
            source=np.array([number[e.source] for e in rows], np.intp),
            kind=np.array([kinds[e.kind] for e in rows], np.intp),
            predicted=np.array([e.predicted for e in rows], np.float64),
            reward=np.array([e.reward for e in rows], np.float64),
            weight=np.array([WEIGHTS[e.kind] for e in rows], np.float64),
            day=np.array([e.day for e in rows], np.float64),
            decisions=tuple(e.decision for e in rows),
        )

    @property
    def residual(self) -> Vector:
        """Reward less prediction, (n,)."""
        return self.reward - self.predicted
