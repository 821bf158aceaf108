"""Properties of the data agent's rules: no text breaks them, and what they write is always admitted and escaped."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.data.database import Database, Library
from agents.data.query import Filter, Group, Measure, Order, Query, identifier, literal
from agents.data.sandbox import SandboxError
from agents.data.understand import Reading, continue_query, understand

TODAY = date(2024, 6, 15)
ROWS = [("Berlin", "open", 3), ("Paris", "open", 5), ("Berlin", "closed", 8), ("Rome", "open", 1)]
_WORDS = (
    "how many which top 3 by per and not in from for average total sum highest lowest between before after over 2 2024 "
    "March visits city cities Berlin Paris open closed state guests day month show list distinct without last year "
    "count = > is the most sorted desc 'x' \" -- ; 2024-03-01 17% Ünïcode 😀"
).split()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    folder: Path = tmp_path_factory.mktemp("data")
    lines = [
        f"{city},{state},{guests},2024-0{i + 1}-10" for i, (city, state, guests) in enumerate(ROWS)
    ]
    (folder / "visits.csv").write_text("\n".join(["city,state,guests,visit_day", *lines]) + "\n")
    (folder / "rooms.csv").write_text("room,beds,price\nA,1,10.5\nB,2,20\n")
    return Library().open(folder)


@settings(max_examples=100, deadline=None)
@given(
    question=st.one_of(
        st.text(max_size=80), st.lists(st.sampled_from(_WORDS), max_size=12).map(" ".join)
    )
)
def test_any_text_is_read_without_an_error_and_gives_sql_that_runs(
    database: Database, question: str
) -> None:
    understood = understand(question, tables=database.tables, today=TODAY)
    if isinstance(understood, Reading):
        database.select(understood.query.sql)  # raises if the check or DuckDB refuses it
        assert Query.from_json(understood.query.to_json()) == understood.query


@settings(max_examples=100, deadline=None)
@given(fragment=st.lists(st.sampled_from(_WORDS), max_size=6).map(" ".join))
def test_any_follow_up_gives_sql_that_runs(database: Database, fragment: str) -> None:
    base = Query(
        table="visits", shape="aggregate", measures=(Measure(function="sum", column="guests"),)
    )
    changed = continue_query(fragment, base, tables=database.tables, today=TODAY, marked=False)
    if isinstance(changed, Reading):
        database.select(changed.query.sql)


@settings(max_examples=50, deadline=None)
@given(
    city=st.sampled_from(["Berlin", "Paris", "Rome"]),
    state=st.sampled_from(["open", "closed"]),
    least=st.integers(min_value=0, max_value=9),
)
def test_counts_agree_with_counting(database: Database, city: str, state: str, least: int) -> None:
    question = f"how many {state} visits in {city} with guests over {least}"
    understood = understand(question, tables=database.tables, today=TODAY)
    assert isinstance(understood, Reading)
    expected = sum(1 for row in ROWS if row[0] == city and row[1] == state and row[2] > least)
    assert database.select(understood.query.sql).rows == [[expected]]


@settings(max_examples=100, deadline=None)
@given(
    text=st.text(
        alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=60
    )
)
def test_text_survives_as_a_literal_and_as_a_name(database: Database, text: str) -> None:
    result = database.select(f"SELECT {literal(text)} AS {identifier(text or 'x')}")
    assert result.rows == [[text]]
    assert result.columns == [text or "x"]


@settings(max_examples=100, deadline=None)
@given(
    value=st.text(
        alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40
    )
)
def test_a_hostile_value_only_ever_finds_nothing(database: Database, value: str) -> None:
    query = Query(
        table="visits",
        shape="aggregate",
        measures=(Measure(function="count"),),
        groups=(Group(column="city"),),
        filters=(Filter(column="city", operator="=", values=(f"{value}' OR '1'='1",)),),
        order=Order(by="count", descending=True),
    )
    assert database.select(query.sql).rows == []


@settings(max_examples=100, deadline=None)
@given(sql=st.text(max_size=60))
def test_arbitrary_sql_is_run_or_refused_in_one_line(database: Database, sql: str) -> None:
    refusal = _refusal(database, sql)
    assert refusal is None or (refusal and "\n" not in refusal)


def _refusal(database: Database, sql: str) -> str | None:
    try:
        database.select(sql)
    except SandboxError as error:
        return str(error)
    return None
