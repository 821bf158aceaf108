"""What an installation has, as far as it is known where a policy is checked."""

from dataclasses import dataclass

__all__ = ["Known"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The names that a policy may use besides those it declares; None where they are not known."""

    models: frozenset[str] | None = None
    agents: frozenset[str] | None = None
    tools: frozenset[str] | None = None
    grants: frozenset[str] | None = None
