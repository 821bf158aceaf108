"""Questions with exact answers, made by a seeded generator: no text of others is in them.

Look-ups in a given text, arithmetic, dates, work on words, forms to write, choices and small programs to trace, from
what the smallest model can do to what none of them does, so that models of different sizes part. These are what people
type: a line or two. A share of the questions can be about long texts instead, which stands for a backend that puts
what it retrieved into the prompt, so that the prompt is most of the work. Equal seeds give equal questions; the texts
of two seeds are kept apart by whoever calls.
"""

import random
from collections.abc import Callable
from functools import partial
from itertools import cycle
from typing import Any

from benchmarks.loop_texts import KINDS, SYSTEM, TASKS, asked_about

__all__ = ["questions"]

_WORDS = (
    "apple river stone garden window market silver planet candle bridge forest summer letter yellow castle dragon "
    "butter engine flower guitar hammer island jacket kitten ladder mirror needle orange pencil rabbit"
).split()
_NAMES = "Anna Ben Clara David Emma Felix Greta Hugo Ida Jonas Karla Leo Mia Noah Olga Paul".split()
_PLACES = "Paris Rome Berlin Madrid London Vienna Athens Lisbon Oslo Dublin".split()
_KINDS = {
    "a fruit": ("apple", "banana", "pear", "cherry", "grape"),
    "an animal": ("horse", "rabbit", "tiger", "kitten", "sheep"),
    "a colour": ("red", "blue", "green", "yellow", "purple"),
    "a tool": ("hammer", "saw", "drill", "wrench", "axe"),
    "a country": ("France", "Japan", "Brazil", "Egypt", "Canada"),
}
Made = tuple[str, str, Any]
"""The text, the grader, and the answer."""
_TRIES = 50
"""Before a kind is taken to have no more texts."""


def questions(
    count: int, *, seed: int, apart: set[str] | None = None, texts: float = 0.0
) -> list[dict[str, Any]]:
    """Return so many questions of all kinds in turn, none of whose texts is in `apart`.

    Args:
        count: how many.
        seed: of the generator.
        apart: questions that are not to be asked again.
        texts: the share that is about long texts, 0 to 1, spread evenly.
    """
    chance, taken = random.Random(seed), set(apart or ())
    found: list[dict[str, Any]] = []
    typed, long = cycle(_makers()), cycle(_text_makers())
    idle = 0
    while len(found) < count:
        about_text = int((len(found) + 1) * texts) > int(len(found) * texts)
        kind, make = next(long if about_text else typed)
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
            told = {"system": SYSTEM} if about_text else {}
            found.append({**row, **told, "grader": grader, "answer": answer})
    return found


def _text_makers() -> list[tuple[str, Callable[[random.Random], Made]]]:
    """Return every kind of text with every task, both changing from one to the next."""
    return [
        (f"text: {task}", partial(asked_about, kind, task))
        for shift in range(len(TASKS))
        for place, kind in enumerate(KINDS)
        for task in [TASKS[(place + shift) % len(TASKS)]]
    ]


