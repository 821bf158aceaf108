"""What is wrong with a signal as it is written, and that such a signal never fires."""

from typing import Any

import pytest

from graphs.policy.policy import Signal
from graphs.policy.signals.family import Kind
from graphs.policy.signals.faults import domain_fault, known_fields, needs_plugin, signal_faults
from graphs.policy.signals.table import FAMILIES
from graphs.policy.syntax import Place
from tests.support.signals import read, read_all, signal

COUNT = {"type": "count", "source": {"type": "regex", "pattern": "x"}}
BROKEN = {"type": "exists", "source": {"type": "regex", "pattern": "("}}
GREEK = "[\u0391-\u03a9]{2,200}"
"""Small enough a program with its case, too large a one without."""
CASELESS = {
    "type": "exists",
    "source": {"type": "regex", "pattern": GREEK, "case_sensitive": False},
}
WORDY = {"type": "exists", "source": {"type": "keyword_set", "keywords": ["x" * 600, "y" * 600]}}
MARKED = {"type": "sequence", "source": {"type": "sequence", "sequences": [["x" * 2000]]}}
WRONG: list[tuple[Signal, str, str]] = [
    (signal("keywrd", keywords=["a"]), "unknown_signal_type", "did you mean 'keyword'?"),
    (signal("keyword"), "missing_field", "`keywords` is missing"),
    (signal("keyword", keywords=[]), "wrong_value", "`keywords` is []"),
    (signal("keyword", keywords=["a", " "]), "wrong_value", "none empty"),
    (signal("keyword", keywords="a"), "wrong_value", "a list of texts"),
    (signal("keyword", keyword=["a"], keywords=["a"]), "unknown_field", "did you mean 'keywords'?"),
    (signal("keyword", keywords=["a"], operator="XOR"), "wrong_value", "expected one of or, any"),
    (signal("keyword", keywords=["a"], case_sensitive="yes"), "wrong_value", "true or false"),
    (signal("keyword", keywords=["(?=a)"], method="regex"), "unsafe_regex", "look-around"),
    (signal("keyword", keywords=[GREEK], method="regex"), "unsafe_regex", "instructions"),
    (signal("keyword", keywords=["a"], ngram_arity=0), "out_of_range", "1 or more"),
    (signal("keyword", keywords=["a"], bm25_threshold=2), "out_of_range", "from 0 to 1"),
    (signal("embedding", candidates=["a"], threshold=1.5), "out_of_range", "is 1.5"),
    (signal("embedding", candidates=["a"], threshold=True), "wrong_value", "a number from 0 to 1"),
    (signal("embedding", candidates=["a"], query_modality="image"), "wrong_value", "only texts"),
    (signal("structure", feature=COUNT), "wrong_value", "`predicate` is missing"),
    (signal("structure", feature=COUNT, predicate={"gte": 600}), "out_of_range", "less than 500"),
    (signal("structure", feature=COUNT, predicate={"gt": 3, "lt": 2}), "out_of_range", "above 3"),
    (signal("structure", feature=COUNT, predicate={"ge": 3}), "unknown_field", "'ge'"),
    (signal("structure", feature=BROKEN), "unsafe_regex", "missing )"),
    (signal("structure", feature=CASELESS), "unsafe_regex", "instructions"),
    (signal("structure", feature=WORDY), "unsafe_regex", "the keywords together"),
    (signal("structure", feature=MARKED), "unsafe_regex", "the marker"),
    (signal("structure", feature={"type": "most"}), "wrong_value", "exists, count"),
    (signal("context"), "wrong_value", "both missing"),
    (signal("context", min_tokens="9K", max_tokens="8K"), "out_of_range", "above"),
    (signal("context", min_tokens="many"), "wrong_value", "tokens"),
    (signal("length", min_words=5, max_words=2), "out_of_range", "above"),
    (signal("length", min_words=-5), "out_of_range", "from 0 on"),
    (signal("language", "english"), "wrong_value", "no language"),
    (signal("domain", "cooking"), "wrong_value", "no category"),
    (signal("domain", mmlu_categories=["cooking"]), "wrong_value", "no category"),
    (signal("complexity", hard={"candidates": []}), "wrong_value", "at least one"),
    (signal("complexity", composer={"operator": "XOR", "conditions": []}), "wrong_value", "XOR"),
    (signal("complexity", composer={"type": "complexity", "name": "x"}), "wrong_value", "after it"),
    (signal("authz"), "wrong_value", "nobody would be meant"),
    (signal("authz", subjects=[{"kind": "team", "name": "a"}]), "wrong_value", "'team'"),
    (signal("time"), "wrong_value", "`days` is missing"),
    (signal("time", days=["someday"]), "wrong_value", "'someday'"),
    (signal("time", **{"from": "25:00"}), "wrong_value", "09:00"),
    (signal("time", **{"from": "9:00", "to": "09:00"}), "out_of_range", "no time"),
    (signal("time", days=["mon"], zone="Mars/Base"), "wrong_value", "IANA"),
    (signal("time", date_from="2026-02-30"), "wrong_value", "2026-12-24"),
    (signal("time", date_from="2026-12-02", date_until="2026-12-01"), "out_of_range", "before"),
    (signal("phase", "sleeping"), "wrong_value", "'sleeping'"),
    (signal("conversation", feature=COUNT, predicate={"gt": 1}), "wrong_value", "does not tell"),
    (signal("metadata", equals=1, exists=True), "wrong_value", "more than once"),
    (signal("event"), "wrong_value", "`key` is missing"),
    (signal("pii", pii_types_allowed=["SHOE_SIZE"]), "wrong_value", "SHOE_SIZE"),
    (signal("jailbreak", method="magic"), "wrong_value", "expected one of pattern"),
    (signal("jailbreak", direction="response"), "wrong_value", "not read here"),
    (signal("reask", lookback_turns=0), "out_of_range", "1 to 20"),
]  # fmt: skip


