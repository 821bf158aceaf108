"""Numbers as text: exact decimals, rounding half up, thousands in groups, powers of ten. It computes no expressions."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

_MAX_PLACES = 24  # a longer exact decimal is rounded unless digits were asked for
_SCIENTIFIC_ABOVE = 10**21
_SCIENTIFIC_BELOW = Fraction(1, 10**6)
_MAX_FRACTION = 24  # characters of a fraction that is still worth showing


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number as text."""

    text: str
    """Digits without groups; `d.ddde±n` where it is too large or small to write out."""
    rounded: bool
    """Whether the text is less than the number."""

    @property
    def shown(self) -> str:
        """Return the text as a person reads it."""
        mantissa, mark, exponent = self.text.partition("e")
        return f"{group(mantissa)} × 10^{int(exponent)}" if mark else group(self.text)  # noqa: RUF001


def group(text: str) -> str:
    """Put commas between thousands; a number of more than 21 digits stays as it is, to be copied."""
    whole, point, rest = text.partition(".")
    sign = "-" if whole.startswith("-") else ""
    digits = whole.removeprefix("-")
    if not digits.isdigit() or not 4 <= len(digits) <= 21:
        return text
    return f"{sign}{int(digits):,}{point}{rest}"


def numeral(
    value: Fraction, *, digits: int, asked: bool = False, places: int | None = None
) -> Numeral:
    """Return `value` exactly if it is a short decimal, else rounded.

    Args:
        value: the number.
        digits: significant digits of a rounded text.
        asked: whether the user asked for that many digits.
        places: digits after the point, if the user asked for them.
    """
    if places is not None:
        return _to_places(value, places)
    exact = _exact_places(value)
    if value.denominator == 1 and not (asked and len(str(abs(value.numerator))) > digits):
        return Numeral(str(value.numerator), rounded=False)
    if exact is not None and exact <= _MAX_PLACES and not asked:
        return _to_places(value, exact)
    order = _order(value)
    if abs(value) >= _SCIENTIFIC_ABOVE or abs(value) < _SCIENTIFIC_BELOW:
        return _scientific(value, digits, order)
    found = _to_places(value, digits - 1 - order)
    if found.rounded:
        return found
    return Numeral(
        found.text.rstrip("0").rstrip(".") if "." in found.text else found.text, rounded=False
    )


def fraction_text(value: Fraction) -> str:
    """Return p/q if it is short enough to be read, else nothing."""
    text = f"{value.numerator}/{value.denominator}"
    return text if value.denominator != 1 and len(text) <= _MAX_FRACTION else ""


def from_decimal(text: str, *, digits: int, places: int | None = None) -> Numeral:
    """Return a decimal that was computed with guard digits, rounded; it never counts as exact."""
    value = Decimal(text)
    if abs(value.adjusted()) > 5_000:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".lower().partition("e")
        return Numeral(f"{mantissa}e{int(exponent)}", rounded=True)
    found = numeral(Fraction(value), digits=digits, asked=True, places=places)
    return Numeral(found.text, rounded=True)


def is_decimal(text: str) -> bool:
    """Tell whether `text` is one real number."""
    return text.removeprefix("-").replace(".", "", 1).replace("e+", "").replace("e-", "").isdigit()


def _exact_places(value: Fraction) -> int | None:
    """Return how many decimal places hold the value exactly, or None if none do."""
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    return max(twos, fives) if rest == 1 else None


def _order(value: Fraction) -> int:
    """Return the power of ten of the first digit."""
    guess = len(str(abs(value.numerator))) - len(str(value.denominator))
    return guess if abs(value) >= Fraction(10) ** guess else guess - 1


def _half_up(value: Fraction) -> int:
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def _to_places(value: Fraction, places: int) -> Numeral:
    scaled = abs(value) * Fraction(10) ** places
    nearest = _half_up(scaled)
    sign = "-" if value < 0 and nearest else ""
    if places <= 0:
        return Numeral(f"{sign}{nearest * 10**-places}", rounded=nearest != scaled)
    text = str(nearest).rjust(places + 1, "0")
    return Numeral(f"{sign}{text[:-places]}.{text[-places:]}", rounded=nearest != scaled)


def _scientific(value: Fraction, digits: int, order: int) -> Numeral:
    nearest = _to_places(value / Fraction(10) ** order, digits - 1)
    if nearest.text.removeprefix("-").startswith("10"):  # 9.99… rounded up
        nearest, order = _to_places(value / Fraction(10) ** (order + 1), digits - 1), order + 1
    return Numeral(f"{nearest.text}e{order}", rounded=nearest.rounded)
