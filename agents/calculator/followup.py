"""Completes a request that leans on the last result: `times 2`, `and 20%?`, `now in miles`. It computes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agents.calculator.problems import NotACalculation

_SOFT = re.compile(
    r"^(?:(?:and|then|now|ok|okay|so|next|also|please|what(?:'s| is| about| if)?|how about"
    r"|back(?= (?:to|in)\b))\b[,:]?\s*)+",
    re.IGNORECASE,
)
_SIGN = re.compile(
    r"^(?:[*/^+]|-\s|(?:times|plus|minus|multiplied by|divided by|over|squared|cubed|modulo|to the power|less"
    r"|increased by|decreased by|reduced by|raised to|rounded to|split (?:between|by|among)|in|to|as)\b|mod\s)",
    re.IGNORECASE,
)
_VERBS: tuple[tuple[re.Pattern[str], dict[str, str]], ...] = (
    (
        re.compile(r"^(add|subtract) (?!.*\b(?:to|from|and)\b)(.+)$", re.IGNORECASE),
        {"add": "{last} + {rest}", "subtract": "{last} - {rest}"},
    ),
    (
        re.compile(r"^(multiply|divide|increase|decrease|reduce|raise) by (.+)$", re.IGNORECASE),
        {
            "multiply": "{last} * ({rest})",
            "divide": "{last} / ({rest})",
            "increase": "increase {last} by {rest}",
            "raise": "increase {last} by {rest}",
            "decrease": "decrease {last} by {rest}",
            "reduce": "decrease {last} by {rest}",
        },
    ),
    (
        re.compile(r"^(double|halve|square|cube|triple)()$", re.IGNORECASE),
        {
            "double": "2 * {last}",
            "halve": "{last} / 2",
            "square": "{last}^2",
            "cube": "{last}^3",
            "triple": "3 * {last}",
        },
    ),
)
_PRONOUN = re.compile(
    r"\b(?:that|it|this|(?:the |that |your )?(?:last |previous |above )?(?:result|answer)|ans|the previous one)\b(?!')",
    re.IGNORECASE,
)
_NOT_PRONOUN = re.compile(r"\b(?:is it|if it|does it)\b", re.IGNORECASE)
_PERCENT = re.compile(r"^(?:of )?(\d[\d,.]*) ?%(?: of (?:that|it|this))?$", re.IGNORECASE)
_AMOUNT = re.compile(r"^(?:(?:of|for|with) )?([$€£¥]?\d[\d,]*(?:\.\d+)?)$", re.IGNORECASE)


def complete(text: str, memory: Mapping[str, Any]) -> tuple[str, str]:
    """Return `text` as a request of its own, and another reading of it, which is empty if there is none.

    Args:
        text: the request, tidy.
        memory: `last` is the last result as an expression, in brackets where needed; `base` what a percentage was of,
            `again` the last question with `{}` for its amount.

    Raises:
        NotACalculation: the request needs an earlier result and there is none.
    """
    bare = _SOFT.sub("", text.rstrip(" ?.!") if not re.search(r"\d!$", text) else text)
    last = str(memory.get("last", ""))
    if not last:
        if _leans(bare):
            raise NotACalculation("it refers to an earlier result, and there is none")
        return text, ""
    percent = _PERCENT.match(bare)
    if percent:
        base = str(memory.get("base", ""))
        of_last = f"{percent[1]}% of {last}"
        if base and not re.search(r"\b(?:that|it|this)\b", bare, re.IGNORECASE):
            return f"{percent[1]}% of {base}", of_last
        return of_last, ""
    amount = _AMOUNT.match(bare)
    if amount and (again := str(memory.get("again", ""))):
        return again.replace("{}", amount[1]), ""
    if _SIGN.match(bare):
        return f"{last} {bare}", ""
    for pattern, forms in _VERBS:
        match = pattern.match(_PRONOUN.sub("", bare).replace("  ", " ").strip())
        if match:
            return forms[match[1].lower()].format(last=last, rest=match[2]), ""
    if _NOT_PRONOUN.search(bare):
        return text, ""
    return _PRONOUN.sub(last, bare), ""  # no backslash can be in it


def _leans(bare: str) -> bool:
    return bool(
        _SIGN.match(bare) and not re.match(r"^(?:to|in|as|less|over)\b", bare, re.IGNORECASE)
    ) or bool(
        re.match(
            r"^(?:add|subtract|multiply|divide|square|double|halve)\b.*\b(?:that|it|this|result)\b",
            bare,
            re.I,
        )
    )
