"""`python -m app.policy`: what a person reads, exit statuses, bad input; files are written whole or not at all."""

import json
import re
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import yaml

from app.policy import loading
from app.policy.__main__ import main
from graphs.policy import read
from graphs.policy.parser import parse

ROOT = Path(__file__).parents[2]
EXAMPLE = str(ROOT / "examples/policy.dsl")
CATALOG = str(ROOT / "catalog.yaml")
SOUND = """\
SIGNAL keyword secret { keywords: ["secret"] }
ROUTE here { PRIORITY 2 WHEN keyword("secret") MODEL "small" (reasoning = false) }
ROUTE rest { PRIORITY 1 MODEL "large" }
TEST paths { "a secret" -> here }
MODEL small {} MODEL large {}
"""
SHADOWED = SOUND + 'ROUTE never { WHEN keyword("secret") MODEL "large" }\n'


@pytest.fixture
def file(tmp_path: Path) -> Any:
    """Return a function that writes a policy and returns its path."""

    def write(text: str) -> str:
        (tmp_path / "p.dsl").write_text(text, encoding="utf-8")
        return str(tmp_path / "p.dsl")

    return write


def run(*arguments: str) -> int:
    return main(list(arguments))


def test_a_sound_policy_has_no_finding_and_a_table_of_what_was_proved(capsys: Any) -> None:
    assert run("check", EXAMPLE, "--catalog", CATALOG) == 0
    said = capsys.readouterr().out
    for line in ("exhaustive", "no shadowing", "tests", "proved", "not that its signals are right"):
        assert line in said
    assert "Traceback" not in said


def test_findings_have_their_place_an_example_and_status_1(file: Any, capsys: Any) -> None:
    path = file(SHADOWED)
    assert run("check", path) == 1
    said = capsys.readouterr().out
    assert f"{path}:6:1: error:" in said
    assert "shadowed" in said


@pytest.mark.parametrize(
    ("route", "status"),
    [('ROUTE a { PRIORITY 2 WHEN kb("k") }', 1), ("", 0)],
    ids=["asked for", "not asked for"],
)
def test_a_signal_without_its_classifier_fails_the_check_where_it_is_asked_for(
    file: Any, capsys: Any, route: str, status: int
) -> None:
    path = file(f"SIGNAL kb k {{}}  {route}  ROUTE rest {{ PRIORITY 1 }}")
    assert run("check", path, "--quiet") == status
    assert ("needs a classifier" in capsys.readouterr().out) is bool(status)


def test_findings_as_json(file: Any, capsys: Any) -> None:
    assert run("check", file(SHADOWED), "--json") == 1
    (told,) = json.loads(capsys.readouterr().out)
    errors = [f for f in told["findings"] if f["severity"] == "error"]
    assert [(f["code"], f["line"], f["basis"]) for f in errors] == [("shadowed", 6, "proved")]
    verdict = next(v for v in told["verdicts"] if v["property"] == "no shadowing")
    assert not verdict["holds"]


def test_each_recipe_is_checked(file: Any, capsys: Any) -> None:
    path = file("RECIPE day { ROUTE r {} }\nRECIPE night { ROUTE r { WEN } }\n")
    assert run("check", path, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert [recipe["recipe"] for recipe in told] == ["day", "night"]
    assert run("check", path, "--recipe", "dusk") == 2
    assert "expected one of: day, night" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "explain", "test", "fmt", "compile"])
@pytest.mark.parametrize("kind", ["missing", "folder", "bytes"])
def test_a_file_that_cannot_be_read_is_one_line_and_status_2(
    command: str, kind: str, tmp_path: Path, capsys: Any
) -> None:
    path = tmp_path / "p.dsl"
    if kind == "folder":
        path.mkdir()
    elif kind == "bytes":
        path.write_bytes(b"\xff\xfe\x00")
    more = {"explain": ["hello"], "compile": ["--output", str(tmp_path / "out")]}
    assert run(command, str(path), *more.get(command, [])) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert str(path) in said


def test_explain_says_which_rule_and_why(file: Any, capsys: Any) -> None:
    path = file(SOUND)
    assert run("explain", path, "tell my secret") == 0
    said = capsys.readouterr().out
    for word in ("here", 'keyword("secret")', "small", "yes", "secret"):
        assert word in said
    assert run("explain", path, "hello", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rule"], told["models"], told["held"]) == ("rest", ["large"], ["rest"])


@pytest.mark.parametrize(
    ("time", "rule"),
    [("2026-11-30T10:00+01:00", "open"), ("2026-11-29T10:00+01:00", "shut")],
)
def test_explain_knows_who_asks_and_when(file: Any, capsys: Any, time: str, rule: str) -> None:
    path = file(
        """SIGNAL time office { days: ["mon"] from: "09:00" to: "17:00" zone: "Europe/Berlin" }
        SIGNAL authz staff { role: "staff" }
        ROUTE open { PRIORITY 2 WHEN time("office") AND authz("staff") }
        ROUTE shut { PRIORITY 1 }"""
    )
    given = ["--grants", "role:staff", "--time", time, "--json"]
    assert run("explain", path, "hello", *given) == 0
    assert json.loads(capsys.readouterr().out)["rule"] == rule


def test_a_time_that_is_none_is_told(file: Any, capsys: Any) -> None:
    assert run("explain", file(SOUND), "hello", "--time", "tomorrow") == 2
    assert "--time: given 'tomorrow'" in capsys.readouterr().err


def test_a_text_that_says_nothing_is_told(file: Any, capsys: Any) -> None:
    assert run("explain", file(SOUND), " ") == 2
    assert "the text is empty" in capsys.readouterr().err


def test_a_policy_with_errors_is_not_explained_tested_or_compiled(
    file: Any, tmp_path: Path, capsys: Any
) -> None:
    path = file("ROUTE r { WEN }")
    assert run("explain", path, "hello") == 1
    assert run("test", path) == 1
    assert run("compile", path, "--output", str(tmp_path / "out")) == 1
    assert capsys.readouterr().err.count("did you mean WHEN?") == 3
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["explain", "compile"])
def test_a_recipe_that_is_not_there_is_told(
    command: str, file: Any, tmp_path: Path, capsys: Any
) -> None:
    more = {"explain": ["hi"], "compile": ["--output", str(tmp_path / "out")]}[command]
    assert run(command, file(SOUND), "--recipe", "nosuch", *more) == 2
    assert "given the recipe 'nosuch'" in capsys.readouterr().err