def _makers() -> list[tuple[str, Callable[[random.Random], Made]]]:
    return [
        ("look-up", _who),
        ("arithmetic", _small_sum),
        ("words", _capitals),
        ("programs", _printed),
        ("choices", _odd_one),
        ("look-up", _price),
        ("dates", _next_day),
        ("forms", _copied),
        ("arithmetic", _sum),
        ("look-up", _stock),
        ("choices", _larger),
        ("forms", _json),
        ("programs", _loop),
        ("words", _letter),
        ("arithmetic", _story),
        ("dates", _weekday),
        ("choices", _listed),
        ("forms", _list),
        ("programs", _branch),
        ("look-up", _most),
        ("arithmetic", _product),
        ("words", _counted),
        ("programs", _slice),
        ("dates", _later),
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


def _capitals(chance: random.Random) -> Made:
    one, other = chance.sample(_WORDS, 2)
    if chance.random() < 0.3:
        return f"Write the word '{one}' backwards.", "exact", one[::-1]
    text = f"Write the words '{one} {other}' in capital letters."
    return text, "regex", f"\\b{one.upper()} {other.upper()}\\b"


def _counted(chance: random.Random) -> Made:
    words = chance.sample(_WORDS, chance.randint(2, 7))
    return f"How many words are in this list: {' '.join(words)}?", "numeric", len(words)


def _who(chance: random.Random) -> Made:
    (one, other), (place, elsewhere) = chance.sample(_NAMES, 2), chance.sample(_PLACES, 2)
    text = (
        f"{one} lives in {place}. {other} lives in {elsewhere}, near the {chance.choice(_WORDS)} shop. "
        f"Where does {chance.choice((one, one, other))} live?"
    )
    return text, "exact", place if f"does {one} " in text else elsewhere


def _price(chance: random.Random) -> Made:
    things = chance.sample(_WORDS, 4)
    prices = chance.sample(range(2, 99), 4)
    listed = ", ".join(f"{t} {p} euros" for t, p in zip(things, prices, strict=True))
    at = chance.randrange(4)
    return (
        f"Price list: {listed}. How many euros does the {things[at]} cost?",
        "numeric",
        prices[at],
    )


def _stock(chance: random.Random) -> Made:
    order, name, thing = chance.randint(1000, 9999), chance.choice(_NAMES), chance.choice(_WORDS)
    count, place = chance.randint(2, 60), chance.choice(_PLACES)
    text = (
        f"Order {order}: {name} bought {count} pieces of {thing}, to be sent to {place} on Friday."
    )
    asked, grader, answer = chance.choice(
        [
            ("What is the number of the order?", "numeric", order),
            ("Who bought something?", "exact", name),
            ("How many pieces were bought?", "numeric", count),
            ("To which city is it sent?", "exact", place),
        ]
    )
    return f"{text} {asked}", grader, answer


def _most(chance: random.Random) -> Made:
    names, points = chance.sample(_NAMES, 3), chance.sample(range(1, 100), 3)
    listed = ", ".join(f"{n} has {p} points" for n, p in zip(names, points, strict=True))
    wanted, best = chance.choice((("most", max), ("fewest", min)))
    return f"{listed}. Who has the {wanted} points?", "exact", names[points.index(best(points))]


def _small_sum(chance: random.Random) -> Made:
    a, b = chance.randint(1, 12), chance.randint(1, 12)
    thing, name = chance.choice(_WORDS), chance.choice(_NAMES)
    if chance.random() < 0.5:
        return f"What is {a} + {b}? {name} wants to know it.", "numeric", a + b
    return f"{name} has {a} {thing}s and gets {b} more. How many is that?", "numeric", a + b


def _odd_one(chance: random.Random) -> Made:
    kind, members = chance.choice(sorted(_KINDS.items()))
    others = [w for k, ws in sorted(_KINDS.items()) if k != kind for w in ws]
    texts = [chance.choice(members), *chance.sample(others, 3)]
    right = texts[0]
    chance.shuffle(texts)
    return f"Which of these is {kind}: {', '.join(texts)}?", "exact", right


def _larger(chance: random.Random) -> Made:
    a, b = chance.sample(range(1, 10 ** chance.randint(1, 4) + 10), 2)
    return f"Which number is larger, {a} or {b}?", "numeric", max(a, b)


def _listed(chance: random.Random) -> Made:
    words = chance.sample(_WORDS, 4)
    word = chance.choice([*words, *(chance.choice(_WORDS) for _ in range(4))])
    text = f"Is the word '{word}' in this list: {', '.join(words)}? Answer yes or no."
    return text, "exact", "yes" if word in words else "no"


def _copied(chance: random.Random) -> Made:
    words = " ".join(chance.sample(_WORDS, chance.randint(2, 4)))
    return f"Repeat exactly these words and nothing else: {words}", "exact", words


def _json(chance: random.Random) -> Made:
    name, age = chance.choice(_NAMES), chance.randint(18, 90)
    text = f'Write a JSON object with the key "name" and the value "{name}", and the key "age" and the value {age}.'
    return text, "regex", rf'\{{\s*"name"\s*:\s*"{name}"\s*,\s*"age"\s*:\s*{age}\s*\}}'


def _list(chance: random.Random) -> Made:
    words = chance.sample(_WORDS, chance.randint(2, 4))
    if chance.random() < 0.5:
        text = f"Write these words with a comma and a blank between them: {' '.join(words)}"
        return text, "exact", ", ".join(words)
    text = f"Write these words in the order of the alphabet, with a comma and a blank between them: {' '.join(words)}"
    return text, "exact", ", ".join(sorted(words))


def _printed(chance: random.Random) -> Made:
    word, a, b = chance.choice(_WORDS), chance.randint(1, 20), chance.randint(1, 20)
    program, answer = chance.choice(
        [
            (f"print('{word}')", word),
            (f"x = {a}\nprint(x)", str(a)),
            (f"print({a} + {b})", str(a + b)),
            (f"a = '{word}'\nb = {b}\nprint(a)", word),
        ]
    )
    return _traced(program), "exact", answer


def _next_day(chance: random.Random) -> Made:
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    at, name = chance.randrange(7), chance.choice(_NAMES)
    step, word = chance.choice(((1, "after"), (-1, "before")))
    text = f"{name} comes on the day {word} {names[at]}. On which day of the week is that?"
    return text, "exact", names[(at + step) % 7]


def _weekday(chance: random.Random) -> Made:
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    today, ahead = chance.randrange(7), chance.choice((1, 2, 3, 7, 10, 100))
    text = (
        f"Today is {names[today]}. Which day of the week is it in {ahead} day{'s' * (ahead > 1)}?"
    )
    return text, "exact", names[(today + ahead) % 7]


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
