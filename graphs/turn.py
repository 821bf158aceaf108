"""Reads the user's turn: the text of a message made fit to keep, and the event that it is in its phase.

Pure; it knows words and phases, no vectors: whether a new request belongs to the holder is for routing to say.
"""

import re
from collections.abc import Collection, Sequence
from typing import Any

from agents.errors import InputError, LengthError
from agents.replies import normalise, read_reply
from graphs.characters import whole
from graphs.machine import Event, Phase
from graphs.routing.wording import USER_MARKS, user_marks

LONGEST_TEXT = 200_000
"""Characters in one message; longer texts belong into a file that the documents agent can read."""
# What a terminal would obey and what hides or turns text around; the joiners of emoji and scripts (200c, 200d) stay.
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")
"""A terminal's escape sequences; without its first character the rest would read as text."""
_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)
_INVISIBLE = re.compile(r"[\s\xad\u200c-\u200f\ufe0e\ufe0f]*")
_FOLLOW_UP = re.compile(
    r"(?:and|or|but|also|then|now|so|what about|how about|same (?:for|with)|make (?:it|that)"
    r"|instead|plus|minus|times|divided|multiplied|rather|only|just)\b",
    re.IGNORECASE,
)
_LONGEST_FOLLOW_UP = 8
_LONGEST_ANSWER = 8
_REQUEST_MARKS = ("asks", "wh", "can_you", "wants", "find", "act", "tell", "also", "other", "no")
"""Of 2,988 texts of so few words without these marks in reply to a question 16 were for another agent (SGD, train)."""
_NEW_MARKS = ("can_you", "wants", "find", "tell")
"""What a follow-up of a few words does not say: "now I need a taxi" may be for another."""
_KINDS = {
    "image_url": "image",
    "input_audio": "audio",
    "input_file": "file",
    "input_image": "image",
    "input_text": "text",
}
_REQUEST = re.compile(
    r"(?:what|which|who|whom|whose|when|where|why|how|is|are|was|were|do|does|did|can|could|would|will"
    r"|should|show|list|tell|give|write|explain|describe|translate|summari[sz]e|calculate|compute|convert"
    r"|solve|find|search|create|add|remind|delete|clear|count|plot|draw|help|compare|generate)\b",
    re.IGNORECASE,
)
_PLACES = (
    {"1", "one", "first", "1st", "former"},
    {"2", "two", "second", "2nd"},
    {"3", "three", "third", "3rd"},
    {"4", "four", "fourth", "4th"},
    {"5", "five", "fifth", "5th"},
)
_PICKING = frozenset(
    "a an ask choose go i i'd i'll is it let's like mean meant my number ones option please prefer take"
    " that the think this to try use want with yes".split()
)
"""Words around a choice that choose nothing themselves."""
_LONGEST_CHOICE = 8
_SHORTEST_BEGINNING = 4
_LONGEST_WISH = 15
_BETTER = re.compile(
    r"\b(?:(?<!\bi )(?:use|try|ask|take|switch to|give me)|(?:i|i'd|would) (?:want|need|like))\b(?:\s+[\w']+){0,3}?\s+"
    r"(?:better|stronger|bigger|larger|smarter|more (?:capable|powerful))\s+(?:ai|llm|(?:language\s+)?model)\b"
    r"(?!\s+(?:of|than)\b)",
    re.IGNORECASE,
)
"""A wish; who asks about models, or for a model of something else, does not object to the one that answered."""
_OBJECTION = re.compile(r"\b(?:wrong|incorrect|false|not (?:right|true|correct))\b")


def check_length(text: str) -> None:
    """Check that a message's text is short enough to be taken.

    Raises:
        LengthError: it is not.
    """
    if len(text) > LONGEST_TEXT:
        raise LengthError(
            f"the message has {len(text):,} characters; at most {LONGEST_TEXT:,} are taken: "
            "put a longer text into a file and ask about it"
        )


def clean_text(text: str) -> str:
    """Return `text` as it is kept: control characters out, lone surrogates replaced.

    Raises:
        InputError: nothing is left, or it is too long.
    """
    check_length(text)
    cleaned = readable(text)
    if _INVISIBLE.fullmatch(cleaned):
        raise InputError("the message is empty; write what you want to know or do")
    return cleaned


def readable(text: str) -> str:
    """Return `text` without control characters, lone surrogates replaced."""
    return _CONTROL.sub("", _ESCAPE.sub("", whole(text)))


def text_of(content: str | Sequence[Any]) -> str:
    """Return the text of a message's content, a string or a list of parts."""
    if isinstance(content, str):
        return content
    parts = [part.get("text") if isinstance(part, dict) else part for part in content]
    return "\n".join(part for part in parts if isinstance(part, str) and part)


