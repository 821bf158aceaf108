"""Reads one sentence as a calculation, with the patterns of `sentences`. It computes nothing.

Whatever is left of a sentence must parse, with known names only; else it is no calculation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from agents.calculator import sentences, units
from agents.calculator.labels import pretty, with_powers
from agents.calculator.parser import parse
from agents.calculator.problems import NotACalculation, Refused
from agents.calculator.syntax import CONSTANTS, Name, Negative, Node, Number, Percent, names
from agents.calculator.tasks import Task
from agents.calculator.words import signs

MAX_ASKED_DIGITS = 3_000

_VARIABLES = frozenset("abcdfghjklmnopqrstuvwxyz")  # e is a constant, i would be the imaginary unit
_MAX_NESTING = 2  # phrases within phrases: 10% off the difference between 5 and 3


def understand(text: str) -> Task:
    """Return what `text`, already tidy, asks to compute.

    Raises:
        NotACalculation: it is no calculation.
        Refused: it is one that cannot be served, whatever its value.
    """
    if sentences.DATE_OR_TELEPHONE.match(text):
        raise NotACalculation("it reads as a date or a telephone number")
    if sentences.EXCHANGE.search(text):
        raise NotACalculation("it needs exchange rates, which change daily")
    asked = sentences.VALUE_OF.match(text) is not None
    body = _strip(text)
    return _first(body, _READERS) or _plain(body, bare=asked)


def _strip(text: str) -> str:
    """Return `text` without polite words around the calculation; a final ! stays if it is a factorial."""
    text = sentences.TAIL.sub("", text.strip())
    return sentences.LEAD.sub("", text).strip()


def _precise(body: str) -> Task | None:
    for pattern in sentences.PRECISION:
        match = pattern.match(body)
        if match is None:
            continue
        number = match["n"].replace(",", "")
        if len(number) > 9 or int(number) > MAX_ASKED_DIGITS:
            raise Refused(f"I show up to {MAX_ASKED_DIGITS:,} digits, not {match['n']}.")
        inner = _strip(match["e"])
        task = _first(inner, _READERS[1:]) or _plain(inner, bare=True)
        if sentences.PLACES.match(match["kind"]):
            task["places"] = int(number)
        else:
            task["digits"] = max(int(number), 1)
        return task
    return None


def _first(body: str, readers: Iterable[Callable[[str], Task | None]]) -> Task | None:
    for reader in readers:
        try:
            task = reader(body)
        except NotACalculation:
            continue
        if task is not None:
            return task
    return None


def _phrase(body: str, *, nesting: int = 0) -> Task | None:
    for sentence in sentences.SENTENCES:
        match = sentence.pattern.match(body)
        if match is None:
            continue
        raw = {key: value.strip() for key, value in match.groupdict().items()}
        parts = {key: _inner(value, nesting=nesting + 1) for key, value in raw.items()}
        try:
            task = _expression(sentence.template.format(**parts))
        except NotACalculation:
            continue
        task["label"] = pretty(signs(sentence.label.format(**raw)))
        if sentence.symbol:
            task["symbol"] = sentence.symbol
        if sentence.base:
            task["base"] = sentence.base.format(**raw)
        return task
    return None


def _inner(part: str, *, nesting: int) -> str:
    """Return the expression of a part of a phrase; the part may be a phrase itself."""
    part = sentences.LEAD.sub("", part)
    if nesting > _MAX_NESTING or not sentences.NESTED.match(part):
        return part
    found = _phrase(part, nesting=nesting)
    return found.get("symbol", "") + found["text"] if found else part


def _convert(body: str) -> Task | None:
    folded = units.fold(body)
    for pattern in sentences.CONVERSIONS:
        match = pattern.match(folded)
        if match is None:
            continue
        expression, unit = signs(_amount(match["q"].strip())), match["u"].strip(" ?.")
        wanted, given = names(parse(unit, units=True)), names(parse(expression, units=True))
        if wanted and given and all(map(units.is_unit, wanted | given)):
            return Task(
                kind="convert",
                text=expression,
                unit=unit,
                label=with_powers(pretty(expression)),
            )
    return None


def _amount(quantity: str) -> str:
    """Return a quantity with its number as digits: a day, half a mile, (1/2) of an hour."""
    quantity = re.sub(r"^(?:an?)\s+(?=[a-z])", "1 ", quantity, flags=re.IGNORECASE)
    return re.sub(
        r"^(\(\d+/\d+\)) (?:of )?(?:an? )?(?=[a-z])", r"\1 * 1 ", quantity, flags=re.IGNORECASE
    )


def _transform(body: str) -> Task | None:
    for pattern in sentences.PRIMES:
        match = pattern.match(body)
        if match is not None and not names(parse(signs(match["e"]))):
            return Task(kind="factorise", text=signs(match["e"]), label=pretty(signs(match["e"])))
    for pattern, form in sentences.TRANSFORMS:
        match = pattern.match(body)
        if match is None:
            continue
        expression = signs(match["e"]).lower()
        found = _variables([expression])
        groups = match.groupdict()
        variable = groups.get("v") or groups.get("w") or min(found & {"x"} or found or {"x"})
        return Task(
            kind="transform",
            form=form,
            text=expression,
            variable=variable.lower(),
            label=pretty(expression),
        )
    return None


def _variables(expressions: Iterable[str]) -> frozenset[str]:
    found = frozenset[str]().union(*(names(parse(text)) for text in expressions)) - CONSTANTS
    if found - _VARIABLES:
        raise NotACalculation(f"{min(found - _VARIABLES)!r} is no variable")
    return found


def _solve(body: str) -> Task | None:
    match = sentences.SOLVE.match(body)
    inner = match["e"] if match else body
    if "=" not in inner and (match is None or match["w"]):
        return None
    pairs = _equations(inner)
    found = _variables(side for pair in pairs for side in pair)
    label = ", ".join(pretty(" = ".join(pair)) for pair in pairs)
    if not found:
        return Task(kind="check", equations=pairs, label=label) if len(pairs) == 1 else None
    if match is None and len(pairs) == 1 and _is_assignment(pairs[0]):
        return None
    named = (match["v"] or match["w"] or match["x"] or "").lower() if match else ""
    return Task(
        kind="solve", equations=pairs, label=label, variable=named if len(pairs) == 1 else ""
    )


def _equations(text: str) -> list[list[str]]:
    """Return the two sides of each equation; without any sign of equality, the text is to be zero."""
    parts = [part for part in re.split(r"\s*(?:,|;|\n|\band\b|&)\s*", text) if part]
    if "=" not in text:
        parts = [f"{part} = 0" for part in parts]
    pairs = [[signs(side).lower() for side in part.split("=")] for part in parts]
    if any(len(pair) != 2 for pair in pairs):
        raise NotACalculation("an equation has two sides")
    return pairs


def _is_assignment(pair: list[str]) -> bool:
    """Tell x = 5, which leaves nothing to solve."""
    return any(len(side) == 1 and side.isalpha() for side in pair) and any(
        not names(parse(side)) for side in pair
    )


_READERS: tuple[Callable[[str], Task | None], ...] = (
    _precise,
    _convert,
    _phrase,
    _transform,
    _solve,
)


def _plain(body: str, *, bare: bool) -> Task:
    """Read the whole of `body` as one expression; unless `bare`, a number alone is no calculation."""
    task = _expression(body)
    node = parse(task["text"], units=task["kind"] == "quantity")
    if not bare and _is_value(node):
        raise NotACalculation("there is nothing to compute")
    return task


def _is_value(node: Node) -> bool:
    return isinstance(node, Number | Name) or (
        isinstance(node, Negative | Percent) and _is_value(node.operand)
    )


def _expression(body: str) -> Task:
    """Return the task of an expression: arithmetic, a quantity, or one in x to simplify."""
    text, symbol = _money(signs(body))
    label = pretty(signs(body))
    node = parse(text)
    unknown = {name for name in names(node) if name.lower() not in CONSTANTS}
    if not unknown:
        return Task(kind="arithmetic", text=text, label=label, symbol=symbol)
    folded = signs(units.fold(body))
    if not symbol and all(map(units.is_unit, names(parse(folded, units=True)))):
        node = parse(folded, units=True)
        if not _is_amount(node):
            return Task(kind="quantity", text=folded, label=with_powers(pretty(folded)))
    if unknown <= {"x", "y", "z"} and re.search(r"[-+*/^]", text):
        return Task(kind="transform", form="simplify", text=text, variable="x", label=label)
    raise NotACalculation(f"{min(unknown)!r} is no word of a calculation")


def _is_amount(node: Node) -> bool:
    """Tell 5 km, which asks nothing, from 5 km + 3 km."""
    match node:
        case Name():
            return True
        case _:
            left, right = getattr(node, "left", None), getattr(node, "right", None)
            return isinstance(left, Number) and isinstance(right, Name)


def _money(text: str) -> tuple[str, str]:
    """Return `text` without its currency, and the currency's sign."""
    for word, sign in sentences.CURRENCIES.items():
        text = re.sub(
            rf"((?<![\d,.])\d[\d,.]*|\))\s*{word}\b", rf"{sign}\1", text, flags=re.IGNORECASE
        )
    found = sorted(set(re.findall(r"[$€£¥]", text)))
    if not found:
        return text, ""
    if len(found) > 1:
        raise Refused("I have no exchange rates, so I cannot mix currencies.")
    ratio = re.search(r"/ ?\(*[$€£¥]", text) is not None
    return re.sub(r"[$€£¥]\s*", "", text), "" if ratio else found[0]
