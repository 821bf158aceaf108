"""Reads wishes to see the list: "what is due today?", "show my tasks". It knows no task."""

import re

from agents.tasks.command import ADJECTIVE, LIST, MY_LIST, NOUN, Command, Verb, match
from agents.tasks.phrases import split_when

_TAIL = (
    r"(?: (?:that|which|are|is|be|due|overdue|late|left|open|pending|for|on|it|by|today|tomorrow|tonight|this|next|the"
    r"|week|month|do|i|have|still|need|needs|to|get|done|completed|finished|already|currently|right|now|so|far|again|yet|there"
    r"|my|plate|agenda|list|scheduled|planned)){0,9}"
)
_THINGS = (
    rf"(?:all )?(?:of )?(?:(?:my|our) (?:{ADJECTIVE} )*(?:{LIST}|{NOUN})"
    rf"|(?:the )?(?:{ADJECTIVE} )*(?:tasks|to-?dos|reminders|(?:tasks?|to-?dos?|to do|shopping|grocery) list))"
)
_SHOW = (
    r"(?:(?:show|list|display|see|view|read|print|open|check|get|give|tell|pull up|bring up|let me see)"
    r"(?: me)?(?: out)?(?: what(?:'s| is| are)(?: on| in)?)?"
)
_LISTINGS = (
    r"(?:the )?list",
    rf"{_SHOW}) {_THINGS}{_TAIL}",
    rf"{_SHOW}) (?:everything|all)(?: that is| that's)? (?:on|in) {MY_LIST}",
    rf"what(?:'s| is| are)?(?: on| in)? (?:all )?(?:of )?{MY_LIST}{_TAIL}",
    rf"what(?:'s| is| are) (?:my|our) (?:{ADJECTIVE} )*(?:{NOUN}|{LIST}){_TAIL}",
    rf"(?:my|our) (?:{ADJECTIVE} )*(?:tasks|to-?dos|reminders|{LIST}){_TAIL}",
    rf"(?:{ADJECTIVE} )*(?:tasks|to-?dos|reminders|(?:tasks?|to-?dos?|to do) list){_TAIL}",
    rf"(?:what|which)(?: else)?(?: tasks| things| stuff| reminders)? "
    r"(?:do i (?:still )?(?:have|need)(?: left)? to (?:do|finish|complete|get done)"
    r"|have i got to do|am i supposed to do|must i do"
    rf"|do i have (?:due|left|planned|on my (?:{LIST}|plate)))"
    rf"{_TAIL}",
    rf"what(?:'s| is| tasks are| are)?(?: still)? (?:due|overdue|left to do|on my plate){_TAIL}",
    rf"(?:(?:do i have|have i got|is there|are there|got) )?(?:any ?(?:thing|more)?)(?: (?:{ADJECTIVE}))*"
    rf" ?(?:{NOUN}|to do|due|overdue){_TAIL}",
    rf"do i have (?:{ADJECTIVE} )*(?:{NOUN}){_TAIL}",
    rf"how many (?:{ADJECTIVE} )*{NOUN}{_TAIL}",
    rf"(?:which|what)(?: of my)? (?:tasks|reminders|to-?dos)(?: (?:are|is|have|did)){_TAIL}(?: finish| complete)?",
    r"what (?:tasks )?(?:have|did) i (?:already )?(?:finish(?:ed)?|completed?|done)(?: so far)?",
)


def read_listing(text: str) -> Command | None:
    """Return the wish to see the list that `text` is as a whole, or None."""
    bare, when = split_when(text)
    for words, day in ((bare, when), (text, "")):
        if any(match(pattern, words) for pattern in _LISTINGS):
            return Command(verb=Verb.LIST, value=_scope(words) or day)
    return None


def _scope(words: str) -> str:
    """Return the closed scope that a listing's words name, or an empty text."""
    for name, pattern in (
        (
            "done",
            r"\b(?:(?<!get )(?<!be )done|completed?|finish(?:ed)?)\b(?! today)(?<!to complete)(?<!to finish)",
        ),
        ("overdue", r"\b(?:overdue|late)\b"),
        ("next week", r"\bnext week\b"),
        ("this week", r"\bweek(?:'s)?\b"),
        ("this month", r"\bmonth\b"),
        ("today", r"\b(?:today|tonight)(?:'s)?\b"),
        ("tomorrow", r"\btomorrow(?:'s)?\b"),
    ):
        if re.search(pattern, words, re.IGNORECASE):
            return name
    return ""
