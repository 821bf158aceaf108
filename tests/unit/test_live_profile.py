"""A process takes the version of its profile that is saved beside it, between turns, and only a sound one."""

import logging
from pathlib import Path

import numpy as np
import pytest

from graphs.dry_run import dry_run
from graphs.feedback import evidence_of, word_on
from graphs.routing.feedback_log import FeedbackLog, profile_id
from graphs.routing.hashed_folder import MANIFEST
from graphs.routing.profile_files import OURS, load_profile, save_profile
from graphs.routing.profile_versions import keep, restore
from tests.support.waiting import wait_until
from tests.unit.test_feedback_live import BEST, TEXT, own, services
from tests.unit.test_measured import folder

__all__ = ["folder", "own"]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphs.live_profile.LOOK_EVERY_S", 0.02)


def worsen(profile: Path, model: str) -> None:
    """Save a version in which a model is worse by far."""
    before = load_profile(profile)
    shift = np.zeros((before.regions, len(before.models)))
    shift[:, before.models.index(model)] = -0.9
    save_profile(before.shifted(shift), profile)


async def test_a_version_that_is_saved_is_taken_and_words_stay_with_their_own(
    own: Path, tmp_path: Path
) -> None:
    shared = services(own, tmp_path, feedback="record")
    try:
        before = await dry_run(TEXT, shared, context=BEST)
        first = keep(own)
        worsen(own, "bard")
        second = profile_id(own)
        wait_until(lambda: shared.feedback is not None and shared.feedback.profile == second)
        after = await dry_run(TEXT, shared, context=BEST)
        assert [r["models"]["profile"] for r in (before, after)] == [first, second]
        assert [r["models"]["chosen"] for r in (before, after)] == ["bard", "counter"]
        assert shared.overall_quality("bard") < 0.5
        for record in (before, after):
            turn = evidence_of({**record, "served_by": {"kind": "model", "id": "bard"}})
            if turn is not None:
                await shared.learn(word_on(turn, decision=record["id"], reward=0.0, source="u"))
        assert [e.decision for e in FeedbackLog(own).read(of=first).evidence] == [before["id"]]
        restore(own, first, ours=OURS)
        wait_until(lambda: shared.feedback is not None and shared.feedback.profile == first)
        again = await dry_run(TEXT, shared, context=BEST)
        assert again["models"]["chosen"] == "bard"
    finally:
        shared.close()


async def test_a_damaged_version_is_told_of_and_not_taken(
    own: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shared = services(own, tmp_path, feedback="off")
    try:
        before = await dry_run(TEXT, shared, context=BEST)
        manifest = (own / MANIFEST).read_bytes()
        with caplog.at_level(logging.WARNING, logger="graphs.live_profile"):
            (own / MANIFEST).write_bytes(manifest.replace(b'"self"', b'"sold"'))
            wait_until(lambda: "the one before stays" in caplog.text)
        after = await dry_run(TEXT, shared, context=BEST)
        assert after["models"]["frontier"] == before["models"]["frontier"]
        (own / MANIFEST).write_bytes(manifest)
        worsen(own, "bard")
        wait_until(lambda: shared.overall_quality("bard") < 0.5)
    finally:
        shared.close()
