"""Reads replies about a date or a title in the making: "make it 10", "no, on friday", "whenever".

It knows words and the clock; what the reply changes, the nodes decide.
"""

import re
from datetime import datetime

from agents.tasks.dates import DateOrder, Due, read_due
from agents.tasks.phrases import split_when

_LEAD = re.compile(
    r"^(?:(?:no|nope|yes|yeah|yep|ok|okay|well|sorry|wait|actually|hmm?|um+|uh|er|oh"
    r"|but|rather|please|maybe|perhaps|i think"
    r"|i meant?|make (?:it|that)|change (?:it|that|the (?:date|time|day)) to|change (?:it|that)"
    r"|(?:move|set) (?:it|that) to"
    r"|let's (?:say|do|make it)|how about|what about|say|better|it should be|should be|it's|to|not)[ ,]+)+",
    re.IGNORECASE,
)
_TRAIL = re.compile(
    r"(?:[ ,]+(?:instead|please|rather|then|thanks|thank you|would be (?:better|good|fine|great)"
    r"|is (?:better|fine|good)"
    r"|works|sounds good))+$",
    re.IGNORECASE,
)
_NO_DATE = re.compile(
    r"(?:add it )?(?:(?:with(?:out)?|no) (?:a |any )?(?:due )?(?:date|time|deadline)"
    r"|no deadline|whenever|any ?time|some ?day|some ?time"
    r"|never|(?:it )?does(?:n't| not) matter|i don't (?:know|care)|not sure|no idea|no rush"
    r"|none|nothing|open|skip(?: it)?"
    r"|no specific (?:date|time)|no particular (?:date|time))(?: yet)?",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"(?:call it|name it|rename (?:it|that) to|(?:the )?(?:title|text|name|task|it) (?:should (?:be|say)|is|says?)"
    r"|change (?:the )?(?:title|text|name|it) to|make it|it should (?:be|say))[ :]+(?P<title>.*[^\W\d_]{2}.*)",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"(?:what|who|why|how|where|which|when|tell|write|explain|translate|show|give|find|search|calculate|compute"
    r"|is|are|do|does|did|can you|could you)\b.*",
    re.IGNORECASE,
)


def correction(text: str) -> str:
    """Return the text without the words that only introduce or soften a correction."""
    stripped = text.strip(" .!?")
    return _TRAIL.sub("", _LEAD.sub("", stripped)).strip(" ,.!")


def says_no_date(text: str) -> bool:
    """Return whether the whole reply says that there is no date."""
    return bool(_NO_DATE.fullmatch(correction(text)) or _NO_DATE.fullmatch(text.strip(" .!")))


def spoken_date(text: str, *, now: datetime, order: DateOrder, keep: Due | None) -> Due | None:
    """Return the date of a reply that is a date with at most a few words around it, or None."""
    words = correction(text)
    due = read_due(words, now=now, order=order, keep=keep, reply=True)
    if due or text.rstrip().endswith("?"):
        return due
    rest, phrase = split_when(words)
    if phrase and len(rest.split()) <= 3 and not _ELSEWHERE.fullmatch(rest):
        return read_due(phrase, now=now, order=order, keep=keep)
    return None


def new_title(text: str) -> str | None:
    """Return the title of a reply such as "call it X", or None."""
    found = _TITLE.fullmatch(
        re.sub(r"^(?:no|actually|sorry|wait)[ ,]+", "", text.strip(" ."), flags=re.IGNORECASE)
    )
    return found["title"].strip("\"'* ") if found else None


def seems_elsewhere(text: str) -> bool:
    """Return whether a text reads like a question or a wish of its own, not like a reply."""
    return text.endswith("?") or bool(_ELSEWHERE.fullmatch(text)) or len(text.split()) > 8
