"""Asks models one after another, and stops when one more answer is not worth its price.

Cascade routing (arXiv 2410.10347): before each call the plans of a few more are weighed, so that the first call is a
route, and each later one an escalation. It reads the answers of the models that it calls and no others. It knows no
more of a text than whether two are equal, and not how a model is called.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from graphs.routing.beliefs import Panel
from graphs.routing.estimators.base import Matrix, Rows
from graphs.routing.joint import Joint
from graphs.routing.lookahead import Lookahead

__all__ = ["DEAREST", "DEPTHS", "Ask", "Course", "normal_answer", "price_of_preference", "run"]

DEAREST = 1e4
"""The quality that a USD must buy as the preference nears 0: a call of 0.0001 USD must settle the matter."""
_PROHIBITIVE = 1e12
_CANDIDATES = 8
DEPTHS = (3, 2)
"""Calls that are looked ahead, before the first and later: an escalation pays by what follows from the answers."""

Ask = Callable[[int, int], str]
"""Calls a model: from the number of the query and the column of the model to the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a query went: the columns `called`, in order, the one whose answer is given, and how sure that answer is."""

    called: tuple[int, ...]
    chosen: int
    confidence: float


@dataclass(slots=True)
class _Talk:
    """What one query has heard: for each answer its place in the beliefs, and who gave it first."""

    called: list[int] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    givers: dict[int, int] = field(default_factory=dict)

    def hear(self, column: int, answer: str, *, new: int) -> int:
        """Note an answer and return its place, `new` where it is the first of its kind, `new + 1` for none."""
        self.called.append(column)
        if not answer:
            return new + 1
        place = self.places.setdefault(answer, new)
        self.givers.setdefault(place, column)
        return place

    def end(self, right: Matrix) -> Course:
        """Return the course, with the answer that is most likely `right` (c,)."""
        best = max(self.givers, key=lambda place: (right[place], -place), default=None)
        if best is None:
            return Course(called=tuple(self.called), chosen=self.called[0], confidence=0.0)
        return Course(
            called=tuple(self.called), chosen=self.givers[best], confidence=float(right[best])
        )


def price_of_preference(preference: float) -> float:
    """Return the quality that a USD must buy, for a preference from 0 (cheapest) to 1 (best).

    It falls by equal factors with equal steps, from `DEAREST` to 1: at 0.5 a call of 0.001 USD must raise the chance of
    a right answer by a tenth, at 1 by a thousandth. At 0 the cheapest of the cascade answers alone.
    """
    return DEAREST ** (1 - preference) if preference > 0 else _PROHIBITIVE


def run(
    joint: Joint,
    quality: Matrix,
    cost: Matrix,
    prices: Matrix,
    ask: Ask,
    *,
    depths: tuple[int, int] = DEPTHS,
) -> list[Course]:
    """Run the cascade for b queries side by side.

    Args:
        joint: how the models answer together.
        quality: what is predicted of each model, (b, m), in the order of `joint.models`.
        cost: what each call is expected to cost in USD, (b, m).
        prices: what a USD must buy for each query, (b,), as `price_of_preference` gives it.
        ask: is called once for each call that the cascade decides on, and for no other.
        depths: calls that are looked ahead, before the first and later.
    """
    chances = joint.chances(quality)
    columns = _candidates(chances @ joint.weights, cost)
    rows = np.arange(len(quality))
    ahead = Lookahead(
        panel=Panel(
            chances=chances[rows[:, None], columns],
            weights=joint.weights,
            empty=joint.empty[columns],
            likeness=joint.likeness[columns[:, :, None], columns[:, None]],
        ),
        cost=np.take_along_axis(cost, columns, axis=1),
        price=prices,
    )
    talks = [_Talk() for _ in rows]
    beliefs, free = ahead.panel.start(), np.ones(columns.shape, bool)
    ended: dict[int, Course] = {}
    while len(rows):
        first = ahead.plan(beliefs, free, depth=depths[min(beliefs.answers, 1)]).column
        for stopped in np.flatnonzero(first < 0).tolist():
            row = int(rows[stopped])
            ended[row] = talks[row].end(beliefs.right[stopped, 0])
        going = np.flatnonzero(first >= 0)
        rows, first, free = rows[going], first[going], free[going]
        ahead, beliefs = ahead.take(going), beliefs.take(going)
        heard = np.empty(len(rows), np.intp)
        called = zip(rows.tolist(), columns[rows, first].tolist(), strict=True)
        for place, (row, model) in enumerate(called):
            answer = normal_answer(ask(row, model))
            heard[place] = talks[row].hear(model, answer, new=beliefs.answers)
        free[np.arange(len(rows)), first] = False
        beliefs = beliefs.told(ahead.panel, first, heard)
    return [ended[row] for row in range(len(quality))]


def normal_answer(text: object) -> str:
    """Return an answer as answers are compared: without the blanks around it, '' where none could be read."""
    return "" if text is None or text is np.ma.masked else str(text).strip()


def _candidates(quality: Matrix, cost: Matrix) -> Rows:
    """Return the columns that a plan may call, (b, k): those that fewest models beat on quality at less cost.

    The price has no say in it: see `Lookahead`. Of models that equally many beat, the cheaper ones are taken.
    """
    beaten = ((quality[:, None] >= quality[:, :, None]) & (cost[:, None] < cost[:, :, None])).sum(
        axis=2
    )
    order: Rows = np.lexsort((cost, beaten), axis=1)[:, :_CANDIDATES]
    return order
