"""pii signals: personal data and secrets in a text, by pattern, with check digits where there are any.

It recognises what has a form; names of people and places it does not. The score is that of the surest type found
that is not allowed. The detail names types, never what was found. With `include_history` everything that
a model would read is read.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from graphs.check_digits import iban_at, is_card, is_ipv4, is_ipv6, is_ssn
from graphs.policy.policy import Signal
from graphs.policy.request import Reading
from graphs.policy.signals.family import Family, Kind, Kit, Problem, Read, fired
from graphs.policy.signals.passage import Passage
from graphs.policy.signals.patterns import any_of, own
from graphs.policy.signals.turn import Turn

__all__ = ["PII", "TYPES", "found_types"]

THRESHOLD = 0.5
_IBAN_DIGITS = 8
"""Those of all countries have more."""
_HIDDEN = 500
"""Matches without a right check digit in which another number is looked for."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a type of personal data looks; of what the pattern's first group holds, the check has the last word."""

    type: str
    pattern: str
    score: float
    check: Callable[[str], bool] = lambda _: True


def _enough_digits(text: str) -> bool:
    return 8 <= sum(c.isdigit() for c in text) <= 15 and not _DAY_OR_YEARS.match(text)


def _is_iban(text: str) -> bool:
    """Return whether a text is an IBAN: the check digits are right, and it is no run of short words."""
    return sum(c.isdigit() for c in iban_at(text)) >= _IBAN_DIGITS


def _has_digit(text: str) -> bool:
    return any(c.isdigit() for c in text)


def _no_word(text: str) -> bool:
    return any(not c.isalpha() for c in text.rstrip(".,;!?'\""))


