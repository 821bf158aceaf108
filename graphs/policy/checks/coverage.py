"""Whether each input has a rule: the policy is exhaustive."""

from collections.abc import Iterator

from graphs.policy.checks.space import Space
from graphs.policy.findings import Finding

__all__ = ["coverage"]

_HINT = "add a route without WHEN, an ELSE, or GLOBAL { default_model: ... }"


def coverage(space: Space) -> Iterator[Finding]:
    """Find an input for which no rule holds, unless a default model answers it."""
    rules = space.policy.rules
    if space.policy.default_model is not None or any(rule.when is None for rule in rules):
        return
    if not rules:
        yield Finding(
            code="not_exhaustive",
            message="there is no rule, and no default model answers",
            hint=_HINT,
        )
        return
    nothing = [-literal for literal in dict.fromkeys(space.rules)]
    model = space.find(nothing)
    if model is None:
        space.refuted("exhaustive", nothing)
        return
    conditions = [rule.when for rule in rules]
    yield Finding(
        code="not_exhaustive",
        message="there are inputs for which no rule holds, and no default model answers them",
        basis=space.rests("exhaustive", space.exists(conditions)),
        at=rules[-1].at,
        example=space.shown(model, conditions),
        hint=_HINT,
    )
