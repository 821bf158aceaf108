"""language signals: in which language a text is written, by py3langid.

The score is the language's probability among those that are widely used and those that the signals name. Of a text of
fewer than three words only languages of its script count; its probabilities are low unless the script has one
language, so "ok" is in none. It reads the first 2,000 characters.
"""

import threading
import unicodedata
from collections.abc import Iterator
from typing import Any

from graphs.policy.policy import Signal
from graphs.policy.request import Reading
from graphs.policy.signals.family import Family, Kind, Kit, Problem, Read, fired
from graphs.policy.signals.turn import Turn

__all__ = ["CODES", "LANGUAGE", "language_of", "languages"]

THRESHOLD = 0.5
_READ = 2_000
_FEW_WORDS = 3
_SAME = {"nn": "no", "nb": "no", "yue": "zh", "wuu": "zh", "tl": "fil"}
_SCRIPTS = {
    "LATIN": "af az ca cs cy da de en es et eu fi fil fr ga gl ha hr hu id is it lt lv ms mt nl no pl pt ro sk sl so "
    "sq sv sw tr uz vi yo zu",
    "CYRILLIC": "be bg kk ky mk mn ru sr tg uk",
    "ARABIC": "ar fa ps ur",
    "DEVANAGARI": "hi mr ne",
    "CJK": "ja zh",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "GREEK": "el",
    "HEBREW": "he",
    "THAI": "th",
    "ARMENIAN": "hy",
    "GEORGIAN": "ka",
    "BENGALI": "bn",
    "TAMIL": "ta",
    "TELUGU": "te",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "SINHALA": "si",
    "KHMER": "km",
    "LAO": "lo",
    "MYANMAR": "my",
    "ETHIOPIC": "am",
}
CODES = frozenset(code for codes in _SCRIPTS.values() for code in codes.split())
"""The ISO 639 codes that can be named."""
_lock = threading.Lock()
_loaded: list[Any] = []


def languages(text: str) -> dict[str, float]:
    """Return each language's probability; none for a text without letters."""
    read = text[:_READ]
    scripts = {s for c in read if c.isalpha() and (s := _script(c))}
    if not scripts:
        return {}
    few = len(read.split()) < _FEW_WORDS
    allowed = {c for s in scripts for c in _SCRIPTS[s].split()} if few else CODES
    shares: dict[str, float] = {}
    for label, share in _identifier().rank(read):
        code = _SAME.get(label, label)
        if code in allowed:
            shares[code] = shares.get(code, 0.0) + float(share)
    total = sum(shares.values())
    return {code: share / total for code, share in shares.items()} if total > 0 else {}


def _script(character: str) -> str | None:
    word = unicodedata.name(character, "").partition(" ")[0]
    return word if word in _SCRIPTS else None


def _identifier() -> Any:
    """Return the model, loaded when it is first needed: about half a second."""
    with _lock:
        if not _loaded:
            # Imported here: it reads no file, but its model is only for policies that ask for languages.
            from py3langid.langid import (  # type: ignore[import-untyped]
                MODEL_FILE,
                LanguageIdentifier,
            )

            _loaded.append(LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True))
    return _loaded[0]


def language_of(signal: Signal) -> str:
    """Return the code of a language signal: its `code`, else its name."""
    code = str(signal.fields.get("code", signal.name)).casefold()
    return _SAME.get(code, code)


def _prepare(signal: Signal, _: Kit) -> Read:
    code, threshold = language_of(signal), float(signal.fields.get("threshold", THRESHOLD))
    _identifier()

    def read(turn: Turn) -> Reading:
        shares = turn.once("languages", lambda: languages(turn.text))
        score = shares.get(code, 0.0)
        best = max(shares, key=shares.__getitem__, default="none")
        return fired(score >= threshold and score > 0, score, threshold, f"most likely {best}")

    return read


def _problems(signal: Signal) -> Iterator[Problem]:
    if language_of(signal) not in CODES:
        field = "code" if "code" in signal.fields else "name"
        yield Problem(
            field,
            f"{signal.fields.get('code', signal.name)!r} is no language that is recognised",
            hint=f"give `code` as one of {', '.join(sorted(CODES))}",
        )


LANGUAGE = Family(
    fields={"code": Kind.TEXT, "threshold": Kind.SHARE}, prepare=_prepare, problems=_problems
)
