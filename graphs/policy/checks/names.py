"""Findings about names that nothing bears, each with the nearest one that something does."""

import difflib
from collections.abc import Iterable

from graphs.policy.findings import Finding
from graphs.policy.syntax import Place

__all__ = ["nearest", "unknown"]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint with the nearest known name, empty if none is near."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def unknown(
    kind: str, name: str, known: Iterable[str], *, at: Place, by: str, hint: str = ""
) -> Finding:
    """Return the finding that `by` names a `kind` that is not there.

    Args:
        kind: what it is, as `model`; the finding's code is `unknown_model`.
        name: the name in question.
        known: the names that there are.
        at: where it is named.
        by: what names it, as `rule 'a'`.
        hint: what to do, if no known name is near.
    """
    return Finding(
        code=f"unknown_{kind}",
        message=f"{by} names the {kind} {name!r:.80}, which is not known",
        at=at,
        names=(name,),
        hint=nearest(name, known) or hint,
    )
