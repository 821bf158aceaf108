"""Writes all that is known of a policy's signals: a file of this folder for each kind of them, then groups and bands.

It knows no rules. Signals of other kinds are free: whatever they say is held possible, so that a rule that is called
dead is dead, while an example may be one that no text can be.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

from graphs.policy.checks.atoms import Atoms
from graphs.policy.checks.theory.bands import write_bands
from graphs.policy.checks.theory.callers import write_callers, write_grants
from graphs.policy.checks.theory.dialogue import write_dialogue
from graphs.policy.checks.theory.groups import write_groups
from graphs.policy.checks.theory.labels import write_domains, write_languages
from graphs.policy.checks.theory.lengths import write_contexts, write_lengths
from graphs.policy.checks.theory.levels import write_levels
from graphs.policy.checks.theory.metadata import write_metadata
from graphs.policy.checks.theory.phases import write_holders, write_phases
from graphs.policy.checks.theory.thresholds import write_alike
from graphs.policy.checks.theory.times import write_times
from graphs.policy.checks.theory.words import write_words
from graphs.policy.policy import Policy, Signal

__all__ = ["write_theory"]

_KINDS: dict[str, Callable[[Sequence[Signal], Atoms], None]] = {
    "complexity": write_levels,
    "context": write_contexts,
    "domain": write_domains,
    "holder": write_holders,
    "keyword": write_words,
    "language": write_languages,
    "length": write_lengths,
    "phase": write_phases,
    "time": write_times,
}


def write_theory(policy: Policy, atoms: Atoms, *, plugged: Collection[str] = ()) -> None:
    """Write what is known of `policy`'s signals as clauses; of those that are `plugged` nothing is."""
    kinds: defaultdict[str, list[Signal]] = defaultdict(list)
    for signal in policy.signals.values():
        if signal.key in plugged:
            continue
        kinds[signal.type].append(signal)
    callers = write_callers([*kinds.pop("authz", []), *kinds.pop("grant", [])], atoms)
    write_dialogue([*kinds.pop("conversation", []), *kinds.pop("modality", [])], atoms)
    write_metadata([*kinds.pop("metadata", []), *kinds.pop("event", [])], atoms)
    for kind, signals in kinds.items():
        if kind in _KINDS:
            _KINDS[kind](signals, atoms)
        else:
            write_alike(signals, atoms)
    write_groups(policy, atoms)
    write_bands(policy, atoms, plugged=plugged)
    write_grants(policy, callers, atoms)
