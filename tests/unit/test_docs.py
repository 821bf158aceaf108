"""The pages of `docs/` say what the code says, and are built without asking anybody."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

import graphs
from app.server.metrics import Metrics
from docs.reference import FOLDER, PAGES
from graphs import record as records
from graphs.gateway.ledger import Call
from graphs.masks import Code, Refusal
from graphs.routing.choice import Option, rank
from tests.support.agents import fake_services
from tests.support.prose import GUIDES, README, ROOT, blocks
from tests.support.prose import PAGES as SOURCES
from tests.support.waiting import PATIENCE_S

LOADED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=[\"']?(?:https?:)?//[^\"'> ]+")
PATHS = re.compile(r"`((?:agents|app|benchmarks|examples|graphs|tests)/[\w./-]+)`")


@pytest.mark.parametrize("name", PAGES)
def test_what_is_written_from_the_code_is_in_step(name: str) -> None:
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), "run: python -m docs.reference"


def test_the_site_is_built_with_its_links_checked_and_loads_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", "docs/mkdocs.yml"]
    done = subprocess.run(
        [*command, "-d", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages = {p.relative_to(tmp_path).as_posix(): p.read_text() for p in tmp_path.rglob("*.html")}
    sources = {p.relative_to(SOURCES).with_suffix(".html") for p in SOURCES.rglob("*.md")}
    assert {path.as_posix() for path in sources} <= set(pages)
    assert [found for page in pages.values() for found in LOADED.findall(page)] == []
    for style in tmp_path.rglob("*.css"):
        assert not re.search(r"@import|url\([\"']?(?:https?:)?//", style.read_text())


def test_the_python_page_has_every_public_name() -> None:
    page = (FOLDER / "python.md").read_text(encoding="utf-8")
    drawn = set(re.findall(r"^::: ([\w.]+)$", page, re.MULTILINE))
    assert {f"graphs.{name}" for name in graphs.__all__} <= drawn


def text_of(page: str) -> str:
    return (SOURCES / page).read_text(encoding="utf-8")


def keys_of(value: Any) -> Iterator[str]:
    """Yield the keys of a record, and of what is in it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys_of(inner)
    for inner in value if isinstance(value, list) else ():
        yield from keys_of(inner)


def test_the_page_on_the_record_names_every_field_and_every_code() -> None:
    refusal, option = Refusal("a", "key", "no"), Option(id="m", quality=0.5, cost_usd=0.1)
    record = records.begin(thread="t", turn=1, phase="idle", event="new_request", versions={})
    for _ in range(2):
        record = records.with_agents(
            record, decision="none", agent=None, reason="", considered=[("a", 0.5)], masked=[refusal]
        )  # fmt: skip
    record = records.with_models(
        record, order=["m"], frontier=rank([option], "auto"), masked=[refusal], preference="auto", reason="",
        wanted={"id": "n", "reason": ""},
    )  # fmt: skip
    calls = [{field: None for field in Call.__dataclass_fields__} | {"model": "m"}]
    record = records.with_run(record, agent="a", event="done", reason="", ms=1, calls=calls)
    record = records.with_step(record, served="m", costs_usd={"m": 1.0, "n": 2.0})
    record = records.finish(record, phase="idle", always_best={"id": "m", "cost_usd": 1.0})
    page = re.sub(r"^```.*?^```$", "", text_of("record.md"), flags=re.MULTILINE | re.DOTALL)
    words = re.findall(r"`([^`]+)`", page)
    named = {word for shown in words for word in re.findall(r"\w+", shown)}
    assert {*keys_of(record), *get_args(Code)} <= named


def test_the_page_on_production_names_every_metric() -> None:
    services = fake_services()
    text = Metrics(services).text().decode()
    services.close()
    page = text_of("production.md")
    told = re.findall(r"^# HELP (\w+) ", text, re.MULTILINE)
    assert [
        name for name in told if not name.endswith("_created") and f"`{name}`" not in page
    ] == []


@pytest.mark.parametrize("page", [README, *GUIDES], ids=lambda path: path.stem)
def test_the_files_that_are_named_are_there(page: Path) -> None:
    made = {block.title for block in blocks(page)} | {"agents/dice.py"}
    named = set(PATHS.findall(page.read_text(encoding="utf-8"))) - made
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
