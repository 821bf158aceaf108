"""Signals that read the text itself: keywords, structure, length, language, events."""

import time
from typing import Any

import pytest

from graphs.policy.request import Request
from graphs.policy.signals.language import CODES, languages
from graphs.policy.signals.length import prompt_tokens, token_count
from graphs.policy.signals.patterns import MOST_MATCHES, compiled, count_matches, pattern_fault
from graphs.policy.signals.structure import units
from tests.support.signals import read, signal

# Keywords


@pytest.mark.parametrize(
    ("keywords", "text", "fires"),
    [
        (["urgent"], "This is URGENT!", True),
        (["urgent"], "urgently", False),
        (["urgent"], "not-urgent", True),
        (["credit card"], "my credit\n  card is lost", True),
        (["credit card"], "credit cards", False),
        (["c++"], "I write C++ code", True),
        (["c++"], "c+", False),
        ([".net"], "asp.net", True),
        (["紧急"], "这是紧急情况", True),
        (["straße"], "STRASSE", True),
        (["ünal"], "Ünal wrote", True),
    ],
)
def test_a_keyword_is_a_whole_word_whatever_its_case(
    keywords: list[str], text: str, fires: bool
) -> None:
    assert read(signal("keyword", keywords=keywords), text).fires is fires


@pytest.mark.parametrize(
    ("operator", "text", "fires", "score"),
    [
        ("OR", "alpha", True, 1.0),
        ("any", "nothing", False, 0.0),
        ("AND", "alpha", False, 0.5),
        ("all", "beta alpha", True, 1.0),
        ("NOR", "gamma", True, 1.0),
        ("none", "beta", False, 0.0),
    ],
)
def test_operators(operator: str, text: str, fires: bool, score: float) -> None:
    reading = read(signal("keyword", operator=operator, keywords=["alpha", "beta"]), text)
    assert (reading.fires, reading.score) == (fires, score)


def test_case_counts_if_it_is_to() -> None:
    strict = signal("keyword", keywords=["IT", "US dollar"], case_sensitive=True)
    assert not read(strict, "it costs a us dollar").fires
    assert read(strict, "the IT department").fires
    assert read(strict, "one US dollar").detail == "US dollar"


def test_each_keyword_may_be_a_pattern() -> None:
    dates = signal("keyword", method="regex", keywords=[r"\d{4}-\d\d-\d\d", r"INV-\d+"])
    assert read(dates, "due 2026-11-28").fires
    assert read(dates, "see inv-12").fires
    assert not read(dates, "no date").fires


def test_bm25_weighs_how_much_of_the_text_a_word_is() -> None:
    code = signal("keyword", method="bm25", keywords=["debug", "function"], bm25_threshold=0.1)
    short, long = read(code, "debugging this function"), read(code, "debug " + "word " * 400)
    assert short.fires
    assert not long.fires
    assert 0 < long.score < 0.1 < short.score < 1
    assert short.threshold == 0.1


def test_ngrams_and_edits_find_what_is_misspelt() -> None:
    near = signal("keyword", method="ngram", keywords=["emergency"], ngram_threshold=0.5)
    assert read(near, "this is an emergncy").fires
    assert not read(near, "this is a merger").fires
    fuzzy = signal(
        "keyword", keywords=["refund", "credit card"], fuzzy_match=True, fuzzy_threshold=1
    )
    assert read(fuzzy, "I want a refnd").fires
    assert not read(fuzzy, "my cxdxt card").fires  # two edits
    assert read(fuzzy, "my creditt card").fires
    assert not read(fuzzy, "found").fires


# Patterns


@pytest.mark.parametrize(
    "pattern", [r"(?=a)", r"(?<!a)b", r"(a)\1", "(", "a{1001}", r"\pL{1,200}", "x" * 2000]
)
def test_patterns_that_are_not_linear_or_too_large_are_told(pattern: str) -> None:
    assert pattern_fault(pattern, case_sensitive=True)


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(?i)\bfoo\b", r"[\p{L}\p{N}]+ x", "[?\uff1f]"])
def test_other_patterns_are_fine(pattern: str) -> None:
    assert pattern_fault(pattern, case_sensitive=True) is None


@pytest.mark.parametrize(
    "pattern", [r"(a+)+$", r"(a|aa)+b", r"x(?:.*x.{100}z)?", r"(.*)*c", r"\pL{2,}z"]
)
@pytest.mark.parametrize("text", ["a" * 100_000, "x" * 100_000, "xa" * 50_000])
def test_a_hundred_thousand_characters_take_less_than_a_second(pattern: str, text: str) -> None:
    ready = compiled(pattern)
    started = time.perf_counter()
    ready.search(text.encode())
    count_matches(ready, text.encode())
    assert time.perf_counter() - started < 1


def test_matches_are_counted_in_pieces_and_up_to_a_bound() -> None:
    assert count_matches(compiled("a b"), b"a b " * 200)[0] == 200
    assert count_matches(compiled("a"), b"a" * 5_000) == (MOST_MATCHES, MOST_MATCHES)
    text = b"word " * 3_000 + b"end"
    assert count_matches(compiled("end"), text) == (1, len(text))
    assert count_matches(compiled("x*"), b"abc")[0] == 0


# Structure


def shape(kind: str, source: dict[str, Any], **predicate: float) -> dict[str, Any]:
    feature = {"type": kind, "source": source}
    return {"feature": feature, "predicate": predicate} if predicate else {"feature": feature}


