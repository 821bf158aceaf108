"""What evidence shows: a model that changed, a source that stands alone, habits that all models suffer from."""

from dataclasses import replace

import numpy as np
import pytest

from graphs.routing.corrections import correct
from graphs.routing.drift import change_points
from graphs.routing.feedback import Evidence, FeedbackRules, Kind, Pieces
from graphs.routing.findings import find

RULES = FeedbackRules()
MODELS = ("good", "plain")


def thumbs(
    n: int,
    quality: float,
    *,
    model: str = "good",
    predicted: float = 0.8,
    sources: int = 40,
    start: int = 0,
    who: str = "u",
    seed: int = 0,
) -> list[Evidence]:
    """Return n thumbs on a model of this quality, an hour apart by three days a hundred."""
    chance = np.random.default_rng(seed)
    return [
        Evidence(
            decision=f"{who}{start + row}",
            model=model,
            region=0,
            predicted=predicted,
            reward=float(chance.random() < quality),
            kind=Kind.THUMB,
            source=f"{who}{chance.integers(sources)}",
            day=(start + row) / 33,
        )
        for row in range(n)
    ]


def learnt(evidence: list[Evidence], regions: int = 1) -> tuple[Pieces, object, np.ndarray]:
    pieces = Pieces.of(evidence, MODELS)
    findings = find(pieces, RULES)
    today = max((e.day for e in evidence), default=0.0)
    found = correct(pieces, findings, regions=regions, today=today, rules=RULES)
    return pieces, findings, found.shift


def test_without_evidence_there_is_nothing_to_correct() -> None:
    _, _, shift = learnt([])
    assert np.array_equal(shift, np.zeros((1, 2)))


def test_a_model_that_is_as_predicted_is_left_alone() -> None:
    _, _, shift = learnt(thumbs(300, 0.8))
    assert abs(shift[0, 0]) < 0.02


def test_a_model_that_fell_is_corrected_beyond_the_ordinary_cap() -> None:
    evidence = [*thumbs(150, 0.8), *thumbs(150, 0.3, start=150, seed=1)]
    pieces = Pieces.of(evidence, MODELS)
    findings = find(pieces, RULES)
    (change,) = findings.changes
    assert pieces.models[change.model] == "good"
    assert 140 <= change.row <= 170
    _, _, shift = learnt(evidence)
    assert -0.5 <= shift[0, 0] < -0.25
    assert shift[0, 1] == 0


def test_a_model_that_recovers_is_trusted_again() -> None:
    evidence = [
        *thumbs(150, 0.8),
        *thumbs(150, 0.3, start=150, seed=1),
        *thumbs(300, 0.8, start=300, seed=2),
    ]
    assert learnt(evidence)[2][0, 0] > -0.05


def test_what_few_sources_say_is_no_change() -> None:
    evidence = [*thumbs(150, 0.8), *thumbs(150, 0.0, start=150, sources=1, who="bad")]
    pieces = Pieces.of(evidence, MODELS)
    findings = find(pieces, RULES)
    assert findings.changes == ()
    bad = pieces.sources.index("bad0")
    assert findings.outlying[bad] < -RULES.suspicious
    assert findings.trust[bad] == 0
    assert abs(learnt(evidence)[2][0, 0]) < 0.02


def test_a_habit_of_all_users_moves_no_model_against_another() -> None:
    """Where everybody is harder to please than a grader, the served model is not worse than the one not served."""
    _, _, shift = learnt(thumbs(400, 0.65, sources=80))
    assert abs(shift[0, 0]) < 0.04


def test_a_region_of_its_own_is_corrected_more_than_the_others() -> None:
    here = thumbs(100, 0.45, seed=3)
    there = [replace(e, region=1) for e in thumbs(100, 0.8, who="w", seed=4)]
    often = thumbs(400, 0.8, model="plain", who="v", seed=5)
    other = [replace(e, day=e.day / 4) for e in often]
    shift = learnt([*here, *there, *other], regions=2)[2]
    assert shift[0, 0] < shift[1, 0] - 0.03


def test_models_that_the_profile_does_not_have_are_left_out() -> None:
    assert len(Pieces.of([replace(thumbs(1, 1.0)[0], model="other")], MODELS)) == 0


@pytest.mark.parametrize("sign", [1, -1])
def test_a_shift_of_the_mean_is_found_where_it_began(sign: int) -> None:
    chance = np.random.default_rng(0)
    series = chance.normal(0, 1, 400)
    series[200:] += sign * 1.0
    (found,) = change_points(series, np.ones(400), slack=0.25, alarm=12)
    assert 190 <= found <= 215


def test_quiet_series_raise_few_alarms() -> None:
    chance = np.random.default_rng(1)
    alarms = [
        len(change_points(chance.normal(0, 1, 500), np.ones(500), slack=0.25, alarm=12))
        for _ in range(40)
    ]
    assert sum(alarms) <= 12  # 7 are expected of 20,000


@pytest.mark.parametrize("models", [1, 2, 8])
def test_a_table_of_grades_counts_for_ten_users_however_many_models_it_is_of(models: int) -> None:
    names = [f"m{number}" for number in range(models)]
    grades = [
        replace(
            piece, decision=f"{piece.decision}:{name}", kind=Kind.GRADER, source="grader:t", day=0.0
        )
        for name in names
        for piece in thumbs(100, 0.8, model=name)
    ]
    pieces = Pieces.of(grades, names)
    found = correct(pieces, find(pieces, RULES), regions=1, today=0.0, rules=RULES)
    assert found.counted == pytest.approx(RULES.per_grader)


def test_the_word_that_was_written_last_counts_whatever_the_clocks_say() -> None:
    up = replace(thumbs(1, 1.0)[0], day=5.003)
    down = replace(up, reward=0.0, day=5.0)
    assert Pieces.of([up, down], MODELS).reward.tolist() == [0.0]
    assert Pieces.of([down, up], MODELS).reward.tolist() == [1.0]
