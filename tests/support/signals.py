"""Reads one signal of one turn, as tests of signals do."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from graphs.policy.policy import Policy, Rule, Signal
from graphs.policy.request import Reading, Readings, Request
from graphs.policy.signals.classifiers import Classifiers
from graphs.policy.signals.reader import Reader
from graphs.policy.syntax import And, Reference
from graphs.routing.encoder import CachedEncoder, make_encoder

__all__ = ["encoder", "policy_of", "read", "read_all", "signal"]


@lru_cache(maxsize=1)
def encoder() -> CachedEncoder:
    """Return the real encoder, one for all tests of a process."""
    return CachedEncoder(make_encoder())


def signal(type_: str, name: str = "x", /, **fields: Any) -> Signal:
    return Signal(type=type_, name=name, fields=fields)


def policy_of(*signals: Signal) -> Policy:
    """Return a policy whose only rule refers to all of `signals`."""
    when = And(tuple(Reference(s.type, s.name) for s in signals))
    return Policy(signals={s.key: s for s in signals}, rules=(Rule(name="r", when=when),))


def read_all(
    *signals: Signal,
    text: str = "",
    classifiers: Classifiers | None = None,
    encoded: bool = False,
    **request: Any,
) -> Readings:
    reader = Reader.from_policy(
        policy_of(*signals), encoder=encoder() if encoded else None, classifiers=classifiers
    )
    return reader.read(Request(text=text, **request))


def read(given: Signal, text: str = "", **more: Any) -> Reading:
    """Return the reading of one signal; `encoded=True` gives it the real encoder."""
    readings: Mapping[str, Reading] = read_all(given, text=text, **more)
    return readings[given.key]
