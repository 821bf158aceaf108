"""What the operator of one process sets; what a caller may set is in `graphs.state.Context`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from graphs.budgets import BudgetLimits
from graphs.checking.names import DEFAULT_CHECKS
from graphs.feedback import FeedbackMode
from graphs.gateway.gateway import Places
from graphs.gateway.transport import Limits
from graphs.policy.signals.classifiers import Classifiers
from graphs.state import Preference

__all__ = ["Options"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the operator set."""

    home: Path = field(default_factory=lambda: Path.home() / ".local" / "share" / "moma")
    """Where agents keep their files."""
    database: str | None = None
    """The address of a PostgreSQL database for what processes share: what was spent, which models rest."""
    encoder: str = "onnx"
    profile: Path | None = None
    """The folder of a measured profile; without one the catalogue's assumed qualities count."""
    feedback: FeedbackMode = "off"
    """Whether words on turns are kept as evidence on the profile, and whether they correct it at once."""
    canary_share: float = 0.03
    """The share of turns that look beyond the first choice of a model while feedback is live."""
    policy: Path | None = None
    """The policy file that every turn is judged by; None lets the other masks decide alone."""
    classifiers: Classifiers = field(default_factory=dict)
    """The policy's plug-ins, by the type of signal or by `type:name`."""
    preference: Preference = "auto"
    budgets: BudgetLimits = field(default_factory=BudgetLimits)
    default_grants: frozenset[str] = frozenset()
    """What every caller has."""
    residency: frozenset[str] = frozenset()
    """Where models must run; empty means anywhere."""
    max_hops: int = 6
    """Agents that each call a model once then make 8 calls a turn at most, with the answer after the last hand-over."""
    capable_from: float = 0.6
    """The quality from which a model is trusted to write SQL or to answer from passages."""
    routing_seconds: float = 2.0
    """The longest that choosing an agent and a model may take before the default model answers: on two busy cores the
    longest text that is read takes up to 0.5 s, so that what takes four times as long hangs."""
    checked_answers: bool = False
    """Whether models' answers are checked before they are shown, where a caller says neither."""
    checks: tuple[str, ...] = DEFAULT_CHECKS
    """Which checks are made."""
    verifier: str | None = None
    """The model that the check `verifier` asks."""
    tie_break: bool = False
    """Whether a model is asked which of a few agents is meant before the user is."""
    local_threads: int = 1
    turns_at_once: int = 64
    turns_waiting: int = 64
    """More are refused."""
    turns_per_user: int | None = None
    limits: Limits = field(default_factory=Limits)
    places: Places = field(default_factory=Places)
    on_progress: Callable[[str], None] | None = None
