"""What a rule does when it is chosen, as a text that is equal for rules that do the same."""

import json

from graphs.policy.policy import Candidate, Plugin, Rule

__all__ = ["outcome"]


def outcome(rule: Rule) -> str:
    """Return what `rule` does: its models, agents, algorithm and plugins."""
    done = [
        _candidates(rule.models),
        None if rule.agents is None else _candidates(rule.agents),
        _plugin(rule.algorithm) if rule.algorithm else None,
        [_plugin(plugin) for plugin in rule.plugins],
    ]
    return json.dumps(done, sort_keys=True, default=str)


def _candidates(candidates: tuple[Candidate, ...]) -> list[object]:
    return [[candidate.name, candidate.options] for candidate in candidates]


def _plugin(plugin: Plugin) -> list[object]:
    return [plugin.type, plugin.fields]
