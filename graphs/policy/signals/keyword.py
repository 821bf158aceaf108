"""keyword signals: words and phrases of the text, exactly, by regular expression, or nearly.

With `method` "" a keyword of letters is a whole word, a phrase keeps its word boundaries, and a keyword in a script
without blanks is found anywhere. "regex" takes each keyword as a regular expression; "bm25" and "ngram" are in
`lexical.py`. Text and keywords are compared as `passage.matched` has them. With `include_history` everything that a
model would read is read, and a keyword lies within one text. The score is 1 when the signal fires; when it does not,
the share of keywords found if all were asked for, and the best keyword's score with "bm25" and "ngram"; else 0.
"""

from collections.abc import Callable, Iterator, Sequence

from graphs.policy.policy import Signal
from graphs.policy.request import Reading
from graphs.policy.signals.family import Family, Kind, Kit, Problem, Read, fired
from graphs.policy.signals.lexical import (
    BM25_THRESHOLD,
    FUZZY_THRESHOLD,
    NGRAM_ARITY,
    NGRAM_THRESHOLD,
    bm25_scorer,
    fuzzy_scorer,
    ngram_scorer,
)
from graphs.policy.signals.passage import Passage, View, is_unspaced, matched, words_of
from graphs.policy.signals.patterns import compiled, normal, pattern_fault
from graphs.policy.signals.turn import Turn

__all__ = ["KEYWORD", "phrase_finder"]

Found = Callable[[View], bool]
Scorer = Callable[[Passage], float]
_ALL, _NONE = ("and", "all"), ("nor", "none")
OPERATORS = ("or", "any", *_ALL, *_NONE)
METHODS = ("", "exact", "regex", "bm25", "ngram")


def phrase_finder(keyword: str, *, case_sensitive: bool = False) -> Found:
    """Return what finds a word or phrase in a text."""
    sought = " ".join(matched(keyword).split())
    sought = sought if case_sensitive else sought.casefold()
    if not sought:
        return lambda _: False
    if is_unspaced(sought):
        return (lambda v: sought in v.exact) if case_sensitive else (lambda v: sought in v.folded)
    if words_of(sought) == (sought,):
        return (
            (lambda v: sought in v.exact_words)
            if case_sensitive
            else (lambda v: sought in v.word_set)
        )
    return lambda v: _bounded(sought, v.exact if case_sensitive else v.folded)


def _bounded(sought: str, text: str) -> bool:
    at = text.find(sought)
    while at >= 0:
        end = at + len(sought)
        opens = at == 0 or not (_in_word(text[at - 1]) and _in_word(sought[0]))
        closes = end == len(text) or not (_in_word(text[end]) and _in_word(sought[-1]))
        if opens and closes:
            return True
        at = text.find(sought, at + 1)
    return False


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _prepare(signal: Signal, _: Kit) -> Read:
    keywords: Sequence[str] = signal.fields["keywords"]
    scorers = [_scorer(signal, keyword) for keyword in keywords]
    least = _threshold(signal)
    operator = str(signal.fields.get("operator", "or")).casefold()
    history = bool(signal.fields.get("include_history"))

    def read(turn: Turn) -> Reading:
        passages = turn.passages(history=history)
        if operator in _ALL:
            return _every(passages)
        best, detail = 0.0, ""
        for keyword, score in zip(keywords, scorers, strict=True):
            if (found := max(map(score, passages))) > best:
                best, detail = found, keyword
            if best >= 1:
                break
        hit = best > 0 and best >= least
        if operator in _NONE:
            return fired(not hit, 0.0 if hit else 1.0, None, detail if hit else "")
        graded = least < 1
        return fired(
            hit,
            1.0 if hit and not graded else best,
            least if graded else None,
            detail if hit else "",
        )

    def _every(passages: Sequence[Passage]) -> Reading:
        each = zip(keywords, scorers, strict=True)
        found = [k for k, score in each if max(map(score, passages)) >= least]
        return fired(
            len(found) == len(keywords), len(found) / len(keywords), None, ", ".join(found)
        )

    return read


def _scorer(signal: Signal, keyword: str) -> Scorer:
    method = str(signal.fields.get("method", "")).casefold()
    sensitive = _sensitive(signal)
    if method == "regex":
        pattern = compiled(normal(keyword), case_sensitive=sensitive)
        return lambda passage: float(any(pattern.search(form) for form in passage.forms))
    if method == "bm25":
        return _best(bm25_scorer(keyword))
    if method == "ngram":
        arity = int(signal.fields.get("ngram_arity", NGRAM_ARITY))
        return _best(ngram_scorer(keyword, arity=arity))
    exact = phrase_finder(keyword, case_sensitive=sensitive)
    if not signal.fields.get("fuzzy_match"):
        return lambda passage: float(any(map(exact, passage.views)))
    near = fuzzy_scorer(keyword, threshold=signal.fields.get("fuzzy_threshold", FUZZY_THRESHOLD))
    return _best(lambda view: float(exact(view) or near(view)))


def _sensitive(signal: Signal) -> bool:
    return bool(signal.fields.get("case_sensitive", False))


def _best(score: Callable[[View], float]) -> Scorer:
    return lambda passage: max(map(score, passage.views))


def _threshold(signal: Signal) -> float:
    """Return from which score on a keyword counts as found."""
    method = str(signal.fields.get("method", "")).casefold()
    if method == "bm25":
        return float(signal.fields.get("bm25_threshold", BM25_THRESHOLD))
    if method == "ngram":
        return float(signal.fields.get("ngram_threshold", NGRAM_THRESHOLD))
    return 1.0


def _problems(signal: Signal) -> Iterator[Problem]:
    method = str(signal.fields.get("method", "")).casefold()
    if method == "regex":
        for keyword in signal.fields["keywords"]:
            if fault := pattern_fault(normal(keyword), case_sensitive=_sensitive(signal)):
                yield Problem("keywords", f"the pattern {keyword!r}: {fault}", "unsafe_regex")
    else:
        for keyword in signal.fields["keywords"]:
            if not matched(keyword).strip():
                yield Problem("keywords", f"{keyword!r} is found in no text")
    if signal.fields.get("ngram_arity", NGRAM_ARITY) < 1:
        yield Problem("ngram_arity", "is 0, expected 1 or more", "out_of_range")
    if signal.fields.get("fuzzy_threshold", 0) < 0:
        yield Problem(
            "fuzzy_threshold",
            f"is {signal.fields['fuzzy_threshold']}, expected a share below 1 or a number of edits",
            "out_of_range",
        )


KEYWORD = Family(
    fields={
        "operator": Kind.TEXT,
        "keywords": Kind.TEXTS,
        "case_sensitive": Kind.FLAG,
        "include_history": Kind.FLAG,
        "method": Kind.TEXT,
        "bm25_threshold": Kind.SHARE,
        "ngram_threshold": Kind.SHARE,
        "ngram_arity": Kind.COUNT,
        "fuzzy_match": Kind.FLAG,
        "fuzzy_threshold": Kind.NUMBER,
    },
    required=frozenset({"keywords"}),
    choices={"operator": OPERATORS, "method": METHODS},
    prepare=_prepare,
    problems=_problems,
)
