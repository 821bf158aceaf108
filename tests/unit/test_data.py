"""The data agent through its graph: rules, follow-ups, the sandbox, broken files, a model that writes SQL."""

import asyncio
import json
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from agents.contract import AgentContext
from agents.data import build
from agents.data import sqlite as data_sqlite
from agents.data.database import Database, Library
from agents.data.requests import typed_sql
from agents.data.sandbox import SandboxError, check_select, run
from agents.data.sqlite import copy_table
from agents.data.words import stems, tokens
from agents.errors import CatalogError
from graphs.outcome import LARGEST_MEMORY
from tests.support.plain import assert_plain

NOW = datetime(2024, 6, 15, 12, tzinfo=UTC)
ORDERS = """order_id,order_date,customer_name,country,product,status,quantity,net_amount,gross_amount
1,2023-12-30,Ann Lee,Germany,Chair,shipped,1,100.0,119.0
2,2024-01-05,Bob Ray,France,Desk,pending,2,200.0,240.0
3,2024-03-01,Cy Poe,Germany,Chair,shipped,3,50.0,59.5
4,2024-03-20,Ann Lee,United States,Lamp,returned,4,80.0,80.0
5,2024-05-31,Dee O'Hara,Germany,Desk,pending,5,300.0,357.0
6,2024-06-01,Bob Ray,France,Chair,shipped,6,20.0,24.0
"""
EMPLOYEES = """name,department,salary,email,active
Zoe,Sales,5000,z@x.org,true
Max,IT,6000,,false
Ida,IT,7000,i@x.org,true
"""


