"""The families of signals by their type. It reads nothing itself."""

from collections.abc import Mapping
from types import MappingProxyType

from graphs.policy.policy import Signal
from graphs.policy.signals.caller import AUTHZ, GRANT
from graphs.policy.signals.complexity import COMPLEXITY, LEVELS
from graphs.policy.signals.dialogue import CONVERSATION, HOLDER, MODALITY, PHASE
from graphs.policy.signals.domain import DOMAIN
from graphs.policy.signals.embedding import EMBEDDING, PREFERENCE, REASK
from graphs.policy.signals.family import Family, Kind, Kit, Read
from graphs.policy.signals.feedback import FACT_CHECK, USER_FEEDBACK
from graphs.policy.signals.jailbreak import JAILBREAK
from graphs.policy.signals.keyword import KEYWORD
from graphs.policy.signals.language import LANGUAGE
from graphs.policy.signals.length import CONTEXT, LENGTH
from graphs.policy.signals.metadata import EVENT, METADATA
from graphs.policy.signals.pii import PII
from graphs.policy.signals.structure import STRUCTURE
from graphs.policy.signals.times import TIME

__all__ = ["FAMILIES", "keys_of"]


def _unread(signal: Signal, _: Kit) -> Read:
    raise LookupError(f"{signal.key} is read by a classifier only")


def _outside(fields: Mapping[str, Kind]) -> Family:
    return Family(
        fields=fields, prepare=_unread, plugin=lambda signal: f"needs a classifier: nothing here reads {signal.type}"
    )  # fmt: skip


FAMILIES: Mapping[str, Family] = MappingProxyType({
    "authz": AUTHZ,
    "classifier": _outside({
        "type": Kind.TEXT, "model": Kind.TEXT, "model_path": Kind.TEXT, "labels": Kind.TEXTS, "label": Kind.TEXT,
        "instructions": Kind.TEXT, "use_cpu": Kind.FLAG, "threshold": Kind.SHARE,
    }),
    "complexity": COMPLEXITY,
    "context": CONTEXT,
    "conversation": CONVERSATION,
    "domain": DOMAIN,
    "embedding": EMBEDDING,
    "event": EVENT,
    "fact_check": FACT_CHECK,
    "grant": GRANT,
    "holder": HOLDER,
    "jailbreak": JAILBREAK,
    "kb": _outside({"kb": Kind.TEXT, "target": Kind.FIELDS, "match": Kind.TEXT, "threshold": Kind.SHARE}),
    "kb_metric": _outside({"kb": Kind.TEXT, "metric": Kind.TEXT}),
    "keyword": KEYWORD,
    "language": LANGUAGE,
    "length": LENGTH,
    "metadata": METADATA,
    "modality": MODALITY,
    "phase": PHASE,
    "pii": PII,
    "preference": PREFERENCE,
    "reask": REASK,
    "structure": STRUCTURE,
    "time": TIME,
    "user_feedback": USER_FEEDBACK,
})  # fmt: skip


def keys_of(signal: Signal) -> tuple[str, ...]:
    """Return the keys under which a signal is read: its own, and those of its levels."""
    if signal.type == "complexity":
        return (signal.key, *(f"{signal.key}:{level}" for level in LEVELS))
    return (signal.key,)
