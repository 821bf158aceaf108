"""Writes a policy back as a syntax tree, such that lowering it gives an equal policy."""

from collections.abc import Iterable, Mapping
from itertools import groupby

from graphs.policy.policy import (
    Band,
    Bands,
    Candidate,
    Declared,
    Group,
    Plain,
    Plugin,
    Policy,
    Rule,
    Score,
    Term,
    Test,
)
from graphs.policy.syntax import (
    AlgorithmUse,
    Block,
    BlockKind,
    Branch,
    Case,
    Emit,
    Item,
    PluginUse,
    Program,
    Statement,
    Target,
)
from graphs.policy.values import fields_of

__all__ = ["decompile"]

_DECLARED: tuple[tuple[BlockKind, str], ...] = (
    ("MODEL", "models"),
    ("BACKEND", "backends"),
    ("AGENT", "agents"),
    ("GRANT", "grants"),
)


def decompile(policy: Policy) -> Program:
    """Return the program of a policy: loops are unrolled, templates filled in, models stand in the rules."""
    declared = [
        _declared(kind, entry)
        for kind, name in _DECLARED
        for entry in getattr(policy, name).values()
    ]
    entrypoints = [Block("ENTRYPOINT", fields=fields_of(fields)) for fields in policy.entrypoints]
    inner = tuple(_scoped(policy))
    if policy.recipe is not None:
        inner = (Block("RECIPE", policy.recipe, blocks=inner),)
    return Program((*declared, *entrypoints, *inner))


def _scoped(policy: Policy) -> Iterable[Block]:
    """Yield what belongs to a recipe."""
    for signal in policy.signals.values():
        if signal.type != "kb_metric":  # it stands in the score that reads it
            yield Block("SIGNAL", signal.name, signal.type, fields=fields_of(signal.fields))
    for group in policy.groups:
        yield _group(group)
    for score in policy.scores.values():
        yield _score(score, policy)
    for mapping in policy.mappings:
        yield _mapping(mapping)
    for template in policy.templates.values():
        name = template.template or template.type
        yield Block("PLUGIN", name, template.type, fields=fields_of(template.fields))
    for tree, rules in groupby(policy.rules, key=lambda rule: rule.tree):
        if tree is None:
            yield from (Block("ROUTE", rule.name, body=_body(rule, policy)) for rule in rules)
        else:
            branches = tuple(Branch(rule.when, _body(rule, policy)) for rule in rules)
            yield Block("DECISION_TREE", tree, branches=branches)
    for name, tests in groupby(policy.tests, key=lambda test: test.block):
        yield Block("TEST", name, cases=tuple(_case(test) for test in tests))
    for name, fields in policy.session.items():
        yield Block("SESSION_STATE", name, fields=fields_of(fields))
    if policy.settings:
        yield Block("GLOBAL", fields=fields_of(policy.settings))


def _declared(kind: BlockKind, entry: Declared) -> Block:
    body = (Statement("WHEN", entry.when),) if entry.when is not None else ()
    return Block(kind, entry.name, entry.type, fields=fields_of(entry.fields), body=body)


def _group(group: Group) -> Block:
    plain: Plain = {
        "semantics": group.semantics,
        "temperature": group.temperature,
        "members": list(group.members),
    }
    if group.default is not None:
        plain["default"] = group.default
    return Block("PROJECTION", group.name, "partition", fields=fields_of(plain))


def _score(score: Score, policy: Policy) -> Block:
    inputs = [_term(term, policy) for term in score.terms]
    fields = fields_of({"method": "weighted_sum", "inputs": inputs})
    return Block("PROJECTION", score.name, "score", fields=fields)


def _term(term: Term, policy: Policy) -> Plain:
    type_, _, name = term.signal.partition(":")
    named = policy.signals[term.signal].fields if type_ == "kb_metric" else {"name": name}
    return {"type": type_, **named, "weight": term.weight, "value_source": term.source}


def _mapping(mapping: Bands) -> Block:
    plain: Plain = {
        "source": mapping.source,
        "method": "threshold_bands",
        "calibration": {"method": "sigmoid_distance", "slope": mapping.slope},
        "outputs": [_band(band) for band in mapping.bands],
    }
    return Block("PROJECTION", mapping.name, "mapping", fields=fields_of(plain))


def _band(band: Band) -> Plain:
    ends = {"gte": band.gte, "gt": band.gt, "lt": band.lt, "lte": band.lte}
    return {
        "name": band.name,
        **{end: number for end, number in ends.items() if number is not None},
    }


def _body(rule: Rule, policy: Policy) -> tuple[Item, ...]:
    items: list[Item] = []
    if rule.tree is not None:
        items.append(Statement("NAME", rule.name))
    if rule.description:
        items.append(Statement("DESCRIPTION", rule.description))
    items += [Statement("PRIORITY", rule.priority)] if rule.priority else []
    items += [Statement("TIER", rule.tier)] if rule.tier else []
    if rule.tree is None and rule.when is not None:
        items.append(Statement("WHEN", rule.when))
    items += [Statement("MODEL", tuple(map(_target, rule.models)))] if rule.models else []
    if rule.agents is not None:
        items.append(Statement("AGENT", tuple(map(_target, rule.agents))))
    if rule.algorithm is not None:
        items.append(AlgorithmUse(rule.algorithm.type, fields_of(rule.algorithm.fields)))
    return (*items, *(_plugin(plugin, policy.templates) for plugin in rule.plugins))


def _plugin(plugin: Plugin, templates: Mapping[str, Plugin]) -> Item:
    if plugin.type.startswith("emit "):
        return Emit(plugin.type.removeprefix("emit "), fields_of(plugin.fields))
    known = templates.get(plugin.template or "")
    template = known.fields if known else {}
    own = {k: v for k, v in plugin.fields.items() if k not in template or template[k] != v}
    return PluginUse(plugin.template or plugin.type, fields_of(own))


def _target(candidate: Candidate) -> Target:
    return Target(candidate.name, fields_of(candidate.options))


def _case(test: Test) -> Case:
    return Case(test.query, test.expected, fields_of(test.options))