def _write(home: Path) -> Path:
    folder = home / "data"
    folder.mkdir()
    (folder / "orders.csv").write_text(ORDERS)
    (folder / "employees.csv").write_text(EMPLOYEES)
    return home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder of its own, for the tests that change it."""
    return _write(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the tests that only read, so that it is loaded once."""
    return _write(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def database(shared: Path) -> Database:
    return Library().open(shared / "data")


GRAPH = build({})


class Chat:
    """A conversation with the agent that carries its memory from turn to turn."""

    def __init__(self, home: Path, **context: Any) -> None:
        self._context = AgentContext(home=home, now=NOW, **context)
        self.memory: dict[str, Any] = {}

    def say(self, text: str, *, event: str = "start") -> dict[str, Any]:
        state = {"request": text, "event": event, "history": [], "memory": self.memory}
        result = GRAPH.invoke(state, context=self._context)
        assert_plain(result)
        assert (
            len(json.dumps([result["outcome"], result["memory"]], ensure_ascii=False))
            < LARGEST_MEMORY
        )
        self.memory = result["memory"]
        outcome: dict[str, Any] = result["outcome"]
        return outcome


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("How many rows are in orders?", [[6]]),
        ("how many orders from Germany", [[3]]),
        ("How many orders do we have from the United States?", [[1]]),
        ("how many pending orders are from Germany", [[1]]),
        ("how many orders are not shipped", [[3]]),
        ("how many orders were there in March 2024", [[2]]),
        ("how many orders before 2024-03-01", [[2]]),
        ("how many orders after 2024-03-01", [[3]]),
        ("how many orders since 2024-03-01", [[4]]),
        ("how many orders last month", [[1]]),
        ("how many orders between 2024-03-01 and 2024-05-31", [[3]]),
        ("how many orders with net amount over 100", [[2]]),
        ("how many orders with quantity between 2 and 4", [[3]]),
        ("how many customers", [[4]]),
        ("how many different countries are there?", [[3]]),
        ("total quantity", [[21]]),
        ("what is the median salary", [[6000.0]]),
        ("min and max salary", [[5000, 7000]]),
        ("average salary by department", [["IT", 6500.0], ["Sales", 5000.0]]),
        ("sum of net amount per country", [["Germany", 450.0], ["France", 220.0], ["United States", 80.0]]),
        ("top 2 products by quantity", [["Chair", 10], ["Desk", 7]]),
        ("bottom 1 countries by net amount", [["United States", 80.0]]),
        ("which country has the most orders?", [["Germany", 3]]),
        ("Which country has the highest average net amount", [["Germany", 150.0]]),
        ("which month had the most orders", [["2024-03-01", 2]]),
        ("count by status", [["shipped", 3], ["pending", 2], ["returned", 1]]),
        ("distinct values of country", [["France"], ["Germany"], ["United States"]]),
        ("which products are there", [["Chair"], ["Desk"], ["Lamp"]]),
        ("how many active employees", [[2]]),
        ("how many employees are not active", [[1]]),
        ("how many employees without an email", [[1]]),
        ("names of employees in IT", [["Max"], ["Ida"]]),
        ("highest salary in Sales", [[5000]]),
        ('how many orders where customer_name = "Dee O\'Hara"', [[1]]),
        ("orders where quantity = 4", None),
    ],
)  # fmt: skip
def test_rules_answer(shared: Path, question: str, rows: list[list[Any]] | None) -> None:
    outcome = Chat(shared).say(question)
    assert outcome["event"] == "done", outcome
    found = outcome["data"]["rows"]
    assert sorted(map(str, found)) == sorted(map(str, rows)) if rows else len(found) == 1
    assert f"```sql\n{outcome['data']['sql']}\n```" in outcome["text"]


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("how many orders in March", [[3]]),
        ("count orders where region is North and quantity > 1", [[2]]),
        ("number of orders by region", [["North", 3], ["South", 1]]),
        ("which region has the most orders", [["North", 3]]),
        ("which month has the fewest orders", [["2024-04-01", 1]]),
        ("list the orders from the South", [[2, "2024-03-01", "South", 9]]),
        ("what is the latest order date", [["2024-04-05"]]),
        ("which city had the fewest visitors", [["Oslo", 300]]),
        ("lowest visitors", [[300]]),
        ("average order quantity", [[4.75]]),
        ("average order id", [[2.5]]),
    ],
)
def test_a_thing_is_neither_its_id_nor_its_date_and_a_superlative_names_what_is_asked_for(
    tmp_path: Path, question: str, rows: list[list[Any]]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "sales.csv").write_text(
        "order_id,order_date,region,quantity\n1,2024-03-01,North,2\n2,2024-03-01,South,9\n"
        "3,2024-03-05,North,1\n4,2024-04-05,North,7\n"
    )
    (folder / "visits.csv").write_text("city,visitors\nParis,1200\nRome,900\nOslo,300\n")
    outcome = Chat(tmp_path).say(question)
    assert outcome["event"] == "done", outcome
    assert outcome["data"]["rows"] == rows


def test_orders_of_ranked_and_dated_rows(shared: Path) -> None:
    ranked = Chat(shared).say("top 3 products by quantity")["data"]["rows"]
    assert [row[1] for row in ranked] == [10, 7, 4]
    months = Chat(shared).say("orders per month in 2024")["data"]["rows"]
    assert months == [["2024-01-01", 1], ["2024-03-01", 2], ["2024-05-01", 1], ["2024-06-01", 1]]
    latest = Chat(shared).say("last 2 orders")["data"]["rows"]
    assert [row[0] for row in latest] == [6, 5]


@pytest.mark.parametrize(
    "request_text",
    [
        "What is 17% of 2,350?",
        "Write a haiku about rain",
        "who was Einstein?",
        "what's the weather in Germany?",
        "what is the capital of France?",
        "order a chair",
        "Remind me to ship the orders tomorrow",
        "delete orders from Germany",
        'translate "order" into German',
        "select the best restaurant for me",
        "",
        "thanks!",
    ],
)
def test_declines_what_is_not_about_the_data(shared: Path, request_text: str) -> None:
    outcome = Chat(shared).say(request_text)
    assert outcome["event"] == "declined"
    assert "\n" not in outcome["reason"]


