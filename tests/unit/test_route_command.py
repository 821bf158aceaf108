"""`python -m app.route agents` and `app.evaluate`: lines in, lines out, and one line where the input is wrong."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.evaluate.__main__ import main as evaluate
from app.route.__main__ import main as route

HOTEL = {
    "id": "hotel",
    "name": "Hotels",
    "description": "Finds and books hotel rooms",
    "category": ["travel"],
    "inputs": "city; check-in date; number of rooms",
    "skills": [{"id": "find", "name": "FindHotel", "description": "Find a hotel in a city"}],
}
BANK = {
    "id": "bank",
    "name": "Banks",
    "description": "Manages bank accounts",
    "skills": [{"id": "pay", "name": "TransferMoney", "description": "Transfer money to a person"}],
}
TALK = [
    ("I need a hotel in Rome, please find me one", "For which date?", "hotel"),
    ("the 3rd of March", "I found the Hotel Roma. Shall I book it?", "hotel"),
    ("Yes, please", "It is booked. Anything else?", "hotel"),
    ("Yes, I want to transfer money from my bank account", "To whom?", "bank"),
    ("To Anna", "It is sent.", "bank"),
    ("No, that's all, thanks", "Goodbye.", "bank"),
]


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps({"agents": [HOTEL, BANK]}))
    return path


def talk(path: Path, rows: Any) -> Path:
    path.write_text(
        "".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows)
    )
    return path


def conversation(name: str = "c") -> dict[str, Any]:
    turns = [{"user": u, "assistant": a, "agent": g} for u, a, g in TALK]
    return {"conversation_id": name, "turns": turns}


def test_every_turn_is_decided_on_the_routers_own_choices(catalog: Path, tmp_path: Path) -> None:
    said = talk(tmp_path / "v.jsonl", [conversation("a"), conversation("b")])
    out = tmp_path / "d.jsonl"
    arguments = ["agents", "--catalog", str(catalog), "--conversations", str(said)]
    assert route([*arguments, "--output", str(out)]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(r["conversation_id"], r["turn"]) for r in rows] == [
        (c, t) for c in "ab" for t in range(len(TALK))
    ]
    assert [r["agent"] for r in rows] == 2 * [agent for _, _, agent in TALK]
    assert [r["decision"] for r in rows[: len(TALK)]] == [
        "start", "stay", "stay", "switch", "stay", "stay",
    ]  # fmt: skip
    for row in rows:
        assert len(row["ranked"]) <= 5
        assert all(0 <= p <= 1 for _, p in row["ranked"])
        assert 0 <= row["p_none"] <= 1
        assert row["reason"]
        assert row["ms"] >= 0
    assert [{**r, "ms": 0, "conversation_id": ""} for r in rows[:6]] == [
        {**r, "ms": 0, "conversation_id": ""} for r in rows[6:]
    ]


def test_a_kept_index_gives_the_same_decisions_and_follows_the_catalogue(
    catalog: Path, tmp_path: Path
) -> None:
    said, kept = talk(tmp_path / "v.jsonl", [conversation()]), tmp_path / "index"
    arguments = ["agents", "--catalog", str(catalog), "--conversations", str(said)]
    made = []
    for _ in range(2):
        out = tmp_path / "d.jsonl"
        assert route([*arguments, "--output", str(out), "--index", str(kept)]) == 0
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        made.append([{**row, "ms": 0} for row in rows])
    assert made[0] == made[1]
    catalog.write_text(json.dumps({"agents": [HOTEL]}))
    assert route([*arguments, "--output", str(out), "--index", str(kept)]) == 0
    agents = {json.loads(line)["agent"] for line in out.read_text().splitlines()}
    assert "bank" not in agents


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["not json\n"], "line 1: not JSON"),
        (["[]\n"], "line 1: given '[]'"),
        ([{"turns": []}], "conversation_id is None"),
        ([{"conversation_id": "a", "turns": 3}], "turns is 3"),
        ([{"conversation_id": "a", "turns": [{"user": 1}]}], "turn 0: given"),
        ([{"conversation_id": "a", "turns": [{"user": "x", "assistant": 1}]}], "assistant is 1"),
        (2 * [{"conversation_id": "a", "turns": []}], "is given twice"),
    ],
)
def test_bad_conversations_are_one_line_and_2(
    rows: Any, message: str, catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said, out = talk(tmp_path / "v.jsonl", rows), tmp_path / "d.jsonl"
    arguments = ["agents", "--catalog", str(catalog), "--conversations", str(said)]
    assert route([*arguments, "--output", str(out)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error
    assert not out.exists()
    assert not list(tmp_path.glob(".*"))


def test_bad_usage_is_2_and_help_is_0(tmp_path: Path) -> None:
    for arguments, status in ((["agents"], 2), ([], 2), (["other"], 2), (["agents", "--help"], 0)):
        command = [sys.executable, "-m", "app.route", *arguments]
        assert subprocess.run(command, capture_output=True, check=False).returncode == status


def test_a_report_says_how_well_agents_are_chosen(catalog: Path, tmp_path: Path) -> None:
    said = talk(tmp_path / "v.jsonl", [conversation()])
    arguments = ["agents", "--catalog", str(catalog), "--conversations", str(said)]
    folder = tmp_path / "report"
    more = ["--output", str(folder), "--no-plots", "--scale", "50", "--reworded", str(said)]
    assert evaluate([*arguments, *more]) == 0
    report = json.loads((folder / "agents.json").read_text())
    assert report["turns"] == len(TALK)
    assert report["accuracy"] == 1.0
    assert report["by_kind"] == {"first": 1.0, "switch": 1.0, "continue": 1.0}
    assert report["reworded"] == [{"file": "v.jsonl", "accuracy": 1.0, "same_decision": 1.0}]
    assert report["scale"][0]["agents"] == 50
    assert "| all turns | 1.0 |" in (folder / "agents.md").read_text()


def test_a_label_that_the_catalogue_does_not_have_is_said_and_no_turns_are_refused(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    turns = [{"user": "the moon", "agent": "Hotel"}, {"user": "the sun", "agent": None}]
    said = talk(tmp_path / "v.jsonl", [{"conversation_id": "c", "turns": turns}])
    arguments = ["agents", "--catalog", str(catalog), "--output", str(tmp_path / "report")]
    assert evaluate([*arguments, "--no-plots", "--conversations", str(said)]) == 0
    assert "1 turns are labelled with agents that the catalogue" in capsys.readouterr().err
    said.write_text("")
    assert evaluate([*arguments, "--no-plots", "--conversations", str(said)]) == 2
    assert "no turns" in capsys.readouterr().err


def test_a_card_that_takes_what_is_anothers_is_refused_if_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = [f"find me a hotel in {city}" for city in ("Rome", "Oslo", "Lima", "Cairo")]
    there = {**HOTEL, "skills": [{"id": "find", "name": "FindHotel", "examples": examples}]}
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps({"agents": [there, BANK]}))
    alike = [f"find me a hotel in {city}" for city in ("Paris", "Bonn", "Riga", "Bern", "Kyiv")]
    card = {
        "id": "rooms",
        "description": "Find me a hotel in a city",
        "skills": [{"id": "s", "examples": [*alike, *(e + " today" for e in examples)]}],
    }
    path = tmp_path / "card.json"
    path.write_text(json.dumps(card))
    command = ["card", "--catalog", str(catalog), "--card", str(path)]
    assert evaluate([*command, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["examples"] == len(examples)
    assert {c["agent"] for c in report["collisions"]} == {"hotel"}
    assert evaluate([*command, "--refuse-above", "0.1"]) == 1
    path.write_text(json.dumps({"id": "poems", "description": "Writes poems about the moon"}))
    assert evaluate([*command, "--refuse-above", "0"]) == 0


def test_plots_are_drawn_where_matplotlib_is_installed(catalog: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    said = talk(tmp_path / "v.jsonl", [conversation()])
    arguments = ["agents", "--catalog", str(catalog), "--conversations", str(said)]
    assert evaluate([*arguments, "--output", str(tmp_path / "report")]) == 0
    drawn = {path.name for path in (tmp_path / "report").glob("*.png")}
    assert drawn == {"calibration.png", "coverage_risk.png"}
