"""Signals that read no text: who is calling, when, in which phase, what the request is made of."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.signals import read, signal

GROUP = [{"kind": "group", "name": "data-team"}]


@pytest.mark.parametrize(
    ("fields", "caller", "fires"),
    [
        ({"subjects": GROUP}, {"grants": {"group:data-team"}}, True),
        ({"subjects": GROUP}, {"grants": {"data-team"}}, True),
        ({"subjects": GROUP}, {"grants": {"role:data-team"}}, False),
        ({"subjects": GROUP}, {"user": "data-team"}, False),
        ({"subjects": [{"kind": "User", "name": "ann"}]}, {"user": "ann"}, True),
        ({"subjects": [{"kind": "user", "name": "ann"}]}, {"grants": {"ann"}}, False),
        ({"subjects": [{"kind": "user", "name": "ann"}]}, {"grants": {"user:ann"}}, True),
        ({"role": "analyst"}, {"grants": {"analyst"}}, True),
        ({"role": "analyst"}, {"grants": {"role:analyst"}}, True),
        ({"role": "analyst", "subjects": GROUP}, {"grants": {"role:analyst"}}, True),
        ({"role": "analyst", "subjects": GROUP}, {"grants": {"analyst"}}, False),
        ({"role": "analyst"}, {}, False),
    ],
)
def test_authz(fields: dict[str, Any], caller: dict[str, Any], fires: bool) -> None:
    if "grants" in caller:
        caller = {"grants": frozenset(caller["grants"])}
    assert read(signal("authz", **fields), **caller).fires is fires


def test_a_grant_is_held_by_its_whole_name() -> None:
    assert read(signal("grant", "data.read"), grants=frozenset({"data.read"})).fires
    assert not read(signal("grant", "data"), grants=frozenset({"data.read"})).fires


NIGHT = {"days": ["fri"], "from": "22:00", "to": "06:00"}
OFFICE = {"days": ["Monday", "fri"], "from": "09:00", "to": "17:00", "zone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("fields", "now", "fires"),
    [
        (OFFICE, "2026-11-27T08:00+00:00", True),  # Friday, 9:00 in Berlin
        (OFFICE, "2026-11-27T16:00+00:00", False),  # 17:00 there: the end does not belong
        (OFFICE, "2026-11-28T10:00+00:00", False),  # Saturday
        (OFFICE, "2026-07-03T07:00+00:00", True),  # summer time
        (NIGHT, "2026-11-27T22:00+00:00", True),
        (NIGHT, "2026-11-28T05:59+00:00", True),  # Saturday morning, which Friday began
        (NIGHT, "2026-11-27T05:59+00:00", False),  # Friday morning, which Thursday began
        ({"date_from": "2026-12-24", "date_until": "2026-12-26"}, "2026-12-26T23:59+00:00", True),
        ({"date_from": "2026-12-24", "date_until": "2026-12-26"}, "2026-12-27T00:00+00:00", False),
        ({"from": "12:00"}, "2026-11-28T23:59:59+00:00", True),
        ({"from": "12:00", "to": "24:00"}, "2026-11-28T11:59:59+00:00", False),
    ],
)
def test_times(fields: dict[str, Any], now: str, fires: bool) -> None:
    reading = read(signal("time", **fields), now=datetime.fromisoformat(now))
    assert (reading.fires, reading.fault) == (fires, "")


@pytest.mark.parametrize("now", [None, datetime(2026, 11, 27, 12, 0)], ids=["none", "no zone"])
def test_an_unknown_time_is_a_fault(now: datetime | None) -> None:
    reading = read(signal("time", **OFFICE), now=now)
    assert not reading.fires
    assert "not known" in reading.fault


def test_the_time_does_not_matter_to_others() -> None:
    assert read(signal("phase", "idle"), now=datetime(2026, 1, 1, tzinfo=UTC)).fires


def test_phase_holder_and_modality() -> None:
    assert read(signal("phase", "idle")).fires
    assert read(signal("phase", phases=["engaged", "awaiting_input"]), phase="engaged").fires
    assert read(signal("holder", "tasks"), holder="tasks").fires
    assert not read(signal("holder", "tasks")).fires
    assert read(signal("holder", agents=["a", "b"]), holder="b").fires
    assert read(signal("modality", "image"), modalities=frozenset({"text", "image"})).fires
    assert not read(signal("modality", modality="audio")).fires
    assert "needs a classifier" in read(signal("modality", "DIFFUSION")).fault


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ({"type": "message", "role": "user"}, 3),
        ({"type": "user_message"}, 3),
        ({"type": "message"}, 5),
        ({"type": "tool_definition"}, 2),
        ({"type": "image_content"}, 0),
        ({"type": "file_content"}, 1),
    ],
)
def test_conversations_are_counted(source: dict[str, str], count: int) -> None:
    request: dict[str, Any] = {
        "previous": ("a", "b"),
        "tools": ("search", "mail"),
        "modalities": frozenset({"text", "file"}),
    }
    feature = {"type": "count", "source": source}
    for least in (count, count + 1):
        reading = read(signal("conversation", feature=feature, predicate={"gte": least}), **request)
        assert (reading.fires, reading.detail) == (least == count, str(count))


def test_what_a_request_does_not_tell_is_a_fault() -> None:
    calls = {"type": "exists", "source": {"type": "assistant_tool_call"}}
    assert "does not tell" in read(signal("conversation", feature=calls)).fault
