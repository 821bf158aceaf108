"""What is known of complexity signals: a text is hard, medium or easy, and one of them only."""

from collections.abc import Sequence

from graphs.policy.checks.atoms import Atoms, declaration
from graphs.policy.policy import Signal
from graphs.policy.signals.complexity import LEVELS

__all__ = ["write_levels"]


def write_levels(signals: Sequence[Signal], atoms: Atoms) -> None:
    """Let one level fire for each signal; none may where a composer decides whether it is read at all."""
    known: dict[str, str] = {}
    for signal in signals:
        first = known.setdefault(declaration(signal), signal.key)
        levels = [atoms.raw(f"{first}:{level}") for level in LEVELS]
        for level, literal in zip(LEVELS, levels, strict=True):
            atoms.define(f"{signal.key}:{level}", literal)
        atoms.define(signal.key, levels[0])  # without a level it asks for hard
        if first == signal.key:
            atoms.oracle.at_most_one(levels)
            if not signal.fields.get("composer"):
                atoms.oracle.fact(levels)
