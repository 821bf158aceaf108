"""The sentences in which people ask for calculations, as patterns. It parses and computes nothing.

In a pattern, p is a percentage; a, b and e are expressions, q a quantity, u a unit, n a count of digits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with expressions in it, what it computes, and how the answer names it."""

    pattern: re.Pattern[str]
    template: str
    label: str
    symbol: str = ""
    """What the number counts, if the sentence says so."""
    base: str = ""
    """What a percentage is taken of."""


def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"^{pattern}$", re.IGNORECASE)


LEAD = re.compile(
    r"^(?:(?:hey|hi|hello|please|so|ok|okay|well|and|now|then|can you|could you|would you|i need(?: to know)?"
    r"|i want to know|tell me|give me|show me|let me know|do you know|help me|calculate|compute|evaluate|work out"
    r"|figure out|find(?: out)?|determine|what(?:'s| is| are| does| do| would| will)?(?: be)?|whats"
    r"|how much(?: is| are| would| does| do)?|is it|i get if i|(?:do|would) i get (?:if|when) i"
    r"|you get (?:if|when) you|value of|result of|answer to|the (?=value|result|answer))\b[,:]?\s*)+",
    re.IGNORECASE,
)
TAIL = re.compile(
    r"(?:\s*(?:\?|(?<=[?\s])!|\.(?!\d)|,|="
    r"|\b(?:please|for me|equals?|thanks?|is what|make|exactly|as an? (?:exact |simple )?fraction)\b))+$",
    re.IGNORECASE,
)
DATE_OR_TELEPHONE = _whole(
    r"\s*(?:\d{4}-\d\d?-\d\d?|\d\d?/\d\d?/\d{2,4}|\+?[\d-]{0,12}\d{3}-\d{3,4}-\d{4})\s*"
)
VALUE_OF = re.compile(
    r"^(?:what(?:'s| is)|whats|calculate|compute)? ?(?:the )?value of", re.IGNORECASE
)

CURRENCIES = {
    "dollars": "$",
    "dollar": "$",
    "bucks": "$",
    "usd": "$",
    "euros": "€",
    "euro": "€",
    "eur": "€",
    "gbp": "£",
}
_MONEY = r"(?:[$€£¥]|usd|eur|gbp|jpy|chf|dollars?|euros?|yen|pounds sterling|rupees?)"
EXCHANGE = re.compile(
    rf"(?:{_MONEY}\s*\d[\d.,]*|(?<![\d.,])\d[\d.,]*\s*{_MONEY}) (?:in|to|into|as) {_MONEY}\W*$",
    re.IGNORECASE,
)

_DIGITS = (
    r"(?P<n>\d[\d,]*) (?P<kind>(?:significant )?(?:digits?|figures?)|s\.?f\.?|sig figs?|decimals?(?: places?)?|places"
    r"|d\.?p\.?|digits after (?:the )?(?:decimal )?point)"
)
PLACES = re.compile(r"dec|place|d\.?p|digits after", re.IGNORECASE)
PRECISION = (
    _whole(rf"round (?P<e>.+?) (?:off )?to {_DIGITS}"),
    _whole(
        rf"(?P<e>.+?),? (?:(?:rounded|correct|accurate)? ?(?:up )?to|with|using|in) {_DIGITS}(?: of precision)?"
    ),
    _whole(rf"(?:the )?(?:first )?{_DIGITS} of (?P<e>.+)"),
)

_P = r"(?P<p>\([^()]*\)|\d[\d,]*(?:\.\d+)?|\.\d+)\s*%"
_TAX = r"(?:sales tax|tax|tip|vat|gst|gratuity|service charge|interest|markup|surcharge)"
_LESS = r"(?:decreased?|reduced?|lower(?:ed)?|cut|discount(?:ed)?|drop(?:ped)?|mark(?:ed)? down)"
_MORE = r"(?:increased?|raised?|gr[eo]wn?|mark(?:ed)? up|up)"
_PEOPLE = r"(?: (?:people|persons|friends|of us|ways|parts|equal parts))?"
_NEAREST = r"round (?P<a>.+?) to (?:the )?nearest"

_OFF = ("({e})*(1-({p})/100)", "{p}% off {e}")
_ON = ("({e})*(1+({p})/100)", "{e} + {p}%")
_PART = ("({p})/100*({e})", "{p}% of {e}", "", "{e}")
_SHARE = ("({a})/({b})*100", "{a} as a share of {b}", "%")
_CHANGE = ("(({b})-({a}))/abs({a})*100", "change from {a} to {b}", "%")
_QUOTIENT = ("({a})/({b})", "{a} / {b}")

