"""Agent ids: which are taken, which are refused, and which a reader cannot tell apart."""

# ruff: noqa: RUF001  look-alike letters are what is tested
import pytest

from agents.card import AgentCard, check_id, check_unique
from agents.errors import CatalogError

LEGAL = {
    "a letter": "a",
    "a digit": "7",
    "letters, digits and marks": "Agent_7.x-y",
    "underscores at the ends": "_a_",
    "marks in a row": "a..b--c",
    "100 characters": "x" * 100,
    "composed Latin": "é",
    "Cyrillic alone": "агент",
    "Greek alone": "λόγος",
    "Chinese": "日本",
    "Japanese in its three scripts": "日本のデータ",
    "Hangul": "한국",
}
ILLEGAL = {
    "empty": "",
    "blank": " ",
    "101 characters": "x" * 101,
    "500 characters": "x" * 500,
    "decomposed (NFC twin)": "e\u0301",
    "ligature (NFKC twin)": "ﬁx",
    "full width (NFKC twin)": "ａ",
    "superscript (NFKC twin)": "x²",
    "Kelvin sign": "\u212a",
    "Cyrillic a in a Latin word": "\u0430gent",
    "Greek in a Latin word": "αgent",
    "zero-width space": "calc\u200b",
    "zero-width joiner": "ca\u200dlc",
    "zero-width non-joiner": "ca\u200clc",
    "soft hyphen": "ca\xadlc",
    "word joiner": "ca\u2060lc",
    "byte order mark": "\ufeffcalc",
    "emoji": "calc😀",
    "right-to-left override": "ca\u202elc",
    "isolate": "\u2066calc\u2069",
    "newline at the end": "calc\n",
    "newline": "ca\nlc",
    "tab": "ca\tlc",
    "NUL": "ca\x00lc",
    "escape": "\x1b[31mcalc",
    "unit separator": "ca\x1flc",
    "lone surrogate": "\ud800",
    "colon": "calc:1",
    "bar": "calc|1",
    "slash": "calc/1",
    "backslash": "calc\\1",
    "space": "my calc",
    "quote": "calc'",
    "dot": ".",
    "parent directory": "..",
    "hidden file": ".calc",
    "option of a command": "-calc",
    "dot at the end": "calc.",
    "LangGraph's start": "__start__",
    "LangGraph's end": "__end__",
    "LangGraph's own": "__anything",
}
TWINS = {
    "equal": ("calc", "calc"),
    "case": ("calc", "Calc"),
    "sharp s": ("straße", "STRASSE"),
    "final sigma": ("λόγος", "λόγοσ"),
    "Cyrillic for Latin": ("сор", "cop"),
    "Cyrillic capitals for Latin": ("ВЕТА", "BETA"),
    "Greek capitals for Latin": ("ΒΕΤΑ", "BETA"),
    "Armenian for Latin": ("սոհ", "unh"),
    "dotless i": ("tıme", "time"),
    "Latin alpha": ("dɑta", "data"),
    "across the list": ("calc", "b", "c", "d", "CALC"),
}


@pytest.mark.parametrize("agent_id", LEGAL.values(), ids=LEGAL)
def test_a_legal_id_is_taken_as_it_is(agent_id: str) -> None:
    assert check_id(agent_id) == agent_id


@pytest.mark.parametrize("agent_id", ILLEGAL.values(), ids=ILLEGAL)
def test_an_illegal_id_is_refused_on_one_printable_line(agent_id: str) -> None:
    with pytest.raises(CatalogError) as caught:
        check_id(agent_id)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("ids", TWINS.values(), ids=TWINS)
def test_ids_that_a_reader_cannot_tell_apart_are_refused(ids: tuple[str, ...]) -> None:
    with pytest.raises(CatalogError) as caught:
        check_unique(ids)
    assert repr(ids[0]) in str(caught.value)
    assert repr(ids[-1]) in str(caught.value)


def test_ids_that_differ_are_taken() -> None:
    check_unique(["calc", "calc2", "calc_", "cal-c", "cal.c", "é", "e", "сор1"])


def test_ten_thousand_ids_are_checked_and_one_twin_is_found_among_them() -> None:
    ids = [check_id(f"agent-{n}") for n in range(10_000)]
    check_unique(ids)
    with pytest.raises(CatalogError, match="'AGENT-9' is not to be told from 'agent-9'"):
        check_unique([*ids, "AGENT-9"])


def test_a_card_is_shown_by_its_name_or_else_its_id() -> None:
    assert AgentCard(id="calc", description="", name="Calculator").title == "Calculator"
    assert AgentCard(id="calc", description="").title == "calc"
