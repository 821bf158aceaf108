"""Asks models one after another, and stops when one more answer is not worth its price.

Cascade routing (arXiv 2410.10347): before each call the plans of a few more are weighed, so that the first call is a
route, and each later one an escalation. It reads the answers of the models that it calls and no others. It knows no
more of a text than whether two are equal, and not how a model is called.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from graphs.routing.beliefs import Beliefs, Panel
from graphs.routing.estimators.base import Matrix, Rows
from graphs.routing.joint import Joint
from graphs.routing.lookahead import Flags, Lookahead, Plan
from graphs.routing.loose_beliefs import LooseBeliefs, loosened

__all__ = [
    "DEAREST",
    "DEPTHS",
    "Ask",
    "Cascade",
    "Course",
    "Heard",
    "normal_answer",
    "price_of_preference",
    "run",
]

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


@dataclass(frozen=True, slots=True)
class Heard:
    """What a model said, and what checks say of that."""

    answer: str
    """In a form in which equal answers are equal texts; empty where there is none that can be used."""
    free: bool = False
    """Whether it cannot be compared with others."""
    odds: float = 1.0
    """How much likelier the checks' findings are of a right answer than of a wrong one."""


@dataclass(slots=True)
class _Talk:
    """What one query has heard: for each answer its place in the beliefs, and who gave it first."""

    called: list[int] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    givers: dict[int, int] = field(default_factory=dict)

    def hear(self, column: int, heard: Heard, *, new: int) -> int:
        """Note an answer and return its place, `new` where it is the first of its kind, `new + 1` for none."""
        self.called.append(column)
        if not heard.answer:
            return new + 1
        place = new if heard.free else self.places.setdefault(heard.answer, new)
        self.givers.setdefault(place, column)
        return place

    def end(self, right: Matrix) -> Course:
        """Return the course, with the answer that is most likely `right` (c,)."""
        best = max(self.givers, key=lambda place: (right[place], -place), default=None)
        if best is None:
            chosen = self.called[0] if self.called else -1
            return Course(called=tuple(self.called), chosen=chosen, confidence=0.0)
        return Course(
            called=tuple(self.called), chosen=self.givers[best], confidence=float(right[best])
        )


