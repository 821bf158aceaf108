"""What follows from verdicts: quadruples, scores for `fit`, ratings, and how far the judge is to be trusted.

It calls no model. What it cannot tell is whether a judge that agrees with itself is right, where no question has a key.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.profile.call_log import Call
from app.profile.comparing import Pair
from app.profile.graders.key import Code
from app.profile.questions import Question
from app.profile.table import Outcome
from graphs.routing.pair_scores import PairScale
from graphs.routing.preferences import MARGINS, Pairs, Verdict, merged
from graphs.routing.ratings import Rated, bradley_terry, elo

__all__ = ["Judged", "judged_outcomes", "report_of", "told"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A pair with what the judge said in both orders, each of the pair's own first answer."""

    pair: Pair
    forward: Verdict
    backward: Verdict

    @property
    def label(self) -> Verdict:
        """The verdict of both orders."""
        return merged(self.forward, self.backward)

    def plain(self, judge: str) -> dict[str, Any]:
        """Return the line of a pair: the quadruple of the paper, and where it comes from."""
        question = self.pair.question
        return {
            "query": question.query,
            "answer_1": self.pair.answers[0],
            "answer_2": self.pair.answers[1],
            "label": int(self.label),
            "query_id": question.query_id,
            "model_1": self.pair.models[0],
            "model_2": self.pair.models[1],
            "judge": judge,
            "forward": int(self.forward),
            "backward": int(self.backward),
        }


def judged_outcomes(
    judged: Sequence[Judged],
    questions: Sequence[Question],
    models: Sequence[str],
    answers: Mapping[tuple[str, str], Call],
    *,
    usd_a_second: float,
) -> tuple[dict[tuple[str, str], Outcome], PairScale]:
    """Return the score and the cost of each model on each question that was judged, and the scale of the scores."""
    places = {question.query_id: place for place, question in enumerate(questions)}
    pairs = _pairs(judged, places, models)
    scale = PairScale.fit(pairs)
    scores = scale.scores(pairs)
    outcomes = {}
    for query_id in {one.pair.question.query_id for one in judged}:
        for column, model in enumerate(models):
            if (call := answers.get((query_id, model))) is not None:
                cost = call.cost_usd + usd_a_second * (call.compute_s or 0.0)
                score = round(float(scores[places[query_id], column]), 6)
                outcomes[query_id, model] = Outcome(score=score, cost_usd=cost, answer="")
    return outcomes, scale


def report_of(judged: Sequence[Judged], models: Sequence[str], scale: PairScale) -> dict[str, Any]:
    """Return the figures, JSON-plain."""
    places = {one.pair.question.query_id: 0 for one in judged}
    places = {query_id: place for place, query_id in enumerate(places)}
    pairs = _pairs(judged, places, models)
    shares = Counter(one.label for one in judged)
    return {
        "pairs": len(judged),
        "queries": len(places),
        "labels": {verdict.name.lower(): shares[verdict] / len(judged) for verdict in Verdict},
        "orders": _orders([one for one in judged if not one.pair.same]),
        "against_keys": _against_keys(judged),
        "ratings": {
            "bradley_terry": _plain(bradley_terry(pairs), models),
            "elo": _plain(elo(pairs), models),
        },
        "levels": dict(zip(models, scale.level.tolist(), strict=True)),
    }


def told(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a person wants to know of a report, line by line."""
    orders, keys = report["orders"], report["against_keys"]
    shares = ", ".join(f"{name} {share:.0%}" for name, share in report["labels"].items())
    yield f"labels: {shares}"
    if orders["pairs"]:
        low, high = orders["interval"]
        yield (
            f"the two orders name different winners on {orders['contradict']:.0%} of pairs and differ on "
            f"{orders['differ']:.0%}; the answer shown first wins {orders['first_minus_second']:+.0%} more often "
            f"than the second [{low:+.0%}, {high:+.0%}]"
        )
    if keys["pairs"]:
        yield (
            f"of {keys['pairs']} pairs that the key tells apart, the judge agrees on {keys['agree']:.0%}, sees no "
            f"difference on {keys['same']:.0%} and takes the wrong one on {keys['contradict']:.0%}"
        )
    rated = report["ratings"]["bradley_terry"]
    for model, row in sorted(rated.items(), key=lambda item: -item[1]["rating"]):
        yield f"  {model}: {row['rating']:.0f} [{row['low']:.0f}, {row['high']:.0f}] (Bradley-Terry)"


def _pairs(judged: Sequence[Judged], places: Mapping[str, int], models: Sequence[str]) -> Pairs:
    column = {model: place for place, model in enumerate(models)}
    rows = [
        (
            places[one.pair.question.query_id],
            column[one.pair.models[0]],
            column[one.pair.models[1]],
            MARGINS[one.label],
        )
        for one in judged
    ]
    return Pairs.from_rows(rows, queries=len(places), models=len(models))


def _orders(judged: Sequence[Judged]) -> dict[str, Any]:
    """Return how the two orders of a pair compare. What is better in truth cancels in the preference for a place."""
    n = len(judged)
    if not n:
        return {"pairs": 0}
    forward = np.sign([MARGINS[one.forward] for one in judged])
    backward = np.sign([MARGINS[one.backward] for one in judged])
    bias = (forward - backward) / 2
    error = 1.96 * bias.std() / np.sqrt(n)
    return {
        "pairs": n,
        "contradict": float((forward * backward < 0).mean()),
        "differ": float((forward != backward).mean()),
        "first_minus_second": float(bias.mean()),
        "interval": [float(bias.mean() - error), float(bias.mean() + error)],
    }


def _against_keys(judged: Sequence[Judged]) -> dict[str, Any]:
    """Return how the judge stands to the graders; programs are not run for that."""
    agree = same = contradict = equal = equal_same = 0
    for one in judged:
        key = one.pair.question.key
        if key is None or isinstance(key, Code):
            continue
        first, second = (key.grade(text).score for text in one.pair.answers)
        said = int(np.sign(MARGINS[one.label]))
        if first == second:
            equal, equal_same = equal + 1, equal_same + (said == 0)
            continue
        right = 1 if first > second else -1
        agree, same = agree + (said == right), same + (said == 0)
        contradict += said == -right
    n = agree + same + contradict
    share = {"agree": agree / n, "same": same / n, "contradict": contradict / n} if n else {}
    equals = {"equal_pairs": equal, "equal_called_same": equal_same / equal if equal else None}
    return {"pairs": n, **share, **equals}


def _plain(rated: Rated, models: Sequence[str]) -> dict[str, dict[str, float]]:
    columns = zip(models, rated.rating, rated.low, rated.high, rated.error, strict=True)
    names = ("rating", "low", "high", "standard_error")
    return {model: dict(zip(names, map(float, row), strict=True)) for model, *row in columns}
