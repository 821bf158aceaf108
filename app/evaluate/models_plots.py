"""The plots of the report on model routers: score against cost, reliability, share of strong calls, models left out.

It knows no estimator, only curves and numbers, and needs the extra `evaluate` (matplotlib).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agents.errors import SetupError
from agents.extras import how_to_install
from app.evaluate.curves import BEST, CHEAPEST, LABEL, MOMA, ORACLE, RANDOM, Curve
from app.evaluate.held_out import HeldOut
from app.evaluate.measures import Measures
from app.evaluate.metrics import Numbers, reliability
from app.evaluate.two_models import recovery
from graphs.routing.estimators.base import Matrix

__all__ = [
    "need_matplotlib",
    "plot_curves",
    "plot_left_out",
    "plot_reliability",
    "plot_strong_calls",
]

_SIZE = (8.4, 4.8)
_STRONG = {MOMA: "#b2182b", LABEL: "#555555", RANDOM: "#aaaaaa"}
_DASHED = {LABEL: "--", RANDOM: ":"}
_GRID = 200
_FOOT = 0.15
"""The share of the costs, on the logarithm, at which scores may lie below the picture."""


def need_matplotlib() -> None:
    """Check that plots can be drawn.

    Raises:
        SetupError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise SetupError(
            f"the plots need matplotlib, which is not installed: {how_to_install('evaluate')}"
        ) from None


def plot_curves(path: Path, curves: Mapping[str, Curve], *, banded: Sequence[str]) -> None:
    """Draw the best score so far of each router against cost relative to the best single model.

    Args:
        path: of the PNG.
        curves: by router, the references among them.
        banded: the routers that get a band of the middle 95 % of bootstrap draws.
    """
    figure, axes = _figure()
    best, oracle = (curves[name].scores.mean() for name in (BEST, ORACLE))
    unit = float(curves[BEST].costs.mean()) or 1.0
    low = float(curves[CHEAPEST].costs.mean()) / unit
    grid = np.geomspace(max(low, 1e-6), max(1.0, 2 * low), _GRID)
    drawn = [name for name in curves if name not in (BEST, CHEAPEST, ORACLE)]
    lines = {name: _running(curves[name], curves[CHEAPEST], unit, grid) for name in drawn}
    for number, (name, line) in enumerate(lines.items()):
        style: dict[str, Any] = {
            "color": _STRONG.get(name, f"C{number % 10}"),
            "linestyle": _DASHED.get(name, "-" if number <= 10 else "-."),
            "linewidth": 2.4 if name == MOMA else 1.1,
            "zorder": 5 if name == MOMA else 3,
        }
        axes.plot(grid, line, label=name, **style)
        if name in banded:
            band = _band(curves[name], curves[CHEAPEST], unit, grid)
            axes.fill_between(grid, *band, color=style["color"], alpha=0.13, linewidth=0)
    axes.axhline(best, color="black", linewidth=0.8)
    axes.annotate("best single model", (grid[0], best), fontsize=7, va="bottom")
    # What matters lies near the best model; the foot of the curves would press it flat.
    foot = float(np.quantile(lines[MOMA], _FOOT))
    top = max(best, *(float(line.max()) for line in lines.values()))
    axes.set_ylim(foot - 0.02, top + 0.15 * (top - foot) + 0.02)
    axes.set_xscale("log")
    axes.set_xlabel("cost relative to the best single model")
    axes.set_ylabel("mean score")
    axes.set_title(f"Held-out queries; the oracle scores {oracle:.3f}", fontsize=9)
    _finish(figure, axes, path)


