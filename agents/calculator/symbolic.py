"""The expression tree as sympy objects, and the values, forms and solutions that sympy finds for it.

Runs in the worker process only: importing it loads sympy, and nothing here bounds time. It reads the tree of our own
parser, so sympy's parser, which evaluates Python, is never reached.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import sympy
from sympy.printing.str import StrPrinter

from agents.calculator import exact
from agents.calculator.problems import NotACalculation, NotRational, Refused
from agents.calculator.syntax import Binary, Call, Name, Negative, Node, Number, Percent

MAX_TEXT = 3_000
"""The longest form of a result that is shown."""
MAX_SYMBOLIC_POWER = 200
GUARD_DIGITS = 10

_CONSTANTS = {"pi": sympy.pi, "e": sympy.E, "tau": 2 * sympy.pi, "phi": sympy.GoldenRatio}


def build(node: Node) -> Any:
    """Return `node` as a sympy expression; a name that is no constant becomes a symbol."""
    try:
        value = exact.evaluate(node)
    except NotRational:
        return _build(node)
    return sympy.Rational(value.numerator, value.denominator)


def _build(node: Node) -> Any:
    match node:
        case Name(text):
            return _CONSTANTS.get(text.lower(), sympy.Symbol(text))
        case Percent(operand):
            return build(operand) / 100
        case Negative(operand):
            return -build(operand)
        case Binary(operator, left, right):
            return _defined(_OPERATORS[operator](build(left), build(right)))
        case Call(function, arguments):
            if function not in _FUNCTIONS:
                raise Refused(f"{function} needs whole numbers or fractions.")
            return _defined(_FUNCTIONS[function](*map(build, arguments)))
        case Number(value):
            return sympy.Rational(value.numerator, value.denominator)


def _defined(value: Any) -> Any:
    if value.has(sympy.zoo, sympy.oo, sympy.nan):
        raise Refused("That is undefined: it divides by zero or has no finite value.")
    return value


def _power(base: Any, exponent: Any) -> Any:
    if base.free_symbols and exponent.is_number and abs(exponent) > MAX_SYMBOLIC_POWER:
        raise Refused(f"I handle powers of a variable up to {MAX_SYMBOLIC_POWER}, not {exponent}.")
    return base**exponent


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "^": _power,
}
_SAME_NAME = "sqrt exp sin cos tan cot sec csc asin acos atan sinh cosh tanh floor sign"
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(sympy, name) for name in _SAME_NAME.split()},
    "cbrt": lambda value: sympy.real_root(value, 3),
    "root": lambda value, degree: sympy.root(value, degree),
    "abs": sympy.Abs,
    "ceil": sympy.ceiling,
    "ln": sympy.log,
    "log": lambda value, *base: sympy.log(value, *(base or (10,))),
    "log2": lambda value: sympy.log(value, 2),
    "log10": lambda value: sympy.log(value, 10),
    "mod": sympy.Mod,
    "min": sympy.Min,
    "max": sympy.Max,
    "sum": lambda *values: sympy.Add(*values),
    "product": lambda *values: sympy.Mul(*values),
    "average": lambda *values: sympy.Add(*values) / len(values),
}


class _Printer(StrPrinter):  # type: ignore[misc]  # sympy has no types
    """Prints a form that our own parser reads again."""

    def _print_log(self, value: Any) -> str:
        return f"ln({self._print(value.args[0])})"

    def _print_exp(self, value: Any) -> str:
        power = self._print(value.args[0])
        return f"e^{power}" if power.isalnum() else f"e^({power})"

    def _print_Exp1(self, value: Any) -> str:
        return "e"

    def _print_ImaginaryUnit(self, value: Any) -> str:
        return "i"

    def _print_GoldenRatio(self, value: Any) -> str:
        return "phi"


def text_of(value: Any) -> str:
    """Return `value` as text with `^` for powers.

    Raises:
        Refused: it is too long to show.
    """
    text = str(_Printer().doprint(value)).replace("**", "^")
    if len(text) > MAX_TEXT:
        raise Refused(f"The result takes {len(text):,} characters; I show up to {MAX_TEXT:,}.")
    return text


def value_of(node: Node, *, digits: int) -> dict[str, str]:
    """Return the value of a number: `exact`, and `decimal` with guard digits unless it is a fraction."""
    value = build(node)
    if value.free_symbols:
        raise NotACalculation("it holds a variable")
    return number(value, digits=digits)


def number(value: Any, *, digits: int) -> dict[str, str]:
    """Return a sympy number as text."""
    if value.is_Rational:
        exact.check_size(Fraction(int(value.p), int(value.q)))
        return {"exact": f"{value.p}/{value.q}" if value.q != 1 else str(value.p)}
    decimal = sympy.N(value, digits + GUARD_DIGITS)
    if not decimal.is_number or decimal.has(sympy.zoo, sympy.oo, sympy.nan):
        raise Refused("That has no finite value.")
    if decimal == 0:  # to more than a hundred digits
        return {"exact": "0"} if value.equals(0) else {"decimal": "0"}
    if not decimal.is_Float:
        return {"exact": text_of(value), "decimal": text_of(sympy.N(value, digits))}
    return {"exact": text_of(value), "decimal": str(decimal)}


def transform(form: str, node: Node, *, variable: str) -> dict[str, str]:
    """Return another form of an expression: simplify, expand, factor, differentiate, integrate."""
    value = build(node)
    symbol = sympy.Symbol(variable)
    rules: dict[str, Callable[[], Any]] = {
        "simplify": lambda: sympy.simplify(value),
        "expand": lambda: sympy.expand(value),
        "factor": lambda: sympy.factor(value),
        "differentiate": lambda: sympy.diff(value, symbol),
        "integrate": lambda: sympy.integrate(value, symbol),
    }
    result = rules[form]()
    if result.has(sympy.Integral, sympy.Derivative):
        raise Refused("I find no closed form for that.")
    note = _excluded(value, result) if form == "simplify" else ""
    return {"exact": text_of(result), "note": note}


def _excluded(before: Any, after: Any) -> str:
    """Name the points that a cancelled denominator takes away."""
    symbols = sorted(before.free_symbols, key=str)
    if len(symbols) != 1:
        return ""
    gone = (
        sympy.roots(sympy.denom(sympy.together(before)), symbols[0])
        if _is_polynomial(before)
        else {}
    )
    kept = sympy.denom(sympy.together(after))
    points = [point for point in gone if kept.subs(symbols[0], point) != 0 and point.is_real]
    return " and ".join(f"{symbols[0]} ≠ {text_of(point)}" for point in sorted(points))


def _is_polynomial(value: Any) -> bool:
    below = sympy.denom(sympy.together(value))
    return bool(below.is_polynomial() and below.free_symbols)


def prime_factors(node: Node) -> dict[str, str]:
    """Return the prime factors of a whole number above 1."""
    value = exact.evaluate(node)
    if value.denominator != 1 or value < 2:
        raise Refused("Prime factors need a whole number above 1.")
    powers = sorted(sympy.factorint(value.numerator).items())
    return {"exact": " * ".join(f"{p}^{k}" if k > 1 else str(p) for p, k in powers)}
