"""A small world of signals in which each input can be written down: what brute force knows of them, without clauses.

It shares nothing with the checks but the declarations: each family lists the sets of keys that can fire together.
"""

import itertools
from collections.abc import Iterator, Sequence

from graphs.policy.policy import Band, Bands, Group, Policy, Score, Signal, Term
from graphs.policy.syntax import And, Condition, Not, Or, Reference

Fires = frozenset[str]

_DECLARED = (
    Signal(type="keyword", name="urgent", fields={"operator": "OR", "keywords": ["urgent"]}),
    Signal(type="keyword", name="hurry", fields={"operator": "OR", "keywords": ["asap", "Urgent"]}),
    Signal(type="keyword", name="both", fields={"operator": "AND", "keywords": ["urgent", "asap"]}),
    Signal(type="keyword", name="calm", fields={"operator": "NOR", "keywords": ["urgent", "asap"]}),
    Signal(type="authz", name="ann", fields={"subjects": [{"kind": "user", "name": "ann"}]}),
    Signal(type="authz", name="bob", fields={"subjects": [{"kind": "user", "name": "bob"}]}),
    Signal(
        type="authz",
        name="staff",
        fields={"subjects": [{"kind": "user", "name": "ann"}, {"kind": "group", "name": "staff"}]},
    ),
    Signal(type="context", name="short", fields={"min_tokens": 0, "max_tokens": "1K"}),
    Signal(type="context", name="middle", fields={"min_tokens": 500, "max_tokens": "8000"}),
    Signal(type="context", name="long", fields={"min_tokens": 8001, "max_tokens": "1M"}),
    Signal(type="complexity", name="need", fields={"threshold": 0.1}),
    Signal(type="embedding", name="code", fields={"threshold": 0.7, "candidates": ["a"]}),
    Signal(type="embedding", name="law", fields={"threshold": 0.7, "candidates": ["b"]}),
    Signal(type="embedding", name="near", fields={"threshold": 0.5, "candidates": ["c"]}),
    Signal(type="embedding", name="nearer", fields={"threshold": 0.8, "candidates": ["c"]}),
    Signal(type="phase", name="open", fields={"phases": ["idle", "engaged"]}),
    Signal(type="phase", name="waiting", fields={"phases": ["awaiting_input", "awaiting_choice"]}),
    Signal(type="language", name="de"),
    Signal(type="language", name="fr"),
    Signal(type="domain", name="math", fields={"mmlu_categories": ["math", "physics"]}),
    Signal(type="domain", name="science", fields={"mmlu_categories": ["physics", "biology"]}),
    Signal(type="domain", name="other", fields={"mmlu_categories": ["other"]}),
    Signal(type="time", name="office", fields={"days": ["mon", "tue"], "from": "09:00", "to": "17:00"}),
    Signal(type="time", name="early", fields={"from": "06:00", "to": "09:00"}),
    Signal(type="time", name="night", fields={"days": ["mon"], "from": "22:00", "to": "06:30"}),
)  # fmt: skip
SIGNALS = {signal.key: signal for signal in _DECLARED}
GROUPS = (
    Group(name="topics", members=("embedding:code", "embedding:law"), default="embedding:law"),
)
SCORES = {
    "risk": Score(
        name="risk",
        terms=(Term(signal="keyword:urgent", weight=0.5), Term(signal="authz:ann", weight=0.3)),
    ),
    "closeness": Score(
        name="closeness", terms=(Term(signal="embedding:near", weight=0.5, source="confidence"),)
    ),
}
MAPPINGS = (
    Bands(
        name="risks",
        source="risk",
        bands=(
            Band(name="low", lt=0.3),
            Band(name="mid", gte=0.3, lt=0.6),
            Band(name="high", gte=0.6),
        ),
    ),
    Bands(
        name="closenesses",
        source="closeness",
        bands=(
            Band(name="far", lte=0.2),
            Band(name="by", gt=0.2, lt=0.5),
            Band(name="never", gt=0.6),
        ),
    ),
)
KEYS = (
    *(key for key in SIGNALS if not key.startswith("complexity")),
    "complexity:need:hard", "complexity:need:medium", "complexity:need:easy", "complexity:need",
    *(f"projection:{band.name}" for mapping in MAPPINGS for band in mapping.bands),
)  # fmt: skip


