"""Facts of the design that the code must keep: who imports whom, what is never called, what settings there are."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from agents.registry import build_agent
from app.settings import PREFIX, Settings
from graphs.catalog import Catalog

ROOT = Path(__file__).parents[2]
CODE = sorted(p for room in ("agents", "graphs", "app") for p in (ROOT / room).rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in CODE]
PURE = [
    "graphs/machine.py",
    "graphs/masks.py",
    *(n for n in NAMES if n.startswith("graphs/routing/")),
    *(n for n in NAMES if n.startswith("graphs/policy/") and n != "graphs/policy/targets/graph.py"),
]
UNSAFE = {
    "eval", "exec", "compile", "pickle", "cPickle", "dill", "marshal", "shelve", "joblib", "cloudpickle",
}  # fmt: skip
UNSAFE_CALLS = {
    *UNSAFE, "builtins.eval", "builtins.exec", "__import__", "os.system", "torch.load", "yaml.unsafe_load",
    "yaml.full_load", "yaml.load_all",
}  # fmt: skip
UNSAFE_KEYWORDS = ("allow_pickle", "shell", "trust_remote_code")
SAFE_LOADERS = ("yaml.CSafeLoader", "yaml.SafeLoader", "_Loader")


@cache
def tree(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(encoding="utf-8"), filename=name)


def imported(code: ast.Module) -> frozenset[str]:
    """Return the modules that a file imports anywhere, also within its functions."""
    found: set[str] = set()
    for node in ast.walk(code):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"a relative path: {ast.unparse(node)}"
            module = node.module or ""
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


@cache
def imports(name: str) -> frozenset[str]:
    return imported(tree(name))


def rooms(name: str) -> set[str]:
    return {module.partition(".")[0] for module in imports(name)}


def calls(name: str) -> set[str]:
    """Return the names that are called, dotted."""
    return {ast.unparse(n.func) for n in ast.walk(tree(name)) if isinstance(n, ast.Call)}


def unsafe(code: ast.Module) -> list[str]:
    """Return the imports and calls that build objects, or run code, that a file or a text names."""
    found = [m for m in imported(code) if m.partition(".")[0] in UNSAFE]
    for node in ast.walk(code):
        if isinstance(node, ast.Call):
            keywords = {k.arg: ast.unparse(k.value) for k in node.keywords}
            called = ast.unparse(node.func)
            if (
                called in UNSAFE_CALLS
                or any(keywords.get(name, "False") != "False" for name in UNSAFE_KEYWORDS)
                or (called == "yaml.load" and keywords.get("Loader") not in SAFE_LOADERS)
                or (called == "np.load" and "allow_pickle" not in keywords)
            ):
                found.append(ast.unparse(node))
    return found


def reached(name: str) -> set[str]:
    """Return what a file imports, with what those files of the repository import."""
    seen: set[str] = set()
    todo = [name]
    while todo:
        for module in imports(todo.pop()) - seen:
            seen.add(module)
            path = module.replace(".", "/")
            todo += [n for n in (f"{path}.py", f"{path}/__init__.py") if n in NAMES]
    return {module.partition(".")[0] for module in seen}


def test_there_is_code_to_look_at() -> None:
    assert len(NAMES) > 50
    assert "langgraph" in rooms("graphs/orchestrator.py")


def test_imports_run_from_app_to_graphs_to_agents_only() -> None:
    above: dict[str, set[str]] = {"agents": {"graphs", "app"}, "graphs": {"app"}, "app": set()}
    up = {name: rooms(name) & {*above[name.split("/")[0]], "tests", "benchmarks"} for name in NAMES}
    assert not {name: found for name, found in up.items() if found}


def test_routing_and_the_pure_core_know_neither_langgraph_nor_litellm() -> None:
    known = {name: reached(name) & {"langgraph", "litellm"} for name in PURE}
    assert not {name: found for name, found in known.items() if found}


@pytest.mark.parametrize(
    ("library", "file"),
    [("litellm", "graphs/gateway/transport.py"), ("faiss", "graphs/routing/index.py")],
)
def test_one_file_imports_it(library: str, file: str) -> None:
    assert [name for name in NAMES if library in rooms(name)] == [file]


def test_nothing_prints_outside_the_app() -> None:
    for name in (n for n in NAMES if not n.startswith("app/")):
        # A worker is a process of its own that answers on its standard output.
        streams = set() if name.endswith("worker.py") else {"sys.stdout.write", "sys.stderr.write"}
        printing = {"print", "pprint.pprint", *streams}
        assert not calls(name) & printing, name


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "builtins.eval(x)",
        "yaml.load(x, Loader=yaml.Loader)",
        "np.load(x)",
        "np.load(x, allow_pickle=True)",
        "subprocess.run(x, shell=True)",
        "model_from(x, trust_remote_code=code)",
    ],
)
def test_what_unpickles_or_evaluates_is_found(code: str) -> None:
    assert unsafe(ast.parse(code))


def test_nothing_unpickles_or_evaluates() -> None:
    found = {name: unsafe(tree(name)) for name in NAMES}
    assert not {name: what for name, what in found.items() if what}


def test_the_catalogue_loads_and_each_of_its_agents_builds() -> None:
    catalog = Catalog.from_file(ROOT / "catalog.yaml")
    assert catalog.agents
    for card in catalog.agents:
        assert card.category, f"{card.id} declares no category"
        assert build_agent(card).graph is not None
    examples = [text for kind in catalog.kinds for text in kind.examples]
    assert len(set(examples)) == len(examples)
    kinds = {kind.id for kind in catalog.kinds}
    assert all(set(model.quality) in (kinds, set()) for model in catalog.models)


# .env.example

COMMENTED = re.compile(rf"# ({PREFIX}\w+)=(.*)")


def lines() -> list[str]:
    return (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()


def shown_default(name: str) -> str:
    """Return a setting's default as the file shows it."""
    field: Any = Settings.model_fields[name]
    if name == "home":
        return "~/.local/share/moma"
    default = field.default
    if default is None:
        return ""
    return ",".join(default) if isinstance(default, tuple) else str(default)


