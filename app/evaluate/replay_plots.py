"""Draws what would change if turns were decided otherwise. It needs the extra `evaluate`."""

from itertools import accumulate
from pathlib import Path
from typing import Any

from app.evaluate.plots import make_figure, save

__all__ = ["draw"]


def draw(report: dict[str, Any], folder: Path) -> None:
    """Write the plots of a report on replayed turns as PNG files."""
    figure, axes = make_figure("turns", "", "What would change")
    kinds = list(report["by_change"].items())[::-1]
    bars = axes.barh([name for name, _ in kinds], [count for _, count in kinds])
    axes.bar_label(bars, padding=3)
    axes.margins(x=0.15)
    save(figure, folder / "changes.png")
    rows = report["turns_compared"]
    both = [row for row in rows if row["then_usd"] is not None and row["now_usd"] is not None]
    if both:
        figure, axes = make_figure("turns that a model answers", "predicted price, USD", "Price")
        for side in ("then", "now"):
            summed = list(accumulate(row[f"{side}_usd"] for row in both))
            axes.plot(range(1, len(both) + 1), summed, label=side)
        axes.legend()
        save(figure, folder / "price.png")
