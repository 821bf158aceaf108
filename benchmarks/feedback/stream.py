"""A stream of turns in a world, by one way of choosing: who served, and how much worse than the best that was."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.feedback.world import Matrix, World
from graphs.routing.choice import closeness
from graphs.routing.corrections import Corrections, correct
from graphs.routing.exploration import drawn, is_canary
from graphs.routing.feedback import Evidence, FeedbackRules, Kind, Pieces
from graphs.routing.findings import find

BEFORE, TURNS, WINDOW = 1_000, 2_000, 250
"""Turns before the change and after it, and between two looks at the regret."""
_LEARNED = 25
"""Turns between two looks at the evidence."""
_A_DAY = 500
_USERS, _POISONERS = 100, 5
_CONFIDENCE = 0.35
"""Of plain UCB: about half of what UCB1 has for rewards of this spread (0.64); not tuned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How users speak."""

    thumbs: float = 0.3
    """The share of turns that get one."""
    noise: float = 0.1
    """The share of thumbs that say the opposite."""
    poison: float = 0.0
    """The share of thumbs that come from poisoners, who speak of one model alone."""
    target: int = 0
    reward: float = 0.0
    """What they say of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What became of a stream."""

    regret: NDArray[np.float64]
    """At the end of each window, over all queries that may be asked."""
    served: NDArray[np.intp]
    """By turn."""


@dataclass(slots=True)
class _Learner:
    """The evidence so far and what follows from it."""

    world: World
    rules: FeedbackRules
    evidence: list[Evidence] = field(default_factory=list)
    found: Corrections | None = None
    base: Matrix = field(default_factory=lambda: np.zeros((0, 0)))

    def look(self, turn: int) -> None:
        pieces = Pieces.of(self.evidence, self.world.models)
        self.found = correct(
            pieces,
            find(pieces, self.rules),
            regions=self.world.domains.shape[1],
            today=turn / _A_DAY,
            rules=self.rules,
        )

    def apply(self) -> None:
        """Fold what was learnt into the profile, as a review does."""
        if self.found is not None:
            self.base = np.clip(self.base + self.world.domains @ self.found.reviewed, 0, 1)
        self.evidence, self.found = [], None


def run(
    world: World,
    way: str,
    *,
    seed: int,
    habits: Habits,
    change: bool = True,
    canaries: float = 0.03,
    rules: FeedbackRules | None = None,
) -> Course:
    """Return the course of one way: `none`, `refitted`, `ucb`, `feedback` or `reviewed` (applied every 500 turns)."""
    chance = np.random.default_rng(1_000 + seed)
    n, m = world.predicted.shape
    turns = BEFORE + TURNS
    rows = np.concatenate([chance.permutation(n) for _ in range(turns // n + 1)])[:turns]
    activity = 1 / np.arange(1, _USERS + 1) ** 0.6
    users = chance.choice(_USERS, size=turns, p=activity / activity.sum())
    poisoners = chance.integers(_POISONERS, size=turns)
    luck = chance.random((turns, 4))
    domain = world.domains.argmax(axis=1)
    learner = _Learner(world, rules or FeedbackRules(), base=world.predicted.copy())
    sums, counts = np.zeros((2, world.domains.shape[1], m))
    served, regrets = np.zeros(turns, np.intp), []
    learns = way in ("feedback", "reviewed")
    for turn, row in enumerate(rows):
        now = change and turn >= BEFORE
        decision = f"{seed}-{turn}"
        quality = _quality(
            world, way, learner, sums, counts, domain, rows=[row], turn=turn, now=now
        )[0]
        if learns and learner.found is not None and is_canary(decision, canaries):
            quality = _drawn(world, learner, decision, row)
        near = closeness(quality, world.prices[row], world.preference)
        model = int(near.argmax())
        served[turn] = model
        speaks, poisoned, noisy, right = luck[turn]
        if speaks < habits.thumbs:
            score = (world.after if now else world.before)[row, model]
            reward = float(right < score) if noisy >= habits.noise else 1 - float(right < score)
            source = f"user{users[turn]}"
            if turn >= BEFORE and poisoned < habits.poison:
                source, reward = f"poisoner{poisoners[turn]}", habits.reward
            if source[0] == "u" or model == habits.target:
                sums[domain[row], model] += reward - world.predicted[row, model]
                counts[domain[row], model] += 1
                learner.evidence.append(
                    Evidence(
                        decision=decision,
                        model=world.models[model],
                        region=int(domain[row]),
                        predicted=float(learner.base[row, model]),
                        reward=reward,
                        kind=Kind.THUMB,
                        source=source,
                        day=turn / _A_DAY,
                    )
                )
        if learns and turn % _LEARNED == _LEARNED - 1:
            learner.look(turn)
        if way == "reviewed" and now and turn % 500 == 499:
            learner.apply()
        if turn % WINDOW == WINDOW - 1:
            whole = _quality(
                world, way, learner, sums, counts, domain, rows=range(n), turn=turn, now=now
            )
            regret = world.regret(world.choose(whole), changed=now)
            if learns and learner.found is not None:
                explored = _all_drawn(world, learner, np.random.default_rng(turn))
                tried = world.regret(world.choose(explored), changed=now)
                regret = (1 - canaries) * regret + canaries * tried
            regrets.append(regret)
    return Course(regret=np.array(regrets), served=served)


def _quality(
    world: World, way: str, learner: _Learner, sums: Matrix, counts: Matrix, domain: NDArray[np.intp],
    *, rows: object, turn: int, now: bool,
) -> Matrix:  # fmt: skip
    """Return what a way takes the models' quality for, (rows, m)."""
    places = np.asarray(rows, np.intp)
    if way == "refitted" and now:
        return world.refitted[places]
    if way == "ucb":
        seen = counts[domain[places]]
        bound = _CONFIDENCE * np.sqrt(np.log(turn + 1) / (seen + 1))
        optimistic: Matrix = (
            world.predicted[places] + sums[domain[places]] / np.maximum(seen, 1) + bound
        )
        return optimistic
    quality = learner.base[places]
    if learner.found is None:
        return quality
    corrected: Matrix = np.clip(quality + world.domains[places] @ learner.found.shift, 0, 1)
    return corrected


def _drawn(world: World, learner: _Learner, decision: str, row: int) -> Matrix:
    """Return the qualities of a canary, as a turn draws them."""
    assert learner.found is not None
    mean = learner.base[row] + world.domains[row] @ learner.found.belief
    deviation = world.domains[row] @ learner.found.deviation
    hunches = {model: (float(mean[c]), float(deviation[c])) for c, model in enumerate(world.models)}
    return np.array([*drawn(decision, hunches).values()])


def _all_drawn(world: World, learner: _Learner, chance: np.random.Generator) -> Matrix:
    """Return the qualities of canaries on all queries at once, (n, m)."""
    assert learner.found is not None
    mean = learner.base + world.domains @ learner.found.belief
    deviation = world.domains @ learner.found.deviation
    explored: Matrix = np.clip(mean + deviation * chance.standard_normal(mean.shape), 0, 1)
    return explored


def poisoned(habits: Habits, *, target: int, reward: float) -> Habits:
    """Return the habits with 5 % of the thumbs from poisoners who say `reward` of `target`, whatever it did."""
    return replace(habits, poison=0.05, target=target, reward=reward)
