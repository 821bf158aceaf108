"""Writes what was measured as Markdown."""

from datetime import UTC, datetime
from typing import Any

from app.evaluate.tables import table

__all__ = ["agents_markdown"]

CONFUSIONS = 25


def agents_markdown(report: dict[str, Any]) -> str:
    """Return the report on the choice of agents."""
    none = report["none"]
    figures = [
        ("all turns", report["accuracy"]),
        *((f"{kind} turns", share) for kind, share in report["by_kind"].items()),
        ("gold among the first five", report["in_first_five"]),
        ("false switches", report["false_switch"]),
        ("turns that ask", report["asked"]),
        *((f"none: {name.replace('_', ' ')}", value) for name, value in none.items()),
        ("expected calibration error", report["calibration"]["expected_error"]),
        ("decision, ms p50", report["ms"]["p50"]),
        ("decision, ms p95", report["ms"]["p95"]),
    ]
    today = datetime.now(UTC).date()
    parts = [
        f"# Choosing an agent\n\n{today}, {report['turns']} turns, {report['agents']} agents, {report['encoder']}.",
        table(("what", "measured"), [(name, _shown(value)) for name, value in figures]),
        "## Calibration\n",
        table(
            ("turns", "confidence", "accuracy"),
            [(b["turns"], b["confidence"], b["accuracy"]) for b in report["calibration"]["bins"]],
        ),
    ]
    if report["confusion"]:
        rows = [(c["gold"], c["decided"], c["turns"]) for c in report["confusion"][:CONFUSIONS]]
        parts += ["## Confusion\n", table(("belongs to", "decided", "turns"), rows)]
    if report["reworded"]:
        rows = [(r["file"], r["accuracy"], r["same_decision"]) for r in report["reworded"]]
        parts += ["## In other words\n", table(("file", "accuracy", "same decision"), rows)]
    if report["scale"]:
        columns = list(report["scale"][0])
        rows = [tuple(row.values()) for row in report["scale"]]
        parts += ["## Scale\n", table(columns, rows)]
    return "\n\n".join(parts) + "\n"


def _shown(value: float | None) -> str:
    return "-" if value is None else str(value)
