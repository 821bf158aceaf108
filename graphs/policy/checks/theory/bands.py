"""What is known of bands: where they lie apart one excludes another, and which can hold for which signals of the score.

A score is a weighted sum of values between 0 and 1. Where all of them are just whether signals fire, it is known from
these; where a confidence counts, it lies between two ends, and what follows from them is under assumptions.
"""

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from graphs.policy.checks.atoms import Atoms
from graphs.policy.checks.sureness import is_sharp, is_sure
from graphs.policy.policy import Band, Policy, Score, Signal, Term
from graphs.policy.projections import summed

__all__ = ["overlap", "reach", "write_bands"]

_MOST_SIGNALS = 8
"""Of a score, for which each case is written: 2 to this power of them."""


@dataclass(frozen=True, slots=True)
class Range:
    """Where a score can lie, both ends included."""

    low: float
    high: float
    exact: bool = True
    """Whether it is known from which signals fire, so that both ends are the score."""

    def meets(self, band: Band) -> bool:
        """Return whether a score of the range can lie in `band`."""
        if self.exact:
            return band.holds(self.low)
        slack = 1e-9  # sums of floats
        return (
            (band.gte is None or self.high + slack >= band.gte)
            and (band.gt is None or self.high + slack > band.gt)
            and (band.lt is None or self.low - slack < band.lt)
            and (band.lte is None or self.low - slack <= band.lte)
        )


def write_bands(policy: Policy, atoms: Atoms, *, plugged: Collection[str] = ()) -> None:
    """Write what is known of the bands of all mappings."""
    for mapping in policy.mappings:
        literals = [(band, atoms.raw(f"projection:{band.name}")) for band in mapping.bands]
        for (one, first), (two, second) in itertools.combinations(literals, 2):
            if not overlap(one, two):
                atoms.oracle.fact([-first, -second])
        if _covers(mapping.bands):
            atoms.oracle.fact(literal for _, literal in literals)
        score = policy.scores.get(mapping.source)
        if score is not None and score.terms:
            _write_cases(score, _known(policy, plugged), literals, atoms)


def _known(policy: Policy, plugged: Collection[str]) -> Mapping[str, Signal]:
    """Return the signals of whose scores something is known."""
    return {key: signal for key, signal in policy.signals.items() if key not in plugged}


def _write_cases(
    score: Score, signals: Mapping[str, Signal], bands: Sequence[tuple[Band, int]], atoms: Atoms
) -> None:
    """Say for each way in which the score's signals can fire which bands can hold."""
    for fires, found in _cases(score, signals):
        literals = {key: atoms.literal(key) for key in fires}
        case = [-literals[key] if fired else literals[key] for key, fired in fires.items()]
        add = atoms.oracle.fact if found.exact else atoms.oracle.assume
        for band, literal in bands:
            if found.exact:
                add([*case, literal if found.meets(band) else -literal])
            elif not found.meets(band):
                add([*case, -literal])


def _cases(score: Score, signals: Mapping[str, Signal]) -> Iterator[tuple[dict[str, bool], Range]]:
    keys = list(dict.fromkeys(term.signal for term in score.terms))
    if len(keys) > _MOST_SIGNALS:
        yield {}, reach(score)
        return
    for fired in itertools.product((False, True), repeat=len(keys)):
        fires = dict(zip(keys, fired, strict=True))
        yield fires, _range(score.terms, signals, fires)


def _range(terms: Sequence[Term], signals: Mapping[str, Signal], fires: dict[str, bool]) -> Range:
    lows, highs, exact = [], [], True
    for term in terms:
        least, most = _value(term, signals.get(term.signal), fires[term.signal])
        exact &= least == most
        ends = term.weight * least, term.weight * most
        lows.append(min(ends))
        highs.append(max(ends))
    return Range(summed(lows), summed(highs), exact)


def _value(term: Term, signal: Signal | None, fires: bool) -> tuple[float, float]:
    """Return the least and the greatest value of a term before its weight."""
    if term.source == "fires" or (signal is not None and is_sharp(signal)):
        return (1.0, 1.0) if fires else (0.0, 0.0)
    if fires:
        return (1.0, 1.0) if signal is not None and is_sure(signal) else (0.0, 1.0)
    return (0.0, 0.0) if term.source == "confidence" else (0.0, 1.0)


def reach(score: Score) -> Range:
    """Return between which ends a score lies whatever the input."""
    weights = [term.weight for term in score.terms]
    low, high = summed(w for w in weights if w < 0), summed(w for w in weights if w > 0)
    return Range(low, high, exact=False)


def _edges(band: Band) -> tuple[tuple[float, int], tuple[float, int]]:
    """Return a band's ends, each with a side: an end that is left out lies a little further inside."""
    lows = [(band.gte, 0), (band.gt, 1)]
    highs = [(band.lte, 0), (band.lt, -1)]
    low = max(((v, side) for v, side in lows if v is not None), default=(float("-inf"), 0))
    high = min(((v, side) for v, side in highs if v is not None), default=(float("inf"), 0))
    return low, high


def overlap(one: Band, two: Band) -> bool:
    """Return whether some score lies in both bands; of a band with itself, whether any lies in it."""
    (low, high), (low_2, high_2) = _edges(one), _edges(two)
    return max(low, low_2) <= min(high, high_2) and low <= high and low_2 <= high_2


def _covers(bands: Sequence[Band]) -> bool:
    """Return whether each number lies in a band."""
    reached: tuple[float, int] = (float("-inf"), -1)
    for low, high in sorted(map(_edges, bands)):
        if low > high:
            continue
        if low > (reached[0], reached[1] + 1) and low[0] != float("-inf"):
            return False
        reached = max(reached, high)
    return reached[0] == float("inf")
