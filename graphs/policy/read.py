"""Reads a policy file: text to policy, with everything that is wrong with it."""

from pathlib import Path

from agents.errors import PolicyError
from graphs.policy.findings import Finding, in_order
from graphs.policy.lower import lower
from graphs.policy.parser import parse
from graphs.policy.policy import Policy

__all__ = ["read_policy", "read_text", "told"]


def read_policy(text: str, recipe: str | None = None) -> tuple[Policy, list[Finding]]:
    """Return the policy of a file's text, without what could not be read, and the findings of reading it.

    Args:
        text: the file's.
        recipe: which of its recipes; see `graphs.policy.lower.lower`.
    """
    program, syntax = parse(text)
    policy, unresolved = lower(program, recipe)
    return policy, in_order([*syntax, *unresolved])


def read_text(path: Path) -> str:
    """Return a policy file's text.

    Raises:
        PolicyError: it cannot be read or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise PolicyError(
            f"{path}: cannot be read ({error.strerror}); give a policy file"
        ) from None
    except ValueError:
        raise PolicyError(f"{path}: is not UTF-8 text; save it as UTF-8") from None


def told(path: Path, findings: list[Finding]) -> PolicyError:
    """Return the error of a policy that may not become active: its first finding and how many more there are."""
    more = f" (and {len(findings) - 1} more)" if findings[1:] else ""
    return PolicyError(
        f"{findings[0].line(str(path))}{more}; see python -m app.policy check {path}"
    )
