"""Reads what a turn wants of the documents: to index, to list, to see more, to ask. Pure; it knows words only."""

import re
from dataclasses import dataclass
from enum import StrEnum

from agents.documents import query

_NOUN = r"(?:documents?|docs?|files?|folders?|pdfs?|papers?|library|index|texts?)"
_OWNER = r"(?:the|my|our|your|these|those|all|all (?:of )?(?:the|my|our|your))"
_POLITE = (
    r"(?:(?:hi|hello|hey|please|now|ok|okay|so|and|can you|could you|would you|i want you to"
    r"|i'd like you to)[ ,]+)*"
)
_INDEX = re.compile(
    rf"{_POLITE}(?:re-?index|index|re-?scan|scan|refresh|re-?read|re-?load|update|rebuild)(?: {_OWNER})?"
    rf"(?: (?:document|indexed|new|whole))? {_NOUN}(?: folder| index)?(?: (?:again|now|please|for me|from scratch))*"
    rf"|{_POLITE}re-?index(?: (?:everything|it|them|again|now|please))*"
)
_LIST = re.compile(
    rf"{_POLITE}(?:which|what) (?:\w+ )?(?:documents?|docs?|files?|pdfs?)"
    r"(?: (?:do you|can you|have you|have i|did you|did i|do i|are|is|you|we|do we))?"
    r"(?: (?:have|has|know|know about|know of|read|see"
    r"|search|there|indexed?|available|uploaded?|access|got|loaded|in (?:the|my|our|your) (?:folder|index|library)))*"
    rf"|{_POLITE}(?:list|show|give|tell)(?: me)?(?: a list of| the list of)?(?: {_OWNER})? "
    r"(?:indexed |available )?(?:documents|docs|files|pdfs|document list|file list)(?: (?:you have|you know|there are|"
    r"in (?:the|my|our|your) (?:folder|index|library)|please|indexed|available))*"
    r"|how many (?:documents|docs|files|pdfs)(?: (?:do you|do i|are there|have you|have|know|indexed|there|you))*"
)
_MORE = re.compile(
    r"(?:and |please |ok |okay )*(?:(?:show|give|tell|get)(?: me)? )?(?:some |any |the )?"
    r"(?:more|next|others?|continue|go on|what else|anything else|further|more of (?:it|them|that|those))"
    r"(?: (?:ones?|passages?|quotes?|results?|matches|please|from (?:the|my) documents))*"
)
_WRITING = (
    r"(?:documents?|docs|files?|folder|pdfs?|papers?|handbook|manual|reports?|contracts?|agreements?|polic(?:y|ies)"
    r"|guidelines?|notes|minutes)"
)
# "The foreign policy of France" and "what documents do I need for a passport" are questions about the world, so an
# article or a question word before the noun is not enough.
_BOUND = re.compile(
    rf"\b(?:my|our|your|these|those|indexed|uploaded|attached) (?:\w+ )?{_WRITING}\b"
    r"|\b(?:in|from|through|across|of|do|does) (?:all )?the (?:documents?|docs|files|folder|pdfs?|handbook|manual)\b"
    r"|\b(?:which|what|any|no) (?:documents?|docs|files?|pdfs?|page)"
    r" (?:mention|say|state|contain|discuss|describe|cover|talk|speak)(?:e?s)?\b"
    rf"|\baccording to the {_WRITING}\b"
    r"|\bwhere (?:does|do) (?:it|they) (?:say|mention|state)\b"
    r"|\b(?:find|quote|show)(?: me)? (?:the|a|every|all) (?:passage|page|section|clause|paragraph)s?\b"
    r"|[\w-]+\.(?:txt|md|html?|pdf|docx)\b"
)
_CREATE = re.compile(
    rf"{_POLITE}(?:write|compose|draft|generate|create|invent|make up|translate|sing|code|program|implement"
    r"|calculate|compute|convert|remind|schedule|tell (?:me|us) a (?:joke|story|poem|fairy tale)"
    r"|(?:set|book|order|send|call|email|play) (?:a|an|the|me|my))\b"
)
_CHANGE = re.compile(
    rf"{_POLITE}(?:delete|remove|erase|wipe|clear|rename|move|copy|edit|send|email|mail|share|upload|print|sign)\b"
)
_FOLLOW_UP = re.compile(
    r"(?:and|also|but|so|or)\b|(?:what|how) about\b|.*\b(?:it|its|that|this|they|them|those|these)\b"
)


class Kind(StrEnum):
    """What a turn wants."""

    INDEX = "index"  # read the folder and report
    LIST = "list"  # name the documents
    MORE = "more"  # the next passages on the last question
    ASK = "ask"  # passages on a question
    CHANGE = "change"  # to change or send the documents, which this agent never does
    NONE = "none"  # nothing that documents could serve


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A turn as this agent understands it."""

    kind: Kind
    terms: tuple[str, ...] = ()
    bound: bool = False
    """Whether the user says that the answer is in the documents."""
    follow_up: bool = False
    """Whether the text may lean on the question before it."""
    reason: str = ""
    """Why nothing can be done, with NONE."""


def read_intent(text: str) -> Intent:
    """Return what a turn's text wants."""
    words = " ".join(text[: query.MAX_QUESTION].lower().replace("’", "'").split())  # noqa: RUF001
    line = words.strip(" .!?")
    if _INDEX.fullmatch(line):
        return Intent(kind=Kind.INDEX, bound=True)
    if _LIST.fullmatch(line):
        return Intent(kind=Kind.LIST, bound=True)
    if _MORE.fullmatch(line):
        return Intent(kind=Kind.MORE)
    bound = _BOUND.search(words) is not None
    if _CREATE.match(words) and not bound:
        return Intent(
            kind=Kind.NONE, reason="this asks for something new, not for what documents say"
        )
    if _CHANGE.match(words) and bound:
        return Intent(kind=Kind.CHANGE)
    found = tuple(query.terms(text))
    if not found and bound:
        return Intent(kind=Kind.LIST, bound=True)
    if not bound and query.only_when(found):
        return Intent(
            kind=Kind.NONE, reason="there is no word in this to look for in the documents"
        )
    follow_up = _FOLLOW_UP.match(words) is not None
    return Intent(kind=Kind.ASK, terms=found, bound=bound, follow_up=follow_up)
