"""Every seeded defect is found at its place; a sound policy has no fault."""

from pathlib import Path

import pytest

from graphs.policy.findings import faults
from tests.support.policy_files import DEFECTS, SOUND, expected, found


@pytest.mark.parametrize("path", SOUND, ids=lambda path: path.stem)
def test_a_sound_policy_has_no_fault(path: Path) -> None:
    assert [finding.line(path.name) for finding in faults(found(path))] == []


@pytest.mark.parametrize("path", DEFECTS, ids=lambda path: path.stem)
def test_a_defect_is_found_at_its_place(path: Path) -> None:
    told = [(finding.code, finding.at.line) for finding in faults(found(path))]
    for code, line in expected(path):
        assert any(code == c and line in (None, at) for c, at in told), (code, line, told)


def test_the_corpus_is_large_enough_to_mean_something() -> None:
    assert len(SOUND) >= 20
    assert len(DEFECTS) >= 60
