"""Reads wishes about tasks that exist: finish, reopen, move, rename, delete. It knows no task."""

import re

from agents.tasks.command import ADJECTIVE, LIST, MY_LIST, NOUN, Command, Verb, match, names_task
from agents.tasks.phrases import SPAN, split_when


def read_changing(text: str) -> Command | None:
    """Return the wish about existing tasks that `text` is as a whole, or None."""
    readers = (_status, _reopen, _complete, _redate, _rename, _delete)
    return next((command for reader in readers if (command := reader(text))), None)


def read_everything(text: str) -> Command | None:
    """Return the wish to delete every task that "delete everything" is when the list was just being talked about."""
    if match(r"(?:delete|remove|erase|clear) (?:everything|them all|all of them|all)", text):
        return Command(verb=Verb.DELETE, target="*")
    return None


def _targeted(verb: Verb, target: str, *, value: str = "", sure: bool = False) -> Command:
    return Command(verb=verb, target=target.strip(), value=value, sure=sure or names_task(target))


_DONE = r"(?:done|completed?|finished)"
_EVERYTHING = (
    rf"(?:(?:all|every|each|both|the whole|the entire)(?: (?:of|the))* )?(?:(?:my|our|the) )?"
    rf"(?P<kind>(?:{ADJECTIVE} )*)(?:tasks|to-?dos|reminders"
    rf"|(?:tasks?|to-?dos?|to do|reminders?) list|items on {MY_LIST})"
    rf"|all of (?:them|my {NOUN})|(?:my|our) (?:whole |entire )?{LIST}"
    rf"|(?:everything|all|all items)(?: (?:on|from|off|in))? {MY_LIST}"
    rf"|all (?:my )?(?P<kind2>(?:{ADJECTIVE} )*){NOUN}(?: (?:on|from|off|in) {MY_LIST})?"
)


def _everything(target: str) -> str | None:
    """Return which tasks "all my done tasks" means (`done`, `overdue`, or an empty text), or None."""
    found = match(_EVERYTHING, target)
    if found is None:
        return None
    kind = (found["kind"] or found["kind2"] or "").lower()
    return (
        "done" if re.search(_DONE, kind) else "overdue" if re.search("overdue|late", kind) else ""
    )


def _status(text: str) -> Command | None:
    for pattern in (
        r"(?:did|have) (?:i|we) (?:already |ever )?(?:finish(?:ed)?|completed?|do|done|close)(?: with)?"
        r" (?P<t>.+?)(?: yet| already)?",
        rf"(?:is|was|are) (?P<t>.+?) (?:already )?(?:{_DONE}|overdue|still open)(?: yet| already)?",
        r"(?:what(?:'s| is) the status of|when(?:'s| is)) (?P<t>.+?)(?: due)?",
    ):
        found = match(pattern, text)
        if found:
            asks_when = text.lower().startswith("when")
            if asks_when and not text.lower().endswith(" due"):
                continue
            return _targeted(Verb.STATUS, found["t"])
    return None


def _reopen(text: str) -> Command | None:
    found = match(
        r"mark (?P<t>.+?) (?:as |to )?(?:not (?:done|finished|completed?)|undone|open|incomplete|unfinished)",
        text,
    ) or match(r"(?:re-?open|un-?check|un-?tick|restore) (?P<t>.+)", text)
    return _targeted(Verb.REOPEN, found["t"]) if found else None


def _complete(text: str) -> Command | None:
    marked = match(
        rf"(?:mark|set|flag|tick|check) (?P<t>.+?) (?:off )?(?:as |to )?(?:{_DONE}|ticked|checked)(?: on {MY_LIST})?",
        text,
    )
    ticked = match(r"(?:check|tick|cross|strike) (?:off (?P<t>.+)|(?P<u>.+) off)", text) or match(
        rf"(?:check|tick|cross|strike) (?P<t>.+?)(?P<u>) off {MY_LIST}", text
    )
    said = (
        match(rf"(?:task )?(?P<t>#?\d+) {_DONE}", text)
        or match(
            rf"(?:(?:i(?:'ve| have)?|i'm|i am|we(?:'ve| have)?) )?(?:just |already |now |all )?"
            rf"(?:{_DONE}|did|finish|close)(?: with)? (?P<t>.+)",
            text,
        )
        or match(
            rf"(?P<t>.+?) (?:is|are|has been) (?:now |already |all )?(?:{_DONE}|taken care of)(?: now)?",
            text,
        )
    )
    if marked:
        target, sure = marked["t"], False
    elif ticked:
        target, sure = (
            ticked["t"] or ticked["u"],
            bool(re.search(rf"off {MY_LIST}$", text, re.IGNORECASE)),
        )
    elif said:
        target, sure = said["t"], False
    else:
        return None
    if _everything(target) == "" or (
        marked and match("(?:everything|all)(?: of (?:it|them))?", target)
    ):
        return Command(verb=Verb.COMPLETE, target="*")
    return _targeted(Verb.COMPLETE, target, sure=sure)


def _redate(text: str) -> Command | None:
    undated = match(
        r"(?:remove|clear|delete|drop) the (?:due )?(?:date|time|deadline) (?:of|for|from|on) (?P<t>.+)",
        text,
    )
    if undated:
        return _targeted(Verb.RESCHEDULE, undated["t"], value="no date")
    found = match(
        r"(?:move|re-?schedule|postpone|push(?: back)?|delay|shift|snooze|put off|defer|bring forward|make|set|change)"
        r" (?:the (?:due )?(?:date|time|deadline) (?:of|for|on) )?(?P<t>.+)",
        text,
    )
    if found is None:
        return None
    later = match(rf"(?P<t>.+?) (?:by|for) (?:another )?(?P<span>{SPAN})", found["t"])
    if later:
        return _targeted(Verb.RESCHEDULE, later["t"], value=f"by {later['span']}")
    target, when = split_when(found["t"])
    target = re.sub(
        r"(?: (?:to|until|till|for|by|on|at|due|be due|is))+$", "", target, flags=re.IGNORECASE
    )
    if when and target:
        return _targeted(Verb.RESCHEDULE, target, value=when)
    plain = match(r"(?:re-?schedule|postpone|snooze|put off|defer|delay) (?P<t>.+)", text)
    return _targeted(Verb.RESCHEDULE, plain["t"]) if plain else None


def _rename(text: str) -> Command | None:
    found = match(
        r"(?:rename|retitle|reword|change|edit|update)(?: the (?:title|name|text|wording) of)?"
        r" (?P<t>.+?) (?:to|as|into) (?P<v>.+)",
        text,
    )
    return _targeted(Verb.RENAME, found["t"], value=found["v"].strip("\"'")) if found else None


def _delete(text: str) -> Command | None:
    found = match(
        r"(?:delete|remove|erase|drop|scrap|scratch|discard|cancel|get rid of|take|clear|empty|wipe|reset)"
        r"(?: out| off)? (?P<t>.+?)(?: off)?",
        text,
    )
    if found is None:
        return None
    target = found["t"]
    kind = _everything(target)
    if kind is not None:
        return Command(verb=Verb.DELETE, target="*", value=kind)
    if re.match(r"(?:take|clear|empty|wipe|reset) ", text, re.IGNORECASE) and not names_task(
        target
    ):
        return None
    return _targeted(Verb.DELETE, target)
