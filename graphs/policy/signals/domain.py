"""domain signals: which field of knowledge a text belongs to.

By name, or by `mmlu_categories`, a signal asks for some of MMLU-Pro's 14 categories or of MMLU's 57 subjects; its score
is the sum of their categories' probabilities by the fitted head, so of signals with different categories at most one
reaches 0.5. A signal with another name and no categories is read by how near the text lies to its `description`. The
head was fitted on the vectors of the encoder that ships and says nothing of other encoders' ones.
"""

from collections.abc import Iterator, Sequence

from graphs.policy.policy import Signal
from graphs.policy.request import Reading
from graphs.policy.signals.domain_head import DOMAINS, DomainHead
from graphs.policy.signals.embedding import similarity
from graphs.policy.signals.family import Family, Kind, Kit, Problem, Read, fired
from graphs.policy.signals.mmlu_subjects import CATEGORY_OF
from graphs.policy.signals.turn import Turn

__all__ = ["DOMAIN", "categories", "domain_fault"]

THRESHOLD = 0.5
DESCRIPTION_THRESHOLD = 0.3
"""A description and a question about it are less alike than two questions."""
_OTHER_NAMES = {"cs": "computer science", "maths": "math", "mathematics": "math"}


def categories(signal: Signal) -> tuple[str, ...]:
    """Return the categories of MMLU-Pro that a signal asks for, none if it goes by its description."""
    if given := signal.fields.get("mmlu_categories"):
        return tuple(dict.fromkeys(found for name in given if (found := _category(name))))
    found = _category(signal.name)
    return (found,) if found else ()


def domain_fault(signal: Signal) -> str | None:
    """Return why a domain signal cannot be read, None if it can."""
    unknown = [n for n in signal.fields.get("mmlu_categories") or () if not _category(n)]
    if unknown:
        return f"{unknown[0]!r} is no category, expected some of {', '.join(DOMAINS)}"
    if not categories(signal) and not str(signal.fields.get("description", "")).strip():
        return (
            f"{signal.name!r} is no category, and there are neither `mmlu_categories` nor a `description`: "
            f"expected one of {', '.join(DOMAINS)}"
        )
    return None


def _category(name: str) -> str | None:
    plain = " ".join(name.casefold().replace("_", " ").replace("-", " ").split())
    plain = _OTHER_NAMES.get(plain) or CATEGORY_OF.get(plain, plain)
    return plain if plain in DOMAINS else None


def _problems(signal: Signal) -> Iterator[Problem]:
    if fault := domain_fault(signal):
        yield Problem("mmlu_categories", fault)
    elif not categories(signal):
        yield Problem(
            "description",
            f"{signal.name!r} is no category, so the text's nearness to the description is read",
            "by_description",
            severe=False,
        )


def _examples(signal: Signal) -> Sequence[str]:
    return () if categories(signal) else (signal.fields["description"],)


def _prepare(signal: Signal, kit: Kit) -> Read:
    wanted = categories(signal)
    if not wanted:
        least = float(signal.fields.get("threshold", DESCRIPTION_THRESHOLD))
        return similarity(_examples(signal), threshold=least, mean=False, kit=kit)
    threshold = float(signal.fields.get("threshold", THRESHOLD))
    if not DomainHead.fits(kit.encoder):
        fault = f"fitted for another encoder than {kit.encoder}"
        return lambda _: Reading(False, 0.0, threshold, fault=fault)
    head = DomainHead.load()

    def read(turn: Turn) -> Reading:
        shares = turn.once("domains", lambda: head.shares(turn.vectors))
        score = sum(shares[name] for name in wanted)
        best = max(shares, key=shares.__getitem__)
        return fired(score >= threshold, score, threshold, f"most likely {best}")

    return read


DOMAIN = Family(
    fields={
        "mmlu_categories": Kind.TEXTS,
        "threshold": Kind.SHARE,
        "model_scores": Kind.FIELDS,
    },
    examples=_examples,
    embeds=lambda _: True,
    prepare=_prepare,
    problems=_problems,
)