def test_lists_and_describes_tables(shared: Path) -> None:
    chat = Chat(shared)
    assert {row[0] for row in chat.say("What tables do I have?")["data"]["rows"]} == {
        "orders",
        "employees",
    }
    text = chat.say("describe employees")["text"]
    assert "| salary | BIGINT |" in text
    assert "IT, Sales" in text
    assert chat.say("what columns does orders have?")["data"]["rows"][0] == ["order_id", "BIGINT"]


def test_asks_which_column_and_goes_on(shared: Path) -> None:
    chat = Chat(shared)
    asked = chat.say("sum of amount")
    assert asked["event"] == "needs_input"
    assert "`net_amount` or `gross_amount`" in asked["text"]
    assert chat.say("net", event="continue")["data"]["rows"] == [[750.0]]
    by_country = chat.say("and by country?", event="stay")
    assert by_country["data"]["rows"][0] == ["Germany", 450.0]
    assert chat.say("only for 2024")["data"]["rows"][0] == ["Germany", 350.0]
    assert chat.say("top 1")["data"]["rows"] == [["Germany", 350.0]]


def test_asks_about_an_unknown_word_and_takes_the_reply(shared: Path) -> None:
    chat = Chat(shared)
    asked = chat.say("how many orders from Wakanda")
    assert asked["event"] == "needs_input"
    assert "Wakanda" in asked["text"]
    assert chat.say("France", event="continue")["data"]["rows"] == [[2]]
    assert Chat(shared).say("total revenue by country")["event"] == "needs_input"


@pytest.mark.parametrize(
    "request_text",
    [
        "how many countries are there in the world?",
        "what is the average salary in Germany",
        "what should I do today",
        "what happened yesterday",
        "what is a product?",
        "what is a csv file?",
        "which lamp should I buy?",
        "what is the salary of the president",
        "list the countries in Europe",
        "how do I become an employee",
    ],
)
def test_questions_about_the_world_are_left_to_others(shared: Path, request_text: str) -> None:
    assert Chat(shared).say(request_text)["event"] == "declined"


def test_a_name_that_no_column_holds_is_asked_about_rather_than_dropped(shared: Path) -> None:
    asked = Chat(shared).say("how many employees does Google have")
    assert asked["event"] == "needs_input"
    assert "Google" in asked["text"]


def test_a_pending_question_does_not_trap_the_user(shared: Path) -> None:
    chat = Chat(shared)
    chat.say("sum of amount")
    assert chat.say("how many employees", event="continue")["data"]["rows"] == [[3]]
    chat.say("sum of amount")
    assert chat.say("write a haiku about rain", event="continue")["event"] == "declined"


def test_cancel_forgets(shared: Path) -> None:
    chat = Chat(shared)
    chat.say("sum of amount")
    assert "forgot" in chat.say("never mind", event="cancel")["text"]
    assert chat.memory == {}


def test_says_what_it_did_not_use(shared: Path) -> None:
    outcome = Chat(shared).say("which employees earn over 5500?")
    assert "I did not use: earn" in outcome["text"]
    assert len(outcome["data"]["rows"]) == 2


def test_does_not_answer_more_than_it_can_compute(shared: Path) -> None:
    outcome = Chat(shared).say("what percentage of orders is shipped")
    assert outcome["event"] == "declined"
    assert "top-n" in outcome["reason"]


def test_rows_are_capped_and_counted(home: Path) -> None:
    lines = "\n".join(str(i) for i in range(250))
    (home / "data" / "numbers.csv").write_text(f"reading\n{lines}\n")
    (home / "data" / "few.csv").write_text("mark\n" + "\n".join(str(i) for i in range(25)) + "\n")
    many = Chat(home).say("show all rows of numbers")
    assert len(many["data"]["rows"]) == 200
    assert "… and more rows." in many["text"]
    assert "… 5 more rows" in Chat(home).say("show few")["text"]


