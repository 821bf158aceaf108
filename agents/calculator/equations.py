"""Solves one equation or a small system with sympy. Runs in the worker process only; nothing here bounds time.

Real solutions are wanted; complex ones are named only where a polynomial has no real one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy

from agents.calculator.problems import Refused
from agents.calculator.symbolic import build, text_of
from agents.calculator.syntax import Node

MAX_EQUATIONS = 4
MAX_DEGREE = 40
_MOST_COMPLEX = 4  # more complex solutions than this are not listed
_LONG = 40  # a closed form longer than this helps nobody; the decimal is shown


def solve(pairs: Sequence[tuple[Node, Node]], *, wanted: str = "", digits: int) -> dict[str, Any]:
    """Return `solutions` (one dict of name to value each), or `all` or `none`, with a `note`.

    Args:
        pairs: the two sides of each equation.
        wanted: the variable to solve for, if there are several and one equation.
        digits: significant digits of a rounded solution.
    """
    if len(pairs) > MAX_EQUATIONS:
        raise Refused(f"I solve up to {MAX_EQUATIONS} equations at once, not {len(pairs)}.")
    differences = [build(left) - build(right) for left, right in pairs]
    symbols = sorted(set().union(*(d.free_symbols for d in differences)), key=str)
    if wanted:
        symbols = [symbol for symbol in symbols if str(symbol) == wanted]
    if not symbols:
        return _constant(differences)
    if len(differences) == 1:
        return _one(differences[0], _choose(symbols), digits)
    return _system(differences, symbols, digits)


def _choose(symbols: list[Any]) -> Any:
    return next((symbol for symbol in symbols if str(symbol) == "x"), symbols[0])


def _constant(differences: Sequence[Any]) -> dict[str, Any]:
    holds = all(sympy.simplify(difference) == 0 for difference in differences)
    return _found("all" if holds else "none")


def _found(
    kind: str, *, solutions: Sequence[dict[str, Any]] = (), note: str = ""
) -> dict[str, Any]:
    return {"kind": kind, "solutions": list(solutions), "note": note}


def _one(difference: Any, symbol: Any, digits: int) -> dict[str, Any]:
    if difference.has(sympy.zoo, sympy.nan):
        raise Refused("An equation divides by zero.")
    if symbol not in difference.free_symbols:
        return _constant([difference])
    if difference.free_symbols == {symbol}:
        numerator, denominator = sympy.fraction(sympy.together(difference))
        if sympy.expand(numerator) == 0:
            return _found("all", note=_holes(denominator, symbol))
        if numerator.is_polynomial(symbol) and denominator.is_polynomial(symbol):
            return _polynomial(sympy.Poly(numerator, symbol), denominator, digits)
    return _general(difference, symbol, digits)


def _holes(denominator: Any, symbol: Any) -> str:
    if not denominator.has(symbol):
        return ""
    return ", ".join(f"{symbol} ≠ {text_of(root)}" for root in sympy.solve(denominator, symbol))


def _polynomial(polynomial: Any, denominator: Any, digits: int) -> dict[str, Any]:
    symbol = polynomial.gen
    if polynomial.degree() > MAX_DEGREE:
        raise Refused(f"I solve polynomials up to degree {MAX_DEGREE}, not {polynomial.degree()}.")
    if polynomial.degree() < 1:
        return _found("none")
    roots = [root for root in _roots(polynomial, digits) if denominator.subs(symbol, root) != 0]
    real = sorted((root for root in roots if root.is_real), key=lambda root: sympy.N(root, 30))
    note = "" if real or not roots else "no real solution; these are complex"
    if real and len(real) < len(roots):
        note = "real solutions only"
    if not roots:
        return _found("none", note="the candidates divide by zero")
    if not real and len(roots) > _MOST_COMPLEX:
        return _found("none", note="among the real numbers")
    return _found(
        "some", solutions=[{str(symbol): _text(root, digits)} for root in real or roots], note=note
    )


def _roots(polynomial: Any, digits: int) -> list[Any]:
    """Return the distinct roots: in closed form where that is short, else as decimals."""
    found: list[Any] = []
    for factor, _ in polynomial.factor_list()[1]:
        closed = list(sympy.roots(factor)) if factor.degree() <= 2 else []
        found += closed or list(factor.nroots(n=digits + 5, maxsteps=200))
    return found


def _general(difference: Any, symbol: Any, digits: int) -> dict[str, Any]:
    found = sympy.solveset(difference, symbol, domain=sympy.S.Reals)
    if found is sympy.S.EmptySet:
        return _found("none", note="among the real numbers")
    if found in (sympy.S.Reals, sympy.S.Complexes):
        return _found("all")
    if isinstance(found, sympy.Intersection) and sympy.S.Reals in found.args:
        found = next(part for part in found.args if part is not sympy.S.Reals)
    if isinstance(found, sympy.Complement):
        found = found.args[0]
    if isinstance(found, sympy.FiniteSet):
        members = sorted(found, key=sympy.default_sort_key)
        return _found(
            "some", solutions=[{str(symbol): _text(member, digits)} for member in members]
        )
    families = _families(found)
    if families:
        note = "infinitely many: n is any whole number"
        return _found(
            "some", solutions=[{str(symbol): {"exact": family}} for family in families], note=note
        )
    return _numeric(difference, symbol, digits)


def _families(found: Any) -> list[str]:
    """Return the members of periodic solution sets as formulas in n."""
    parts = found.args if isinstance(found, sympy.Union) else (found,)
    if not all(
        isinstance(part, sympy.ImageSet) and part.base_sets == (sympy.S.Integers,) for part in parts
    ):
        return []
    count = sympy.Symbol("n", integer=True)
    return [text_of(sympy.expand(part.lamda(count))) for part in parts]


def _numeric(difference: Any, symbol: Any, digits: int) -> dict[str, Any]:
    """Look for one decimal solution from a few starting points."""
    for start in (1, 0.1, -1, 5, -5, 20):
        try:
            root = sympy.nsolve(difference, symbol, start, prec=digits + 5)
        except (ValueError, ZeroDivisionError, OverflowError, TypeError):
            continue  # this starting point leads nowhere
        if root.is_real:
            note = "found numerically; there may be others"
            return _found("some", solutions=[{str(symbol): _text(root, digits)}], note=note)
    raise Refused("I find no solution of that equation, and cannot show that there is none.")


def _system(differences: Sequence[Any], symbols: list[Any], digits: int) -> dict[str, Any]:
    found = sympy.solve(list(differences), symbols, dict=True)
    real = [one for one in found if all(value.is_real is not False for value in one.values())]
    if not found:
        return _no_solution(differences, symbols)
    note = ""
    if any(value.free_symbols for one in found for value in one.values()):
        note = "infinitely many: the other variables are free"
    elif not real:
        note = "no real solution; these are complex"
    rows = [
        {str(name): _text(one[name], digits) for name in sorted(one, key=str)}
        for one in real or found
    ]
    return _found("some", solutions=rows, note=note)


def _no_solution(differences: Sequence[Any], symbols: list[Any]) -> dict[str, Any]:
    """Claim that there is none only where a Groebner basis proves it."""
    if all(difference.is_polynomial(*symbols) for difference in differences):
        if sympy.groebner(differences, *symbols).exprs == [1]:
            return _found("none")
    raise Refused("I find no solution of that system, and cannot show that there is none.")


def _text(value: Any, digits: int) -> dict[str, str]:
    """Return a solution: `exact` if it is short, `decimal` unless it is a fraction or holds a variable."""
    if value.is_Rational or value.free_symbols:
        return {"exact": text_of(value)}
    decimal = text_of(sympy.N(value, digits))
    if value.has(sympy.Float):
        return {"decimal": decimal}
    exact = text_of(value)
    if not value.is_real and len(exact) <= _LONG:
        return {"exact": exact}
    return {"exact": exact, "decimal": decimal} if len(exact) <= _LONG else {"decimal": decimal}
