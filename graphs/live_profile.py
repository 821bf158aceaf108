"""The measured profile that is active: loaded from its folder, and taken anew when another version is saved there.

A version that cannot be loaded never becomes active: at the start that is an error, later the one before stays. It
predicts nothing.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agents.errors import MomaError
from graphs.checking.calibration import FILE as CHECKS_FILE
from graphs.checking.calibration import Calibration
from graphs.routing.feedback_log import profile_id
from graphs.routing.files import Stamp, stamp_of
from graphs.routing.hashed_folder import MANIFEST
from graphs.routing.profile import Profile
from graphs.routing.profile_files import load_profile

__all__ = ["LiveProfile", "LoadedProfile"]

LOOK_EVERY_S = 1.0
_Stamps = tuple[Stamp, ...]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedProfile:
    """A version of the profile, and what stands beside it."""

    version: str
    """Its id, under which feedback on its predictions is kept."""
    profile: Profile
    calibration: Calibration | None
    """What checks of answers are worth; None where nothing was fitted, or what was is of other models."""


class LiveProfile:
    """The folder of the profile that turns are decided by."""

    def __init__(self, folder: Path, *, encoder: str) -> None:
        """Nothing is read yet.

        Args:
            folder: what `app.profile` saves.
            encoder: the name of the encoder that embeds the queries.
        """
        self.folder = folder
        self._encoder = encoder
        self._taken: _Stamps = ()
        """What tells the files that were tried last from others."""
        self._ended = threading.Event()

    def load(self) -> LoadedProfile:
        """Return the version that is there.

        Raises:
            RoutingError: it is damaged, missing, or made with another encoder.
        """
        while True:
            self._taken = self._stamps()
            calibration = Calibration.load(self.folder)
            profile = load_profile(self.folder, encoder=self._encoder)
            version = profile_id(self.folder)
            if self._stamps() == self._taken:  # else another was saved while this one was read
                break
        return LoadedProfile(
            version=version, profile=profile, calibration=_of(profile, calibration)
        )

    def watch(self, take: Callable[[LoadedProfile], None]) -> None:
        """Give each version that is saved from now on to `take`, in a thread."""
        threading.Thread(target=self._watch, args=(take,), name="moma-profile", daemon=True).start()

    def close(self) -> None:
        """Watch the folder no more."""
        self._ended.set()

    def _watch(self, take: Callable[[LoadedProfile], None]) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            seen = self._stamps()
            if seen != self._taken and seen[0] is not None:  # a folder that is gone is no version
                self._renew(take)

    def _renew(self, take: Callable[[LoadedProfile], None]) -> None:
        try:
            found = self.load()
            take(found)
            _log.info("the profile %s is active", found.version)
        except MomaError as error:
            _log.warning("the changed profile is not taken, the one before stays: %s", error)
        except Exception as error:  # noqa: BLE001 in the background nobody else would tell of it
            _log.warning(
                "the changed profile is not taken, the one before stays: loading it failed (%s)",
                type(error).__name__,
            )
            _log.debug("loading the profile failed", exc_info=True)

    def _stamps(self) -> _Stamps:
        return tuple(stamp_of(self.folder / name) for name in (MANIFEST, CHECKS_FILE))


def _of(profile: Profile, calibration: Calibration | None) -> Calibration | None:
    """Return the calibration if it is of any of the profile's models; its folder may have been fitted anew."""
    if calibration is None or not set(calibration.verdicts).isdisjoint(profile.models):
        return calibration
    _log.warning(
        "%s counts for nothing: it was fitted on %s, and the profile has %s; "
        "fit it again with `python -m app.profile calibrate`",
        CHECKS_FILE, ", ".join(calibration.verdicts), ", ".join(profile.models),
    )  # fmt: skip
    return None
