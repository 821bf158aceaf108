"""The container and the composition name files, settings, paths and packages that there are."""

import re
from pathlib import Path
from typing import Any

import yaml

from app.server.application import make_app
from app.settings import PREFIX, Settings
from graphs.catalog import Catalog

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSED: Any = yaml.safe_load((ROOT / "compose.yaml").read_text())


def test_the_container_copies_what_there_is_and_what_is_not_ignored() -> None:
    let_in = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    copied = [
        words[1:-1] for words in map(str.split, DOCKERFILE.splitlines()) if words[:1] == ["COPY"]
    ]
    for path in (path for paths in copied for path in paths):
        assert (ROOT / path).exists(), path
        assert path.partition("/")[0] in let_in, path


def test_its_lock_has_what_the_server_needs_beside_a_database() -> None:
    locked = set(
        re.findall(r"^([\w-]+)==", (ROOT / "requirements/server.txt").read_text(), re.MULTILINE)
    )
    assert {
        "fastapi",
        "uvicorn",
        "psycopg",
        "psycopg-binary",
        "mcp",
        "a2a-sdk",
        "opentelemetry-sdk",
    } <= locked
    run = re.findall(r"^([\w-]+)==", (ROOT / "requirements/run.txt").read_text(), re.MULTILINE)
    assert set(run) <= locked


def test_its_health_is_a_path_of_the_server() -> None:
    asked = re.search(r"http://127\.0\.0\.1:8000(/\w+)", DOCKERFILE)
    assert asked
    assert asked[1] in {getattr(route, "path", None) for route in make_app(lambda: None).routes}  # type: ignore[arg-type, return-value]


def test_the_composition_sets_what_is_a_setting_and_waits_longer_than_a_drain_takes() -> None:
    worker = COMPOSED["services"]["moma"]
    settings = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    keys = {model.key for model in Catalog.from_file(ROOT / "catalog.yaml").models}
    for name in worker["environment"]:
        assert name in settings | keys | {"PGPASSWORD"}, name
    assert float(worker["stop_grace_period"][:-1]) > float(
        worker["environment"]["MOMA_DRAIN_SECONDS"]
    )
    assert "POSTGRES_PASSWORD" not in worker["environment"]["MOMA_CHECKPOINTS"], (
        "it would have to be encoded"
    )
    assert COMPOSED["services"].keys() == {"database", "moma"}
