"""The decision record: one JSON-plain account of a turn, from the event it was to what it really cost.

It is written in steps while the turn runs, each step returning a new record. It holds no user text, and what agents and
errors say in it is redacted.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from graphs.masks import Refusal
from graphs.redaction import redact, redact_fields
from graphs.routing.choice import Ranked

Record = dict[str, Any]


def begin(
    *, thread: str | None, turn: int, phase: str, event: str, versions: Mapping[str, Any]
) -> Record:
    """Return the record of a turn that begins."""
    return {
        "id": uuid.uuid4().hex,
        "ts": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "thread": thread,
        "turn": turn,
        "phase_from": str(phase),
        "event": str(event),
        "phase_to": None,
        "agents": {
            "decision": None, "agent": None, "p_fit": None, "reason": "", "considered": [], "masked": [],
        },
        "models": None,
        "policy": None,
        "stepped": None,
        "served_by": None,
        "runs": [],
        "calls": [],
        "checked": None,
        "cost_usd": 0.0,
        "always_best": None,
        "degraded": None,
        "error": None,
        "timings_ms": {},
        "versions": dict(versions),
    }  # fmt: skip


def with_agents(
    record: Record,
    *,
    decision: str,
    agent: str | None,
    reason: str,
    considered: Sequence[tuple[str, float]] = (),
    masked: Sequence[Refusal] = (),
    p_fit: float | None = None,
) -> Record:
    """Return the record with the decision over the agents; an earlier one of the turn is kept under `earlier`."""
    before = record["agents"]
    now = {
        "decision": str(decision),
        "agent": agent,
        "p_fit": None if p_fit is None else round(p_fit, 4),
        "reason": reason,
        "considered": [{"id": i, "score": round(score, 4)} for i, score in considered],
        "masked": [refusal.plain() for refusal in masked],
    }
    if before["decision"] is not None:
        now["earlier"] = [
            *before.get("earlier", ()),
            {k: before[k] for k in ("decision", "agent", "reason")},
        ]
    return {**record, "agents": now}


def with_models(
    record: Record,
    *,
    order: Sequence[str],
    frontier: Sequence[Ranked],
    masked: Sequence[Refusal],
    preference: str | float,
    reason: str,
    kind: str | None = None,
    nearness: float | None = None,
    far: bool = False,
    measured: bool = False,
    wanted: Mapping[str, str] | None = None,
    region: int | None = None,
    profile: str | None = None,
    corrections: Mapping[str, float] | None = None,
    canary: tuple[str, float] | None = None,
) -> Record:
    """Return the record with the choice of a model.

    `wanted` is the model that would have been chosen if there were the money for it, and why there is not;
    `corrections` is by how much feedback moved predicted qualities, `canary` the model that a turn
    which looks beyond the first choice takes, with the quality that the profile predicted of it.
    """
    models = {
        "preference": preference,
        "kind": kind,
        "nearness": None if nearness is None else round(nearness, 4),
        "far": far,
        "quality_is": "measured" if measured else "assumed",
        "frontier": [
            {
                "id": r.option.id,
                "quality": round(r.option.quality, 4),
                "uncertainty": round(r.option.uncertainty, 4),
                "cost_usd": r.option.cost_usd,
                "closeness": round(r.closeness, 4),
            }
            for r in frontier
        ],
        "masked": [refusal.plain() for refusal in masked],
        "order": list(order),
        "chosen": order[0] if order else None,
        "wanted": dict(wanted) if wanted else None,
        "region": region,
        "profile": profile,
        "correction": {
            r.option.id: round(corrections[r.option.id], 4)
            for r in frontier
            if corrections and r.option.id in corrections
        }
        or None,
        "canary": canary is not None,
        "beyond": {"id": canary[0], "predicted": round(canary[1], 4)} if canary else None,
        "fallback": list(order[1:]),
        "reason": reason,
    }
    return {**record, "models": models}


def with_run(
    record: Record,
    *,
    agent: str,
    event: str,
    reason: str,
    ms: float,
    calls: Sequence[Mapping[str, Any]],
) -> Record:
    """Return the record with one agent's run."""
    run = {"agent": agent, "event": str(event), "reason": redact(reason), "ms": round(ms, 2)}
    return with_calls({**record, "runs": [*record["runs"], run]}, calls)


