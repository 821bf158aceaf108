"""The expression tree and the tokens it is read from. It computes nothing and knows no units.

Lengths are bounded here, before anything is built: characters, tokens, and the digits of a literal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from agents.calculator.problems import NotACalculation, Refused

MAX_CHARACTERS = 2_000
MAX_TOKENS = 300
MAX_EXPONENT_OF_LITERAL = 1_000

CONSTANTS = frozenset({"pi", "e", "tau", "phi"})
FUNCTIONS: dict[str, tuple[int, int]] = {
    # name: fewest and most arguments
    **dict.fromkeys("sqrt cbrt abs exp ln log2 log10 factorial floor ceil sign".split(), (1, 1)),
    **dict.fromkeys("sin cos tan cot sec csc asin acos atan sinh cosh tanh".split(), (1, 1)),
    **dict.fromkeys("log round".split(), (1, 2)),
    **dict.fromkeys("root mod choose permutations".split(), (2, 2)),
    **dict.fromkeys("gcd lcm min max sum product average median".split(), (1, MAX_TOKENS)),
}
LISTS = frozenset(name for name, (_, most) in FUNCTIONS.items() if most > 2)


@dataclass(frozen=True, slots=True)
class Number:
    """A literal, exact."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Name:
    """A constant, a variable or a unit."""

    text: str


@dataclass(frozen=True, slots=True)
class Percent:
    """A share: 17% is 17/100, and after + or - it is a share of what stands before."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Negative:
    """The operand with its sign turned."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and one of `+ - * / ^`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A function of `FUNCTIONS` and its arguments."""

    function: str
    arguments: tuple[Node, ...]


Node = Number | Name | Percent | Negative | Binary | Call


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text; `kind` is number, name, op or end."""

    kind: str
    text: str


_NUMBER = r"(?:\d[\d_]*)?\.\d[\d_]*(?:[eE][+-]?\d+)?|\d[\d_]*\.?(?:[eE][+-]?\d+)?"
_GROUPED = r"\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?"
_REST = r"(?P<name>[^\W\d_]+\d*|°[CF]?)|(?P<op>\*\*|[-+*/^%!(),=])|(?P<space>\s+)"
_TOKEN = re.compile(rf"(?P<number>{_GROUPED}|{_NUMBER})|{_REST}")
# Between the brackets of a function with several arguments a comma separates: max(1,200).
_TOKEN_IN_LIST = re.compile(rf"(?P<number>{_NUMBER})|{_REST}")


def tokens(text: str) -> list[Token]:
    """Cut `text` into tokens, with an `end` token last.

    Raises:
        NotACalculation: a character is no part of an expression.
        Refused: the text or the number of tokens is too long.
    """
    if len(text) > MAX_CHARACTERS:
        raise Refused(
            f"The calculation has {len(text):,} characters; I read up to {MAX_CHARACTERS:,}."
        )
    found = [*_cut(text), Token("end", "")]
    if len(found) > MAX_TOKENS:
        raise Refused(f"The calculation has more than {MAX_TOKENS} parts; please split it.")
    return found


def _cut(text: str) -> Iterator[Token]:
    position, previous = 0, Token("end", "")
    brackets: list[
        bool
    ] = []  # whether each open bracket belongs to a function with several arguments
    while position < len(text):
        pattern = _TOKEN_IN_LIST if any(brackets[-1:]) else _TOKEN
        match = pattern.match(text, position)
        if match is None:
            raise NotACalculation(f"{text[position]!r} is no part of a calculation")
        position = match.end()
        kind = str(match.lastgroup)
        if kind == "space":
            continue
        token = Token(kind, "^" if match.group() == "**" else match.group())
        if token.text == "(":
            brackets.append(FUNCTIONS.get(previous.text.lower(), (1, 1))[1] > 1)
        elif token.text == ")" and brackets:
            brackets.pop()
        yield token
        previous = token


def literal(text: str) -> Number:
    """Return the number that `text` spells, exactly; `,` and `_` group its digits.

    Raises:
        Refused: its exponent is out of bounds.
    """
    plain = text.replace(",", "").replace("_", "").lower()
    _, _, exponent = plain.partition("e")
    if exponent and (len(exponent) > 6 or abs(int(exponent)) > MAX_EXPONENT_OF_LITERAL):
        raise Refused(f"The exponent of {text} is beyond {MAX_EXPONENT_OF_LITERAL:,}.")
    return Number(Fraction(plain))


def names(node: Node) -> frozenset[str]:
    """Return the constants, variables and units in `node`."""
    match node:
        case Number():
            return frozenset()
        case Name(text):
            return frozenset({text})
        case Percent(operand) | Negative(operand):
            return names(operand)
        case Binary(_, left, right):
            return names(left) | names(right)
        case Call(_, arguments):
            return frozenset().union(*map(names, arguments))
