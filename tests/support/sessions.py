"""Does what a reader would, in one process: `python -m tests.support.sessions FOLDER ...`.

Each folder has a `session.py`, which is run, and a file `commands`, a line each, which are typed after it. One process
imports once what they all share, which takes longer than most of what they do.
"""

import os
import runpy
import shlex
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import NoReturn

__all__ = ["run"]


def run(folder: Path) -> None:
    """Run the session of a folder; what its commands say goes to the standard error."""
    os.chdir(folder)
    os.environ["MOMA_HOME"] = str(folder / "home")
    os.environ["MOMA_ROUTING_SECONDS"] = "60"  # however busy the machine is, who serves is chosen
    print(f"# {folder.name}", flush=True)
    code = Path("session.py").read_text(encoding="utf-8")
    exec(compile(code, f"{folder.name}.py", "exec"), {"__name__": "__main__"})
    for command in Path("commands").read_text(encoding="utf-8").splitlines():
        with redirect_stdout(sys.stderr):
            print(f"$ {command}", flush=True)
            sys.argv = shlex.split(command)[2:]
            try:
                runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
            except SystemExit as end:
                if end.code:
                    sys.exit(f"exit status {end.code}: {command}")


def ended(status: int) -> NoReturn:
    """End a command; the process goes on with the next one."""
    sys.exit(status)


if __name__ == "__main__":
    sys.path.insert(0, "")  # the folder of the session, as for who types there
    os._exit = ended
    environment = dict(os.environ)
    for name in sys.argv[1:]:
        run(Path(name))
        os.environ.clear()
        os.environ.update(environment)