def modalities_of(content: str | Sequence[Any]) -> frozenset[str]:
    """Return what a message's content is made of: text, image, audio, file."""
    kinds = {"text"}
    for part in content if not isinstance(content, str) else ():
        kind = str(part.get("type", "text")) if isinstance(part, dict) else "text"
        kinds.add(_KINDS.get(kind, kind))
    return frozenset(kinds)


def name_event(
    text: str,
    *,
    phase: str,
    holder: str | None,
    offered: Sequence[tuple[str, str]] = (),
    away: bool = False,
) -> Event:
    """Return what the user's turn is, in its phase.

    Args:
        text: the turn, cleaned.
        phase: the `Phase` in which the last turn ended.
        holder: the agent that holds the floor.
        offered: with `awaiting_choice`, the id and title of the agents offered.
        away: somebody else served since the holder did, so that what goes on need not go on with the holder.
    """
    reply = read_reply(text)
    if phase == Phase.AWAITING_CHOICE:
        if chosen(text, offered) is not None:
            return Event.CHOOSE
        return Event.CANCEL if reply in ("cancel", "deny", "close") else Event.NEW_REQUEST
    if holder is not None and phase in (Phase.AWAITING_INPUT, Phase.AWAITING_APPROVAL):
        if reply in ("deny", "cancel") or (reply == "affirm" and not away):
            return Event(reply)
        if reply == "close":
            return Event.CANCEL
        is_answer = phase == Phase.AWAITING_INPUT and _only_answers(text) and not away
        return Event.CONTINUE if is_answer else Event.NEW_REQUEST
    wrong = objects(text)
    if reply in ("close", "deny", "cancel") and not wrong:
        return Event.CLOSE
    follows = reply == "affirm" or wrong or _goes_on(text)
    if holder is not None and phase == Phase.ENGAGED and follows and not away:
        return Event.CONTINUE
    return Event.NEW_REQUEST


def chosen(text: str, offered: Sequence[tuple[str, str]]) -> str | None:
    """Return which of the offered agents `text` names, by name, id, number or place; None if not just one."""
    words = normalise(text).split()
    picked = set(words) - _PICKING
    if len(picked) > 1:
        picked.discard("one")  # "the second one"
    titles = {i: set(normalise(f"{title} {i}").split()) for i, title in offered}
    whole = {
        i for place, (i, _) in enumerate(offered) if picked <= titles[i] | _places(place, offered)
    }
    if picked and len(whole) == 1:
        return whole.pop()
    if len(words) > _LONGEST_CHOICE or _asks(text):
        return None
    named = [i for i, title in titles.items() if any(_is_of(word, title) for word in picked)]
    return named[0] if len(named) == 1 else None


def _is_of(word: str, title: Collection[str]) -> bool:
    """Whether a word is of a title, or begins one of its words: "calc"."""
    begins = len(word) >= _SHORTEST_BEGINNING and any(part.startswith(word) for part in title)
    return word in title or begins


def _places(place: int, offered: Sequence[object]) -> set[str]:
    """Return the words for the option at `place`, counted from 0."""
    last = {"last", "latter"} if place == len(offered) - 1 else set()
    return last.union(*_PLACES[place : place + 1])


def objects(text: str) -> bool:
    """Return whether `text` says that what went before is wrong."""
    return read_reply(text) == "deny" and _OBJECTION.search(normalise(text)) is not None


def wants_better(text: str) -> bool:
    """Return whether `text` asks for a better model."""
    return len(text.split()) <= _LONGEST_WISH and _BETTER.search(text) is not None


def _asks(text: str) -> bool:
    """Return whether `text` reads like a request of its own rather than an answer."""
    return text.rstrip().endswith("?") or _REQUEST.match(text.lstrip()) is not None


def _only_answers(text: str) -> bool:
    """Return whether `text` is a few words that ask for nothing: what an open question waits for."""
    if len(text.split()) > _LONGEST_ANSWER or _asks(text):
        return False
    marks = dict(zip(USER_MARKS, user_marks(text), strict=True))
    return not any(marks[name] for name in _REQUEST_MARKS)


def _goes_on(text: str) -> bool:
    """Return whether `text` reads like a follow-up: short, hung on what went before, and no new request."""
    if len(text.split()) > _LONGEST_FOLLOW_UP or _FOLLOW_UP.match(text.lstrip()) is None:
        return False
    marks = dict(zip(USER_MARKS, user_marks(text), strict=True))
    return not any(marks[name] for name in _NEW_MARKS)
