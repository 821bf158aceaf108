"""What a person reads in the chat: answers as Markdown, the quiet line under each, and a decision record.

It draws values and asks nothing.
"""

from collections.abc import Iterable, Mapping
from itertools import dropwhile
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.markdown import Markdown
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from agents.contract import OutcomeEvent
from app.view import QUIET, facts, money, signals_table, table
from graphs.machine import TRANSITIONS, Event, Phase
from graphs.record import step_told
from graphs.spoken import Ended

_GAVE_BACK = frozenset({OutcomeEvent.DECLINED, OutcomeEvent.FAILED, OutcomeEvent.HAND_OVER})
_WON = {
    Event.START: "fits best",
    Event.SWITCH: "fits better than the one before",
    Event.STAY: "keeps the floor",
}


class _Answer(Markdown):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw without the empty line that rich puts before a list or a table, even if it comes first."""
        return dropwhile(
            lambda part: part == Segment.line(), super().__rich_console__(console, options)
        )


def answer(text: str) -> Markdown:
    """Return an answer, drawn, with its lines broken where they were: models write verse so."""
    drawn = _Answer(text, hyperlinks=False)
    for block in drawn.parsed:
        for token in block.children or ():
            if token.type == "softbreak":
                token.type = "hardbreak"
    return drawn


def quiet_line(ended: Ended) -> Text:
    """Return who answered, why in a few words, what it cost and how long it took."""
    record = ended.record
    took = (record.get("timings_ms") or {}).get("total")
    parts = [
        ended.served_by["id"],
        _because(record) if record else "",
        step_told(record) or "",
        money(record["cost_usd"]) if record else "",
        "" if took is None else f"{took:,.0f} ms" if took < 1000 else f"{took / 1000:.1f} s",
    ]
    return Text(" · ".join(part for part in parts if part), style=QUIET)


def _because(record: Mapping[str, Any]) -> str:
    """Return why it was that one, in a few words; `why` has all of them."""
    agents, models, served = record["agents"], record["models"], record["served_by"] or {}
    words = [
        f"{run['agent']} {run['event']}" for run in record["runs"] if run["event"] in _GAVE_BACK
    ]
    if served == {"kind": "router", "id": "policy"}:
        return f"rule {(record.get('policy') or {}).get('rule')}"
    if record["degraded"]:
        words.append("routing failed, /why says how")
    elif agents["decision"] == Event.NONE:
        nearest = agents["considered"][:1]
        words += [f"no agent fits (nearest: {row['id']})" for row in nearest] or [
            "no agent may serve"
        ]
    elif served.get("kind") == "agent":
        words.append(_WON.get(agents["decision"], "goes on"))
    if served.get("kind") == "model" and models and len(models["order"]) > 1:
        words.append(f"first of {len(models['order'])} for {models['preference']}")
    if served.get("kind") == "model" and record["phase_to"] == Phase.AWAITING_INPUT:
        words.append("the question before still waits")
    return ", ".join(words)


def _unrouted(record: Mapping[str, Any]) -> str:
    """Return why no agent was looked for."""
    stopped = record["event"] == Event.NEW_REQUEST and not record["phase_to"]
    return "the turn has not ended" if stopped else "the holder of the floor goes on"


def _instead(record: Mapping[str, Any]) -> str:
    """Return what took the place of a model."""
    served = record["served_by"]
    if served is None:
        return "the turn has not ended"
    if served["kind"] != "router":
        return "an agent answered"
    return {"clarify": "you were asked which agent is meant"}.get(
        served["id"], "the router answered"
    )


def why(record: Mapping[str, Any] | None) -> RenderableType:
    """Return a decision record, drawn."""
    if not record:
        return Text("No turn has been decided yet.")
    agents, models = record["agents"], record["models"]
    parts: list[RenderableType] = [
        facts(
            {
                "turn": f"{record['turn']} of thread {record['thread']}",
                "phase": f"{record['phase_from']} → {record['phase_to'] or '… (not ended)'}, event {record['event']}",
                "agents": agents["reason"] or f"not asked: {_unrouted(record)}",
                "model": models["reason"] if models else f"not asked: {_instead(record)}",
                "policy": _policy(record),
                "another model": step_told(record),
                "degraded": record["degraded"],
                "error": record["error"],
            }
        )
    ]
    if audit := (record.get("policy") or {}).get("audit"):
        parts.append(signals_table(audit))
    if agents["considered"]:
        scores = [(row["id"], f"{row['score']:.3f}") for row in agents["considered"]]
        parts.append(table("agents considered", ("agent", "probability"), scores))
    if models and models["frontier"]:
        parts.append(_frontier(models))
    if masked := [*agents["masked"], *(models["masked"] if models else ())]:
        reasons = [(row["candidate"], row["reason"]) for row in masked]
        parts.append(table("masked", ("candidate", "because"), reasons))
    if record["runs"]:
        runs = [(r["agent"], r["event"], r["reason"], f"{r['ms']:.0f} ms") for r in record["runs"]]
        parts.append(table("agents run", ("agent", "outcome", "because", "time"), runs))
    if checked := record.get("checked"):
        parts.append(_checked(checked))
        parts.append(facts(_checked_costs(checked)))
    if record["calls"]:
        parts.append(_calls(record["calls"]))
    parts.append(facts(_costs(record)))
    return Group(*(piece for part in parts for piece in (part, Text())))


def _policy(record: Mapping[str, Any]) -> str | None:
    """Return which rule of the policy the turn fell under."""
    said = record.get("policy")
    if not said:
        return None
    if said.get("fault"):
        return f"could not be asked: {said['fault']}"
    doubt = f"; unreadable: {', '.join(said['faults'])}" if said["faults"] else ""
    return f"{said['rule'] or 'no rule holds'}{doubt}, hash {said['hash'][:12]}"


def _frontier(models: Mapping[str, Any]) -> Table:
    rows = [
        (
            f"{'→ ' if row['id'] == models['chosen'] else '  '}{row['id']}",
            f"{row['quality']:.2f} ± {row['uncertainty']:.2f}",
            money(row["cost_usd"]),
            f"{row['closeness']:.3f}",
        )
        for row in models["frontier"]
    ]
    title = f"frontier for {models['kind']} ({models['quality_is']} quality)"
    return table(title, ("model", "quality", "price", "closeness"), rows)


def _checked(checked: Mapping[str, Any]) -> Table:
    """Return the answers of a checked turn, in the order of asking, and what each check said of them."""
    rows = []
    for asked in checked.get("steps") or ():
        checks = [
            f"{check['check']}: {check['said']}"
            + ("" if check["probability"] is None else f" ({check['probability']:.2f})")
            for check in asked["checks"]
        ]
        sure = asked["confidence"]
        rows.append(
            (
                f"{'→ ' if asked['shown'] else '  '}{asked['model']}",
                f"{asked['predicted']:.2f}",
                "; ".join(checks) or asked["error"] or "no check had a word to say",
                "" if sure is None else f"{sure:.2f}",
                money(asked["cost_usd"]),
                f"{asked['ms']:.0f} ms",
            )
        )
    columns = ("model", "predicted", "checks", "best answer holds", "cost", "time")
    return table("checked answers", columns, rows)


def _checked_costs(checked: Mapping[str, Any]) -> dict[str, str | None]:
    return {
        "stopped because": checked.get("stopped"),
        "answers not shown": money(checked.get("unshown_usd")),
        "checks": money(checked.get("checks_usd")),
    }


def _calls(calls: Iterable[Mapping[str, Any]]) -> Table:
    rows = [
        (
            call["model"],
            call["error"] or "ok",
            f"{call['input_tokens']} in, {call['output_tokens']} out",
            money(call["cost_usd"]),
            f"{call['ms']:.0f} ms",
        )
        for call in calls
    ]
    return table("calls", ("model", "result", "tokens", "cost", "time"), rows)


def _costs(record: Mapping[str, Any]) -> dict[str, str | None]:
    best = record["always_best"]
    timings = ", ".join(f"{step} {ms:.1f}" for step, ms in record["timings_ms"].items())
    versions = ", ".join(f"{k} {str(v)[:16]}" for k, v in record["versions"].items() if v)
    return {
        # What a turn that has not ended cost is not in its record yet.
        "cost": money(record["cost_usd"]) if record["phase_to"] else None,
        "always best": f"{best['id']}, {money(best['cost_usd'])}" if best else None,
        "time in ms": timings,
        "versions": versions,
        "decision": record["id"],
    }


def phases(current: str) -> RenderableType:
    """Return the phases of the dialogue, the current one marked, and where events lead from it."""
    ways: dict[Phase, list[str]] = {}
    for event in Event:
        ways.setdefault(TRANSITIONS[Phase(current), event], []).append(event.value)
    rows = [
        ("→" if phase == current else " ", phase.value, ", ".join(ways.get(phase, ())))
        for phase in Phase
    ]
    return table("phases", ("", "phase", f"reached from {current} by"), rows)
