"""The catalogue: which agents and models there are, and the kinds of task that assumed qualities speak of.

It reads and checks; it builds no graph and calls no model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from agents.card import AgentCard, check_id, check_unique, skeleton
from agents.elsewhere.checks import SECRET_NAME, fault_of
from agents.errors import CatalogError
from agents.source import Source, dotted, shown, unknown_key
from graphs.gateway.models import Model
from graphs.machine import RESTING
from graphs.routing.decision import Costs

VERSION = 1
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of task, known by examples of how people ask for it."""

    __pydantic_config__ = _STRICT

    id: str
    examples: tuple[str, ...]
    output_tokens: Annotated[int, Field(gt=0, strict=True)] = 300
    """How long an answer is expected to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """The agents and models that may serve."""

    agents: tuple[AgentCard, ...] = ()
    models: tuple[Model, ...] = ()
    kinds: tuple[Kind, ...] = ()
    default_model: str | None = None
    """Who answers when model routing fails."""
    costs: Costs = field(default_factory=Costs)
    """What a wrong choice of agent costs."""

    @classmethod
    def from_file(cls, path: str | Path, *, setting: str | None = None) -> "Catalog":
        """Read and check a catalogue.

        Args:
            path: of the file.
            setting: what names the file, for the error if it cannot be read; None where no setting does.

        Raises:
            CatalogError: with file, line, key, what was given and what was expected.
        """
        remedy = "give the path of a catalogue" + (f", or set {setting}" if setting else "")
        return cls.from_source(Source.from_file(path, remedy=remedy))

    @classmethod
    def from_source(cls, source: Source) -> "Catalog":
        """Check a parsed catalogue."""
        value = source.value
        if not isinstance(value, dict):
            raise source.fault([], f"given {shown(value)}, expected the keys agents and models")
        known = ("version", "agents", "models", "kinds", "default_model", "costs")
        for key in value:
            if key not in known:
                raise source.fault([key], unknown_key(key, known))
        if value.get("version", VERSION) != VERSION:
            raise source.fault(["version"], f"given {shown(value['version'])}, expected {VERSION}")
        listed: list[Model] = _entries(source, "models", Model)
        catalog = cls(
            agents=tuple(_entries(source, "agents", AgentCard)),
            models=tuple(candidate for model in listed for candidate in model.candidates()),
            kinds=tuple(_entries(source, "kinds", Kind)),
            default_model=value.get("default_model"),
            costs=_costs(source),
        )
        _check_agents(source, catalog.agents)
        _check_models(source, listed, catalog)
        return catalog

    def with_models(self, models: Sequence[Model]) -> "Catalog":
        """Return the catalogue with more models."""
        check_unique([m.id for m in (*self.models, *models)])
        return replace(self, models=(*self.models, *models))


def _entries(source: Source, section: str, kind: type[Any]) -> list[Any]:
    given = source.value.get(section) or []
    if not isinstance(given, list):
        raise source.fault([section], f"given {shown(given)}, expected a list")
    for index, entry in enumerate(given):
        if not isinstance(entry, dict):
            raise source.fault([section, index], f"given {shown(entry)}, expected keys and values")
    checked: list[Any] = source.check(given, list[kind], at=[section])  # type: ignore[valid-type]
    seen: dict[str, int] = {}
    for index, entry in enumerate(checked):
        at: list[str | int] = [section, index, "id"]
        try:
            check_id(entry.id)
        except CatalogError as error:
            raise source.fault(at, str(error)) from None
        other = seen.setdefault(skeleton(entry.id), index)
        if other != index:
            twin = checked[other].id
            what = (
                "given twice"
                if twin == entry.id
                else f"{entry.id!r} is not to be told from {twin!r}"
            )
            raise source.fault(at, f"{what}, first in {dotted([section, other])}; ids must differ")
    return checked


def _costs(source: Source) -> Costs:
    given = source.value.get("costs") or {}
    if not isinstance(given, dict):
        raise source.fault(["costs"], f"given {shown(given)}, expected keys and amounts")
    try:
        return Costs.from_mapping(given)
    except CatalogError as error:
        raise source.fault(["costs"], str(error)) from None


def _check_agents(source: Source, cards: Sequence[AgentCard]) -> None:
    ids = {card.id for card in cards}
    for index, card in enumerate(cards):
        if (fault := fault_of(card)) is not None:
            raise source.fault(["agents", index, *fault[0]], fault[1])
        for other in card.hand_over_to or ():
            if other not in ids:
                raise source.fault(
                    ["agents", index, "hand_over_to"],
                    f"given {shown(other)}, expected the id of an agent",
                )
        if unknown := (card.phases or frozenset()) - RESTING:
            raise source.fault(
                ["agents", index, "phases"],
                f"given {shown(min(unknown))}, expected some of {', '.join(sorted(RESTING))}",
            )


def _check_models(source: Source, listed: Sequence[Model], catalog: Catalog) -> None:
    kinds = {kind.id for kind in catalog.kinds}
    for index, kind in enumerate(catalog.kinds):
        if not kind.examples:
            raise source.fault(["kinds", index, "examples"], "empty; expected at least one example")
    for index, model in enumerate(listed):
        for field_name, variable in (("key", model.key), ("base_url_env", model.base_url_env)):
            if variable and not SECRET_NAME.fullmatch(variable):
                # It may be the secret itself, so it is not shown.
                message = "expected the name of an environment variable, in capitals, not its value"
                raise source.fault(["models", index, field_name], message)
        if model.effort is not None and model.efforts:
            message = "given beside efforts, expected one of the two"
            raise source.fault(["models", index, "effort"], message)
        stated = set(model.quality).union(*(facts.quality for facts in model.efforts.values()))
        if unknown := stated - kinds:
            raise source.fault(
                ["models", index, "quality"],
                f"given {shown(min(unknown))}, expected an entry of kinds: {', '.join(sorted(kinds)) or 'it has none'}",
            )
    ids = [m.id for m in catalog.models]
    try:
        check_unique(ids)
    except CatalogError as error:
        raise source.fault(["models"], f"{error}; an effort's model is called ID-EFFORT") from None
    if catalog.default_model is not None and catalog.default_model not in ids:
        raise source.fault(
            ["default_model"], f"given {shown(catalog.default_model)}, expected the id of a model"
        )
    if catalog.models and catalog.default_model is None:
        raise source.fault(["default_model"], "missing; it names one of the models")
