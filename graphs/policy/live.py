"""The policy that is active: loaded from its file, and taken anew when the file changes and passes its checks.

A policy that fails never becomes active: at the start that is an error, later the one before stays. What is under way
goes on under the engine with which it began.
"""

import logging
import threading
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
from graphs.routing.files import Stamp, stamp_of

__all__ = ["LivePolicy", "build_engine"]

LOOK_EVERY_S = 0.5
"""A changed file is taken when two looks have seen it the same."""
_log = logging.getLogger(__name__)


def build_engine(
    text: str,
    *,
    encoder: Callable[[], Encoder],
    classifiers: Classifiers | None = None,
    known: Known | None = None,
    recipe: str | None = None,
) -> tuple[Engine, list[Finding]]:
    """Return the engine of a policy file's text, and every finding: of reading, checking and its own TEST cases.

    Args:
        text: the file's.
        encoder: gives the encoder; called only if the policy has a signal that needs it.
        classifiers: plug-ins by type or `type:name`.
        known: what the installation has; references to anything else are findings.
        recipe: which of the file's recipes.
    """
    policy, findings = read_policy(text, recipe)
    loaded = encoder() if Reader.needs_encoder(policy, classifiers) else None
    engine = Engine(policy, Reader.from_policy(policy, encoder=loaded, classifiers=classifiers))
    found = [
        *findings,
        *check_policy(policy, encoder=loaded, known=known, classifiers=classifiers or {}),
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
        self._taken: Stamp = None
        """What tells the file that was tried last from another."""
        self._busy = threading.Lock()
        self._ended = threading.Event()
        self.fault: str | None = None
        """Why the file as it stands did not become active."""

    def engine(self) -> Engine:
        """Return the active engine; the first call loads the file, and watches it from then on.

        Raises:
            PolicyError: the file cannot be read or fails its checks.
        """
        if self._engine is None:
            with self._busy:
                if self._engine is None:
                    self._taken = stamp_of(self.path)
                    self._engine = self._load()
                    threading.Thread(target=self._watch, name="moma-policy", daemon=True).start()
        return self._engine

    def reload(self) -> bool:
        """Load the file now and return whether it is active; if not, `fault` says why."""
        with self._busy:
            self._taken = stamp_of(self.path)
            try:
                self._engine = self._load()
                self.fault = None
                _log.info("the policy %s is active", self._engine.hash[:12])
            except MomaError as error:
                self.fault = str(error)
            except Exception as error:  # noqa: BLE001 in the background nobody else would tell of it
                self.fault = f"{self.path}: checking it failed ({type(error).__name__})"
                _log.debug("checking the policy failed", exc_info=True)
            if self.fault is not None:
                _log.warning(
                    "the changed policy is not taken, the one before stays: %s", self.fault
                )
            return self.fault is None

    def close(self) -> None:
        """Watch the file no more."""
        self._ended.set()

    def _watch(self) -> None:
        """Take the file anew when it has changed and is whole: two looks in a row must see the same."""
        before = self._taken
        while not self._ended.wait(LOOK_EVERY_S):
            seen = stamp_of(self.path)
            if seen == before != self._taken:
                self.reload()
            before = seen

    def _load(self) -> Engine:
        engine, findings = build_engine(
            read_text(self.path),
            encoder=self._encoder,
            classifiers=self._classifiers,
            known=self._known(),
        )
        stops = [f for f in findings if f.severity == "error" or _lacks_plugin(f)]
        if stops:
            raise told(self.path, stops)
        return engine


def _lacks_plugin(finding: Finding) -> bool:
    """Return whether a signal that is asked for has no classifier."""
    return finding.code == "needs_plugin" and finding.severity == "warning"