_EDGE, _END = r"(?:^|[^\w.+-])", r"(?:$|[^\w-])"
_WORD = r"(?:^|[^\pL\pN])"
"""A word begins: RE2's own edge of a word knows the letters of ASCII alone, and takes the underscore for one."""
_DAY_OR_YEARS = re.compile(
    r"(?:(?:19|20)\d\d-(?:19|20)\d\d|\d{4}[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{4})(?!\d)"
)
_APART = r"(?:^\s*|[^\w\s.+-]\s{0,3}|[\pL_,;:.]\s{1,3})"
"""No digit comes before, so that a piece of a longer number is none."""
_DOMAIN = r"(?:[\pL\pN_-]+\.)+(?:[A-Za-z]{2,24}\b|\pL{2,9}(?:$|[^\pL\pN_]))"
_LINES = r"[3-6]\d{3}\r?\n\d{4}\r?\n\d{4}\r?\n\d{1,7}"
"""A card's number with each group on a line of its own; a longer column of numbers is none."""
_STREETS = "street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|square|terrace|highway|parkway"
_BIRTH = (
    r"date of birth|dob|d\.o\.b\.|born on|born|birthday is|geboren am|geburtsdatum|née? le|date de naissance"
    r"|fecha de nacimiento|nacid[oa] el|data di nascita|nat[oa] il"
)
_DATE = (
    r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{1,2}(?:st|nd|rd|th|\.)? ?(?:of )?[A-Za-zäéû]{3,10},? \d{4}"
    r"|[A-Za-z]{3,9} \d{1,2}(?:st|nd|rd|th)?,? \d{4}"
)
_PAPER = (
    r"passport|passeport|pasaporte|passaporto|reisepass|identity card|id card|national id|personalausweis|ausweis|dni"
    r"|nie|driver'?s? licen[cs]e|driving licen[cs]e|führerschein|tax id|steuer-?id|national insurance|nino"
)
_NUMBER_IS = (
    r"(?i:[^\w\n]{0,3}(?:number|no|nr|num|nummer|numéro|número|is|:|#)\.?){0,3}[^\w\n]{0,3}"
)
_CALL = (
    "(?:tele|cell ?|mobile )?phone|mobile|cell|tel|call me at|(?:mobil)?telefon|handy|téléphone|teléfono|móvil"
    "|cellulare"
)
_GERMAN_STREET = (
    r"[A-ZÄÖÜ][\pL-]{2,30}(?:(?:straße|strasse|str\.|allee|gasse) \d{1,4} ?[a-z]?"
    r"|(?:weg|platz) \d{1,4}[a-z]?,? \d{5})"
)
"""A way and a place (Rückweg, Arbeitsplatz) are a street's only with a postcode."""
_FRENCH_STREET = (
    r"\b\d{1,4},? (?:bis )?(?i:rue|avenue|boulevard|place|impasse|chemin) "
    r"(?:(?i:de|du|des|la|le|les|d'|l') ?){0,3}[A-ZÉÈ][\pL'-]{2,30}"
)
_LIVES_AT = "my address is|i live at|ich wohne (?:in|im|am|an)(?: der| dem)?|ship (?:it )?to|deliver (?:it )?to"
_HOUSE = (
    rf"\d{{1,5}},? \p{{Lu}}[\pL'.-]+|\p{{Lu}}[\pL'.-]+ \d{{1,5}}"
    rf"|\d{{1,5}} (?i:[\pL'.]{{1,20}} ){{1,4}}(?i:{_STREETS})"
)
"""A number beside a name, or before the name of a street."""
_NATIONAL = r"\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}[.-]\d{3}[.-]\d{4}|\(?0[1-9]\d{1,3}\)?[ /-]{1,2}\d{3,4}[ -]?\d{3,5}"
_KEY_STARTS = "sk|pk|rk|gsk|xai|hf|glpat|ghp|gho|ghs|github_pat|xox[abprs]"
_KEY_IS = r"api[ _-]?key|secret[ _-]?(?:access[ _-]?)?key|access[ _-]?token|auth[ _-]?token|client[ _-]?secret"
_PASSWORD = r"password|passwort|passwd|pwd|mot de passe|contraseña"  # noqa: S105 the word, not one
FORMS = (
    Form("EMAIL_ADDRESS", rf"{_EDGE}([\w.+%-]{{1,64}}@{_DOMAIN})", 0.95),
    Form(
        "PHONE_NUMBER",
        rf"(?:{_APART}00|{_EDGE}\+)([1-9]\d{{0,2}}[ ()/.-]{{0,2}}\d(?:[ ()/.-]{{0,2}}\d){{6,12}}){_END}",
        0.9,
        _enough_digits,
    ),
    Form("PHONE_NUMBER", rf"{_APART}({_NATIONAL}){_END}", 0.7, _enough_digits),
    Form("PHONE_NUMBER", rf"{_WORD}(?i:{_CALL})\b[^\d\n]{{0,20}}?(\+?\d[\d ()/.-]{{6,18}}\d)", 0.85, _enough_digits),
    Form(
        "CREDIT_CARD",
        r"(?:^|[^\w.-])(\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,7}|\d{4}[ -]?\d{6}[ -]?\d{4,5}"
        r"|\d{4}\.\d{4}\.\d{4}\.\d{1,7}|\d{4}\.\d{6}\.\d{4,5})(?:$|[^\w-])",
        0.95,
        is_card,
    ),
    Form("CREDIT_CARD", rf"{_APART}({_LINES})(?:\s*$|[^\w\s-]|\s{{1,3}}[^\d\s])", 0.95, is_card),
    Form(
        "IBAN_CODE",
        r"(?:^|\W)((?i:[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?))(?:$|\W)",
        0.95,
        _is_iban,
    ),
    Form("US_SSN", r"(?:^|[^\w.-])(\d{3}-\d{2}-\d{4})(?:$|[^\w-])", 0.85, is_ssn),
    Form(
        "US_SSN",
        r"(?i:ssn|social security(?: number)?)\b[^\d\n]{0,20}(\d{3}[ -]\d{2}[ -]\d{4})\b",
        0.95,
        is_ssn,
    ),
    Form("IP_ADDRESS", r"(?:^|[^\w.])((?:\d{1,3}\.){3}\d{1,3})(?:$|[^\w.]|\.(?:$|\s))", 0.6, is_ipv4),
    Form("IP_ADDRESS", r"(?:^|[^\w:.])((?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4})(?:$|[^\w:])", 0.7, is_ipv6),
    Form("STREET_ADDRESS", rf"(?:^|[^\w.])(\d{{1,5}} (?:[A-Z][\w'.]{{1,20}} ){{1,4}}(?i:{_STREETS})\b\.?)", 0.7),
    Form("STREET_ADDRESS", rf"{_WORD}({_GERMAN_STREET})(?:$|[^\pL\d])", 0.7),
    Form("STREET_ADDRESS", rf"({_FRENCH_STREET})", 0.7),
    Form("STREET_ADDRESS", rf"{_WORD}(?i:{_LIVES_AT})\s+(?:[^\n]{{0,50}}? )?({_HOUSE})", 0.6),
    Form("DATE_OF_BIRTH", rf"{_WORD}(?i:{_BIRTH})[^\pL\d\n](?:[^\d\n]{{0,14}}?)({_DATE})", 0.85),
    Form("ID_NUMBER", rf"(?i:\b(?:{_PAPER})\b){_NUMBER_IS}([A-Z0-9][A-Z0-9 -]{{4,16}}\d[A-Z]?)", 0.85),
    Form("API_KEY", rf"\b((?:{_KEY_STARTS})[-_][\w-]{{16,200}})", 0.95),
    Form("API_KEY", r"\b((?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{35})\b", 0.95),
    Form("API_KEY", r"\b(eyJ[\w-]{8,900}\.eyJ[\w-]{8,900}\.[\w-]{0,900})", 0.9),
    Form("API_KEY", r"(-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----)", 1.0),
    Form("API_KEY", rf"{_WORD}(?i:(?:{_KEY_IS})['\"]?\s*(?:is|=|:)\s*)['\"]?([\w+/=.-]{{12,200}})", 0.85, _has_digit),
    Form(
        "PASSWORD",
        rf"{_WORD}(?i:(?:{_PASSWORD})['\"]?\s*(?:is|ist|est|es|=|:)\s*)['\"]?(\S{{6,100}})",
        0.8,
        _no_word,
    ),
)  # fmt: skip
TYPES = tuple(dict.fromkeys(form.type for form in FORMS))
"""What is recognised."""
_ALIASES = {
    "EMAIL": "EMAIL_ADDRESS", "PHONE": "PHONE_NUMBER", "IBAN": "IBAN_CODE", "SSN": "US_SSN", "IP": "IP_ADDRESS",
    "CARD": "CREDIT_CARD", "CREDIT_CARD_NUMBER": "CREDIT_CARD", "ADDRESS": "STREET_ADDRESS", "DOB": "DATE_OF_BIRTH",
    "BIRTH_DATE": "DATE_OF_BIRTH", "PASSPORT": "ID_NUMBER", "US_PASSPORT": "ID_NUMBER", "NATIONAL_ID": "ID_NUMBER",
    "US_DRIVER_LICENSE": "ID_NUMBER", "SECRET": "API_KEY", "TOKEN": "API_KEY",
}  # fmt: skip
_ELSEWHERE = frozenset({
    "PERSON", "NAME", "LOCATION", "GPE", "ORGANIZATION", "NRP", "DATE_TIME", "AGE", "TITLE", "URL", "DOMAIN_NAME",
    "ZIP_CODE",
})  # fmt: skip
"""Types that classifiers find and patterns cannot: to allow them changes nothing here."""


