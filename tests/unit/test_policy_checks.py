"""What a check says: which rules a finding names, what it rests on, which input it shows."""

import time
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from graphs.policy.checks import Known, check_policy, run_tests, verdicts
from graphs.policy.checks.logic import prove
from graphs.policy.checks.order import CertainOrder
from graphs.policy.checks.tests import request_of
from graphs.policy.checks.theory.times import span_of
from graphs.policy.decide import Decider
from graphs.policy.engine import Engine
from graphs.policy.findings import Finding
from graphs.policy.policy import Policy, Rule, Signal
from graphs.policy.policy import Test as PolicyTest
from graphs.policy.read import read_policy
from graphs.policy.request import Reading, Request
from graphs.policy.signals.family import Kit
from graphs.policy.signals.reader import Reader
from graphs.policy.signals.times import TIME
from graphs.policy.signals.turn import Turn
from graphs.policy.syntax import Reference

WORDS = """
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
SIGNAL keyword fast { operator: "OR"  keywords: ["fast"] }
SIGNAL authz staff { subjects: [{ kind: "group", name: "staff" }] }
SIGNAL context long { min_tokens: 5000 }
SIGNAL domain sums { mmlu_categories: ["math"] }
SIGNAL domain courts { mmlu_categories: ["law"] }
"""


def check(rules: str, **given: Any) -> list[Finding]:
    policy, told = read_policy(WORDS + rules)
    assert told == []
    found = check_policy(policy, **given)
    return [f for f in found if f.code not in ("unused_signal", "last_message_only")]


def only(findings: list[Finding], code: str) -> Finding:
    [finding] = [f for f in findings if f.code == code]
    return finding


def test_a_shadowed_rule_names_the_fewest_rules_that_cover_it() -> None:
    found = check(
        """
        ROUTE other { PRIORITY 40  WHEN keyword("fast")  MODEL "n" }
        ROUTE staff { PRIORITY 30  WHEN authz("staff")  MODEL "m" }
        ROUTE public { PRIORITY 20  WHEN NOT authz("staff") AND keyword("loud")  MODEL "n" (reasoning = true) }
        ROUTE caught { PRIORITY 10  WHEN keyword("loud")  MODEL "m" }
        ROUTE rest { MODEL "m" (reasoning = true) }
        """
    )
    shadowed = only(found, "shadowed")
    assert shadowed.names == ("caught", "staff", "public")
    assert (shadowed.severity, shadowed.basis) == ("error", "proved")


def test_a_conflict_shows_an_input_that_fires_both() -> None:
    found = check(
        """
        ROUTE staff { PRIORITY 5  WHEN authz("staff") AND keyword("loud")  MODEL "m" }
        ROUTE long { PRIORITY 5  WHEN context("long") AND NOT keyword("fast")  MODEL "n" }
        ROUTE rest { MODEL "m" (reasoning = true) }
        """
    )
    conflict = only(found, "conflict")
    assert conflict.names == ("long", "staff")
    assert "alphabet" in conflict.message
    assert conflict.example == {
        "fires": ["authz:staff", "context:long", "keyword:loud"],
        "text": "loud",
        "tokens": 5000,
        "grants": conflict.example and conflict.example["grants"],
    }
    assert conflict.example
    assert {"group:staff", "staff"} & set(conflict.example["grants"])


def test_what_a_classifier_excludes_is_proved_under_assumptions() -> None:
    found = check(
        """
        ROUTE odd { PRIORITY 5  WHEN domain("sums") AND domain("courts") AND keyword("loud")  MODEL "m" }
        ROUTE rest { MODEL "n" }
        """
    )
    contradiction = only(found, "contradiction")
    assert contradiction.basis == "proved under assumptions"
    assert 'domain("sums") AND domain("courts")' in contradiction.message
    assert "keyword" not in contradiction.message


def test_a_plain_contradiction_of_a_classifier_is_proved() -> None:
    found = check(
        """
        ROUTE odd { PRIORITY 5  WHEN domain("sums") AND NOT domain("sums")  MODEL "m" }
        ROUTE rest { MODEL "n" }
        """
    )
    assert only(found, "contradiction").basis == "proved"


def test_a_fallback_that_is_not_reached_is_a_note() -> None:
    found = check(
        """
        ROUTE staff { PRIORITY 5  WHEN authz("staff")  MODEL "m" }
        ROUTE public { PRIORITY 4  WHEN NOT authz("staff")  MODEL "n" }
        ROUTE rest { MODEL "m" (reasoning = true) }
        """
    )
    assert only(found, "shadowed").severity == "note"


