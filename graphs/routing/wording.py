"""How a text reads: the user's (asks, wants, affirms, thanks, fills a slot), the assistant's (asked, offered, done).

Regular expressions over English; a text in another language shows fewer of these marks and is told by its vectors.
It knows no agent: the marks are the same for every catalogue.
"""

import re
from functools import lru_cache

from agents.replies import read_reply

__all__ = ["ASSISTANT_MARKS", "USER_MARKS", "assistant_marks", "user_marks"]

_USER: dict[str, str] = {
    "asks": r"\?",
    "wh": r"^\W*(?:(?:and|so|ok|okay|also|then|well|great|thanks)\W+)*(?:what|which|who|where|when|why|how)\b",
    "does_it": r"^\W*(?:is|are|do|does|did|has|have|will|was|were)\b|\b(?:do|does|is|are) (?:they|it"
    r"|there|that|this)\b",
    "can_you": r"\b(?:can|could|will|would) you\b",
    "wants": r"\bi(?:'d| would| am|'m| also| just)*(?: \w+)? (?:want|need|like|looking|wish|trying|hoping|plan)",
    "find": r"\b(?:find|search|look(?:ing)? (?:for|up)|show me|browse|discover|recommend|suggest)",
    "act": r"\b(?:book|reserve|buy|purchase|schedule|make|set|play|send|transfer|rent|order|call|add|create|watch)\b",
    "tell": r"\b(?:tell|give|show) me\b|\blet me know\b",
    "also": r"\balso\b|\bas well\b|\b(?:another|one more) thing\b|\bbesides\b|\bin addition\b",
    "now": r"\b(?:now|next|then|after that|meanwhile|by the way)\b",
    "other": r"\b(?:another|other|else|different|instead|more|others|alternatives?|change)\b",
    "one": r"\b(?:one|ones|that one|this one)\b",
    "refers": r"\b(?:it|its|that|this|they|them|their|there|those|these|he|she|his|her)\b",
    "the": r"\bthe\b",
    "some": r"\b(?:a|an|some|any|good|nice)\b",
    "thanks": r"\b(?:thank|thanks|appreciate)",
    "yes": r"^\W*(?:yes|yeah|yep|yup|sure|ok|okay|correct|right|perfect|great|that(?:'s| is) (?:right"
    r"|correct|fine|good)"
    r"|sounds|alright|absolutely|exactly|good|cool|awesome|fine)\b",
    "no": r"^\W*(?:no|nope|nah|not)\b",
    "works": r"\b(?:works|sounds|looks|seems|is|be) (?:good|great|fine|perfect|nice|ok|okay|correct|right|awesome)\b"
    r"|\bthat works\b|\bworks for me\b",
    "enough": r"\b(?:that(?:'s| is| was|'ll be| will be| would be)? (?:all|it|everything)"
    r"|nothing (?:else|more)|all (?:i"
    r"|good|set)|i'm (?:good|done)|bye|goodbye)\b",
    "number": r"\d",
    "time": r"\b(?:\d{1,2}(?::\d\d)? ?(?:am|pm|o'clock)|\d{1,2}:\d\d|noon|midnight|morning|evening"
    r"|afternoon|half past)\b",
    "date": r"\b(?:today|tomorrow|tonight|yesterday|monday|tuesday|wednesday|thursday|friday|saturday|sunday|january"
    r"|february|march|april|may|june|july|august|september|october|november|december|week|weekend"
    r"|\d+(?:st|nd|rd|th))\b",
    "place": r"\b(?:in|at|from|to|near|around) (?:[A-Z]|the \w+ area)",
    "capital": r"(?<=\w )[A-Z][a-z]+",
    "first_person": r"\b(?:i|i'm|i'd|we|my)\b",
    "what_about": r"\b(?:what|how) about\b",
    "change_mind": r"\b(?:actually|wait|rather|make (?:it|that)|change)\b",
}  # fmt: skip
_ASSISTANT: dict[str, str] = {
    "asks": r"\?",
    "ends_asking": r"\?\W*$",
    "anything_else": r"\b(?:anything|something|what) (?:else|more|further)|\bany (?:other|more|further)"
    r"|\bassist(?:ance)?"
    r"|\bfurther (?:help|assist)|\bhelp you\b|\bneed help\b|\bwhat else\b|\bmore (?:help|i can do)",
    "confirms": r"\bconfirm|\bcorrect\?|\bright\?|\bplease verify|\bfollowing details|\bis that (?:ok|correct|right)",
    "offers": r"\b(?:would you like|do you want|shall i|should i|want me to|do you wish|would you want|care to)\b",
    "wants_slot": r"\b(?:what|which|where|when|how many|how long|what time|who)\b[^.?!]*\?",
    "done": r"\b(?:success|confirmed|booked|reserved|scheduled|purchased|completed|has been|have been|was made|is set"
    r"|enjoy|transferred|added|sent|playing|started|on its way|done)",
    "found": r"\b(?:found|there (?:is|are)|i have|i see|how about|what about|suggest|options?|matches|available)\b",
    "sorry": r"\b(?:sorry|unable|could(?: not|n't)|can(?:not|'t)|failed|unfortunately|no longer"
    r"|not available|wasn't)",
    "welcome": r"\b(?:welcome|have a (?:nice|great|good)|bye|goodbye|enjoy your day|glad)\b",
    "is_at": r"\b(?:is located|address is|number is|phone|costs?|price|rating|\$\d)",
    "number": r"\d",
}  # fmt: skip
_USER_PATTERNS = [re.compile(p, 0 if "A-Z" in p else re.IGNORECASE) for p in _USER.values()]
_ASSISTANT_PATTERNS = [re.compile(p, re.IGNORECASE) for p in _ASSISTANT.values()]
_REPLIES = ("affirm", "deny", "cancel", "close")
_LONGEST_READ = 2_000
"""Characters; what a turn is, its beginning and length tell."""

USER_MARKS = (*_USER, *_REPLIES, "words", "sentences")
"""What `user_marks` returns, in order."""
ASSISTANT_MARKS = (*_ASSISTANT, "words")


@lru_cache(maxsize=256)
def user_marks(text: str) -> tuple[float, ...]:
    """Return how the user's text reads, one number for each of `USER_MARKS`."""
    read = text[:_LONGEST_READ]
    reply = read_reply(text)
    return (
        *(float(p.search(read) is not None) for p in _USER_PATTERNS),
        *(float(reply == kind) for kind in _REPLIES),
        float(min(len(read.split()), 60)),
        float(min(len(sentences(read)), 6)),
    )


@lru_cache(maxsize=256)
def assistant_marks(text: str) -> tuple[float, ...]:
    """Return how what the assistant said reads, one number for each of `ASSISTANT_MARKS`."""
    read = text[-_LONGEST_READ:]
    return (
        *(float(p.search(read) is not None) for p in _ASSISTANT_PATTERNS),
        float(min(len(read.split()), 60)),
    )


_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def sentences(text: str) -> list[str]:
    """Return the sentences of `text` that have two words or more."""
    return [s for s in _SENTENCE.split(text.strip()) if len(s.split()) >= 2]
