"""How time and memory grow with the number of agents.

The agents are made up: cards of words drawn at random, and vectors that lie around a thousand centres, as those of real
cards do in their fields. The queries are real texts through the real encoder. It says nothing of accuracy.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from agents.card import AgentCard, Skill
from graphs.routing.agents import AgentIndex, Matrix
from graphs.routing.chooser import Chooser
from graphs.routing.dialogue import Dialogue
from graphs.routing.encoder import Encoder
from graphs.routing.fitted import Fitted
from graphs.routing.saved_agents import load_agents, save_agents
from graphs.routing.space import Space, unit

__all__ = ["made_up", "scale_curve"]

TEXTS_A_CARD = 4
WARMING = 5
CENTRES = 1000
_SPREAD = 0.9
_WORDS = (
    "account address album animal apartment bank bill book bus calendar car card city code contract cook court doctor"
    " email event exam film flight garden hotel house image invoice job language lawyer letter map market medicine"
    " menu message money music news office order parcel park patient phone photo plan plant price recipe rent report"
    " room route school script server shop song sport stock story street table task tax team ticket tool train"
    " translation travel video visa wallet weather website wine word"
).split()
_LOAD = """
import resource, sys, time
from pathlib import Path
from graphs.routing.saved_agents import load_agents
from graphs.routing.fitted import Fitted
folder, encoder, dim = sys.argv[1:]
space = Fitted.load().space_for(encoder)
began = time.perf_counter()
index = load_agents(Path(folder), encoder=encoder, catalog="made up", encode=None, dim=int(dim), space=space)
seconds = time.perf_counter() - began
status = Path("/proc/self/status")  # on Linux ru_maxrss counts what the parent held
if status.exists():
    peak = int(status.read_text().partition("VmHWM:")[2].split()[0]) / 2**10
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(round(seconds, 2), round(peak))
"""
_QUERIES = (
    "Please find me a {0} near the {1}.", "I need help with my {0} and a {1}", "What does the {0} say about {1}?",
    "Can you book a {0} for tomorrow?", "Show all my {0} from last {1}", "How do I cancel the {0}?",
)  # fmt: skip


def scale_curve(
    sizes: Sequence[int], encoder: Encoder, *, turns: int = 100
) -> list[dict[str, Any]]:
    """Return for each number of agents what a decision, a change, a load and an agent cost."""
    return [_measured(size, encoder, turns=turns) for size in sizes]


def made_up(size: int, *, dim: int, seed: int = 0) -> tuple[list[AgentCard], "MadeUp"]:
    """Return made-up cards, and what stands for the encoder when they are indexed."""
    random = np.random.default_rng(seed)
    cards = []
    for n in range(size):
        a, b, c = (_WORDS[i] for i in random.integers(0, len(_WORDS), 3))
        examples = (f"find the {a} and the {b} {n}", f"please change my {b} to {c} {n}")
        skill = Skill(id="s", name=f"{a} {n}", description=f"{b} and {c}", examples=examples)
        cards.append(AgentCard(id=f"agent{n}", description=f"{a}, {b}, {c}", skills=(skill,)))
    return cards, MadeUp(dim=dim, seed=seed)


class MadeUp:
    """Vectors around centres; texts that come together belong to cards in turn."""

    def __init__(self, *, dim: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._centres = unit(self._random.standard_normal((CENTRES, dim), np.float32))

    def __call__(self, texts: Sequence[str], /) -> Matrix:
        """Return a unit row for each text, near one centre for each run of four."""
        rows = np.empty((len(texts), self._centres.shape[1]), np.float32)
        for at in range(0, len(texts), TEXTS_A_CARD):
            centre = self._centres[self._random.integers(CENTRES)]
            few = rows[at : at + TEXTS_A_CARD]
            noise = self._random.standard_normal(few.shape, np.float32)
            few[:] = centre + _SPREAD * noise / np.sqrt(few.shape[1])
        return unit(rows)


def _measured(size: int, encoder: Encoder, *, turns: int) -> dict[str, Any]:
    cards, vectors = made_up(size, dim=encoder.dim)
    fitted = Fitted.load()
    space = fitted.space_for(encoder.name)
    index = AgentIndex.from_cards(cards, vectors, dim=encoder.dim, space=space)
    del cards
    index, loading = _reloaded(index, encoder, vectors, space)
    chooser = Chooser(index, encoder.encode, fitted)
    decisions = [_decision_ms(chooser, n) for n in range(turns + WARMING)][WARMING:]
    late, _ = made_up(12, dim=encoder.dim, seed=1)
    changes = [ms for card in late for ms in _change_ms(index, replace(card, id=f"late-{card.id}"))]
    return {
        "agents": size,
        "ms_p50": round(statistics.median(decisions), 2),
        "ms_p95": round(sorted(decisions)[int(0.95 * len(decisions))], 2),
        "change_ms_worst": round(max(changes), 2),
        **loading,
        "kb_an_agent": round(1024 * loading["index_mb"] / size, 2),
    }


def _reloaded(
    index: AgentIndex, encoder: Encoder, vectors: MadeUp, space: Space | None
) -> tuple[AgentIndex, dict[str, float]]:
    """Return the index after saving and loading it, and what loading it takes in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        save_agents(index, path, encoder=encoder.name, catalog="made up")
        size = sum(file.stat().st_size for file in path.iterdir())
        command = [sys.executable, "-c", _LOAD, folder, encoder.name, str(encoder.dim)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 ours
        load_s, rss_mb = (float(part) for part in done.stdout.split())
        loaded = load_agents(
            path, encoder=encoder.name, catalog="made up", encode=vectors, dim=encoder.dim, space=space,
        )  # fmt: skip
    megabytes = size / 2**20
    return loaded, {"load_s": load_s, "rss_mb": rss_mb, "index_mb": round(megabytes, 1)}


def _query(n: int) -> str:
    first, second = _WORDS[(7 * n) % len(_WORDS)], _WORDS[(11 * n + 3) % len(_WORDS)]
    return _QUERIES[n % len(_QUERIES)].format(first, second)


def _decision_ms(chooser: Chooser, n: int) -> float:
    began = time.perf_counter()
    chooser.odds(_query(n), Dialogue())
    return 1e3 * (time.perf_counter() - began)


def _change_ms(index: AgentIndex, card: AgentCard) -> tuple[float, float]:
    """Return how long adding a card takes, its texts embedded, and removing it again."""
    began = time.perf_counter()
    index.add(card)
    added = time.perf_counter()
    index.remove(card.id)
    return 1e3 * (added - began), 1e3 * (time.perf_counter() - added)
