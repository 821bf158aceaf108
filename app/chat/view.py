"""What a person reads in the terminal: answers as Markdown, the quiet line under each, and the tables of the commands.

It draws values and asks nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from app.chat.turn import Ended
from graphs.record import explain

QUIET = "dim"


def money(usd: float | None) -> str:
    """Return an amount as a person reads it; an unknown one says so."""
    if usd is None:
        return "price unknown"
    if usd == 0:
        return "$0"
    return f"${usd:.4f}" if usd >= 0.001 else f"${usd:.6f}"


def quiet_line(ended: Ended) -> Text:
    """Return who answered, why, what it cost and how long it took."""
    record = ended.record
    unpriced = any(call["ok"] and call["cost_usd"] is None for call in record.get("calls") or ())
    took = (record.get("timings_ms") or {}).get("total")
    parts = [
        ended.served_by["id"],
        explain(record) if record else "",
        money(None if unpriced else record.get("cost_usd", 0.0)),
        "" if took is None else f"{took:,.0f} ms" if took < 1000 else f"{took / 1000:.1f} s",
    ]
    return Text(" · ".join(part for part in parts if part), style=QUIET)


def answer(text: str) -> Markdown:
    """Return an answer, drawn."""
    return Markdown(text, hyperlinks=False)


def why(record: Mapping[str, Any] | None) -> RenderableType:
    """Return a decision record, drawn."""
    if not record:
        return Text("No turn yet.")
    agents, models = record["agents"], record["models"]
    parts: list[RenderableType] = [
        _facts(
            {
                "turn": f"{record['turn']} of thread {record['thread']}",
                "phase": f"{record['phase_from']} → {record['phase_to'] or '…'}, event {record['event']}",
                "agents": agents["reason"] or "not asked: the holder of the floor goes on",
                "model": models["reason"] if models else "not asked: an agent answered",
                "degraded": record["degraded"],
                "error": record["error"],
            }
        )
    ]
    if agents["considered"]:
        scores = [(row["id"], f"{row['score']:.3f}") for row in agents["considered"]]
        parts.append(_table("agents considered", ("agent", "cosine"), scores))
    if models and models["frontier"]:
        parts.append(_frontier(models))
    if masked := [*agents["masked"], *(models["masked"] if models else ())]:
        reasons = [(row["candidate"], row["reason"]) for row in masked]
        parts.append(_table("masked", ("candidate", "because"), reasons))
    if record["runs"]:
        runs = [(r["agent"], r["event"], r["reason"], f"{r['ms']:.0f} ms") for r in record["runs"]]
        parts.append(_table("agents run", ("agent", "outcome", "because", "time"), runs))
    if record["calls"]:
        parts.append(_calls(record["calls"]))
    parts.append(_facts(_costs(record)))
    return Group(*parts)


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
    return _table(title, ("model", "quality", "price", "closeness"), rows)


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
    return _table("calls", ("model", "result", "tokens", "cost", "time"), rows)


def _costs(record: Mapping[str, Any]) -> dict[str, str | None]:
    best = record["always_best"]
    timings = ", ".join(f"{step} {ms:.1f}" for step, ms in record["timings_ms"].items())
    versions = ", ".join(f"{k} {v}" for k, v in record["versions"].items() if v)
    return {
        "cost": money(record["cost_usd"]),
        "always best": f"{best['id']}, {money(best['cost_usd'])}" if best else None,
        "time in ms": timings,
        "versions": versions,
        "decision": record["id"],
    }


def agents_table(rows: Iterable[tuple[str, str, str]]) -> Table:
    """Return the agents: id, description, and why one may not serve."""
    return _table("agents", ("agent", "what it does", "masked because"), rows)


def models_table(rows: Iterable[tuple[str, str, str, str]]) -> Table:
    """Return the models: id, prices, window, and why one may not serve."""
    return _table("models", ("model", "USD in / out per M", "window", "masked because"), rows)


def facts(pairs: Mapping[str, str | None]) -> Table:
    """Return names and values, those without a value left out."""
    return _facts(pairs)


def _facts(pairs: Mapping[str, str | None]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style=QUIET)
    table.add_column()
    for name, value in pairs.items():
        if value:
            table.add_row(name, Text(str(value)))
    return table


def _table(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table(
        title=title, title_justify="left", title_style=QUIET, box=None, padding=(0, 2, 0, 0)
    )
    for column in columns:
        table.add_column(column, style=None, header_style=QUIET)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def make_console(*, stderr: bool = False) -> Console:
    """Return a console that follows the terminal's abilities; a dumb one or a pipe gets plain text."""
    return Console(stderr=stderr, highlight=False, soft_wrap=False)
