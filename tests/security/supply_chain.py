"""What comes from elsewhere: locks with hashes, versions that carry malware or holes, code that runs unasked.

`python -m tests.security.supply_chain` prints each fault and exits with 1 if there is one; it needs the standard
library alone. It knows no vulnerability but those named here, and asks no server.
"""

import io
import re
import sys
import sysconfig
import tokenize
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("agents", "app", "benchmarks", "graphs")
DENIED = {"litellm": frozenset({"1.82.7", "1.82.8"})}
"""Releases of 24 March 2026 that steal keys."""
FLOORS = {
    "langchain-core": (1, 2, 5),  # CVE-2025-68664
    "langgraph": (1, 0, 10),  # CVE-2026-28277, with strict deserialisation
    "langgraph-checkpoint": (3, 0, 0),  # CVE-2025-64439
    "langgraph-checkpoint-sqlite": (3, 0, 1),  # CVE-2025-67644
    "starlette": (1, 0, 1),  # CVE-2026-48710
}
KNOWN_PTH = re.compile(r"distutils-precedence\.pth|_virtualenv\.pth|__editable__\.moma-[\w.]+\.pth")
"""What runs at every start of Python and is known: setuptools' shim, virtualenv's, an editable install of MoMA."""
UNSAFE = re.compile(
    r"\b(?:pickle|cPickle|dill|cloudpickle|joblib|marshal|shelve)\b|\btorch\.load\b|(?<![\w.])(?:eval|exec)\("
    r"|\byaml\.(?:load|load_all|unsafe_load|full_load)\((?!.*Loader=_Loader)|allow_pickle=True"
)
_PINNED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)")
_ADDRESS = re.compile(
    r"https?://|git\+|\bfile:|^\s*(?:-i|-f|-e|--(?:extra-)?index-url|--find-links|--trusted-host|--editable)\b",
    re.MULTILINE,
)


def lock_faults(text: str, *, name: str) -> Iterator[str]:
    """Yield what is wrong with a lock: what is not pinned, has no hash or an address, or is denied."""
    if found := _ADDRESS.search(text):
        line = text.count("\n", 0, found.start()) + 1
        yield f"{name}:{line}: {found[0].strip()!r}: a lock names no address"
    entries = text.replace("\\\n", " ").splitlines()
    for entry in (e.strip() for e in entries):
        if not entry or entry.startswith("#") or _ADDRESS.match(entry):
            continue
        pinned = _PINNED.match(entry)
        if pinned is None:
            yield f"{name}: {entry[:60]!r} is not pinned with '=='"
            continue
        if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry):
            yield f"{name}: {pinned['name']} has no sha256"
        yield from version_faults(pinned["name"], pinned["version"], where=name)


def version_faults(name: str, version: str, *, where: str) -> Iterator[str]:
    """Yield why a version may not be used."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if version in DENIED.get(key, ()):
        yield f"{where}: {key} {version} carries malware"
    numbers = tuple(int(n) for n in re.findall(r"\d+", version.split("+")[0])[:3])
    if key in FLOORS and numbers < FLOORS[key]:
        yield f"{where}: {key} {version} is below {'.'.join(map(str, FLOORS[key]))}"


def environment_faults(site_packages: Path) -> Iterator[str]:
    """Yield the files that run at every start of Python and are not known, and installed versions that are denied."""
    for path in sorted(site_packages.glob("*.pth")):
        runs = any(line.startswith(("import ", "import\t")) for line in _lines(path))
        if not KNOWN_PTH.fullmatch(path.name) and (runs or path.stat().st_size > 4096):
            yield f"{path.name}: runs at every start of Python and is not known"
    for hook in ("sitecustomize.py", "usercustomize.py"):
        if (site_packages / hook).exists():
            yield f"{hook}: runs at every start of Python"
    for found in distributions(path=[str(site_packages)]):
        yield from version_faults(found.metadata["Name"] or "", found.version, where="installed")


def code_faults(path: Path) -> Iterator[str]:
    """Yield the calls that can run data; comments and texts do not count."""
    code: dict[int, list[str]] = {}
    with io.BytesIO(path.read_bytes()) as file:
        for token in tokenize.tokenize(file.readline):
            if token.type not in (tokenize.COMMENT, tokenize.STRING, tokenize.ENCODING):
                code.setdefault(token.start[0], []).append(token.string)
    for line, tokens in code.items():
        if found := UNSAFE.search(_joined(tokens)):
            yield f"{path.relative_to(ROOT)}:{line}: {found[0]!r} can run what it reads"


def faults() -> list[str]:
    """Return everything that is wrong."""
    found: list[str] = []
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        found += lock_faults(lock.read_text(encoding="utf-8"), name=lock.name)
    found += environment_faults(Path(sysconfig.get_path("purelib")))
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            found += code_faults(path)
    return found


def _joined(tokens: list[str]) -> str:
    """Return the tokens of a line as close as they can stand, so that no blank space hides a call."""
    text = ""
    for token in tokens:
        text += f" {token}" if text[-1:].isidentifier() and token[:1].isidentifier() else token
    return text


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


if __name__ == "__main__":
    found = faults()
    print("\n".join(found) or "locks, environment and code: nothing found")
    sys.exit(bool(found))