class Cascade:
    """The cascades of b queries, side by side, a call at a time: `calls` says whom to ask, `hear` takes the answers."""

    def __init__(
        self,
        joint: Joint,
        quality: Matrix,
        cost: Matrix,
        prices: Matrix,
        *,
        depths: tuple[int, int] = DEPTHS,
        verdicts: Matrix | None = None,
        insist: bool = False,
    ) -> None:
        """Begin; nothing is called yet.

        Args:
            joint: how the models answer together.
            quality: what is predicted of each model, (b, m), in the order of `joint.models`.
            cost: what each call is expected to cost in USD, (b, m).
            prices: what a USD must buy for each query, (b,), as `price_of_preference` gives it.
            depths: calls that are looked ahead, before the first and later.
            verdicts: how likely checks speak well of a right answer of each model and of a wrong one, (b, m, 2).
            insist: whether to go on, whatever it costs, until there is an answer that can be used.
        """
        chances = joint.chances(quality)
        columns = _candidates(chances @ joint.weights, cost)
        self.rows: Rows = np.arange(len(quality))
        """The queries that go on."""
        self.ended: dict[int, Course] = {}
        self._columns, self._depths, self._insist = columns, depths, insist
        self._ahead = Lookahead(
            panel=Panel(
                chances=chances[self.rows[:, None], columns],
                weights=joint.weights,
                empty=joint.empty[columns],
                likeness=joint.likeness[columns[:, :, None], columns[:, None]],
                verdicts=None if verdicts is None else verdicts[self.rows[:, None], columns],
            ),
            cost=np.take_along_axis(cost, columns, axis=1),
            price=prices,
        )
        self._talks = [_Talk() for _ in self.rows]
        self._beliefs: Beliefs | LooseBeliefs = self._ahead.panel.start()
        self._free: Flags = np.ones(columns.shape, bool)
        self._first: Rows = np.zeros(0, np.intp)

    def calls(self) -> Rows:
        """Return the column that each query of `rows` calls next; those that stop have left `rows` for `ended`."""
        depth = self._depths[min(self._beliefs.answers, 1)]
        empty = [self._insist and not self._talks[row].givers for row in self.rows.tolist()]
        plan = self._ahead.plan(
            self._beliefs, self._free, depth=depth, forced=np.array(empty, np.bool_)
        )
        first = np.where(self._free.any(axis=1), plan.column, -1)
        for stopped in np.flatnonzero(first < 0).tolist():
            self._end(stopped)
        going = np.flatnonzero(first >= 0)
        self.rows, self._first, self._free = self.rows[going], first[going], self._free[going]
        self._ahead, self._beliefs = self._ahead.take(going), self._beliefs.take(going)
        called: Rows = self._columns[self.rows, self._first]
        return called

    def anyway(self) -> Rows:
        """Return whom each query of `rows` calls second, whatever the first one answers; -1 where that depends on it.

        While the first is being called, to be asked at once: the same calls are made, and one is waited for, not two.
        Only an answer that cannot be used is not foreseen; that is rare.
        """
        if self._beliefs.answers:
            return np.full(len(self.rows), -1, np.intp)
        free = self._free.copy()
        free[np.arange(len(self.rows)), self._first] = False
        new = np.zeros(len(self.rows), np.intp)
        columns = []
        for odds in self._foreseen_odds():
            beliefs = self._beliefs.told(self._ahead.panel, self._first, new, odds)
            plan = self._ahead.plan(beliefs, free, depth=self._depths[1])
            columns.append(np.where(free.any(axis=1), plan.column, -1))
        second = np.where((np.array(columns) == columns[0]).all(axis=0), columns[0], -1)
        called: Rows = np.where(second < 0, -1, self._columns[self.rows, second])
        return called

    def _foreseen_odds(self) -> list[Matrix]:
        """Return the odds, (b,) each, of checks that speak well of the first answer and of such that speak ill."""
        verdicts = self._ahead.panel.verdicts
        if verdicts is None:
            return [np.ones(len(self.rows))]
        hit, alarm = np.clip(verdicts[np.arange(len(self.rows)), self._first], 1e-3, 1 - 1e-3).T
        return [hit / alarm, (1 - hit) / (1 - alarm)]

    def hear(self, said: Sequence[Heard]) -> None:
        """Take in what the models of the last `calls` said, one for each query of `rows`."""
        if any(heard.free for heard in said) and isinstance(self._beliefs, Beliefs):
            self._beliefs = loosened(self._beliefs)
        new = self._beliefs.answers
        called = zip(self.rows.tolist(), self._columns[self.rows, self._first], said, strict=True)
        places = [self._talks[row].hear(int(model), heard, new=new) for row, model, heard in called]
        self._cross_off()
        odds = np.array([heard.odds for heard in said])
        self._beliefs = self._beliefs.told(
            self._ahead.panel, self._first, np.array(places, np.intp), odds
        )

    def lose(self) -> None:
        """Cross off the models of the last `calls`, which did not answer; nothing is learnt from that."""
        self._cross_off()

    def stop(self) -> None:
        """End all that go on, with the best answer so far."""
        for place in range(len(self.rows)):
            self._end(place)
        self.rows = self.rows[:0]

    def one_more(self) -> Plan:
        """Return for each query of `rows` the column of the call that is worth most, worth its price or not."""
        plan = self._ahead.one_more(self._beliefs, self._free)
        columns = np.where(plan.column < 0, -1, self._columns[self.rows, plan.column])
        return Plan(columns, plan.quality, plan.cost)

    def sure(self) -> Matrix:
        """Return how likely the best answer of each query of `rows` is right, (b,)."""
        return self._beliefs.best[:, 0]

    def _end(self, place: int) -> None:
        row = int(self.rows[place])
        self.ended[row] = self._talks[row].end(self._beliefs.right[place, 0])

    def _cross_off(self) -> None:
        self._free[np.arange(len(self.rows)), self._first] = False


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
    cascade = Cascade(joint, quality, cost, prices, depths=depths)
    while len(called := cascade.calls()):
        asked = zip(cascade.rows.tolist(), called.tolist(), strict=True)
        cascade.hear([Heard(normal_answer(ask(row, model))) for row, model in asked])
    return [cascade.ended[row] for row in range(len(quality))]


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
