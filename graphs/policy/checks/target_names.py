"""Whether the models, agents, plugins, tools, grants and rules that a policy names are there."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from graphs.policy.checks.known import Known
from graphs.policy.checks.names import unknown
from graphs.policy.checks.tests import NO_RULE
from graphs.policy.findings import Finding
from graphs.policy.lower_rules import plugin_type
from graphs.policy.policy import Candidate, Plain, Plugin, Policy, Rule
from graphs.policy.syntax import Place

__all__ = ["ALGORITHMS", "PLUGINS", "target_names"]

PLUGINS = frozenset(
    {
        "content_safety", "context_compression", "context_dedup", "decision_diagnostics", "fast_response",
        "hallucination", "header_mutation", "history_reset", "image_gen", "jailbreak", "masking", "memory", "pii",
        "prompt_cache", "provider_prompt_cache", "rag", "request_params", "response_cache", "response_jailbreak",
        "router_replay", "semantic_cache", "shadow_dispatch", "system_prompt", "tool_selection", "tools",
    }
)  # fmt: skip
"""The types of plugins, as lowering writes them."""
CARRIED_OUT = frozenset({"fast_response", "router_replay", "system_prompt", "tools"})
"""Those that a turn here carries out; each turn leaves its record anyway."""
ALGORITHMS = frozenset(
    {
        "automix", "cascade", "concurrent", "confidence", "decision", "elo", "fusion", "gmtrouter", "hiershrink",
        "hybrid", "kmeans", "knn", "latency_aware", "mlp", "multi_factor", "policy", "prompt", "random", "ratings",
        "remom", "rl_driven", "router_dc", "sequential", "session_aware", "static", "svm", "thompson", "workflows",
    }
)  # fmt: skip
"""The ways in which a rule can choose among its models; but for `static`, MoMA chooses here."""
_TOOL_LISTS = ("allow_tools", "block_tools")


def target_names(policy: Policy, known: Known) -> Iterator[Finding]:
    """Find names of targets that nothing bears."""
    yield from _models(policy, known)
    yield from _agents(policy, known)
    yield from _grants(policy, known)
    for rule in policy.rules:
        yield from _plugins(rule, policy, known)
    for template in policy.templates.values():
        yield from _plugin(template, f"plugin {template.template!r}", template.at, known)
        yield from _ambiguous(template)
    yield from _idle(policy)
    yield from _rules(policy)


def _models(policy: Policy, known: Known) -> Iterator[Finding]:
    named = [(c, f"rule {rule.name!r}", rule.at) for rule in policy.rules for c in rule.models]
    if policy.default_model is not None:
        named.append((Candidate(name=policy.default_model), "GLOBAL default_model", Place(0, 0)))
    if not (policy.models or known.models is not None):
        if named:
            yield Finding(
                code="models_not_checked",
                message="models are not checked: the file declares none, and the installation's are not known",
                severity="note",
            )
        return
    there = {*policy.models, *policy.backends, *(known.models or ())}
    for backend in policy.backends.values():
        there |= set(_texts(backend.fields.get("models")))
    for candidate, by, at in named:
        if candidate.name not in there:
            place = candidate.at if candidate.at.line else at
            yield unknown(
                "model", candidate.name, there, at=place, by=by, hint="declare it as a MODEL"
            )


def _agents(policy: Policy, known: Known) -> Iterator[Finding]:
    if not policy.agents and known.agents is None:
        return
    there = {*policy.agents, *(known.agents or ())}
    for rule in policy.rules:
        for candidate in rule.agents or ():
            if candidate.name not in there:
                place = candidate.at if candidate.at.line else rule.at
                yield unknown("agent", candidate.name, there, at=place, by=f"rule {rule.name!r}")
    if known.agents is None:
        return
    for block in policy.agents.values():
        if block.name not in known.agents:
            yield unknown("agent", block.name, known.agents, at=block.at, by="an AGENT block")
    for signal in policy.signals.values():
        if signal.type == "holder":
            agents = _texts(signal.fields.get("agents")) or [signal.name]
            for name in agents:
                if name not in there:
                    yield unknown("agent", name, there, at=signal.at, by=f"signal {signal.name!r}")


def _grants(policy: Policy, known: Known) -> Iterator[Finding]:
    if not policy.grants and known.grants is None:
        return
    there = {*policy.grants, *(known.grants or ())}
    for agent in policy.agents.values():
        for name in _texts(agent.fields.get("grants")):
            if name in there:
                continue
            by = f"agent {agent.name!r}"
            found = unknown("grant", name, there, at=agent.at, by=by)
            if known.grants is None:  # a caller may bring it
                found = replace(
                    found, severity="warning", hint="it is held if the caller brings it"
                )
            yield found


def _plugins(rule: Rule, policy: Policy, known: Known) -> Iterator[Finding]:
    for plugin in rule.plugins:
        at = plugin.at if plugin.at.line else rule.at
        yield from _plugin(plugin, f"rule {rule.name!r}", at, known, {*PLUGINS, *policy.templates})
    if rule.algorithm and rule.algorithm.type not in ALGORITHMS:
        at = rule.algorithm.at if rule.algorithm.at.line else rule.at
        yield unknown("algorithm", rule.algorithm.type, ALGORITHMS, at=at, by=f"rule {rule.name!r}")


def _plugin(
    plugin: Plugin, by: str, at: Place, known: Known, there: Collection[str] = PLUGINS
) -> Iterator[Finding]:
    kind = plugin.type
    if kind not in PLUGINS and not kind.startswith("emit "):
        yield unknown("plugin", plugin.type, there, at=at, by=by)
    if kind != "tools" or known.tools is None:
        return
    for field in _TOOL_LISTS:
        for name in _texts(plugin.fields.get(field)):
            if name not in known.tools:
                yield unknown("tool", name, known.tools, at=at, by=by)


def _ambiguous(template: Plugin) -> Iterator[Finding]:
    """Find a template that takes the name of a type, so that a rule which means the type gets another."""
    name = plugin_type(str(template.template))
    if name in PLUGINS and name != template.type:
        yield Finding(
            code="ambiguous",
            message=f"plugin {template.template!r} is of the type {template.type}, and {name} is a type itself",
            at=template.at,
            names=(name,),
            hint="give it another name",
        )


def _idle(policy: Policy) -> Iterator[Finding]:
    """Tell once of each type of plugin that does nothing in a turn here."""
    users: dict[str, Rule] = {}
    for rule in policy.rules:
        for plugin in rule.plugins:
            users.setdefault(plugin.type, rule)
    for kind, rule in users.items():
        if kind in PLUGINS - CARRIED_OUT:
            yield Finding(
                code="plugin_idle",
                message=f"rule {rule.name!r} uses the plugin {kind!r}, which does nothing in a turn here",
                severity="note",
                at=rule.at,
                names=(rule.name,),
            )


def _rules(policy: Policy) -> Iterator[Finding]:
    there = {rule.name for rule in policy.rules}
    for rule in policy.rules:
        if rule.name == NO_RULE:
            yield Finding(
                code="ambiguous",
                message=f"a rule is called {NO_RULE!r}, which in a TEST case means that no rule holds",
                severity="warning",
                at=rule.at,
                names=(NO_RULE,),
                hint="give it another name",
            )
    for test in policy.tests:
        if test.expected not in {*there, NO_RULE}:
            yield unknown("rule", test.expected, there, at=test.at, by=f"test {test.block!r}")
    for entry in policy.entrypoints:
        if policy.recipe is not None and entry.get("recipe", policy.recipe) != policy.recipe:
            continue
        for name in _decisions(entry):
            if name not in there:
                by = f"entry point {entry.get('name', '')!r}"
                yield unknown("rule", name, there, at=Place(0, 0), by=by)


def _decisions(entry: Plain) -> Iterator[str]:
    yield from _texts(entry.get("decisions"))
    given = entry.get("assignments")
    for assignment in given if isinstance(given, list) else ():
        if isinstance(assignment, dict) and isinstance(assignment.get("decision"), str):
            yield assignment["decision"]


def _texts(given: object) -> list[str]:
    listed: Iterable[object] = given if isinstance(given, list | tuple) else (given,)
    return [text for text in listed if isinstance(text, str)]
