"""LangGraph's own conformance suite for savers, on the savers that MoMA opens."""

import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import BASE_CAPABILITIES

from graphs.checkpoints import open_sqlite
from tests.support.bars import bar


@checkpointer_test(name="SQLite")
async def sqlite_saver() -> AsyncGenerator[BaseCheckpointSaver[Any], None]:
    with tempfile.TemporaryDirectory() as folder:
        async with open_sqlite(Path(folder) / "threads.sqlite") as saver:
            yield saver


@pytest.mark.one_size
async def test_sqlite_conforms() -> None:
    report = await validate(sqlite_saver)
    base = [report.results[capability.value] for capability in BASE_CAPABILITIES]
    passed = sum(bool(result.passed) for result in base)
    tests = sum(result.tests_passed for result in base)
    bar(
        6,
        "conformance suite, SQLite",
        tests,
        f"{passed} of {len(base)}",
        "5 of 5 base capabilities",
    )
    assert [result.failures for result in base if result.failures] == []
    assert passed == len(base) == 5
