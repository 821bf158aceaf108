"""The policies of `tests/policies`: sound ones, and ones with a defect that their first line names."""

import re
from functools import cache
from pathlib import Path

from graphs.policy.checks import Known, check_policy, run_tests
from graphs.policy.engine import Engine
from graphs.policy.findings import Finding
from graphs.policy.lower import recipes
from graphs.policy.parser import parse
from graphs.policy.read import read_policy
from graphs.policy.signals.reader import Reader
from graphs.routing.encoder import CachedEncoder, Encoder, make_encoder

FOLDER = Path(__file__).parents[1] / "policies"
SOUND = sorted((FOLDER / "sound").glob("*.dsl"))
DEFECTS = sorted((FOLDER / "defects").glob("*.dsl"))
_KNOWN = re.compile(r"^# known: (\w+) (.*)$", re.MULTILINE)


@cache
def encoder() -> Encoder:
    return CachedEncoder(make_encoder("onnx"), entries=4096)


def expected(path: Path) -> list[tuple[str, int | None]]:
    """Return the codes that a file with a defect names, each with its line if it names one."""
    first = path.read_text().partition("\n")[0]
    named = [part.split() for part in first.removeprefix("# expect:").split(",")]
    return [(code, int(line[0]) if line else None) for code, *line in named]


def found(path: Path) -> list[Finding]:
    """Return all findings of a file, of each of its recipes, its TEST cases included."""
    text = path.read_text()
    known = Known(**{kind: frozenset(names.split()) for kind, names in _KNOWN.findall(text)})
    findings: list[Finding] = []
    named: list[str | None] = [*recipes(parse(text)[0])]
    for recipe in named or [None]:
        policy, told = read_policy(text, recipe)
        told = [*told, *check_policy(policy, encoder=encoder(), known=known)]
        if policy.tests and not any(finding.severity == "error" for finding in told):
            told += run_tests(policy, Engine(policy, Reader.from_policy(policy, encoder=encoder())))
        findings += told
    return findings
