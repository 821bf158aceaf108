"""What follows from the signals' readings alone: the winner of a group, scores, and the bands of scores.

Pure. A reading that could not be made (`fault`) makes everything unknown that depends on it.
"""

import math
from collections.abc import Iterable

from graphs.policy.conditions import ABSENT
from graphs.policy.policy import Band, Bands, Group, Policy, Score, Term
from graphs.policy.request import Reading, Readings

__all__ = ["Projections", "score_of", "summed"]


class Projections:
    """The groups, scores and bands of a policy, in the order in which they are computed."""

    def __init__(self, policy: Policy) -> None:
        self._groups = policy.groups
        mappings = {mapping.name: mapping for mapping in policy.mappings}
        self._bands = [
            (mapping, policy.scores.get(mapping.source))
            for mapping in (mappings[name] for name in _ordered(policy))
        ]

    def complete(self, readings: Readings) -> Readings:
        """Return the readings with the losers of groups taken out and each band as `projection:NAME`.

        Args:
            readings: of the policy's signals, by key; one that is missing does not fire.
        """
        done = dict(readings)
        for group in self._groups:
            done.update(_settled(group, done))
        for mapping, score in self._bands:
            value = None if score is None else score_of(score, done)
            for band in mapping.bands:
                done[f"projection:{band.name}"] = _in_band(band, mapping, score, value, done)
        return done


def score_of(score: Score, readings: Readings) -> float:
    """Return the weighted sum of a score's terms."""
    return summed(
        term.weight * _value(term, readings.get(term.signal, ABSENT)) for term in score.terms
    )


def summed(parts: Iterable[float]) -> float:
    """Return a sum as people reckon it, to 9 places: three times 0.1 is 0.3, which the end of a band may be."""
    return round(sum(parts), 9)


def _value(term: Term, reading: Reading) -> float:
    if term.source == "score":
        return reading.score
    if not reading.fires:
        return 0.0
    return reading.score if term.source == "confidence" else 1.0


def _settled(group: Group, readings: Readings) -> dict[str, Reading]:
    """Return the readings of a group's members: the best of those that fire wins, the first declared in a tie.

    The winner is the one with the best raw score; `softmax_exclusive` rescales its score to its share among those
    that fired, exp(score / T) normalised, which never changes who wins (arXiv 2603.18174).
    """
    members = [(key, readings.get(key, ABSENT)) for key in group.members]
    if fault := next((reading.fault for _, reading in members if reading.fault), ""):
        why = f"a member of the group {group.name} could not be read: {fault}"
        return {key: Reading(False, r.score, r.threshold, r.detail, why) for key, r in members}
    firing = [(key, reading) for key, reading in members if reading.fires]
    if not firing:
        if group.default is None:
            return {}
        detail = f"the default of the group {group.name}"
        return {
            group.default: Reading(True, readings.get(group.default, ABSENT).score, None, detail)
        }
    winner, best = max(firing, key=lambda pair: pair[1].score)  # the first of equals
    if group.semantics == "softmax_exclusive":
        share = _share(best.score, [r.score for _, r in firing], group.temperature)
        best = Reading(True, share, best.threshold, best.detail)
    settled = {
        key: Reading(False, r.score, r.threshold, f"{winner} wins the group {group.name}")
        for key, r in firing
    }
    return settled | {winner: best}


def _share(best: float, scores: list[float], temperature: float) -> float:
    return 1.0 / sum(math.exp((score - best) / temperature) for score in scores)


def _ordered(policy: Policy) -> list[str]:
    """Return the mappings so that each comes after those whose bands its score reads; those in a cycle are left out."""
    makes = {f"projection:{band.name}": m.name for m in policy.mappings for band in m.bands}
    needs: dict[str, set[str]] = {}
    for mapping in policy.mappings:
        score = policy.scores.get(mapping.source)
        terms = score.terms if score else ()
        needs[mapping.name] = {makes[t.signal] for t in terms if t.signal in makes}
    ordered: list[str] = []
    while ready := [name for name, before in needs.items() if before <= set(ordered)]:
        ordered += ready
        for name in ready:
            del needs[name]
    return ordered


def _in_band(
    band: Band, mapping: Bands, score: Score | None, value: float | None, readings: Readings
) -> Reading:
    if score is None or value is None:
        return ABSENT
    faults = (readings.get(term.signal, ABSENT).fault for term in score.terms if term.weight)
    if fault := next((fault for fault in faults if fault), ""):
        return Reading(False, 0.0, fault=f"the score {score.name} could not be summed: {fault}")
    ends = [end for end in (band.gte, band.gt, band.lt, band.lte) if end is not None]
    nearest = min((abs(value - end) for end in ends), default=math.inf)
    holds = band.holds(value)
    signed = nearest if holds else -nearest
    return Reading(holds, _sigmoid(mapping.slope * signed), None, f"{score.name} {value:.3f}")


def _sigmoid(x: float) -> float:
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-min(x, 700.0)))
    return math.exp(max(x, -700.0)) / (1.0 + math.exp(max(x, -700.0)))
