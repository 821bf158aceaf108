"""Saves a profile that was made from another one. It knows not what was changed."""

from pathlib import Path

from graphs.routing.profile import Profile
from graphs.routing.profile_files import save_profile

__all__ = ["save_changed"]


def save_changed(profile: Profile, output: Path, *, source: Path, made_from: str) -> None:
    """Write `profile` to `output`; in place of `source` only while that is what it was made from, by its id.

    Raises:
        RoutingError: it cannot be written, or another command has saved there meanwhile.
    """
    in_place = output.resolve() == source.resolve()
    save_profile(profile, output, replacing=made_from if in_place else None)
