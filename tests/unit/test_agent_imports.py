"""What the import of the agents loads: the first prompt waits for it."""

import subprocess
import sys


def test_the_agents_load_no_slow_library_before_they_need_it() -> None:
    slow = "bs4 dateparser docx duckdb faiss litellm onnxruntime pandas pypdf"
    code = (
        "import sys, agents.calendar, agents.data, agents.documents, agents.tasks\n"
        "for agent in (agents.calendar, agents.data, agents.documents, agents.tasks): agent.build({})\n"
        f"print([name for name in '{slow}'.split() if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_only_agents_from_elsewhere_need_is_not_loaded_without_them() -> None:
    code = (
        "import sys, graphs\n"
        "graphs.Services.from_catalog(graphs.Catalog.from_file('catalog.yaml')).close()\n"
        "print([name for name in 'mcp a2a langchain starlette'.split() if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
