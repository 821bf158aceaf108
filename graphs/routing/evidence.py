"""Turns a turn in its context into numbers: one row for each candidate agent and one for "none".

No row carries an agent's identity, so one model that is fitted on some agents serves any other. The rows hold how near
the candidate's texts are to what the user said, to what was said before and to the dialogue so far, by vectors and
by words; the same compared with the best other candidate; the candidate's part in the dialogue; and how the texts
read. It decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from graphs.routing.dialogue import Dialogue
from graphs.routing.head import ExampleHead
from graphs.routing.known import Known
from graphs.routing.reading import Reading, abridged, last_sentence, said_before
from graphs.routing.space import Space
from graphs.routing.wording import ASSISTANT_MARKS, USER_MARKS, assistant_marks, user_marks
from graphs.routing.words import WordCounts, stems

__all__ = ["FEATURES", "evidence", "nearest_text", "skim"]

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]
Kin = tuple[Matrix, float, float]
MISSING = -1.0
"""In place of a cosine where a card has no text of the kind, or nothing was said."""

_COSINES = (
    "user purpose", "user purposes", "user input", "user example", "user examples",
    "last purpose", "last example", "said purpose", "said input", "said example",
    "trail purpose", "trail input", "trail example", "user any", "last any", "trail any",
    "aside purpose", "aside input", "aside example",
)  # fmt: skip
_LEARNT = (
    "user learnt", "last learnt", "said learnt", "trail learnt", "aside learnt", "kin learnt",
    "user learnt input",
)  # fmt: skip
_KIN = ("kin purpose", "kin example", "any over kind", "any over general")
_WORDS = ("user words", "last words", "said words", "user name", "said name", "user covered")
_HEAD = ("head", "alike")
_DIALOGUE_WORDS = ("trail words", "trail said words", "aside words")
_COMPARED = (*_COSINES, *_LEARNT, *_KIN, *_WORDS, *_HEAD)
_PLACE = ("aside trail", "aside before", "aside holder against best", "trail holder against best")
_ROLE = ("holder", "earlier", "none", "offered", "examples")
_TURN = (
    "has holder", "away", "held", "turn", "agents before", "candidates", "with examples", "asked",
    "user said", "user trail", "user before", "user aside", "kind", "general", "aside asks",
    "holder against best", "learnt against best",
    "examples against best", "words against best",
)  # fmt: skip
FEATURES: tuple[str, ...] = (
    *_COMPARED,
    *(f"{name} over others" for name in _COMPARED),
    *_ROLE,
    *_TURN,
    *(f"text {name}" for name in USER_MARKS),
    *(f"reply {name}" for name in ASSISTANT_MARKS),
    *_DIALOGUE_WORDS,
    *(f"{name} over others" for name in _DIALOGUE_WORDS),
    *_PLACE,
)


def evidence(
    known: Sequence[Known],
    reading: Reading,
    dialogue: Dialogue,
    *,
    words: WordCounts,
    head: ExampleHead | None,
    space: Space | None,
    agents: int,
) -> Matrix:
    """Return the rows (candidates + 1, features); the last is "none".

    Args:
        known: the candidates.
        reading: the turn's texts.
        dialogue: what came before.
        words: how rare words are among the cards.
        head: what was fitted on the cards' examples.
        space: what was fitted for the encoder's vectors, if anything.
        agents: how many agents could serve.
    """
    kin = space.kin(reading.user) if space else None
    near = _near(known, reading, kin)
    cosines = _cosines(near)
    compared = np.concatenate(
        [
            cosines,
            _learnt(known, reading, space, kin),
            _kin(near, cosines, kin),
            _worded(known, reading, words),
            _headed(known, near[2].best[:, 0], reading, head),
        ],
        axis=1,
    )
    best, second = _best_two(compared)
    over = np.where(compared >= best, compared - second, compared - best)
    rows = np.concatenate([compared, over, _roles(known, dialogue)], axis=1)
    none = np.concatenate([best, best - second, [0.0, 0.0, 1.0, 0.0, 0.0]])
    turn = _turn(known, compared, best, reading, dialogue, agents, kin)
    marks = [*turn, *user_marks(reading.text), *assistant_marks(reading.said_text)]
    candidates = np.vstack([rows, none])
    shared = np.broadcast_to(np.array(marks), (len(candidates), len(marks)))
    place = np.array(_place(known, compared, reading, dialogue))
    late = [
        _dialogue_words(known, dialogue, words),
        np.broadcast_to(place, (len(candidates), len(place))),
    ]
    return np.concatenate([candidates, shared, *late], axis=1).astype(np.float32)


def skim(text: str, dialogue: Dialogue) -> None:
    """Read a turn's words, while it is being embedded, so that `evidence` need not: what they say is remembered."""
    read, said = abridged(text), abridged(said_before(dialogue))
    user_marks(read)
    assistant_marks(said)
    for words in (read, abridged(last_sentence(text)), said, *_spoken(dialogue)):
        stems(words)


def nearest_text(rows: Matrix) -> float:
    """Return the highest cosine of the user's text with one of a candidate's texts, from rows of `evidence`."""
    return float(rows[:-1, FEATURES.index("user any")].max())


