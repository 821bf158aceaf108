"""What reading or checking a policy found: where, how bad, and what the verdict rests on."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from graphs.policy.syntax import NOWHERE, Place

Severity = Literal[
    "error",  # the policy never becomes active
    "warning",  # it may, and a person should look
    "note",  # what a reader should know; no finding in the sense of the exit status
]
Basis = Literal[
    "proved",  # follows from the policy's text alone, whatever the input
    "proved under assumptions",  # follows if embeddings lie where the encoder puts the examples, bands hold, and so on
    "tested",  # holds on the examples and TEST cases that were run
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found."""

    code: str
    """A fixed word for programs, as `shadowed`."""
    message: str
    """One line: what was given, what was expected."""
    severity: Severity = "error"
    basis: Basis = "proved"
    at: Place = field(default=NOWHERE)
    names: tuple[str, ...] = ()
    """The rules, signals or groups that it is about."""
    example: dict[str, Any] | None = None
    """An input that shows it: `fires`, the keys of signals that fire, and what is known of `text`, `tokens`, `time`."""
    hint: str = ""
    """What to do."""

    def line(self, file: str = "policy") -> str:
        """Return the finding as one line of text."""
        hint = f"; {self.hint}" if self.hint else ""
        return (
            f"{file}:{self.at}: {self.severity}: {self.message}{hint} [{self.code}, {self.basis}]"
        )

    def plain(self) -> dict[str, Any]:
        """Return the finding as JSON-plain values."""
        return {
            "code": self.code,
            "severity": self.severity,
            "basis": self.basis,
            "line": self.at.line,
            "column": self.at.column,
            "message": self.message,
            "names": list(self.names),
            "example": self.example,
            "hint": self.hint,
        }


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by place, then code."""
    return sorted(findings, key=lambda f: (f.at, f.code, f.message))


def faults(findings: Iterable[Finding]) -> list[Finding]:
    """Return the errors and warnings."""
    return [finding for finding in findings if finding.severity != "note"]
