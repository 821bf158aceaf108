"""Predicted quality: near a known text it is that text's, far from all it is the models' mean and less certain."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from graphs.routing.quality import (
    ASSUMED_DEVIATION,
    FAR,
    AnchorEstimator,
    Anchors,
    declared_anchors,
)

DIM = 8
KINDS = ["code"] * 3 + ["prose"] * 3
QUALITY = {"coder": {"code": 0.9, "prose": 0.3}, "poet": {"code": 0.2, "prose": 0.8}}


def unit(*numbers: float) -> NDArray[np.float32]:
    vector = np.zeros(DIM, np.float32)
    vector[: len(numbers)] = numbers
    return vector / np.linalg.norm(vector)


CODE, PROSE = unit(1), unit(0, 1)
NOWHERE = unit(0.1, 0, 0, 1)  # far from both, a little nearer to code
ROWS = np.stack([CODE, unit(1, 0, 0.2), unit(1, 0, -0.2), PROSE, unit(0, 1, 0.2), unit(0, 1, -0.2)])


def estimator(*, measured: bool = False) -> AnchorEstimator:
    anchors = declared_anchors(
        models=QUALITY,
        kinds=[(kind, 500 if kind == "code" else 100) for kind in KINDS],
        vectors=ROWS,
    )
    return AnchorEstimator.from_anchors(
        Anchors(
            models=anchors.models,
            kinds=anchors.kinds,
            vectors=anchors.vectors,
            quality=anchors.quality,
            output_tokens=anchors.output_tokens,
            measured=measured,
        )
    )


def test_on_a_known_text_the_prediction_is_what_is_known() -> None:
    found = estimator().predict(CODE)
    assert found.quality == pytest.approx({"coder": 0.9, "poet": 0.2}, abs=0.01)
    assert (found.kind, found.far) == ("code", False)
    assert found.nearness == pytest.approx(1.0)
    assert found.output_tokens == pytest.approx(500, rel=0.01)


def test_far_from_everything_each_model_has_its_mean() -> None:
    found = estimator().predict(NOWHERE)
    assert found.far
    assert found.nearness < FAR
    assert found.quality == pytest.approx({"coder": 0.6, "poet": 0.5})


def test_the_further_from_known_texts_the_less_certain() -> None:
    steps = [estimator().predict(unit(1, 0, 0, t)) for t in (0, 2, 3, 4, 5, 50)]
    for before, after in pairwise(steps):
        for model in QUALITY:
            assert after.uncertainty[model] >= before.uncertainty[model] - 1e-9
    assert steps[-1].uncertainty["coder"] > steps[0].uncertainty["coder"] + 0.1


def test_what_is_assumed_is_never_certain_and_what_is_measured_may_be() -> None:
    assert min(estimator().predict(CODE).uncertainty.values()) >= ASSUMED_DEVIATION
    assert max(estimator(measured=True).predict(CODE).uncertainty.values()) < 0.01


def test_a_kind_that_a_model_does_not_state_takes_the_mean_of_its_others() -> None:
    anchors = declared_anchors(
        models={"a": {"code": 0.8, "prose": 0.4}, "b": {"code": 0.6}, "c": {}},
        kinds=[("code", 1), ("other", 1)],
        vectors=ROWS[:2],
    )
    np.testing.assert_allclose(anchors.quality, [[0.8, 0.6, 0.5], [0.6, 0.6, 0.5]])


VECTORS = st.lists(st.floats(-1, 1, width=32), min_size=DIM, max_size=DIM).filter(
    lambda v: np.linalg.norm(v) > 1e-3
)


@given(VECTORS)
@settings(max_examples=200, deadline=None)
def test_a_prediction_is_finite_and_within_what_is_known_for_any_unit_vector(
    numbers: list[float],
) -> None:
    found = estimator().predict(unit(*numbers))
    for model, known in QUALITY.items():
        assert min(known.values()) - 1e-9 <= found.quality[model] <= max(known.values()) + 1e-9
        assert ASSUMED_DEVIATION <= found.uncertainty[model] < 1
    assert 100 - 1e-6 <= found.output_tokens <= 500 + 1e-6


@given(VECTORS)
@settings(max_examples=50, deadline=None)
def test_equal_queries_get_equal_predictions(numbers: list[float]) -> None:
    assert estimator().predict(unit(*numbers)) == estimator().predict(unit(*numbers))
