"""Conditions in plain English, for people who read no code. It decides nothing."""

from collections.abc import Callable
from typing import Any

from graphs.policy.policy import Band, Plain, Policy, Signal
from graphs.policy.syntax import And, Condition, Not, Reference

__all__ = ["PROBABILISTIC", "condition_text", "is_probabilistic", "listed", "quoted"]

PROBABILISTIC = frozenset(
    {
        "classifier", "complexity", "domain", "embedding", "fact_check", "jailbreak", "kb", "kb_metric", "language",
        "pii", "preference", "reask", "user_feedback",
    }
)  # fmt: skip
"""The types of signals that are estimates: the same reading can be right or wrong."""
_DAYS = {"mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday",
         "sat": "Saturday", "sun": "Sunday"}  # fmt: skip
_LEVELS = {"hard": "hard", "medium": "of medium difficulty", "easy": "easy"}
Phrases = tuple[str, str]
"""What is said when it holds, and when it does not."""


def condition_text(policy: Policy, condition: Condition | None) -> str:
    """Return a condition as a clause: `the text holds "a" and the caller is not in the group b`."""
    if condition is None:
        return "always"
    return _text(policy, condition, negated=False, outer="")


def is_probabilistic(policy: Policy, key: str) -> bool:
    """Return whether what a signal or a band says is an estimate, or rests on one."""
    return _rests_on_estimates(policy, key, frozenset())


def quoted(text: str, *, longest: int = 60) -> str:
    """Return a text of the policy's author in quotes, on one line."""
    printable = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    short = printable if len(printable) <= longest else printable[: longest - 3] + "..."
    return "'" + short + "'"