def test_a_narrower_rule_of_the_same_rank_is_a_note() -> None:
    found = check(
        """
        ROUTE wide { WHEN domain("sums")  MODEL "m" }
        ROUTE narrow { WHEN domain("sums") AND keyword("loud")  MODEL "n" }
        ROUTE rest { MODEL "m" (reasoning = true) }
        GLOBAL { strategy: "confidence" }
        """
    )
    assert only(found, "generalisation").names == ("narrow", "wide")
    assert not [f for f in found if f.code == "conflict"]


def test_a_rule_whose_inputs_would_end_the_same_without_it_is_a_note() -> None:
    found = check(
        """
        ROUTE small { PRIORITY 5  WHEN keyword("loud")  MODEL "n" }
        ROUTE rest { MODEL "n" }
        """
    )
    redundant = only(found, "redundant")
    assert (redundant.names, redundant.severity) == (("small", "rest"), "note")


def test_confidence_alone_shadows_nothing() -> None:
    found = check(
        """
        ROUTE wide { WHEN domain("sums") OR domain("courts")  MODEL "m" }
        ROUTE narrow { WHEN domain("sums")  MODEL "n" }
        ROUTE rest { MODEL "m" (reasoning = true) }
        GLOBAL { strategy: "confidence" }
        """
    )
    assert not [f for f in found if f.code == "shadowed"]


def test_a_hint_names_the_nearest_signal_whatever_its_type() -> None:
    found = check('ROUTE a { WHEN embedding("loud")  MODEL "m" }  ROUTE rest { MODEL "n" }')
    assert only(found, "unknown_signal").hint == 'did you mean keyword("loud")?'
    found = check('ROUTE a { WHEN keyword("luod")  MODEL "m" }  ROUTE rest { MODEL "n" }')
    assert only(found, "unknown_signal").hint == 'did you mean keyword("loud")?'


def test_what_the_installation_has_counts_as_known() -> None:
    rules = """
    ROUTE a {
      WHEN keyword("loud")
      MODEL "house"
      AGENT "tasks"
      PLUGIN tools { mode: "filtered"  allow_tools: ["find"] }
    }
    ROUTE rest { MODEL "n" }
    """
    known = Known(
        models=frozenset({"house"}), agents=frozenset({"tasks"}), tools=frozenset({"find"})
    )
    assert [f for f in check(rules, known=known) if f.code.startswith("unknown_")] == []
    other = Known(models=frozenset(), agents=frozenset({"task"}), tools=frozenset({"seek"}))
    codes = {f.code for f in check(rules, known=other) if f.code.startswith("unknown_")}
    assert codes == {"unknown_model", "unknown_agent", "unknown_tool"}


def test_models_are_not_checked_where_none_are_known() -> None:
    policy, _ = read_policy('ROUTE rest { MODEL "anything" }')
    assert [(f.code, f.severity) for f in check_policy(policy)] == [("models_not_checked", "note")]


def _rules(*each: tuple[int, int, str | None]) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            name=f"r{n}", tier=tier, priority=priority, when=Reference(kind, "x") if kind else None
        )
        for n, (tier, priority, kind) in enumerate(each)
    )


@pytest.mark.parametrize("strategy", ["priority", "confidence"])
def test_what_is_certainly_before_is_so_in_every_decision(strategy: str) -> None:
    kinds = ("embedding", "authz", None)
    signals = {f"{k}:x": Signal(type=k, name="x") for k in kinds if k}
    pairs = list(product(product((0, 1, 2), (0, 1), kinds), repeat=2))
    for first, second in pairs:
        for more in ((), ((1, 0, "authz"),)):
            rules = _rules(first, second, *more)
            policy = Policy(signals=signals, rules=rules, settings={"strategy": strategy})
            order, decider = CertainOrder(policy), Decider(policy)
            orders = set()
            for score in (0.1, 0.9, 1.0):
                readings = {"embedding:x": Reading(True, score), "authz:x": Reading(True, 1.0)}
                held = decider.decide(readings).held
                orders.add(held.index("r0") < held.index("r1"))
            if order.before(0, 1):
                assert orders == {True}, rules
            if order.before(1, 0):
                assert orders == {False}, rules
            if order.before(0, 1, by_name=False):
                assert order.before(0, 1)


FIELDS: list[dict[str, Any]] = [
    {"from": "22:00", "to": "06:00", "days": ["fri", "Saturday"]},
    {"from": "06:00", "to": "22:00", "date_from": "2026-12-24"},
    {"days": ["mon"], "date_until": "2026-12-28"},
    {"from": "12:30"},
    {"to": "24:00", "from": "23:00", "date_from": "2026-12-25", "date_until": "2026-12-25"},
    {"from": "18:00", "to": "09:00", "date_from": "2026-12-24", "date_until": "2026-12-24"},
]


