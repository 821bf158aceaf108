"""The policy that is active: loaded from its file, and taken anew when the file changes and passes its checks.

A policy that fails never becomes active: at the start that is an error, later the one before stays. What is under way
goes on under the engine with which it began.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from agents.errors import MomaError
from graphs.policy.checks.check import check_policy
from graphs.policy.checks.known import Known
from graphs.policy.checks.tests import run_tests
from graphs.policy.engine import Engine
from graphs.policy.findings import Finding
from graphs.policy.read import read_policy, read_text, told
from graphs.policy.signals.classifiers import Classifiers
from graphs.policy.signals.reader import Reader
from graphs.routing.encoder import Encoder

__all__ = ["LivePolicy", "build_engine"]

_LOOK_EVERY_S = 1.0
_log = logging.getLogger(__name__)


def build_engine(
    text: str,
    *,
    encoder: Encoder | None,
    classifiers: Classifiers | None = None,
    known: Known | None = None,
    recipe: str | None = None,
) -> tuple[Engine, list[Finding]]:
    """Return the engine of a policy file's text, and every finding: of reading, checking and its own TEST cases.

    Args:
        text: the file's.
        encoder: for embedding signals and their geometry; None leaves these signals unreadable.
        classifiers: plug-ins by type or `type:name`.
        known: what the installation has; references to anything else are findings.
        recipe: which of the file's recipes.
    """
    policy, findings = read_policy(text, recipe)
    engine = Engine(policy, Reader.from_policy(policy, encoder=encoder, classifiers=classifiers))
    found = [
        *findings,
        *check_policy(policy, encoder=encoder, known=known, classifiers=classifiers or {}),
    ]
    if not any(finding.severity == "error" for finding in found):
        found += run_tests(policy, engine)
    return engine, found


class LivePolicy:
    """The policy file that turns are decided by."""

    def __init__(
        self,
        path: Path,
        *,
        encoder: Callable[[], Encoder],
        known: Callable[[], Known],
        classifiers: Classifiers | None = None,
    ) -> None:
        """Nothing is read yet.

        Args:
            path: the policy file.
            encoder: gives the encoder; called only if the policy has a signal that needs it.
            known: gives what the installation has at this moment.
            classifiers: plug-ins by type or `type:name`.
        """
        self.path = path
        self._encoder, self._known, self._classifiers = encoder, known, classifiers
        self._engine: Engine | None = None
        self._seen: tuple[int, int] | None = None
        self._looked = 0.0
        self._busy = threading.Lock()
        self.fault: str | None = None
        """Why the file as it stands did not become active."""

    def engine(self) -> Engine:
        """Return the active engine; where the file has changed, another one is made beside, for later turns.

        Raises:
            PolicyError: there is none before this one, and the file cannot be read or fails its checks.
        """
        if self._engine is None:
            with self._busy:
                if self._engine is None:
                    self._seen = self._stamp()
                    self._engine = self._load()
            return self._engine
        clock = time.monotonic()
        if clock - self._looked > _LOOK_EVERY_S:
            self._looked = clock
            if self._stamp() != self._seen and self._busy.acquire(blocking=False):
                threading.Thread(target=self._renew, name="moma-policy", daemon=True).start()
        return self._engine

    def reload(self) -> bool:
        """Load the file now and return whether it is active; if not, `fault` says why."""
        self._busy.acquire()
        self._renew()
        return self.fault is None

    def _renew(self) -> None:
        """Take the file anew; whoever calls holds `_busy`, which is let go of here."""
        try:
            self._seen = self._stamp()
            self._engine = self._load()
            self.fault = None
            _log.info("the policy %s is active", self._engine.hash[:12])
        except MomaError as error:
            self.fault = str(error)
            _log.warning("the changed policy is not taken, the one before stays: %s", error)
        finally:
            self._busy.release()

    def _load(self) -> Engine:
        text = read_text(self.path)
        policy, _ = read_policy(text)
        encoder = self._encoder() if Reader.needs_encoder(policy, self._classifiers) else None
        engine, findings = build_engine(
            text, encoder=encoder, classifiers=self._classifiers, known=self._known()
        )
        stops = [f for f in findings if f.severity == "error" or f.code == "needs_plugin"]
        if stops:
            raise told(self.path, stops)
        return engine

    def _stamp(self) -> tuple[int, int] | None:
        """Return what tells that a file has changed; None if it is not there."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size