_ROWS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        rf"(?:take |knock |a |the price after )?{_P} (?:off|discount (?:on|off|from)|reduction (?:on|of|in)|less than)"
        r"(?: of)? (?P<e>.+)",
        _OFF,
    ),
    (
        rf"(?P<e>.+?) (?:with|after|less|at|minus) (?:a |an )?{_P}(?: off| discount| reduction)?",
        _OFF,
    ),
    (rf"(?P<e>.+?) {_P} off", _OFF),
    (rf"{_LESS} (?P<e>.+?) by {_P}", _OFF),
    (rf"(?P<e>.+?) {_LESS} by {_P}", _OFF),
    (rf"add (?:a |an )?{_P}(?: (?:of )?{_TAX})? (?:to|on|onto) (?P<e>.+)", _ON),
    (rf"(?P<e>.+?) (?:plus|with|and|including|after|\+) (?:a |an )?{_P} {_TAX}", _ON),
    (rf"{_MORE} (?P<e>.+?) by {_P}", _ON),
    (rf"(?P<e>.+?) {_MORE} by {_P}", _ON),
    (rf"(?:a |an )?{_P} {_TAX} (?:on|for|of) (?P<e>.+)", _PART),
    (rf"(?:a |an |the )?{_TAX} (?:of|at) {_P} (?:on|for|of) (?P<e>.+)", _PART),
    (r"(?P<a>.+?) (?:is|are|=) (?:what|which) % of (?P<b>.+)", _SHARE),
    (r"% of (?P<b>.+?) (?:is|are) (?P<a>.+)", _SHARE),
    (r"% (?:is|are) (?P<a>.+?) (?:of|out of) (?P<b>.+)", _SHARE),
    (r"(?P<a>.+?) as (?:a )?% of (?P<b>.+)", _SHARE),
    (r"(?P<a>.+?) (?:out of|of|/) (?P<b>.+?) (?:as|in) (?:a )?%", _SHARE),
    (
        r"(?:the )?% (?:change|increase|decrease|difference|growth|drop|gain|loss) (?:from|between) (?P<a>.+?)"
        r" (?:to|and) (?P<b>.+)",
        _CHANGE,
    ),
    (
        r"(?:[a-z' ]+ )?(?:went(?: up| down)?|rose|grew|fell|dropped|increased|decreased|changed) from (?P<a>.+?)"
        r" to (?P<b>[^a-z]+?),? (?:(?:and )?what(?:'s| is| was) |by what )?(?:the )?%"
        r"(?: (?:change|increase|decrease|drop|growth|difference|gain|loss))?(?: (?:is|was) (?:that|it))?",
        _CHANGE,
    ),
    (rf"(?P<e>.+?) is {_P} of(?: what(?: number)?)?", ("({e})/(({p})/100)", "{e} / {p}%")),
    (rf"{_P} of what(?: number)? is (?P<e>.+)", ("({e})/(({p})/100)", "{e} / {p}%")),
    # What is added to a part is none of what it is a part of: the parser knows how tightly `of` binds.
    (rf"{_P} of (?!.*(?: [-+] | plus | minus ))(?P<e>.+)", _PART),
    (
        rf"split (?:an? |the |our )?(?P<a>.+?)(?: (?:bill|check|cheque|tab|total|cost))?(?: evenly| equally)?"
        rf" (?:between|among|amongst|by|into)? ?(?P<b>\d+){_PEOPLE}",
        _QUOTIENT,
    ),
    (r"subtract (?P<a>.+?) from (?P<b>.+)", ("({b})-({a})", "{b} - {a}")),
    (r"subtract (?P<a>.+?) and (?P<b>.+)", ("({a})-({b})", "{a} - {b}")),
    (
        r"(?:the )?difference (?:between|of) (?P<a>.+?) and (?P<b>.+)",
        ("abs(({a})-({b}))", "difference between {a} and {b}"),
    ),
    (r"(?:the )?quotient of (?P<a>.+?) and (?P<b>.+)", _QUOTIENT),
    (r"multiply (?P<a>.+?) (?:by|and|with) (?P<b>.+)", ("({a})*({b})", "{a} * {b}")),
    (r"divide (?P<a>.+?) by (?P<b>.+)", _QUOTIENT),
    (r"add (?P<a>.+?) to (?P<b>.+)", ("({b})+({a})", "{b} + {a}")),
    (r"(?:add|sum)(?: up)? (?!of\b)(?P<a>.+)", ("sum of {a}", "sum of {a}")),
    (
        r"(?:the )?remainder (?:of|when) (?P<a>.+?)(?: is)? (?:divided by|/) (?P<b>.+)",
        ("({a}) mod ({b})", "{a} mod {b}"),
    ),
    (r"square (?!root|of)(?P<a>[^a-z]+)", ("({a})^2", "{a}^2")),
    (r"cube (?!root|of)(?P<a>[^a-z]+)", ("({a})^3", "{a}^3")),
    (r"halve (?P<a>.+)", ("({a})/2", "{a} / 2")),
    (rf"{_NEAREST} (?:whole number|integer|whole|unit|1)", ("round({a})", "{a}, rounded")),
    (rf"{_NEAREST} tenth", ("round({a}, 1)", "{a}, rounded")),
    (rf"{_NEAREST} hundredth", ("round({a}, 2)", "{a}, rounded")),
    (rf"{_NEAREST} (?:ten|10)", ("round({a}, -1)", "{a}, rounded")),
    (rf"{_NEAREST} (?:100|hundred)", ("round({a}, -2)", "{a}, rounded")),
    (rf"{_NEAREST} (?:1,?000|thousand)", ("round({a}, -3)", "{a}, rounded")),
)
SENTENCES = tuple(Sentence(_whole(pattern), *parts) for pattern, parts in _ROWS)
NESTED = re.compile(
    r"(?:add|subtract|multiply|divide|difference|split|increase|decrease)\b|.*% off", re.IGNORECASE
)

