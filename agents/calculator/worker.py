"""The child process that runs sympy: one JSON line in, one JSON line out. It knows no user, no file and no network.

It ends by itself when its input closes or when one request takes too long, so it cannot outlive its parent's interest.
Run as `python -m agents.calculator.worker SECONDS`.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from typing import Any

from sympy.polys.polyerrors import BasePolynomialError

from agents.calculator import equations, symbolic
from agents.calculator.parser import parse
from agents.calculator.problems import NotACalculation, Refused

_MEMORY_BYTES = 1_500_000_000


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Serve one request; `task` names it."""
    digits = int(request["digits"])
    match request["task"]:
        case "evaluate":
            return symbolic.value_of(parse(request["text"]), digits=digits)
        case "solve":
            pairs = [(parse(left), parse(right)) for left, right in request["equations"]]
            return equations.solve(pairs, wanted=request["variable"], digits=digits)
        case "factorise":
            return dict(symbolic.prime_factors(parse(request["text"])))
        case form:
            return dict(
                symbolic.transform(form, parse(request["text"]), variable=request["variable"])
            )


def serve(request: dict[str, Any]) -> dict[str, Any]:
    """Answer, or say in one line why not."""
    try:
        return {"answer": answer(request)}
    except Refused as problem:
        return {"refused": str(problem)}
    except NotACalculation as problem:
        return {"unread": str(problem)}
    except (MemoryError, OverflowError, RecursionError):
        return {"refused": "That computation is too large."}
    except (
        ArithmeticError,
        NotImplementedError,
        TypeError,
        ValueError,
        BasePolynomialError,
    ) as problem:
        # What sympy raises for input that its algorithms do not cover has no common base.
        return {"refused": f"I cannot compute that ({type(problem).__name__})."}


def main() -> None:
    """Serve requests until the input ends."""
    seconds = float(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    try:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    except (ValueError, OSError):
        pass  # not every system has this limit; the clock still holds
    _reply({"ready": True})
    for line in sys.stdin:
        # The default action of this alarm ends the process even inside one long operation.
        signal.setitimer(signal.ITIMER_REAL, seconds)
        _reply(serve(json.loads(line)))
        signal.setitimer(signal.ITIMER_REAL, 0)


def _reply(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
