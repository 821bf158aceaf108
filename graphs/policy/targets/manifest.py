"""All targets of a policy in one folder, under a manifest that says from what they were made; and what drifted since.

Hashes tell what was left behind or edited, not forgery: who can write the folder can write the manifest too.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from agents.errors import PolicyError, RoutingError
from graphs.gateway.models import Model
from graphs.policy.findings import Finding
from graphs.policy.parser import parse
from graphs.policy.policy import Policy
from graphs.policy.targets import kubernetes, litellm, mermaid, nodes, plain, summary
from graphs.policy.targets.endpoints import secret_fields
from graphs.policy.targets.marks import hash_in
from graphs.routing.files import read_bytes, write_atomically

__all__ = ["MANIFEST", "compile_policy", "drift", "write"]

MANIFEST = "manifest.json"
_KIND = "moma policy targets 1"
_TARGETS = {
    "gateway": (litellm.FILE,),
    "infrastructure": (kubernetes.NETWORK, kubernetes.CONFIG_MAP),
    "orchestration": (nodes.FILE, plain.FILE),
    "people": (mermaid.FILE, summary.FILE),
}
"""What the files are for. The graph and the gate themselves, `targets.graph` and `gate`, run; nothing is written."""
_FILES = tuple(name for names in _TARGETS.values() for name in names)
_LARGEST = 1 << 26


def compile_policy(
    policy: Policy,
    source: str,
    findings: Sequence[Finding | str] = (),
    *,
    models: Sequence[Model] = (),
) -> dict[str, str]:
    """Return the files of all targets and their manifest: file name and text.

    Args:
        policy: what to compile.
        source: its text.
        findings: what was checked, for the summary.
        models: the catalogue's, for the gateway's settings.

    Raises:
        PolicyError: the policy holds a key as a text, or is too large.
    """
    program, _ = parse(source)
    for block, field in secret_fields(program):
        raise PolicyError(
            f"{block} holds a key as a text ({field}), expected the name of its environment variable as api_key_env: "
            "the source is compiled into a ConfigMap that others read"
        )
    files = {
        **litellm.emit(policy, models=models),
        **kubernetes.emit(policy, source),
        **nodes.emit(policy),
        **plain.emit(policy),
        **mermaid.emit(policy),
        **summary.emit(policy, findings=findings),
    }
    return {**files, MANIFEST: _manifest(policy.hash, _sha256(source), files)}


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files, each whole or not at all, the manifest last.

    Raises:
        PolicyError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in sorted(files, key=lambda name: name == MANIFEST):
            write_atomically(folder / name, _bytes(files[name]))
    except OSError as error:
        raise PolicyError(f"{folder}: cannot be written ({error.strerror})") from error


def drift(folder: Path, policy: Policy, source: str) -> list[Finding]:
    """Return a finding for each file that is missing, was edited, or was made from another policy or source."""
    try:
        about = _read_manifest(folder)
    except RoutingError as error:
        return [_finding("target_missing", MANIFEST, str(error))]
    if about is None:
        what = f"{MANIFEST} is damaged or was edited"
        return [_finding("target_changed", MANIFEST, what)]
    return [*_stale(about, policy, source), *_files(folder, about, policy)]


def _stale(about: Mapping[str, Any], policy: Policy, source: str) -> Iterator[Finding]:
    if about["hash"] != policy.hash:
        what = f"the targets were made from the policy {about['hash'][:12]}, expected {policy.hash[:12]}"
        yield _finding("target_stale", MANIFEST, what)
    elif about["source_sha256"] != _sha256(source):
        what = "the policy means the same, but its text differs from the one in the targets"
        yield _finding("target_stale", MANIFEST, what)


def _files(folder: Path, about: Mapping[str, Any], policy: Policy) -> Iterator[Finding]:
    expected: Mapping[str, str] = about["sha256"]
    for name in dict.fromkeys([*_FILES, *expected]):
        if name not in expected:
            yield _finding("target_missing", name, f"{MANIFEST} does not list {name}")
            continue
        try:
            content = read_bytes(folder / name, limit=_LARGEST, what="the policy's folder", remedy=_REMEDY)  # fmt: skip
        except RoutingError as error:
            yield _finding("target_missing", name, str(error))
            continue
        if hashlib.sha256(content).hexdigest() == expected[name]:
            continue
        borne = _borne(name, content.decode("utf-8", "replace"))
        if borne is not None and borne not in (policy.hash, about["hash"]):
            what = f"{name} was made from the policy {borne[:12]}, expected {policy.hash[:12]}"
            yield _finding("target_stale", name, what)
        else:
            yield _finding("target_changed", name, f"{name} was edited since it was made")


_REMEDY = "compile it again"


def _finding(code: str, name: str, message: str) -> Finding:
    hint = "" if message.endswith(_REMEDY) else _REMEDY
    return Finding(code=code, message=message, names=(name,), hint=hint)


def _borne(name: str, text: str) -> str | None:
    """Return the hash that a file bears."""
    if not name.endswith(".json"):
        return hash_in(text)
    try:
        borne = json.loads(text)["hash"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return borne if isinstance(borne, str) else None


def _manifest(policy_hash: str, source_sha256: str, files: Mapping[str, str]) -> str:
    content = {
        "kind": _KIND,
        "hash": policy_hash,
        "source_sha256": source_sha256,
        "moma": _version(),
        "targets": {target: list(names) for target, names in _TARGETS.items()},
        "sha256": {name: _sha256(text) for name, text in files.items()},
    }
    return _sealed(content)


def _sealed(content: Mapping[str, Any]) -> str:
    """Return a manifest with a hash of itself, so that an edit of it shows."""
    seal = _sha256(json.dumps(content, sort_keys=True))
    return json.dumps({**content, "self": seal}, indent=1) + "\n"


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    """Return a manifest that is as it was written, else None.

    Raises:
        RoutingError: it cannot be read.
    """
    text = read_bytes(folder / MANIFEST, limit=_LARGEST, what="the policy's folder", remedy=_REMEDY)
    try:
        about = json.loads(text)
        content = {key: value for key, value in about.items() if key != "self"}
        sound = content["kind"] == _KIND and text.decode() == _sealed(content)
        sound = sound and {"hash", "source_sha256", "sha256"} <= set(content)
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return None
    return content if sound else None


def _sha256(text: str) -> str:
    return hashlib.sha256(_bytes(text)).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _version() -> str:
    try:
        return version("moma")
    except PackageNotFoundError:  # run from a checkout
        return "source"
