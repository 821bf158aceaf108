"""A policy in plain words, for a reviewer who reads no code. It decides nothing and checks nothing.

Names of the policy's author are escaped, so that none of them can pose as a heading or a link.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from graphs.policy.decide import models_of
from graphs.policy.findings import Finding
from graphs.policy.policy import Candidate, Declared, Plugin, Policy, Rule
from graphs.policy.syntax import references
from graphs.policy.targets.marks import banner
from graphs.policy.targets.steps import Step, agents_of, steps
from graphs.policy.targets.words import condition_text, is_probabilistic, listed, quoted

__all__ = ["FILE", "emit"]

FILE = "summary.md"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&!])")
_LISTS = re.compile(r"^(\s*)([+-]|\d+[.)])(?=\s|$)")
_MIXED = (
    "If several of them hold, the one with the highest priority is taken. "
    "But if a rule of a later group holds as well, the surest of these here is taken."
)
_SURE = "If several of them hold, the surest is taken; then the higher priority; then the name that comes first."


def emit(policy: Policy, *, findings: Sequence[Finding | str] = ()) -> dict[str, str]:
    """Return the file with the summary.

    Args:
        policy: what to tell of.
        findings: what was checked, as findings or as lines.
    """
    parts = [
        ["# Who may be served by what", *_opening(policy)],
        ["## The rules, in the order in which they are tried", *_rules(policy)],
        ["## When no rule holds", _nobody(policy)],
        *([["## Agents", *_agents(policy)]] if policy.agents else []),
        *([["## Who holds which grant", *_grants(policy)]] if policy.grants else []),
        *(
            [["## Groups and scores", *made]]
            if (made := [*_groups(policy), *_scores(policy)])
            else []
        ),
        ["## What rests on estimates", *_estimates(policy)],
        ["## What was checked", *_checked(findings)],
    ]
    text = "\n\n".join("\n\n".join(_joined(part)) for part in parts)
    return {FILE: f"{banner(policy, frame='<!--')}\n{text}\n"}


def _joined(blocks: Sequence[str]) -> Iterator[str]:
    """Yield blocks, with the lines of one list as one block."""
    held: list[str] = []
    for block in blocks:
        if block.startswith("- "):
            held.append(block)
            continue
        if held:
            yield "\n".join(held)
            held = []
        yield block
    if held:
        yield "\n".join(held)


def _plain(text: str) -> str:
    """Return text of the policy's author as Markdown that shows it as it is, on one line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return _LISTS.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\1", line))


def _opening(policy: Policy) -> Iterator[str]:
    counts = [
        _count(len(policy.rules), "rule"),
        _count(len(policy.signals), "signal"),
        _count(len(policy.agents), "agent"),
        _count(len(policy.grants), "grant"),
    ]
    yield f"This policy has {listed(counts)}. Each turn of a dialogue is served as one rule says."


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _rules(policy: Policy) -> Iterator[str]:
    places = steps(policy)
    if not places:
        yield "There are none."
        return
    yield "The first group with a rule that holds decides; later ones are not looked at."
    number = 0
    for place in places:
        yield f"### {_plain(place.title[:1].upper() + place.title[1:])}"
        yield _how(place)
        for rule in place.rules:
            number += 1
            yield from _rule(policy, rule, number)


def _how(step: Step) -> str:
    if step.tree is not None:
        return "The branches are tried from the top; the first that holds is taken."
    if len(step.rules) == 1:
        return "There is one rule here."
    return {"first": "The first of them is taken.", "surest": _SURE, "mixed": _MIXED}[step.within]


def _rule(policy: Policy, rule: Rule, number: int) -> Iterator[str]:
    yield f"**{number}. {_plain(rule.name)}**{_described(rule.description)}"
    when = "Always." if rule.when is None else f"If {_plain(condition_text(policy, rule.when))}."
    yield f"- When: {when}"
    yield f"- Models: {_models(rule)}."
    if agents_of(rule) is None:
        yield "- Agents: any that may serve."
    else:
        yield f"- Agents: {_candidates(rule.agents or (), open_='none')}."
    if rule.algorithm is not None:
        yield f"- Among the models it chooses by: {_plain(rule.algorithm.type)}."
    yield from (f"- {_plugin(plugin)}" for plugin in rule.plugins)


def _models(rule: Rule) -> str:
    if models_of(rule) == ():
        return "none; a fixed text is the answer"
    return _candidates(rule.models, open_="any model that may serve", in_order=rule.in_order)


def _described(text: str) -> str:
    return f": {_plain(text)}" if text else ""