def test_a_sum_beyond_64_bits_is_given_as_text(shared: Path) -> None:
    outcome = Chat(shared).say(
        "SELECT 2::HUGEINT^0, 170141183460469231731687303715884105727::HUGEINT"
    )
    assert outcome["data"]["rows"] == [[1.0, "170141183460469231731687303715884105727"]]


def test_cells_cannot_act_as_markdown(home: Path) -> None:
    (home / "data" / "notes.csv").write_text('note\n"[x](http://e.vil) | <b>"\n')
    text = Chat(home).say("show notes")["text"]
    assert "\\[x](http://e.vil) \\| \\<b>" in text


def test_quotes_in_names_and_values_are_escaped(home: Path) -> None:
    (home / "data" / "odd.csv").write_text('"we""ird col",city\n1,"O\'Brien; DROP"\n2,Rome\n')
    outcome = Chat(home).say('how many rows of odd where city is "O\'Brien; DROP"')
    assert outcome["data"]["rows"] == [[1]]
    assert "'O''Brien; DROP'" in outcome["data"]["sql"]
    assert Chat(home).say('sum of we"ird col in odd')["event"] in ("done", "declined")


# Files


def test_reads_json_parquet_and_sqlite(home: Path) -> None:
    folder = home / "data"
    (folder / "cities.json").write_text(
        '[{"city": "Rome", "population": 3}, {"city": "Oslo", "population": 1}]'
    )
    duckdb.execute(f"COPY (SELECT 7 AS height, 'K2' AS peak) TO '{folder / 'peaks.parquet'}'")
    with sqlite3.connect(folder / "shop.sqlite") as shop:
        shop.execute("CREATE TABLE invoices (id INTEGER, issued TEXT, paid REAL, memo TEXT)")
        shop.execute(
            "INSERT INTO invoices VALUES (1, '2024-01-02', 9.5, 'a'), (2, '2024-02-03', NULL, NULL)"
        )
    shop.close()
    chat = Chat(home)
    assert chat.say("total population of cities")["data"]["rows"] == [[4]]
    assert chat.say("highest height in peaks")["data"]["rows"] == [[7]]
    assert chat.say("how many invoices in February 2024")["data"]["rows"] == [[1]]
    assert chat.say("describe invoices")["data"]["rows"] == [
        ["id", "BIGINT"], ["issued", "DATE"], ["paid", "DOUBLE"], ["memo", "VARCHAR"],
    ]  # fmt: skip


def test_a_sqlite_table_is_copied_as_it_is(home: Path) -> None:
    with sqlite3.connect(home / "data" / "odd.db") as odd:
        odd.execute("CREATE TABLE odd (n INT, twice INT GENERATED ALWAYS AS (n * 2), last INT)")
        odd.executemany("INSERT INTO odd (n, last) VALUES (?, ?)", [(1, 7), (2.7, 8), ("3", 9)])
    with duckdb.connect() as into:
        copy_table(home / "data" / "odd.db", "odd", into=into, name="odd")
        assert into.execute("SELECT * FROM odd").fetchall() == [
            (1.0, 2.0, 7),
            (2.7, 5.4, 8),
            (3.0, 6.0, 9),
        ]


def test_a_view_that_computes_more_than_memory_holds_is_read_in_small_parts(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.data.sqlite.MAX_CELL", 100_000)
    monkeypatch.setattr("agents.data.sqlite._BATCH_CHARS", 100_000)
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9)"
    with sqlite3.connect(home / "data" / "views.db") as file:
        file.execute(f"CREATE VIEW long AS {many} SELECT hex(zeroblob(20000)) AS text FROM n")
        file.execute("CREATE VIEW longer AS SELECT hex(zeroblob(100000)) AS text")
    with sqlite3.connect(home / "data" / "views.db") as file, duckdb.connect() as into:
        rows = file.execute("SELECT * FROM long")
        assert [len(batch) for batch in data_sqlite._batches(rows)] == [3, 3, 3]
        copy_table(home / "data" / "views.db", "long", into=into, name="long")
        assert into.execute("SELECT count(*) FROM long").fetchone() == (9,)
        with pytest.raises(sqlite3.DataError, match="too big"):
            copy_table(home / "data" / "views.db", "longer", into=into, name="longer")


