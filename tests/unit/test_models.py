"""What is known of a model before it is called: its price, what it needs, and how long a text is for it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from graphs.gateway.models import (
    TOKENS_A_MESSAGE,
    TOKENS_AN_IMAGE,
    Model,
    Price,
    count_message,
    count_tokens,
)

PRICE = Price(input=1, output=10)


def model(**more: Any) -> Model:
    return Model(**{"id": "m", "litellm": "openai/m", "context_tokens": 1000, **more})


def test_a_price_is_for_a_million_tokens() -> None:
    assert PRICE.of(1_000_000, 0) == 1
    assert PRICE.of(0, 1_000_000) == 10
    assert PRICE.of(0, 0) == 0


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf"), "1", True])
def test_a_price_that_is_no_amount_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Price).validate_python({"input": wrong, "output": 1})


def test_a_model_without_its_key_names_the_variable() -> None:
    needs = model(key="SOME_KEY", base_url_env="SOME_URL", price=PRICE)
    assert needs.facts(input_tokens=1, environment={}).missing_key == "SOME_KEY"
    given_key = needs.facts(input_tokens=1, environment={"SOME_KEY": "k", "SOME_URL": ""})
    assert given_key.missing_key == "SOME_URL"
    both = needs.facts(input_tokens=1, environment={"SOME_KEY": "k", "SOME_URL": "u"})
    assert both.missing_key is None


def test_the_cheapest_call_reads_the_input_and_writes_one_token() -> None:
    facts = model(price=PRICE).facts(input_tokens=100, environment={})
    assert facts.cheapest_call_usd == PRICE.of(100, 1)
    assert model().facts(input_tokens=100, environment={}).cheapest_call_usd is None


def test_a_model_of_this_process_is_local() -> None:
    assert model(litellm="local/m").local
    assert not model().local


def test_quality_that_nobody_states_is_in_the_middle() -> None:
    assert model().mean_quality == 0.5
    assert model(quality={"a": 0.2, "b": 0.4}).mean_quality == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("four", 1), ("fours", 2), ("日本語です", 4), ("😀" * 4, 4), ("\ud800" * 4, 1)],
)
def test_tokens_are_counted_by_bytes(text: str, tokens: int) -> None:
    assert count_tokens([text]) == tokens + TOKENS_A_MESSAGE
    assert count_message({"role": "user", "content": text}) == tokens + TOKENS_A_MESSAGE


def test_an_image_counts_the_same_however_large_its_data_is() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}
    message = {"role": "user", "content": [{"type": "text", "text": "four"}, image]}
    assert count_message(message) == 1 + TOKENS_AN_IMAGE + TOKENS_A_MESSAGE


@pytest.mark.parametrize(("kind", "tokens"), [("mp3", 31_250), ("wav", 3_125)])
def test_a_recording_counts_by_its_size(kind: str, tokens: int) -> None:
    recording = {"type": "input_audio", "input_audio": {"data": "A" * 2_000_000, "format": kind}}
    message = {"role": "user", "content": [recording]}
    assert count_message(message) == tokens + TOKENS_A_MESSAGE


def test_a_tool_call_counts_and_empty_content_does_not() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "x" * 400}}
    assert count_message({"role": "assistant", "content": None}) == TOKENS_A_MESSAGE
    assert count_message({"role": "assistant", "content": None, "tool_calls": [call]}) > 100


@given(st.text(), st.text())
def test_a_longer_text_never_counts_for_less(one: str, two: str) -> None:
    assert count_tokens([one]) <= count_tokens([one + two]) <= count_tokens([one, two])
