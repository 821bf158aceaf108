"""The decision in a response's headers, and beside OpenAI's fields in its body. Headers hold one plain line each.

An id that is not ASCII is percent-encoded, as in a URL.
"""

from collections.abc import Mapping
from string import punctuation
from typing import Any
from urllib.parse import quote

from graphs.record import explain

__all__ = ["decision_headers", "extension"]

_LONGEST = 300
"""Characters of a reason."""
_KEPT = punctuation.replace("%", "")


def decision_headers(record: Mapping[str, Any], *, phase: str = "") -> dict[str, str]:
    """Return the headers that tell of a decision, as far as it is known.

    Args:
        record: of the turn, from the decision on.
        phase: in which the turn ended; empty while it runs.
    """
    if not record:
        return {}
    served = record.get("served_by") or _chosen(record)
    cost = record.get("cost_usd")
    told = {
        "decision-id": record["id"],
        "stage": phase or served.get("kind", ""),
        "agent": _encoded(served["id"]) if served.get("kind") == "agent" else "",
        "model": _encoded(served["id"]) if served.get("kind") == "model" else "",
        "reason": explain(dict(record))[:_LONGEST],
        "cost-usd": f"{cost:.9f}" if phase and cost is not None else "",
    }
    return {f"x-moma-{name}": _plain(value) for name, value in told.items() if value}


def extension(record: Mapping[str, Any], *, phase: str, debug: bool) -> dict[str, Any]:
    """Return what stands under `moma` in a body: the end of the turn, or the whole record."""
    if not record:
        return {"phase": phase}
    told = {
        "decision_id": record["id"],
        "phase": phase,
        "served_by": record.get("served_by"),
        "cost_usd": record.get("cost_usd"),
        "stepped": record.get("stepped"),
        "awaiting_approval": phase == "awaiting_approval",
    }
    return {**told, "record": dict(record)} if debug else told


def _chosen(record: Mapping[str, Any]) -> Mapping[str, str]:
    """Return who is to serve."""
    if agent := (record.get("agents") or {}).get("agent"):
        return {"kind": "agent", "id": agent}
    if model := (record.get("models") or {}).get("chosen"):
        return {"kind": "model", "id": model}
    return {"kind": "router", "id": ""}


def _encoded(name: str) -> str:
    return quote(name, safe=_KEPT)


def _plain(text: str) -> str:
    """Return `text` as a header can hold it: one line of Latin-1."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line.encode("latin-1", "replace").decode("latin-1")
