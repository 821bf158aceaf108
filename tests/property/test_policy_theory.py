"""Whatever the real signals say of a turn, the checks hold it possible; what they show as an example, signals say."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from graphs.policy.checks.caps import axioms, caps_of
from graphs.policy.checks.oracle import Oracle
from graphs.policy.checks.space import Space
from graphs.policy.policy import Band, Bands, Group, Policy, Rule, Score, Signal, Term
from graphs.policy.request import Request
from graphs.policy.signals.faults import signal_faults
from graphs.policy.signals.reader import Reader
from graphs.policy.syntax import And, Not, Reference
from graphs.routing.encoders.rows import Vectors

WORDS = ("hail", "storm", "Storm", "very", "very hail", "hail storm", "STORM hail", "calm")
GRANTS = ("group:a", "a", "group:b", "role:r", "r", "user:ann", "data.read")
ZONES = ("UTC", "Europe/Berlin")


class SmallEncoder:
    """A fake encoder of two dimensions, in which caps are wide and often meet."""

    name = "small"
    dim = 2

    def encode(self, texts: Sequence[str]) -> Vectors:
        turns = [int.from_bytes(hashlib.sha256(t.encode()).digest()[:4]) / 2**32 for t in texts]
        angles = 2 * np.pi * np.array(turns)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def _fields(**each: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=each)


_clock = st.builds(lambda h, m: f"{h:02}:{m:02}", st.integers(0, 23), st.sampled_from([0, 30]))
_date = st.integers(0, 12).map(lambda n: (datetime(2026, 12, 20) + timedelta(n)).date().isoformat())
_count = st.sampled_from([0, 1, 5, 100, "1K", "2k", 5000])
_subject = st.one_of(
    st.fixed_dictionaries({"kind": st.just("user"), "name": st.sampled_from(["ann", "bob"])}),
    st.fixed_dictionaries({"kind": st.sampled_from(["group", "role"]), "name": st.sampled_from("abr")}),
)  # fmt: skip
_KINDS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "keyword": st.builds(
        lambda some, more: {**more, "keywords": some},
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
        _fields(
            operator=st.sampled_from(["OR", "AND", "NOR", "any", "all", "none"]),
            case_sensitive=st.booleans(),
            method=st.sampled_from(["", "exact", "regex", "bm25", "ngram"]),
            fuzzy_match=st.booleans(),
            include_history=st.booleans(),
        ),
    ),
    "context": _fields(min_tokens=_count, max_tokens=_count),
    "length": _fields(
        min_chars=st.integers(0, 30),
        max_chars=st.integers(0, 30),
        min_words=st.integers(0, 5),
        max_words=st.integers(0, 5),
    ),
    "authz": _fields(role=st.just("r"), subjects=st.lists(_subject, min_size=1, max_size=3)),
    "grant": _fields(grant=st.sampled_from(GRANTS)),
    "phase": _fields(phases=st.lists(st.sampled_from(["idle", "engaged", "closed"]), min_size=1)),
    "holder": _fields(agents=st.lists(st.sampled_from(["tasks", "data"]), min_size=1)),
    "time": st.builds(
        lambda fields, zone: {**fields, "zone": zone},
        st.fixed_dictionaries(
            {"from": _clock, "to": _clock},
            optional={
                "days": st.lists(st.sampled_from(["mon", "Friday", "sat"]), min_size=1),
                "date_from": _date,
                "date_until": _date,
            },
        ),
        st.sampled_from(ZONES),
    ),
    "complexity": _fields(threshold=st.sampled_from([0.0, 0.3])),
    "embedding": st.builds(
        lambda some, more: {**more, "candidates": some},
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
        _fields(
            threshold=st.sampled_from([0.2, 0.7, 0.9, 0.99]), aggregation_method=st.sampled_from(["max", "mean", "any"])
        ),
    ),
    "metadata": st.builds(
        lambda key, how: {"key": key, **how},
        st.sampled_from(["tier", "level"]),
        st.one_of(
            _fields(exists=st.booleans()),
            st.fixed_dictionaries({"equals": st.sampled_from([1, True, "gold"])}),
            st.fixed_dictionaries({"in": st.lists(st.sampled_from([1, 1.0, 2, "gold"]), min_size=1)}),
        ),
    ),
    "conversation": st.builds(
        lambda source, bounds: {"feature": {"type": "count", "source": source}, "predicate": bounds},
        st.sampled_from([
            {"type": "message"}, {"type": "message", "role": "user"}, {"type": "tool_definition"},
            {"type": "image_content"}, {"type": "file_content"},
        ]),
        st.dictionaries(
            st.sampled_from(["gt", "gte", "lt", "lte"]), st.sampled_from([-1, 0, 1, 1.5, 3, 4]), min_size=1
        ),
    ),
    "modality": _fields(modality=st.sampled_from(["text", "image"])),
    "jailbreak": _fields(threshold=st.sampled_from([0.3, 0.9])),
    "pii": _fields(threshold=st.sampled_from([0.3, 0.9])),
    "structure": st.just({"feature": {"type": "exists", "source": {"type": "regex", "pattern": "hail"}}}),
}  # fmt: skip


@st.composite
def policies(draw: st.DrawFn, kinds: Sequence[str] = tuple(_KINDS)) -> Policy:
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=2, max_size=6))
    signals = [
        Signal(type=kind, name="text" if kind == "modality" else f"s{n}", fields=draw(_KINDS[kind]))
        for n, kind in enumerate(chosen)
    ]
    signals = [s for s in signals if not any(f.severity == "error" for f in signal_faults(s))]
    assume(signals)
    members = [s.key for s in signals if s.type == "embedding"]
    groups: tuple[Group, ...] = ()
    if len(members) > 1 and draw(st.booleans()):
        default = draw(st.sampled_from([None, members[0]]))
        how = draw(st.sampled_from(["exclusive", "softmax_exclusive"]))
        groups = (Group(name="g", members=tuple(members), default=default, semantics=how),)
    keys = [s.key for s in signals]
    weights, sources = (
        st.sampled_from([0.5, -0.25, 1.0]),
        st.sampled_from(["fires", "confidence", "score"]),
    )
    terms = tuple(
        Term(signal=key, weight=draw(weights), source=draw(sources))  # type: ignore[arg-type]
        for key in draw(st.lists(st.sampled_from(keys), min_size=1, max_size=3))
    )
    bands = (
        Band(name="low", lt=0.25),
        Band(name="middle", gte=0.25, lt=0.75),
        Band(name="high", gt=0.75),
    )
    read = [
        Reference(key.partition(":")[0], key.partition(":")[2])
        for key in (*keys, *(f"projection:{b.name}" for b in bands))
    ]
    return Policy(
        signals={s.key: s for s in signals},
        groups=groups,
        scores={"score": Score(name="score", terms=terms)},
        mappings=(Bands(name="bands", source="score", bands=bands),),
        rules=(Rule(name="all", when=And((*read, *map(Not, read)))),),
    )


_texts = st.lists(
    st.sampled_from([*WORDS, "Very", "HAIL", "mail me at jo@example.org"]), max_size=5
).map(" ".join)
requests = st.builds(
    Request,
    text=_texts,
    previous=st.lists(_texts, max_size=2).map(tuple),
    context=st.lists(_texts, max_size=2).map(tuple),
    tokens=st.one_of(st.none(), st.integers(0, 6000)),
    user=st.sampled_from(["ann", "bob", "eve"]),
    grants=st.frozensets(st.sampled_from(GRANTS), max_size=3),
    now=st.integers(0, 24 * 16).map(lambda n: datetime(2026, 12, 18, tzinfo=UTC) + timedelta(minutes=61 * n)),
    tools=st.lists(st.sampled_from("abcde"), max_size=5).map(tuple),
    metadata=st.dictionaries(st.sampled_from(["tier", "level"]), st.sampled_from([1, 2, True, False, "gold", "x"])),
    phase=st.sampled_from(["idle", "engaged", "closed", "awaiting_input"]),
    holder=st.sampled_from([None, "tasks", "data"]),
    modalities=st.sampled_from([frozenset({"text"}), frozenset({"text", "image"})]),
)  # fmt: skip
many = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)  # fmt: skip


@many
@given(policies(), st.lists(requests, min_size=1, max_size=4))
def test_what_signals_say_is_held_possible(policy: Policy, turns: list[Request]) -> None:
    encoder = SmallEncoder()
    reader = Reader.from_policy(policy, encoder=encoder)
    with Oracle() as oracle:
        space = Space(policy, oracle, axioms=axioms(caps_of(policy, encoder)))
        for turn in turns:
            if "user:ann" in turn.grants and turn.user != "ann":
                continue  # that a caller has no other user's grant is an assumption
            readings = reader.read(turn)
            literals = [
                space.atoms.literal(key) if reading.fires else -space.atoms.literal(key)
                for key, reading in readings.items()
            ]
            assert not [r.fault for r in readings.values() if r.fault]
            assert oracle.possible(literals), (turn, {k: r.fires for k, r in readings.items()})


_EXACT = ("context", "authz", "grant", "phase", "holder", "keyword")


@many
@given(policies(_EXACT), st.data())
def test_an_example_is_read_as_it_says(policy: Policy, data: st.DataObject) -> None:
    assume(all(s.type != "keyword" or _plain(s) for s in policy.signals.values()))
    reader = Reader.from_policy(policy)
    conditions = [rule.when for rule in policy.rules]
    with Oracle() as oracle:
        space = Space(policy, oracle)
        wanted = data.draw(st.lists(st.sampled_from(list(policy.signals)), max_size=3, unique=True))
        model = space.find([space.atoms.literal(key) for key in wanted])
        assume(model is not None)
        assert model is not None
        example = space.shown(model, conditions)
    turn = Request(
        text=example.get("text", ""),
        context=(example.get("said", ""),),
        tokens=example.get("tokens", 0),
        user=example.get("user", "nobody"),
        grants=frozenset(example.get("grants", ())),
        phase=example.get("phase", "idle"),
        holder=example.get("holder"),
    )
    readings = reader.read(turn)
    read = {key for key in policy.signals}
    assert {key for key in read if readings[key].fires} == read & set(example["fires"])


def _plain(signal: Signal) -> bool:
    """Return whether words beside each other make no other word that is looked for."""
    fields = signal.fields
    return (
        not fields.get("fuzzy_match")
        and fields.get("method", "") in ("", "exact")
        and all(" " not in word for word in fields["keywords"])
    )
