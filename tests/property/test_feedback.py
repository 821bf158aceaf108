"""Corrections from any evidence: within their caps, whatever its order, one source little, nothing when it is old."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.routing.corrections import Corrections, correct
from graphs.routing.feedback import CAPS, Evidence, FeedbackRules, Kind, Pieces
from graphs.routing.findings import Findings, find

MODELS = ("a", "b", "c")
REGIONS = 3
TODAY = 20_000.0
RULES = FeedbackRules()
EVIDENCE = st.builds(
    Evidence,
    decision=st.integers(0, 10_000).map(str),
    model=st.sampled_from(MODELS),
    region=st.integers(0, REGIONS - 1),
    predicted=st.sampled_from([0.0, 0.2, 0.5, 0.7, 0.9, 1.0]),
    reward=st.sampled_from([0.0, 0.3, 1.0]),
    kind=st.sampled_from(Kind),
    source=st.integers(0, 12).map(str),
    day=st.floats(TODAY - 30, TODAY),
)
MANY = st.lists(EVIDENCE, max_size=120)


def corrected(
    evidence: Sequence[Evidence], *, today: float = TODAY, findings: Findings | None = None
) -> Corrections:
    pieces = Pieces.of(evidence, MODELS)
    return correct(
        pieces, findings or find(pieces, RULES), regions=REGIONS, today=today, rules=RULES
    )


def calm(sources: int) -> Findings:
    """Return findings of nothing."""
    zeros = np.zeros(sources)
    return Findings(
        offset=np.zeros(len(Kind)),
        trust=np.ones(sources),
        outlying=zeros,
        furthest=zeros.astype(np.intp),
        changes=(),
    )


@given(MANY)
def test_no_correction_exceeds_its_cap(evidence: list[Evidence]) -> None:
    found = corrected(evidence)
    assert np.isfinite(found.shift).all()
    assert np.isfinite(found.belief).all()
    assert (np.abs(found.shift) <= found.cap + 1e-12).all()
    assert (found.cap <= RULES.changed_cap).all()
    assert (found.deviation <= RULES.changed_deviation + 1e-12).all()


@given(MANY, st.randoms())
def test_the_order_in_which_evidence_comes_does_not_matter(
    evidence: list[Evidence], chance: object
) -> None:
    shuffled = sorted(evidence, key=lambda e: hash((e.key, e.day, str(chance))))
    unique = {e.key: e for e in evidence}
    if len(unique) == len(evidence):
        assert np.allclose(corrected(evidence).shift, corrected(shuffled).shift, atol=1e-12)


@settings(max_examples=120)
@given(MANY, st.lists(EVIDENCE, max_size=60))
def test_one_source_moves_no_model_by_more_than_its_cap(
    others: list[Evidence], its: list[Evidence]
) -> None:
    one = [replace(e, source="one") for e in its if e.kind is not Kind.GRADER]
    without, whole = Pieces.of(others, MODELS), Pieces.of([*others, *one], MODELS)
    before = corrected(others, findings=calm(len(without.sources)))
    after = corrected([*others, *one], findings=calm(len(whole.sources)))
    assert np.abs(after.shift - before.shift).max() <= RULES.source_cap


@given(st.lists(EVIDENCE, max_size=120), st.sampled_from([Kind.EDIT, Kind.ESCALATION, Kind.REASK]))
def test_what_is_only_inferred_moves_no_model_beyond_the_cap_of_its_kind(
    evidence: list[Evidence], kind: Kind
) -> None:
    of_kind = [replace(e, kind=kind) for e in evidence]
    pieces = Pieces.of(of_kind, MODELS)
    found = corrected(of_kind, findings=calm(len(pieces.sources)))
    assert np.abs(found.shift).max(initial=0) <= CAPS[kind] + 1e-12


@given(MANY)
def test_old_evidence_counts_for_nothing(evidence: list[Evidence]) -> None:
    later = corrected(evidence, today=TODAY + 20 * RULES.half_life_days)
    assert np.abs(later.shift).max(initial=0) == 0
    assert np.abs(later.belief).max(initial=0) < 1e-3


@given(MANY, st.integers(1, 30))
def test_the_same_word_again_counts_once(evidence: list[Evidence], times: int) -> None:
    assert np.array_equal(corrected(evidence).shift, corrected(evidence * times).shift)
