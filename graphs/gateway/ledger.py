"""What a turn's model calls cost: money is reserved before a call and settled after it.

It knows no provider. A price that is not known is never zero: with a budget such a call is refused, without one it
is recorded as unknown.
"""

import threading
from dataclasses import asdict, dataclass
from typing import Any

from agents.errors import BudgetError
from graphs.gateway.models import Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to a model, as the decision record holds it."""

    model: str
    ok: bool
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    """None: the price is not known."""
    first_token_ms: float | None = None
    ms: float = 0.0
    error: str | None = None


class Ledger:
    """The calls of one turn and what is left of its budget. Safe to share between tasks and threads."""

    def __init__(self, budget_usd: float | None = None) -> None:
        self.budget_usd = budget_usd
        self._calls: list[Call] = []
        self._reserved = 0.0
        self._lock = threading.Lock()

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The calls so far, JSON-plain."""
        with self._lock:
            return [asdict(call) for call in self._calls]

    @property
    def spent_usd(self) -> float:
        """What the known prices sum to."""
        with self._lock:
            return self._spent()

    @property
    def left_usd(self) -> float | None:
        """What may still be reserved; None without a budget."""
        with self._lock:
            if self.budget_usd is None:
                return None
            return max(0.0, self.budget_usd - self._spent() - self._reserved)

    def reserve(
        self, model: str, price: Price | None, *, input_tokens: int, output_tokens: int
    ) -> float:
        """Set aside the most that a call can cost and return it, in USD.

        Raises:
            BudgetError: it does not fit, or the price is not known and a budget is set.
        """
        most = 0.0 if price is None else price.of(input_tokens, output_tokens)
        with self._lock:
            if self.budget_usd is None:
                return 0.0
            if price is None:
                raise BudgetError(
                    f"the price of {model} is not known and a budget is set", model=model
                )
            left = self.budget_usd - self._spent() - self._reserved
            if not most <= left:  # so that a budget that is no number refuses too
                raise BudgetError(
                    f"a call to {model} may cost {most:.6f} USD and {max(left, 0.0):.6f} is left",
                    model=model,
                )
            self._reserved += most
        return most

    def settle(self, reserved_usd: float, call: Call) -> None:
        """Replace a reservation by what the call really cost."""
        with self._lock:
            self._reserved -= reserved_usd
            self._calls.append(call)

    def _spent(self) -> float:
        return sum(call.cost_usd or 0.0 for call in self._calls)
