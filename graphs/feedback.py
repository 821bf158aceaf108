"""Feedback in a running process: takes in words on turns, and keeps the corrections that follow from all of them.

Several processes may share a profile: what one appends the others read within seconds. It decides on no turn.
"""

import hashlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from agents.errors import RoutingError
from graphs.routing.corrections import Corrections, correct
from graphs.routing.feedback import CAPS, Evidence, FeedbackRules, Kind, Pieces
from graphs.routing.feedback_log import FeedbackLog
from graphs.routing.findings import find
from graphs.routing.profile import Profile

__all__ = [
    "CHECKS",
    "FeedbackMode",
    "LiveFeedback",
    "evidence_of",
    "evidence_on",
    "learn",
    "source_of",
    "today",
    "word_on",
]

FeedbackMode = Literal["off", "record", "live"]
CHECKS = "checks"
"""The source of what checks of answers found."""
_LOOK_S = 5.0
_NARROWED = frozenset({"not_included", "excluded"})
_FADE_S = 600.0
"""After which evidence is weighed anew though there is none: it fades."""
_MOST = 50_000
"""Pieces that are weighed, the latest: of those said outright, and of all others."""
_MOST_OF_ONE = 5_000
"""How many of these may be one source's; what it counts for is bounded long before. Graders have no such limit: an
operator adds them by hand."""
_warnings = logging.getLogger(__name__)


class LiveFeedback:
    """The evidence on one profile's predictions, as one process sees it."""

    def __init__(
        self,
        folder: Path,
        profile: Profile,
        *,
        version: str,
        live: bool,
        rules: FeedbackRules | None = None,
    ) -> None:
        self.profile = version
        self.live = live
        self._rules = rules or FeedbackRules()
        self._log = FeedbackLog(folder)
        self._models = profile.models
        self._regions = profile.regions
        self._evidence: list[Evidence] = []
        self._end = 0
        self._corrections: Corrections | None = None
        self._looked = time.monotonic()
        self._seen: tuple[int, int] | None = None
        self._guard = threading.Lock()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="moma-feedback")
        if live:
            self._look()

    def add(self, evidence: Evidence) -> None:
        """Keep a piece of evidence; it counts within seconds.

        Raises:
            RoutingError: it cannot be written.
        """
        self._log.append([evidence], of=self.profile)

    def add_soon(self, evidence: Iterable[Evidence]) -> None:
        """Keep what was inferred from turns, in a thread: no turn waits for it, and none fails for it."""
        pieces = list(evidence)
        try:
            if pieces:
                self._writer.submit(self._add_quietly, pieces)
        except RuntimeError as error:  # closed, while a turn still ends
            _warnings.warning("what was inferred from a turn is lost: %s", error)

    def close(self) -> None:
        """Write what waits to be written."""
        self._writer.shutdown()

    def _add_quietly(self, pieces: list[Evidence]) -> None:
        try:
            self._log.append(pieces, of=self.profile)
        except RoutingError as error:
            _warnings.warning("what was inferred from a turn is lost: %s", error)

    def corrections(self) -> Corrections | None:
        """Return the corrections of this moment, None where they are not live; a turn never waits for a look.

        What cannot be read corrects nothing: no turn fails for want of feedback.
        """
        now = time.monotonic()
        if self.live and now - self._looked >= _LOOK_S:
            late = now - self._looked >= _FADE_S
            self._looked = now
            if late or self._log.changed() != self._seen:
                threading.Thread(target=self._look, name="moma-feedback", daemon=True).start()
        return self._corrections

    def _look(self) -> None:
        """Read what is new and weigh all of it anew."""
        with self._guard:
            try:
                self._seen = self._log.changed()
                self._corrections = self._weighed()
            except RoutingError as error:
                _warnings.warning("feedback does not count: %s", error)
                self._corrections = None

    def _weighed(self) -> Corrections:
        if self._log.size() < self._end:  # removed by hand
            self._evidence, self._end = [], 0
        tail = self._log.read(of=self.profile, start=self._end)
        oldest = today() - 20 * self._rules.half_life_days
        known = _latest([*self._evidence, *tail.evidence])
        self._evidence, self._end = [e for e in known if e.day > oldest], tail.end
        rejected = self._log.rejected()
        counted = [e for e in self._evidence if e.source not in rejected]
        return learn(counted, self._models, self._regions, rules=self._rules)


def _latest(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Return the pieces that are weighed: what is inferred pushes out nothing that was said, nor one source others."""
    of_kind: Counter[bool] = Counter()
    of_source: Counter[tuple[bool, str]] = Counter()
    kept = []
    for piece in reversed(evidence):
        inferred = piece.kind in CAPS
        full = of_source[inferred, piece.source] >= _MOST_OF_ONE and piece.kind != Kind.GRADER
        if of_kind[inferred] < _MOST and not full:
            of_kind[inferred] += 1
            of_source[inferred, piece.source] += 1
            kept.append(piece)
    return kept[::-1]


def learn(
    evidence: list[Evidence],
    models: tuple[str, ...],
    regions: int,
    *,
    rules: FeedbackRules,
    day: float | None = None,
) -> Corrections:
    """Return what `evidence` says at this moment, or on another `day`."""
    pieces = Pieces.of(evidence, models)
    when = today() if day is None else day
    return correct(pieces, find(pieces, rules), regions=regions, today=when, rules=rules)


def today() -> float:
    """Return the time in days since 1970, UTC."""
    return datetime.now(UTC).timestamp() / 86_400


def evidence_of(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a word on a turn would be evidence of; None where it would be of nothing.

    It is where a model answered that was predicted to, and that was chosen: who narrows the choice to a model could
    otherwise speak of it as often as they like.
    """
    served = record.get("served_by") or {}
    return evidence_on(record, served["id"]) if served.get("kind") == "model" else None


def evidence_on(record: Mapping[str, Any], model: str) -> dict[str, Any] | None:
    """Return what a word on the answer of one model of a turn would be evidence of; see `evidence_of`."""
    models = record.get("models") or {}
    if models.get("region") is None:
        return None
    if any(refusal.get("code") in _NARROWED for refusal in models.get("masked") or ()):
        return None
    predicted = _predicted(models, model)
    if predicted is None:
        return None
    return {
        "model": model,
        "region": models["region"],
        "profile": models.get("profile"),
        "predicted": min(max(predicted, 0.0), 1.0),
    }


def _predicted(models: Mapping[str, Any], model: str) -> float | None:
    """Return what the profile predicted of a model that was a choice, before any correction."""
    beyond = models.get("beyond") or {}
    if beyond.get("id") == model:  # a canary may be one that another model beats in both
        return float(beyond["predicted"])
    moved = (models.get("correction") or {}).get(model, 0.0)
    rows = (row for row in models.get("frontier") or () if row["id"] == model)
    return next((row["quality"] - moved for row in rows), None)


def source_of(user: str) -> str:
    """Return under what name a user's words are kept: a hash."""
    return hashlib.sha256(user.encode(errors="replace")).hexdigest()[:32]


def word_on(
    turn: Mapping[str, Any], *, decision: str, reward: float, source: str, kind: Kind = Kind.THUMB
) -> Evidence:
    """Return a word on a turn as evidence.

    Args:
        turn: as `evidence_of` gave it.
        decision: the id of its record.
        reward: 0 to 1.
        source: who says it.
        kind: how it came.
    """
    return Evidence(
        decision=decision,
        model=str(turn["model"]),
        region=int(turn["region"]),
        profile=turn.get("profile"),
        predicted=float(turn["predicted"]),
        reward=reward,
        kind=kind,
        source=source,
        day=today(),
    )
