"""Lowers a syntax tree to the policy that is decided by: names resolved, templates filled in, loops unrolled.

What cannot be resolved is left out and told; whether the policy makes sense is for the checks.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from graphs.policy.findings import Finding, Severity
from graphs.policy.lower_rules import Assigned, plugin_type, rules_of
from graphs.policy.policy import (
    Band,
    Bands,
    Declared,
    Group,
    Plain,
    Plugin,
    Policy,
    Score,
    Signal,
    Term,
    Test,
)
from graphs.policy.syntax import Block, Condition, Field, Place, Program, Statement
from graphs.policy.values import plain_fields

__all__ = ["lower", "recipes"]

_SOURCES = {
    "confidence": "confidence",
    "score": "score",
    "raw": "score",
    "binary": "fires",
    "fires": "fires",
}
_MOST_HINTS = 50
"""Findings up to which near names are looked for: that takes a while."""
_STRATEGIES = ("priority", "confidence")
_SETTINGS = ("strategy", "default_model")
"""The fields of GLOBAL and ROUTING that a turn is decided by; others are for other routers."""
_ENDS = ("gte", "gt", "lt", "lte")


def recipes(program: Program) -> list[str]:
    """Return the names of the file's recipes: each is a policy of its own."""
    return [block.name for block in program.blocks if block.kind == "RECIPE"]


def lower(program: Program, recipe: str | None = None) -> tuple[Policy, list[Finding]]:
    """Return the policy of a program, and what could not be resolved.

    Args:
        program: a whole file.
        recipe: which of its recipes to read, by name; None takes the one that the first ENTRYPOINT names, else the
            one named `default`, else the first. What stands outside of recipes belongs to each of them.
    """
    return _Lowering(program, recipe).run()


