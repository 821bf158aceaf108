"""Evidence and versions of a profile in a folder: what a kill leaves, what damage does, what comes back."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.errors import RoutingError
from app.profile.__main__ import main as profile
from graphs.routing import profile_versions
from graphs.routing.feedback import Evidence, Kind
from graphs.routing.feedback_log import FeedbackLog, profile_id
from graphs.routing.files import locked
from graphs.routing.profile_files import OURS, load_profile, save_profile
from graphs.routing.profile_versions import keep, restore, versions
from tests.support.outcomes import graded
from tests.support.profiles import fitted_profile
from tests.support.waiting import wait_until


def piece(number: int, *, reward: float = 1.0, source: str = "ann") -> Evidence:
    return Evidence(
        decision=f"d{number}",
        model="bard",
        region=number % 2,
        predicted=0.5,
        reward=reward,
        kind=Kind.THUMB,
        source=source,
        day=float(number),
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    log = FeedbackLog(tmp_path)
    assert log.read(of="p").evidence == ()
    log.append([piece(1), piece(2)], of="p")
    log.append([piece(3)], of="other")
    tail = log.read(of="p")
    assert tail.evidence == (piece(1), piece(2))
    assert (tail.end, tail.damaged) == (log.size(), 0)
    log.append([piece(4)], of="p")
    assert log.read(of="p", start=tail.end).evidence == (piece(4),)


def test_a_kill_at_any_byte_of_a_line_loses_that_line_alone(tmp_path: Path) -> None:
    log = FeedbackLog(tmp_path)
    log.append([piece(1)], of="p")
    file = log.folder / "evidence.jsonl"
    first = file.read_bytes()
    log.append([piece(2)], of="p")
    both = file.read_bytes()
    for end in range(len(first), len(both)):
        file.write_bytes(both[:end])
        assert log.read(of="p").evidence == (piece(1),)
        log.append([piece(3)], of="p")
        found = log.read(of="p").evidence
        # Killed before its very last byte the line is whole, and the next writer ends it.
        assert found in ((piece(1), piece(3)), (piece(1), piece(2), piece(3)))


def test_a_writer_that_is_killed_leaves_what_it_had_written(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from tests.unit.test_feedback_files import FeedbackLog, piece
log = FeedbackLog(Path(sys.argv[1]))
for number in range(100_000):
    log.append([piece(number)], of="p")
"""
    writers = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) for _ in range(2)]
    log = FeedbackLog(tmp_path)
    wait_until(lambda: len(log.read(of="p").evidence) > 50)
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    tail = log.read(of="p")
    assert tail.damaged == 0
    counts = [e.decision for e in tail.evidence]
    assert {f"d{n}" for n in range(20)} <= set(counts)
    log.append([piece(7, reward=0.0)], of="p")
    assert log.read(of="p").evidence[-1].reward == 0.0


@pytest.mark.parametrize("change", [b'"reward":0.0', b'"reward":2.0', b"\xff", b"nothing"])
def test_a_line_that_was_changed_does_not_count(tmp_path: Path, change: bytes) -> None:
    log = FeedbackLog(tmp_path)
    log.append([piece(1), piece(2)], of="p")
    file = log.folder / "evidence.jsonl"
    lines = file.read_bytes().replace(b'"reward":1.0', change, 1)
    file.write_bytes(lines)
    tail = log.read(of="p")
    assert (tail.evidence, tail.damaged) == ((piece(2),), 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [("source", 5), ("source", ["a"]), ("model", {}), ("decision", None), ("region", "0")],
)
def test_a_line_of_other_types_does_not_count_though_its_hash_is_right(
    tmp_path: Path, field: str, value: Any
) -> None:
    log = FeedbackLog(tmp_path)
    log.append([replace(piece(1), **{field: value}), piece(2)], of="p")
    tail = log.read(of="p")
    assert (tail.evidence, tail.damaged) == ((piece(2),), 1)


def test_rejected_sources_are_remembered_and_damage_is_told(tmp_path: Path) -> None:
    log = FeedbackLog(tmp_path)
    assert log.rejected() == frozenset()
    log.reject(["eve"])
    log.reject(["mallory"])
    assert log.rejected() == {"eve", "mallory"}
    state = log.folder / "state.json"
    state.write_bytes(state.read_bytes().replace(b"eve", b"ann"))
    with pytest.raises(RoutingError, match=r"damaged state\.json"):
        log.rejected()


# The commands


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fitted_profile(tmp_path_factory.mktemp("profile"), graded())


@pytest.fixture
def folder(fitted: Path, tmp_path: Path) -> Path:
    """A profile of its own."""
    for path in fitted.rglob("*"):
        if path.is_file():
            target = tmp_path / "profile" / path.relative_to(fitted)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return tmp_path / "profile"


def recent(number: int, *, reward: float, source: str, model: str = "bard") -> Evidence:
    from graphs.feedback import today

    return Evidence(
        decision=f"d{source}{number}",
        model=model,
        region=0,
        predicted=0.6,
        reward=reward,
        kind=Kind.THUMB,
        source=source,
        day=today() - 1 + number / 1000,
    )


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file()
        and p.name != ".lock"
        and p.relative_to(folder).parts[0] in ("shared", "models")
    } | {"manifest.json": (folder / "manifest.json").read_bytes()}


