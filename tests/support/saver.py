"""A process whose children save one folder over and over, to be killed while they do: `python -m tests.support.saver`.

First it prints how many seconds one save takes. For each line that it reads it forks one child and prints its process
id; children of other lines go on meanwhile.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from agents.card import AgentCard
from graphs.routing.agents import AgentIndex
from graphs.routing.profile import Profile
from graphs.routing.profile_files import load_profile, save_profile
from graphs.routing.saved_agents import load_agents, save_agents
from tests.support.agents import FakeEncoder
from tests.support.outcomes import MODELS, made_up

AGENTS = 40
"""The second version of each has one agent, or one model, less."""


def savers(kind: str, folder: Path) -> list[Callable[[], None]]:
    """Return what saves each of two versions."""
    if kind == "agents":
        return [lambda n=n: _save_agents(folder, n) for n in (AGENTS, AGENTS - 1)]  # type: ignore[misc]
    training, costs = made_up(60)
    profile = Profile.fit(training, costs, encoder="fake", models=MODELS, sources=())
    both = (profile, profile.without_model(MODELS[0]))
    return [lambda p=p: save_profile(p, folder) for p in both]  # type: ignore[misc]


def loaded(kind: str, folder: Path) -> bool:
    """Return whether the first version is there, or the second; anything else raises."""
    if kind == "agents":
        encode = FakeEncoder().encode
        index = load_agents(folder, encoder="fake", catalog="c", encode=encode, dim=512, space=None)
        assert len(index) in (AGENTS, AGENTS - 1)
        return len(index) == AGENTS
    models = load_profile(folder, encoder="fake").models
    assert models in (MODELS, MODELS[1:])
    return models == MODELS


def _save_agents(folder: Path, size: int) -> None:
    cards = [AgentCard(id=f"a{n}", description=f"does {n}") for n in range(size)]
    index = AgentIndex.from_cards(cards, FakeEncoder().encode, dim=FakeEncoder.dim)
    save_agents(index, folder, encoder="fake", catalog="c")


def main() -> None:
    """Fork savers on demand."""
    saves = savers(sys.argv[1], Path(sys.argv[2]))
    began = time.perf_counter()
    for save in saves:
        save()
    print((time.perf_counter() - began) / len(saves), flush=True)
    for _ in sys.stdin:
        saves.reverse()
        child = os.fork()
        while child == 0:
            for save in saves:
                save()
        print(child, flush=True)


if __name__ == "__main__":
    main()
