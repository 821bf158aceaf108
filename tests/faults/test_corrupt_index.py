"""What routing reads from the disk, damaged: it is refused before it is parsed, and the turn is answered anyway."""

import hashlib
import json
import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from agents.card import AgentCard, Skill, cards_hash
from agents.errors import MomaError
from app.conversations import make_chooser
from graphs import Catalog, build_graph
from graphs.routing import fitted, hashed_folder
from graphs.routing.agents import AgentIndex
from graphs.routing.dialogue import Dialogue
from graphs.routing.fitted import Fitted
from graphs.routing.profile import Profile
from graphs.routing.profile_files import load_profile, save_profile
from graphs.routing.saved_agents import load_agents, save_agents
from graphs.threads import MomaGraph
from tests.support.agents import FakeEncoder, FakeServices, fake_agent, fake_services, model_at, say
from tests.support.bars import bar
from tests.support.outcomes import MODELS, made_up
from tests.support.provider import FakeProvider, ok

TWO_GIGABYTES = 1 << 31
CARDS = tuple(
    AgentCard(id=f"a{n}", description=f"word{n}", skills=(Skill(id="s", examples=(f"ask {n}",)),))
    for n in range(8)
)


@dataclass(frozen=True)
class Target:
    """Something that routing reads: where it is, how it is read, and how one that is another's comes there."""

    folder: Path
    read: Callable[[], object]
    foreign: Callable[[Path, str, int], None]
    """Puts there what another encoder's index or one of another dimension is."""


class OtherEncoder(FakeEncoder):
    """Embeds under another name, in another dimension."""

    def __init__(self, name: str, dim: int) -> None:
        self.name, self.dim = name, dim


def agents_target(folder: Path) -> Target:
    def write(where: Path, name: str, dim: int) -> None:
        encoder = OtherEncoder(name, dim)
        index = AgentIndex.from_cards(CARDS, encoder.encode, dim=dim)
        save_agents(index, where, encoder=name, catalog=cards_hash(CARDS))

    def read() -> object:
        encode = FakeEncoder().encode
        return load_agents(
            folder,
            encoder="fake",
            catalog=cards_hash(CARDS),
            encode=encode,
            dim=512,
            space=None,
        )

    if not folder.exists():
        write(folder, "fake", 512)
    return Target(folder, read, write)


@cache
def sound_profile() -> Profile:
    training, costs = made_up(120)
    return Profile.fit(training, costs, encoder="fake", models=MODELS, sources=())


def profile_target(folder: Path) -> Target:
    sound = sound_profile()

    def foreign(where: Path, name: str, dim: int) -> None:
        save_profile(replace(sound, encoder=name), where)
        if dim != 512:  # one array of another length, under right hashes
            path = next((where / "shared").glob("local_axes-*"))
            rewrite(where, path, hashed_folder.array_bytes(np.ones((dim, 3), np.float32)))

    if not folder.exists():
        save_profile(sound, folder)
    return Target(folder, lambda: load_profile(folder, encoder="fake"), foreign)


def fitted_target(folder: Path) -> Target:
    path = folder / "agents.npz"
    folder.mkdir(exist_ok=True)
    shutil.copy(fitted._FILE, path)

    def foreign(where: Path, name: str, dim: int) -> None:
        np.savez(where / path.name, learnt=np.ones((dim, 2)), features=np.array([name]))

    return Target(folder, lambda: Fitted.load(path), foreign)


def rewrite(folder: Path, path: Path, content: Any) -> None:
    """Change a file, and the manifest so that it still fits."""
    manifest = json.loads((folder / "manifest.json").read_text())
    stem, _, old = path.relative_to(folder).as_posix().rpartition("-")
    name = f"{stem}{old[12:]}"
    manifest["sha256"][name] = hashlib.sha256(content).hexdigest()
    manifest["bytes"][name] = len(content)
    path.unlink()
    (folder / hashed_folder._path(name, manifest["sha256"][name])).write_bytes(content)
    forged = hashed_folder._manifest(
        manifest["kind"], manifest["about"], manifest["sha256"], manifest["bytes"]
    )
    (folder / "manifest.json").write_bytes(forged)


TARGETS: dict[str, Callable[[Path], Target]] = {
    "agents": agents_target,
    "profile": profile_target,
    "fitted": fitted_target,
}
WAYS = (
    "cut", "flip", "header", "zeros", "empty", "gone",
    "another embedder", "wrong dimension", "2 GB declared", "2 GB",
)  # fmt: skip


def damage(target: Target, way: str, random: Random) -> bytes | None:
    """Damage the target in a way; return what must not be parsed, None where the files are whole and another's."""
    files = sorted(p for p in target.folder.rglob("*") if p.is_file() and p.name != ".lock")
    path = random.choice(files)
    content = path.read_bytes()
    if way == "another embedder":
        target.foreign(target.folder, "another", 512)
        return None
    if way == "wrong dimension":
        target.foreign(target.folder, "fake", 33)
        return None
    if way == "2 GB declared":
        return declare_two_gigabytes(target, random.choice(files), random)
    if way == "2 GB":
        with path.open("r+b") as file:
            file.truncate(TWO_GIGABYTES)  # a hole: it takes no room on the disk
        return None
    place = random.randrange(len(content))
    flipped = bytearray(content)
    at = place if way == "flip" else place % min(128, len(content))
    flipped[at] ^= 1 << random.randrange(8)
    changed = {
        "cut": content[:place],
        "zeros": bytes(len(content)),
        "empty": b"",
        "flip": bytes(flipped),
        "header": bytes(flipped),
        "gone": content,
    }[way]
    if way == "gone":
        path.unlink()
        return None
    path.write_bytes(changed)
    return changed if path.name != "manifest.json" else None


def declare_two_gigabytes(target: Target, path: Path, random: Random) -> bytes | None:
    """Let an array declare more than it has, under right hashes where there are any."""
    if not (target.folder / "manifest.json").exists():
        content = path.read_bytes().replace(b"'shape': (", b"'shape': (9", 1)
        path.write_bytes(content)
        return content
    arrays = sorted(target.folder.rglob("*.npy"))
    path = random.choice(arrays)
    content = path.read_bytes()
    start = content.index(b"'shape': (") + len(b"'shape': (")
    end = content.index(b")", start)
    # In place of the padding, so that the header keeps its length.
    shape = b"2147483648," if content[start:end].count(b",") < 2 else b"2147483648, 1"
    spaces = len(shape) - (end - start)
    header_end = content.index(b"\n")
    forged = content[:start] + shape + content[end : header_end - spaces] + content[header_end:]
    rewrite(target.folder, path, forged)
    return None


@contextmanager
def parsed(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[bytes]]:
    """Yield what numpy's and JSON's parsers are given meanwhile."""
    seen: set[bytes] = set()
    read_magic, loads, load = np.lib.format.read_magic, json.loads, np.load

    def magic(file: Any) -> Any:
        seen.add(bytes(file.getbuffer()))
        return read_magic(file)

    def from_json(text: Any, **options: Any) -> Any:
        seen.add(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        return loads(text, **options)

    def npz(file: Any, **options: Any) -> Any:
        seen.add(bytes(file.getbuffer()))
        return load(file, **options)

    with monkeypatch.context() as patch:
        patch.setattr(np.lib.format, "read_magic", magic)
        patch.setattr(json, "loads", from_json)
        patch.setattr(np, "load", npz)
        yield seen


def refuse(
    kind: str, way: str, random: Random, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Target:
    """Damage a sound copy and check that it is refused, with no byte of the damaged file parsed."""
    whole = TARGETS[kind](folder.with_name(f"sound {kind}")).folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    target = TARGETS[kind](folder)
    changed = damage(target, way, random)
    with parsed(monkeypatch) as seen, pytest.raises(MomaError) as caught:
        target.read()
    assert str(caught.value).isprintable()
    assert changed is None or changed not in seen, (kind, way)
    return target


class DamagedServices(FakeServices):
    """Services whose fitted numbers are read from a path."""

    numbers: Path | None = None

    def _fitted(self) -> Fitted:
        return Fitted.load(self.numbers) if self.numbers else super()._fitted()


@contextmanager
def house() -> Iterator[tuple[MomaGraph, DamagedServices]]:
    """Yield a house whose models answer."""
    with FakeProvider(ok("The default answers.")) as provider:
        models = [model_at(provider.base_url, "default"), model_at(provider.base_url, "dear")]
        services: Any = fake_services(fake_agent("alpha"), models=models)
        services.__class__ = DamagedServices
        yield build_graph(services=services), services


async def opens(graph: MomaGraph, services: DamagedServices, kind: str, folder: Path) -> None:
    """Check that the router that cannot load this opens to the default model."""
    services._router = services._broken = None
    services.numbers = folder / "agents.npz" if kind == "fitted" else None
    profile = folder if kind == "profile" else None
    services.options = replace(services.options, profile=profile)
    result = await say(graph, "alpha")
    assert result["record"]["served_by"] == {"kind": "model", "id": "default"}
    assert result["record"]["degraded"].startswith("routing failed, so the default model answers")


def rebuilds(target: Target) -> None:
    """Check that the command that keeps an index of agents makes a new one in place of the damaged one."""
    chooser = make_chooser(Catalog(agents=CARDS), FakeEncoder(), kept=target.folder)
    assert {agent for agent, _ in chooser.odds("ask 3", Dialogue()).agents} >= {"a3"}
    target.read()


async def run(
    mutants: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Counter[str], Counter[str]]:
    """Try so many mutants, by turns of every kind and way; return how many were refused and how many turns opened."""
    random, refused, answered = Random(15), Counter[str](), Counter[str]()
    folder = tmp_path / "kept"
    plan = [
        (kind, way)
        for kind in TARGETS
        for way in WAYS
        if (kind, way) != ("fitted", "2 GB declared")
    ]
    for kind in TARGETS:
        TARGETS[kind](folder.with_name(f"sound {kind}")).read()
    with house() as (graph, services):
        for n in range(mutants):
            kind, way = plan[n % len(plan)]
            target = refuse(kind, way, random, folder, monkeypatch)
            refused[kind] += 1
            if kind == "agents":
                rebuilds(target)
            else:
                await opens(graph, services, kind, target.folder)
            answered[kind] += 1
    return refused, answered


async def test_damaged_files_are_refused_before_they_are_parsed_and_the_turn_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, answered = await run(58, tmp_path, monkeypatch)
    assert refused == answered
    assert refused.total() == 58


async def test_the_reason_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    profile_target(tmp_path / "p")
    (tmp_path / "p" / "manifest.json").write_bytes(b"{}")
    with house() as (graph, services), caplog.at_level(logging.WARNING):
        services.options = replace(services.options, profile=tmp_path / "p")
        for _ in range(5):
            result = await say(graph, "alpha")
            assert "has a damaged manifest.json" in result["record"]["degraded"]
    assert len(caplog.records) == 1
    assert "MOMA_PROFILE: the profile in 'p' has a damaged manifest.json" in caplog.text


@pytest.mark.faults
async def test_corrupt_indexes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refused, answered = await run(1_000, tmp_path, monkeypatch)
    logged = Counter(r.message for r in caplog.records)
    kinds = ", ".join(f"{n} {kind}" for kind, n in refused.items())
    result = f"{refused.total()} refused unparsed ({kinds}), 0 signals, {answered.total()} answered"
    bar(15, "corrupt index", 1_000, result, "1,000 refused, 0 signals, all turns answered")
    assert refused.total() == answered.total() == 1_000
    assert logged