def test_feedback_is_shown_applied_and_taken_back(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--profile", str(folder)]
    before, old = content(folder), profile_id(folder)
    log = FeedbackLog(folder)
    log.append([recent(n, reward=0.0, source=f"u{n % 20}") for n in range(60)], of=old)
    log.append([recent(n, reward=0.7, source=f"v{n}", model="counter") for n in range(60)], of=old)
    assert profile(["feedback", "show", "--json", *where]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["profile"], told["pieces"], told["sources"]) == (old, 120, 80)
    worst = told["corrections"][0]
    assert worst["model"] == "bard"
    assert worst["applied"] < -0.1
    assert sum(worst["interval"]) / 2 == pytest.approx(worst["likely"], abs=1e-4)
    assert worst["likely"] < worst["applied"]  # which is drawn to 0 as no belief is
    assert profile(["feedback", "show", *where]) == 0
    assert "bard, domain 0: live" in capsys.readouterr().out
    assert profile(["feedback", "apply", "--model", "bard", *where]) == 0
    new = profile_id(folder)
    assert new != old
    assert versions(folder) == [old]
    shift = load_profile(folder).quality.shift
    bard = load_profile(folder).models.index("bard")
    assert shift[0, bard] == pytest.approx(worst["applied"], abs=2e-3)
    assert not shift[:, 1 - bard].any()
    # What was applied is in the profile now and counts no second time; what was said of the other model stands.
    capsys.readouterr()
    assert profile(["feedback", "show", "--json", *where]) == 0
    left = json.loads(capsys.readouterr().out)
    assert (left["pieces"], left["other_versions"]) == (60, 120)
    log.append([recent(99, reward=0.0, source="late")], of=old)  # a process still has the old one
    assert profile(["feedback", "show", *where]) == 0
    assert "121 pieces are on other versions of the profile" in capsys.readouterr().out
    assert {row["model"] for row in left["corrections"]} == {"counter"}
    assert profile(["feedback", "apply", *where]) == 0
    assert profile(["feedback", "show", "--json", *where]) == 0
    assert json.loads(capsys.readouterr().out)["pieces"] == 0
    assert profile(["feedback", "rollback", new, *where]) == 0
    assert profile(["feedback", "rollback", old, *where]) == 0
    assert content(folder) == before
    assert profile(["feedback", "rollback", new, *where]) == 0
    assert profile_id(folder) == new
    assert load_profile(folder).quality.shift.tolist() == shift.tolist()


def test_an_apply_that_moves_nothing_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    FeedbackLog(folder).append([recent(1, reward=0.0, source="ann")], of=profile_id(folder))
    before = content(folder)
    assert profile(["feedback", "apply", "--model", "counter", "--profile", str(folder)]) == 2
    assert "moves nothing of counter: nothing to apply" in capsys.readouterr().err
    assert content(folder) == before


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"0", b"1"))


@pytest.fixture
def versioned(folder: Path) -> tuple[Path, str, str]:
    """A profile with one earlier version: the folder, the id of the earlier and of the one in place."""
    old = keep(folder)
    profile = load_profile(folder)
    save_profile(profile.shifted(np.full((profile.regions, 2), 0.1)), folder)
    return folder, old, keep(folder)


@pytest.mark.parametrize("back_to", ["the same", "the earlier"])
@pytest.mark.parametrize("part", ["models", "manifest.json", "gone"])
def test_a_damaged_profile_is_put_right_and_never_kept(
    versioned: tuple[Path, str, str], part: str, back_to: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, old, new = versioned
    wanted = new if back_to == "the same" else old
    file = folder / part if part == "manifest.json" else next((folder / "models").iterdir())
    file.unlink() if part == "gone" else damage(file)
    kept = {id_: content(folder / "versions" / id_) for id_ in (old, new)}
    assert profile(["feedback", "rollback", wanted, "--profile", str(folder)]) == 0
    assert "damaged and not kept" in capsys.readouterr().err
    assert content(folder) == kept[wanted]
    assert {id_: content(folder / "versions" / id_) for id_ in versions(folder)} == kept


def test_a_damaged_version_is_told_and_nothing_is_changed(
    versioned: tuple[Path, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, old, _ = versioned
    damage(next((folder / "versions" / old / "models").iterdir()))
    before = content(folder)
    assert profile(["feedback", "rollback", old, "--profile", str(folder)]) == 2
    assert f"the version '{old}' of the profile was changed" in capsys.readouterr().err
    assert content(folder) == before


def test_a_profile_that_is_saved_while_another_comes_back_stays_whole(
    versioned: tuple[Path, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, old, _ = versioned
    other = load_profile(folder)

    @contextmanager
    def late(directory: Path) -> Iterator[None]:
        """Another writer is first, whenever the lock is free."""
        save_profile(other, folder)
        with locked(directory):
            yield

    monkeypatch.setattr(profile_versions, "locked", late)
    restore(folder, old, ours=OURS)
    load_profile(folder)


def test_a_source_can_be_rejected(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--profile", str(folder)]
    log = FeedbackLog(folder)
    log.append([recent(n, reward=0.0, source="eve") for n in range(9)], of=profile_id(folder))
    assert profile(["feedback", "reject", "eve", *where]) == 0
    capsys.readouterr()
    assert profile(["feedback", "show", "--json", *where]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["pieces"], told["rejected"]) == (0, ["eve"])


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["reject", "nobody"], "no evidence of the source 'nobody'"),
        (["rollback", "0123456789ab"], "no version '0123456789ab' of the profile; there are none"),
        (["rollback", "../../etc"], "no version '../../etc'"),
        (["apply"], "nothing to apply"),
        (["apply", "--model", "x"], "the model 'x' is not in the profile"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    command: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(folder)
    assert profile(["feedback", *command, "--profile", str(folder)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert content(folder) == before


def test_without_a_profile_it_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert profile(["feedback", "show", "--profile", str(tmp_path / "no")]) == 2
    assert "has no manifest.json" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []
