"""Reads short replies: yes, no, never mind, thanks. It knows words only, no dialogue and no agent.

A reply counts only when the whole text is one: "no" denies, "no milk left" does not.
"""

import re
import unicodedata
from typing import Literal

Reply = Literal["affirm", "deny", "cancel", "close"]

_FILLER = (
    r"(?:please|thanks|thank you|then|now|ok|okay|sure|do it|go ahead|all of (?:it|them)"
    r"|that'?s? (?:it|all|right|correct|fine))"
)
_WHOLE: dict[Reply, str] = {
    "affirm": r"y|ya|yes|yea|yeah|yep|yup|yes it is|yes i do|sure(?: thing)?|ok(?:ay)?|k|of course"
    r"|certainly|absolutely|definitely|correct|right|exactly|indeed|confirm(?:ed)?|approved?"
    r"|i approve|go ahead|go for it|do it|do that|please do|proceed|sounds good|looks good"
    r"|that(?:'s| is| works| will do| would be)?(?: all)?"
    r"(?: (?:correct|right|fine|good|great|ok|okay|perfect|it))?"
    r"|perfect|fine|great|good|true|si|sí|oui|ja|да|はい",
    "deny": r"n|no|no (?:thanks|thank you)|nope|nah|no way|not (?:yet|now|really)|wrong|incorrect"
    r"|(?:please )?(?:don'?t|do not)(?: do (?:it|that))?|i (?:do not|don'?t)(?: want (?:to|that|it))?"
    r"|that'?s? (?:is )?(?:wrong|not right|incorrect)|false|non|nein|нет",
    "cancel": r"(?:please )?(?:cancel|abort|stop|quit)(?: (?:it|that|this))?|never ?mind"
    r"|forget (?:it|that|about it)|drop (?:it|that)|leave it|scrap that"
    r"|no (?:cancel|never ?mind|forget it|stop)",
    "close": r"(?:ok(?:ay)? )?(?:good ?)?bye(?: ?bye)?|see (?:you|ya)(?: later| soon)?|good ?night"
    r"|have a (?:good|nice|great) (?:day|one|night|evening)"
    r"|(?:(?:ok|okay|great|perfect|alright) )?(?:thanks?|thank you|thx|cheers|many thanks)"
    r"(?: (?:so much|very much|a lot|you|again))?(?: (?:good)?bye| for (?:your|the) help)?"
    r"|(?:no )?(?:that(?:'s| is| will be| would be)|that'?ll be) (?:all|it|everything)"
    r"(?: (?:for (?:now|today)|i need(?:ed)?))?(?: thanks?| thank you)?"
    r"|i'?m (?:done|good|all set)(?: thanks?| thank you)?|nothing(?: else)?|we'?re done",
}
_PATTERNS: dict[Reply, re.Pattern[str]] = {
    kind: re.compile(rf"(?:{body})(?: {_FILLER})*") for kind, body in _WHOLE.items()
}
_ORDER: tuple[Reply, ...] = ("cancel", "deny", "close", "affirm")


def normalise(text: str) -> str:
    """Return text in lower case and NFKC, its punctuation and white space folded to single spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return " ".join(re.sub(r"[^\w']+", " ", folded).split())


def read_reply(text: str) -> Reply | None:
    """Return which short reply the whole of `text` is, or None if it says more than that."""
    if len(text) > 120:
        return None
    words = normalise(text)
    leading = re.sub(r"^(?:(?:well|ok|okay|oh|ah|um|uh|hmm|so|alright) )+(?=.)", "", words)
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
