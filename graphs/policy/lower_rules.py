"""Lowers routes and the branches of trees to rules."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphs.policy.findings import Finding
from graphs.policy.policy import Candidate, Plain, Plugin, Rule
from graphs.policy.syntax import (
    AlgorithmUse,
    Block,
    Branch,
    Condition,
    Emit,
    Item,
    Loop,
    Place,
    PluginUse,
    RouteBody,
    Statement,
    Target,
)
from graphs.policy.values import plain_fields

__all__ = ["Assigned", "plugin_type", "rules_of"]

Assigned = dict[str, list[Plain]]
"""By a rule's name the models that an ENTRYPOINT assigns to it."""
Report = Callable[[Finding], None]


def plugin_type(name: str) -> str:
    """Return the one way in which a type of plugin or algorithm is written: lower case, with underscores."""
    return name.casefold().replace("-", "_")


def rules_of(
    routes: Sequence[Block],
    trees: Sequence[Block],
    templates: Mapping[str, Plugin],
    assigned: Assigned,
    report: Report,
) -> tuple[Rule, ...]:
    """Return the rules of routes and trees, in their order."""
    rules: list[Rule] = []
    for route in routes:
        body = _Body(route.body, route.name, route.at, templates, assigned, report)
        rules.append(body.rule(description=_described(route, report)))
    for tree in trees:
        rules += _branches(tree, templates, assigned, report)
    seen: dict[str, Rule] = {}
    for rule in rules:
        if seen.setdefault(rule.name, rule) is not rule and rule.tree is not None:
            message = f"the branch {rule.name!r:.60} stands twice, first at {seen[rule.name].at}"
            report(Finding(code="duplicate", message=message, at=rule.at, names=(rule.name,)))
    return tuple(rules)


def _described(route: Block, report: Report) -> str:
    """Return the description that a route's options give; other options say nothing, so they are told."""
    for option in route.options:
        if option.key != "description":
            message = (
                f"route {route.name!r:.60}: `{option.key:.60}` is no option, expected description"
            )
            hint = "statements of a route stand in its braces"
            report(
                Finding(
                    code="unknown_field",
                    message=message,
                    at=option.at,
                    names=(route.name,),
                    hint=hint,
                )
            )
    given = plain_fields(route.options, report).get("description", "")
    if not isinstance(given, str):
        message = f"route {route.name!r:.60}: description is {given!r:.60}, expected a text"
        report(Finding(code="wrong_value", message=message, at=route.at, names=(route.name,)))
        return ""
    return given


def _branches(
    tree: Block, templates: Mapping[str, Plugin], assigned: Assigned, report: Report
) -> list[Rule]:
    rules: list[Rule] = []
    ended: Branch | None = None
    for place, branch in enumerate(tree.branches, 1):
        if ended is not None:
            message = f"a branch of {tree.name} stands after its ELSE at {ended.at}"
            report(Finding(code="misplaced", message=message, at=branch.at, names=(tree.name,)))
        ended = branch if branch.when is None else ended
        name = f"{tree.name}__branch_{place:02d}"
        body = _Body(branch.body, name, branch.at, templates, assigned, report)
        rules.append(body.rule(when=branch.when, tree=tree.name))
    if ended is None:
        message = f"the tree {tree.name} has no ELSE, expected one as its last branch"
        report(Finding(code="missing_else", message=message, at=tree.at, names=(tree.name,)))
    return rules