@pytest.mark.parametrize("fields", FIELDS)
def test_a_span_is_open_when_the_signal_fires(fields: dict[str, Any]) -> None:
    zone = ZoneInfo("Europe/Berlin")
    signal = Signal(type="time", name="t", fields={**fields, "zone": "Europe/Berlin"})
    read, span = TIME.prepare(signal, Kit()), span_of(signal)
    assert span is not None
    for hours in range(24 * 16):
        moment = datetime(2026, 12, 18, tzinfo=zone) + timedelta(hours=hours, minutes=30)
        reading = read(Turn(Request(text="", now=moment)))
        assert isinstance(reading, Reading)
        day: date = moment.date()
        assert span.holds(day, 60 * moment.hour + moment.minute) == reading.fires, moment


def test_many_dates_and_long_phrases_are_checked_in_time() -> None:
    made = [
        Signal(
            type="time",
            name=f"t{n}",
            fields={
                "date_from": f"20{n:02}-03-01",
                "from": f"{n % 24:02}:{n % 60:02}",
                "to": "23:59",
            },
        )
        for n in range(100)
    ]
    made.append(Signal(type="time", name="end", fields={"date_until": "9999-12-31"}))
    made.append(Signal(type="time", name="start", fields={"date_from": "0001-01-01"}))
    made.append(Signal(type="keyword", name="k", fields={"keywords": ["word " * 3000 + "end"]}))
    began = time.perf_counter()
    prove(Policy(signals={s.key: s for s in made}))
    assert time.perf_counter() - began < 10


def test_a_rule_by_the_word_for_no_rule_is_a_warning() -> None:
    text = 'ROUTE none { PRIORITY 1  WHEN keyword("loud")  MODEL "m" }\nROUTE rest { MODEL "n" }'
    found = only(check(text), "ambiguous")
    assert (found.severity, found.names, found.at.line) == ("warning", ("none",), 10)


def test_a_test_that_fails_tells_what_fired() -> None:
    text = WORDS + """
    ROUTE loud { PRIORITY 1  WHEN keyword("loud")  MODEL "m" }
    ROUTE rest { MODEL "n" }
    TEST t { "so loud and fast" -> rest  "quiet" -> rest }
    """  # fmt: skip
    policy, _ = read_policy(text)
    [failed] = run_tests(policy, Engine(policy, Reader.from_policy(policy)))
    assert (failed.code, failed.basis, failed.severity) == ("test_failed", "tested", "error")
    assert "falls under 'loud', expected 'rest'; fired: keyword:loud 1.00" in failed.message


@pytest.mark.parametrize(
    "options",
    [
        {"time": "2026-11-28T10:00"}, {"time": 3}, {"grants": 4}, {"grants": ["a", 1]}, {"tokens": -1}, {"tokens": "9"},
        {"user": ["ann"]}, {"usr": "ann"}, {"metadata": "x"},
        {"phase": "handing_over"},
    ],
)  # fmt: skip
def test_options_of_a_case_that_cannot_be_read_are_told(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="given"):
        request_of(PolicyTest(block="t", query="q", expected="r", options=options))


@pytest.mark.parametrize(
    ("signal", "when"),
    [
        ("SIGNAL modality text {}", 'NOT modality("text")'),
        ('SIGNAL phase between { phases: ["handing_over"] }', 'phase("between")'),
    ],
)
def test_a_rule_for_turns_that_never_begin_is_a_contradiction(signal: str, when: str) -> None:
    found = check(f'{signal}  ROUTE a {{ PRIORITY 1  WHEN {when}  MODEL "m" }}  ROUTE rest {{}}')
    assert only(found, "contradiction").names == ("a",)


def test_it_is_told_once_that_a_choice_of_models_rests_on_the_newest_message() -> None:
    policy, _ = read_policy(
        WORDS
        + """
        SIGNAL keyword kept { keywords: ["kept"]  include_history: true }
        ROUTE loud { PRIORITY 4  WHEN keyword("loud") OR authz("staff")  MODEL "m" }
        ROUTE louder { PRIORITY 3  WHEN keyword("loud") AND domain("sums")  MODEL "m" }
        ROUTE kept { PRIORITY 2  WHEN keyword("kept")  MODEL "m" }
        ROUTE fixed { PRIORITY 1  WHEN keyword("fast")  PLUGIN fast_response { message: "No." } }
        """
    )
    told = only(check_policy(policy), "last_message_only")
    assert (told.severity, told.names) == ("note", ("keyword:loud", "loud"))


