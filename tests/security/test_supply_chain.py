"""The check of what comes from elsewhere finds what it should, and importing MoMA opens no connection."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.security import supply_chain
from tests.security.supply_chain import code_faults, environment_faults, faults, lock_faults
from tests.support.bars import bar

ROOT = Path(__file__).parents[2]
SHA = "--hash=sha256:" + "0123456789abcdef" * 4
GOOD = f"litellm==1.102.0 ; python_version < '3.14' \\\n    {SHA}\nidna==3.1 \\\n    {SHA} \\\n    {SHA}\n"
BAD_LOCKS = {
    "no hash": ("idna==3.1\n", "idna has no sha256"),
    "a hash of another kind": ("idna==3.1 --hash=md5:00\n", "idna has no sha256"),
    "a short hash": ("idna==3.1 --hash=sha256:00\n", "idna has no sha256"),
    "not pinned": (f"idna>=3.1 {SHA}\n", "is not pinned"),
    "an index": (f"--index-url https://example.org\n{GOOD}", "names no address"),
    "an index in short": (f"-i https://example.org\n{GOOD}", "names no address"),
    "a link": (f"idna @ https://example.org/idna.whl {SHA}\n", "names no address"),
    "a repository": (f"idna @ git+ssh://x/y {SHA}\n", "names no address"),
    "malware": (f"litellm==1.82.8 {SHA}\n", "litellm 1.82.8 carries malware"),
    "malware in other letters": (f"LiteLLM==1.82.7 {SHA}\n", "litellm 1.82.7 carries malware"),
    "a hole": (f"langgraph_checkpoint==2.1.2 {SHA}\n", "langgraph-checkpoint 2.1.2 is below"),
}
UNSAFE = {
    "pickle": "import pickle\n",
    "a part of it": "from pickle import loads\n",
    "torch": "torch.load (path)\n",
    "eval": "x = eval (text)\n",
    "exec": "exec(text)\n",
    "yaml": "yaml.load(text, Loader=yaml.Loader)\n",
    "objects": "np.load(path, allow_pickle = True)\n",
    "joblib": "import joblib as j\n",
}
SAFE = '''"""No pickle, no eval(x)."""
x = model.eval()
y = yaml.load(t, Loader=_Loader)  # not pickle
z = retrieval(x)
'''
MODULES = (
    "app", "app.settings", "app.doctor.__main__", "app.doctor.examination", "app.chat.__main__", "app.chat.loop",
    "app.route.__main__", "app.route.models",
    "app.route.agents", "app.profile.__main__", "app.profile.fit", "app.evaluate.__main__", "app.evaluate.models",
    "graphs", "graphs.orchestrator", "graphs.gateway.transport", "agents.registry",
)  # fmt: skip
IMPORT = """
import importlib, sys
seen = []
def note(event, arguments):
    asks = event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
    # urllib3 binds a free port of loopback for a moment, to see whether there is IPv6.
    if asks or (event == "socket.bind" and arguments[1] != ("::1", 0)):
        seen.append(f"{event} {arguments[1:]!r}")
sys.addaudithook(note)
for name in sys.argv[1:]:
    importlib.import_module(name)
from graphs.gateway import transport
transport.load()
assert not seen, seen
import socket
try:
    socket.create_connection(("127.0.0.1", 9), 0.2)
except OSError:
    pass
assert seen, "the hook hears nothing"
"""


def opens_nothing() -> None:
    """Check that importing every command, and LiteLLM the way MoMA does, opens no socket."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, *MODULES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2_000:]


@pytest.mark.parametrize("kind", BAD_LOCKS)
def test_a_lock_that_proves_nothing_is_found(kind: str) -> None:
    text, expected = BAD_LOCKS[kind]
    assert any(expected in fault for fault in lock_faults(text, name="run.txt"))
    assert list(lock_faults(GOOD, name="run.txt")) == []


@pytest.mark.parametrize("kind", UNSAFE)
def test_code_that_can_run_data_is_found(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supply_chain, "ROOT", tmp_path)
    path = tmp_path / "x.py"
    path.write_text(UNSAFE[kind])
    assert len(list(code_faults(path))) == 1
    path.write_text(SAFE)
    assert list(code_faults(path)) == []


@pytest.mark.parametrize(
    ("name", "content", "wrong"),
    [
        ("litellm_init.pth", "import os; os.system('x')\n", True),
        ("a.pth", "/some/folder\n", False),
        ("large.pth", "x" * 34_628, True),
        ("distutils-precedence.pth", "import os\n", False),
        ("sitecustomize.py", "x = 1\n", True),
    ],
)
def test_a_file_that_runs_at_every_start_is_found(
    name: str, content: str, wrong: bool, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    assert bool(list(environment_faults(tmp_path))) == wrong


def test_importing_the_commands_opens_no_socket() -> None:
    opens_nothing()


@pytest.mark.faults
def test_the_supply_chain() -> None:
    opens_nothing()
    found = faults()
    result = (
        f"{len(found)} faults in locks, environment and code; {len(MODULES)} imports, 0 sockets"
    )
    bar(
        30,
        "(c) supply chain",
        len(MODULES),
        result,
        "hashes, no address, no denied version, no socket",
    )
    assert found == []
