r"""The key of a question: which grader reads its answer and what is right. Each kind checks itself when it is read.

    {"grader": "exact", "answer": "Paris" or ["Paris", "Paris, France"]}
    {"grader": "numeric", "answer": 42, "tolerance": 0.5}
    {"grader": "choice", "answer": "B", "choices": ["red", "green"] or 4}
    {"grader": "regex", "answer": "(?i)^yes\\b"}
    {"grader": "code", "answer": "assert add(1, 2) == 3", "seconds": 10}

It knows no model and no file.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agents.errors import InputError
from graphs.checking.reading import closing, letter_of, marked, normalised, number_of
from graphs.policy.signals.patterns import compiled

__all__ = ["GRADERS", "Choice", "Code", "Exact", "Grade", "Key", "Numeric", "Regex", "read_key"]

_RELATIVE, _OF_SMALL = 1e-6, 1e-3
"""Of a number without a stated tolerance: what is lost in writing it down, and the share of a small one: 0 is none."""
MOST_CHOICES = 26


@dataclass(frozen=True, slots=True)
class Grade:
    """What was read as the answer, and how good it is, 0 to 1."""

    answer: str
    score: float


class Key(Protocol):
    """What is right."""

    @property
    def instruction(self) -> str:
        """The system prompt under which a model answers in a form that can be read."""
        ...

    def grade(self, text: str) -> Grade:
        """Grade what a model wrote."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """One of some texts, whatever its case, blanks and quotes."""

    answers: tuple[str, ...]
    instruction: str = "Give the answer alone: no explanation and no full sentence."

    def grade(self, text: str) -> Grade:
        """Compare the whole text, what is marked as the answer in it, and what its last line says it is."""
        right = {normalised(answer) for answer in self.answers}
        read = [normalised(part) for part in (text, marked(text), closing(text))]
        found = next((part for part in read if part in right), None)
        return Grade(read[1] if found is None else found, float(found is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeric:
    """A number; `tolerance` is how far off it may be, absolutely."""

    answer: float
    tolerance: float
    instruction: str = "Work it out in as few words as you need, then end with a line of the form `Answer: NUMBER`."

    def grade(self, text: str) -> Grade:
        """Compare the last number."""
        found = number_of(text)
        if found is None:
            return Grade("", 0.0)
        return Grade(f"{found:.12g}", float(abs(found - self.answer) <= self.tolerance))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The letter of one of several choices."""

    answer: str
    count: int
    choices: tuple[str, ...] = ()
    """What the letters stand for, where the question itself does not say."""
    instruction: str = "Answer with the letter of the right choice alone."

    def grade(self, text: str) -> Grade:
        """Compare the letter; a text that is one of the choices stands for its letter."""
        texts = [normalised(choice) for choice in self.choices]
        said = normalised(marked(text))
        letter = letter_of(text, choices=self.count)
        # Of choices that are letters themselves, as blood groups, the letter is meant that was asked for.
        if texts.count(said) == 1 and said.upper() != letter:
            letter = chr(ord("A") + texts.index(said))
        return Grade(letter or "", float(letter == self.answer))


