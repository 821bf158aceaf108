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

__all__ = ["draw"]


def draw(report: dict[str, Any], folder: Path) -> None:
    """Write the plots of a report on the choice of agents as PNG files."""
    bins = report["calibration"]["bins"]
    figure, axes = _figure("confidence", "accuracy", "Calibration")
    axes.plot([0, 1], [0, 1], color="0.8")
    axes.plot([b["confidence"] for b in bins], [b["accuracy"] for b in bins], marker="o")
    _save(figure, folder / "calibration.png")
    figure, axes = _figure(
        "share of turns, the surest first", "share of wrong ones", "Coverage and risk"
    )
    points = report["coverage_risk"]
    axes.plot([p["coverage"] for p in points], [p["risk"] for p in points])
    _save(figure, folder / "coverage_risk.png")
    if report["scale"]:
        figure, axes = _figure("agents", "decision, ms p50", "Scale")
        axes.plot(
            [r["agents"] for r in report["scale"]],
            [r["ms_p50"] for r in report["scale"]],
            marker="o",
        )
        axes.set_xscale("log")
        _save(figure, folder / "scale.png")


def _figure(x: str, y: str, title: str) -> tuple[Any, Any]:
    figure = Figure(figsize=(5, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set(xlabel=x, ylabel=y, title=title)
    return figure, axes


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=120)
