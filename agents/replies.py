"""Reads short replies: yes, no, never mind, thanks. It knows words only, no dialogue and no agent.

A reply counts only when the whole text is one: "no" denies, "no milk left" does not.
"""

import re
import unicodedata
from typing import Literal

Reply = Literal["affirm", "deny", "cancel", "close"]

_ABOUT_IT = r"(?:it|that|this|them|those|these|all|everything|all of (?:it|them)|so)"
_POLITE = r"(?:please|thanks|thank you(?: very much)?|then|now)"
_YES = (
    r"(?:y|ya|yes+|yea|yeah?|yep|yup|aye|sure(?: thing)?|ok(?:ay)?|k|al(?:l )?right|of course"
    r"|certainly|absolutely|definitely|correct|right(?! now)|exactly|indeed|confirm(?:ed)?(?: it)?"
    r"|approved?|i (?:approve|agree|confirm|do|am)"
    r"|agreed|go ahead|go for it|do (?:it|that|so)|please do|by all means|why not|proceed|true"
    r"|let'?s (?:do (?:it|that)|go)|it (?:is|does)|perfect|fine|great|good|excellent|awesome"
    r"|(?:that |this |it )?(?:sounds?|looks?|seems) (?:good|great|right|fine|correct|perfect)(?: to me)?"
    r"|(?:that |this |it )?works(?: for me)?"
    r"|(?:that|this|it)(?:'?s| is| will be| would be| works) (?:correct|right|fine|good|great|ok(?:ay)?|perfect|true"
    r"|al(?:l )?right)(?: (?:by|with|for) me)?|that (?:will|would) (?:do|work)|i'?d (?:like|love) (?:that|to)"
    r"|s[ií]|oui|ja|да|はい)"
)
_NO = (
    r"(?:n|no+|nope|nah|no way|never|not (?:yet|now|really|at all|today|this time)"
    r"|(?:absolutely|certainly|definitely|of course|please|better|i'd rather) not|wrong|incorrect|false"
    r"|(?:please )?(?:don'?t|do not)(?: (?:do|delete|remove|change|send))?(?: (?:it|that|them|anything))?"
    r"|i (?:do not|don'?t)(?: (?:want (?:to|that|it)|think so))?|i'm not"
    r"|(?:that|this|it)(?:'?s| is) (?:wrong|not (?:right|correct|it|true)|incorrect)"
    r"|neither(?: of (?:them|these|those))?|none(?: of (?:them|these|those))?|non|nein|нет|いいえ)"
)
_THANKS = r"(?:thanks?|thank you|thx|cheers|many thanks)(?: (?:so much|very much|a lot|you|again))?"
_ENOUGH = (
    r"(?:that(?:'?s| is| will be| would be| was)|that'?ll be) (?:all|it|everything)"
    r"(?: (?:for (?:now|today)|i need(?:ed)?))?"
)
_WHOLE: dict[Reply, str] = {
    "affirm": rf"{_YES}(?: (?:{_YES}|{_POLITE}))*"
    rf"(?: (?:delete|remove|clear|add|save|send|complete|change) {_ABOUT_IT}| {_ABOUT_IT})?(?: {_POLITE})*"
    rf"|please",
    "deny": rf"{_NO}(?: (?:{_NO}|{_POLITE}|ok|okay|that'?s (?:fine|ok|okay)))*",
    "cancel": r"(?:no )?(?:please )?(?:(?:cancel|abort|stop|quit)(?: (?:it|that|this))?|never ?mind"
    rf"|forget (?:it|that|about it)|drop (?:it|that)|leave it|scrap that)(?: {_POLITE})*",
    "close": r"(?:(?:good ?)?bye(?: ?bye)?|see (?:you|ya)(?: later| soon)?|good ?night"
    r"|have a (?:good|nice|great) (?:day|one|night|evening)"
    rf"|(?:(?:great|perfect|cool) )?{_THANKS}(?: for (?:your|the|all your) help)?"
    rf"|(?:no )?{_ENOUGH}|i'?m (?:done|good|all set)|(?:no )?nothing(?: else| more)?|we'?re done)"
    rf"(?: (?:{_THANKS}|(?:good)?bye))*",
}
_PATTERNS: dict[Reply, re.Pattern[str]] = {kind: re.compile(body) for kind, body in _WHOLE.items()}
_ORDER: tuple[Reply, ...] = ("cancel", "close", "deny", "affirm")
_LEADING = re.compile(r"(?:(?:well|ok|okay|oh|ah|um|uh|hmm|so|alright) )+(?=.)")
_LONGEST = 120


def normalise(text: str) -> str:
    """Return text in lower case and NFKC, its punctuation and white space folded to single spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return " ".join(re.sub(r"[^\w']+|(?<!\w)'|'(?!\w)", " ", folded).split())


def read_reply(text: str) -> Reply | None:
    """Return which short reply the whole of `text` is, or None if it says more than that or asks something."""
    if len(text) > _LONGEST or "?" in unicodedata.normalize("NFKC", text):
        return None
    words = normalise(
        text.replace("\N{THUMBS UP SIGN}", " yes ").replace("\N{THUMBS DOWN SIGN}", " no ")
    )
    leading = words[match.end() :] if (match := _LEADING.match(words)) else words
    for kind in _ORDER:
        if _PATTERNS[kind].fullmatch(words) or _PATTERNS[kind].fullmatch(leading):
            return kind
    return None


def approved(answer: object) -> bool | None:
    """Read what an `interrupt` was resumed with.

    Args:
        answer: the user's next message, a bool, or `{"approved": bool}` as a form would send.

    Returns:
        True for a yes, False for a no, None for anything else, which is never a permission.
    """
    if isinstance(answer, bool):
        return answer
    if isinstance(answer, dict):
        value = answer.get("approved")
        return value if isinstance(value, bool) else None
    if not isinstance(answer, str):
        return None
    reply = read_reply(answer)
    if reply == "affirm":
        return True
    return False if reply in ("deny", "cancel") else None
