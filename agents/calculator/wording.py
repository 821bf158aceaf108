"""Words an answer: short Markdown for the user, text values for programs, and what the next turn needs. It is pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from agents.calculator.labels import comparable, pretty, readable
from agents.calculator.numerals import Numeral, fraction_text, from_decimal, is_decimal, numeral
from agents.calculator.tasks import Result, Task

_MONEY = frozenset("$€£¥")
_FEET = "ft"
_YEARS = re.compile(r"\b(?:year|yr|month|decade_?|century|centurie)s?\b", re.IGNORECASE)
_IN_WORDS = frozenset("day week fortnight month year decade cup acre furlong fathom bit".split())


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agent says, returns and remembers."""

    text: str
    data: dict[str, Any]
    memory: dict[str, Any]


def word(task: Task, result: Result, *, digits: int) -> Answer:
    """Return the answer to a task that was computed."""
    match task["kind"]:
        case "check":
            return _checked(task, result)
        case "factorise":
            return _factored(task, result)
        case "transform":
            return _transformed(task, result)
        case "solve":
            return _solved(task, result)
        case _:
            return _valued(task, result, digits)


def _valued(task: Task, result: Result, digits: int) -> Answer:
    value = Fraction(result["exact"]) if _is_fraction(result.get("exact", "")) else None
    unit = result.get("unit", "") or task.get("symbol", "")
    shown = _numeral(task, result, value, digits)
    exact = result.get("exact", "")
    fraction = value is not None and unit not in _MONEY and _as_fraction(task, value, unit)
    sign = "≈" if shown.rounded and not fraction else "="
    text = f"{_label(task)} {sign} {_number(task, shown, value, unit)}"
    text += _exact_form(task, value, exact, unit, shown)
    if unit == _FEET and value is not None and task["kind"] == "convert" and value.denominator != 1:
        text += f", about {_feet_and_inches(value)}"
    if re.search(r"\b(?:sin|cos|tan|cot|sec|csc)\b", task["text"]) and not re.search(
        r"deg|°|pi|π", task["text"]
    ):
        text += " (angles in radians)"
    if re.search(r"\blog\b", task["text"]) and "," not in task["text"]:
        text += " (base 10)"
    if task["kind"] in ("convert", "quantity") and _YEARS.search(
        f"{task['text']} {task.get('unit')}"
    ):
        text += " (a year taken as 365.25 days)"
    if result.get("note"):
        text += f"\n\n{result['note']}"
    data = {
        "value": shown.text,
        "exact": exact or shown.text,
        "unit": unit,
        "rounded": shown.rounded,
    }
    return Answer(text, data, _remember(task, value, exact or shown.text, unit))


def _numeral(task: Task, result: Result, value: Fraction | None, digits: int) -> Numeral:
    places = task.get("places")
    if value is None:
        decimal = result.get("decimal", "")
        if not is_decimal(decimal):
            return _complex(result["exact"], decimal)
        return from_decimal(decimal, digits=task.get("digits", digits), places=places)
    if task.get("symbol") in _MONEY and value.denominator != 1 and places is None:
        return numeral(value, digits=digits, places=2)
    asked = "digits" in task
    return numeral(value, digits=task.get("digits", digits), asked=asked, places=places)


def _complex(exact: str, decimal: str) -> Numeral:
    if re.fullmatch(r"[\d*i+\-/ ]+", exact):
        return Numeral(exact.replace("*", ""), rounded=False)
    return Numeral(decimal.replace("*", ""), rounded=True)


def _number(task: Task, shown: Numeral, value: Fraction | None, unit: str) -> str:
    if unit in _MONEY:
        body = shown.shown.removeprefix("-")
        return f"**{'-' if shown.text.startswith('-') else ''}{unit}{body}**"
    if value is not None and _as_fraction(task, value, unit):
        return (
            f"**{value}** = {shown.shown}" if not shown.rounded else f"**{value}** ≈ {shown.shown}"
        )
    text = f"**{shown.shown}{_unit(unit, amount=shown.text)}**"
    count = len(shown.text.removeprefix("-"))
    if value is not None and value.denominator == 1 and count > 21:
        text += f" ({count:,} digits)"
    return text


def _as_fraction(task: Task, value: Fraction, unit: str) -> bool:
    """Tell whether the user calculates in fractions: 1/3 + 1/6 is 1/2 rather than 0.5."""
    text = task["text"].replace(" ", "")
    return (
        value.denominator != 1
        and not unit
        and "digits" not in task
        and "places" not in task
        and bool(re.search(r"\d/\d", text))
        and not re.search(r"[.%]|\d{4}", text)
        and bool(fraction_text(value))
        and text != str(value)
        and value.denominator <= 10_000
    )


def _exact_form(task: Task, value: Fraction | None, exact: str, unit: str, shown: Numeral) -> str:
    if not shown.rounded or "digits" in task or "places" in task:
        return ""
    if value is None:
        form = readable(exact)
        same = comparable(form) == comparable(readable(pretty(task["text"])))
        return "" if same or not exact or len(form) > 60 else f" (exactly {form})"
    if unit in _MONEY:
        full = numeral(value, digits=12)
        return "" if full.rounded else f" (exactly {unit}{full.shown})"
    form = (
        ""
        if task["kind"] != "arithmetic" or _as_fraction(task, value, unit)
        else fraction_text(value)
    )
    return (
        f" (exactly {form}{_unit(unit)})" if form and form != task["text"].replace(" ", "") else ""
    )


