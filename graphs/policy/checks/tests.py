"""Runs a policy's own TEST cases: each text must fall under the rule that the case names.

It knows no signals; an engine reads them. What it finds holds for these texts, and for no other.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from graphs.policy.decide import Verdict
from graphs.policy.findings import Finding
from graphs.policy.policy import Policy, Test
from graphs.policy.request import Readings, Request
from graphs.policy.signals.dialogue import MODALITIES, RESTING_PHASES

__all__ = ["NO_RULE", "Judge", "Judged", "request_of", "run_tests"]

NO_RULE = "none"
"""How a case says that no rule holds."""
_MOST_SHOWN = 8
_OPTIONS = frozenset(
    {
        "context",
        "grants",
        "holder",
        "metadata",
        "modality",
        "phase",
        "previous",
        "time",
        "tokens",
        "tools",
        "user",
    }
)


class Judged(Protocol):
    """What an engine says of a turn."""

    @property
    def verdict(self) -> Verdict:
        """The rule that was chosen."""

    @property
    def readings(self) -> Readings:
        """What the signals said."""


class Judge(Protocol):
    """An engine: signals and a decider."""

    def judge(self, request: Request) -> Judged:
        """Return what the policy says of a turn."""


def run_tests(policy: Policy, engine: Judge) -> list[Finding]:
    """Return a finding for each TEST case that comes out otherwise, with what fired."""
    findings: list[Finding] = []
    for test in policy.tests:
        try:
            request = request_of(test)
        except ValueError as error:
            findings.append(_finding(test, "wrong_value", f"test {test.block!r}: {error}"))
            continue
        judged = engine.judge(request)
        rule = judged.verdict.rule
        chosen = NO_RULE if rule is None else rule.name
        if chosen != test.expected:
            findings.append(_failed(test, chosen, judged))
        elif judged.verdict.doubtful:
            findings.append(_uncertain(test, judged))
    return findings


def request_of(test: Test) -> Request:
    """Return the turn of a case.

    Raises:
        ValueError: an option is not known or has another form.
    """
    given = test.options
    if unknown := sorted(given.keys() - _OPTIONS):
        raise ValueError(f"given the option {unknown[0]!r}, expected {', '.join(sorted(_OPTIONS))}")
    metadata = given.get("metadata", {})
    if not isinstance(metadata, dict):
        raise ValueError(f"metadata: given {metadata!r:.60}, expected fields in braces")
    return Request(
        text=test.query,
        previous=tuple(_texts(given, "previous")),
        context=tuple(_texts(given, "context")),
        tokens=_whole(given, "tokens"),
        user=_text(given, "user", "local") or "local",
        grants=frozenset(_texts(given, "grants")),
        now=_moment(given),
        phase=_among("phase", _text(given, "phase", "idle") or "idle", RESTING_PHASES),
        holder=_text(given, "holder", None),
        # Of a turn the text is read whatever else it has.
        modalities=frozenset({"text"}).union(
            _among("modality", m, MODALITIES) for m in _texts(given, "modality")
        ),
        tools=tuple(_texts(given, "tools")),
        metadata=metadata,
    )


def _text(given: dict[str, Any], key: str, default: str | None) -> str | None:
    value = given.get(key, default)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key}: given {value!r:.60}, expected a text")
    return value


def _texts(given: dict[str, Any], key: str) -> list[str]:
    value = given.get(key, [])
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not all(isinstance(text, str) for text in listed):
        raise ValueError(f"{key}: given {value!r:.60}, expected a list of texts")
    return list(listed)


def _among(key: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise ValueError(f"{key}: given {value!r:.60}, expected one of {', '.join(known)}")
    return value


def _whole(given: dict[str, Any], key: str) -> int | None:
    value = given.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise ValueError(f"{key}: given {value!r:.60}, expected a whole number from 0 on")
    return value


def _moment(given: dict[str, Any]) -> datetime | None:
    text = _text(given, "time", None)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.utcoffset() is None:
        raise ValueError(
            f'time: given {text!r:.60}, expected one with its offset, as "2026-11-28T10:00+01:00"'
        )
    return moment


def _failed(test: Test, chosen: str, judged: Judged) -> Finding:
    message = f"test {test.block!r}: {test.query[:60]!r} falls under {chosen!r}, expected {test.expected!r}"
    return _finding(
        test,
        "test_failed",
        f"{message}; {_trace(judged)}",
        example={"text": test.query, **test.options, "fires": _firing(judged.readings)},
    )


def _uncertain(test: Test, judged: Judged) -> Finding:
    """Return the finding of a case whose rule is the expected one, but might not come first, were all signals read."""
    others = ", ".join(rule.name for rule in judged.verdict.doubtful[:_MOST_SHOWN])
    message = f"test {test.block!r}: {test.query[:60]!r} may as well fall under {others}"
    return _finding(test, "test_failed", f"{message}; {_trace(judged)}")


def _trace(judged: Judged) -> str:
    fires = [f"{key} {judged.readings[key].score:.2f}" for key in _firing(judged.readings)]
    more = f" and {len(fires) - _MOST_SHOWN} more" if len(fires) > _MOST_SHOWN else ""
    faults = [f"{key}: {r.fault}" for key, r in judged.readings.items() if r.fault]
    unread = f"; unread: {'; '.join(faults[:2])}" if faults else ""
    return f"fired: {', '.join(fires[:_MOST_SHOWN]) or 'nothing'}{more}{unread}"


def _firing(readings: Readings) -> Sequence[str]:
    return sorted(key for key, reading in readings.items() if reading.fires)


def _finding(test: Test, code: str, message: str, example: dict[str, Any] | None = None) -> Finding:
    return Finding(
        code=code,
        message=message,
        basis="tested",
        at=test.at,
        names=(test.block, test.expected),
        example=example,
    )
