"""Draws what was measured. It needs the extra `evaluate`."""

from pathlib import Path
from typing import Any

from agents.errors import SettingsError

try:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
except ImportError as error:
    raise SettingsError(
        "plots need matplotlib, the extra `evaluate` of this project: install it, or pass --no-plots"
    ) from error

__all__ = ["draw", "make_figure", "save"]


def draw(report: dict[str, Any], folder: Path) -> None:
    """Write the plots of a report on the choice of agents as PNG files."""
    bins = report["calibration"]["bins"]
    figure, axes = make_figure("confidence", "accuracy", "Calibration")
    axes.plot([0, 1], [0, 1], color="0.8")
    axes.plot([b["confidence"] for b in bins], [b["accuracy"] for b in bins], marker="o")
    save(figure, folder / "calibration.png")
    figure, axes = make_figure(
        "share of turns, the surest first", "share of wrong ones", "Coverage and risk"
    )
    points = report["coverage_risk"]
    axes.plot([p["coverage"] for p in points], [p["risk"] for p in points])
    save(figure, folder / "coverage_risk.png")
    if report["scale"]:
        figure, axes = make_figure("agents", "decision, ms p50", "Scale")
        axes.plot(
            [r["agents"] for r in report["scale"]],
            [r["ms_p50"] for r in report["scale"]],
            marker="o",
        )
        axes.set_xscale("log")
        save(figure, folder / "scale.png")


def make_figure(x: str, y: str, title: str) -> tuple[Any, Any]:
    """Return a figure with one pair of axes, labelled."""
    figure = Figure(figsize=(5, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set(xlabel=x, ylabel=y, title=title)
    return figure, axes


def save(figure: Any, path: Path) -> None:
    """Write a figure as PNG."""
    figure.savefig(path, dpi=120)