def policy_of(**parts: object) -> Policy:
    """Return a policy over the signals of this world."""
    return Policy(signals=SIGNALS, groups=GROUPS, scores=SCORES, mappings=MAPPINGS, **parts)  # type: ignore[arg-type]


def reference(key: str) -> Reference:
    """Return the reference to a key."""
    kind, _, name = key.partition(":")
    return Reference(kind, name)


def _words() -> Iterator[Fires]:
    for urgent, asap in itertools.product((False, True), repeat=2):
        fires = {
            "urgent": urgent,
            "hurry": urgent or asap,
            "both": urgent and asap,
            "calm": not (urgent or asap),
        }
        yield frozenset(f"keyword:{name}" for name, fired in fires.items() if fired)


def _callers() -> Iterator[Fires]:
    for user, staff in itertools.product(("ann", "bob", "eve"), (False, True)):
        names = ({user} & {"ann", "bob"}) | ({"staff"} if staff or user == "ann" else set())
        yield frozenset(f"authz:{name}" for name in names)


def _groups() -> Iterator[Fires]:
    yield frozenset({"embedding:law"})  # alone, as the winner, or as the default
    yield frozenset({"embedding:code"})


_ALONE: dict[str, Sequence[Fires]] = {
    "keyword": list(_words()),
    "authz": list(_callers()),
    "context": [
        frozenset(f"context:{name}" for name in names)
        for names in (("short",), ("short", "middle"), ("middle",), ("long",), ())
    ],
    "complexity": [
        frozenset({"complexity:need", "complexity:need:hard"}),
        frozenset({"complexity:need:medium"}),
        frozenset({"complexity:need:easy"}),
    ],
    "topics": list(_groups()),
    "closeness": [
        frozenset({"projection:far"}),
        frozenset({"embedding:near", "projection:far"}),
        frozenset({"embedding:near", "projection:by"}),
        frozenset({"embedding:near"}),  # exactly 0.5 lies in no band
        frozenset({"embedding:near", "embedding:nearer", "projection:far"}),
        frozenset({"embedding:near", "embedding:nearer", "projection:by"}),
        frozenset({"embedding:near", "embedding:nearer"}),
    ],
    "phase": [frozenset({"phase:open"}), frozenset({"phase:waiting"}), frozenset()],
    "language": [frozenset(), frozenset({"language:de"}), frozenset({"language:fr"})],
    "domain": [
        frozenset(f"domain:{name}" for name in names)
        for names in ((), ("math",), ("math", "science"), ("science",), ("other",))
    ],
    "time": [
        frozenset(f"time:{name}" for name in names)
        for names in ((), ("office",), ("early",), ("early", "night"), ("night",))
    ],
}  # fmt: skip


def _family(key: str) -> tuple[str, ...]:
    if key in ("embedding:code", "embedding:law"):
        return ("topics",)
    if key in ("projection:low", "projection:mid", "projection:high"):
        return ("keyword", "authz")
    if key.startswith(("projection:", "embedding:")):
        return ("closeness",)
    return (key.partition(":")[0],)


def worlds(keys: Sequence[str]) -> Iterator[Fires]:
    """Yield which keys fire in each input that differs in `keys`."""
    families = dict.fromkeys(family for key in keys for family in _family(key))
    for parts in itertools.product(*(_ALONE[family] for family in families)):
        fires = frozenset().union(*parts)
        risk = 0.5 * ("keyword:urgent" in fires) + 0.3 * ("authz:ann" in fires)
        band = "low" if risk < 0.3 else "mid" if risk < 0.6 else "high"
        yield fires | {f"projection:{band}"}


def true(condition: Condition | None, fires: Fires) -> bool:
    """Return whether a condition holds in a world."""
    match condition:
        case None:
            return True
        case Reference():
            return condition.key in fires
        case Not(part):
            return not true(part, fires)
        case And(parts):
            return all(true(part, fires) for part in parts)
        case Or(parts):
            return any(true(part, fires) for part in parts)
