"""What a program that a model wrote can and cannot do."""

import os
import socket
from pathlib import Path

import pytest

from app.profile.graders.key import Code
from app.profile.graders.sandbox import grade_code, openings

RIGHT = "def add(a, b): return a + b"
KEY = Code(tests="assert add(1, 2) == 3", seconds=1)


def passes(program: str, key: Code = KEY) -> bool:
    return grade_code(key, program).score == 1


def shut(name: str) -> None:
    if name in openings():
        pytest.skip(f"this system does not keep programs from its {name}")


def test_a_right_program_passes_and_a_wrong_one_does_not() -> None:
    assert passes(f"```python\n{RIGHT}\n```")
    assert not passes("def add(a, b): return a - b")
    assert not passes("def add(a, b) return")
    assert not passes("")


def test_the_standard_library_threads_and_its_own_folder_are_there() -> None:
    program = "import json, threading\nt = threading.Thread(target=print)\nt.start()\nt.join()\n"
    assert passes(f"{program}open('x', 'w').write('1')\nassert open('x').read() == '1'\n{RIGHT}")


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit(0)",
        "import os; os._exit(0)",
        "while True: pass",
        "x = ' ' * (3 << 30)",
        "for n in range(200): print('x' * (1 << 20))",
        "import time; time.sleep(60)",
    ],
)
def test_what_ends_early_or_uses_too_much_does_not_pass(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.profile.graders.sandbox._GRACE_S", 1.0)
    assert not passes(f"{RIGHT}\n{program}")


def test_nothing_of_the_environment_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_API_KEY", "canary")
    assert passes(f"import os\nassert 'canary' not in str(os.environ)\n{RIGHT}")


def test_files_of_others_are_out_of_reach(tmp_path: Path) -> None:
    shut("files")
    (tmp_path / "mine").write_text("mine")
    tries = (
        f"{RIGHT}\nPLACE = {str(tmp_path)!r}\ndef fails(do):\n"
        "    try: do()\n    except PermissionError: return\n    raise SystemExit(1)\n"
    )
    assert passes(
        f"{tries}import os\nfails(lambda: open(PLACE + '/mine'))\nfails(lambda: os.listdir(PLACE))\n"
        "fails(lambda: open(PLACE + '/new', 'w'))\nfails(lambda: os.remove(PLACE + '/mine'))"
    )
    assert (tmp_path / "mine").read_text() == "mine"


def test_the_network_is_out_of_reach() -> None:
    shut("network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not passes(
            f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)\n{RIGHT}"
        )


@pytest.mark.parametrize(
    "do",
    [
        "os.fork()",
        f"os.kill({os.getpid()}, 0)",
        "os.execv('/bin/ls', ['ls'])",
        "import resource; resource.prlimit(os.getppid(), resource.RLIMIT_CORE)",
        "import fcntl; fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, os.getppid())",
        "import fcntl; fcntl.fcntl(os.pipe()[0], 10, 9)",
        "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
        "os.sched_setaffinity(os.getppid(), {0})",
    ],
    # Each process that collects tests has a number of its own.
    ids=["fork", "kill", "exec", "limit", "owner", "signal", "priority", "affinity"],
)
def test_other_processes_are_out_of_reach(do: str) -> None:
    shut("processes")
    shut("files")
    assert passes(
        f"import os\ntry: {do}\nexcept PermissionError: pass\nelse: raise SystemExit(1)\n{RIGHT}"
    )


def test_what_is_not_shut_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.profile.graders.sandbox._WORKER", Path("nowhere.py"))
    openings.cache_clear()
    try:
        assert openings() == ("network", "files", "processes")
    finally:
        openings.cache_clear()
