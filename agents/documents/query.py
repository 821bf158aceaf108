"""The words of a question that a search can use, and full-text expressions made of them. Pure.

Every word is quoted, so no text that a user writes can act as an operator of FTS5.
"""

import re
from collections.abc import Sequence

MAX_QUESTION = 2_000
"""Characters of a question that are read."""
MAX_TERMS = 24

_WORD = re.compile(r"[^\W_]{1,64}(?:['’][^\W_]{1,8})?")  # noqa: RUF001
_ENDING = re.compile(r"(?<=\w)\.(?:txt|md|markdown|html?|pdf|docx)\b")  # names are kept without it
_STOP_WORDS = frozenset(
    # Function words.
    "a about above after again against all also am an and any anyone are aren't as at be because been before"
    " being below between both but by can can't cannot could couldn't did didn't do does doesn't doing don't down"
    " during each else ever every few for from further get gets getting got had has have having he her here hers"
    " him his how i i'd i'll i'm i've if in into is isn't it it's its itself just let let's like many me might more"
    " most much must my need no nor not of off ok okay on once one only or other ought our ours out over own per"
    " same shall she should shouldn't so some such than that that's the their theirs them then there there's these"
    " they they're this those through to too under until up upon us very was wasn't we we're were what what's when"
    " where which while who whom whose why will with within without won't would wouldn't yes you your yours"
    # What is asked of the search rather than searched for.
    " according ask asks contain contains describe document documented documents docs doc explain file files find"
    " folder folders give hello help hi hey info information know look mention mentioned mentions paragraph"
    " passage passages pdf pdfs please quote quotes read regarding said say says search section sections see show"
    " state states stated summarise summarize summary tell text texts thank thanks want wants word words write"
    " written".split()
)

_TIMES = frozenset(
    "second seconds minute minutes hour hours day days week weeks month months year years date time today tomorrow"
    " yesterday now monday tuesday wednesday thursday friday saturday sunday january february march april may june"
    " july august september october november december next last ago".split()
)


def terms(text: str) -> list[str]:
    """Return the informative words of a question in order, each once."""
    found: dict[str, None] = {}
    plain = _ENDING.sub("", text[:MAX_QUESTION].lower().replace("’", "'"))  # noqa: RUF001
    for match in _WORD.finditer(plain):
        word = match[0]
        if word in _STOP_WORDS:
            continue
        stem = word.partition("'")[0]  # "employee's" is searched as "employee"
        if stem in _STOP_WORDS or (len(stem) == 1 and stem.isascii()):
            continue
        found.setdefault(stem)
        if len(found) == MAX_TERMS:
            break
    return list(found)


def only_when(words: Sequence[str]) -> bool:
    """Return whether words are nothing but numbers and times, which stand in any document."""
    return all(word in _TIMES or word.isdigit() for word in words)


def quoted(term: str) -> str:
    """Return a term as an FTS5 string."""
    return '"' + term.replace('"', '""') + '"'


def any_of(words: Sequence[str]) -> str:
    """Return the FTS5 expression that matches a passage with at least one of the words."""
    return " OR ".join(map(quoted, words))
