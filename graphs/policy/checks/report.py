"""The table of what was proved of a policy: for each property whether it holds, and what that rests on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphs.policy.checks.logic import prove
from graphs.policy.findings import Basis, Finding, faults
from graphs.policy.policy import Policy

__all__ = ["Verdict", "verdicts"]

_LOGIC: Mapping[str, tuple[str, ...]] = {
    "exhaustive": ("not_exhaustive", "missing_else"),
    "no contradiction": ("contradiction", "tautology", "dead_clause"),
    "no shadowing": ("shadowed",),
    "no redundancy": ("redundant",),
    "no conflict": ("conflict",),
}
_FORM: Mapping[str, tuple[str, ...]] = {
    "groups exclusive": (
        "default_no_member", "group_members", "group_semantics", "member_of_two", "mixed_group", "no_default",
        "shared_category",
    ),
    "embeddings apart": ("overlap",),
    "grants from callers only": ("grant_from_text", "missing_when"),
    "references": ("ambiguous", "cycle", "duplicate"),
    "thresholds": ("empty_band", "out_of_range", "overlapping_bands", "unreached_band", "wrong_value"),
}  # fmt: skip
"""Properties with the codes of what speaks against them; `references` also has each code `unknown_...`."""
_TESTS = ("test_failed",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One row of the table."""

    name: str
    """The property."""
    holds: bool
    verdict: str
    """The same in words, with the number of findings that speak against it."""
    basis: Basis

    def plain(self) -> dict[str, Any]:
        """Return the row as JSON-plain values."""
        return {
            "property": self.name,
            "holds": self.holds,
            "verdict": self.verdict,
            "basis": self.basis,
        }


def verdicts(
    policy: Policy, findings: Sequence[Finding], *, classifiers: Collection[str] = ()
) -> list[Verdict]:
    """Return the table of a policy.

    Args:
        policy: which.
        findings: what was found of it by reading, checking and its TEST cases.
        classifiers: as they were given to the check.
    """
    bases = _bases(policy, findings, classifiers)
    against = faults(findings)
    rows = [
        _row(name, [f for f in against if f.code in codes], basis=bases[name])
        for name, codes in _LOGIC.items()
    ]
    for name, codes in _FORM.items():
        basis: Basis = "proved under assumptions" if name == "embeddings apart" else "proved"
        rows.append(_row(name, [f for f in against if _speaks(f, name, codes)], basis=basis))
    failed = [f for f in against if f.code in _TESTS]
    passed = f"holds: {len(policy.tests)} cases" if policy.tests else "no cases"
    rows.append(_row("tests", failed, basis="tested", holds=passed))
    told = {code for codes in (*_LOGIC.values(), *_FORM.values(), _TESTS) for code in codes}
    rest = [f for f in against if f.code not in told and not f.code.startswith("unknown_")]
    if rest:
        rows.append(_row("reading", rest, basis="proved"))
    return rows


def _speaks(finding: Finding, name: str, codes: tuple[str, ...]) -> bool:
    return finding.code in codes or (name == "references" and finding.code.startswith("unknown_"))


def _row(name: str, against: Sequence[Finding], *, basis: Basis, holds: str = "holds") -> Verdict:
    if not against:
        return Verdict(name=name, holds=True, verdict=holds, basis=basis)
    errors = sum(finding.severity == "error" for finding in against)
    weaker = [f.basis for f in against]
    counted = f"{len(against)} finding{'s' if len(against) > 1 else ''}"
    return Verdict(
        name=name,
        holds=False,
        verdict=f"{'fails' if errors else 'look'}: {counted}",
        basis=next((b for b in weaker if b != "proved"), "proved"),
    )


def _bases(
    policy: Policy, findings: Sequence[Finding], classifiers: Collection[str]
) -> dict[str, Basis]:
    """Return what the logic's verdicts rest on: a verdict that needs where the embeddings lie is under assumptions."""
    proofs = prove(policy, classifiers=classifiers)
    told = {finding.code for finding in findings}
    bases: dict[str, Basis] = {}
    for name, codes in _LOGIC.items():
        needed = {f.code for f in proofs.findings if f.code in codes} - told
        bases[name] = "proved under assumptions" if needed else proofs.bases.get(name, "proved")
    return bases