def _label(task: Task) -> str:
    label = task["label"]
    return label if len(label) <= 200 else f"{label[:190]} …"


def _unit(unit: str, *, amount: str = "1") -> str:
    if not unit or unit == "%":
        return unit
    if unit in _IN_WORDS and amount != "1":
        return f" {unit}s"
    names = {"floz": "fl oz", "impgal": "imperial gal", "imppt": "imperial pt"}
    return " " + names.get(unit, unit).replace("^2", "²").replace("^3", "³").replace("*", "·")


def _feet_and_inches(value: Fraction) -> str:
    feet, rest = divmod(abs(value), 1)
    inches = numeral(rest * 12, digits=3, places=1)
    return f"{'-' if value < 0 else ''}{feet} ft {inches.text} in"


def _is_fraction(text: str) -> bool:
    return bool(re.fullmatch(r"-?\d+(?:/\d+)?", text))


def _remember(task: Task, value: Fraction | None, exact: str, unit: str) -> dict[str, Any]:
    """Keep the last result as an expression, for follow-ups."""
    if value is None and ("i" in re.findall(r"[a-z]+", exact) or len(exact) > 500):
        return {}
    last = exact
    if value is not None:
        short = numeral(value, digits=12)
        last = exact if short.rounded or "e" in short.text else short.text
    last = f"({last})" if re.search(r"[^\d.]", last) else last
    if unit in _MONEY and unit:
        last = f"{unit}{last}"
    elif unit == "%":
        last = f"{last}%"
    elif unit:
        last = f"({last} {unit})"
    memory: dict[str, Any] = {"last": last}
    if task.get("base"):
        memory["base"] = task["base"]
    if again := _again(task):
        memory["again"] = again
    return memory


def _again(task: Task) -> str:
    """Return the question with `{}` for its amount, where another amount makes another question."""
    if task["kind"] == "convert" and (asked := re.match(r"[\d.,]+ ([^\d+]+)$", task["text"])):
        return f"{{}} {asked[1]} in {task['unit']}"
    if task.get("base") and (share := re.match(r"\(([\d.,]+)\)/100\*", task["text"])):
        return f"{share[1]}% of {{}}"
    return ""


def _checked(task: Task, result: Result) -> Answer:
    holds = result["holds"]
    verdict = "Yes" if holds else "No"
    text = f"**{verdict}**: {task['label']} is {'true' if holds else 'false'}."
    return Answer(text, {"value": str(holds).lower(), "exact": str(holds).lower(), "unit": ""}, {})


def _factored(task: Task, result: Result) -> Answer:
    factors = result["exact"]
    prime = not re.search(r"[*^]", factors)
    text = (
        f"{task['label']} is prime."
        if prime
        else f"{task['label']} = **{readable(factors)}** (not prime)"
    )
    return Answer(text, {"value": factors, "exact": factors, "unit": "", "prime": prime}, {})


def _transformed(task: Task, result: Result) -> Answer:
    form, exact = task["form"], result["exact"]
    after = " + C" if form == "integrate" else ""
    label = task["label"]
    start = {
        "differentiate": f"d/d{task['variable']} ({label})",
        "integrate": f"∫ {label} d{task['variable']}",
    }.get(form, label)
    note = f" for {result['note']}" if result.get("note") else ""
    text = f"{start} = **{readable(exact)}{after}**{note}"
    return Answer(text, {"value": exact + after, "exact": exact + after, "unit": ""}, {})


def _solved(task: Task, result: Result) -> Answer:
    note = f" ({result['note']})" if result.get("note") else ""
    if result["kind"] == "none":
        return Answer(
            f"{task['label']} has **no solution**{note}.",
            {"value": "none", "exact": "none", "unit": ""},
            {},
        )
    if result["kind"] == "all":
        text = f"{task['label']} holds for **every value**{note}."
        return Answer(text, {"value": "all", "exact": "all", "unit": ""}, {})
    rows = [_solution(row) for row in result["solutions"]]
    text = f"{task['label']}: {' or '.join(f'**{shown}**' for shown, _, _ in rows)}{note}"
    value = " or ".join(plain for _, plain, _ in rows)
    exact = " or ".join(form for _, _, form in rows)
    memory = {}
    if len(rows) == 1 and len(result["solutions"][0]) == 1:
        (only,) = result["solutions"][0].values()
        last = only.get("exact") or only["decimal"]
        memory = {} if re.search(r"[b-hj-z]", last) else {"last": f"({last})"}
    return Answer(
        text, {"value": value, "exact": exact, "unit": "", "solutions": result["solutions"]}, memory
    )


def _solution(row: dict[str, dict[str, str]]) -> tuple[str, str, str]:
    """Return a solution as shown, as values and as exact values."""
    shown, plain, exact = [], [], []
    for name, value in row.items():
        form, decimal = value.get("exact", ""), value.get("decimal", "")
        if form and decimal:
            shown.append(f"{name} = {readable(form)} ≈ {readable(decimal)}")
        elif form and _is_fraction(form):
            number = numeral(Fraction(form), digits=12)
            same = number.text == form
            mark = "≈" if number.rounded else "="
            shown.append(f"{name} = {form}" + ("" if same else f" {mark} {number.shown}"))
        else:
            shown.append(f"{name} {'=' if form else '≈'} {readable(form or decimal)}")
        plain.append(f"{name} = {decimal or form}")
        exact.append(f"{name} = {form or decimal}")
    return ", ".join(shown), ", ".join(plain), ", ".join(exact)