def test_a_recipe_that_is_named_is_parsed_once(file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Mock(wraps=parse)
    monkeypatch.setattr(read, "parse", counted)
    monkeypatch.setattr(loading, "parse", counted)
    assert run("check", file('RECIPE day { ROUTE r { MODEL "m" } }'), "--recipe", "day") == 0
    assert counted.call_count == 1


def test_a_time_before_all_clocks_is_told(file: Any, capsys: Any) -> None:
    assert run("explain", file(SOUND), "hi", "--time", "0001-01-01T00:00") == 2
    assert "which no clock here can show" in capsys.readouterr().err


def test_a_case_whose_rule_is_not_certain_fails(file: Any, capsys: Any) -> None:
    path = file(
        'SIGNAL time office { days: ["mon"] from: "08:00" to: "18:00" }'
        'ROUTE office { PRIORITY 2 WHEN time("office") MODEL "m" } ROUTE rest { PRIORITY 1 MODEL "n" }'
        'TEST t { "hello" -> rest }'
    )
    assert run("test", path) == 1
    assert "may as well fall under office" in capsys.readouterr().out


def test_test_runs_the_cases(file: Any, capsys: Any) -> None:
    assert run("test", file(SOUND)) == 0
    assert "1 of 1 cases as expected." in capsys.readouterr().out
    assert run("test", file(SOUND + 'TEST more { "hello" -> here }')) == 1
    assert "1 of 2 cases as expected." in capsys.readouterr().out


def test_fmt_prints_checks_and_writes(file: Any, capsys: Any) -> None:
    path = file(SOUND)
    assert run("fmt", path, "--check") == 1
    assert run("fmt", path) == 0
    laid_out = capsys.readouterr().out
    assert Path(path).read_text() == SOUND
    assert run("fmt", path, "--write") == 0
    assert Path(path).read_text() == laid_out
    assert run("fmt", path, "--check") == 0
    broken = file("ROUTE r {")
    assert run("fmt", broken, "--write") == 1
    assert Path(broken).read_text() == "ROUTE r {"


def test_fmt_writes_what_a_symbolic_link_leads_to(file: Any, tmp_path: Path) -> None:
    path, link = Path(file(SOUND)), tmp_path / "links" / "policy.dsl"
    link.parent.mkdir()
    link.symlink_to(path)
    assert run("fmt", str(link), "--write") == 0
    assert link.is_symlink()
    assert path.read_text() != SOUND
    assert [*link.parent.iterdir()] == [link]


@pytest.mark.parametrize("command", ["explain", "test", "fmt", "compile"])
def test_a_file_that_is_no_policy_is_told_in_a_few_lines(
    command: str, file: Any, tmp_path: Path, capsys: Any
) -> None:
    path = file("This is a letter, not a policy.\n\n" * 40)
    more = {"explain": ["hello"], "compile": ["--output", str(tmp_path / "out")]}
    assert run(command, path, *more.get(command, [])) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 6
    assert all(line.startswith(f"{path}:") for line in said[:5])
    assert re.fullmatch(rf"and \d+ more; see python -m app.policy check {path}", said[-1])


def test_compile_writes_all_targets_and_finds_drift(file: Any, tmp_path: Path, capsys: Any) -> None:
    path, out = file(SOUND), tmp_path / "out"
    assert run("compile", path, "--output", str(out)) == 0
    names = {"manifest.json", "litellm.yaml", "network-policy.yaml", "decision.mmd", "summary.md"}
    assert names <= {f.name for f in out.iterdir()}
    assert "router_settings" in yaml.safe_load((out / "litellm.yaml").read_text())
    assert run("compile", path, "--output", str(out), "--check") == 0
    (out / "summary.md").write_text("edited")
    assert run("compile", path, "--output", str(out), "--check") == 1
    assert "summary.md was edited" in capsys.readouterr().out
    other = file(SOUND.replace("PRIORITY 2", "PRIORITY 3"))
    assert run("compile", other, "--output", str(out), "--check") == 1
    assert "target_stale" in capsys.readouterr().out
