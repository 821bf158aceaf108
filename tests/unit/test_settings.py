"""The operator's settings: where they come from, what is refused, and what they become."""

from dataclasses import fields
from pathlib import Path

import pytest
from pydantic import ValidationError

from agents.errors import ModelFileError, SettingsError
from app.assembly import make_options
from app.settings import Settings, read_settings
from graphs.budgets import BudgetLimits
from graphs.gateway.gateway import Places
from graphs.options import Options

ROOT = Path(__file__).parents[2]
NO_FILE = Path("there-is-none")


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHON_DOTENV_DISABLED")
    env_file = tmp_path / ".env"
    env_file.write_text("MOMA_MAX_HOPS=3\nMOMA_PREFERENCE=cost\n")
    monkeypatch.setenv("MOMA_PREFERENCE", "0.25")
    settings = read_settings(env_file)
    assert (settings.preference, settings.max_hops, settings.encoder) == ("0.25", 3, "onnx")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (
            "MOMA_PREFERNCE",
            "cost",
            "MOMA_PREFERNCE: unknown setting; did you mean MOMA_PREFERENCE?",
        ),
        (
            "MOMA_QQQ_ZZZ",
            "1",
            "MOMA_QQQ_ZZZ: unknown setting; known: MOMA_A2A_URL, MOMA_ANSWER_CHECKS, MOMA_API_KEYS",
        ),
        ("MOMA_PREFERENCE", "fast", "MOMA_PREFERENCE: given 'fast'; "),
        ("MOMA_PREFERENCE", "1.5", "MOMA_PREFERENCE: given '1.5'; "),
        ("MOMA_BUDGET_USD", "-1", "MOMA_BUDGET_USD: given '-1'; "),
        ("MOMA_BUDGET_USD", "nan", "MOMA_BUDGET_USD: given 'nan'; "),
        ("MOMA_MAX_HOPS", "many", "MOMA_MAX_HOPS: given 'many'; "),
        ("MOMA_LOCAL_THREADS", "0", "MOMA_LOCAL_THREADS: given '0'; "),
        ("MOMA_IDLE_SECONDS", "inf", "MOMA_IDLE_SECONDS: given 'inf'; "),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(
    name: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        read_settings(NO_FILE)
    text = str(caught.value)
    assert text.startswith(expected)
    assert "\n" not in text


@pytest.mark.parametrize("name", Settings.model_fields)
def test_an_empty_setting_is_one_that_is_not_set(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MOMA_HOME")
    default = read_settings(NO_FILE)
    monkeypatch.setenv(f"MOMA_{name.upper()}", "")
    assert read_settings(NO_FILE) == default


@pytest.mark.parametrize("content", [b"MOMA_PREFERENCE=\xff\xfe\n", b"MOMA_PREFERENCE=a\0b\n"])
def test_an_env_file_that_is_no_text_is_refused(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHON_DOTENV_DISABLED")
    (env_file := tmp_path / ".env").write_bytes(content)
    with pytest.raises(SettingsError, match=r"\.env: cannot be read"):
        read_settings(env_file)


@pytest.mark.parametrize(
    "line", ['MOMA_BUDGET_USD="0.01', "garbage without equals", "sk-a-key-alone"]
)
def test_a_line_of_an_env_file_that_is_none_is_named_and_not_shown(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHON_DOTENV_DISABLED")
    (env_file := tmp_path / ".env").write_text(f"MOMA_PREFERENCE=cost\n{line}\n")
    with pytest.raises(SettingsError, match=r"\.env, line 2: expected NAME=value") as caught:
        read_settings(env_file)
    assert line not in str(caught.value)


def test_a_path_that_begins_with_the_users_folder_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHON_DOTENV_DISABLED")
    monkeypatch.setenv("HOME", "/home/ann")
    paths = [n for n, f in Settings.model_fields.items() if "Path" in str(f.annotation)]
    for name in [*paths, "checkpoints"]:
        monkeypatch.delenv(f"MOMA_{name.upper()}", raising=False)
    lines = [f"MOMA_{name.upper()}=~/{name}\n" for name in [*paths, "checkpoints"]]
    (env_file := tmp_path / ".env").write_text("".join(lines))
    settings = read_settings(env_file)
    assert {"home", "catalog", "profile", "policy", "api_keys"} <= set(paths)
    assert [getattr(settings, name) for name in paths] == [Path("/home/ann", n) for n in paths]
    assert settings.threads_place == "/home/ann/checkpoints"


def test_an_env_file_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(tmp_path)


def test_each_budget_and_each_number_of_places_has_a_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number, name in enumerate(("", "THREAD_", "USER_", "DAY_"), 1):
        monkeypatch.setenv(f"MOMA_{name}BUDGET_USD", str(number))
    monkeypatch.setenv("MOMA_PROVIDER_CALLS", "5")
    monkeypatch.setenv("MOMA_CALLER_CALLS", "6")
    options = make_options(read_settings(NO_FILE))
    assert options.budgets == BudgetLimits(turn=1, thread=2, user=3, day=4)
    assert options.places == Places(provider=5, caller=6)


def test_words_are_read_with_commas_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOMA_GRANTS", " finance, hr ,,")
    assert make_options(read_settings(NO_FILE)).default_grants == {"finance", "hr"}


def test_settings_cannot_be_changed_after_they_are_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read_settings(NO_FILE).max_hops = 99


def test_every_option_of_the_graph_follows_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {
        "MOMA_HOME": "elsewhere",
        "MOMA_CHECKPOINTS": "postgresql://127.0.0.1/moma",
        "MOMA_ENCODER": "openai:small",
        "MOMA_PROFILE": "profile",
        "MOMA_POLICY": "policy.dsl",
        "MOMA_POLICY_CLASSIFIERS": "kb=math:sqrt",
        "MOMA_PREFERENCE": "cost",
        "MOMA_BUDGET_USD": "0.5",
        "MOMA_GRANTS": "finance",
        "MOMA_RESIDENCY": "eu",
        "MOMA_FEEDBACK": "live",
        "MOMA_CANARY_SHARE": "0.1",
        "MOMA_MAX_HOPS": "2",
        "MOMA_ROUTING_SECONDS": "0.5",
        "MOMA_TIE_BREAK": "true",
        "MOMA_CHECKED_ANSWERS": "true",
        "MOMA_ANSWER_CHECKS": "form,verifier",
        "MOMA_VERIFIER": "m",
        "MOMA_LOCAL_THREADS": "3",
        "MOMA_TURNS_AT_ONCE": "5",
        "MOMA_TURNS_WAITING": "6",
        "MOMA_TURNS_PER_USER": "2",
        "MOMA_TURN_SECONDS": "7",
        "MOMA_CALLER_CALLS": "9",
    }
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    options = make_options(read_settings(NO_FILE))
    same = {
        f.name for f in fields(Options) if getattr(options, f.name) == getattr(Options(), f.name)
    }
    assert same == {"capable_from", "on_progress"}


def test_the_home_is_made_for_its_owner_only(tmp_path: Path) -> None:
    home = Settings(home=tmp_path / "a" / "b").make_home()
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"MOMA_HOME: .*file cannot be used as a folder"):
        Settings(home=tmp_path / "file").make_home()


def test_a_local_model_of_the_operator_joins_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.gguf").write_bytes(b"GGUF" + bytes(8))
    settings = Settings(catalog=ROOT / "catalog.yaml", local_models=f"mine={tmp_path}/mine.gguf")
    (mine,) = [m for m in settings.read_catalog().models if m.id == "mine"]
    assert (mine.local, mine.price and mine.price.of(10, 10)) == (True, 0.0)


def test_a_missing_file_of_a_local_model_is_refused(tmp_path: Path) -> None:
    settings = Settings(catalog=ROOT / "catalog.yaml", local_models=f"mine={tmp_path}/none.gguf")
    with pytest.raises(ModelFileError, match=r"none\.gguf"):
        settings.read_catalog()