def _near(known: Sequence[Known], reading: Reading, kin: Kin | None) -> "tuple[_Near, ...]":
    """Return how near purposes, inputs and examples are to the texts and to the middle of the prototypes."""
    middle = kin[0] if kin else None
    texts = (reading.user, reading.last, reading.said, reading.trail, reading.aside, middle)
    kinds = ("purposes", "inputs", "examples")
    return _by_agent([[getattr(k, kind) for k in known] for kind in kinds], texts)


def _cosines(near: "tuple[_Near, ...]") -> NDArray[np.float64]:
    p, i, e = near
    rows = [
        (
            p.best[n, 0], p.mean_of_nearest(n, 2), i.best[n, 0], e.best[n, 0],
            e.mean_of_nearest(n, 3), p.best[n, 1], e.best[n, 1], p.best[n, 2], i.best[n, 2],
            e.best[n, 2], p.best[n, 3], i.best[n, 3], e.best[n, 3],
            max(p.best[n, 0], e.best[n, 0]), max(p.best[n, 1], e.best[n, 1]),
            max(p.best[n, 3], e.best[n, 3], i.best[n, 3]),
            p.best[n, 4], i.best[n, 4], e.best[n, 4],
        )
        for n in range(len(p.best))
    ]  # fmt: skip
    return np.array(rows, float).reshape(len(p.best), len(_COSINES))


@dataclass(frozen=True, slots=True)
class _Near:
    """Cosines of texts with the rows of each agent."""

    best: NDArray[np.float64]
    """(agents, texts): the nearest row's."""
    first: list[list[float]]
    """Of the first text, with each row, by agent."""

    def mean_of_nearest(self, agent: int, k: int) -> float:
        """Return the mean over the `k` rows that are nearest to the first text."""
        near = sorted(self.first[agent])[-k:]
        return sum(near) / len(near) if near else MISSING


def _by_agent(
    kinds: Sequence[Sequence[Matrix]], texts: Sequence[Vector | None]
) -> "tuple[_Near, ...]":
    """Return for each kind of rows, (agents,) matrices (n, d), how near they are to the texts; all in one product."""
    rows = [own for kind in kinds for own in kind]
    best = np.full((len(rows), len(texts)), MISSING)
    first: list[list[float]] = [[] for _ in rows]
    filled = [n for n, own in enumerate(rows) if len(own)]
    here = [n for n, text in enumerate(texts) if text is not None]
    if filled and here:
        every = np.concatenate([rows[n] for n in filled])
        cosines = every @ np.stack([t for t in texts if t is not None]).T
        ends = list(accumulate(len(rows[n]) for n in filled))
        starts = [0, *ends[:-1]]
        best[np.ix_(filled, here)] = np.maximum.reduceat(cosines, starts, axis=0)
        if here[0] == 0:
            flat = cosines[:, 0].tolist()
            for n, start, end in zip(filled, starts, ends, strict=True):
                first[n] = flat[start:end]
    at = [0, *accumulate(map(len, kinds))]
    return tuple(_Near(best[a:b], first[a:b]) for a, b in pairwise(at))


def _learnt(
    known: Sequence[Known], reading: Reading, space: Space | None, kin: Kin | None
) -> NDArray[np.float64]:
    out = np.full((len(known), len(_LEARNT)), MISSING)
    if space is None or kin is None:
        return out
    texts = (reading.user, reading.last, reading.said, reading.trail, reading.aside, kin[0])
    mapped = iter(space.map(np.stack([t for t in texts if t is not None])))
    under = [None if t is None else next(mapped) for t in texts]
    none = np.zeros((0, 1), np.float32)
    purposes = [none if k.learnt is None else k.learnt for k in known]
    inputs = [none if k.learnt_inputs is None else k.learnt_inputs for k in known]
    of_purposes, of_inputs = _by_agent([purposes, inputs], under)
    out[:, :-1], out[:, -1] = of_purposes.best, of_inputs.best[:, 0]
    return out


def _kin(
    near: "tuple[_Near, ...]", cosines: NDArray[np.float64], kin: Kin | None
) -> NDArray[np.float64]:
    out = np.full((len(cosines), len(_KIN)), MISSING)
    if kin is None:
        return out
    purposes, _, examples = near
    _, kind, general = kin
    fits = cosines[:, _COSINES.index("user any")]
    out[:, 0], out[:, 1] = purposes.best[:, -1], examples.best[:, -1]
    out[:, 2], out[:, 3] = fits - kind, fits - general
    return out


def _worded(known: Sequence[Known], reading: Reading, words: WordCounts) -> NDArray[np.float64]:
    user = words.weights(stems(reading.text))
    last = words.weights(stems(reading.last_text))
    before = words.weights(stems(reading.said_text))
    rows = [
        (
            _sum(user, k.words), _sum(last, k.words), _sum(before, k.words),
            _sum(user, k.named), _sum(before, k.named), _share(user, k.words),
        )
        for k in known
    ]  # fmt: skip
    return np.array(rows, float).reshape(len(known), len(_WORDS))


