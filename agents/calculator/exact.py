"""Arithmetic on fractions, with the size of every result bounded before it is computed.

It knows whole numbers and ratios only: a root, a logarithm or pi raises `NotRational`, for the symbolic engine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from statistics import median

from agents.calculator.problems import NotRational, Refused
from agents.calculator.syntax import Binary, Call, Name, Negative, Node, Number, Percent

MAX_DIGITS = 4_000
"""The most digits of an answer; below the limit that Python sets for turning a whole number into text."""

_MAX_BITS = 40_000  # of any number on the way: a few milliseconds for the slowest operation
_MAX_FACTORIAL = 3_500  # 35,000 bits
_MAX_PLACES = 1_000


def evaluate(node: Node) -> Fraction:
    """Return the exact value of `node`.

    Raises:
        NotRational: the value needs the symbolic engine.
        Refused: the value is undefined, or a number on the way would be too large.
    """
    match node:
        case Number(value):
            return value
        case Name(text):
            raise NotRational(text)
        case Percent(operand):
            return evaluate(operand) / 100
        case Negative(operand):
            return -evaluate(operand)
        case Binary(operator, left, right):
            return operate(operator, evaluate(left), evaluate(right))
        case Call(function, arguments):
            if function not in _FUNCTIONS:
                raise NotRational(function)
            return _FUNCTIONS[function]([evaluate(argument) for argument in arguments])


def operate(operator: str, left: Fraction, right: Fraction) -> Fraction:
    """Return the value of one of `+ - * / ^`; errors as in `evaluate`."""
    return _OPERATORS[operator](left, right)


def check_size(value: Fraction) -> Fraction:
    """Return `value` if it has few enough digits to be shown.

    Raises:
        Refused: it has more than `MAX_DIGITS`.
    """
    digits = _bits(value) * math.log10(2)
    if digits > MAX_DIGITS:
        raise _too_large(digits)
    return value


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _too_large(digits: float) -> Refused:
    count = f"about {digits:,.0f}" if digits < 1e15 else "more than a million billion"
    return Refused(
        f"That is too large: a number in it takes {count} digits, and I go up to {MAX_DIGITS:,}."
    )


def _room_for(bits: float) -> None:
    if bits > _MAX_BITS:
        raise _too_large(bits * math.log10(2))


def _add(left: Fraction, right: Fraction) -> Fraction:
    _room_for(_bits(left) + _bits(right))
    return left + right


def _subtract(left: Fraction, right: Fraction) -> Fraction:
    return _add(left, -right)


def _multiply(left: Fraction, right: Fraction) -> Fraction:
    _room_for(_bits(left) + _bits(right))
    return left * right


def _divide(left: Fraction, right: Fraction) -> Fraction:
    if not right:
        raise Refused("Division by zero is undefined.")
    _room_for(_bits(left) + _bits(right))
    return left / right


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if base in (0, 1) or exponent == 0:
        return _power_of_trivial(base, exponent)
    if exponent.denominator != 1:
        return _fractional_power(base, exponent)
    times = abs(exponent.numerator)
    # -1 has one bit too; its powers are cheap, and the rest of the bound is generous.
    _room_for(0 if base == -1 else min(times, 10**30) * _log2(base))
    return (
        base
        if base == -1 and times % 2
        else base**exponent.numerator
        if base != -1
        else Fraction(1)
    )


def _fractional_power(base: Fraction, exponent: Fraction) -> Fraction:
    if _bits(exponent) > 64 or _bits(base) * abs(exponent) > _MAX_BITS:
        raise Refused("That power is too large to compute.")
    if exponent.denominator == 2 and base > 0:
        return _power(_root(base), Fraction(exponent.numerator))
    raise NotRational("fractional power")


def _log2(value: Fraction) -> float:
    return math.log2(max(abs(value.numerator), value.denominator))


def _power_of_trivial(base: Fraction, exponent: Fraction) -> Fraction:
    if base == 0 and exponent <= 0:
        raise Refused(
            "Zero to the power of zero is undefined."
            if exponent == 0
            else "Division by zero is undefined."
        )
    return Fraction(1) if exponent == 0 else base


def _root(value: Fraction) -> Fraction:
    """Return the square root if it is rational."""
    if value < 0:
        raise NotRational("root of a negative number")
    root = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
    if root * root != value:
        raise NotRational("irrational root")
    return root


def _whole(value: Fraction, *, of: str) -> int:
    if value.denominator != 1:
        raise Refused(f"{of} needs whole numbers, not {value}.")
    return value.numerator


def _modulo(values: Sequence[Fraction]) -> Fraction:
    if not values[1]:
        raise Refused("A remainder by zero is undefined.")
    return values[0] % values[1]


def _factorial(values: Sequence[Fraction]) -> Fraction:
    number = _whole(values[0], of="A factorial")
    if number < 0:
        raise Refused("The factorial of a negative number is undefined.")
    if number > _MAX_FACTORIAL:
        size = number * math.log10(number / math.e) if number < 10**300 else math.inf
        raise _too_large(size)
    return Fraction(math.factorial(number))


def _count(values: Sequence[Fraction], rule: Callable[[int, int], int]) -> Fraction:
    total, chosen = (_whole(value, of="A count of choices") for value in values)
    if not 0 <= chosen <= total:
        raise Refused(f"{chosen} cannot be chosen out of {total}.")
    if total > _MAX_FACTORIAL:
        raise Refused(f"I count choices out of up to {_MAX_FACTORIAL:,}, not {total:,}.")
    return Fraction(rule(total, chosen))


def _round(values: Sequence[Fraction]) -> Fraction:
    places = _whole(values[1], of="Rounding") if len(values) > 1 else 0
    if abs(places) > _MAX_PLACES:
        raise Refused(f"I round to up to {_MAX_PLACES:,} places, not {places:,}.")
    scaled = abs(values[0]) * Fraction(10) ** places
    nearest = math.floor(scaled + Fraction(1, 2)) / Fraction(10) ** places
    return nearest if values[0] >= 0 else -nearest


def _fold(values: Sequence[Fraction], rule: Callable[[Fraction, Fraction], Fraction]) -> Fraction:
    result = values[0]
    for value in values[1:]:
        result = rule(result, value)
    return result


def _wholes(values: Sequence[Fraction], rule: Callable[..., int]) -> Fraction:
    _room_for(sum(map(_bits, values)))
    return Fraction(rule(*(_whole(value, of="A common divisor or multiple") for value in values)))


_OPERATORS: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
    "^": _power,
}
_FUNCTIONS: dict[str, Callable[[Sequence[Fraction]], Fraction]] = {
    "sqrt": lambda values: _root(values[0]),
    "abs": lambda values: abs(values[0]),
    "sign": lambda values: Fraction((values[0] > 0) - (values[0] < 0)),
    "floor": lambda values: Fraction(math.floor(values[0])),
    "ceil": lambda values: Fraction(math.ceil(values[0])),
    "round": _round,
    "mod": _modulo,
    "factorial": _factorial,
    "choose": lambda values: _count(values, math.comb),
    "permutations": lambda values: _count(values, math.perm),
    "gcd": lambda values: _wholes(values, math.gcd),
    "lcm": lambda values: _wholes(values, math.lcm),
    "min": min,
    "max": max,
    "sum": lambda values: _fold(values, _add),
    "product": lambda values: _fold(values, _multiply),
    "average": lambda values: _fold(values, _add) / len(values),
    "median": lambda values: median(values),
}