_IN = r"(?:in|into|to|as)"
_HOW_MANY = r"how (?:many|much) (?P<u>[^ ]+)"
CONVERSIONS = (
    _whole(
        rf"{_HOW_MANY}(?: (?:is|are|equals?|equal to|there|does|do|can|fit|make up|makes?|go|it|takes?)){{0,4}}"
        r" (?:in(?:to|side)?|per|is|are|equals?|makes?(?: up)?) (?P<q>.+?)(?: (?:have|has|contain|hold|equal|make))?"
    ),
    _whole(rf"{_HOW_MANY} does (?P<q>.+?) (?:have|contain|hold|equal|make)"),
    _whole(
        r"(?:convert|change|turn|express|give me|how (?:long|far|tall|heavy|fast|hot|much) (?:is|are)) "
        rf"(?P<q>.+) {_IN} (?P<u>[^ ]+)"
    ),
    _whole(rf"(?P<q>.+) (?:{_IN}|is how many|equals how many|= how many) (?P<u>[^ ]+)"),
)

_BY = r"(?: (?:with respect to|wrt) (?P<w>[a-z]))?"
TRANSFORMS = (
    (_whole(r"simplify(?: (?:the )?expression)?:? (?P<e>.+)"), "simplify"),
    (_whole(r"expand(?: (?:the )?expression)?:? (?P<e>.+)"), "expand"),
    (_whole(r"factor(?:i[sz]e)?(?: out)?(?: (?:the )?expression)?:? (?P<e>.+)"), "factor"),
    (
        _whole(
            rf"(?:the )?(?:derivative of|differentiate|d ?/ ?d(?P<v>[a-z])(?: of)?) (?P<e>.+?){_BY}"
        ),
        "differentiate",
    ),
    (
        _whole(
            rf"(?:the )?(?:(?:indefinite )?integral of|integrate|antiderivative of) (?P<e>.+?)(?: d(?P<v>[a-z]))?{_BY}"
        ),
        "integrate",
    ),
)
PRIMES = (
    _whole(r"(?:the )?prime (?:factors|factori[sz]ation|decomposition) of (?P<e>[^a-z=]+)"),
    _whole(r"is (?P<e>[^a-z=]+?) (?:a )?prime(?: number)?"),
    _whole(r"factor(?:i[sz]e)? (?P<e>[^a-z=]+?)(?: into primes)?"),
)
SOLVE = _whole(
    r"(?:solve(?: (?:(?:the )?(?:equations?|system)|for (?P<v>[a-z]))){0,3}(?: of equations)?"
    r"|(?:the )?(?:roots|zeros|zeroes|solutions?) of"
    r"|(?:for )?(?P<w>[a-z]) (?:if|when|where|given(?: that)?|in|such that))\b[:,]?\s*(?P<e>.+?)"
    r"(?:,? for (?P<x>[a-z])(?: (?:and|,) [a-z])*)?"
)
