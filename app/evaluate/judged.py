"""What is measured of decisions against gold agents. Pure numbers; it reads no file and draws nothing."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graphs.replay import Step

__all__ = ["Judged", "judge", "summary"]

BINS = 10
NONE = "(none)"
PRECISION = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A decision beside the agent that the turn belonged to."""

    gold: str | None
    step: Step
    kind: str
    """`first`, `switch` or `continue`: where the gold agent stands to the one before."""
    trusted: bool
    """The decision on the turn before was right."""

    @property
    def right(self) -> bool:
        """Whether the decision was the gold one."""
        return self.step.agent == self.gold


def judge(gold: Sequence[str | None], steps: Sequence[Step]) -> Iterator[Judged]:
    """Yield each turn of one conversation with its kind."""
    before, trusted = None, True
    for n, (agent, step) in enumerate(zip(gold, steps, strict=True)):
        kind = "first" if n == 0 else "switch" if agent != before else "continue"
        judged = Judged(gold=agent, step=step, kind=kind, trusted=trusted)
        yield judged
        before, trusted = agent, judged.right


def summary(turns: Sequence[Judged]) -> dict[str, Any]:
    """Return the figures over `turns`: by kind, confusion, calibration, coverage and risk of none."""
    kinds = ("first", "switch", "continue")
    by_kind = {kind: _share([t.right for t in turns if t.kind == kind]) for kind in kinds}
    kept = [t for t in turns if t.kind == "continue" and t.trusted]
    times = sorted(t.step.ms for t in turns)
    return {
        "turns": len(turns),
        "accuracy": _share([t.right for t in turns]),
        "by_kind": by_kind,
        "counts": dict(Counter(t.kind for t in turns)),
        "false_switch": _share([not t.right for t in kept]),
        "asked": _share([t.step.decision == "ask" for t in turns]),
        "in_first_five": _share(
            [t.gold in [i for i, _ in t.step.ranked] for t in turns if t.gold is not None]
        ),
        "none": _none(turns),
        "calibration": _calibration(turns),
        "coverage_risk": _coverage_risk(turns),
        "confusion": _confusion(turns),
        "ms": {"p50": _quantile(times, 0.5), "p95": _quantile(times, 0.95)},
    }


def _share(hits: Sequence[bool]) -> float | None:
    return round(sum(hits) / len(hits), 4) if hits else None


def _quantile(ordered: Sequence[float], q: float) -> float | None:
    return round(ordered[min(int(q * len(ordered)), len(ordered) - 1)], 2) if ordered else None


def _none(turns: Sequence[Judged]) -> dict[str, float | None]:
    said = [t.gold is None for t in turns if t.step.agent is None]
    found = [t.step.agent is None for t in turns if t.gold is None]
    return {
        "precision": _share(said),
        "recall": _share(found),
        f"recall_at_precision_{PRECISION}": _recall_at(turns),
    }


def _recall_at(turns: Sequence[Judged]) -> float | None:
    total = sum(t.gold is None for t in turns)
    if not total:
        return None
    ordered = sorted(turns, key=lambda t: -t.step.p_none)
    found, best = 0, 0.0
    for n, turn in enumerate(ordered, 1):
        found += turn.gold is None
        last = n == len(ordered) or ordered[n].step.p_none != turn.step.p_none
        if last and found / n >= PRECISION:
            best = max(best, found / total)
    return round(best, 4)


def _confidence(step: Step) -> float:
    """Return the probability that the router itself gave to its decision."""
    return step.p_none if step.agent is None else dict(step.ranked).get(step.agent, 0.0)


def _calibration(turns: Sequence[Judged]) -> dict[str, Any]:
    bins: list[list[Judged]] = [[] for _ in range(BINS)]
    for turn in turns:
        bins[min(int(_confidence(turn.step) * BINS), BINS - 1)].append(turn)
    rows, gaps = [], 0.0
    for members in (b for b in bins if b):
        confidence = sum(_confidence(t.step) for t in members) / len(members)
        accuracy = sum(t.right for t in members) / len(members)
        gaps += len(members) * abs(confidence - accuracy)
        rows.append(
            {
                "turns": len(members),
                "confidence": round(confidence, 4),
                "accuracy": round(accuracy, 4),
            }
        )
    return {"expected_error": round(gaps / max(len(turns), 1), 4), "bins": rows}


def _coverage_risk(turns: Sequence[Judged]) -> list[dict[str, float]]:
    """Return, for the surest part of the turns, how large a part it is and the share of wrong ones in it."""
    ordered = sorted(turns, key=lambda t: -_confidence(t.step))
    points, wrong = [], 0
    for n, turn in enumerate(ordered, 1):
        wrong += not turn.right
        if n % max(1, len(ordered) // 50) == 0 or n == len(ordered):
            points.append({"coverage": round(n / len(ordered), 4), "risk": round(wrong / n, 4)})
    return points


def _confusion(turns: Iterable[Judged]) -> list[dict[str, Any]]:
    pairs = Counter((t.gold or NONE, t.step.agent or NONE) for t in turns if not t.right)
    return [
        {"gold": gold, "decided": decided, "turns": count}
        for (gold, decided), count in sorted(pairs.items(), key=lambda p: (-p[1], p[0]))
    ]