QUESTIONS = {"type": "regex", "pattern": "[?\uff1f]"}
LIMITS = {"type": "keyword_set", "keywords": ["at most", "不超过"]}
STEPS = {"type": "sequence", "sequences": [["first", "then"], ["先", "再"]]}


@pytest.mark.parametrize(
    ("fields", "text", "fires"),
    [
        (shape("count", QUESTIONS, gte=2), "why? how?", True),
        (shape("count", QUESTIONS, gte=2), "why?", False),
        (shape("count", QUESTIONS, lt=1), "tell me", True),
        (shape("exists", {"type": "regex", "pattern": r"(?m)^\s*\d+\.\s"}), "do:\n1. this", True),
        (shape("exists", {"type": "regex", "pattern": r"(?m)^\s*\d+\.\s"}), "3.5", False),
        (shape("density", LIMITS, gt=0.1), "At most two of them", True),
        (shape("density", LIMITS, gt=0.3), "At most two of them", False),
        (shape("density", LIMITS, gt=0.1), "不超过三个字", True),
        (shape("sequence", STEPS), "First eat, then sleep", True),
        (shape("sequence", STEPS), "then eat first", False),
        (shape("sequence", STEPS), "先吃饭再睡觉", True),
        (shape("count", {"type": "text_bytes"}, gte=6), "äöü", True),
    ],
)
def test_structure(fields: dict[str, Any], text: str, fires: bool) -> None:
    reading = read(signal("structure", **fields), text)
    assert (reading.fires, reading.score, reading.fault) == (fires, float(fires), "")


def test_units_are_words_and_single_characters_of_chinese() -> None:
    assert units("at most two") == 3
    assert units("不超过三个") == 5
    assert units("用 Python 写") == 3
    assert units("") == units("?!") == 0


# Length


@pytest.mark.parametrize(
    ("given", "tokens"),
    [
        ("1K", 1_000),
        ("256K", 256_000),
        ("1m", 1_000_000),
        ("0.5K", 500),
        ("999", 999),
        (8, 8),
        ("K", None),
        ("-1", None),
        (True, None),
        (1.5, None),
    ],
)
def test_numbers_of_tokens(given: object, tokens: int | None) -> None:
    assert token_count(given) == tokens


def test_the_length_of_the_prompt_is_what_the_request_says_or_an_estimate() -> None:
    window = signal("context", min_tokens="1K", max_tokens=2_000)
    assert [read(window, tokens=n).fires for n in (999, 1_000, 2_000, 2_001)] == [False, True, True, False]  # fmt: skip
    assert read(window, "x" * 4_400).fires
    assert prompt_tokens(Request(text="abcde", previous=("abcd",))) == 2 + 4 + 1 + 4
    assert prompt_tokens(Request(text="abcde", context=("abcd",))) == 2 + 4 + 1 + 4


def test_length_in_characters_and_words() -> None:
    assert read(signal("length", max_words=2), "two words").fires
    assert not read(signal("length", max_words=1), "two words").fires
    assert not read(signal("length", min_chars=3, max_words=5), "ab").fires


# Language


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("What is the capital of France and who lives there?", "en"),
        ("Guten Morgen zusammen, wie geht es euch heute?", "de"),
        ("¿Dónde está la estación de tren más cercana?", "es"),
        ("Какая погода будет завтра в Москве?", "ru"),
        ("你好请帮我写一封信", "zh"),
        ("こんにちは", "ja"),
        ("안녕", "ko"),
        ("Καλημέρα", "el"),
    ],
)
def test_a_language_fires_for_its_texts_and_no_other(text: str, code: str) -> None:
    assert read(signal("language", code), text).fires
    for other in {"en", "de", "es", "ru", "zh", "ja", "ko", "el"} - {code}:
        assert not read(signal("language", other), text).fires, other


@pytest.mark.parametrize("text", ["ok", "yes", "", "123 456 789", "?!", "x = 1"])
def test_a_text_that_could_be_any_language_is_in_none(text: str) -> None:
    assert max(languages(text).values(), default=0.0) < 0.5


def test_languages_that_can_be_named_are_known_to_the_model() -> None:
    from graphs.policy.signals.language import _identifier

    assert CODES - {"fil"} <= set(_identifier().labels) | {"fil"}


# Metadata and events


@pytest.mark.parametrize(
    ("fields", "metadata", "fires"),
    [
        ({"key": "tier", "equals": "gold"}, {"tier": "gold"}, True),
        ({"key": "tier", "equals": "gold"}, {}, False),
        ({"key": "tier", "in": ["gold", "silver"]}, {"tier": "silver"}, True),
        ({"key": "tier", "predicate": {"exists": True}}, {"tier": None}, True),
        ({"key": "tier", "exists": False}, {}, True),
        ({"key": "n", "equals": 1}, {"n": True}, False),
        ({}, {"x": "anything"}, True),
    ],
)
def test_metadata(fields: dict[str, Any], metadata: dict[str, Any], fires: bool) -> None:
    assert read(signal("metadata", **fields), metadata=metadata).fires is fires
    assert read(signal("event", **{"key": "x", **fields}), metadata=metadata).fires is fires


def test_an_events_score_grows_with_the_criteria_that_are_met() -> None:
    event = signal("event", event_types=["payment_failed"], severities=["critical"], temporal=True)
    assert read(event, "payment_failed: critical, act immediately").score == 1
    assert read(event, "a critical review").score == pytest.approx(0.5 + 0.5 / 3)
    assert not read(event, "all fine").fires
