"""The doctor: what it shows, what it calls a problem, and what it keeps to itself."""

import socket
from pathlib import Path

import pytest

from agents.card import AgentCard, Skill
from app.doctor import machine
from app.doctor.__main__ import main
from app.doctor.overlaps import overlaps
from graphs import Services
from graphs.machine import Event, Phase
from tests.support.agents import FakeEncoder
from tests.support.outcomes import graded
from tests.support.profiles import fitted_profile

THE_REAL_ENCODER = Services._encoder
AGENTS = "agents: [{id: alpha, description: does alpha, run: 'agents.calculator:build'}]\n"


@pytest.fixture(autouse=True)
def set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sound catalogue without a network, a fake encoder, and wide output."""
    monkeypatch.setenv("MOMA_CATALOG", str(tmp_path / "catalog.yaml"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(Services, "_encoder", lambda self: FakeEncoder())
    write(tmp_path)


def write(folder: Path, *models: str) -> None:
    facts = "price: {input: 1.0, output: 1.0}, context_tokens: 8192"
    listed = "".join(f"  - {{id: m{n}, {m}, {facts}}}\n" for n, m in enumerate(models))
    local = "  - {id: smollm2-135m, litellm: local/smollm2-135m, context_tokens: 8192}\n"
    text = (
        f"{AGENTS}default_model: {'m0' if models else 'smollm2-135m'}\nmodels:\n{listed or local}"
    )
    (folder / "catalog.yaml").write_text(text, encoding="utf-8")


def examine(capsys: pytest.CaptureFixture[str], expected: int) -> str:
    assert main([]) == expected
    out, err = capsys.readouterr()
    assert err == ""
    return str(out)


def test_a_sound_set_up_has_no_problems(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = examine(capsys, 0)
    for part in (
        "does alpha",
        "smollm2-135m",
        "encoder  fake",
        "threads  0 in ",
        str(tmp_path / "home"),
    ):
        assert part in text
    assert text.endswith("No problems.\n")


def test_a_key_is_named_and_never_shown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "litellm: openai/a, key: A_API_KEY", "litellm: openai/b, key: B_API_KEY")
    monkeypatch.setenv("A_API_KEY", "very-secret")
    monkeypatch.setenv("MOMA_ENCODER", "openai:small@http://me:very-secret@127.0.0.1:9/v1")
    text = examine(capsys, 0)
    assert (
        "keys set  A_API_KEY\n" in text.replace(" \n", "\n").replace("  \n", "\n")
        or "A_API_KEY" in text
    )
    assert "B_API_KEY is not set" in text
    assert "very-secret" not in text


def test_no_model_that_may_answer_is_a_problem(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write(tmp_path, "litellm: openai/a, key: A_API_KEY")
    assert "no model may answer: set a provider's key" in examine(capsys, 1)


def test_an_address_that_cannot_be_reached_is_a_problem(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        write(
            tmp_path,
            f"litellm: openai/a, base_url: 'http://127.0.0.1:{server.getsockname()[1]}/v1'",
        )
        examine(capsys, 0)
    assert "the model m0: its base_url cannot be reached" in examine(capsys, 1)


def test_a_missing_model_file_is_a_problem(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write(tmp_path, f"litellm: local/m0, path: '{tmp_path}/none.gguf'")
    text = examine(capsys, 1)
    assert "none.gguf: No such file" in text
    assert "2 problems." in text


def test_damaged_threads_are_a_problem(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "threads.sqlite").write_bytes(b"no database " * 999)
    assert "the saved threads cannot be used" in examine(capsys, 1)


def test_an_encoder_that_cannot_be_used_is_a_problem(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Services, "_encoder", THE_REAL_ENCODER)
    monkeypatch.setenv("MOMA_ENCODER", "foo")
    text = examine(capsys, 1)
    assert "the encoder cannot be used: the encoder 'foo'" in text


def test_a_profile_that_cannot_be_used_is_no_fault_of_the_encoder(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOMA_PROFILE", "nowhere")
    text = examine(capsys, 1)
    assert "\nMOMA_PROFILE: " in text
    assert "the encoder cannot be used" not in text


def test_a_shadow_that_cannot_be_loaded_is_a_problem(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOMA_SHADOW_PROFILE", "nowhere")
    assert "\nthe shadow cannot be used: MOMA_PROFILE: " in examine(capsys, 1)


@pytest.mark.parametrize(("model", "problems"), [("counter", 0), ("other", 1)])
def test_it_says_which_models_of_the_profile_are_in_the_catalogue(
    model: str,
    problems: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(Services, "_encoder", THE_REAL_ENCODER)
    monkeypatch.setenv("MOMA_PROFILE", str(fitted_profile(tmp_path, graded())))
    text = (tmp_path / "catalog.yaml").read_text(encoding="utf-8")
    for before in ("id: smollm2-135m", "default_model: smollm2-135m"):
        text = text.replace(before, f"{before.partition(':')[0]}: {model}")
    (tmp_path / "catalog.yaml").write_text(text, encoding="utf-8")
    capsys.readouterr()  # what the fit said
    text = examine(capsys, problems)
    shared = "1 of 2" if model == "counter" else "counts for nothing: 0 of 2"
    assert f"{shared} models of the profile are in the catalogue; not: bard" in text
    assert ("counter" in text.partition("not: ")[2]) == (model == "other")


def test_a_residency_that_keeps_all_models_out_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "litellm: openai/a, residency: [eu, us]")
    monkeypatch.setenv("MOMA_RESIDENCY", "mars")
    text = examine(capsys, 1)
    assert "no model may answer: MOMA_RESIDENCY is mars, and the models run in eu, us" in text
    assert "1 problem." in text


@pytest.mark.parametrize("setting", ["MOMA_CATALOG", "MOMA_SHADOW_CATALOG"])
def test_a_broken_set_up_is_one_line_and_2(
    setting: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting, "nope.yaml")
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.endswith(f"or set {setting}\n")


def card(agent_id: str, *examples: str) -> AgentCard:
    skill = Skill(id="s", examples=examples)
    return AgentCard(id=agent_id, description=agent_id, skills=(skill,))


def test_texts_that_are_nearer_to_another_card_are_found() -> None:
    cards = {
        "dates": card("dates", "how many days until christmas", "which weekday is it"),
        "sums": card("sums", "how many days until easter", "add two and two", "add two and three"),
    }
    found = overlaps(cards, FakeEncoder().encode)
    assert [(row[0], row[1], row[2]) for row in found] == [
        ("dates", "sums", "1"),
        ("sums", "dates", "1"),
    ]
    assert "'how many days until easter' to 'how many days until christmas'" in found[1][3]


@pytest.mark.parametrize(
    "cards", [{}, {"a": card("a")}, {"a": card("a", "a x"), "b": card("b", "b q")}]
)
def test_cards_that_are_apart_do_not_overlap(cards: dict[str, AgentCard]) -> None:
    assert overlaps(cards, FakeEncoder().encode) == []


def test_the_machine_is_printed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["machine"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (head,) = [line for line in lines if line.startswith("event ")]
    assert head.split() == ["event", *Phase]
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.split()[0] in set(Event)}
    assert set(rows) == set(Event)
    assert all(len(cells) == len(Phase) for cells in rows.values())
    assert "0 faults" in lines[-1]


def test_a_fault_of_the_machine_is_shown_and_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "faults", lambda: ["idle can never end"])
    assert main(["machine"]) == 1
    assert "idle can never end" in capsys.readouterr().out
