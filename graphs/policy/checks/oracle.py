"""A SAT solver that is asked many questions about the same clauses, and says what an answer rests on.

It knows nothing of policies. Clauses are of two kinds: facts, and assumptions, which hold only together with one
switch; what can be refuted without the switch is proved, what needs it is proved under assumptions.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pysat.solvers import Solver

from graphs.policy.findings import Basis

__all__ = ["Model", "Oracle"]

Model = Sequence[int]
"""A literal for each variable: variable `v` is true where `model[v - 1] > 0`."""


class Oracle:
    """Clauses, and questions under assumed literals; `close` frees the solver's memory."""

    def __init__(self) -> None:
        self._solver: Any = Solver(
            name="minisat22"
        )  # many small questions: the lightest is the fastest
        self._variables = 0
        self.asked = 0
        """How many questions the solver has answered."""
        self._switch = self.variable()
        self.true = self.variable()
        self.fact([self.true])

    def __enter__(self) -> "Oracle":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the solver."""
        self._solver.delete()

    def variable(self) -> int:
        """Return a variable that no clause names yet."""
        self._variables += 1
        return self._variables

    def fact(self, clause: Iterable[int]) -> None:
        """Add a clause that holds whatever the input."""
        self._solver.add_clause(list(clause))

    def assume(self, clause: Iterable[int]) -> None:
        """Add a clause that holds under the assumptions."""
        self._solver.add_clause([-self._switch, *clause])

    def at_most_one(self, literals: Sequence[int], *, assumed: bool = False) -> None:
        """Let at most one of `literals` be true, by a chain of variables: its clauses grow with their number."""
        add = self.assume if assumed else self.fact
        earlier: int | None = None  # one of the literals so far is true
        for literal in literals:
            if earlier is not None:
                add([-earlier, -literal])
            reached = self.variable()
            add([-literal, reached])
            if earlier is not None:
                add([-earlier, reached])
            earlier = reached

    def prefer(self, literals: Iterable[int]) -> None:
        """Let examples make these literals true where the clauses leave it open."""
        self._solver.set_phases(list(literals))

    def example(self, literals: Iterable[int] = ()) -> Model | None:
        """Return a model in which `literals` are true, or None if there is none."""
        self.asked += 1
        if not self._solver.solve(assumptions=[self._switch, *literals]):
            return None
        model: list[int] = self._solver.get_model()
        return model

    def possible(self, literals: Iterable[int]) -> bool:
        """Return whether there is a model in which `literals` are true."""
        self.asked += 1
        return bool(self._solver.solve(assumptions=[self._switch, *literals]))

    def one_of(self, literals: Iterable[int], *, beside: Iterable[int]) -> Model | None:
        """Return a model in which one of `literals` is true and all of `beside` are, or None if there is none."""
        asked = self.variable()
        self.fact([-asked, *literals])
        model = self.example([asked, *beside])
        self.fact([-asked])  # the clause has served
        return model

    def core(self) -> set[int]:
        """Return which of the literals the last refusal needed."""
        found: list[int] = self._solver.get_core() or []
        return set(found) - {self._switch}

    def basis(self, literals: Iterable[int]) -> Basis:
        """Return what it rests on that `literals` cannot be true together."""
        self.asked += 1
        possible = self._solver.solve(assumptions=list(literals))
        return "proved under assumptions" if possible else "proved"
