"""Whether the fields of AGENT and GRANT blocks and of plugins that a turn carries out are known and of the right kind.

A misspelt field would be left out in silence, and with it what it forbids. The fields of signals it does not
know; their own module does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from graphs.policy.checks.names import nearest
from graphs.policy.findings import Finding
from graphs.policy.policy import Declared, Plain, Plugin, Policy, Rule
from graphs.policy.signals.family import Kind
from graphs.policy.signals.faults import value_problem
from graphs.policy.syntax import Place

__all__ = ["fields"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The fields of a kind of block or plugin, with what their values are to be."""

    fields: Mapping[str, Kind]
    required: frozenset[str] = frozenset()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


AGENT = Form(fields={"grants": Kind.TEXTS, "description": Kind.TEXT})
GRANT = Form(fields={"description": Kind.TEXT})
PLUGINS: Mapping[str, Form] = {
    "fast_response": Form(
        fields={"enabled": Kind.FLAG, "message": Kind.TEXT}, required=frozenset({"message"})
    ),
    "system_prompt": Form(
        fields={"enabled": Kind.FLAG, "system_prompt": Kind.TEXT, "mode": Kind.TEXT},
        required=frozenset({"system_prompt"}),
        choices={"mode": ("replace", "insert")},
    ),
    "tools": Form(
        fields={
            "enabled": Kind.FLAG, "mode": Kind.TEXT, "allow_tools": Kind.TEXTS, "block_tools": Kind.TEXTS,
            "semantic_selection": Kind.FLAG, "top_k": Kind.COUNT, "similarity_threshold": Kind.SHARE,
            "strict_mode": Kind.FLAG, "fallback_to_empty": Kind.FLAG, "preserve_count": Kind.FLAG,
        },
        choices={"mode": ("none", "filtered", "passthrough")},
    ),
}  # fmt: skip
"""Of the plugins that a turn carries out; those of others are not looked at."""


def fields(policy: Policy) -> Iterator[Finding]:
    """Find fields that nothing reads, values of another kind, and what is missing."""
    for agent in policy.agents.values():
        yield from _block("agent", agent, AGENT)
    for grant in policy.grants.values():
        yield from _block("grant", grant, GRANT)
        if grant.when is None:
            message = f"grant {grant.name!r} has no WHEN, so everybody would hold it"
            hint = "say who holds it: WHEN with authz, grant or time signals"
            yield _finding("missing_when", message, grant.at, grant.name, hint)
    for template in policy.templates.values():
        if form := PLUGINS.get(template.type):
            by = f"plugin {template.template!r}"
            yield from _values(by, template.fields, form, template.at, str(template.template))
    for rule in policy.rules:
        yield from _plugins(rule, policy)


def _block(kind: str, block: Declared, form: Form) -> Iterator[Finding]:
    yield from _values(f"{kind} {block.name!r}", block.fields, form, block.at, block.name)


def _plugins(rule: Rule, policy: Policy) -> Iterator[Finding]:
    seen: set[str] = set()
    for plugin in rule.plugins:
        at = plugin.at if plugin.at.line else rule.at
        by = f"rule {rule.name!r}: plugin {plugin.type}"
        form = PLUGINS.get(plugin.type)
        if form is not None:
            yield from _values(by, _own(plugin, policy), form, at, rule.name)
        if not plugin.on or plugin.type.startswith("emit "):
            continue
        if form is not None:
            yield from _missing(by, plugin, form, at, rule.name)
        if plugin.type in seen:
            message = f"{by} stands twice, and one of them would count"
            yield _finding("duplicate", message, at, rule.name, "keep one of them")
        seen.add(plugin.type)


def _own(plugin: Plugin, policy: Policy) -> Plain:
    """Return what a rule itself says of a plugin; of its template's fields the template's check tells."""
    template = policy.templates.get(plugin.template or "")
    shared = template.fields if template else {}
    return {k: v for k, v in plugin.fields.items() if k not in shared or shared[k] != v}


def _values(by: str, given: Plain, form: Form, at: Place, name: str) -> Iterator[Finding]:
    for key, value in given.items():
        kind = form.fields.get(key)
        if kind is None:
            hint = nearest(key, form.fields) or f"expected some of {', '.join(sorted(form.fields))}"
            yield _finding("unknown_field", f"{by}: `{key:.60}` is no field of it", at, name, hint)
        elif problem := value_problem(key, value, kind):
            yield _finding(problem.code, f"{by}: `{key}` {problem.message}", at, name)
        elif key in form.choices and value not in form.choices[key]:
            expected = f"expected one of {', '.join(form.choices[key])}"
            message = f"{by}: `{key}` is {value!r:.60}, {expected}"
            yield _finding(
                "wrong_value", message, at, name, nearest(value.casefold(), form.choices[key])
            )
        elif key in form.required and not value.strip():
            yield _finding("wrong_value", f"{by}: `{key}` is empty, expected a text", at, name)


def _missing(by: str, plugin: Plugin, form: Form, at: Place, name: str) -> Iterator[Finding]:
    for key in sorted(form.required - plugin.fields.keys()):
        message = f"{by}: `{key}` is missing, expected {form.fields[key]}"
        yield _finding("missing_field", message, at, name)
    if plugin.type != "tools":
        return
    mode = plugin.fields.get("mode")
    if mode == "filtered" and not plugin.fields.keys() & {"allow_tools", "block_tools"}:
        message = f"{by}: the mode filtered has neither `allow_tools` nor `block_tools`"
        yield _finding("missing_field", message, at, name, 'mode "none" lets no tool be called')
    if mode == "passthrough" and "allow_tools" in plugin.fields:
        message = f"{by}: the mode passthrough lets every tool through, whatever `allow_tools` says"
        yield _finding("wrong_value", message, at, name, 'write mode "filtered"')


def _finding(code: str, message: str, at: Place, name: str, hint: str = "") -> Finding:
    return Finding(code=code, message=message, at=at, names=(name,), hint=hint)
