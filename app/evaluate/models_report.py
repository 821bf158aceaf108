"""The report on model routers as Markdown, from the same values that are written as JSON. It measures nothing."""

from typing import Any

from app.evaluate.curves import LABEL, MOMA
from app.evaluate.tables import table
from app.evaluate.two_models import PUBLISHED

__all__ = ["markdown"]

_LIMITS = """\
- The outcomes were recorded: nothing was called, nothing was graded anew, and latency and failures are not in them.
- Fitted and held-out queries come from the same data sets. What a router does on other kinds of query is not measured.
- Rows are split at random: near-duplicates may stand on both sides of a split, which flatters whatever remembers rows.
- The intervals are over queries; they do not tell how the figures would move with other models or other splits.
- Costs are those recorded, a query at a time: no conversation, no cached prefix, no retry.
- AIQ depends on the set of routers compared, all of them named in the table; do not compare it with another table's.
- RouterArena's score is taken on this pool and these queries. It is no rank on its leaderboard, whose systems bring
  pools of their own."""


def markdown(report: dict[str, Any]) -> str:
    """Return the text of the report."""
    parts = [
        "# Model routers on recorded outcomes",
        _head(report),
        "## Score and cost",
        _explained(report),
        _routers(report),
        "![score against cost](curves.png)",
        "## How far predictions can be trusted",
        "Squared error and calibration error (15 bins) over all queries and models; how often the mean score of a "
        "group of about forty queries alike lies in its 90 % interval; and the mean stated deviation.",
        _calibration(report),
        "![reliability](reliability.png)",
    ]
    if report["two_models"]:
        parts += ["## Two models", _two_models(report), "![strong calls](strong_calls.png)"]
    if report["left_out"]:
        parts += ["## Models left out of training", _left_out(report), "![left out](left_out.png)"]
    parts += ["## Time", _times(report), "## What was not measured", _LIMITS]
    return "\n\n".join(parts) + "\n"


def _head(report: dict[str, Any]) -> str:
    data, settings = report["data"], report["settings"]
    files = ", ".join(f"`{file['name']}` (sha256 {file['sha256'][:12]})" for file in data["files"])
    return (
        f"{report['date']}. {files}: {data['queries']:,} queries, {data['models']} models, "
        f"{data['datasets']} data sets. Encoder {settings['encoder']}. {settings['folds']}-fold cross-validation, "
        f"{settings['repeats']} times; every figure is on rows that the router was not fitted on."
    )


def _explained(report: dict[str, Any]) -> str:
    best = report["best_single"]
    return (
        f"Best single model: {best['model']}, {best['score']:.4f} at {best['cost_usd']:.3g} USD a query. "
        "Area: the mean of the best score so far over costs from the cheapest model's to the best single's. Cost at "
        "best: the least cost, relative to the best single model's, at its score (QNC). In brackets 95 % bootstrap "
        "intervals over queries. MoMA ahead: the interval of its area less this router's, on the same draws. "
        f"`{MOMA}` runs at preferences from 0 to 1; all other estimators under quality - weight x predicted cost. "
        f"The {LABEL} knows the data set of each query, which no router is told."
    )


def _routers(report: dict[str, Any]) -> str:
    rows = []
    for name, router in report["routers"].items():
        measured, ranges = router["measures"], router["intervals"]
        ahead = router["moma_ahead"]
        rows.append(
            [
                f"**{name}**" if name == MOMA else name,
                _with_range(measured["area"], ranges["area"]),
                _with_range(
                    measured["cost_at_best_single"], ranges["cost_at_best_single"], digits=2
                ),
                _number(measured["max_score"]),
                *(_number(measured[key]) for key in ("score_at_10", "score_at_25", "score_at_50")),
                "" if router["aiq"] is None else _number(router["aiq"]),
                _number(measured["arena"]),
                _percent(measured["gain_over_best_single"]),
                _percent(measured["gap_to_oracle"]),
                "" if name == MOMA else f"{_signed(ahead['low'])} to {_signed(ahead['high'])}",
            ]
        )
    heads = [
        "router", "area", "cost at best", "highest score", "at 10 % of cost", "at 25 %", "at 50 %", "AIQ",
        "Arena", "over best", "below oracle", "MoMA ahead",
    ]  # fmt: skip
    return table(heads, rows)


def _calibration(report: dict[str, Any]) -> str:
    rows = [
        [
            name,
            f"{one['squared_error']:.4f}",
            f"{one['calibration_error']:.3f}",
            f"{one['coverage_90']:.0%}",
            f"{one['deviation']:.3f}",
        ]
        for name, one in report["calibration"].items()
    ]
    heads = ["estimator", "squared error", "calibration error", "90 % intervals hold", "deviation"]
    return table(heads, rows)


def _two_models(report: dict[str, Any]) -> str:
    families = report["two_models"]
    keys = ("APGR", "CPT50", "CPT80")
    heads = ["router", *(f"{family}: {key}" for family in families for key in keys)]
    routers = list(next(iter(families.values())))
    rows = [
        [name, *(f"{families[f][name][key]:.3f}" for f in families for key in keys)]
        for name in routers
    ]
    published = [f"{name} {value}" for name, value in PUBLISHED.items() if name in families]
    said = (
        f" RouteLLM publishes APGR {', '.join(published)} for its own routers." if published else ""
    )
    return (
        "RouteLLM's measures: the average part of the gap between the models that is recovered over all shares of "
        "strong calls (0.5 at random), and the share of strong calls that recovers half and four fifths of it."
        f"{said}\n\n"
    ) + table(heads, rows)


def _left_out(report: dict[str, Any]) -> str:
    left_out = report["left_out"]
    rows = [
        [
            name,
            *(
                _number(one[key])
                for key in ("area", "area_over_zero", "cost_at_best_single", "reached")
            ),
        ]
        for name, one in left_out["routers"].items()
    ]
    heads = ["router", "area", "area over zero", "cost at best", "share of trials that reach it"]
    return (
        f"{left_out['trials']} trials. In each, {left_out['models']} models are left out of training and are the "
        f"whole pool; they are known by {left_out['labelled']} labelled queries. Means over trials; cost at best is "
        "over the trials that reach it. `clairvoyant` is the default estimator fitted on those models with all "
        "rows.\n\n"
    ) + table(heads, rows)


def _times(report: dict[str, Any]) -> str:
    rows = [
        [name, f"{one['fit_s']:.1f}", f"{1e3 * one['query_s']:.3f}"]
        for name, one in report["seconds"].items()
    ]
    said = "Means over folds, one process, whatever else the machine did; embedding is not in them."
    return f"{said}\n\n" + table(["estimator", "fit, s", "prediction, ms a query"], rows)


def _number(value: float | None) -> str:
    return "not reached" if value is None else f"{value:.4f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{round(value, 3) + 0.0:+.1%}"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.4f}"


def _with_range(value: float | None, ends: dict[str, float | None], *, digits: int = 4) -> str:
    if value is None:
        return "not reached"
    low, high = (
        "never" if end is None else f"{end:.{digits}f}" for end in (ends["low"], ends["high"])
    )
    return f"{value:.{digits}f} [{low}, {high}]"
