"""modality, conversation, phase and holder signals: the form of a request and where the dialogue stands.

A request knows how many messages the user wrote and which tools it brings, not the messages of others. Messages without
a role are counted as the user's and as many answers; other roles and tool calls cannot be counted.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from graphs.machine import RESTING, Phase
from graphs.policy.policy import Signal
from graphs.policy.request import Reading, Request
from graphs.policy.signals.family import Family, Kind, Kit, Problem, Read, fired
from graphs.policy.signals.predicate import PREDICATE, predicate, predicate_problems
from graphs.policy.signals.turn import Turn

__all__ = [
    "CONVERSATION",
    "HOLDER",
    "MODALITIES",
    "MODALITY",
    "PHASE",
    "PHASES",
    "RESTING_PHASES",
    "counted",
]

MODALITIES = ("text", "image", "audio", "file")
PHASES = tuple(phase.value for phase in Phase)
RESTING_PHASES = tuple(phase.value for phase in Phase if phase in RESTING)
"""In which a turn can begin."""
Count = Callable[[Request], int]


def _user_messages(request: Request) -> int:
    return request.user_messages or 1 + len(request.previous)


def _all_messages(request: Request) -> int:
    return 2 * _user_messages(request) - 1


def _tools(request: Request) -> int:
    return len(request.tools)


def _content(modality: str) -> Count:
    return lambda request: int(modality in request.modalities)


_CONTENT = {_content(modality): modality for modality in ("image", "audio", "file")}
SOURCES: Mapping[str, Count] = {
    "message": _all_messages,
    "message_count": _all_messages,
    "user_message": _user_messages,
    "tool_definition": _tools,
    **{f"{modality}_content": count for count, modality in _CONTENT.items()},
}


UNTOLD = frozenset({
    "active_tool_loop", "assistant_message", "assistant_tool_call", "assistant_tool_cycle", "system_message",
    "tool_call",
    "tool_result",
})  # fmt: skip
ROLES = frozenset({"assistant", "developer", "non_user", "system", "tool"})
"""With `UNTOLD` what other routers count, and a request here does not tell."""


def _source(feature: Mapping[str, Any]) -> Count | None:
    source = feature.get("source")
    if not isinstance(source, Mapping):
        return None
    role = source.get("role", "")
    if source.get("type") in ("message", "message_count") and role == "user":
        return _user_messages
    return SOURCES.get(source.get("type", "")) if role == "" else None


def counted(signal: Signal) -> str | None:
    """Return what a conversation signal counts: `user`, `all`, `tools` or a modality; None if a request tells none."""
    feature = signal.fields.get("feature")
    count = _source(feature) if isinstance(feature, Mapping) else None
    named = {_user_messages: "user", _all_messages: "all", _tools: "tools", **_CONTENT}
    return named.get(count) if count is not None else None


def _untold(feature: Mapping[str, Any]) -> str | None:
    """Return what a source counts that a request does not tell, None if it is no such source."""
    source = feature.get("source")
    if not isinstance(source, Mapping):
        return None
    kind, role = str(source.get("type", "")), str(source.get("role", ""))
    untold = kind in UNTOLD or (kind in ("message", "message_count") and role in ROLES)
    return f"{kind} {role}".strip() if untold else None


def _conversation_plugin(signal: Signal) -> str | None:
    counted = _untold(signal.fields["feature"])
    return f"needs a classifier: a request does not tell {counted}" if counted else None


def _conversation(signal: Signal, _: Kit) -> Read:
    count = _source(signal.fields["feature"])
    assert count is not None  # it has been checked
    holds = predicate(signal.fields.get("predicate") or {"gt": 0})

    def read(turn: Turn) -> Reading:
        found = count(turn.request)
        return fired(fires := holds(found), float(fires), None, f"{found}")

    return read


def _conversation_problems(signal: Signal) -> Iterator[Problem]:
    feature = signal.fields["feature"]
    kind = feature.get("type")
    if kind not in ("exists", "count"):
        yield Problem("feature", f"its type is {kind!r}, expected exists or count")
    if _source(feature) is None and _untold(feature) is None:
        yield Problem(
            "feature",
            f"a request does not tell {feature.get('source')!r}, expected a source of type {', '.join(SOURCES)}, "
            "with the role 'user' or none",
        )
    yield from predicate_problems(signal, needed=kind == "count", allowed=kind == "count")


def _modality(signal: Signal, _: Kit) -> Read:
    wanted = str(signal.fields.get("modality", signal.name)).casefold()

    def read(turn: Turn) -> Reading:
        fires = wanted in turn.request.modalities
        return fired(fires, float(fires), None, ", ".join(sorted(turn.request.modalities)))

    return read


def _modality_plugin(signal: Signal) -> str | None:
    wanted = str(signal.fields.get("modality", signal.name))
    if wanted.casefold() in MODALITIES:
        return None
    return f"needs a classifier: {wanted!r} is none of {', '.join(MODALITIES)}, which a message is made of"


def _names(field: str) -> Callable[[Signal], list[str]]:
    return lambda signal: list(signal.fields.get(field) or [signal.name])


_phases, _agents = _names("phases"), _names("agents")


def _phase(signal: Signal, _: Kit) -> Read:
    wanted = set(_phases(signal))

    def read(turn: Turn) -> Reading:
        fires = turn.request.phase in wanted
        return fired(fires, float(fires), None, turn.request.phase)

    return read


def _phase_problems(signal: Signal) -> Iterator[Problem]:
    for name in _phases(signal):
        if name not in PHASES:
            yield Problem("phases", f"{name!r} is no phase, expected some of {', '.join(PHASES)}")


def _holder(signal: Signal, _: Kit) -> Read:
    wanted = set(_agents(signal))

    def read(turn: Turn) -> Reading:
        fires = turn.request.holder in wanted
        return fired(fires, float(fires), None, turn.request.holder or "nobody")

    return read


MODALITY = Family(fields={"modality": Kind.TEXT}, prepare=_modality, plugin=_modality_plugin)
CONVERSATION = Family(
    fields={"feature": Kind.FIELDS, "predicate": PREDICATE},
    required=frozenset({"feature"}),
    prepare=_conversation,
    problems=_conversation_problems,
    plugin=_conversation_plugin,
)
PHASE = Family(fields={"phases": Kind.TEXTS}, prepare=_phase, problems=_phase_problems)
HOLDER = Family(fields={"agents": Kind.TEXTS}, prepare=_holder)
