"""Finds the tasks that a few words name: a number, "the dentist task", "it". It knows no verb."""

import re
from collections.abc import Sequence

from agents.tasks.command import NOUN
from agents.tasks.store import Task

_IT = {"it", "that", "this", "that one", "this one", "the last one", "that task", "this task"}
_SUFFIX = re.compile(
    r" (?:to|on|from|off|in) (?:my|our|the)"
    r" (?:(?:tasks?|to-?dos?|to do|shopping|grocery|reminders?) )?(?:list|tasks|to-?dos)$"
)
_FRAME = re.compile(
    rf"^(?:(?:the|my|our|that|this|a) )?(?:{NOUN} (?:(?:to|about|for|on|of|called|named) )?)?|(?: {NOUN})$"
)
_NUMBERS = re.compile(r"(?:number |no\.? ?|#)?\d{1,5}(?:(?:,? and |,? ?& ?|, ?| )#?\d{1,5})*")
_SMALL = {
    "a",
    "an",
    "the",
    "my",
    "our",
    "to",
    "with",
    "for",
    "of",
    "on",
    "at",
    "and",
    "about",
    "one",
}
_ORDINALS = ("first", "second", "third", "fourth", "fifth")


def core(target: str) -> str:
    """Return the words of a target without "my", "task" and "from my list"."""
    words = _SUFFIX.sub("", target.strip().strip("\"'*").casefold())
    return " ".join(_FRAME.sub("", words).strip(" \"'*:").split())


def find_tasks(
    target: str, tasks: Sequence[Task], *, strict: bool = False, last: int | None = None
) -> list[Task]:
    """Return the tasks that the words of `target` name.

    Args:
        target: a number or numbers, words of the title, or "it".
        tasks: the tasks to look in.
        strict: whether the words must be the whole title, not a part of it.
        last: the id of the task that was talked about last, which "it" means.
    """
    if target.strip().casefold() in _IT:
        return [task for task in tasks if task.id == last]
    words = core(target)
    if _NUMBERS.fullmatch(words):
        wanted = {int(number) for number in re.findall(r"\d+", words)}
        return [task for task in tasks if task.number in wanted]
    whole = [task for task in tasks if task.title.casefold() in (words, target.strip().casefold())]
    if whole or not words:
        return whole
    named = _stems(words)
    if not named:
        return []
    if strict:
        return [task for task in tasks if _stems(task.title) == named]
    return [task for task in tasks if named <= _stems(task.title)]


def pick_tasks(reply: str, tasks: Sequence[Task]) -> list[Task]:
    """Return which of the tasks shown a reply picks: a number, "the second", "both", or words."""
    words = reply.strip(" .!").casefold()
    if re.fullmatch(
        r"(?:both|all)(?: of (?:them|it))?(?: please)?|all (?:two|three|four|five)", words
    ):
        return list(tasks)
    ordinal = re.fullmatch(rf"(?:the )?({'|'.join(_ORDINALS)}|last)(?: (?:one|task))?", words)
    if ordinal:
        position = -1 if ordinal[1] == "last" else _ORDINALS.index(ordinal[1])
        return list(tasks[position:][:1])
    return find_tasks(re.sub(r" (?:one|please)$", "", words), tasks)


def _stems(text: str) -> set[str]:
    """Return the words that matter, in lower case and without a plural s."""
    words = re.findall(r"[^\W_]+", text.casefold().replace("'s", ""))
    return {
        word[:-1] if len(word) > 3 and word.endswith("s") else word
        for word in words
        if word not in _SMALL
    }


def task_numbers(target: str) -> set[int]:
    """Return the numbers of a target that is nothing but numbers, else an empty set."""
    words = core(target)
    return (
        {int(number) for number in re.findall(r"\d+", words)}
        if _NUMBERS.fullmatch(words)
        else set()
    )
