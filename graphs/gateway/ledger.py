"""What a turn's model calls cost: money is reserved before a call and settled after it.

It knows no provider. A price that is not known is never zero: with a budget such a call is refused, without one it
is recorded as unknown. What threads, users and days may spend is in the accounts of a purse.
"""

import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from agents.errors import BudgetError
from graphs.gateway.accounts import Purse
from graphs.gateway.models import Price

CANCELLED = "cancelled"
"""The error of a call whose caller left; the model did not fail."""


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


_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reserved:
    """What was set aside for one call."""

    usd: float = 0.0
    call: str | None = None
    """The name under which it is held in the accounts of the purse; None without one."""


class Ledger:
    """The calls of one turn and what is left of its budget. Safe to share between tasks and threads."""

    def __init__(
        self,
        budget_usd: float | None = None,
        *,
        purse: Purse | None = None,
        fault: str = "",
        told: Callable[[Call], None] | None = None,
    ) -> None:
        """Open the books of a turn.

        Args:
            budget_usd: the most that it may cost; None is any amount.
            purse: what it is paid from besides.
            fault: why there is no more in the budget than that, where it is not what was spent.
            told: is told each call that was made, when it is over.
        """
        self.budget_usd = budget_usd
        self._purse, self._fault, self._told = purse, fault, told
        self._calls: list[Call] = []
        self._reserved = 0.0
        self._lock = threading.Lock()

    @property
    def waits(self) -> bool:
        """Whether reserving and settling may wait for another process."""
        return self._purse is not None

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
        limits = [] if self._purse is None else [self._purse.left_usd]
        with self._lock:
            if self.budget_usd is not None:
                limits.append(self._left())
        return max(0.0, min(limits)) if limits else None

    def reserve(
        self,
        model: str,
        price: Price | None,
        *,
        input_tokens: int,
        output_tokens: int,
        call: str | None = None,
    ) -> Reserved:
        """Set aside the most that a call can cost.

        Args:
            model: who is called.
            price: of a million tokens.
            input_tokens: what is sent.
            output_tokens: the most that may come back.
            call: its name, the same when the same call is made again after its process died; None makes one up.

        Raises:
            BudgetError: it does not fit, the price is not known and a budget is set, or a number of tokens is below 0.
        """
        if min(input_tokens, output_tokens) < 0:
            raise BudgetError("a call of fewer than no tokens is no call", model=model)
        if self.budget_usd is None and self._purse is None:
            return Reserved()
        if price is None:
            raise BudgetError(f"the price of {model} is not known and a budget is set", model=model)
        most = price.of(input_tokens, output_tokens)
        with self._lock:
            # So that a budget that is no number refuses too.
            if self.budget_usd is not None and not most <= (left := self._left()):
                raise BudgetError(
                    f"a call to {model} may cost {most:.6f} USD and {max(left, 0.0):.6f} is left"
                    + (f": {self._fault}" if self._fault else ""),
                    model=model,
                )
            self._reserved += most
        if self._purse is None:
            return Reserved(most)
        name = call or uuid.uuid4().hex
        try:
            self._purse.accounts.charge(self._purse.of, most, model=model, call=name)
        except BaseException:
            with self._lock:
                self._reserved -= most
            raise
        return Reserved(most, name)

    def settle(self, reserved: Reserved, call: Call) -> None:
        """Replace a reservation by what the call really cost."""
        self.give_back(reserved, call)
        if self._told is not None:
            self._told(call)

    def give_back(self, reserved: Reserved, call: Call) -> None:
        """Replace the reservation of a call that was not made; nobody is told of it."""
        with self._lock:
            self._reserved -= reserved.usd
            self._calls.append(call)
        if self._purse is not None and reserved.call is not None:
            try:
                self._purse.accounts.correct(
                    self._purse.of, reserved.call, cost_usd=call.cost_usd or 0.0
                )
            except BudgetError as error:  # the answer is there; more than it cost stays charged
                _log.warning("%s; the most that the call could cost stays charged", error)

    def note(self, call: Call) -> None:
        """Take down a call that nothing is reserved for: one that was not made, or was paid before."""
        self.give_back(Reserved(), call)

    def _left(self) -> float:
        assert self.budget_usd is not None
        return self.budget_usd - self._spent() - self._reserved

    def _spent(self) -> float:
        return sum(call.cost_usd or 0.0 for call in self._calls)
