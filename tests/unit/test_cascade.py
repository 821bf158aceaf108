"""The cascade: what it may look at, when it stops, and that what it believes adds up."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import RoutingError
from graphs.routing.beliefs import Beliefs, Panel
from graphs.routing.cascade import Cascade, Course, Heard, price_of_preference, run
from graphs.routing.estimators.base import Training
from graphs.routing.joint import LEVELS, Joint
from graphs.routing.joint_fit import fit_joint, worth_calling
from graphs.routing.lookahead import Lookahead
from graphs.routing.profile import Profile
from graphs.routing.profile_files import load_profile, save_profile
from tests.support.outcomes import MODELS, PRICES, answers_of, made_up, truth

NORMAL = np.exp(-(LEVELS**2) / 2) / np.exp(-(LEVELS**2) / 2).sum()


def joint_of(models: int, *, seed: int = 0, loading: float = 1.5) -> Joint:
    """Return models that differ in how alike they are."""
    alike = np.random.default_rng(seed).uniform(0.05, 1.5, (models, models))
    np.fill_diagonal(alike, 0)
    return Joint(
        models=tuple(f"m{n}" for n in range(models)),
        slope=1.0,
        ease=np.zeros(models),
        loading=np.full(models, loading),
        weights=NORMAL,
        empty=np.full(models, 0.1),
        likeness=(alike + alike.T) / 2,
    )


@dataclass
class Case:
    """Queries, what is predicted of each model on them, and what it would answer."""

    joint: Joint
    quality: np.ndarray
    cost: np.ndarray
    preferences: np.ndarray
    answers: np.ndarray
    asked: list[tuple[int, int]] = field(default_factory=list)

    def ask(self, row: int, column: int) -> str:
        assert (row, column) not in self.asked, "paid twice"
        self.asked.append((row, column))
        return str(self.answers[row, column])

    def courses(self) -> list[Course]:
        self.asked.clear()
        prices = np.array([price_of_preference(p) for p in self.preferences])
        return run(self.joint, self.quality, self.cost, prices, self.ask)

    def ahead(self) -> Lookahead:
        return Lookahead(
            panel=panel_of(self.joint, self.quality),
            cost=self.cost,
            price=np.array([price_of_preference(p) for p in self.preferences]),
        )


def panel_of(joint: Joint, quality: np.ndarray) -> Panel:
    rows = len(quality)
    return Panel(
        chances=joint.chances(quality),
        weights=joint.weights,
        empty=np.tile(joint.empty, (rows, 1)),
        likeness=np.tile(joint.likeness, (rows, 1, 1)),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    models, rows = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    chance = np.random.default_rng(draw(st.integers(0, 10_000)))
    loading = draw(st.sampled_from([0.0, 1.0, 3.0]))
    size = rows * models
    word = st.sampled_from(["a", "b", " a ", "c", ""])
    texts = draw(st.lists(word, min_size=size, max_size=size))
    return Case(
        joint=joint_of(models, seed=draw(st.integers(0, 100)), loading=loading),
        quality=chance.uniform(0, 1, (rows, models)),
        cost=10 ** chance.uniform(-5, -2, (rows, models)),
        preferences=np.array(draw(st.lists(st.floats(0, 1), min_size=rows, max_size=rows))),
        answers=np.array(texts, object).reshape(rows, models),
    )


@given(cases())
def test_it_ends_and_answers_with_what_a_called_model_said(case: Case) -> None:
    for row, course in enumerate(case.courses()):
        assert [column for asked, column in case.asked if asked == row] == list(course.called)
        assert course.chosen in course.called
        assert 0 <= course.confidence <= 1 + 1e-9
        said = {str(case.answers[row, c]).strip() for c in course.called}
        assert said == {""} or str(case.answers[row, course.chosen]).strip()


@given(cases(), st.text(max_size=2))
def test_what_was_not_paid_for_changes_nothing(case: Case, other: str) -> None:
    before = case.courses()
    paid = set(case.asked)
    for row, column in np.ndindex(case.answers.shape):
        if (row, column) not in paid:
            case.answers[row, column] = other
    assert case.courses() == before


@given(cases())
def test_queries_that_run_side_by_side_do_not_touch_each_other(case: Case) -> None:
    together = case.courses()
    for row, course in enumerate(together):
        one = slice(row, row + 1)
        alone = replace(
            case,
            quality=case.quality[one],
            cost=case.cost[one],
            preferences=case.preferences[one],
            answers=case.answers[one],
            asked=[],
        ).courses()[0]
        assert alone.called == course.called
        assert alone.chosen == course.chosen
        assert alone.confidence == pytest.approx(course.confidence)


@given(cases(), st.floats(0, 1), st.floats(0, 1))
def test_more_preference_never_lowers_the_quality_that_is_expected(
    case: Case, one: float, other: float
) -> None:
    free = np.ones(case.quality.shape, bool)
    found = []
    for preference in (min(one, other), max(one, other)):
        case.preferences = np.full(len(case.quality), preference)
        ahead = case.ahead()
        found.append(ahead.plan(ahead.panel.start(), free, depth=3))
    low, high = found
    assert (high.quality >= low.quality - 1e-9).all()
    assert (high.cost >= low.cost - 1e-12).all()


@given(cases(), st.one_of(st.none(), st.floats(0.5, 0.99)), st.sampled_from([0.3, 1.0, 3.0]))
def test_who_is_asked_beside_the_first_is_who_would_be_asked_after_it(
    case: Case, hit: float | None, odds: float
) -> None:
    prices = np.array([price_of_preference(p) for p in case.preferences])
    verdicts = None if hit is None else np.full((*case.quality.shape, 2), (hit, 1 - hit))
    cascade = Cascade(case.joint, case.quality, case.cost, prices, verdicts=verdicts)
    cascade.calls()
    rows, beside = cascade.rows.tolist(), cascade.anyway().tolist()
    if hit is not None:  # the checks speak as well or as ill of the answer as was foreseen
        odds = hit / (1 - hit) if odds > 1 else (1 - hit) / hit
    cascade.hear([Heard("a", odds=1.0 if hit is None else odds) for _ in rows])
    called = cascade.calls()
    after = dict(zip(cascade.rows.tolist(), called.tolist(), strict=True))
    for row, column in zip(rows, beside, strict=True):
        if hit is None or column >= 0:
            assert column == after.get(row, -1)
    assert (cascade.anyway() == -1).all()


def started(case: Case) -> tuple[Panel, Beliefs]:
    """Return beliefs after a first call of each query, an answer each."""
    panel = panel_of(case.joint, case.quality)
    zeros = np.zeros(len(case.quality), np.intp)
    return panel, panel.start().told(panel, zeros, zeros)


@given(cases())
def test_what_may_come_adds_up_to_what_is_believed(case: Case) -> None:
    panel, beliefs = started(case)
    b, k = panel.empty.shape
    branches = beliefs.branches(panel)
    shape = (b, 1, k, beliefs.answers + 2)
    assert branches.mass.reshape(shape).sum(axis=3) == pytest.approx(np.ones((b, 1, k)))
    # What is learnt moves a belief up or down, never on average.
    old = branches.right.reshape(*shape, -1)[..., : beliefs.answers].sum(axis=3)
    assert old == pytest.approx(np.broadcast_to(beliefs.right[:, :, None], old.shape))
    best = branches.best.reshape(shape).sum(axis=3)
    assert beliefs.after_one(panel) == pytest.approx(best)
    assert (best >= beliefs.best[:, :, None] - 1e-9).all()


def test_agreement_makes_sure_and_disagreement_unsure() -> None:
    joint = joint_of(3)
    panel = panel_of(joint, np.full((1, 3), 0.7))
    first = panel.start().told(panel, np.array([0]), np.array([0]))
    told = {n: first.told(panel, np.array([1]), np.array([n])).best[0, 0] for n in (0, 1, 2)}
    alone = first.best[0, 0]
    assert told[0] > alone > told[2] > told[1]
    independent = panel_of(joint_of(3, loading=0.0), np.full((1, 3), 0.7))
    witness = independent.start().told(independent, np.array([0]), np.array([0]))
    witness = witness.told(independent, np.array([1]), np.array([0]))
    assert witness.best[0, 0] > told[0], "two that share their difficulties prove less"


def test_the_cheapest_answers_alone_at_cost_and_dear_ones_are_asked_for_performance() -> None:
    joint = joint_of(3)
    case = Case(
        joint=joint,
        quality=np.tile([0.5, 0.6, 0.9], (3, 1)),
        cost=np.tile([1e-5, 1e-4, 5e-3], (3, 1)),
        preferences=np.array([0.0, 0.5, 1.0]),
        answers=np.tile(np.array(["x", "y", "z"], object), (3, 1)),
    )
    cheapest, _, best = case.courses()
    assert cheapest.called == (0,)
    assert 2 in best.called
    assert best.chosen == 2


def test_prices_fall_as_the_preference_grows() -> None:
    prices = [price_of_preference(p) for p in np.linspace(0, 1, 101)]
    assert prices == sorted(prices, reverse=True)
    assert prices[50] == pytest.approx(100)
    assert prices[100] == 1


def test_the_fit_finds_shared_difficulty_and_who_answers_nothing() -> None:
    chance = np.random.default_rng(0)
    rows, predicted = 800, np.full((800, 4), 0.6)
    answers = {}
    for loading in (0.0, 3.0):
        joint = joint_of(4, loading=loading)
        level = chance.choice(len(LEVELS), rows, p=NORMAL)
        right = chance.random((rows, 4)) < joint.chances(predicted)[np.arange(rows), :, level]
        said = answers_of(right.astype(float))
        said[:, 3] = np.where(right[:, 3], "right", "")
        scores, costs = right.astype(float), np.full((rows, 4), 1e-3)
        answers[loading] = fit_joint(predicted, scores, costs, said, joint.models)
    assert np.abs(answers[0.0].loading).max() < 1
    assert (answers[3.0].loading > 1.5).all()
    for fitted in answers.values():
        assert fitted.weights.sum() == pytest.approx(1)
        assert fitted.empty[3] > 0.9
        assert fitted.empty[:3] == pytest.approx(0.25, abs=0.06)
        assert fitted.likeness == pytest.approx(fitted.likeness.T)
        assert fitted.likeness[0, 1] == pytest.approx(0.5, abs=0.15)  # a third agree: odds of 1 : 2


def test_models_that_are_never_worth_their_price_are_not_called() -> None:
    scores = np.array([0.9, 0.85, 0.7, 0.3, 0.72])
    costs = np.array([5e-3, 8e-3, 1e-4, 9e-5, 1e-2])
    assert worth_calling(scores, costs).tolist() == [0, 1, 2]
    assert worth_calling(scores[:1], costs[:1]).tolist() == [0]


@pytest.fixture(scope="module")
def profile() -> Profile:
    training, costs = made_up(300)
    return Profile.fit(
        training, costs, encoder="made-up", models=MODELS, sources=(), answers=answers_of(training.scores)
    )  # fmt: skip


def known(profile: Profile) -> Joint:
    assert profile.joint is not None
    return profile.joint


def settings_of(profile: Profile, training: Training, preference: float) -> list[Course]:
    said = answers_of(training.scores, seed=1)
    return run(
        known(profile),
        profile.quality.predict(training.queries).mean,
        profile.costs.predict(training.queries),
        np.full(len(training), price_of_preference(preference)),
        lambda row, column: str(said[row, column]),
    )


def test_it_is_as_good_as_the_best_model_and_cheaper(profile: Profile) -> None:
    fresh, costs = made_up(300, seed=1)
    courses = settings_of(profile, fresh, 0.95)
    score = np.mean([fresh.scores[row, c.chosen] for row, c in enumerate(courses)])
    paid = np.mean([costs[row, list(c.called)].sum() for row, c in enumerate(courses)])
    best = int(truth(fresh).mean(axis=0).argmax())
    assert score > fresh.scores[:, best].mean()
    assert paid < 0.4 * costs[:, best].mean()
    assert MODELS[best] == "dear"
    assert PRICES.argmax() == best


def test_it_comes_back_as_it_was_saved(profile: Profile, tmp_path: Path) -> None:
    save_profile(profile, tmp_path)
    loaded = load_profile(tmp_path)
    fresh, _ = made_up(20, seed=2)
    assert settings_of(loaded, fresh, 0.8) == settings_of(profile, fresh, 0.8)


def test_a_profile_without_answers_has_none_and_loads(profile: Profile, tmp_path: Path) -> None:
    save_profile(replace(profile, joint=None), tmp_path)
    assert load_profile(tmp_path).joint is None
    assert not list(tmp_path.rglob("*joint*"))


def test_models_come_and_go(profile: Profile, tmp_path: Path) -> None:
    few, costs = made_up(60, seed=3)
    one = replace(few, scores=few.scores[:, :1])
    added = profile.with_model("new", one, costs[:, :1])
    assert added.joint is profile.joint, "it is not called before a fit has seen it with the others"
    save_profile(added.without_model("poet"), tmp_path)
    left = known(load_profile(tmp_path))
    assert left.models == ("dear", "coder", "cheap")
    assert left.likeness == pytest.approx(known(profile).likeness[np.ix_([0, 1, 3], [0, 1, 3])])
    for model in ("dear", "coder", "cheap"):
        added = added.without_model(model)
    assert added.without_model("poet").joint is None


@pytest.mark.parametrize(
    "broken",
    [
        {"ease": np.zeros(3)},
        {"weights": np.ones(4)},
        {"empty": np.full(4, np.nan)},
        {"slope": np.nan},
        {"models": ("dear", "coder", "poet", "stranger")},
    ],
)
def test_numbers_that_do_not_fit_are_refused(
    broken: dict[str, Any], profile: Profile, tmp_path: Path
) -> None:
    save_profile(replace(profile, joint=replace(known(profile), **broken)), tmp_path)
    with pytest.raises(RoutingError, match="is not of the form"):
        load_profile(tmp_path)
