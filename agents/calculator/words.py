"""Turns English words of arithmetic into signs and digits. It knows no whole sentences, no units and no dialogue."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from fractions import Fraction

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_SMALL = {word: value for value, word in enumerate(f"{_ONES} seventeen eighteen nineteen".split())}
_TENS = {
    word: 10 * value
    for value, word in enumerate(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2
    )
}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_ORDINALS = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth".split()
_PARTS = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4} | {
    word + plural: value
    for value, word in enumerate(_ORDINALS)
    if value > 2
    for plural in ("", "s")
}
_WORD = re.compile(r"\d[\d,]*(?:\.\d+)?|[a-z]+", re.IGNORECASE)

_SIGNS = str.maketrans(
    {
        "×": "*", "·": "*", "⋅": "*", "∙": "*", "÷": "/", "∕": "/", "−": "-", "–": "-", "—": "-",  # noqa: RUF001
        "√": " sqrt ", "π": " pi ", "’": "'", "′": "'", "″": '"', "“": '"', "”": '"',  # noqa: RUF001
        "²": "^2", "³": "^3", "µ": "μ", "Ω": "Ω", "º": "°", "\u00a0": " ", "\u202f": " ",
    }
)  # fmt: skip

_SHORT_SCALES = {"k": "thousand", "K": "thousand", "M": "million", "B": "billion", "bn": "billion"}
_SHORT_SCALE = re.compile(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)(k|K|M|B|bn)\b")
_NO_SCALE = re.compile(
    r"=|\b(?:in|to|into|as|simplify|expand|factor\w*|derivative|differentiate|integra\w+)\b",
    re.IGNORECASE,
)
"""Where a letter after a number is a unit (300K in °C) or stands for a value (expand 2k + 1)."""
_MIXED = re.compile(r"(?<![\w.,/^])(\d+) (\d{1,3}/\d{1,3})(?![\w.,/]|\^)")
_BASED = re.compile(r"\b0(?:x[0-9a-f]+|b[01]+|o[0-7]+)\b", re.IGNORECASE)

_NUMBER = r"(?:\d[\d,_]*(?:\.\d+)?|\.\d+)"
_VALUE = rf"(\([^()]*\)|{_NUMBER})"
_TAX = r"(?:sales tax|tax|tip|vat|gst|gratuity|service charge|interest|markup)"

_OPERATORS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (rf"\blog(?:arithm)? ?(?:to )?base (\d+|e) of {_VALUE}", r"log(\2, \1)"),
        (rf"\blog(?:arithm)?(?: of)? {_VALUE} (?:to |in )?base (\d+|e)\b", r"log(\1, \2)"),
        (r"\bnatural log(?:arithm)?\b", "ln"),
        (r"\blogarithm\b", "log"),
        (rf"(\d+)(?:st|nd|rd|th) root of {_VALUE}", r"root(\2, \1)"),
        (r"\bto the (?:power (?:of )?)?(\d+)(?:st|nd|rd|th)(?: power)?\b", r"^\1"),
        (r"\b(?:raised )?to the power(?: of)?\b|\braised to(?: the)?\b", "^"),
        (r"\bthe\b", " "),
        (r"\b(?:square|sq) root\b", "sqrt"),
        (r"\b(?:cube|cubic) root\b", "cbrt"),
        (r"\bsquared\b", "^2"),
        (r"\bcubed\b", "^3"),
        (rf"\bsquare of {_VALUE}", r"\1^2"),
        (rf"\bcube of {_VALUE}", r"\1^3"),
        (r"\b(?:multiplied by|times)\b", "*"),
        (r"(?<=[\d)])\s*x\s*(?=[\d(.$€£])", "*"),
        (r"\b(?:divided by|over)\b", "/"),
        (r"\b(?:plus|added to)\b", "+"),
        (r"\b(?:minus|less|take away)\b", "-"),
        (r"\bmodulo\b", "mod"),
        (r"\b(?:twice|double)\b", "2 *"),
        (r"\btriple\b", "3 *"),
        (r"\bsine\b", "sin"),
        (r"\bcosine\b", "cos"),
        (r"\btangent\b", "tan"),
        (r"\barc ?(sin|cos|tan)\b", r"a\1"),
        (r"\b(\d+) factorial\b", r"\1!"),
        (r"\babsolute value\b", "abs"),
        (r"\b(?:greatest|highest) common (?:divisor|factor)\b|\bhcf\b|\bgcf\b", "gcd"),
        (r"\b(?:least|lowest|smallest) common multiple\b", "lcm"),
        (r"\b(?:mean|avg)\b", "average"),
        (r"\btotal of\b", "sum of"),
        (r"\b(?:maximum|largest|biggest|greatest|highest)(?= of| ?\()", "max"),
        (r"\b(?:minimum|smallest|lowest|least)(?= of| ?\()", "min"),
        (r"\b(\d+) choose (\d+)\b", r"choose(\1, \2)"),
        (r"\b(\d+) ?n?c ?(\d+)\b", r"choose(\1, \2)"),
        (r"\b(\d+)p(\d+)\b", r"permutations(\1, \2)"),
        (r"\bceiling\b", "ceil"),
        (r"(%\s*)(?:discount|" + _TAX + r")(?=\s*$)", r"\1"),
    )
)


def tidy(text: str) -> str:
    """Return `text` with typographic signs as plain ones, number words as digits, and single spaces."""
    text = re.sub(r"(\d[\d,.]*)\s*([½⅓⅔¼¾⅕⅛])", lambda m: f"({m[1]} + {_vulgar(m[2])})", text)
    text = re.sub(r"[½⅓⅔¼¾⅕⅛]", lambda m: _vulgar(m[0]), text)
    text = unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_SIGNS)
    text = re.sub(r"(?<=ty)-(?=[a-z])", " ", text, flags=re.IGNORECASE)
    text = re.sub(r"\b(?:per ?cent(?:age)?|pct)\b", "%", text, flags=re.IGNORECASE)
    text = re.sub(
        r"\bto the (second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)\b",
        _power,
        text,
        flags=re.I,
    )
    text = _MIXED.sub(r"(\1 + \2)", text)
    text = _BASED.sub(lambda m: str(int(m[0], 0)), text)
    if not _NO_SCALE.search(text):
        text = _SHORT_SCALE.sub(lambda m: f"{m[1]} {_SHORT_SCALES[m[2]]}", text)
    text = re.sub(r"\b(\d+) and a half\b", r"\1.5", text, flags=re.IGNORECASE)
    return " ".join(_digits(text).split())


def signs(text: str) -> str:
    """Return `text` with words such as `divided by` and `square root` as signs and function names."""
    for pattern, replacement in _OPERATORS:
        text = pattern.sub(replacement, text)
    return " ".join(text.split())


def _vulgar(character: str) -> str:
    value = Fraction(unicodedata.numeric(character)).limit_denominator(10)
    return f"({value})"


def _power(match: re.Match[str]) -> str:
    return f"to the {_ORDINALS.index(match[1].lower())}th"


def _digits(text: str) -> str:
    """Replace each run of number words by its digits."""
    pieces, position = [], 0
    found = list(_WORD.finditer(text))
    index = 0
    while index < len(found):
        # words of one number stand next to each other, with nothing but a space between them
        run = [found[index]]
        while (
            index + len(run) < len(found)
            and text[run[-1].end() : found[index + len(run)].start()] == " "
        ):
            run.append(found[index + len(run)])
        used, digits = _read([match[0].lower() for match in run])
        if used:
            pieces += [text[position : found[index].start()], digits]
            position = run[used - 1].end()
        index += used or 1
    return "".join([*pieces, text[position:]])


def _read(words: list[str]) -> tuple[int, str]:
    """Return how many of the first words spell one number, and its digits; 0 if none or if they are digits already."""
    total, group, used = Fraction(0), None, 0
    for place, word in enumerate(words):
        following = words[place + 1] if place + 1 < len(words) else ""
        if word in _SMALL or word in _TENS:
            if group is not None and not _fits(
                group, _SMALL.get(word, _TENS.get(word, 0)), words[place - 1]
            ):
                break
            group = (group or 0) + Fraction(_SMALL.get(word, _TENS.get(word, 0)))
        elif (
            word[0].isdigit()
            and place == 0
            and (following in _SCALES or following in ("hundred", "dozen"))
        ):
            group = Fraction(word.replace(",", ""))
        elif (
            word in ("a", "an")
            and place == 0
            and (following in _SCALES or following in ("hundred", "dozen", *_PARTS))
        ):
            group = Fraction(1)
        elif word in ("hundred", "dozen") and group is not None:
            group *= 100 if word == "hundred" else 12
        elif word in _SCALES and group is not None:
            total, group = total + group * _SCALES[word], Fraction(0)
        elif (
            word == "and"
            and words[place - 1] in ("hundred", *_SCALES)
            and (following in _SMALL or following in _TENS)
        ):
            continue
        elif word == "point" and group is not None and following in _SMALL:
            return _decimal(words, place, total + group)
        else:
            break
        used = place + 1
    following = words[used] if used < len(words) else ""
    if group is None:
        return (1, "(1/2)") if words[0] == "half" else (0, "")
    if following in _PARTS and following != "second":
        return used + 1, f"({_plain(total + group)}/{_PARTS[following]})"
    return used, _plain(total + group)


def _fits(group: Fraction, value: int, previous: str) -> bool:
    """Tell whether `value` goes on the number: twenty five, two hundred five, but not five three."""
    if group == 0:
        return previous in _SCALES or previous == "and"
    if previous in ("hundred", "and"):
        return group % 100 == 0
    return previous in _TENS and 0 < value < 10


def _decimal(words: list[str], point: int, whole: Fraction) -> tuple[int, str]:
    digits, place = "", point + 1
    while place < len(words) and _SMALL.get(words[place], 10) < 10:
        digits += str(_SMALL[words[place]])
        place += 1
    return place, f"{_plain(whole)}.{digits}"


def _plain(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    return format(Decimal(value.numerator) / Decimal(value.denominator), "f")