def found_types(text: bytes) -> dict[str, float]:
    """Return each type that a text has, with how sure that is."""
    if _net().search(text) is None:
        return {}
    found: dict[str, float] = {}
    for form, pattern in _ready():
        if form.score > found.get(form.type, 0.0) and _has(form, pattern, text):
            found[form.type] = form.score
    return found


def _has(form: Form, pattern: Any, text: bytes) -> bool:
    at = failed = 0
    while match := pattern.search(text, at):
        if form.check(match.group(1).decode(errors="replace")):
            return True
        failed += 1
        # What fails the check may hide one that begins later in it; in a text full of such, only behind it.
        at = match.start(1) + 1 if failed < _HIDDEN else max(match.end(1), match.start() + 1)
    return False


@lru_cache(maxsize=1)
def _ready() -> tuple[tuple[Form, Any], ...]:
    return tuple((form, own(form.pattern, case_sensitive=True)) for form in FORMS)


@lru_cache(maxsize=1)
def _net() -> Any:
    """Return what any of the patterns is found by; most texts have none."""
    return any_of(tuple(form.pattern for form in FORMS), case_sensitive=True)


def _prepare(signal: Signal, _: Kit) -> Read:
    threshold = float(signal.fields.get("threshold", THRESHOLD))
    allowed = {_type(name) for name in signal.fields.get("pii_types_allowed") or ()}
    history = bool(signal.fields.get("include_history"))
    found_types(b"")

    def read(turn: Turn) -> Reading:
        found: dict[str, float] = {}
        for passage in turn.passages(history=history):
            _add(found, passage.once("pii", partial(_in_forms, passage)))
        counted = {name: score for name, score in found.items() if name not in allowed}
        score = max(counted.values(), default=0.0)
        return fired(score >= threshold and score > 0, score, threshold, ", ".join(sorted(counted)))

    return read


def _in_forms(passage: Passage) -> Mapping[str, float]:
    found: dict[str, float] = {}
    for form in passage.forms:
        _add(found, found_types(form))
    return found


def _add(found: dict[str, float], more: Mapping[str, float]) -> None:
    for name, score in more.items():
        found[name] = max(score, found.get(name, 0.0))


def _type(name: str) -> str:
    plain = name.strip().upper().replace(" ", "_").replace("-", "_")
    return _ALIASES.get(plain, plain)


def _problems(signal: Signal) -> Iterator[Problem]:
    for name in signal.fields.get("pii_types_allowed") or ():
        if _type(name) in TYPES:
            continue
        known = _type(name) in _ELSEWHERE
        yield Problem(
            "pii_types_allowed",
            f"{name!r} is not recognised without a classifier"
            if known
            else f"{name!r} is none of {', '.join(TYPES)}",
            "without_classifier" if known else "wrong_value",
            severe=not known,
        )


PII = Family(
    fields={
        "threshold": Kind.SHARE,
        "pii_types_allowed": Kind.ANY_TEXTS,
        "include_history": Kind.FLAG,
    },
    prepare=_prepare,
    problems=_problems,
)
