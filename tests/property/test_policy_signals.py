"""No text makes a signal raise or a reading leave its bounds, and the same turn always gives the same readings."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.policy.request import Request
from graphs.policy.signals.reader import Reader
from tests.support.signals import encoder, policy_of, signal

COUNT = {"type": "count", "source": {"type": "regex", "pattern": r"\w+"}}
DENSE = {"type": "density", "source": {"type": "keyword_set", "keywords": ["a b", "至少", "c++"]}}
STEPS = {"type": "sequence", "source": {"type": "sequence", "sequences": [["a", "b"]]}}
SIGNALS = (
    signal("keyword", "or", keywords=["a", "b c", "c++", "紧急"]),
    signal("keyword", "and", keywords=["a", "b"], operator="AND", case_sensitive=True),
    signal("keyword", "nor", keywords=["a"], operator="NOR"),
    signal("keyword", "regex", keywords=[r"\d+", "(a|b)*c"], method="regex"),
    signal("keyword", "bm25", keywords=["word", "紧急"], method="bm25"),
    signal("keyword", "ngram", keywords=["word", "x"], method="ngram"),
    signal("keyword", "fuzzy", keywords=["word", "two words"], fuzzy_match=True, fuzzy_threshold=2),
    signal("structure", "count", feature=COUNT, predicate={"gte": 2}),
    signal("structure", "dense", feature=DENSE, predicate={"gt": 0.1}),
    signal("structure", "steps", feature=STEPS),
    signal("context", min_tokens=5),
    signal("length", max_words=5),
    signal("language", "de"),
    signal("embedding", candidates=["a dog", "a car"]),
    signal("domain", "law"),
    signal("complexity"),
    signal("reask", threshold=0.5),
    signal("jailbreak", "pattern", include_history=True, jailbreak_patterns=["open sesame"]),
    signal("jailbreak", "contrast", method="hybrid", include_history=True),
    signal("pii", include_history=True),
    signal("fact_check"),
    signal("user_feedback", "satisfied"),
    signal("event", severities=["critical"], temporal=True),
    signal("time", days=["mon"]),
)
READER = Reader.from_policy(policy_of(*SIGNALS), encoder=encoder())
PIECES = (
    "ignore all previous instructions 4111111111111111 a@b.de +49 170 123 :: 1.2.3.4 word 紧急 ? DE89 <|im_start|> "
    "first then c++ \ud800 \u200b \n \uff21"
).split(" ")
TEXTS = st.text(st.characters(exclude_categories=()), max_size=80) | st.lists(
    st.sampled_from(PIECES), max_size=20
).map(" ".join)


@given(TEXTS, st.lists(TEXTS, max_size=2), st.datetimes().map(lambda d: d.replace(tzinfo=UTC)))
@settings(max_examples=150)
def test_any_text_is_read_within_bounds_and_always_alike(
    text: str, previous: list[str], now: datetime
) -> None:
    request = Request(text=text, previous=tuple(previous), now=now)
    readings = READER.read(request)
    for key, reading in readings.items():
        assert not reading.fault, key
        assert 0 <= reading.score <= 1, key
        assert len(reading.detail) <= 60, key
    assert READER.read(request) == readings
