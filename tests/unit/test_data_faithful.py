"""The data agent answers what was asked, of what the files hold, or says that it cannot."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agents.contract import AgentContext
from agents.data import build, database, show
from agents.data.database import Library
from agents.data.files import find

NOW = datetime(2024, 6, 15, 12, tzinfo=UTC)
ORDERS = """order_id,order_date,customer,country,status,quantity,net_amount,email
1,2023-12-30,Ann Lee,Germany,shipped,1,100.0,a@x.org
2,2024-01-05,Bob Ray,France,pending,2,200.0,
3,2024-03-01,Cy Poe,,shipped,3,50.0,c@x.org
4,2024-03-20,Ann Lee,United States,,4,80.0,
5,2024-05-31,Dee Day,Germany,pending,5,,d@x.org
6,2024-06-01,Bob Ray,France,shipped,6,20.0,
"""
ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) n FROM c"
GRAPH = build({})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path


@pytest.fixture
def orders(home: Path) -> Path:
    (home / "data" / "orders.csv").write_text(ORDERS)
    return home


def say(home: Path, text: str, graph: Any = GRAPH) -> dict[str, Any]:
    state = {"request": text, "event": "start", "history": [], "memory": {}}
    result = graph.invoke(state, context=AgentContext(home=home, now=NOW))
    outcome: dict[str, Any] = result["outcome"]
    return outcome


def rows(home: Path, text: str, graph: Any = GRAPH) -> Any:
    return say(home, text, graph)["data"]["rows"]


def lite(home: Path, *statements: str, name: str = "shop.db") -> Path:
    path = home / "data" / name
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()
    return path


@pytest.mark.parametrize(
    "question",
    [
        "How many orders are pending or from France?",
        "how many orders from Germany, or with quantity over 4",
        "orders with quantity over 2 or net amount below 50",
        "how many orders in January and March 2024",
        "orders in January or March 2024",
        "orders not in March 2024",
        "orders except those from Germany and France",
        "how many orders don't come from Germany",
        "how many orders were not placed in 2024",
        "how many orders with net amount 100",
        "what is the net amount of order 4",
        "total net amount in 2023 and 2024",
    ],
)
def test_what_no_query_holds_is_not_left_out(orders: Path, question: str) -> None:
    assert say(orders, question)["event"] != "done"


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("how many orders from Germany or France", 4),
        ("how many orders from Germany or France with quantity over 4", 2),
        ("how many orders are not shipped", 3),
        ("how many orders not from Germany", 4),
        ("how many orders have an email", 3),
        ("how many orders without an email", 3),
    ],
)
def test_alternatives_negations_and_empty_cells_are_counted(
    orders: Path, question: str, count: int
) -> None:
    assert rows(orders, question) == [[count]]


def test_nothing_to_add_up_is_no_value(orders: Path) -> None:
    said = say(orders, "total net amount of orders from Germany and pending")
    assert ": **no value**" in said["text"]


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (1.0837, "1.0837"),
        (52.520008, "52.520008"),
        (100 / 3, "33.33"),
        (0.1 + 0.2, "0.30"),
        (1234567.5, "1,234,567.50"),
        (1e300, "1e+300"),
    ],
)
def test_numbers_are_shown_as_they_were_written(number: float, shown: str) -> None:
    assert shown in show.markdown_table(["a"], [[number]])


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_other_encodings_are_read(home: Path, encoding: str) -> None:
    text = "name;city;fee\nMüller;Köln;1\nJosé;Málaga;2\n"
    (home / "data" / "people.csv").write_bytes(text.encode(encoding))
    assert rows(home, "fee by city in people") == [["Málaga", 2], ["Köln", 1]]


def test_long_numbers_stay_whole(home: Path) -> None:
    lines = [f"1234567890123456789{n},{n}" for n in range(5)]
    (home / "data" / "payments.csv").write_text("\n".join(["account,amount", *lines]) + "\n")
    assert rows(home, "how many distinct accounts in payments") == [[5]]
    assert rows(home, "how many payments where account is 12345678901234567893") == [[1]]


def test_long_numbers_of_sqlite_stay_whole(home: Path) -> None:
    values = "INSERT INTO tx VALUES (9007199254740992, 1), (9007199254740993, 2)"
    lite(home, "CREATE TABLE tx (code NUMERIC, v INT)", values)
    assert rows(home, "how many distinct codes in tx") == [[2]]


def test_a_view_that_never_ends_or_is_of_nothing_takes_nothing_else_along(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOAD_SECONDS", 3.0)
    lite(
        home,
        "CREATE TABLE sales (amount INT)",
        "INSERT INTO sales VALUES (4), (5)",
        "CREATE TABLE old (a INT)",
        "CREATE VIEW a_view AS SELECT a FROM old",
        f"CREATE VIEW z_view AS {ENDLESS}",
        "DROP TABLE old",
    )
    graph = build({})
    assert rows(home, "total amount in sales", graph) == [[9]]
    told = say(home, "what tables are there?", graph)["text"]
    assert "`shop.db (a_view)`: it cannot be read: no such table" in told
    assert "`shop.db (z_view)`: it takes too long to load" in told


def test_what_another_program_writes_to_sqlites_log_is_seen(home: Path) -> None:
    path = lite(home, "PRAGMA journal_mode = wal", "CREATE TABLE sales (amount INT)")
    graph = build({})
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        for amount, total in ((10, 10), (90, 100)):
            writer.execute("INSERT INTO sales VALUES (?)", [amount])
            assert rows(home, "total amount in sales", graph) == [[total]]


def test_a_file_that_was_locked_is_tried_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = lite(home, "CREATE TABLE sales (amount INT)", "INSERT INTO sales VALUES (7)")
    library = Library()
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        assert "locked" in library.open(home / "data").skipped[0].reason
        holder.execute("ROLLBACK")
    assert [table.name for table in library.open(home / "data").tables] == ["sales"]


def test_tables_beyond_the_limit_are_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.data.sqlite.MAX_SQLITE_TABLES", 2)
    lite(home, *(f"CREATE TABLE t{n} (a INT)" for n in range(3)))
    assert "only the first 2 were read" in say(home, "what tables are there?")["text"]


def test_a_wide_file_leaves_the_others_their_time(orders: Path) -> None:
    wide = ",".join(f"c{n}" for n in range(201))
    (orders / "data" / "a.csv").write_text(f"{wide}\n{wide}\n")
    found, skipped = find(orders / "data")
    loaded = database.Database.load(found, skipped)
    assert [table.name for table in loaded.tables] == ["orders"]
    assert "201 columns" in loaded.skipped[0].reason
    names = loaded.connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    assert names == [("orders",)]


def test_a_search_for_what_is_computed_is_refused(orders: Path) -> None:
    sql = "SELECT contains(customer, repeat(customer, 3)) FROM orders"
    assert say(orders, sql)["event"] != "done"
    plain = "SELECT count(*) FROM orders WHERE contains(customer, 'Lee')"
    assert rows(orders, plain) == [[2]]


def test_a_columns_name_does_not_close_the_fence_around_the_statement(home: Path) -> None:
    header = '"amount\n```\n![x](http://elsewhere.invalid/p.png)"'
    (home / "data" / "sales.csv").write_text(f"{header},b\n1,2\n3,4\n")
    text = say(home, "sum of amount in sales")["text"]
    assert "\n````sql\n" in text
    assert text.endswith("\n````")


@pytest.mark.parametrize("question", ["sum of fee in broken.csv", "how many rows has broken?"])
def test_a_file_that_could_not_be_read_is_told_to_who_asks_for_it(
    orders: Path, question: str
) -> None:
    (orders / "data" / "broken.csv").write_text("")
    said = say(orders, question)
    assert said["event"] == "done"
    assert "I could not use `broken.csv`: it cannot be read: the file is empty." in said["text"]


@pytest.mark.parametrize(
    ("dates", "told"),
    [
        (("03/04/2024", "07/08/2024"), True),
        (("03/04/2024", "17/08/2024"), False),
        (("2024-04-03", "2024-08-07"), False),
    ],
)
def test_dates_that_can_be_read_in_two_ways_are_told(
    home: Path, dates: tuple[str, ...], *, told: bool
) -> None:
    lines = "".join(f"{n},{date}\n" for n, date in enumerate(dates))
    (home / "data" / "trips.csv").write_text(f"trip,start_date\n{lines}")
    said = say(home, "how many trips in April 2024")["text"]
    assert said.startswith("Number of rows in trips")
    assert ("Note: its dates were read as day/month." in said) == told


def test_cells_that_are_no_number_are_empty_and_told(home: Path) -> None:
    (home / "data" / "readings.csv").write_text("name,level\na,1.5\nb,NaN\nc,2.5\n")
    said = say(home, "sum of level in readings")
    assert said["data"]["rows"] == [[4.0]]
    assert "Note: cells with NaN count as empty (1)." in said["text"]
