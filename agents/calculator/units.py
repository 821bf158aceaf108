"""Everyday units and exact conversion between them, on pint. It knows no sentences and no currencies.

The table holds the names that people type; pint holds the factors. pint alone would also read "pets" as peta-seconds.
Units whose factor holds pi (radians, parsecs) are left out: a fraction cannot hold it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

from agents.calculator import exact
from agents.calculator.problems import NotACalculation, Refused
from agents.calculator.syntax import Binary, Call, Name, Negative, Node, Number, Percent

MAX_POWER = 12

# pint's name: the symbol shown, then other spellings (a plural s is understood)
_TABLE = {
    "nanometer": "nm nanometer nanometre",
    "micrometer": "μm um micron micrometer micrometre",
    "millimeter": "mm millimeter millimetre",
    "centimeter": "cm centimeter centimetre",
    "decimeter": "dm decimeter decimetre",
    "meter": "m meter metre",
    "kilometer": "km kilometer kilometre kms",
    "inch": "in inch inches",
    "foot": "ft foot feet",
    "yard": "yd yard",
    "mile": "mi mile",
    "nautical_mile": "nmi",
    "furlong": "furlong",
    "fathom": "fathom",
    "light_year": "ly lightyear",
    "astronomical_unit": "au",
    "microgram": "μg ug microgram",
    "milligram": "mg milligram",
    "gram": "g gram gramme gm",
    "kilogram": "kg kilogram kilo kgs kilogramme",
    "metric_ton": "t tonne",
    "short_ton": "ton",
    "ounce": "oz ounce",
    "pound": "lb pound lbs",
    "stone": "st stone",
    "carat": "ct carat",
    "nanosecond": "ns nanosecond",
    "microsecond": "μs us microsecond",
    "millisecond": "ms millisecond",
    "second": "s second sec",
    "minute": "min minute mins",
    "hour": "h hour hr",
    "day": "day",
    "week": "week wk",
    "fortnight": "fortnight",
    "month": "month",
    "year": "year yr",
    "decade_": "decade",
    "century": "century centuries",
    "milliliter": "mL ml milliliter millilitre cc",
    "centiliter": "cL cl centiliter centilitre",
    "deciliter": "dL dl deciliter decilitre",
    "liter": "L l liter litre",
    "teaspoon": "tsp teaspoon",
    "tablespoon": "tbsp tablespoon",
    "fluid_ounce": "floz",
    "cup": "cup",
    "pint": "pt pint",
    "quart": "qt quart",
    "gallon": "gal gallon",
    "imperial_gallon": "impgal",
    "imperial_pint": "imppt",
    "barrel": "bbl barrel",
    "hectare": "ha hectare",
    "acre_": "acre",
    "kilometer_per_hour": "kph kmh kmph",
    "mile_per_hour": "mph",
    "knot": "kn knot kt",
    "degree_Celsius": "°C C celsius centigrade degc",
    "degree_Fahrenheit": "°F F fahrenheit degf",
    "kelvin": "K kelvin",
    "joule": "J joule",
    "kilojoule": "kJ kilojoule",
    "megajoule": "MJ megajoule",
    "calorie": "cal calorie",
    "kilocalorie": "kcal kilocalorie",
    "watt_hour": "Wh",
    "kilowatt_hour": "kWh",
    "electron_volt": "eV",
    "Btu": "Btu",
    "watt": "W watt",
    "kilowatt": "kW kilowatt",
    "megawatt": "MW megawatt",
    "horsepower": "hp horsepower",
    "newton": "N newton",
    "pascal": "Pa pascal",
    "hectopascal": "hPa hectopascal",
    "kilopascal": "kPa kilopascal",
    "megapascal": "MPa megapascal",
    "bar": "bar",
    "millibar": "mbar millibar",
    "psi": "psi",
    "atmosphere": "atm atmosphere",
    "mmHg": "mmHg",
    "volt": "V volt",
    "ampere": "A ampere amp",
    "ohm": "Ω ohm",
    "hertz": "Hz hertz",
    "kilohertz": "kHz kilohertz",
    "megahertz": "MHz megahertz",
    "gigahertz": "GHz gigahertz",
    "bit": "bit",
    "megabit": "Mb Mbit megabit",
    "gigabit": "Gb Gbit gigabit",
    "byte": "B byte",
    "kilobyte": "kB KB kilobyte",
    "megabyte": "MB megabyte",
    "gigabyte": "GB gigabyte",
    "terabyte": "TB terabyte",
    "kibibyte": "KiB kibibyte",
    "mebibyte": "MiB mebibyte",
    "gibibyte": "GiB gibibyte",
    "tebibyte": "TiB tebibyte",
}
# Speeds are held as ratios, so that 60 mph * 2 h is a distance.
_SPEEDS = {
    "mile_per_hour": "mile/hour",
    "kilometer_per_hour": "kilometer/hour",
    "knot": "nautical_mile/hour",
}
_SHOWN = {"mi/h": "mph", "nmi/h": "kn"}
_SYMBOLS = {pint_name: row.split()[0] for pint_name, row in _TABLE.items()}
_SPELLINGS = {spelling: name for name, row in _TABLE.items() for spelling in row.split()}
_FOLDED = {spelling.lower(): name for spelling, name in reversed(_SPELLINGS.items())}
_TEMPERATURES = frozenset({"degree_Celsius", "degree_Fahrenheit"})
_ANY = "|".join(sorted((re.escape(s) for s in _FOLDED), key=len, reverse=True))

_OUNCES = re.compile(r"\b(?:ounces?|oz)\b", re.IGNORECASE)
_VOLUMES = re.compile(
    r"\b(?:m|c)?l\b|\b(?:(?:milli|centi)?lit(?:re|er)|cup|pint|quart|gallon|tablespoon|teaspoon|tbsp|tsp)s?\b",
    re.IGNORECASE,
)
"""Beside one of these, an ounce is a fluid one."""
_WORDINGS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"\bdegrees? (celsius|fahrenheit|centigrade|[CF])\b", r"\1"),
        (r"\bdegrees? kelvin\b", "kelvin"),
        (r"\bnautical miles?\b", "nmi"),
        (r"\blight[- ]years?\b", "ly"),
        (r"\bastronomical units?\b", "au"),
        (r"\b(?:us )?(?:fluid|fl\.?) ?(?:ounces?|oz)\b", "floz"),
        (r"\b(?:imperial|uk) gallons?\b", "impgal"),
        (r"\b(?:imperial|uk) pints?\b", "imppt"),
        (r"\bus (?=gallon|pint|quart|cup|ton)", ""),
        (r"\b(?:metric tons?|metric tonnes?)\b", "tonne"),
        (r"\b(?:kilowatt[- ]hours?)\b", "kWh"),
        (r"\b(?:watt[- ]hours?)\b", "Wh"),
        (r"\b(?:square|sq\.?) (\w+)", r"\1^2"),
        (r"\bcubic (\w+)", r"\1^3"),
        (r"(?<![a-z])([cdkm]?m|in|ft|yd|mi)([23])\b", r"\1^\2"),
        (rf"(?<=[a-z]) per (?=(?:{_ANY})s?\b)", "/"),
        # 5'11" and 5 ft 11 (in)
        (r"(?<!\d)(\d+)\s*'\s*(\d+(?:\.\d+)?)\s*(?:\"|''|$)", r"(\1 ft + \2 in)"),
        (
            r"(?<!\d)(\d+)\s*(?:ft|feet|foot) (?:and )?(\d+(?:\.\d+)?)(?:\s*(?:in|inch|inches)\b|\s*$)",
            r"(\1 ft + \2 in)",
        ),
        (
            r"(?<![\d.,])(\d[\d.,]*)\s*(lbs?|pounds?|stones?|st|hours?|hrs?|h|minutes?|mins?|days?|weeks?|years?|km|m|kg)"
            r",?\s+(?:and )?(\d[\d.]*)\s*(oz|ounces?|lbs?|pounds?|minutes?|mins?|seconds?|secs?|s|hours?|days?"
            r"|months?|cm|m|g)\b",
            r"(\1 \2 + \3 \4)",
        ),
    )
)


def fold(text: str) -> str:
    """Return `text` with units of several words as one name each, and 5 ft 11 in as a sum."""
    for pattern, replacement in _WORDINGS:
        text = pattern.sub(replacement, text)
    return _OUNCES.sub("floz", text) if _VOLUMES.search(text) else text


def is_unit(name: str) -> bool:
    """Tell whether `name` is in the table, in any usual spelling."""
    return _pint_name(name) is not None


def label(text: str) -> str:
    """Return `text` with temperature scales by their signs."""
    return re.sub(
        r"(?<=\d )(F|C|fahrenheit|celsius|centigrade)\b",
        lambda match: f"°{match[0][0].upper()}",
        text,
        flags=re.IGNORECASE,
    )


def _pint_name(name: str) -> str | None:
    for spelling in (name, name.removesuffix("s") if len(name) > 3 else name):
        found = _SPELLINGS.get(spelling) or _FOLDED.get(spelling.lower())
        if found:
            return found
    return None


@cache
def _registry() -> Any:
    import pint  # it takes a third of a second and only questions about units need it

    registry: Any = pint.UnitRegistry(non_int_type=Fraction)
    registry.define("decade_ = 10 * year")  # pint's own decade is a logarithmic unit
    registry.define("acre_ = 4840 * yard ** 2")  # pint's own is the American surveyors'
    return registry


def _unit(name: str) -> Any:
    found = _pint_name(name)
    if found is None:
        raise NotACalculation(f"{name!r} is no unit that I know")
    return _registry().Unit(_SPEEDS.get(found, found))


def evaluate(node: Node) -> Any:
    """Return the value of `node`: a fraction, or a pint quantity that holds one.

    Raises:
        NotACalculation: a name is no unit.
        Refused: the units do not fit together, or a number would be too large.
    """
    import pint

    try:
        return _evaluate(node)
    except pint.DimensionalityError as problem:
        raise Refused(_mismatch(problem.units1, problem.units2)) from problem
    except pint.OffsetUnitCalculusError as problem:
        raise Refused(
            "Degrees Celsius and Fahrenheit can be converted, not added or multiplied."
        ) from problem


def _mismatch(left: Any, right: Any) -> str:
    return f"{symbol(left) or 'a plain number'} and {symbol(right) or 'a plain number'} measure different things."


def _evaluate(node: Node) -> Any:
    match node:
        case Number(value):
            return value
        case Name(text):
            return _registry().Quantity(Fraction(1), _unit(text))
        case Percent(operand):
            return _evaluate(operand) / Fraction(100)
        case Negative(operand):
            return -_evaluate(operand)
        case Binary("*", amount, Name(text)) if _pint_name(text) in _TEMPERATURES:
            return _registry().Quantity(exact.evaluate(amount), _unit(text))
        case Binary(operator, left, right):
            return _operate(operator, _evaluate(left), _evaluate(right))
        case Call(function, arguments) if function in _FUNCTIONS:
            return _FUNCTIONS[function]([_evaluate(argument) for argument in arguments])
    raise NotACalculation("that function takes no units")


def _operate(operator: str, left: Any, right: Any) -> Any:
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return exact.operate(operator, left, right)
    if operator == "^":
        if not isinstance(right, Fraction) or right.denominator != 1 or abs(right) > MAX_POWER:
            raise Refused(f"A unit takes a whole power of up to {MAX_POWER}.")
        return left ** int(right)
    if operator == "/" and not (right if isinstance(right, Fraction) else right.magnitude):
        raise Refused("Division by zero is undefined.")
    result = {
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
        "/": lambda: left / right,
    }[operator]()
    exact.check_size(Fraction(result.magnitude))
    return result


def _total(values: Sequence[Any]) -> Any:
    result = values[0]
    for value in values[1:]:
        result = result + value
    return result


_FUNCTIONS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "abs": lambda values: abs(values[0]),
    "sum": _total,
    "average": lambda values: _total(values) / Fraction(len(values)),
    "min": min,
    "max": max,
}


def convert(source: Node, target: Node) -> tuple[Fraction, str]:
    """Return the amount of `source` in `target`, exactly, and the symbol of `target`.

    Raises:
        NotACalculation: a name is no unit, or one side has none.
        Refused: they measure different things.
    """
    import pint

    wanted = _evaluate_unit(target)
    amount = evaluate(source)
    if isinstance(amount, Fraction):
        raise NotACalculation("there is no unit to convert from")
    try:
        result = amount.to(wanted)
    except pint.DimensionalityError as problem:
        raise Refused(_mismatch(amount.units, wanted)) from problem
    return exact.check_size(Fraction(result.magnitude)), symbol(wanted)


def _evaluate_unit(target: Node) -> Any:
    match target:
        case Name(text):
            return _unit(text)
        case Binary("^", base, Number(power)) if power.denominator == 1 and 0 < power <= MAX_POWER:
            return _evaluate_unit(base) ** int(power)
        case Binary("*", left, right):
            return _evaluate_unit(left) * _evaluate_unit(right)
        case Binary("/", left, right):
            return _evaluate_unit(left) / _evaluate_unit(right)
    raise NotACalculation("the target is no unit")


def simplest(quantity: Any) -> tuple[Fraction, str]:
    """Return a computed quantity as its amount and the symbol of its unit, with like units cancelled."""
    if isinstance(quantity, Fraction):
        return quantity, ""
    if quantity.dimensionless:
        quantity = quantity.to("")
    elif len(dict(quantity.unit_items())) > 1:
        quantity = quantity.to_reduced_units()
    return exact.check_size(Fraction(quantity.magnitude)), symbol(quantity.units)


def symbol(unit: Any) -> str:
    """Return a unit in our own spelling, which the parser reads again: km, m^2, km/h."""
    above: list[str] = []
    below: list[str] = []
    for name, power in sorted(_registry().Quantity(1, unit).unit_items()):
        shown = _SYMBOLS.get(name) or f"{_registry().get_symbol(name)}"
        side = above if power > 0 else below
        side.append(shown if abs(power) == 1 else f"{shown}^{abs(power)}")
    text = "*".join(above) or ("1" if below else "")
    text += "".join(f"/{part}" for part in below)
    return _SHOWN.get(text, text)