def with_calls(record: Record, calls: Sequence[Mapping[str, Any]]) -> Record:
    """Return the record with what calls to models cost; None as soon as one price is not known."""
    every = [*record["calls"], *calls]
    costs = [call["cost_usd"] for call in every]
    return {**record, "calls": every, "cost_usd": None if None in costs else sum(costs, 0.0)}


def with_step(record: Record, *, served: str, costs_usd: Mapping[str, float | None]) -> Record:
    """Return the record with the step from the model that was wanted to the one that served, if there was one.

    Args:
        record: with its calls.
        served: who answered.
        costs_usd: what a typical call costs of each of them, None if it is not known.
    """
    models = record["models"]
    # A turn that an earlier release began has no such key.
    wanted = models.get("wanted") or {"id": models["chosen"], "reason": ""}
    if wanted["id"] in (None, served):
        return record
    failed = [c["error"] for c in record["calls"] if c["model"] == wanted["id"] and c["error"]]
    before, after = costs_usd.get(wanted["id"]), costs_usd.get(served)
    direction = "aside"  # where a price is not known, or both are the same
    if before is not None and after is not None and before != after:
        direction = "down" if after < before else "up"
    step = {
        "from": wanted["id"],
        "to": served,
        "direction": direction,
        "reason": wanted["reason"] or (failed[-1] if failed else ""),
    }
    return {**record, "stepped": step}


def step_told(record: Mapping[str, Any]) -> str | None:
    """Return the step of a turn to another model than the wanted one, as a person reads it."""
    step = record.get("stepped")
    if not step:
        return None
    return f"stepped {step['direction']} from {step['from']} to {step['to']}: {step['reason']}"


def checking_told(event: Mapping[str, Any]) -> str | None:
    """Return what an event of a checked turn tells, as a person reads it; None where it is not worth a line."""
    if event.get("event") == "asked":
        return f"asking {event['model']}"
    if event.get("event") == "checked":
        said = "; ".join(f"{check['check']}: {check['said']}" for check in event["checks"])
        return f"{event['model']} {event['confidence']:.2f}" + (f" ({said})" if said else "")
    return None


def with_time(record: Record, step: str, ms: float) -> Record:
    """Return the record with the milliseconds of a step, summed over the turn."""
    timings = dict(record["timings_ms"])
    timings[step] = round(timings.get(step, 0.0) + ms, 3)
    return {**record, "timings_ms": timings}


def finish(record: Record, *, phase: str, always_best: Mapping[str, Any] | None) -> Record:
    """Return the record of a turn that ended in `phase`."""
    elapsed = datetime.now(UTC) - datetime.fromisoformat(record["ts"])
    timed = with_time(record, "total", 1e3 * elapsed.total_seconds())
    redacted: Record = redact_fields(timed)
    return {
        **redacted,
        "phase_to": str(phase),
        "always_best": dict(always_best) if always_best else None,
    }


def explain(record: Record) -> str:
    """Return in a few words who answered, or is to answer, and why."""
    gave_back = ("declined", "failed", "hand_over")
    reasons = [f"{r['agent']}: {r['reason']}" for r in record["runs"] if r["event"] in gave_back]
    reasons.append(record["agents"]["reason"])
    if _is_a_models(record):
        reasons += [_why_model(record), step_told(record) or ""]
    return "; ".join(reason for reason in reasons if reason) or str(record["event"])


def _is_a_models(record: Record) -> bool:
    """Return whether a model answered, or is to: a turn that runs or is only decided has been served by nobody."""
    if served := record["served_by"]:
        return bool(served.get("kind") == "model")
    return bool(record["models"]) and not record["agents"]["agent"]


def _why_model(record: Record) -> str:
    account = record.get("checked") or {}
    if asked := ", ".join(step["model"] for step in account.get("steps", ())):
        return f"asked in turn and checked: {asked}; {account['stopped']}"
    return str((record["models"] or {}).get("reason", ""))


def is_refused(record: Mapping[str, Any]) -> bool:
    """Return whether nothing could serve the turn, and the router said so."""
    return (record.get("served_by") or {}).get("id") == "refuse"


def troubles(record: Record) -> list[str]:
    """Return what went wrong on the way to the answer, a line each: failed agents, failed routing, another model."""
    failed = [
        f"{r['agent']} failed: {r['reason']}" for r in record["runs"] if r["event"] == "failed"
    ]
    told = [record["degraded"], step_told(record)]
    return [*failed, *(line for line in told if line)]