def _candidates(candidates: Sequence[Candidate], *, open_: str, in_order: bool = False) -> str:
    if not candidates:
        return open_
    said = []
    for candidate in candidates:
        options = [f"{_plain(k)} {_plain(str(v).lower())}" for k, v in candidate.options.items()]
        said.append(_plain(candidate.name) + (f" ({listed(options)})" if options else ""))
    if in_order and len(said) > 1:
        return f"{said[0]}; if that fails, {', then '.join(said[1:])}"
    return listed(said, word="or")


def _plugin(plugin: Plugin) -> str:
    fields = plugin.fields
    if fields.get("enabled") is False:
        return f"{_plain(plugin.type)}: switched off."
    if plugin.type != "tools":
        return f"Also: {_plain(plugin.type)}."
    allow, block = (_names(fields.get(key)) for key in ("allow_tools", "block_tools"))
    mode = fields.get("mode", "filtered" if allow or block else "passthrough")
    if mode not in ("filtered", "passthrough") or (mode == "filtered" and not (allow or block)):
        return "Tools: none may be called."
    only = f"only {allow}" if allow and mode == "filtered" else ""
    limits = ", ".join(s for s in (only, f"never {block}" if block else "") if s)
    return f"Tools: {limits or 'any'}."


def _names(value: object) -> str:
    names = value if isinstance(value, list | tuple) else []
    return listed([_plain(quoted(str(name))) for name in names])


def _nobody(policy: Policy) -> str:
    if policy.default_model is None:
        return "Nobody answers. The turn is refused."
    return f"The model {_plain(policy.default_model)} answers. Any agent that may serve can take the turn."


def _agents(policy: Policy) -> Iterator[str]:
    for agent in policy.agents.values():
        yield f"- {_agent(policy, agent)}"


def _agent(policy: Policy, agent: Declared) -> str:
    when = (
        "may serve at any time"
        if agent.when is None
        else f"may serve only if {_plain(condition_text(policy, agent.when))}"
    )
    grants = [g for g in agent.fields.get("grants") or () if isinstance(g, str)]
    word = "grant" if len(grants) == 1 else "grants"
    needs = f" The caller needs the {word} {listed([_plain(g) for g in grants])}." if grants else ""
    return f"{_plain(agent.name)} {when}.{needs}"


def _grants(policy: Policy) -> Iterator[str]:
    for grant in policy.grants.values():
        name = _plain(grant.name)
        if grant.when is None:
            yield f"- {name}: every caller."
        else:
            yield f"- {name}: if {_plain(condition_text(policy, grant.when))}."


def _groups(policy: Policy) -> Iterator[str]:
    for group in policy.groups:
        members = listed([_plain(key.partition(":")[2]) for key in group.members])
        default = _plain(group.default.partition(":")[2]) if group.default else "none of them"
        yield f"- Of {members} at most one counts: the surest. If none is given, {default} counts."


def _scores(policy: Policy) -> Iterator[str]:
    how = {"fires": "is given", "confidence": "is given, as sure as it is", "score": "comes near"}
    for score in policy.scores.values():
        parts = []
        for term in score.terms:
            kind, _, name = term.signal.partition(":")
            what = f"{_plain(name)} ({_plain(kind)})"
            parts.append(f"{term.weight:g} if {what} {how[term.source]}")
        yield f"- The score {_plain(score.name)} adds up: {listed(parts) or 'nothing'}."


def _estimates(policy: Policy) -> Iterator[str]:
    used: dict[str, list[str]] = defaultdict(list)
    for name, when in (
        *((rule.name, rule.when) for rule in policy.rules),
        *((f"agent {a.name}", a.when) for a in policy.agents.values()),
    ):
        for key in dict.fromkeys(r.key for r in references(when)):
            if is_probabilistic(policy, key):
                used[key].append(name)
    if not used:
        yield "Nothing: every signal is read off the text, the caller or the clock as it stands."
        return
    yield "These signals are estimates. They can be wrong in either direction, however well the rules are checked."
    for key, names in used.items():
        kind, _, signal = key.partition(":")
        yield f"- {_plain(signal)} ({_plain(kind)}), which decides {listed([_plain(n) for n in names])}."


def _checked(findings: Sequence[Finding | str]) -> Iterator[str]:
    if not findings:
        yield "No result of a check was given to this summary."
        return
    yield (
        "What is proved speaks of the rules' structure. "
        "That a signal is right about a text is never proved, only tested on examples."
    )
    for finding in findings:
        if isinstance(finding, str):
            yield f"- {_plain(finding)}"
        else:
            hint = f" To do: {_plain(finding.hint)}." if finding.hint else ""
            word = {"error": "Error", "warning": "Warning", "note": "Note"}[finding.severity]
            yield f"- {word}, {finding.basis}: {_plain(finding.message)}.{hint}"
