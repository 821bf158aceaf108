"""Questions with exact answers, made by a seeded generator: no text of others is in them.

Arithmetic, dates, work on words, and small programs to trace, each from easy to hard, so that models of different sizes
part. Equal seeds give equal questions; the texts of two seeds are kept apart by whoever calls.
"""

import random
from collections.abc import Callable
from datetime import date, timedelta
from itertools import cycle
from typing import Any

__all__ = ["questions"]

_WORDS = (
    "apple river stone garden window market silver planet candle bridge forest summer letter yellow castle dragon "
    "butter engine flower guitar hammer island jacket kitten ladder mirror needle orange pencil rabbit"
).split()
Made = tuple[str, str, Any]
"""The text, the grader, and the answer."""
_TRIES = 50
"""Before a kind is taken to have no more texts."""


def questions(count: int, *, seed: int, apart: set[str] | None = None) -> list[dict[str, Any]]:
    """Return so many questions of all kinds in turn, none of whose texts is in `apart`."""
    chance, taken = random.Random(seed), set(apart or ())
    found: list[dict[str, Any]] = []
    turns = cycle(_makers())
    idle = 0
    while len(found) < count:
        kind, make = next(turns)
        fresh = (made for _ in range(_TRIES) if (made := make(chance))[0] not in taken)
        new = next(fresh, None)
        idle = 0 if new else idle + 1
        if idle > len(_makers()):
            raise SystemExit(
                f"{count} different questions were asked for, {len(found)} can be made"
            )
        if new is not None:
            text, grader, answer = new
            taken.add(text)
            row = {"query_id": f"{seed}-{len(found)}", "query": text, "dataset": kind}
            found.append({**row, "grader": grader, "answer": answer})
    return found


def _makers() -> list[tuple[str, Callable[[random.Random], Made]]]:
    return [
        ("arithmetic", _sum),
        ("words", _letter),
        ("dates", _weekday),
        ("programs", _loop),
        ("arithmetic", _product),
        ("words", _spelled),
        ("dates", _days),
        ("programs", _slice),
        ("arithmetic", _story),
        ("words", _repeated),
        ("dates", _later),
        ("programs", _branch),
    ]


def _sum(chance: random.Random) -> Made:
    top = 10 ** chance.randint(1, 4)
    a, b = chance.randint(1, top), chance.randint(1, top)
    if chance.random() < 0.5:
        return f"What is {a} plus {b}?", "numeric", a + b
    return f"What is {a + b} minus {b}?", "numeric", a


def _product(chance: random.Random) -> Made:
    a, b = chance.randint(2, 10 ** chance.randint(1, 2)), chance.randint(2, 30)
    if chance.random() < 0.5:
        return f"Multiply {a} by {b}.", "numeric", a * b
    return f"What is {a * b} divided by {b}?", "numeric", a


def _story(chance: random.Random) -> Made:
    each, bought, paid = chance.randint(2, 9), chance.randint(2, 9), 10 * chance.randint(9, 12)
    thing = chance.choice(("pen", "cup", "book", "lamp"))
    text = f"A {thing} costs {each} euros. I buy {bought} and pay with {paid} euros. How many euros do I get back?"
    return text, "numeric", paid - each * bought


def _letter(chance: random.Random) -> Made:
    word = chance.choice(_WORDS)
    place = chance.randint(1, len(word))
    ordinal = ("first", "second", "third", "fourth", "fifth", "sixth")[place - 1]
    return f"What is the {ordinal} letter of the word '{word}'?", "exact", word[place - 1]


def _spelled(chance: random.Random) -> Made:
    word = chance.choice(_WORDS)
    if chance.random() < 0.5:
        return f"Write the word '{word}' backwards.", "exact", word[::-1]
    return f"Write the word '{word}' in capital letters.", "regex", f"\\b{word.upper()}\\b"


def _repeated(chance: random.Random) -> Made:
    one, other, times = chance.choice(_WORDS), chance.choice(_WORDS), chance.randint(2, 4)
    if chance.random() < 0.5:
        text = f"Write the word '{one}' {times} times, with commas between."
        return text, "exact", [sep.join([one] * times) for sep in (", ", ",")]
    text = f"How many letters have the words '{one}' and '{other}' together?"
    return text, "numeric", len(one) + len(other)


def _weekday(chance: random.Random) -> Made:
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    today, ahead = chance.randrange(7), chance.choice((1, 2, 3, 7, 10, 100))
    text = (
        f"Today is {names[today]}. Which day of the week is it in {ahead} day{'s' * (ahead > 1)}?"
    )
    return text, "exact", names[(today + ahead) % 7]


def _days(chance: random.Random) -> Made:
    start = date(2025, 1, 1) + timedelta(chance.randrange(300))
    end = start + timedelta(chance.choice((3, 8, 20, 45)))
    text = f"How many days are there from {start:%B} {start.day} to {end:%B} {end.day}, 2025?"
    return text, "numeric", (end - start).days


def _later(chance: random.Random) -> Made:
    minutes, hour, minute = (
        chance.choice((15, 45, 90, 200)),
        chance.randint(1, 19),
        chance.randrange(0, 60, 5),
    )
    end = 60 * hour + minute + minutes
    text = (
        f"It is {hour:02}:{minute:02}. What time is it {minutes} minutes later? Write it as HH:MM."
    )
    return text, "exact", f"{end // 60:02}:{end % 60:02}"


def _loop(chance: random.Random) -> Made:
    n, step = chance.randint(2, 6), chance.randint(1, 4)
    program = f"total = 0\nfor i in range({n}):\n    total += {step} * i\nprint(total)"
    return _traced(program), "numeric", step * n * (n - 1) // 2


def _slice(chance: random.Random) -> Made:
    word, cut = chance.choice(_WORDS), chance.randint(1, 4)
    program, answer = chance.choice(
        [
            (f"print('{word}'[:{cut}])", word[:cut]),
            (f"print('{word}'[-1])", word[-1]),
            (f"print(len('{word}') * {cut})", str(len(word) * cut)),
        ]
    )
    return _traced(program), "exact", answer


def _branch(chance: random.Random) -> Made:
    x, limit, a, b = (chance.randint(1, 20) for _ in range(4))
    program = f"x = {x}\nif x > {limit}:\n    x = x + {a}\nelse:\n    x = x * {b}\nprint(x)"
    return _traced(program), "numeric", x + a if x > limit else x * b


def _traced(program: str) -> str:
    return f"What does this Python program print?\n\n{program}"