def test_says_when_a_sqlite_table_was_cut(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.data.sqlite.MAX_SQLITE_ROWS", 3)
    with sqlite3.connect(home / "data" / "big.db") as big:
        big.execute("CREATE TABLE ticks (n INTEGER)")
        big.executemany("INSERT INTO ticks VALUES (?)", [(i,) for i in range(5)])
    big.close()
    outcome = Chat(home).say("how many ticks")
    assert outcome["data"]["rows"] == [[3]]
    assert "only the first 3 rows" in outcome["text"]


def test_broken_files_are_named_and_others_still_work(home: Path) -> None:
    folder = home / "data"
    (folder / "broken.parquet").write_text("not parquet")
    (folder / "broken.json").write_text('{"a": [1, nope')
    (folder / "empty.csv").write_text("")
    (folder / "broken.db").write_text("not a database")
    (folder / "leak.csv").symlink_to("/etc/passwd")
    chat = Chat(home)
    text = chat.say("what tables do I have")["text"]
    for name in ("broken.parquet", "broken.json", "empty.csv", "broken.db", "leak.csv"):
        assert f"I could not use `{name}`" in text
    assert str(home) not in text
    assert chat.say("how many orders")["data"]["rows"] == [[6]]


@pytest.mark.parametrize("make", [True, False])
def test_without_files_it_says_where_to_put_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: bool
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    if make:
        (tmp_path / "data").mkdir()
    advice = "in `~/data`. Put CSV, Parquet, JSON or SQLite files there and ask again."
    for request in (
        "what tables do I have?",
        "SELECT * FROM orders",
        "summarise my data",
        "which columns does sales.csv have?",
        "how many rows are in the csv files?",
    ):
        outcome = Chat(tmp_path).say(request)
        assert outcome["event"] == "done"
        assert outcome["text"].endswith(advice)
    for request in (
        "how many orders",
        "write a script that reads my csv file",
        "what is a parquet file?",
        "how do I open my database?",
        "book me a table for two",
        "how many people live in France?",
    ):
        assert Chat(tmp_path).say(request)["event"] == "declined"


def test_without_usable_files_it_says_what_is_wrong_with_them(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "empty.csv").write_text("")
    text = Chat(tmp_path).say("what tables do I have?")["text"]
    assert "I could not use `empty.csv`: it cannot be read: the file is empty." in text


@pytest.mark.parametrize("cell", ["x" * 5_000, "語" * 5_000, "short"])
def test_a_wide_table_of_long_texts_has_an_outcome_of_bounded_size(
    tmp_path: Path, cell: str
) -> None:
    (tmp_path / "data").mkdir()
    names = ",".join(f"field_{number}" for number in range(40))
    line = ",".join([cell] * 40) + "\n"
    (tmp_path / "data" / "wide.csv").write_text(names + "\n" + line * 30)
    chat = Chat(tmp_path)
    outcome = chat.say("show all rows of wide")
    assert outcome["event"] == "done"
    assert "… and 20 more columns." in outcome["text"]
    assert len(outcome["data"]["rows"][0]) == 40
    chat.say("describe wide")


def test_a_changed_file_is_read_again(home: Path) -> None:
    chat = Chat(home)
    assert chat.say("how many employees")["data"]["rows"] == [[3]]
    (home / "data" / "employees.csv").write_text(EMPLOYEES + "Leo,HR,4500,,true\n")
    assert chat.say("how many employees")["data"]["rows"] == [[4]]


# The sandbox

HOSTILE = [
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT (SELECT content FROM read_text('/etc/passwd'))",
    "SELECT * FROM read_csv('https://example.org/x.csv')",
    "SELECT * FROM 'https://example.org/x.csv'",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM information_schema.tables",
    "SELECT current_setting('memory_limit')",
    "SELECT repeat('a', 2000000000)",
    "SELECT list_sum(range(1000000000))",
    "SELECT [x + 1 for x in [1, 2]]",
    "COPY orders TO '/tmp/stolen.csv'",
    "ATTACH 'other.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET threads = 4",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "DROP TABLE orders",
    "UPDATE orders SET quantity = 0",
    "DELETE FROM orders",
    "CREATE TABLE x AS SELECT 1",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE orders",
    "EXPLAIN SELECT 1",
    "SELECT " + "+".join(["1"] * 900),
    "SELECT " + "(" * 5000,
    "SELECT '" + "x" * 9000 + "'",
    "SELECT * FROM orders WHERE customer LIKE '%a_%a_%a_%a_%c'",
    "SELECT * FROM orders WHERE customer ILIKE '%a%a%a%c'",
    "SELECT * FROM orders WHERE customer LIKE customer",
    "SELECT * FROM orders WHERE customer NOT LIKE '%a_%a_%a' ESCAPE '!'",
    "SELECT product AS a, a || a AS b, b || b AS c, " + " || ".join(["c"] * 8) + " FROM orders",
    "SELECT concat(" + ", ".join(["product"] * 10) + ") FROM orders",
    "SELECT row(x, x, x, x) FROM (SELECT row(y, y, y, y, y, y, y) AS x FROM (SELECT 1 AS y))",
    "WITH RECURSIVE r AS (SELECT 'a' AS x UNION ALL SELECT x || x FROM r) SELECT x FROM r",
    "SELECT string_agg(product) OVER () FROM orders, employees",
    "SELECT upper(string_agg(product)) FROM orders",
    "SELECT upper(x) FROM orders, (SELECT listagg(product) AS x FROM orders)",
]


@pytest.mark.parametrize("sql", HOSTILE)
def test_hostile_sql_is_refused_by_the_check(database: Database, sql: str) -> None:
    with pytest.raises(SandboxError):
        check_select(database.connection, sql, tables=["orders", "employees"])


def test_texts_of_rows_are_joined(database: Database) -> None:
    joined = (
        "SELECT country, string_agg(product || ': ' || status, ', ' ORDER BY order_id) FROM orders "
        "WHERE country = 'France' GROUP BY country"
    )
    assert database.select(joined).rows == [["France", "Desk: pending, Chair: shipped"]]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY orders TO '/tmp/stolen.csv'",
        "ATTACH '/tmp/other.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
    ],
)
def test_the_database_itself_is_locked(database: Database, sql: str) -> None:
    with pytest.raises(SandboxError, match=r"disabled|locked|Cannot"):
        run(database.connection, sql)