def _dialogue_words(
    known: Sequence[Known], dialogue: Dialogue, words: WordCounts
) -> NDArray[np.float64]:
    """Return how rare the words are that a card shares with the dialogue; (candidates + 1, 2 n)."""
    weights = [words.weights(stems(text)) for text in _spoken(dialogue)]
    own = np.array([[_sum(w, k.words) for w in weights] for k in known], float)
    own = own.reshape(len(known), len(weights))
    best, second = _best_two(own)
    over = np.where(own >= best, own - second, own - best)
    return np.concatenate([np.vstack([own, best]), np.vstack([over, best - second])], axis=1)


def _spoken(dialogue: Dialogue) -> tuple[str, str, str]:
    """Return what was said with the holder, what was answered of it, and what was said since."""
    return (
        " ".join(t for e in dialogue.recent for t in (e.user, e.said)),
        " ".join(e.said for e in dialogue.recent),
        " ".join(t for e in dialogue.aside for t in (e.user, e.said)),
    )


def _sum(weights: dict[str, float], words: frozenset[str]) -> float:
    return sum(weight for word, weight in weights.items() if word in words)


def _share(weights: dict[str, float], words: frozenset[str]) -> float:
    return _sum(weights, words) / total if (total := sum(weights.values())) else 0.0


def _headed(
    known: Sequence[Known],
    nearest: NDArray[np.float64],
    reading: Reading,
    head: ExampleHead | None,
) -> NDArray[np.float64]:
    """Return what is fitted on the examples, of which the text has the cosine `nearest` with each agent's nearest."""
    out = np.full((len(known), len(_HEAD)), MISSING)
    probabilities = head.probabilities(reading.user, reading.text) if head else {}
    for row, agent in enumerate(known):
        mean, deviation = agent.spread
        if mean == mean and len(agent.examples):
            out[row, 1] = min(5.0, max(-5.0, (nearest[row] - mean) / deviation))
        if agent.id in probabilities:
            out[row, 0] = np.log(max(probabilities[agent.id], 1e-6))
        elif head:
            out[row, 0] = np.log(1e-6)
    return out


def _best_two(compared: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not len(compared):
        missing = np.full(compared.shape[1], MISSING)
        return missing, missing
    ordered = np.sort(compared, axis=0)
    return ordered[-1], ordered[-2] if len(compared) > 1 else np.full(compared.shape[1], MISSING)


def _roles(known: Sequence[Known], dialogue: Dialogue) -> NDArray[np.float64]:
    earlier = {agent: 1 / (1 + age) for age, agent in enumerate(reversed(dialogue.earlier))}
    rows = [
        (
            float(k.id == dialogue.holder), earlier.get(k.id, 0.0), 0.0,
            float(k.id in dialogue.asked), float(min(len(k.examples), 20)),
        )
        for k in known
    ]  # fmt: skip
    return np.array(rows, float).reshape(len(known), len(_ROLE))


def _turn(
    known: Sequence[Known],
    compared: NDArray[np.float64],
    best: NDArray[np.float64],
    reading: Reading,
    dialogue: Dialogue,
    agents: int,
    kin: Kin | None,
) -> list[float]:
    at = next((row for row, k in enumerate(known) if k.id == dialogue.holder), None)
    columns = [
        _COMPARED.index(n) for n in ("last any", "last learnt", "last example", "last words")
    ]
    against = [0.0] * len(columns)
    if at is not None:
        others = np.delete(compared, at, axis=0)
        top = others.max(axis=0) if len(others) else np.full(len(best), MISSING)
        against = [float(compared[at, c] - top[c]) for c in columns]
    return [
        float(at is not None), float(min(dialogue.away, 6)), float(min(dialogue.held, 10)),
        float(min(dialogue.turn, 20)), float(len(dialogue.earlier)), float(np.log1p(agents)),
        float(np.mean([len(k.examples) > 0 for k in known])) if known else 0.0,
        float(bool(dialogue.asked)),
        _cosine(reading.user, reading.said), _cosine(reading.user, reading.trail),
        _cosine(reading.user, reading.before), _cosine(reading.user, reading.aside),
        kin[1] if kin else MISSING, kin[2] if kin else MISSING,
        float("?" in reading.aside_text), *against,
    ]  # fmt: skip


def _place(
    known: Sequence[Known], compared: NDArray[np.float64], reading: Reading, dialogue: Dialogue
) -> list[float]:
    """Return how what was said since the holder served stands to the dialogue with it."""
    against = []
    at = next((row for row, k in enumerate(known) if k.id == dialogue.holder), None)
    for name in ("aside purpose", "trail any"):
        column = compared[:, _COMPARED.index(name)]
        others = np.delete(column, at) if at is not None else column[:0]
        against.append(float(column[at] - others.max()) if at is not None and len(others) else 0.0)
    aside = reading.aside
    if aside is None:
        return [MISSING, MISSING, *against]
    return [_cosine(aside, reading.trail), _cosine(aside, reading.before), *against]


def _cosine(a: Vector, b: Vector | None) -> float:
    return MISSING if b is None else float(a @ b)
