"""Reads a turn by a policy: every signal that the policy uses, the text embedded at most once.

Signals are made ready when the reader is made; a signal that cannot be read, then or later, gives a fault and does not
fire. It decides nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from agents.errors import MomaError
from graphs.policy.policy import Policy, Signal
from graphs.policy.projections import Projections
from graphs.policy.request import Reading, Readings, Request
from graphs.policy.signals.classifiers import Classifiers, plugin_for, read_by
from graphs.policy.signals.complexity import LEVELS, composed, composer_keys
from graphs.policy.signals.family import Kit, Read
from graphs.policy.signals.faults import needs_plugin, signal_faults
from graphs.policy.signals.table import FAMILIES, keys_of
from graphs.policy.signals.turn import Embed, Turn
from graphs.policy.syntax import Condition, references
from graphs.routing.encoder import Encoder, encode_checked

__all__ = ["Reader", "used_signals"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A policy's signals, ready to be read; it may be used from several threads at once."""

    policy: Policy
    signals: Mapping[str, tuple[Signal, Read]]
    """By key, in the order in which they are read."""
    embed: Embed | None
    unknown: tuple[str, ...] = ()
    """Keys that the policy refers to and does not declare."""
    finish: Callable[[Readings], Readings]
    """Adds what follows: groups, scores and bands."""

    @classmethod
    def from_policy(
        cls,
        policy: Policy,
        *,
        encoder: Encoder | None = None,
        classifiers: Classifiers | None = None,
        every: bool = False,
    ) -> "Reader":
        """Make the policy's signals ready: patterns compiled, examples embedded in one batch.

        Args:
            policy: what was lowered; a signal with an error in it gives a fault when it is read.
            encoder: what texts are embedded with; without one, signals that need it give a fault.
            classifiers: by type or `type:name`, instead of what is built in.
            every: prepare signals too that nothing refers to.

        Raises:
            ModelFileError: a fitted file is missing or damaged.
            RoutingError: the encoder failed.
        """
        given = classifiers or {}
        used, unknown = used_signals(policy)
        wanted = list(policy.signals.values()) if every else used
        kit = _kit([s for s in wanted if _embeds(s, given)], encoder)
        return cls(
            policy=policy,
            signals={s.key: (s, _prepared(s, given, kit)) for s in wanted},
            embed=partial(encode_checked, encoder) if encoder else None,
            unknown=unknown,
            finish=Projections(policy).complete,
        )

    @staticmethod
    def needs_encoder(policy: Policy, classifiers: Classifiers | None = None) -> bool:
        """Return whether a signal that the policy uses is read by vectors."""
        return any(_embeds(signal, classifiers or {}) for signal in used_signals(policy)[0])

    def read(self, request: Request) -> Readings:
        """Return the readings of a turn by key, those of projections included."""
        turn = Turn(request, embed=self.embed)
        readings: dict[str, Reading] = {}
        for signal, read in self.signals.values():
            readings.update(_read(signal, read, turn))
        for signal, _ in self.signals.values():
            if signal.type == "complexity" and "composer" in signal.fields:
                own = {key: readings[key] for key in keys_of(signal)}
                if not any(reading.fault for reading in own.values()):
                    readings.update(composed(signal, own, readings))
        for key in self.unknown:
            readings[key] = Reading(False, 0.0, fault="the policy does not declare it")
        return self.finish(readings)


def used_signals(policy: Policy) -> tuple[list[Signal], tuple[str, ...]]:
    """Return the signals that rules, agents, grants, groups and scores refer to, and the keys that are not declared."""
    found: dict[str, Signal] = {}
    unknown: dict[str, None] = {}

    def use(key: str) -> None:
        signal = policy.signals.get(base_key(key))
        if signal is None:
            unknown[key] = None
        elif signal.key not in found:
            found[signal.key] = signal
            if signal.type == "complexity":
                for other in composer_keys(signal):
                    use(other)

    for key in _referred(policy):
        if not key.startswith("projection:"):
            use(key)
    return [s for s in policy.signals.values() if s.key in found], tuple(unknown)


def base_key(key: str) -> str:
    """Return a signal's own key: without the level of a complexity signal."""
    base, _, level = key.rpartition(":")
    return base if key.startswith("complexity:") and level in LEVELS and ":" in base else key


def _referred(policy: Policy) -> Iterator[str]:
    conditions: list[Condition | None] = [rule.when for rule in policy.rules]
    conditions += [d.when for d in (*policy.agents.values(), *policy.grants.values())]
    for condition in conditions:
        yield from (reference.key for reference in references(condition))
    for group in policy.groups:
        yield from group.members
        if group.default:
            yield group.default
    for score in policy.scores.values():
        yield from (term.signal for term in score.terms)


def _embeds(signal: Signal, classifiers: Classifiers) -> bool:
    """Return whether a signal is read here and by vectors."""
    if plugin_for(signal, classifiers) or _fault(signal) is not None:
        return False
    return FAMILIES[signal.type].embeds(signal)


def _kit(embedding: list[Signal], encoder: Encoder | None) -> Kit:
    """Return what signals are prepared with: the vectors of the examples of those that need them, in one batch."""
    if encoder is None:
        return Kit()
    texts = list(dict.fromkeys(text for s in embedding for text in FAMILIES[s.type].examples(s)))
    rows = encode_checked(encoder, texts) if texts else ()
    return Kit(encoder=encoder.name, rows=dict(zip(texts, rows, strict=True)))


def _fault(signal: Signal) -> str | None:
    """Return why nothing built in can read a signal."""
    errors = [f.message for f in signal_faults(signal) if f.severity == "error"]
    return errors[0] if errors else needs_plugin(signal)


def _prepared(signal: Signal, classifiers: Classifiers, kit: Kit) -> Read:
    if score := plugin_for(signal, classifiers):
        errors = [
            f.message
            for f in signal_faults(signal, classifiers=classifiers)
            if f.severity == "error"
        ]
        return _faulty(errors[0]) if errors else read_by(score, signal)
    if fault := _fault(signal):
        return _faulty(fault)
    if FAMILIES[signal.type].embeds(signal) and not kit.encoder:
        return _faulty("it needs an encoder, and there is none")
    try:
        return FAMILIES[signal.type].prepare(signal, kit)
    except ValueError as error:
        return _faulty(str(error))


def _faulty(fault: str) -> Read:
    return lambda _: Reading(False, 0.0, fault=fault)


def _read(signal: Signal, read: Read, turn: Turn) -> Mapping[str, Reading]:
    """Return a signal's readings, or faults in their place whatever goes wrong: a gate must deny then."""
    try:
        answer = read(turn)
    except MomaError as error:
        answer = Reading(False, 0.0, fault=str(error))
    except Exception as error:  # noqa: BLE001 a classifier or an encoder is another's; the text may be in the error
        answer = Reading(False, 0.0, fault=f"it failed with {type(error).__name__}")
    return dict.fromkeys(keys_of(signal), answer) if isinstance(answer, Reading) else answer
