"""`python -m app.profile feedback`: what users' words on answers would change in a profile, and what becomes of it."""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.errors import InputError
from app.profile.embedding import embedded, progress
from app.settings import read_settings
from graphs.feedback import today
from graphs.routing.corrections import Corrections, correct
from graphs.routing.encoder import make_encoder
from graphs.routing.estimators.base import Queries
from graphs.routing.feedback import Evidence, FeedbackRules, Kind, Pieces
from graphs.routing.feedback_log import FeedbackLog, profile_id
from graphs.routing.findings import Findings, find
from graphs.routing.outcomes import Outcomes
from graphs.routing.profile import Profile
from graphs.routing.profile_files import OURS, load_profile, save_profile
from graphs.routing.profile_versions import keep, restore, versions

__all__ = ["add_arguments", "graded_evidence", "main"]

_STANDARD_ERRORS = 1.96
_LONGEST_NAME = 500
"""Characters of an id, each of which takes up to 12 bytes of a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Learnt:
    """What the evidence beside a profile says."""

    version: str
    profile: Profile
    pieces: Pieces
    findings: Findings
    corrections: Corrections
    rejected: frozenset[str]
    damaged: int
    others: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be done, and the options."""
    actions = parser.add_subparsers(dest="action", required=True)
    show = _action(actions, "show", _show, "what would change, by model and domain, and why")
    show.add_argument("--json", action="store_true", help="print JSON")
    added = _action(actions, "add", _add, "take graded answers to fresh questions as evidence")
    added.add_argument(
        "--outcomes", type=Path, required=True, help="a Parquet table, as `collect` writes it"
    )
    added.add_argument("--name", help="of the source (default: the name of the file)")
    added.add_argument("--encoder", help="as MOMA_ENCODER, which is the default")
    applied = _action(
        actions, "apply", _apply, "fold what was learnt into the profile; the old one is kept"
    )
    applied.add_argument(
        "--model", action="append", help="only this model; may be given several times"
    )
    reject = _action(actions, "reject", _reject, "let a source's evidence count no more")
    reject.add_argument("source", nargs="+", metavar="SOURCE", help="as `show` lists it")
    back = _action(actions, "rollback", _rollback, "put an earlier version of the profile back")
    back.add_argument("version", metavar="ID", help="as `show` lists it")


def main(arguments: argparse.Namespace) -> int:
    """Do it and return the exit status."""
    act: Callable[[argparse.Namespace], int] = arguments.act
    return act(arguments)


def _action(
    actions: Any, name: str, act: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    parser.add_argument("--profile", type=Path, required=True, help="the profile's folder")
    parser.set_defaults(act=act)
    return parser


def _show(arguments: argparse.Namespace) -> int:
    told = _told(_learnt(arguments.profile), versions(arguments.profile))
    if arguments.json:
        print(json.dumps(told, indent=1))
        return 0
    print(
        f"profile {told['profile']}, {told['pieces']} pieces of evidence, {told['sources']} sources"
    )
    if told["kinds"]:
        print(", ".join(f"{count} of the kind {kind}" for kind, count in told["kinds"].items()))
    if told["damaged"]:
        print(f"{told['damaged']} lines are damaged and do not count")
    if told["other_versions"]:
        print(
            f"{told['other_versions']} pieces are on other versions of the profile, as on answers that were given "
            "before this one was saved, and do not count"
        )
    for row in told["corrections"]:
        low, high = row["interval"]
        print(
            f"{row['model']}, domain {row['domain']}: live {row['live']:+.3f}, if applied {row['applied']:+.3f}, "
            f"likely {row['likely']:+.3f} [{low:+.3f}, {high:+.3f}] from {row['evidence']:.1f} thumbs"
        )
    for row in told["changed"]:
        print(f"{row['model']} changed on {row['day']}, by {row['sources']} sources")
    for row in told["suspicious"]:
        print(
            f"suspicious: {row['source']}, {row['errors']:+.1f} standard errors from the others on "
            f"{row['model']}, counts {row['trust']:.2f}"
        )
    print(f"rejected: {', '.join(told['rejected']) or 'no source'}")
    print(f"earlier versions: {', '.join(told['versions']) or 'none'}")
    return 0


def _add(arguments: argparse.Namespace) -> int:
    settings = read_settings()
    if settings.feedback == "off":
        raise InputError("no feedback is kept: set MOMA_FEEDBACK to record or live")
    encoder = make_encoder(arguments.encoder or settings.encoder)
    profile = load_profile(arguments.profile, encoder=encoder.name)
    outcomes = Outcomes.from_files([arguments.outcomes])
    with progress() as bar:
        queries = embedded(outcomes.queries, encoder, home=settings.make_home(), bar=bar)
    name = arguments.name or arguments.outcomes.stem
    pieces = graded_evidence(outcomes, queries, profile, name=name, day=today())
    if not pieces:
        raise InputError(
            f"no model of the table is in the profile, which has {', '.join(profile.models)}"
        )
    FeedbackLog(arguments.profile).append(pieces, of=profile_id(arguments.profile))
    print(f"{len(pieces)} graded answers of grader:{name} are kept as evidence", file=sys.stderr)
    return 0


def graded_evidence(
    outcomes: Outcomes, queries: Queries, profile: Profile, *, name: str, day: float
) -> list[Evidence]:
    """Return graded answers as evidence on what a profile predicts of their models.

    Args:
        outcomes: the grades.
        queries: theirs, embedded.
        profile: what predicts.
        name: of who graded.
        day: in days since 1970.
    """
    predicted = profile.quality.foresee(queries).estimate.mean
    regions = profile.quality.domains.reader.read(queries).argmax(axis=1)
    known = [
        (column, profile.models.index(model))
        for column, model in enumerate(outcomes.models)
        if model in profile.models
    ]
    return [
        Evidence(
            decision=_decision(f"{name}:{query_id}:{profile.models[place]}"),
            model=profile.models[place],
            region=int(regions[row]),
            predicted=float(np.clip(predicted[row, place], 0, 1)),
            reward=float(outcomes.scores[row, column]),
            kind=Kind.GRADER,
            source=f"grader:{name}",
            day=day,
        )
        for row, query_id in enumerate(outcomes.ids)
        for column, place in known
    ]


def _decision(name: str) -> str:
    """Return the name of a graded answer, shortened to what a line of the log can hold."""
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:_LONGEST_NAME]} {hashlib.sha256(name.encode(errors='replace')).hexdigest()}"