@dataclass(frozen=True, slots=True, kw_only=True)
class Regex:
    """A pattern of RE2, found in time linear in the text, so that none can be made to run for ever."""

    pattern: str
    instruction: str = ""

    def grade(self, text: str) -> Grade:
        """Search the text; the first group, if there is one, is what was read."""
        found = compiled(self.pattern).search(text.encode(errors="replace"))
        if found is None:
            return Grade("", 0.0)
        read: bytes = found.group(1 if found.re.groups else 0) or b""
        return Grade(read.decode(errors="replace"), 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A Python program that must pass tests; it is run only by `sandbox.grade_code`."""

    tests: str
    seconds: float = 10.0
    instruction: str = (
        "Answer with one block of Python code, without tests and without an example of its use."
    )

    def grade(self, text: str) -> Grade:
        """Refuse: whoever calls must have allowed programs to run."""
        raise InputError("a program is graded in the sandbox alone; give --allow-code")


def read_key(row: Mapping[str, Any], *, where: str) -> Key | None:
    """Return the key of a question's line; None where the line names no grader, as one that a judge will grade.

    Raises:
        InputError: with the place, what was given and what was expected.
    """
    name = row.get("grader")
    if name is None:
        return None
    if not isinstance(name, str) or name not in GRADERS:
        raise InputError(
            f"{where}: given grader {name!r:.60}, expected {', '.join(GRADERS)} or none"
        )
    if row.get("answer") is None:
        raise InputError(f"{where}: the grader {name!r} needs an answer, none is given")
    return GRADERS[name](row, where)


def _exact(row: Mapping[str, Any], where: str) -> Key:
    given = row["answer"]
    answers = given if isinstance(given, list) else [given]
    if not answers or not all(isinstance(answer, str | int | float) for answer in answers):
        raise InputError(f"{where}: answer is {given!r:.60}, expected a text or a list of texts")
    if not all(normalised(str(answer)) for answer in answers):
        raise InputError(
            f"{where}: answer is {given!r:.60}, of which nothing is left without marks and blanks"
        )
    return Exact(answers=tuple(map(str, answers)))


def _numeric(row: Mapping[str, Any], where: str) -> Key:
    answer = _number(row["answer"], "answer", where)
    given = row.get("tolerance")
    lost = min(_RELATIVE * max(1.0, abs(answer)), _OF_SMALL * abs(answer) or _RELATIVE)
    tolerance = lost if given is None else _number(given, "tolerance", where)
    if tolerance < 0:
        raise InputError(f"{where}: tolerance is {given!r}, expected 0 or more")
    return Numeric(answer=answer, tolerance=tolerance)


def _choice(row: Mapping[str, Any], where: str) -> Key:
    given = row.get("choices", 10)
    texts: Sequence[Any] = given if isinstance(given, list) else ()
    count = len(texts) if texts else given
    if isinstance(count, bool) or not isinstance(count, int) or not 2 <= count <= MOST_CHOICES:
        raise InputError(
            f"{where}: choices is {given!r:.60}, expected 2 to {MOST_CHOICES} texts or their number"
        )
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise InputError(f"{where}: choices is {given!r:.60}, expected texts")
    answer, last = row["answer"], chr(ord("A") + count - 1)
    if isinstance(answer, str) and answer in texts and len(answer.strip()) > 1:
        answer = chr(ord("A") + list(texts).index(answer))
    if not isinstance(answer, str) or len(answer) != 1 or not "A" <= answer.upper() <= last:
        raise InputError(
            f"{where}: answer is {row['answer']!r:.60}, expected a letter from A to {last}"
        )
    return Choice(answer=answer.upper(), count=count, choices=tuple(texts))


def _regex(row: Mapping[str, Any], where: str) -> Key:
    pattern = row["answer"]
    if not isinstance(pattern, str):
        raise InputError(f"{where}: answer is {pattern!r:.60}, expected a pattern of RE2")
    try:
        compiled(pattern)
    except ValueError as error:
        raise InputError(f"{where}: {pattern!r:.60} is no pattern of RE2 ({error})") from None
    return Regex(pattern=pattern)


def _code(row: Mapping[str, Any], where: str) -> Key:
    tests = row["answer"]
    if not isinstance(tests, str) or not tests.strip():
        raise InputError(
            f"{where}: answer is {tests!r:.60}, expected tests in Python, as assert lines"
        )
    seconds = _number(row.get("seconds", 10.0), "seconds", where)
    if not 0 < seconds <= 300:
        raise InputError(f"{where}: seconds is {seconds:g}, expected more than 0 and at most 300")
    return Code(tests=tests, seconds=seconds)


GRADERS = {"exact": _exact, "numeric": _numeric, "choice": _choice, "regex": _regex, "code": _code}
"""How the key of each kind is read from a line."""


def _number(value: Any, name: str, where: str) -> float:
    read = value
    if isinstance(value, str):
        read = number_of(value) if value.strip() else None
    try:
        number = math.nan if isinstance(read, bool | None) else float(read)
    except (OverflowError, TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{where}: {name} is {value!r:.60}, expected a number")
    return number