def test_endless_queries_are_stopped(database: Database) -> None:
    endless = (
        "WITH RECURSIVE t AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM t) SELECT count(*) FROM t"
    )
    check_select(database.connection, endless, tables=[])
    started = time.monotonic()
    with pytest.raises(SandboxError, match=r"longer than 0\.3 s"):
        run(database.connection, endless, seconds=0.3)
    assert time.monotonic() - started < 60
    assert database.select("SELECT count(*) FROM orders").rows == [[6]]


def test_useful_sql_is_admitted(database: Database) -> None:
    sql = (
        "WITH big AS (SELECT country, sum(net_amount) AS total FROM orders GROUP BY country) "
        "SELECT upper(country), round(total, 1), rank() OVER (ORDER BY total DESC) FROM big "
        "WHERE total > 100 ORDER BY 2"
    )
    assert database.select(sql).rows == [["FRANCE", 220.0, 2], ["GERMANY", 450.0, 1]]


def test_typed_sql_runs_in_the_sandbox(shared: Path) -> None:
    chat = Chat(shared)
    assert chat.say("SELECT max(salary) AS m FROM employees;")["data"]["rows"] == [[7000]]
    assert chat.say("```sql\nselect count(*) from orders\n```")["data"]["rows"] == [[6]]
    refused = chat.say("select * from read_csv('/etc/passwd')")
    assert refused["event"] == "failed"
    assert "read_csv" in refused["reason"]
    assert chat.say("drop table orders")["event"] == "failed"
    assert typed_sql("with this data, how many orders?") is None


