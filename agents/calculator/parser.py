"""A Pratt parser from text to the expression tree. It computes nothing, and any name may stand for a value.

Binding, loosest first: + and -, then * / mod, then `of`, then a number next to its unit, then unary minus, then ^,
then the postfix signs ! % and degrees. Depth is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from agents.calculator.problems import NotACalculation, Refused
from agents.calculator.syntax import (
    FUNCTIONS,
    LISTS,
    Binary,
    Call,
    Name,
    Negative,
    Node,
    Number,
    Percent,
    Token,
    literal,
    tokens,
)

MAX_DEPTH = 60

_SUM, _PRODUCT, _OF, _TIGHT, _UNARY, _POWER = 10, 20, 25, 27, 30, 40
_INFIX = {
    "+": _SUM,
    "-": _SUM,
    "*": _PRODUCT,
    "/": _PRODUCT,
    "mod": _PRODUCT,
    "of": _OF,
    "^": _POWER,
}
_DEGREES = frozenset({"degrees", "degree", "deg", "°"})
_WORDS = frozenset({"of", "mod", "and"})


def parse(text: str, *, units: bool = False) -> Node:
    """Read `text` as one expression.

    Args:
        text: the expression, with operators as signs.
        units: whether a number binds a name that follows it, so that 100 km / 2 h is a speed.

    Raises:
        NotACalculation: the text is no expression.
        Refused: it is too long or nested too deeply.
    """
    parser = _Parser(tokens(text), units=units)
    node = parser.expression(0)
    if parser.next.kind != "end":
        raise NotACalculation(f"{parser.next.text!r} was not expected here")
    return node


@dataclass(slots=True)
class _Parser:
    stream: list[Token]
    units: bool
    position: int = field(default=0, init=False)
    depth: int = field(default=0, init=False)

    @property
    def next(self) -> Token:
        return self.stream[self.position]

    @property
    def word(self) -> str:
        return self.next.text.lower()

    def take(self) -> Token:
        token = self.next
        self.position += 1
        return token

    def accept(self, *texts: str) -> bool:
        if self.next.kind == "end" or self.word not in texts:
            return False
        self.position += 1
        return True

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise NotACalculation(f"{text!r} is missing")

    def expression(self, floor: int) -> Node:
        """Read operators that bind tighter than `floor`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Refused(f"The calculation is nested more than {MAX_DEPTH} levels deep.")
        left = self.prefix()
        while (strength := self.strength(left)) > floor:
            left = self.infix(left, strength)
        self.depth -= 1
        return left

    def strength(self, left: Node) -> int:
        if self.word in _INFIX and self.next.kind != "end":
            return _INFIX[self.word]
        if not self.starts_operand():
            return 0
        if self.next.kind == "number":
            return 0  # two numbers side by side are no product
        return _TIGHT if self.units and isinstance(left, Number) else _PRODUCT

    def starts_operand(self) -> bool:
        token = self.next
        return token.kind == "number" or token.text == "(" or self.is_name(token)

    def is_name(self, token: Token) -> bool:
        word = token.text.lower()
        return token.kind == "name" and word not in _WORDS and (self.units or word not in _DEGREES)

    def infix(self, left: Node, strength: int) -> Node:
        operator = self.take().text.lower() if self.word in _INFIX else "*"
        if operator == "^":
            return Binary("^", left, self.expression(_UNARY - 1))
        right = self.expression(strength)
        if operator == "mod":
            return Call("mod", (left, right))
        if operator in "+-" and isinstance(right, Percent) and not isinstance(left, Percent):
            return Binary("*", left, Binary(operator, Number(Fraction(1)), right))
        return Binary("*" if operator == "of" else operator, left, right)

    def prefix(self) -> Node:
        if self.accept("-"):
            return Negative(self.expression(_UNARY))
        if self.accept("+"):
            return self.expression(_UNARY)
        return self.postfix(self.primary())

    def postfix(self, node: Node) -> Node:
        while True:
            if self.accept("!"):
                if self.word == "!":
                    raise Refused("I know one factorial sign after a number, not two.")
                node = Call("factorial", (node,))
            elif self.word == "%" and not self.is_remainder():
                self.take()
                node = Percent(node)
            elif self.word == "%":
                self.take()
                return Call("mod", (node, self.expression(_PRODUCT)))
            elif not self.units and self.accept(*_DEGREES):
                node = Binary("*", node, Binary("/", Name("pi"), Number(Fraction(180))))
            else:
                return node

    def is_remainder(self) -> bool:
        """Tell 12 % 5 from 12% of 5: a remainder is followed by an operand."""
        self.position += 1
        answer = self.starts_operand()
        self.position -= 1
        return answer

    def primary(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return self.share(token) or literal(token.text)
        if token.text == "(":
            inner = self.expression(0)
            self.expect(")")
            return inner
        if self.is_name(token):
            function = token.text.lower()
            return (
                self.call(function)
                if function in FUNCTIONS and self.is_call()
                else Name(token.text)
            )
        raise NotACalculation(
            f"{token.text!r} is no number" if token.text else "the calculation is cut off"
        )

    def share(self, numerator: Token) -> Node | None:
        """Read the rest of 2/3 where `of` follows: two thirds of what comes, not 2 by a third of nothing."""
        following = self.stream[self.position : self.position + 3]
        if len(following) < 3:
            return None
        line, denominator, word = following
        if (line.text, denominator.kind, word.text.lower()) != ("/", "number", "of"):
            return None
        self.position += 2
        return Binary("/", literal(numerator.text), literal(denominator.text))

    def is_call(self) -> bool:
        """Tell the function min from the unit min: a call goes on with an argument."""
        return self.starts_operand() or self.word in ("of", "-")

    def call(self, function: str) -> Node:
        if self.accept("("):
            arguments = [self.expression(0)]
            while self.accept(","):
                arguments.append(self.expression(0))
            self.expect(")")
        else:
            self.accept("of")
            arguments = self.bare_list() if function in LISTS else [self.expression(_UNARY)]
        fewest, most = FUNCTIONS[function]
        if not fewest <= len(arguments) <= most:
            raise NotACalculation(
                f"{function} takes {fewest} to {most} values, not {len(arguments)}"
            )
        return Call(function, tuple(arguments))

    def bare_list(self) -> list[Node]:
        """Read `3, 5 and 10`."""
        first = self.next
        arguments = [self.expression(0)]
        while self.accept(",", "and"):
            self.accept("and")
            arguments.append(self.expression(0))
        if len(arguments) == 1 and isinstance(arguments[0], Number) and "," in first.text:
            return [literal(part) for part in first.text.split(",")]
        return arguments
