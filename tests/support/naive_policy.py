"""A policy's decision in the plainest way, from the syntax tree: for tests to compare the real one with.

It shares no code with `graphs.policy` beyond the tree and the readings. It reads a condition anew each time, looks for
blocks by searching, and orders all rules that hold; the order is that of METHODS.md, 3.3, as published in code.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphs.policy.request import Reading
from graphs.policy.syntax import (
    And,
    Block,
    Condition,
    Fields,
    Item,
    Not,
    Or,
    PluginUse,
    Program,
    Reference,
    Statement,
)

__all__ = ["Outcome", "decide"]


@dataclass(frozen=True)
class Outcome:
    """Which rule is chosen and what it allows; None leaves it open."""

    rule: str | None
    models: list[str] | None = None
    agents: list[str] | None = None
    close: bool = False
    """Whether confidences were so near to each other that rounding may decide."""


def decide(program: Program, readings: Mapping[str, Reading]) -> Outcome:
    """Return what a program says of readings of its signals."""
    return _Turn(program, readings).outcome()


def _field(fields: Fields, key: str, otherwise: Any = None) -> Any:
    return next((f.value for f in fields if f.key == key), otherwise)


def _said(body: tuple[Item, ...], keyword: str, otherwise: Any) -> Any:
    values = [i.value for i in body if isinstance(i, Statement) and i.keyword == keyword]
    return values[0] if values else otherwise


class _Turn:
    def __init__(self, program: Program, readings: Mapping[str, Reading]) -> None:
        self.blocks = program.blocks
        self.base = readings

    def outcome(self) -> Outcome:
        for tree in self.of("DECISION_TREE"):
            for number, branch in enumerate(tree.branches, 1):
                if branch.when is None or self.holds(branch.when):
                    name = _said(branch.body, "NAME", f"{tree.name}__branch_{number:02d}")
                    return self.served(name, branch.body)
        held = [r for r in self.of("ROUTE") if self.holds(_said(r.body, "WHEN", None))]
        if not held:
            default = next((_field(b.fields, "default_model") for b in self.of("GLOBAL")), None)
            return Outcome(None, [default], None) if default else Outcome(None, [], [])
        keys = {r.name: self.place(r, any_tier=any(map(_tier, held))) for r in held}
        best = min(held, key=lambda route: keys[route.name])
        close = any(_near(keys[best.name], keys[r.name]) for r in held if r is not best)
        return self.served(best.name, best.body, close=close)

    def of(self, kind: str, type_: str = "") -> Iterator[Block]:
        for block in self.blocks:
            if block.kind == kind and type_ in ("", block.type):
                yield block

    def served(self, name: str, body: tuple[Item, ...], *, close: bool = False) -> Outcome:
        models = [target.name for target in _said(body, "MODEL", ())]
        tools = [i.fields for i in body if isinstance(i, PluginUse) and i.name == "tools"]
        shut = any(_field(t, "mode") == "none" for t in tools)
        agents = _said(body, "AGENT", () if shut else None)
        return Outcome(
            name, models or None, None if agents is None else [a.name for a in agents], close
        )

    def place(self, route: Block, *, any_tier: bool) -> tuple[Any, ...]:
        condition = _said(route.body, "WHEN", None)
        sure = 0.0 if condition is None else self.confidence(condition)
        priority = _said(route.body, "PRIORITY", 0)
        strategy = next((_field(b.fields, "strategy") for b in self.of("GLOBAL")), None)
        if any_tier:
            return _tier(route), condition is None, -sure, -priority, route.name
        if strategy == "confidence":
            return condition is None, -sure, -priority, route.name
        return -priority, -sure, route.name

    def holds(self, condition: Condition | None) -> bool:
        if condition is None:
            return True
        if isinstance(condition, Reference):
            return self.reading(condition)[0]
        if isinstance(condition, Not):
            return not self.holds(condition.part)
        if isinstance(condition, And):
            return all([self.holds(part) for part in condition.parts])
        return any([self.holds(part) for part in condition.parts])

    def confidence(self, condition: Condition) -> float:
        """Return how sure a condition is that holds."""
        if isinstance(condition, Reference):
            return self.reading(condition)[1]
        if isinstance(condition, Not):
            return 1.0
        if isinstance(condition, And):
            return sum([self.confidence(p) for p in condition.parts]) / len(condition.parts)
        assert isinstance(condition, Or)
        return max([self.confidence(p) for p in condition.parts if self.holds(p)], default=0.0)

    def reading(self, reference: Reference) -> tuple[bool, float]:
        if reference.type == "projection":
            return self.band(reference.name)
        read = self.base[reference.key]
        for group in [*self.of("SIGNAL_GROUP"), *self.of("PROJECTION", "partition")]:
            names = list(_field(group.fields, "members"))
            if reference.type == "embedding" and reference.name in names:
                return self.in_group(group, names, reference.name)
        return read.fires, read.score

    def in_group(self, group: Block, names: list[str], name: str) -> tuple[bool, float]:
        """Return the reading of a member: of those that fire the highest score wins, the first in a tie."""
        all_read = {n: self.base[f"embedding:{n}"] for n in names}
        own = all_read[name].score
        firing = [n for n in names if all_read[n].fires]
        if not firing:
            return name == _field(group.fields, "default"), own
        top = max(all_read[n].score for n in firing)
        winner = next(n for n in firing if all_read[n].score == top)
        if name != winner:
            return False, own
        if _field(group.fields, "semantics", "exclusive") == "softmax_exclusive":
            heat = _field(group.fields, "temperature", 1.0)
            total = sum(math.exp(all_read[n].score / heat) for n in firing)
            return True, math.exp(own / heat) / total
        return True, own

    def band(self, name: str) -> tuple[bool, float]:
        for mapping in self.of("PROJECTION", "mapping"):
            for output in _field(mapping.fields, "outputs"):
                if _field(output, "name") == name:
                    total = self.score(_field(mapping.fields, "source"))
                    slope = _field(_field(mapping.fields, "calibration", Fields()), "slope", 10.0)
                    return self.in_band(output, total, slope)
        raise AssertionError(f"no band {name}")

    def in_band(self, output: Fields, total: float, slope: float) -> tuple[bool, float]:
        inside, ends = True, []
        for end, test in (("gte", total.__ge__), ("lt", total.__lt__)):
            if (value := _field(output, end)) is not None:
                inside = inside and bool(test(float(value)))
                ends.append(abs(total - value))
        distance = min(ends) if inside else -min(ends)
        return inside, 1.0 / (1.0 + math.exp(-slope * distance))

    def score(self, name: str) -> float:
        block = next(b for b in self.of("PROJECTION", "score") if b.name == name)
        total = 0.0
        for given in _field(block.fields, "inputs"):
            fires, score = self.reading(Reference(_field(given, "type"), _field(given, "name")))
            source = _field(given, "value_source", "fires")
            if source == "score":
                value = score
            elif source == "confidence":
                value = score if fires else 0.0
            else:
                value = 1.0 if fires else 0.0
            total += _field(given, "weight") * value
        return round(total, 9)


def _tier(route: Block) -> int:
    return int(_said(route.body, "TIER", 0))


def _near(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    for a, b in zip(one, other, strict=True):
        if isinstance(a, float) and a != b:
            return bool(abs(a - b) < 1e-9)
        if a != b:
            return False
    return False