# A model that writes SQL: the replies are recorded ones of a fake model


def test_a_capable_model_writes_the_sql(shared: Path) -> None:
    sql = "SELECT avg((status = 'shipped')::INT) AS share FROM orders"
    chat = Chat(shared, model=FakeListChatModel(responses=[json.dumps({"sql": sql})]), capable=True)
    outcome = chat.say("what percentage of orders is shipped")
    assert outcome["data"] == {"sql": sql, "columns": ["share"], "rows": [[0.5]]}
    assert "written by a language model" in outcome["text"]


def test_a_model_gets_one_second_try(shared: Path) -> None:
    replies = [
        {"sql": "SELECT * FROM read_csv('/etc/passwd')"},
        {"sql": "SELECT 1 AS one FROM orders LIMIT 1"},
    ]
    model = FakeListChatModel(responses=[json.dumps(reply) for reply in replies])
    outcome = Chat(shared, model=model, capable=True).say("what percentage of orders is shipped")
    assert outcome["data"]["rows"] == [[1]]


@pytest.mark.parametrize(
    "reply", ["Sure! Here is it", '{"sql": ""}', "[1]", '{"sql": "DROP TABLE orders"}', ""]
)
def test_a_model_without_usable_sql_gives_no_answer(shared: Path, reply: str) -> None:
    chat = Chat(shared, model=FakeListChatModel(responses=[reply]), capable=True)
    outcome = chat.say("what percentage of orders is shipped")
    assert outcome["event"] == "declined"
    assert "no SQL could be written" in outcome["reason"]


def test_an_incapable_model_is_never_asked(shared: Path) -> None:
    chat = Chat(shared, model=FakeListChatModel(responses=['{"sql": "SELECT 1"}']), capable=False)
    assert chat.say("what percentage of orders is shipped")["event"] == "declined"


# The package


async def test_runs_async_and_for_several_users_at_once(shared: Path) -> None:
    context = AgentContext(home=shared, now=NOW)
    state = {"request": "how many orders", "event": "start", "history": [], "memory": {}}
    results = await asyncio.gather(*(GRAPH.ainvoke(state, context=context) for _ in range(8)))
    assert [result["outcome"]["data"]["rows"] for result in results] == [[[6]]] * 8


@pytest.mark.parametrize("options", [{"foldr": "x"}, {"folder": 3}, {"folder": " "}])
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(CatalogError, match="folder"):
        build(options)


def test_folder_may_be_absolute(home: Path, tmp_path: Path) -> None:
    graph = build({"folder": str(home / "data")})
    state = {"request": "how many orders", "event": "start", "history": [], "memory": {}}
    result = graph.invoke(state, context=AgentContext(home=tmp_path / "elsewhere", now=NOW))
    assert result["outcome"]["data"]["rows"] == [[6]]


def test_names_compare_by_words() -> None:
    assert stems("NetAmount") == stems("net_amounts") == stems("net amount") == ("net", "amount")
    assert stems("countries") == stems("Country")
    assert [token.kind.value for token in tokens("over $1,200.50 on 2024-03-01")] == [
        "word",
        "number",
        "word",
        "date",
    ]
    assert tokens("1.5k")[0].number == 1500
