"""A PostgreSQL server of the tests' own, on a socket in a directory of its own; from Debian's packages or the like."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.waiting import PATIENCE_S

USER = "postgres"
_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def missing() -> str | None:
    """Return why no server can be started here, or None."""
    try:
        import psycopg  # noqa: F401
        import psycopg_pool  # noqa: F401
        from langgraph.checkpoint.postgres import aio  # noqa: F401
    except ImportError:
        return "the extra postgres is not installed"
    if _binary("initdb") is None:
        return "there is no PostgreSQL server: apt-get install postgresql"
    if os.geteuid() == 0 and USER not in {user.pw_name for user in pwd.getpwall()}:
        return f"root may not start PostgreSQL, and there is no user {USER!r} to do so"
    return None


def _binary(name: str) -> str | None:
    path = os.pathsep.join(map(str, _FOLDERS)) + os.pathsep + os.environ.get("PATH", "")
    return shutil.which(name, path=path)


@contextmanager
def server() -> Iterator[str]:
    """Start a server; yield the address of its database."""
    user = USER if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        if user:
            shutil.chown(folder, user)
        data = f"{folder}/data"
        initdb, postgres = _binary("initdb"), _binary("postgres")
        assert initdb
        assert postgres
        subprocess.run(
            [initdb, "--auth=trust", f"--username={USER}", "--no-sync", "-D", data],
            check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        options = {"listen_addresses": "", "unix_socket_directories": folder, "fsync": "off"}
        command = [postgres, "-D", data]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        running = subprocess.Popen(command, user=user, cwd=folder, stderr=subprocess.DEVNULL)
        address = f"postgresql://{USER}@/postgres?host={folder}"
        try:
            _wait_for(address)
            yield address
        finally:
            running.terminate()
            running.wait(PATIENCE_S)


def _wait_for(address: str) -> None:
    import psycopg

    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            psycopg.connect(address).close()
            return
        except psycopg.OperationalError:
            assert time.monotonic() < until, "the server does not start"
            time.sleep(0.05)
