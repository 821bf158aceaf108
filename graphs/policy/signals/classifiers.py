"""Classifiers from outside: what they are, how a setting names them, how a signal is read by one.

A classifier is given for a type of signal or for one signal, `type:name`, and then replaces what is built in. It knows
no signal's own way of reading.
"""

import importlib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

from agents.errors import SettingsError
from graphs.policy.policy import Signal
from graphs.policy.request import Reading
from graphs.policy.signals.complexity import levels
from graphs.policy.signals.family import Read, fired
from graphs.policy.signals.turn import Turn

__all__ = ["Classifier", "Classifiers", "load_classifiers", "plugin_for", "read_by"]

THRESHOLD = 0.5
_ENTRY = re.compile(r"(?:([A-Za-z_]\w*(?::[\w.-]+)?)=)?([A-Za-z_][\w.]*):([A-Za-z_]\w*)")
_FORM = "expected [TYPE or TYPE:NAME=]package.module:callable, with commas between"


@runtime_checkable
class Classifier(Protocol):
    """Whatever scores a text for a signal; `score` may be called from several threads at once."""

    @property
    def name(self) -> str:
        """What it is for: a type of signal, or `type:name`."""

    def score(self, text: str, signal: Signal) -> float:
        """Return how much the signal's meaning is in the text, from 0 to 1."""


Score: TypeAlias = Callable[[str, Signal], float]
Classifiers: TypeAlias = Mapping[str, Classifier | Score]
"""By type or `type:name`."""


@dataclass(frozen=True, slots=True)
class Named:
    """A plain function as a classifier."""

    name: str
    function: Score

    def score(self, text: str, signal: Signal) -> float:
        """Return what the function says."""
        return self.function(text, signal)


def plugin_for(signal: Signal, classifiers: Classifiers) -> Score | None:
    """Return what scores a signal: the classifier for it alone, or else for its type."""
    given = classifiers.get(signal.key) or classifiers.get(signal.type)
    return given.score if isinstance(given, Classifier) else given


def read_by(score: Score, signal: Signal) -> Read:
    """Return what reads a signal by a classifier; with `include_history` it is given all that a model would read.

    A complexity signal's classifier says how hard a text is: 0.5 is a margin of 0, 1 one of 1.
    """
    threshold = float(signal.fields.get("threshold", THRESHOLD))
    history = bool(signal.fields.get("include_history"))

    def read(turn: Turn) -> Reading | Mapping[str, Reading]:
        text = "\n".join((*turn.before(), turn.text)) if history else turn.text
        found = float(score(text, signal))
        if not (math.isfinite(found) and 0 <= found <= 1):
            return Reading(
                False, 0.0, threshold, fault=f"its classifier gave {found}, expected 0 to 1"
            )
        if signal.type == "complexity":
            return levels(signal, 2 * found - 1)
        return fired(found >= threshold and found > 0, found, threshold, "by its classifier")

    return read


def load_classifiers(setting: str) -> dict[str, Classifier]:
    """Import the classifiers that a setting names, separated by commas.

    Each is `package.module:callable`. Before it may stand what it is for, `jailbreak=` or `pii:strict=`; without that
    its `name` says so. A class is called without arguments to make the classifier.

    Raises:
        SettingsError: an entry has another form, cannot be imported, says not what it is for, or one is there twice.
    """
    found: dict[str, Classifier] = {}
    for entry in filter(None, map(str.strip, setting.split(","))):
        key, classifier = _load(entry)
        if key in found:
            raise SettingsError(f"two classifiers are given for {key!r}, expected one")
        found[key] = classifier
    return found


def _load(entry: str) -> tuple[str, Classifier]:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise SettingsError(f"the classifier {entry[:100]!r} has another form, {_FORM}")
    key, module, attribute = match.groups()
    imported = _imported(entry, module)
    if not hasattr(imported, attribute):
        raise SettingsError(
            f"the classifier {entry!r}: the module {module} has no {attribute!r}, expected a callable"
        )
    given = _made(entry, getattr(imported, attribute))
    key = key or getattr(given, "name", None)
    if not isinstance(key, str) or not key:
        raise SettingsError(
            f"the classifier {entry!r} does not say what it is for: give it a `name` or write TYPE={entry}"
        )
    return key, given if isinstance(given, Classifier) else Named(key, given)


def _imported(entry: str, module: str) -> Any:
    try:
        return importlib.import_module(module)
    except Exception as error:
        raise SettingsError(
            f"the classifier {entry!r} cannot be imported ({type(error).__name__}: {error}): "
            "give the path of an installed module"
        ) from error


def _made(entry: str, given: Any) -> Classifier | Score:
    try:
        made = given() if isinstance(given, type) else given
    except Exception as error:
        raise SettingsError(
            f"the classifier {entry!r} cannot be made ({type(error).__name__}): it must take no arguments"
        ) from error
    if isinstance(made, Classifier):
        return made
    if callable(made):
        score: Score = made
        return score
    raise SettingsError(
        f"the classifier {entry!r} is no callable and has no `score`, expected score(text, signal)"
    )