def _apply(arguments: argparse.Namespace) -> int:
    learnt = _learnt(arguments.profile)
    models = learnt.profile.models
    asked = arguments.model or list(models)
    for name in asked:
        if name not in models:
            raise InputError(
                f"the model {name!r:.80} is not in the profile, which has {', '.join(models)}"
            )
    if not len(learnt.pieces):
        raise InputError("there is no evidence on this version of the profile: nothing to apply")
    chosen = np.array([name in asked for name in models])
    shift = learnt.corrections.reviewed * chosen
    if not shift.any():
        raise InputError(f"the evidence moves nothing of {', '.join(asked)}: nothing to apply")
    before = keep(arguments.profile)
    shifted = learnt.profile.shifted(shift)
    save_profile(shifted, arguments.profile, replacing=learnt.version)
    log, now = FeedbackLog(arguments.profile), profile_id(arguments.profile)
    # Of a model that stays as it was, what was said holds for the new profile too.
    others = [e for e in log.read(of=learnt.version).evidence if e.model not in asked]
    log.append(others, of=now)
    print(
        f"{int(chosen[learnt.pieces.model].sum())} pieces of evidence applied to {len(asked)} models: "
        f"the profile is now {now}, the one before is kept as {before}",
        file=sys.stderr,
    )
    return 0


def _reject(arguments: argparse.Namespace) -> int:
    learnt = _learnt(arguments.profile)
    known = {*learnt.pieces.sources, *learnt.rejected}
    unknown = [source for source in arguments.source if source not in known]
    if unknown:
        raise InputError(
            f"there is no evidence of the source {unknown[0]!r:.80}; `show --json` lists those that are suspicious"
        )
    FeedbackLog(arguments.profile).reject(arguments.source)
    print(f"{len(arguments.source)} sources count no more", file=sys.stderr)
    return 0


def _rollback(arguments: argparse.Namespace) -> int:
    before = restore(arguments.profile, arguments.version, ours=OURS)
    told = f"{before} is kept" if before else "what was in its place is damaged and not kept"
    print(f"the profile is {profile_id(arguments.profile)} again; {told}", file=sys.stderr)
    return 0


def _learnt(folder: Path) -> _Learnt:
    # The id first: of a profile that is saved in between nothing is taken for what was read.
    version, profile, log = profile_id(folder), load_profile(folder), FeedbackLog(folder)
    tail, rejected, rules = log.read(of=version), log.rejected(), FeedbackRules()
    counted = [e for e in tail.evidence if e.source not in rejected and e.region < profile.regions]
    pieces = Pieces.of(counted, profile.models)
    findings = find(pieces, rules)
    return _Learnt(
        version=version,
        profile=profile,
        pieces=pieces,
        findings=findings,
        corrections=correct(pieces, findings, regions=profile.regions, today=today(), rules=rules),
        rejected=rejected,
        damaged=tail.damaged,
        others=tail.others,
    )


def _told(learnt: _Learnt, kept: Sequence[str]) -> dict[str, Any]:
    found, findings, pieces = learnt.corrections, learnt.findings, learnt.pieces
    moved = np.argwhere(found.counted > 0)
    order = np.argsort([-abs(found.reviewed[region, model]) for region, model in moved])
    rows = []
    for region, model in moved[order].tolist():
        likely = float(found.belief[region, model])
        half = _STANDARD_ERRORS * float(found.deviation[region, model])
        rows.append(
            {
                "model": found.models[model],
                "domain": region,
                "live": round(float(found.shift[region, model]), 4),
                "applied": round(float(found.reviewed[region, model]), 4),
                "likely": round(likely, 4),
                "interval": [round(likely - half, 4), round(likely + half, 4)],
                "evidence": round(float(found.counted[region, model]), 2),
            }
        )
    outlying = np.flatnonzero(findings.trust < 1)
    return {
        "profile": learnt.version,
        "pieces": len(pieces),
        "sources": len(pieces.sources),
        "kinds": {
            kind.value: int(count)
            for kind, count in zip(Kind, np.bincount(pieces.kind, minlength=len(Kind)), strict=True)
            if count
        },
        "damaged": learnt.damaged,
        "other_versions": learnt.others,
        "corrections": rows,
        "changed": [
            {
                "model": pieces.models[change.model],
                "day": str(np.datetime64(int(change.day), "D")),
                "sources": change.sources,
            }
            for change in findings.changes
        ],
        "suspicious": [
            {
                "source": pieces.sources[source],
                "model": pieces.models[findings.furthest[source]],
                "errors": round(float(findings.outlying[source]), 2),
                "trust": round(float(findings.trust[source]), 3),
            }
            for source in outlying[np.argsort(findings.trust[outlying])].tolist()
        ],
        "rejected": sorted(learnt.rejected),
        "versions": list(kept),
    }
