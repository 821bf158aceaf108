"""What would change if turns were decided otherwise: sums over the comparisons, and the report. Pure values."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from app.evaluate.tables import table

__all__ = ["markdown", "summary"]

SHOWN = 25
_LIMITS = """\
- Each turn is decided from the state in which it really began: what other answers would have made of the dialogue is
  not known.
- Prices and qualities are predictions of the configuration in question, for both sides. Nothing was called.
- What agents spend on models of their own is in no prediction.
- Which grants a caller had, and which deployments were resting, is not stored: the masks are those of now."""


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the sums over comparisons, each as `Compared.plain` gives it."""
    changed = [row for row in rows if row["change"] != "same"]
    both = [row for row in rows if row["then_usd"] is not None and row["now_usd"] is not None]
    judged = [
        row for row in rows if row["then_quality"] is not None and row["now_quality"] is not None
    ]
    moves = Counter((row["then"]["id"], row["now"]["id"]) for row in changed)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "turns": len(rows),
        "changed": len(changed),
        "by_change": dict(Counter(row["change"] for row in rows).most_common()),
        "moves": [{"then": a, "now": b, "turns": n} for (a, b), n in moves.most_common(SHOWN)],
        "spent_usd": sum(row["spent_usd"] or 0.0 for row in rows),
        "model_turns": len(both),
        "then_usd": sum(row["then_usd"] for row in both),
        "now_usd": sum(row["now_usd"] for row in both),
        "judged_turns": len(judged),
        "then_quality": _mean([row["then_quality"] for row in judged]),
        "now_quality": _mean([row["now_quality"] for row in judged]),
    }


def markdown(report: dict[str, Any]) -> str:
    """Return the text of the report."""
    under = ", ".join(f"{name} {value}" for name, value in report["under"].items() if value)
    share = report["changed"] / report["turns"] if report["turns"] else 0.0
    parts = [
        f"# What would change\n\n{report['date']}, {report['turns']} stored turns, decided again under {under}. "
        f"{report['changed']} ({share:.1%}) would go to somebody else.",
        table(("change", "turns"), list(report["by_change"].items())),
        "## Price and quality\n\n"
        f"Of turns for which a price is predicted on both sides ({report['model_turns']} of {report['turns']}):\n\n"
        + table(
            ("", "then", "now"),
            [
                ("price, USD", *(_usd(report[side], report) for side in ("then_usd", "now_usd"))),
                ("quality", _shown(report["then_quality"]), _shown(report["now_quality"])),
            ],
        )
        + f"\n\nReally spent on all turns: {report['spent_usd']:.6f} USD.",
    ]
    if report["moves"]:
        moves = [(m["then"], m["now"], m["turns"]) for m in report["moves"]]
        parts.append("## Who loses turns to whom\n\n" + table(("then", "now", "turns"), moves))
    changed = [row for row in report["turns_compared"] if row["change"] != "same"][:SHOWN]
    if changed:
        rows = [
            (row["thread"], row["turn"], row["then"]["id"], row["now"]["id"], row["reason"])
            for row in changed
        ]
        heads = ("thread", "turn", "then", "now", "because")
        parts.append(f"## The first {len(rows)} of them\n\n" + table(heads, rows))
    if report["unread_threads"]:
        parts.append(f"{len(report['unread_threads'])} threads are damaged and were left out.")
    parts.append("## What this does not tell\n\n" + _LIMITS)
    return "\n\n".join(parts) + "\n"


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _usd(value: float, report: dict[str, Any]) -> str:
    return f"{value:.6f}" if report["model_turns"] else "-"


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