def plot_reliability(
    path: Path, estimates: Mapping[str, Matrix], scores: Matrix, *, bins: int = 12
) -> None:
    """Draw the mean outcome against the mean prediction in bins, and how many predictions each bin has."""
    import matplotlib.pyplot as plt

    figure, (axes, counts) = plt.subplots(
        2, 1, figsize=(6.4, 5.6), height_ratios=(4, 1), sharex=True, layout="constrained"
    )
    axes.plot([0, 1], [0, 1], color="black", linewidth=0.8)
    for number, (name, mean) in enumerate(estimates.items()):
        said, happened, held = reliability(mean, scores, bins=bins)
        axes.plot(said, happened, marker="o", markersize=3.5, label=name, color=f"C{number}")
        counts.plot(said, held, marker="o", markersize=2.5, color=f"C{number}", linewidth=1)
    axes.set_ylabel("mean score")
    counts.set_ylabel("predictions")
    counts.set_xlabel("predicted score")
    counts.set_yscale("log")
    _finish(figure, axes, path)


def plot_strong_calls(path: Path, held_out: HeldOut, names: Sequence[str]) -> None:
    """Draw what part of the gap between two models each router recovers, against the share of strong calls."""
    figure, axes = _figure()
    rows = np.arange(len(held_out.recorded))
    for number, name in enumerate(names):
        shares, part = recovery(held_out, held_out.estimates[name].mean, rows)
        axes.plot(shares, part, label=name, color=f"C{number % 10}", linewidth=1.2)
    axes.plot([0, 1], [0, 1], color="#aaaaaa", linestyle=":", label=RANDOM)
    axes.set_xlabel("share of calls to the strong model")
    axes.set_ylabel("recovered part of the gap (PGR)")
    _finish(figure, axes, path)


def plot_left_out(path: Path, trials: Sequence[Mapping[str, Measures]]) -> None:
    """Draw each router's area on models left out of training, a dot a trial and a line for the mean."""
    figure, axes = _figure()
    names = list(trials[0])
    areas = np.array([[trial[name]["area"] for name in names] for trial in trials], np.float64)
    # Trials have pools of their own: what is compared is the distance to ZeroRouter.
    areas -= areas[:, [names.index("zero")]]
    order = areas.mean(axis=0).argsort()
    for place, column in enumerate(order):
        axes.plot(areas[:, column], [place] * len(trials), "o", markersize=3, color="C0", alpha=0.5)
        axes.plot(areas[:, column].mean(), place, "|", markersize=14, color="#b2182b")
    axes.set_yticks(range(len(names)), [names[column] for column in order], fontsize=8)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("area above ZeroRouter, on models left out of training")
    _finish(figure, axes, path, legend=False)


def _figure() -> tuple[Any, Any]:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=_SIZE, layout="constrained")


def _finish(figure: Any, axes: Any, path: Path, *, legend: bool = True) -> None:
    import matplotlib.pyplot as plt

    axes.grid(visible=True, linewidth=0.3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if legend:
        axes.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(path, dpi=160)
    plt.close(figure)


def _running(curve: Curve, cheapest: Curve, unit: float, grid: Numbers) -> Numbers:
    return _best_so_far(
        np.append(curve.costs.mean(axis=0), cheapest.costs.mean()) / unit,
        np.append(curve.scores.mean(axis=0), cheapest.scores.mean()),
        grid,
    )


def _best_so_far(costs: Numbers, scores: Numbers, grid: Numbers) -> Numbers:
    order = np.argsort(costs)
    running: Numbers = np.interp(grid, costs[order], np.maximum.accumulate(scores[order]))
    return running


def _band(
    curve: Curve, cheapest: Curve, unit: float, grid: Numbers, *, draws: int = 200
) -> tuple[Numbers, Numbers]:
    n = len(curve.scores)
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=draws) / n
    costs = np.hstack([weights @ curve.costs, weights @ cheapest.costs]) / unit
    scores = np.hstack([weights @ curve.scores, weights @ cheapest.scores])
    lines = [_best_so_far(c, s, grid) for c, s in zip(costs, scores, strict=True)]
    low, high = np.quantile(lines, (0.025, 0.975), axis=0)
    return low, high