class _Lowering:
    """One pass over a program."""

    def __init__(self, program: Program, recipe: str | None) -> None:
        self.findings: list[Finding] = []
        self.recipe, self.blocks = self._scope(program, recipe)

    def run(self) -> tuple[Policy, list[Finding]]:
        signals = self._signals()
        scores = {
            s.name: s for s in map(self._score, self._unique(self._of("PROJECTION", "score")))
        }
        signals |= {s.key: s for s in self._metrics()}
        mappings = [self._bands(b) for b in self._unique(self._of("PROJECTION", "mapping"))]
        partitions = [*self._of("SIGNAL_GROUP"), *self._of("PROJECTION", "partition")]
        templates = {b.name: self._template(b) for b in self._unique(self._of("PLUGIN"))}
        entrypoints = tuple(self._entrypoint(block) for block in self._of("ENTRYPOINT"))
        routes = self._unique(self._of("ROUTE"))
        trees = self._unique(self._of("DECISION_TREE"))
        if routes and trees:
            self._report(
                "mixed",
                "ROUTE and DECISION_TREE stand in one policy, expected one of them",
                trees[0].at,
            )
        rules = rules_of(
            routes, trees, templates, _assigned(entrypoints, self.recipe), self.findings.append
        )
        policy = Policy(
            signals=signals,
            groups=tuple(self._group(b, signals) for b in self._unique(partitions)),
            scores=scores,
            mappings=tuple(mappings),
            templates=templates,
            rules=rules,
            models=self._declared("MODEL"),
            backends=self._declared("BACKEND"),
            agents=self._declared("AGENT"),
            grants=self._declared("GRANT"),
            tests=tuple(t for block in self._of("TEST") for t in self._tests(block)),
            settings=self._settings(),
            session={b.name: self._fields(b) for b in self._of("SESSION_STATE")},
            entrypoints=entrypoints,
            recipe=self.recipe,
        )  # fmt: skip
        return policy, self.findings

    def _scope(self, program: Program, recipe: str | None) -> tuple[str | None, list[Block]]:
        """Return the recipe that is read, and the blocks that count for it."""
        outside = [b for b in program.blocks if b.kind != "RECIPE"]
        inner = {b.name: b for b in program.blocks if b.kind == "RECIPE"}
        if recipe is not None and recipe not in inner:
            known = ", ".join(inner) or "it has none"
            message = f"given the recipe {recipe!r:.60}, expected one of: {known}"
            self._report("unknown_recipe", message, Place(1, 1))
            return recipe, outside
        if not inner:
            return None, outside
        if recipe is None:
            named = (_text_field(b, "recipe") for b in outside if b.kind == "ENTRYPOINT")
            recipe = next(
                (n for n in named if n in inner),
                "default" if "default" in inner else next(iter(inner)),
            )
        for block in inner[recipe].blocks:
            if block.kind == "ENTRYPOINT":
                self._report(
                    "misplaced",
                    "ENTRYPOINT stands in a RECIPE, expected outside of it",
                    block.at,
                )
        kept = [b for b in inner[recipe].blocks if b.kind != "ENTRYPOINT"]
        return recipe, [*outside, *kept]

    def _of(self, kind: str, type_: str | None = None) -> list[Block]:
        return [b for b in self.blocks if b.kind == kind and type_ in (None, b.type)]

    def _unique(self, blocks: Iterable[Block]) -> list[Block]:
        """Return blocks without those whose name stands twice, and tell of these."""
        seen: dict[str, Block] = {}
        for block in blocks:
            other = seen.setdefault(
                f"{block.type if block.kind == 'SIGNAL' else ''}:{block.name}", block
            )
            if other is not block:
                what = f"{block.kind} {block.type} {block.name}".replace("  ", " ")
                self._report(
                    "duplicate", f"{what} stands twice, first at {other.at}", block.at, block.name
                )
        return list(seen.values())

    def _signals(self) -> dict[str, Signal]:
        for block in self._of("PROJECTION"):
            if block.type not in ("partition", "score", "mapping"):
                given = f"given PROJECTION {block.type}, expected partition, score or mapping"
                self._report("unknown_type", given, block.at, block.name)
        signals = (
            Signal(type=b.type, name=b.name, fields=self._fields(b), at=b.at)
            for b in self._unique(self._of("SIGNAL"))
        )
        return {signal.key: signal for signal in signals}

    def _metrics(self) -> list[Signal]:
        """Return a signal for each metric of a knowledge base that a score reads: a plug-in computes it."""
        found: dict[str, Signal] = {}
        for block in self._of("PROJECTION", "score"):
            for given in self._entries(block, "inputs", tell=False):
                if _is_metric(given):
                    name = _metric_name(given)
                    fields: Plain = {k: v for k, v in given.items() if k in ("kb", "metric")}
                    found.setdefault(
                        name, Signal(type="kb_metric", name=name, fields=fields, at=block.at)
                    )
        return list(found.values())

    def _score(self, block: Block) -> Score:
        fields = self._fields(block)
        if fields.get("method", "weighted_sum") != "weighted_sum":
            self._wrong(block, "method", fields["method"], '"weighted_sum"')
        terms = tuple(
            t for given in self._entries(block, "inputs") if (t := self._term(block, given))
        )
        return Score(name=block.name, terms=terms, at=block.at)

    def _term(self, block: Block, given: Plain) -> Term | None:
        weight = given.get("weight", 1.0)
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            self._wrong(block, "weight", weight, "a number")
            return None
        source = given.get("value_source", "fires")
        if source not in _SOURCES:
            self._wrong(block, "value_source", source, " or ".join(_SOURCES))
            return None
        type_ = "kb_metric" if _is_metric(given) else given.get("type")
        name = _metric_name(given) if _is_metric(given) else given.get("name")
        if not isinstance(type_, str) or not isinstance(name, str):
            self._wrong(block, "inputs", given, "{ type, name, weight }")
            return None
        return Term(signal=f"{type_}:{name}", weight=float(weight), source=_SOURCES[source])  # type: ignore[arg-type]

    def _bands(self, block: Block) -> Bands:
        fields = self._fields(block)
        if fields.get("method", "threshold_bands") != "threshold_bands":
            self._wrong(block, "method", fields["method"], '"threshold_bands"')
        calibration = fields.get("calibration")
        slope = calibration.get("slope", 10.0) if isinstance(calibration, dict) else 10.0
        if isinstance(slope, bool) or not isinstance(slope, int | float):
            self._wrong(block, "slope", slope, "a number")
            slope = 10.0
        source = fields.get("source")
        if not isinstance(source, str):
            self._wrong(block, "source", source, "the name of a score")
        bands = tuple(
            b for given in self._entries(block, "outputs") if (b := self._band(block, given))
        )
        return Bands(
            name=block.name, source=str(source), bands=bands, slope=float(slope), at=block.at
        )

    def _band(self, block: Block, given: Plain) -> Band | None:
        name = given.get("name")
        ends = {end: given[end] for end in _ENDS if end in given}
        numbers = all(isinstance(e, int | float) and not isinstance(e, bool) for e in ends.values())
        if not isinstance(name, str) or not numbers:
            self._wrong(block, "outputs", given, "{ name, gte, lt } with numbers")
            return None
        return Band(name=name, **{end: float(number) for end, number in ends.items()})

    def _group(self, block: Block, signals: Mapping[str, Signal]) -> Group:
        fields = self._fields(block)
        given = fields.get("members")
        if not isinstance(given, list) or not given or not all(isinstance(m, str) for m in given):
            self._wrong(block, "members", given, "a list of signals' names")
            given = []
        members = [key for name in given if (key := self._member(block, name, signals))]
        if len(set(members)) < len(members):
            self._report(
                "duplicate", f"a member of {block.name} stands twice", block.at, block.name
            )
        default = fields.get("default")
        key = self._member(block, default, signals) if isinstance(default, str) else None
        temperature = fields.get("temperature", 1.0)
        if isinstance(temperature, bool) or not isinstance(temperature, int | float):
            self._wrong(block, "temperature", temperature, "a number")
            temperature = 1.0
        return Group(
            name=block.name,
            members=tuple(dict.fromkeys(members)),
            default=key,
            semantics=str(fields.get("semantics", "exclusive")),
            temperature=float(temperature),
            at=block.at,
        )

    def _member(self, block: Block, name: str, signals: Mapping[str, Signal]) -> str | None:
        """Return the key of the signal that a group names without its type."""
        if name in signals:
            return name
        keys = [signal.key for signal in signals.values() if signal.name == name]
        fit = [key for key in keys if key.startswith(("domain:", "embedding:"))] or keys
        if len(fit) == 1:
            return fit[0]
        if fit:
            message = f"{block.name} names {name!r:.60}, which is {' and '.join(fit)}"
            self._report("ambiguous", message, block.at, block.name, hint='write "type:name"')
            return fit[0]
        told = len(self.findings) >= _MOST_HINTS
        known = [] if told else [s.name for s in signals.values()]
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else ""
        message = f"{block.name} names the signal {name!r:.60}, which is not declared"
        self._report("unknown_signal", message, block.at, block.name, hint=hint)
        return None

    def _template(self, block: Block) -> Plugin:
        return Plugin(
            type=plugin_type(block.type),
            template=block.name,
            fields=self._fields(block),
            at=block.at,
        )

    def _declared(self, kind: str) -> dict[str, Declared]:
        return {
            block.name: Declared(
                name=block.name,
                type=block.type,
                fields=self._fields(block),
                when=self._when(block),
                at=block.at,
            )
            for block in self._unique(self._of(kind))
        }

    def _when(self, block: Block) -> Condition | None:
        """Return the WHEN of an AGENT or a GRANT; of several the first."""
        said = [item for item in block.body if isinstance(item, Statement)]
        for item in said[1:]:
            message = f"WHEN stands twice in {block.kind} {block.name}, first at {said[0].at}"
            self._report("duplicate", message, item.at, block.name, hint="join them with AND or OR")
        given: Any = said[0].value if said else None
        return cast("Condition | None", given)

    def _tests(self, block: Block) -> list[Test]:
        return [
            Test(
                block=block.name,
                query=case.query,
                expected=case.expected,
                options=plain_fields(case.options, self.findings.append),
                at=case.at,
            )
            for case in block.cases
        ]

    def _settings(self) -> Plain:
        """Return the fields of GLOBAL, and those of ROUTING that it does not set."""
        settings: Plain = {}
        for kind in ("GLOBAL", "ROUTING"):
            blocks = self._of(kind)
            for block in blocks[1:]:
                message = f"{kind} stands twice, first at {blocks[0].at}"
                self._report("duplicate", message, block.at)
            if blocks:
                own = self._fields(blocks[0])
                self._global(blocks[0], own)
                settings = own | settings
        return settings

    def _global(self, block: Block, given: Plain) -> None:
        """Tell of fields that would say how rules are ordered or who answers, and do not."""
        where = block.name or block.kind
        for key, value in given.items():
            at = next(f.at for f in block.fields if f.key == key)
            if key == "strategy" and value not in _STRATEGIES:
                expected = " or ".join(_STRATEGIES)
                self._report(
                    "wrong_value", f"{where} strategy: given {value!r:.60}, expected {expected}", at
                )
            elif key == "default_model" and not (isinstance(value, str) and value.strip()):
                self._report(
                    "wrong_value",
                    f"{where} {key}: given {value!r:.60}, expected a model's name",
                    at,
                )
            elif key not in _SETTINGS:
                close = difflib.get_close_matches(key, _SETTINGS, n=1, cutoff=0.75)
                message = f"{where}: `{key:.60}` is no setting here"
                hint = f"did you mean {close[0]!r}?" if close else ""
                self._report(
                    "unknown_field", message, at, hint=hint, severity="error" if close else "note"
                )

    def _entrypoint(self, block: Block) -> Plain:
        return ({"name": block.name} if block.name else {}) | self._fields(block)

    def _fields(self, block: Block) -> Plain:
        return plain_fields(block.fields, self.findings.append)

    def _entries(self, block: Block, key: str, *, tell: bool = True) -> list[Plain]:
        """Return a field that is a list of fields in braces."""
        silent: Callable[[Finding], None] = lambda _: None  # noqa: E731 told where the block itself is read
        given = plain_fields(block.fields, silent).get(key)
        if isinstance(given, list) and given and all(isinstance(entry, dict) for entry in given):
            return given
        if tell:
            self._wrong(block, key, given, "a list of { ... }")
        return []

    def _wrong(self, block: Block, key: str, given: Any, expected: str) -> None:
        at = next((f.at for f in block.fields if isinstance(f, Field) and f.key == key), block.at)
        shown = "nothing" if given is None else repr(given)[:60]
        self._report(
            "wrong_value", f"{block.name} {key}: given {shown}, expected {expected}", at, block.name
        )

    def _report(
        self,
        code: str,
        message: str,
        at: Place,
        *names: str,
        hint: str = "",
        severity: Severity = "error",
    ) -> None:
        self.findings.append(
            Finding(code=code, message=message, severity=severity, at=at, names=names, hint=hint)
        )


def _assigned(entrypoints: Iterable[Plain], recipe: str | None) -> Assigned:
    """Return the models that entry points give to rules: the first that speaks of a rule counts."""
    found: Assigned = {}
    for entry in entrypoints:
        if recipe is not None and entry.get("recipe", recipe) != recipe:
            continue
        given = entry.get("assignments")
        for assignment in given if isinstance(given, list) else ():
            if isinstance(assignment, dict) and isinstance(assignment.get("decision"), str):
                models = assignment.get("models")
                chosen = (
                    [m for m in models if isinstance(m, dict)] if isinstance(models, list) else []
                )
                found.setdefault(assignment["decision"], chosen)
    return found


def _is_metric(given: Plain) -> bool:
    """Return whether a score's input is a metric of a knowledge base, in either of the ways in which it is written."""
    return given.get("type") == "kb_metric" or (given.get("type") == "kb" and "metric" in given)


def _metric_name(given: Plain) -> str:
    return f"{given.get('kb', '')}:{given.get('metric', '')}"


def _text_field(block: Block, key: str) -> str | None:
    value = next((field.value for field in block.fields if field.key == key), None)
    return str(value) if isinstance(value, str) else None
