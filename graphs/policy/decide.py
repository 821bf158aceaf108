"""Decides by a policy: which rule a turn falls under, given what its signals say.

Pure and total: every set of readings gives one verdict. Conditions have three values: a signal that could not be read
makes them unknown, and then nothing is allowed that one of the rules in question would not allow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphs.policy.conditions import ABSENT, compiled, confidence_of
from graphs.policy.order import Order
from graphs.policy.policy import Candidate, Plugin, Policy, Rule
from graphs.policy.request import Readings
from graphs.policy.syntax import Reference, references

__all__ = ["Decider", "Verdict", "models_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a policy says of a turn."""

    rule: Rule | None
    """The rule that was chosen; None if none holds."""
    confidence: float
    hash: str
    held: tuple[str, ...]
    """The rules that hold, in the order in which they count: the first is the one that was chosen."""
    doubtful: tuple[Rule, ...] = ()
    """Rules that might come before it, were the signals known that could not be read."""
    faults: tuple[str, ...] = ()
    """Why signals could not be read on which the verdict rests."""
    otherwise: str | None = None
    """The model that answers where no rule holds."""
    audit: tuple[dict[str, Any], ...] = ()
    """One row a signal on which the chosen rule rests: `signal, fires, score, threshold, detail, fault`."""

    @property
    def models(self) -> tuple[str, ...] | None:
        """The models that may answer, in the rule's order; None leaves it open."""
        allowed: tuple[str, ...] | None = () if self.otherwise is None else (self.otherwise,)
        if self.rule is not None:
            allowed = models_of(self.rule)
        return _narrowed(allowed, [models_of(rule) for rule in self.doubtful])

    @property
    def agents(self) -> tuple[str, ...] | None:
        """The agents that may take the turn; None leaves it open."""
        allowed: tuple[str, ...] | None = () if self.otherwise is None else None
        if self.rule is not None:
            allowed = _agents_of(self.rule)
        return _narrowed(allowed, [_agents_of(rule) for rule in self.doubtful])

    @property
    def rule_name(self) -> str | None:
        """The name of the rule that was chosen."""
        return self.rule.name if self.rule else None

    def plugins(self, type_: str) -> list[Plugin]:
        """Return what the rules in question say of a plugin, the chosen rule first, without what is switched off."""
        rules = (*((self.rule,) if self.rule else ()), *self.doubtful)
        return [
            plugin
            for rule in rules
            for plugin in rule.plugins
            if plugin.type == type_ and plugin.on
        ]

    def plain(self) -> dict[str, Any]:
        """Return the verdict as the decision record holds it."""
        return {
            "hash": self.hash,
            "rule": self.rule.name if self.rule else None,
            "branch_of": self.rule.tree if self.rule else None,
            "confidence": round(self.confidence, 4),
            "held": list(self.held),
            "models": None if self.models is None else list(self.models),
            "agents": None if self.agents is None else list(self.agents),
            "doubtful": [rule.name for rule in self.doubtful],
            "faults": list(self.faults),
            "audit": [dict(row) for row in self.audit],
        }


class Decider:
    """A policy made ready to decide."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.hash = policy.hash
        self._tests = [compiled(rule.when) for rule in policy.rules]
        self._order = Order(policy)

    def decide(self, readings: Readings) -> Verdict:
        """Return the verdict over `readings`, projections included."""
        rules = self.policy.rules
        truths = [test(readings) for test in self._tests]
        held = self._order.ranked([place for place, truth in enumerate(truths) if truth], readings)
        chosen = rules[held[0]] if held else None
        unknown = [place for place, truth in enumerate(truths) if truth is None]
        might = [*unknown, *self._unsure(held, unknown, readings)]
        doubtful = [p for p in might if not held or not self._order.certainly_before(held[0], p)]
        return Verdict(
            rule=chosen,
            confidence=confidence_of(chosen.when, readings) if chosen else 0.0,
            hash=self.hash,
            held=tuple(rules[place].name for place in held),
            doubtful=tuple(rules[place] for place in doubtful),
            faults=tuple(_faults([rules[place] for place in doubtful], readings)),
            otherwise=self.policy.default_model,
            audit=tuple(self.audit(chosen, readings)),
        )

    def _unsure(self, held: Sequence[int], unknown: Sequence[int], readings: Readings) -> list[int]:
        """Return rules that hold and that might come first, were the signals known that could not be read.

        They may be surer than they seem; and a rule with a tier, if it holds, has the others ordered by confidence.
        """
        rules = self.policy.rules
        tiers = any(rules[p].tier > 0 for p in unknown) and not any(rules[p].tier > 0 for p in held)
        return [p for p in held[1:] if tiers or _faults([rules[p]], readings)]

    def audit(self, rule: Rule | None, readings: Readings) -> list[dict[str, Any]]:
        """Return a row for each signal that a rule asks for, and for those that its projections sum."""
        if rule is None:
            return []
        rows: dict[str, dict[str, Any]] = {}
        for reference in references(rule.when):
            rows.setdefault(reference.key, _row(reference.key, readings))
            for key in self._summed(reference):
                rows.setdefault(key, _row(key, readings) | {"in": reference.key})
        return list(rows.values())

    def _summed(self, reference: Reference) -> list[str]:
        found = self.policy.bands.get(reference.name) if reference.type == "projection" else None
        score = self.policy.scores.get(found[0].source) if found else None
        return [term.signal for term in score.terms] if score else []


def models_of(rule: Rule) -> tuple[str, ...] | None:
    """Return the models that a rule lets answer; one that answers with a fixed text lets none."""
    if any(plugin.type == "fast_response" and plugin.on for plugin in rule.plugins):
        return ()
    return _names(rule.models or None)


def _agents_of(rule: Rule) -> tuple[str, ...] | None:
    """Return the agents that a rule lets take the turn.

    Where it names none itself: a rule that answers with a fixed text leaves nothing to agents, and to one that lets no
    tools be called, agents are tools.
    """
    if rule.agents is None and any(_shuts_agents(plugin) for plugin in rule.plugins):
        return ()
    return _names(rule.agents)


def _shuts_agents(plugin: Plugin) -> bool:
    shuts = plugin.type == "fast_response" or (
        plugin.type == "tools" and plugin.fields.get("mode") == "none"
    )
    return shuts and plugin.on


def _faults(rules: Sequence[Rule], readings: Readings) -> list[str]:
    keys = dict.fromkeys(r.key for rule in rules for r in references(rule.when))
    return [f"{key}: {fault}" for key in keys if (fault := readings.get(key, ABSENT).fault)]


def _row(key: str, readings: Readings) -> dict[str, Any]:
    reading = readings.get(key, ABSENT)
    return {
        "signal": key,
        "fires": reading.fires,
        "score": round(reading.score, 4),
        "threshold": reading.threshold,
        "detail": reading.detail,
        "fault": reading.fault,
    }


def _names(candidates: Sequence[Candidate] | None) -> tuple[str, ...] | None:
    return None if candidates is None else tuple(candidate.name for candidate in candidates)


def _narrowed(
    allowed: tuple[str, ...] | None, others: Sequence[tuple[str, ...] | None]
) -> tuple[str, ...] | None:
    """Return what all of them allow; None allows everything."""
    for other in others:
        if other is not None:
            allowed = other if allowed is None else tuple(name for name in allowed if name in other)
    return allowed