class _Body:
    """The statements of one route or branch."""

    def __init__(
        self,
        body: RouteBody,
        name: str,
        at: Place,
        templates: Mapping[str, Plugin],
        assigned: Assigned,
        report: Report,
    ) -> None:
        self.body, self.name, self.at = body, name, at
        self.templates, self.assigned, self.report = templates, assigned, report

    def rule(
        self, *, when: Condition | None = None, tree: str | None = None, description: str = ""
    ) -> Rule:
        """Return the rule.

        Args:
            when: the condition of a branch; a route has its own.
            tree: whose branch it is.
            description: from the route's options; its own statement comes first.
        """
        said = self._said()
        if tree is None:
            own: Any = said.get("WHEN")
            when = own
        elif "WHEN" in said:
            self._tell("misplaced", "WHEN stands in a branch, expected IF before it", self.at)
        name = str(said["NAME"]) if "NAME" in said and tree is not None else self.name
        algorithms = [item for item in self.body if isinstance(item, AlgorithmUse)]
        if len(algorithms) > 1:
            self._tell("duplicate", f"ALGORITHM stands twice in {name}", algorithms[1].at)
        return Rule(
            name=name,
            when=when,
            tier=int(said.get("TIER", 0)),
            priority=int(said.get("PRIORITY", 0)),
            models=self._models(name),
            agents=self._agents(),
            algorithm=self._plugin(algorithms[0]) if algorithms else None,
            plugins=tuple(self._plugin(i) for i in self.body if isinstance(i, PluginUse | Emit)),
            description=str(said.get("DESCRIPTION", description)),
            tree=tree,
            at=self.at,
        )

    def _said(self) -> dict[str, Any]:
        """Return the statements that may stand once, by their keyword."""
        said: dict[str, Any] = {}
        for item in self.body:
            if isinstance(item, Statement) and item.keyword not in ("MODEL", "AGENT"):
                if item.keyword in said:
                    self._tell("duplicate", f"{item.keyword} stands twice in {self.name}", item.at)
                said.setdefault(item.keyword, item.value)
        return said

    def _models(self, name: str) -> tuple[Candidate, ...]:
        """Return the models of a rule, each once: as it names them, else as an entry point assigns them."""
        own = [self._candidate(target) for item in self.body for target in _targets(item)]
        if not own:
            own = [c for given in self.assigned.get(name, ()) if (c := self._assignment(given))]
        return tuple({candidate.name: candidate for candidate in reversed(own)}.values())[::-1]

    def _assignment(self, given: Plain) -> Candidate | None:
        model = given.get("model")
        if not isinstance(model, str):
            self._tell("wrong_value", f"the assignment of {self.name} names no model", self.at)
            return None
        options = {key: value for key, value in given.items() if key != "model"}
        return Candidate(name=model, options=options, at=self.at)

    def _agents(self) -> tuple[Candidate, ...] | None:
        named = [i for i in self.body if isinstance(i, Statement) and i.keyword == "AGENT"]
        if not named:
            return None
        if len(none := [i for i in named if not i.value]) not in (0, len(named)):
            self._tell(
                "misplaced",
                "AGENT NONE stands beside named agents, expected one of them",
                none[0].at,
            )
        targets = [
            t for item in named for t in (item.value if isinstance(item.value, tuple) else ())
        ]
        return tuple(self._candidate(target) for target in targets)

    def _candidate(self, target: Target) -> Candidate:
        options = plain_fields(target.options, self.report)
        return Candidate(name=target.name, options=options, at=target.at)

    def _plugin(self, use: PluginUse | AlgorithmUse | Emit) -> Plugin:
        """Return what a rule uses; its own fields come before those of its template."""
        fields = plain_fields(use.fields, self.report)
        if isinstance(use, Emit):
            return Plugin(type=f"emit {use.name}", fields=fields, at=use.at)
        template = self.templates.get(use.name) if isinstance(use, PluginUse) else None
        if template is None:
            return Plugin(type=plugin_type(use.name), fields=fields, at=use.at)
        return Plugin(
            type=template.type, template=use.name, fields=template.fields | fields, at=use.at
        )

    def _tell(self, code: str, message: str, at: Place) -> None:
        self.report(Finding(code=code, message=message, at=at, names=(self.name,)))


def _targets(item: Item) -> tuple[Target, ...]:
    """Return the models that an item adds: a statement's, or those of a loop over a list of its own."""
    if isinstance(item, Loop):
        return item.source or ()
    if isinstance(item, Statement) and item.keyword == "MODEL" and isinstance(item.value, tuple):
        return item.value
    return ()
