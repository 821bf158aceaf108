"""What is imported and what is not: a prompt, and each command, waits for it."""

import subprocess
import sys

import pytest

import graphs


def test_the_package_offers_what_it_names_and_nothing_else() -> None:
    assert {"Catalog", "build_graph"} <= set(graphs.__all__) <= set(dir(graphs))
    for name in graphs.__all__:
        assert getattr(graphs, name).__name__ == name
    with pytest.raises(AttributeError, match="'graphs' has no attribute 'Orchestrator'"):
        _ = graphs.Orchestrator


def test_commands_that_run_no_graph_load_none() -> None:
    commands = (
        "app.doctor.machine app.evaluate.agents app.evaluate.models app.policy.check app.policy.fmt "
        "app.profile.fit app.profile.feedback app.route.agents app.route.models"
    )
    code = (
        "import importlib, sys\n"
        f"for name in '{commands}'.split(): importlib.import_module(name)\n"
        "print([name for name in 'langgraph langchain_core langsmith litellm'.split() if name in sys.modules])"
    )
    assert _said(code) == "[]"


def test_the_agents_load_no_slow_library_before_they_need_it() -> None:
    slow = "bs4 dateparser docx duckdb faiss litellm onnxruntime pandas pypdf"
    code = (
        "import sys, agents.calendar, agents.data, agents.documents, agents.tasks\n"
        "for agent in (agents.calendar, agents.data, agents.documents, agents.tasks): agent.build({})\n"
        f"print([name for name in '{slow}'.split() if name in sys.modules])"
    )
    assert _said(code) == "[]"


def test_what_only_agents_from_elsewhere_need_is_not_loaded_without_them() -> None:
    code = (
        "import sys, graphs\n"
        "graphs.Services.from_catalog(graphs.Catalog.from_file('catalog.yaml')).close()\n"
        "print([name for name in 'mcp a2a langchain starlette'.split() if name in sys.modules])"
    )
    assert _said(code) == "[]"


def _said(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()
