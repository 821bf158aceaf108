"""What is known of the dialogue: it is in a phase in which turns begin, and at most one agent holds the floor."""

from collections.abc import Sequence

from graphs.machine import RESTING, Phase
from graphs.policy.checks.atoms import Atoms
from graphs.policy.policy import Signal

__all__ = ["write_holders", "write_phases"]


def write_phases(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let one phase be, and a phase signal fire in its phases."""
    asked = {signal.key: _listed(signal, "phases") for signal in signals}
    samples = [
        (phase.value, frozenset(key for key, phases in asked.items() if phase.value in phases))
        for phase in Phase
        if phase in RESTING
    ]
    for key, literal in atoms.one_of("phase", samples, keys=list(asked)).items():
        atoms.define(key, literal)


def write_holders(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let one agent hold the floor or none, and a holder signal fire for its agents."""
    asked = {signal.key: _listed(signal, "agents") for signal in signals}
    named = dict.fromkeys(agent for agents in asked.values() for agent in agents)
    samples = [
        (agent, frozenset(key for key, agents in asked.items() if agent in agents))
        for agent in (None, *named)
    ]
    for key, literal in atoms.one_of("holder", samples, keys=list(asked)).items():
        atoms.define(key, literal)


def _listed(signal: Signal, field: str) -> tuple[str, ...]:
    given = signal.fields.get(field)
    if isinstance(given, list | tuple):
        return tuple(map(str, given))
    return (str(given),) if given else (signal.name,)
