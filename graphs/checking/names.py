"""The names of the checks, as the setting has them."""

from collections.abc import Collection, Sequence

from agents.errors import SettingsError
from graphs.checking.asking import CONFIDENCE, VERIFIER
from graphs.checking.form import FORM
from graphs.checking.signals import LOGPROBS

__all__ = ["AGREEMENT", "DEFAULT_CHECKS", "check_names"]

AGREEMENT = "agreement"
"""Two models that give the same short answer: the cascade itself weighs that."""
DEFAULT_CHECKS = (FORM, AGREEMENT, LOGPROBS)
_KNOWN = (*DEFAULT_CHECKS, VERIFIER, CONFIDENCE)


def check_names(names: Sequence[str], *, verifier: str | None, models: Collection[str]) -> None:
    """Check which checks an operator asks for.

    Raises:
        SettingsError: one is unknown, or the check `verifier` and a model for it do not go together.
    """
    for name in names:
        if name not in _KNOWN:
            raise SettingsError(
                f"MOMA_ANSWER_CHECKS: given {name!r:.40}, expected some of {', '.join(_KNOWN)}"
            )
    if VERIFIER in names and not verifier:
        raise SettingsError(
            "MOMA_ANSWER_CHECKS: verifier needs a model; set MOMA_VERIFIER to its id"
        )
    if verifier and verifier not in models:
        raise SettingsError(f"MOMA_VERIFIER: {verifier!r:.80} is no model of the catalogue")