def test_the_size_of_a_pattern_is_that_of_the_program_that_is_run() -> None:
    sensitive = signal("keyword", keywords=[GREEK], method="regex", case_sensitive=True)
    assert signal_faults(sensitive) == []
    assert read(sensitive, "\u03a6\u03a0\u0391").fires


@pytest.mark.parametrize(
    ("given", "code", "said"), WRONG, ids=[f"{s.type}-{w}" for s, _, w in WRONG]
)
def test_an_error_is_told_and_the_signal_never_fires(given: Signal, code: str, said: str) -> None:
    errors = [f for f in signal_faults(given) if f.severity == "error"]
    assert code in {f.code for f in errors}
    assert any(said in f"{f.message} {f.hint}" for f in errors), errors
    assert all(given.key in f.message and f.names == (given.key,) for f in errors)
    readings = read_all(given, text="a x", encoded=False)
    assert all(r.fault and not r.fires for r in readings.values())


def test_a_finding_stands_where_the_signal_stands() -> None:
    given = Signal(type="keyword", name="x", at=Place(3, 8))
    assert signal_faults(given)[0].at == Place(3, 8)


@pytest.mark.parametrize(
    "given",
    [
        signal("keyword", keywords=["a"], description="about"),
        signal("authz", role="analyst"),
        signal("jailbreak"),
        signal("pii", pii_types_allowed=[]),
        signal("complexity"),
        signal("domain", "computer_science"),
        signal("language", "de", threshold=0.4),
        signal("reask"),
    ],
    ids=lambda s: s.type,
)
def test_nothing_is_wrong_with_these(given: Signal) -> None:
    assert signal_faults(given) == []
    assert needs_plugin(given) is None


@pytest.mark.parametrize("type_", ["kb", "classifier", "kb_metric"])
def test_what_needs_a_classifier_is_noted(type_: str) -> None:
    given = signal(type_)
    (note,) = signal_faults(given)
    assert (note.code, note.severity) == ("needs_plugin", "note")
    assert signal_faults(given, classifiers=[type_]) == []
    assert needs_plugin(given)
    assert "needs a classifier" in read_all(given)[given.key].fault


def test_a_classifier_makes_an_unknown_type_known() -> None:
    assert signal_faults(signal("mood"), classifiers={"mood": None}) == []


def test_notes_say_how_a_signal_is_read() -> None:
    codes = {
        f.code
        for s in (
            signal("jailbreak", method="classifier"),
            signal("fact_check"),
            signal("domain", "cooking", description="food"),
            signal("pii", pii_types_allowed=["PERSON"]),
        )
        for f in signal_faults(s)
    }
    assert codes == {"without_classifier", "heuristic", "by_description"}


def test_domain_faults() -> None:
    assert domain_fault(signal("domain", "law")) is None
    assert domain_fault(signal("domain", "x", mmlu_categories=["Computer-Science"])) is None
    assert domain_fault(signal("domain", "x", description="something")) is None
    assert "no category" in str(domain_fault(signal("domain", "x")))


def test_every_type_tells_its_fields() -> None:
    for type_ in FAMILIES:
        assert known_fields(type_)["description"] is Kind.TEXT
    assert known_fields("unheard") == {}
    assert known_fields("embedding")["threshold"] is Kind.SHARE


@pytest.mark.parametrize(
    "value", [None, {}, [], [[]], 3, -1, 2.5, "x", True, float("nan")], ids=repr
)
@pytest.mark.parametrize("type_", sorted(FAMILIES))
def test_no_value_of_any_field_makes_the_check_or_the_reader_raise(type_: str, value: Any) -> None:
    for name in known_fields(type_):
        base = {
            n: _PLAIN[k] for n, k in known_fields(type_).items() if n in FAMILIES[type_].required
        }
        given = signal(type_, **{**base, name: value})
        signal_faults(given)
        read_all(given, text="some text")


_PLAIN: dict[Kind, Any] = {Kind.TEXTS: ["a"], Kind.FIELDS: COUNT}