def listed(parts: list[str], *, word: str = "and") -> str:
    """Return parts as people list them: `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}"


def _text(policy: Policy, condition: Condition, *, negated: bool, outer: str) -> str:
    if isinstance(condition, Reference):
        return _phrases(policy, condition)[negated]
    if isinstance(condition, Not):
        return _text(policy, condition.part, negated=not negated, outer=outer)
    # Not (a and b) is (not a) or (not b): people read that more easily than a negated bracket.
    word = "and" if isinstance(condition, And) != negated else "or"
    parts = [_text(policy, part, negated=negated, outer=word) for part in condition.parts]
    joined = f" {word} ".join(parts)
    return f"({joined})" if outer and outer != word else joined


def _phrases(policy: Policy, reference: Reference) -> Phrases:
    if reference.type == "projection" and (found := policy.bands.get(reference.name)):
        return _band(found[0].source, found[1])
    name, _, level = reference.name.partition(":")
    signal = policy.signals.get(f"{reference.type}:{name}") or policy.signals.get(reference.key)
    if signal is None:
        return _plain(f"{reference.type} {quoted(reference.name)}")
    if signal.type == "complexity":
        said = f"the request seems {_LEVELS.get(level or 'hard', quoted(level))}"
        return said, said.replace("seems ", "does not seem ", 1)
    describe = _DESCRIBED.get(signal.type)
    return describe(signal, signal.fields) if describe else _plain(f"{signal.type} {signal.name}")


def _plain(what: str) -> Phrases:
    return f"the signal {what} is given", f"the signal {what} is not given"


def _band(score: str, band: Band) -> Phrases:
    ends = [
        f"{words} {value:g}"
        for words, value in (
            ("at least", band.gte),
            ("above", band.gt),
            ("below", band.lt),
            ("at most", band.lte),
        )
        if value is not None
    ]
    where = listed(ends) or "anything"
    head = f"the score {quoted(score)} is"
    return f"{head} {band.name} ({where})", f"{head} not {band.name} ({where})"


def _examples(texts: list[str]) -> str:
    """Return what is listed, or how many and the first of them."""
    if len(texts) <= 3:
        return listed([quoted(t) for t in texts], word="or")
    return f"one of {len(texts)} keywords as {quoted(texts[0])}"


def _keyword(signal: Signal, fields: Plain) -> Phrases:
    words = _texts(fields.get("keywords"))
    operator = str(fields.get("operator", "OR")).upper()
    patterns = " (as patterns)" if fields.get("method") == "regex" else ""
    patterns = " (or something like it)" if _is_loose(signal) else patterns
    if operator in ("AND", "ALL"):
        every = listed([quoted(w) for w in words[:3]]) if len(words) <= 3 else ""
        every = every or f"all of {len(words)} keywords as {quoted(words[0])}"
        return f"the text holds {every}{patterns}", f"the text does not hold {every}{patterns}"
    any_of = f"{_examples(words)}{patterns}"
    holds = f"the text holds {any_of}"
    lacks = f"the text does not hold {any_of}"
    return (lacks, holds) if operator in ("NOR", "NONE") else (holds, lacks)


def _is_loose(signal: Signal) -> bool:
    """Whether a keyword signal finds what is only like its keywords."""
    method = str(signal.fields.get("method", "")).casefold()
    return bool(signal.fields.get("fuzzy_match")) or method in ("bm25", "ngram")


def _embedding(signal: Signal, fields: Plain) -> Phrases:
    texts = _texts(fields.get("candidates")) or _texts(fields.get("examples"))
    first = f" as {quoted(texts[0])}" if texts else ""
    what = f"{signal.name} ({len(texts)} {'example' if len(texts) == 1 else 'examples'}{first})"
    return f"the text seems close to {what}", f"the text does not seem close to {what}"


def _domain(signal: Signal, fields: Plain) -> Phrases:
    topics = _texts(fields.get("mmlu_categories")) or [signal.name]
    what = listed(topics[:6], word="or")
    return f"the text seems to be about {what}", f"the text does not seem to be about {what}"


def _language(signal: Signal, fields: Plain) -> Phrases:
    what = quoted(str(fields.get("code", signal.name)))
    return f"the text seems to be in language {what}", f"the text does not seem to be in language {what}"  # fmt: skip


def _context(signal: Signal, fields: Plain) -> Phrases:
    low, high = fields.get("min_tokens"), fields.get("max_tokens")
    ends = [f"at least {low}" if low else "", f"at most {high}" if high else ""]
    what = f"{listed([e for e in ends if e]) or 'any number of'} tokens long"
    return f"the prompt is {what}", f"the prompt is not {what}"


def _authz(signal: Signal, fields: Plain) -> Phrases:
    subjects = [s for s in _list(fields.get("subjects")) if isinstance(s, dict)]
    named = [f"{_kind(s)} {s.get('name', '')}" for s in subjects]
    role = fields.get("role", "" if named else signal.name)
    meant = [*named, *([f"anyone with the role {role}"] if role else [])]
    what = listed(meant, word="or")
    what = f"({what})" if len(meant) > 1 else what
    return f"the caller is {what}", f"the caller is not {what}"


def _kind(subject: Plain) -> str:
    kind = str(subject.get("kind", "")).lower()
    return "in the group" if kind == "group" else "the user" if kind == "user" else kind


def _time(signal: Signal, fields: Plain) -> Phrases:
    days = [_DAYS.get(d[:3].lower(), d) for d in _texts(fields.get("days"))]
    hours = [f"{key} {fields[key]}" for key in ("from", "to") if key in fields]
    ends = (("date_from", "since"), ("date_until", "until"))
    dates = [f"{word} {fields[key]}" for key, word in ends if key in fields]
    parts = [listed(days, word="or"), " ".join(hours), " ".join(dates)]
    what = ", ".join(p for p in parts if p) or signal.name
    what += f" in {fields['zone']}" if fields.get("zone") else ""
    return f"it is {what}", f"it is not {what}"


def _phase(signal: Signal, fields: Plain) -> Phrases:
    phases = _texts(fields.get("phases")) or _texts(fields.get("phase")) or [signal.name]
    what = listed([p.replace("_", " ") for p in phases], word="or")
    return f"the dialogue is {what}", f"the dialogue is not {what}"


def _modality(signal: Signal, fields: Plain) -> Phrases:
    what = quoted(str(fields.get("modality", signal.name)))
    return f"the message has {what} in it", f"the message has no {what} in it"


def _holder(signal: Signal, fields: Plain) -> Phrases:
    what = listed(_texts(fields.get("agents")) or [signal.name], word="or")
    return f"the dialogue is with the agent {what}", f"the dialogue is not with the agent {what}"


def _grant(signal: Signal, fields: Plain) -> Phrases:
    what = quoted(str(fields.get("grant", signal.name)))
    return f"the caller holds the grant {what}", f"the caller does not hold the grant {what}"


def _length(signal: Signal, fields: Plain) -> Phrases:
    ends = [
        f"{word} {fields[f'{end}_{unit}']} {'characters' if unit == 'chars' else unit}"
        for unit in ("chars", "words")
        for end, word in (("min", "at least"), ("max", "at most"))
        if f"{end}_{unit}" in fields
    ]
    what = f"{listed(ends) or signal.name} long"
    return f"the text is {what}", f"the text is not {what}"


def _metadata(signal: Signal, fields: Plain) -> Phrases:
    what = f"the mark {quoted(str(fields.get('key', signal.name)))} asked for by {signal.name}"
    return f"the request bears {what}", f"the request does not bear {what}"


def _seems(what: str) -> Callable[[Signal, Plain], Phrases]:
    def describe(signal: Signal, fields: Plain) -> Phrases:
        return f"the text seems to {what}", f"the text does not seem to {what}"

    return describe


def _named(holds: str, lacks: str) -> Callable[[Signal, Plain], Phrases]:
    def describe(signal: Signal, fields: Plain) -> Phrases:
        return f"{holds} {quoted(signal.name)}", f"{lacks} {quoted(signal.name)}"

    return describe


_DESCRIBED: dict[str, Callable[[Signal, Plain], Phrases]] = {
    "keyword": _keyword,
    "embedding": _embedding,
    "domain": _domain,
    "language": _language,
    "context": _context,
    "authz": _authz,
    "time": _time,
    "phase": _phase,
    "holder": _holder,
    "grant": _grant,
    "length": _length,
    "modality": _modality,
    "preference": _embedding,
    "structure": _named("the text has the form", "the text does not have the form"),
    "conversation": _named("the dialogue so far is", "the dialogue so far is not"),
    "event": _named("the request is the event", "the request is not the event"),
    "metadata": _metadata,
    "jailbreak": _seems("be an attempt to get around the rules"),
    "pii": _seems("hold personal data"),
    "fact_check": _seems("ask for facts that should be checked"),
    "user_feedback": _seems("say how good the last answer was"),
    "reask": _seems("ask the same again"),
}


def _rests_on_estimates(policy: Policy, key: str, seen: frozenset[str]) -> bool:
    kind, _, name = key.partition(":")
    if key in seen:
        return False
    if kind != "projection":
        signal = policy.signals.get(key)
        loose = kind == "keyword" and signal is not None and _is_loose(signal)
        return loose or kind in PROBABILISTIC
    found = policy.bands.get(name)
    score = policy.scores.get(found[0].source) if found else None
    return score is not None and any(
        _rests_on_estimates(policy, term.signal, seen | {key}) for term in score.terms
    )


def _texts(value: Any) -> list[str]:
    return [v for v in _list(value) if isinstance(v, str)]


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
