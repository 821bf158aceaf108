"""A policy's decision as a Mermaid flowchart: what is read, the rules in their order, who may serve.

Every text of the policy stands in quotes with what Mermaid would read replaced; ids are numbers of this module's own.
"""

import re
import textwrap
from collections import Counter
from collections.abc import Iterator

from graphs.policy.decide import models_of
from graphs.policy.policy import Policy, Rule
from graphs.policy.targets.marks import banner
from graphs.policy.targets.steps import Step, agents_of, steps
from graphs.policy.targets.words import condition_text, is_probabilistic

__all__ = ["FILE", "emit", "label"]

FILE = "decision.mmd"
FIXED = "a fixed text"
_WIDTH = 44
_LONGEST = 180
_SPECIAL = re.compile(r"[^\w .,:()/+=!?'*-]|--")


def label(text: str) -> str:
    """Return a text as a label in quotes, wrapped, with nothing in it that Mermaid reads."""
    printable = "".join(c if c.isprintable() and not _is_surrogate(c) else " " for c in text)
    short = textwrap.shorten(printable, _LONGEST, placeholder=" ...") or " "
    lines = textwrap.wrap(short, _WIDTH) or [" "]
    return '"' + "<br/>".join(_escaped(line) for line in lines) + '"'


def emit(policy: Policy) -> dict[str, str]:
    """Return the file with the flowchart."""
    places = steps(policy)
    chart = _Chart(policy)
    lines = ["flowchart TD", "  start([a turn])", *chart.signals()]
    doors = [_door(place, n, chart) for n, place in enumerate(places)] + ["none"]
    lines.append(f"  {'signals' if policy.signals else 'start'} --> {doors[0]}")
    for number, place in enumerate(places):
        lines += chart.step(place, number, onward=doors[number + 1])
    if any(line.endswith(" none") for line in lines):
        lines += chart.nobody()
    lines += chart.servers()
    return {FILE: banner(policy, frame="%%") + "\n".join(lines) + "\n"}


def _door(step: Step, number: int, chart: "_Chart") -> str:
    """Return where a step is entered: its first rule, or the group of which the surest is taken."""
    return chart.rule(step.rules[0]) if step.within == "first" else f"step{number}"


class _Chart:
    """The ids that are given out, and who serves."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._rules = {id(rule): f"r{n}" for n, rule in enumerate(policy.rules)}
        self._servers: dict[tuple[str, str], str] = {}

    def rule(self, rule: Rule) -> str:
        """Return a rule's id."""
        return self._rules[id(rule)]

    def signals(self) -> Iterator[str]:
        """Yield what is read of a turn: how many signals of each type, groups and scores; the summary names them."""
        if not self.policy.signals:
            return
        kinds = Counter(signal.type for signal in self.policy.signals.values())
        read = [
            f"{count} {kind}{' (estimated)' if is_probabilistic(self.policy, f'{kind}:') else ''}"
            for kind, count in kinds.items()
        ]
        groups, scores = len(self.policy.groups), len(self.policy.scores)
        read += [f"{groups} groups"] if groups else []
        read += [f"{scores} scores in bands"] if scores else []
        yield f"  signals[/{label('read of the turn: ' + ', '.join(read))}/]"
        yield "  start --> signals"

    def step(self, step: Step, number: int, *, onward: str) -> Iterator[str]:
        """Yield a place of the order: its rules, what follows if none holds, and who serves."""
        how = {"first": "", "surest": ": of those that hold, the surest"}.get(
            step.within, ": of those that hold, the first by priority, or the surest"
        )
        boxed = len(step.rules) > 1 or step.tree is not None or step.tiered
        if boxed:
            yield f"  subgraph step{number}[{label(step.title + how)}]"
        for rule in step.rules:
            yield f"    {self._node(rule)}"
        if boxed:
            yield "  end"
        if step.within != "first":
            if all(rule.when is not None for rule in step.rules):
                yield f"  step{number} -->|none holds| {onward}"
        else:
            for rule, following in zip(step.rules, (*step.rules[1:], None), strict=True):
                if rule.when is not None:
                    yield f"  {self.rule(rule)} -->|no| {self.rule(following) if following else onward}"
        for rule in step.rules:
            yield from self._serving(rule)

    def nobody(self) -> Iterator[str]:
        """Yield what happens when no rule holds."""
        default = self.policy.default_model
        yield f"  none([{label('no rule holds')}])"
        if default is not None:
            yield f"  none --> {self._server('model', default)}"
        else:
            yield f"  nobody([{label('nobody answers: the turn is refused')}])"
            yield "  none --> nobody"

    def servers(self) -> Iterator[str]:
        """Yield who serves."""
        for (kind, name), key in self._servers.items():
            text = f"{kind} {name}" if name else f"any {kind}"
            text = FIXED if kind == "text" else text
            yield f"  {key}[[{label(text)}]]" if kind == "agent" else f"  {key}([{label(text)}])"

    def _node(self, rule: Rule) -> str:
        said = [rule.name]
        if rule.when is not None:
            said.append(f"if {condition_text(self.policy, rule.when)}")
        if agents_of(rule) == ():
            said.append("no agent")
        said += [_plugin(plugin.type, plugin.fields.get("mode")) for plugin in rule.plugins]
        text = label(". ".join(said))
        shape = ("{{", "}}") if rule.tree is not None and rule.when is not None else ("[", "]")
        return f"{self.rule(rule)}{shape[0]}{text}{shape[1]}"

    def _serving(self, rule: Rule) -> Iterator[str]:
        source = self.rule(rule)
        agents = list(agents_of(rule) or ())
        models = [c.name for c in rule.models] or [""]
        # In the order in which they are asked; among models with one number MoMA chooses.
        found = [("agent", a, n) for n, a in enumerate(agents, start=1)]
        first = len(found) + 1
        found += [("model", m, first + n * rule.in_order) for n, m in enumerate(models)]
        if models_of(rule) == ():
            found = [("text", "", 1)]
        for kind, name, number in found:
            arrow = f"-->|{number}|" if len(found) > 1 else "-->|yes|"
            yield f"  {source} {arrow} {self._server(kind, name)}"

    def _server(self, kind: str, name: str) -> str:
        return self._servers.setdefault((kind, name), f"{kind[0]}{len(self._servers)}")


def _plugin(kind: str, mode: object) -> str:
    return f"{kind}: {mode}" if isinstance(mode, str) else kind


def _escaped(text: str) -> str:
    # As Mermaid writes characters by number; its own entities begin with the same sign, so that too is replaced.
    return _SPECIAL.sub(lambda found: "".join(f"#{ord(c)};" for c in found[0]), text)


def _is_surrogate(char: str) -> bool:
    return 0xD800 <= ord(char) <= 0xDFFF
