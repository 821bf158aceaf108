import contextlib
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agents.calculator import build, exact, units
from agents.calculator.numerals import numeral
from agents.calculator.parser import parse
from agents.calculator.problems import Problem
from agents.calculator.words import tidy
from agents.contract import AgentContext

GRAPH = build({})
QUICK = settings(max_examples=80, deadline=None)
whole = st.integers(-(10**6), 10**6)
fractions = st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=10**4)


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> tuple[str, Fraction]:
    """Return an expression in brackets and its value, computed beside the parser."""
    if depth == 0:
        number = draw(st.integers(0, 10_000))
        return draw(st.sampled_from([str(number), f"{number:,}"])), Fraction(number)
    left_text, left = draw(expressions(depth=draw(st.integers(0, depth - 1))))
    right_text, right = draw(expressions(depth=draw(st.integers(0, depth - 1))))
    sign = draw(st.sampled_from("+-*/"))
    assume(sign != "/" or right != 0)
    value = {"+": left + right, "-": left - right, "*": left * right}.get(sign, left / (right or 1))
    return f"({left_text} {sign} {right_text})", value


@QUICK
@given(expressions())
def test_values_agree_with_python(expression: tuple[str, Fraction]) -> None:
    text, value = expression
    assert exact.evaluate(parse(text)) == value


@QUICK
@given(whole, whole, whole)
def test_precedence_agrees_with_python(a: int, b: int, c: int) -> None:
    assert exact.evaluate(parse(f"{a} - {b} * {c}")) == a - b * c
    assert exact.evaluate(parse(f"{a} - {b} - {c}")) == a - b - c


@QUICK
@given(st.text(max_size=80))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with contextlib.suppress(Problem):  # any other error fails the test
        assert isinstance(exact.evaluate(parse(text)), Fraction)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="0123456789+-*/^%!() of=", max_size=25))
def test_any_request_ends_with_an_outcome(text: str) -> None:
    state = {"request": text, "event": "start", "history": [], "memory": {"last": "5"}}
    outcome = GRAPH.invoke(state, context=AgentContext(home=Path()))["outcome"]
    assert outcome["event"] in ("done", "declined")
    assert outcome.get("text") or outcome.get("reason")


@QUICK
@given(fractions, st.integers(4, 30))
def test_rounding_agrees_with_decimal(value: Fraction, digits: int) -> None:
    assume(value != 0 and abs(value) > Fraction(1, 10**5))
    found = numeral(value, digits=digits, asked=True)
    with localcontext() as context:
        context.prec, context.rounding = digits, ROUND_HALF_UP
        expected = Decimal(value.numerator) / Decimal(value.denominator)
    assert Decimal(found.text) == expected
    assert found.rounded == (Fraction(found.text) != value)


@QUICK
@given(
    fractions,
    st.sampled_from(
        [("km", "mi"), ("kg", "lb"), ("L", "gal"), ("F", "C"), ("h", "s"), ("ft", "in")]
    ),
)
def test_conversions_come_back(value: Fraction, pair: tuple[str, str]) -> None:
    source, target = pair
    there, _ = units.convert(parse(f"({value}) * {source}", units=True), parse(target, units=True))
    back, _ = units.convert(parse(f"({there}) * {target}", units=True), parse(source, units=True))
    assert back == value


ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
ONES += ["seventeen", "eighteen", "nineteen"]
TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()


def spell(number: int) -> str:
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10] + (f"-{ONES[number % 10]}" if number % 10 else "")
    if number < 1000:
        return f"{ONES[number // 100]} hundred" + (
            f" and {spell(number % 100)}" if number % 100 else ""
        )
    for scale, word in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand")):
        if number >= scale:
            rest = f" {spell(number % scale)}" if number % scale else ""
            return f"{spell(number // scale)} {word}{rest}"
    raise AssertionError(number)


@QUICK
@given(st.integers(0, 10**12 - 1))
def test_number_words_are_read(number: int) -> None:
    assert tidy(spell(number)) == str(number)
