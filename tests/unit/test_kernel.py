"""Kernel ridge regression: whom a vector belongs to."""

import numpy as np
import pytest
from numpy.typing import NDArray

from graphs.routing import kernel
from graphs.routing.kernel import fit_kernel
from graphs.routing.space import unit

Rows = NDArray[np.float32]


def rings(count: int) -> tuple[Rows, NDArray[np.int64]]:
    """Return rows near one axis (owner 0) and rows at either side of it (owner 1): no line parts them."""
    draw = np.random.default_rng(0)
    owners = np.arange(count) % 2
    sides = np.where(owners == 1, np.where(np.arange(count) % 4 == 1, 0.8, -0.8), 0.0)
    rows = np.column_stack([np.ones(count), sides, np.zeros(count)])
    return unit((rows + draw.normal(0, 0.05, rows.shape)).astype(np.float32)), owners


@pytest.fixture(params=[1_000, 20])
def landmarks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many rows are compared with: more than there are, which is exact, or a few that stand for all."""
    monkeypatch.setattr(kernel, "EXACT", request.param)
    monkeypatch.setattr(kernel, "LANDMARKS", request.param)
    return int(request.param)


def test_owners_that_no_line_parts_are_told_apart(landmarks: int) -> None:
    rows, owners = rings(120)
    fitted = fit_kernel(rows[:80], owners[:80])
    assert len(fitted.landmarks) == min(80, landmarks)
    assert (fitted(rows[80:]).argmax(axis=1) == owners[80:]).mean() > 0.9


@pytest.mark.usefixtures("landmarks")
def test_cosines_with_all_rows_say_the_same_as_the_vector() -> None:
    rows, owners = rings(120)
    fitted = fit_kernel(rows[:80], owners[:80])
    cosines = rows[:80] @ rows[100]
    assert fitted.of_cosines(cosines) == pytest.approx(fitted(rows[100:101])[0], abs=1e-4)
    assert cosines == pytest.approx(rows[:80] @ rows[100]), "what it was given stays"


def test_what_is_far_from_every_row_belongs_to_nobody() -> None:
    rows, owners = rings(80)
    fitted = fit_kernel(rows, owners)
    near, far = fitted(rows[:1]), fitted(-rows[:1])
    assert np.abs(far).max() < 0.5 * near.max()


@pytest.mark.usefixtures("landmarks")
def test_equal_rows_of_two_owners_are_no_fault() -> None:
    rows = np.tile(np.eye(3, dtype=np.float32)[:1], (600, 1))
    assert np.isfinite(fit_kernel(rows, np.arange(600) % 2)(rows)).all()
