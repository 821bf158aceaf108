"""fact_check and user_feedback signals: heuristics by phrases and examples, not trained classifiers.

fact_check: whether an answer would state facts that can be wrong; a signal whose name begins with `no_` says the
opposite. user_feedback: what the user thinks of the answer before, by the signal's name: `wrong_answer`,
`need_clarification`, `want_different` or `satisfied`. The phrases are English, German, French and Spanish. The score is
the surer of phrases (0.9) and nearness to the examples of this kind less that to the others'.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphs.policy.policy import Signal
from graphs.policy.request import Reading
from graphs.policy.signals.embedding import nearest
from graphs.policy.signals.family import Family, Kind, Kit, Problem, Read, fired
from graphs.policy.signals.patterns import any_of
from graphs.policy.signals.turn import Turn

__all__ = ["FACT_CHECK", "USER_FEEDBACK"]

THRESHOLD = 0.5
_SURE = 0.9
_STEEPNESS = 2.0
"""What a margin of cosines is worth: 0.25 gives a score of 0.5."""
_PHRASE = "a phrase"

_PHRASES: Mapping[str, Sequence[str]] = {
    "facts": (
        r"^\W*(?:(?:hi|hello|hey)\b\W*)?"
        r"(?:who|when|where|which|what year|how (?:many|much|old|tall|far|long|big|deep|high))\b",
        r"^\W*in (?:what|which) (?:year|country|city)\b",
        r"\b(?:is it true|fact[- ]check|according to|cite|sources? for)\b",
        r"\b(?:did|was|were|has|have) .{2,60} (?:ever|really|actually)\b",
        r"\b(?:population|capital|inventor|founder|president|date|cause) of\b",
        r"^\W*(?:wer|wann|wo|wie viele|wie hoch|stimmt es)\b",
        r"^\W*(?:qui|quand|combien|est-il vrai)\b",
        r"^\W*¿?(?:quién|cuándo|cuánt[oa]s|es verdad)\b",
    ),
    "no_facts": (
        r"^\W*(?:write|compose|draft|rewrite|translate|paraphrase|brainstorm|imagine|pretend|make up|sing|draw)\b",
        r"^\W*(?:fix|refactor|debug|implement|format)\b",
        r"\b(?:write|compose|make|create|tell|give|sing|generate|need|want|invent)\b.{0,40}"
        r"\b(?:poem|story|song|joke|haiku|limerick|slogan|function|regex|unit tests?)\b",
        r"^\W*(?:hi|hello|hey|thanks|thank you|hallo|danke|bonjour|merci|hola|gracias)\b[^?]{0,20}$",
    ),
    "wrong_answer": (
        r"\b(?:that|this|it|(?:your|the) answer)(?:'s| is| was)? (?:\w+ )?(?:wrong|incorrect|false|inaccurate)\b",
        r"\b(?:that|this|it|(?:your|the) answer)(?:'s| is| was)? not (?:right|correct|true)\b",
        r"\byou(?:'re| are| were| got)(?: \w+)?(?: it| that)? (?:wrong|mistaken|incorrect)\b",
        r"\bno,? (?:that|it)(?:'s| is) not\b|\b(?:isn'?t|wasn'?t) (?:right|correct|true)\b",
        r"\b(?:doesn'?t|didn'?t|does not|did not) work\b|\bstill (?:wrong|broken|fails|failing)\b",
        r"\b(?:das|die antwort) (?:ist|war|stimmt) (?:\w+ )?(?:falsch|nicht)\b",
        r"c'est (?:faux|incorrect)|ce n'est pas (?:correct|vrai|juste)",
        r"\bestá mal\b|\bno es (?:correcto|cierto|verdad)\b",
    ),
    "need_clarification": (
        r"\b(?:what|how) do you mean\b|\b(?:i'?m|am) (?:confused|lost)\b",
        r"\b(?:don'?t|do not|didn'?t|did not) (?:quite |really |fully )?(?:understand|get it|get that|follow)\b",
        r"\b(?:can|could|would) you (?:please )?(?:explain|clarify|elaborate)\b",
        r"\b(?:explain|say) (?:that|it|this) (?:again|differently|more simply|in simpler)\b",
        r"\bmore details?\b|\bbe more specific\b",
        r"\bwas meinst du\b|\bverstehe (?:das |ich )?nicht\b",
        r"\bje ne comprends pas\b|\bqu'est-ce que tu veux dire\b",
        r"\bno (?:lo )?entiendo\b|\bqué quieres decir\b",
    ),
    "want_different": (
        r"\b(?:try|do it) (?:again|something else|another way|differently)\b",
        r"\b(?:another|a different|some other|an alternative) (?:one|answer|version|approach|option|way|suggestion)\b",
        r"\bsomething (?:else|different)\b|\b(?:any )?other (?:ideas|options|suggestions|ways)\b|\binstead\b",
        r"\b(?:regenerate|redo|rewrite (?:it|that|this))\b|\bnot what i (?:asked|wanted|meant)\b",
        r"\b(?:etwas anderes|eine andere|nochmal anders)\b",
        r"\bautre chose\b|\bune autre\b|\botra (?:cosa|opción|versión)\b",
    ),
    "satisfied": (
        r"\b(?:thanks|thank you|thx|cheers)\b|\bgood (?:answer|job|work)\b|\bgot it\b|\bvery helpful\b",
        r"\b(?:perfect|great|excellent|awesome|wonderful|brilliant|exactly)\b[^?]{0,30}$",
        r"\bthat (?:works|worked|helps|helped|did it|makes sense|is (?:great|perfect|right|correct))\b",
        r"\b(?:danke|vielen dank|genau|merci|parfait|génial|gracias|perfecto|genial)\b|^\W*super\W*$",
    ),
}
_DISPLEASED = r"\b(?:not|wrong|incorrect|nicht|falsch|pas|mal)\b|n't\b"
"""With one of these words, a phrase of thanks or praise is none."""
_EXAMPLES: Mapping[str, Sequence[str]] = {
    "facts": (
        "Who discovered penicillin and in which year?",
        "How many people live in Norway?",
        "Is it true that goldfish forget after three seconds?",
        "What side effects does this medicine have?",
        "When was the treaty signed?",
    ),
    "no_facts": (
        "Write a poem about autumn.",
        "Hello, how are you?",
        "Fix the bug in this function.",
        "Help me phrase this email more politely.",
        "Imagine a conversation between two robots.",
    ),
    "wrong_answer": (
        "That is not correct, check your numbers.",
        "Your answer is wrong.",
        "No, it still fails with the same error.",
        "You made a mistake there.",
    ),
    "need_clarification": (
        "I don't understand, what do you mean?",
        "Could you explain that in simpler words?",
        "Can you go into more detail?",
        "I am confused by the second step.",
    ),
    "want_different": (
        "Give me another option.",
        "Try again in a different style.",
        "I would rather have something else.",
        "That is not what I asked for.",
    ),
    "satisfied": (
        "Thanks, that is exactly what I needed.",
        "Perfect, it works.",
        "Great answer, very helpful.",
        "Got it, that makes sense.",
    ),
}
KINDS = ("wrong_answer", "need_clarification", "want_different", "satisfied")
_NEUTRAL = ("What is the capital of Peru?", "Book a table for two.", "Write a function that sorts a list.")  # fmt: skip


def _judge(kind: str, others: Sequence[str], *, threshold: float, kit: Kit) -> Read:
    phrases = any_of(_PHRASES[kind])
    ours, theirs = kit.vectors(_EXAMPLES[kind]), kit.vectors(others)

    def read(turn: Turn) -> Reading:
        near = nearest(turn.vectors, ours)[0] - nearest(turn.vectors, theirs)[0]
        marked = phrases.search(_read(turn)) is not None
        score = max(_SURE if marked else 0.0, min(_SURE, _STEEPNESS * near))
        detail = _PHRASE if marked else "examples"
        return fired(score >= threshold and score > 0, score, threshold, detail)

    return read


def _read(turn: Turn) -> bytes:
    """Return the text in the form in which it is compared, with plain apostrophes."""
    return turn.passages()[0].forms[0]


def _fact_kind(signal: Signal) -> str:
    return "no_facts" if signal.name.startswith(("no_", "no-")) else "facts"


def _other(kind: str) -> str:
    return "facts" if kind == "no_facts" else "no_facts"


def _threshold(signal: Signal) -> float:
    return float(signal.fields.get("threshold", THRESHOLD))


def _fact_check(signal: Signal, kit: Kit) -> Read:
    kind = _fact_kind(signal)
    mine = _judge(kind, _EXAMPLES[_other(kind)], threshold=_threshold(signal), kit=kit)
    return _unless("|".join(_PHRASES[_other(kind)]), mine)


def _unless(pattern: str, judge: Read) -> Read:
    """Return what counts no phrase of a kind where there is one that speaks against it."""
    against = any_of([pattern])

    def read(turn: Turn) -> Any:
        reading = judge(turn)
        if isinstance(reading, Reading) and reading.detail == _PHRASE:
            if against.search(_read(turn)):
                return fired(False, 0.0, reading.threshold, "phrases of both kinds")
        return reading

    return read


def _kind(signal: Signal) -> str:
    return str(signal.fields.get("feedback", signal.name)).casefold().replace("-", "_")


def _others(kind: str) -> list[str]:
    return [t for other in KINDS if other != kind for t in _EXAMPLES[other]] + list(_NEUTRAL)


def _feedback(signal: Signal, kit: Kit) -> Read:
    kind = _kind(signal)
    judge = _judge(kind, _others(kind), threshold=_threshold(signal), kit=kit)
    return _unless(_DISPLEASED, judge) if kind == "satisfied" else judge


def _feedback_plugin(signal: Signal) -> str | None:
    if _kind(signal) in KINDS:
        return None
    return f"needs a classifier: {_kind(signal)!r} is none of {', '.join(KINDS)}"


def _heuristic(_: Signal) -> Iterator[Problem]:
    yield Problem("", "is read by phrases and examples, a heuristic", "heuristic", severe=False)


FACT_CHECK = Family(
    fields={"threshold": Kind.SHARE},
    examples=lambda _: [*_EXAMPLES["facts"], *_EXAMPLES["no_facts"]],
    embeds=lambda _: True,
    prepare=_fact_check,
    problems=_heuristic,
)
USER_FEEDBACK = Family(
    fields={"threshold": Kind.SHARE, "feedback": Kind.TEXT},
    examples=lambda s: [*_EXAMPLES[_kind(s)], *_others(_kind(s))],
    embeds=lambda _: True,
    prepare=_feedback,
    problems=_heuristic,
    plugin=_feedback_plugin,
)
