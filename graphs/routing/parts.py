"""Splits a request that names two things into its parts. It knows words, no agent: whose each part is, others say."""

import re

from graphs.routing.wording import USER_MARKS, user_marks

__all__ = ["requests_in"]

MOST = 3
_SHORTEST = 3
_VERBS = (
    "add|book|buy|calculate|call|check|compare|compute|convert|count|create|delete|draft"
    "|explain|find|get|give|help|list|look|make|mark|open|order|plan|play|plot|put|read"
    "|remind|rent|reserve|schedule|search|send|set|show|solve|summari[sz]e|tell|transfer"
    "|translate|turn|write|what|when|where|which|who|how|i (?:also )?(?:want|need|would|'d)"
    "|i'd|can you|could you"
)
_BREAK = re.compile(
    rf"(?<=[.!?;])\s+|,?\s+(?:and then|and also|and|then|also)\s+(?=(?:please\s+)?(?:{_VERBS})\b)",
    re.IGNORECASE,
)
_ASKING = ("asks", "wh", "can_you", "wants", "find", "act", "tell")
_STARTS = re.compile(rf"\W*(?:(?:and|also|then|please)\s+)*(?:{_VERBS})\b", re.IGNORECASE)


def requests_in(text: str) -> list[str]:
    """Return the parts of `text` that each ask for something, if there are two or three; else nothing.

    What asks for nothing belongs to the part before it, or to the first one.
    """
    if len(text) > 1_000:
        return []
    parts = [part.strip(" ,;") for part in _BREAK.split(text.strip())]
    if len(parts) < 2:  # as nearly every text: nothing else is read then
        return []
    asking: list[str] = []
    before = ""
    for part in filter(None, parts):
        if len(part.split()) >= _SHORTEST and _asks(part):
            asking.append(f"{before} {part}".strip())
            before = ""
        elif asking:
            asking[-1] += f" {part}"
        else:
            before = f"{before} {part}".strip()
    return asking if 2 <= len(asking) <= MOST else []


def _asks(part: str) -> bool:
    marks = dict(zip(USER_MARKS, user_marks(part), strict=True))
    return _STARTS.match(part) is not None or any(marks[name] for name in _ASKING)
