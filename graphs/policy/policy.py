"""A policy as it is decided by: the one intermediate form that checks, decisions and targets read.

Names are resolved to declarations, templates are filled in, loops unrolled, trees kept as ordered branches. Values are
JSON-plain. It knows neither files nor signals' readings.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from graphs.policy.syntax import NOWHERE, And, Condition, Not, Or, Place, Reference

Plain = dict[str, Any]
Strategy = Literal["priority", "confidence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """`SIGNAL type name {...}`: something about a turn that has a score and fires or not."""

    type: str
    name: str
    fields: Plain = field(default_factory=dict)
    at: Place = field(default=NOWHERE, compare=False)

    @property
    def key(self) -> str:
        """`type:name`."""
        return f"{self.type}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """SIGNAL_GROUP or PROJECTION partition: of its members at most one fires, and without one the default does."""

    name: str
    members: tuple[str, ...]
    """The members' keys, `type:name`, in their order."""
    default: str | None
    """The default member's key."""
    semantics: str = "exclusive"
    """`exclusive` or `softmax_exclusive`: the latter also rescales the winner's confidence."""
    temperature: float = 1.0
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One summand of a score."""

    signal: str
    """The signal's key; `type:name`, `complexity:name:level`, `projection:output`."""
    weight: float
    source: Literal["fires", "confidence", "score"] = "fires"
    """What is weighted: 1 if the signal fires (0 else), its score if it fires, or its score whether it fires or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """PROJECTION score: a weighted sum of signals."""

    name: str
    terms: tuple[Term, ...]
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A part of a score's range: `low <= score < high` (or with the ends as they were written)."""

    name: str
    gte: float | None = None
    gt: float | None = None
    lt: float | None = None
    lte: float | None = None

    def holds(self, score: float) -> bool:
        """Return whether `score` lies in the band."""
        return (
            (self.gte is None or score >= self.gte)
            and (self.gt is None or score > self.gt)
            and (self.lt is None or score < self.lt)
            and (self.lte is None or score <= self.lte)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """PROJECTION mapping: a score's bands, each of which can be asked for as `projection("band")`."""

    name: str
    source: str
    """The score's name."""
    bands: tuple[Band, ...]
    slope: float = 10.0
    """Of the sigmoid that turns the distance from the band's nearer end into a confidence."""
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model or an agent that a rule names, with its options."""

    name: str
    options: Plain = field(default_factory=dict)
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """What a rule does besides choosing: its type, its template, and its fields with those of the template."""

    type: str
    template: str | None = None
    fields: Plain = field(default_factory=dict)
    at: Place = field(default=NOWHERE, compare=False)

    @property
    def on(self) -> bool:
        """Whether it is not switched off."""
        return self.fields.get("enabled", True) is not False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A ROUTE, or a branch of a DECISION_TREE."""

    name: str
    when: Condition | None = None
    """None holds always."""
    tier: int = 0
    priority: int = 0
    models: tuple[Candidate, ...] = ()
    """Who may answer; empty leaves it open."""
    agents: tuple[Candidate, ...] | None = None
    """Which agents may take the turn; None leaves it open, empty lets none."""
    algorithm: Plugin | None = None
    plugins: tuple[Plugin, ...] = ()
    description: str = ""
    tree: str | None = None
    """The tree whose branch it is: of a tree the first branch that holds is taken, whatever its tier and priority."""
    at: Place = field(default=NOWHERE, compare=False)

    @property
    def in_order(self) -> bool:
        """Whether its models are asked as they are listed; else MoMA chooses among them."""
        return self.algorithm is not None and self.algorithm.type == "static"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A MODEL, BACKEND, AGENT or GRANT block: its type (BACKEND), its fields, and when an AGENT or GRANT holds."""

    name: str
    type: str = ""
    fields: Plain = field(default_factory=dict)
    when: Condition | None = None
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """One case of a TEST block: a text, who says it when, and the rule that must be chosen."""

    block: str
    query: str
    expected: str
    """A rule's name; `none` for no rule."""
    options: Plain = field(default_factory=dict)
    """`user`, `grants`, `time` (ISO 8601), `phase`, `modality`, `previous` (texts of the user before), `context`."""
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A whole policy."""

    signals: Mapping[str, Signal] = field(default_factory=dict)
    """By key, in their order."""
    groups: tuple[Group, ...] = ()
    scores: Mapping[str, Score] = field(default_factory=dict)
    mappings: tuple[Bands, ...] = ()
    templates: Mapping[str, Plugin] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    models: Mapping[str, Declared] = field(default_factory=dict)
    backends: Mapping[str, Declared] = field(default_factory=dict)
    agents: Mapping[str, Declared] = field(default_factory=dict)
    grants: Mapping[str, Declared] = field(default_factory=dict)
    tests: tuple[Test, ...] = ()
    settings: Plain = field(default_factory=dict)
    """The fields of GLOBAL."""
    session: Mapping[str, Plain] = field(default_factory=dict)
    entrypoints: tuple[Plain, ...] = ()
    recipe: str | None = None
    """The RECIPE that was read, if the file has any."""

    @property
    def strategy(self) -> Strategy:
        """How rules without tiers are ordered."""
        return "confidence" if self.settings.get("strategy") == "confidence" else "priority"

    @property
    def default_model(self) -> str | None:
        """Who answers when no rule holds."""
        given = self.settings.get("default_model")
        return given if isinstance(given, str) else None

    @property
    def bands(self) -> Mapping[str, tuple[Bands, Band]]:
        """Each band with its mapping, by name."""
        return {band.name: (m, band) for m in self.mappings for band in m.bands}

    @property
    def hash(self) -> str:
        """The SHA-256 of what the policy means, as 64 hex digits: comments, layout and tests do not count."""
        return hashlib.sha256(json.dumps(self.plain(), sort_keys=True).encode()).hexdigest()

    def plain(self) -> Plain:
        """Return what the policy means as JSON-plain values; equal policies give equal ones."""
        return {
            "signals": [[s.type, s.name, s.fields] for s in self.signals.values()],
            "groups": [[g.name, list(g.members), g.default, g.semantics, g.temperature] for g in self.groups],
            "scores": [[s.name, [[t.signal, t.weight, t.source] for t in s.terms]] for s in self.scores.values()],
            "mappings": [
                [m.name, m.source, m.slope, [[b.name, b.gte, b.gt, b.lt, b.lte] for b in m.bands]]
                for m in self.mappings
            ],
            "rules": [_rule(rule) for rule in self.rules],
            "models": [_declared(d) for d in self.models.values()],
            "backends": [_declared(d) for d in self.backends.values()],
            "agents": [_declared(d) for d in self.agents.values()],
            "grants": [_declared(d) for d in self.grants.values()],
            "settings": self.settings,
        }  # fmt: skip


def _rule(rule: Rule) -> Plain:
    return {
        "name": rule.name,
        "when": condition_plain(rule.when),
        "tier": rule.tier,
        "priority": rule.priority,
        "models": [[c.name, c.options] for c in rule.models],
        "agents": None if rule.agents is None else [[c.name, c.options] for c in rule.agents],
        "algorithm": _plugin(rule.algorithm) if rule.algorithm else None,
        "plugins": [_plugin(plugin) for plugin in rule.plugins],
        "tree": rule.tree,
    }


def _plugin(plugin: Plugin) -> list[Any]:
    return [plugin.type, plugin.fields]


def _declared(declared: Declared) -> list[Any]:
    return [declared.type, declared.name, declared.fields, condition_plain(declared.when)]


def condition_plain(condition: Condition | None) -> Any:
    """Return a condition as plain values: `["and", ...]`, `["or", ...]`, `["not", part]`, a signal's key, or None."""
    if isinstance(condition, Reference):
        return condition.key
    if isinstance(condition, Not):
        return ["not", condition_plain(condition.part)]
    if isinstance(condition, And | Or):
        word = "and" if isinstance(condition, And) else "or"
        return [word, *(condition_plain(part) for part in condition.parts)]
    return None