def test_the_example_lists_every_setting_with_its_meaning_and_default() -> None:
    text = lines()
    found = {}
    for number, line in enumerate(text):
        if match := COMMENTED.fullmatch(line):
            found[match[1]] = (text[number - 1].removeprefix("# "), match[2])
    assert found == {
        f"{PREFIX}{name.upper()}": (field.description, shown_default(name))
        for name, field in Settings.model_fields.items()
    }


def test_the_example_with_every_line_in_force_is_the_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for match in filter(None, map(COMMENTED.fullmatch, lines())):
        monkeypatch.setenv(match[1], match[2])
    monkeypatch.delenv(f"{PREFIX}HOME")
    assert Settings() == Settings.model_construct()


def test_the_example_sets_nothing_and_names_every_key_of_the_catalogue() -> None:
    values = dict(line.split("=", 1) for line in lines() if line and not line.startswith("#"))
    assert set(values.values()) == {""}
    models = Catalog.from_file(ROOT / "catalog.yaml").models
    assert set(values) == {m.key for m in models if m.key} | {
        m.base_url_env for m in models if m.base_url_env
    }


def test_what_ruff_bans_is_what_is_tested_here() -> None:
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert set(ruff["flake8-tidy-imports"]["banned-api"]) == {"litellm", "faiss"}


def test_a_turn_leaves_nothing_outside_the_directory_of_moma(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "HOME": str(tmp_path / "user"),
        "MOMA_HOME": str(tmp_path / "moma"),
    }
    (tmp_path / "user").mkdir()
    for name in ("XDG_CACHE_HOME", "ORT_DISABLE_TELEMETRY"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "app.chat", "--once", "What is 2 + 2?"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    assert [path for path in (tmp_path / "user").rglob("*") if path.is_file()] == []
