"""Keys and personal data are taken out of texts, and what only looks like them stays."""

import io
import logging
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.redaction import RedactingFilter, keep_quiet, redact, redact_fields
from graphs.savers.serializer import StrictSerializer


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("key sk-proj-0123456789abcdefXYZ!", "key [key]!"),
        ("AIzaSyA0123456789abcdefghijklmnopqrstu used", "[key] used"),
        ("ghp_0123456789abcdefghij0123", "[key]"),
        ("AKIAIOSFODNN7EXAMPLE", "[key]"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer [key]"),
        ("{'api_key': 'abcdef123456', 'n': 1}", "{'api_key': '[key]', 'n': 1}"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln", "[key]"),
        ("http://ann:geheim@host/x", "http://ann:[key]@host/x"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- end", "[key] end"),
        ("write to ann.o'hara+x@mail.example.org.", "write to ann.o'[e-mail]."),
        ("card 4111 1111 1111 1111 or 4111-1111-1111-1111", "card [card] or [card]"),
        ("3782 822463 10005, 4222222222222", "[card], [card]"),
        ("+49 30 90182055 4111 1111 1111 1111", "[phone] [card]"),
        ("IBAN DE89 3704 0044 0532 0130 00, please", "IBAN [iban], please"),
        ("GB29NWBK60161331926819", "[iban]"),
        ("call +49 30 901820 or 0049 30 901820", "call [phone] or [phone]"),
        ("call (030) 901820-12, 555-123-4567", "call [phone], [phone]"),
        ("IBAN: BE68 5390 0754 7034 BIC GKCCBEBB", "IBAN: [iban] BIC GKCCBEBB"),
        ("AT611904300234573201 EUR 50", "[iban] EUR 50"),
        ("in 2026 4111 1111 1111 1111", "in 2026 [card]"),
        ("Authorization: ApiKey abc123secretvalue99", "Authorization: ApiKey [key]"),
        ('{"password": "p&ssw0rd;1234"}', '{"password": "[key]"}'),
        ("password=a,b,c1234567890", "password=[key]"),
        ('"password": "correct horse battery staple", 1', '"password": "[key]", 1'),
        (r"{\"password\": \"hunter2222\"}", r"{\"password\": \"[key]\"}"),
        ("postgres://user:p@ss/word@host/db", "postgres://user:[key]@host/db"),
        ("Basic dXNlcjpwYXNz", "Basic [key]"),
    ],
)
def test_keys_and_personal_data_are_taken_out(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "10,004 tokens do not fit the window of a, 8,000",
        "a call to gpt-5.6 may cost 0.001234 USD and 0.000001 is left",
        "2026-11-24T21:15:05.123456+00:00",
        "2026-11-24 21:15:05,123 WARNING",
        "9f86d081-884c-4d63-a2b1-0123456789ab",
        "order 4111 1111 1111 1112",
        "took 0.123456789 s, then 12345.678901",
        "GB28 NWBK 6016 1331 9268 19",
        "127.0.0.1:8000 and 192.168.100.1000",
        "sk-learn and pk-1",
        "the key of gpt-5.6 is not set: OPENAI_API_KEY",
        "a@b, @home, x@localhost",
        "this needs basic arithmetic",
        "tokens 100 200 3000 used",
        "http://localhost:8080/a@b",
    ],
)
def test_what_only_looks_like_them_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "piece", ["eyJ-", "://a:", "AT61 ", "4111 ", "password: '", "basic aaaaaaaa "]
)
def test_a_hostile_text_takes_no_more_time_than_its_length_allows(piece: str) -> None:
    def seconds(size: int) -> float:
        began = time.process_time()
        redact(piece * (size // len(piece)))
        return time.process_time() - began

    # Eight times the text takes some eight times as long; were it the square, it would be sixty-four.
    assert seconds(160_000) < 24 * max(seconds(20_000), 0.01)


def test_a_log_line_whose_arguments_do_not_fit_is_written_and_raises_nothing() -> None:
    record = logging.LogRecord("lib", logging.WARNING, "f.py", 1, "took %d ms", ("?",), None)
    assert RedactingFilter().filter(record)
    assert record.getMessage() == "took %d ms (its arguments do not fit)"


def test_an_exception_is_stored_without_its_key() -> None:
    error = ValueError(
        """401 for {'headers': {'x-api-key': 'hunter2222abc'}, 'said': "it's wrong"}"""
    )
    assert b"hunter2222abc" not in StrictSerializer().dumps_typed(error)[1]


def test_the_keys_of_the_environment_are_known_whatever_they_look_like(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ODD_API_KEY", "correct horse battery")
    monkeypatch.setenv("SHORT_TOKEN", "none")
    monkeypatch.setenv("KEYBOARD", "dvorak-layout")
    text = "correct horse battery, none, dvorak-layout"
    assert redact(text) == "[key], none, dvorak-layout"


def test_a_record_keeps_its_ids_and_loses_what_its_texts_tell() -> None:
    record = {
        "thread": "ann@example.org",
        "cost_usd": 4111111111111111,
        "runs": [{"agent": "a", "reason": "no answer from ann@example.org"}],
        "error": None,
    }
    assert redact_fields(record) == {
        **record,
        "runs": [{"agent": "a", "reason": "no answer from [e-mail]"}],
    }


@given(st.text(max_size=200))
def test_any_text_is_taken_and_a_second_time_changes_nothing(text: str) -> None:
    assert redact(redact(text)) == redact(text)


def test_a_log_loses_them_in_messages_arguments_and_tracebacks() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(RedactingFilter())
    log = logging.getLogger("tests.redaction")
    log.addHandler(handler)
    try:
        log.warning("from %s, %d", "ann@example.org", 7)
        try:
            raise ValueError("refused sk-0123456789abcdef0123")
        except ValueError:
            log.exception("it broke", stack_info=True)
    finally:
        log.removeHandler(handler)
    text = written.getvalue()
    assert text.startswith("from [e-mail], 7\nit broke\n")
    assert "ValueError: refused [key]" in text
    assert "0123456789abcdef" not in text


def test_libraries_that_log_whole_requests_are_quiet_unless_they_are_set_by_name() -> None:
    openai, aiosqlite = logging.getLogger("openai"), logging.getLogger("aiosqlite")
    assert (openai.level, aiosqlite.level) == (logging.WARNING, logging.WARNING)
    openai.setLevel(logging.DEBUG)
    try:
        keep_quiet()
        assert openai.level == logging.DEBUG
    finally:
        openai.setLevel(logging.WARNING)