SCORED = """
PROJECTION score s { inputs: [{ type: "pii", name: "p", weight: 1.0 }] }
PROJECTION mapping m { source: "s"  outputs: [{ name: "much", gte: 0.5 }, { name: "little", lt: 0.5 }] }
"""


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        (SCORED + 'ROUTE here { PRIORITY 2  WHEN projection("much")  MODEL "m" }', ["pii:p"]),
        ('ROUTE here { PRIORITY 2  WHEN jailbreak("j")  MODEL "m" }', ["jailbreak:j"]),
        ('ROUTE open { PRIORITY 2  WHEN NOT pii("p") }  GLOBAL { default_model: "m" }', ["pii:p"]),
        ('ROUTE open { PRIORITY 3  WHEN NOT pii("p") }  ROUTE here { PRIORITY 2  MODEL "m" }', ["pii:p"]),
        (
            'SIGNAL_GROUP g { members: ["loud", "fast"]  default: "fast" }'
            'ROUTE here { PRIORITY 2  WHEN keyword("loud")  MODEL "m" }',
            ["keyword:fast", "keyword:loud"],
        ),
        ('ROUTE open { PRIORITY 2  WHEN pii("p")  AGENT "a" }', []),
        ('ROUTE here { PRIORITY 2  WHEN authz("staff")  MODEL "m" }  ROUTE open { PRIORITY 1  WHEN pii("p") }', []),
    ],
    ids=["score", "jailbreak", "default", "before", "group", "agents alone", "after"],
)  # fmt: skip
def test_models_rest_on_the_newest_message_through_scores_groups_and_open_rules(
    rules: str, told: list[str]
) -> None:
    signals = "SIGNAL pii p {}  SIGNAL jailbreak j {}  ROUTE rest { PRIORITY 0 }"
    policy, findings = read_policy(WORDS + signals + rules)
    assert findings == []
    found = [f.names[0] for f in check_policy(policy) if f.code == "last_message_only"]
    assert sorted(found) == told


def test_the_table_tells_what_each_property_rests_on() -> None:
    policy, _ = read_policy(
        WORDS
        + """
        ROUTE sums { PRIORITY 2  WHEN domain("sums") AND NOT domain("courts")  MODEL "m" }
        ROUTE courts { PRIORITY 2  WHEN domain("courts")  MODEL "n" }
        ROUTE rest { MODEL "n" (reasoning = true) }
        """
    )
    rows = {row.name: row for row in verdicts(policy, check_policy(policy))}
    assert all(row.holds for row in rows.values())
    assert rows["exhaustive"].basis == "proved"
    assert rows["no conflict"].basis == "proved"
    assert rows["no shadowing"].basis == "proved under assumptions"
    assert rows["tests"].verdict == "no cases"
    assert rows["no conflict"].plain() == {
        "property": "no conflict",
        "holds": True,
        "verdict": "holds",
        "basis": "proved",
    }


def test_the_table_tells_what_fails() -> None:
    policy, told = read_policy(
        WORDS + 'ROUTE a { WHEN keyword("loud") AND keyword("lout")  MODEL "m" }'
    )
    rows = {row.name: row for row in verdicts(policy, [*told, *check_policy(policy)])}
    assert not rows["exhaustive"].holds
    assert rows["references"].verdict == "fails: 1 finding"


def test_a_policy_without_a_rule_or_a_default_answers_nothing() -> None:
    assert [f.code for f in check_policy(Policy())] == ["not_exhaustive"]
    assert prove(Policy(settings={"default_model": "m"})).findings == ()


TWO_WORDS = """
MODEL m {}
MODEL n {}
SIGNAL keyword a { keywords: ["x"] }
SIGNAL keyword b { keywords: ["x"] }
ROUTE one { PRIORITY 2  WHEN keyword("a")  MODEL "m" }
ROUTE two { PRIORITY 2  WHEN NOT keyword("b")  MODEL "n" }
"""


@pytest.mark.parametrize("classifiers", [["keyword:b"], ["keyword"]])
def test_nothing_is_known_of_a_signal_that_a_classifier_reads(classifiers: list[str]) -> None:
    policy, _ = read_policy(TWO_WORDS)
    assert [f.code for f in check_policy(policy) if f.severity == "error"] == []
    found = [f for f in check_policy(policy, classifiers=classifiers) if f.severity != "note"]
    assert {f.code for f in found} >= {"not_exhaustive", "conflict"}
    assert {f.basis for f in found} == {"proved under assumptions"}


def test_a_grant_may_not_rest_on_what_a_classifier_says() -> None:
    policy, _ = read_policy(WORDS + 'GRANT read { WHEN authz("staff") }  ROUTE rest { MODEL "m" }')
    assert [f.code for f in check_policy(policy) if f.severity == "error"] == []
    only(check_policy(policy, classifiers=["authz"]), "grant_from_text")


def test_lengths_in_characters_and_words_are_not_proved_to_be_had_together() -> None:
    policy, _ = read_policy(
        """
        MODEL m {}
        MODEL n {}
        SIGNAL length short { max_chars: 9 }
        SIGNAL length wordy { min_words: 5 }
        ROUTE short { PRIORITY 1  WHEN length("short")  MODEL "m" }
        ROUTE wordy { PRIORITY 1  WHEN length("wordy")  MODEL "n" }
        """
    )
    assert only(check_policy(policy), "conflict").basis == "proved under assumptions"
