"""Checks that a statement is one SELECT over known tables, and runs it within limits. It knows no question and no file.

DuckDB itself is locked before any query (no file, no network, no setting); this check is the second wall. It reads
DuckDB's own parse tree, never the text, and admits functions by name: several harmless-looking ones (repeat, range,
replace, levenshtein) can run for minutes in one step that an interrupt cannot stop.
"""

import contextlib
import json
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents.data.schema import MAX_TEXT, plain

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAX_ROWS = 200
MAX_CHARS = 24_000
"""Characters of JSON in a result: it is kept in the thread."""
MAX_SQL = 8_000
MAX_WILDCARDS = 2
MAX_JOINED = 8
"""Texts that a statement may put together beyond the first: each may double what 2,048 rows at once take, and DuckDB
counts none of it against its limit of memory."""
SECONDS = 5.0
_PATTERNS = frozenset(
    "~~ !~~ ~~* !~~* like_escape ilike_escape not_like_escape not_ilike_escape".split()
)
_JOINS = frozenset("|| concat concat_ws row".split())
_GATHERS = frozenset("string_agg group_concat listagg".split())
_SEARCHES = frozenset("contains instr strpos position split_part".split())

_FUNCTIONS = frozenset(
    # operators
    "+ - * / // % ^ || ~~ !~~ ~~* !~~* ~ !~ ^@ <@ @> & | "
    # aggregates and windows
    "count count_star count_if sum avg mean min max median mode quantile quantile_cont "
    "quantile_disc stddev stddev_samp "
    "stddev_pop variance var_samp var_pop corr covar_pop covar_samp regr_slope regr_intercept "
    "regr_r2 arg_min arg_max "
    "min_by max_by first last any_value approx_count_distinct bool_and bool_or string_agg "
    "group_concat listagg product "
    "skewness kurtosis row_number rank dense_rank percent_rank cume_dist ntile lag lead "
    "first_value last_value nth_value "
    # numbers
    "abs ceil ceiling floor round trunc sign sqrt cbrt exp ln log log10 log2 pow power mod "
    "greatest least random "
    # text
    "lower upper lcase ucase trim ltrim rtrim length len strlen substr substring left right contains "
    "starts_with ends_with prefix suffix concat concat_ws instr strpos position reverse "
    "like_escape ilike_escape "
    "not_like_escape not_ilike_escape regexp_matches regexp_extract regexp_full_match split_part "
    "strftime strptime try_strptime initcap "
    # dates
    "date_trunc date_part date_diff datediff date_add date_sub datetrunc datepart extract year "
    "month day hour minute "
    "second quarter week weekday dayofweek dayofmonth dayofyear isodow weekofyear yearweek "
    "dayname monthname last_day "
    "make_date make_timestamp age now today current_date get_current_timestamp "
    "current_localtimestamp epoch epoch_ms "
    "to_days to_hours to_minutes to_months to_seconds to_years to_weeks "
    # choices and structures
    "coalesce nullif ifnull if typeof isnan isfinite isinf array_length list_contains "
    "struct_extract array_extract "
    "json_extract json_extract_string json_array_length row constant_or_null".split()
)


class SandboxError(Exception):
    """The statement was refused, failed or ran out of its limits; the text is one line, safe to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a query gave, of JSON-plain values: at most `MAX_ROWS` rows and about `MAX_CHARS` characters."""

    columns: list[str]
    rows: list[list[Any]]
    more: bool
    """Whether there were more rows than were read."""


def check_select(connection: "DuckDBPyConnection", sql: str, *, tables: Collection[str]) -> None:
    """Raise SandboxError unless `sql` is one SELECT over `tables` that uses only admitted functions."""
    import duckdb  # heavy; needed only once a question is about data

    if len(sql) > MAX_SQL:
        raise SandboxError(f"the SQL has {len(sql)} characters; at most {MAX_SQL} are read")
    try:
        statements = duckdb.extract_statements(sql)
        row = connection.cursor().execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchone()
    except duckdb.Error as error:
        raise SandboxError(f"the SQL cannot be read: {_one_line(error)}") from error
    if len(statements) != 1:
        raise SandboxError(
            f"expected one statement, got {len(statements)}; ask one thing at a time"
        )
    try:
        tree: dict[str, Any] = json.loads(str(row[0])) if row else {"error": True}
    except RecursionError as error:
        raise SandboxError("the SQL is nested too deeply; write it flatter") from error
    if tree["error"]:
        kind = statements[0].type.name
        given = "a pragma" if kind == "SELECT" else kind
        raise SandboxError(
            f"only SELECT is allowed, this is {given}; nothing here can change or attach data"
        )
    nodes = list(_nodes(tree["statements"]))
    _check_sources(nodes, tables=tables)
    _check_functions(nodes)
    _check_growth(nodes, shown=tree["statements"][0]["node"].get("select_list", []))


def _check_sources(nodes: list[dict[str, Any]], *, tables: Collection[str]) -> None:
    known = {name.casefold() for name in tables}
    for node in nodes:
        for entry in _maps(node):
            known.add(str(entry["key"]).casefold())
    for node in nodes:
        kind = node.get("type")
        if kind in ("TABLE_FUNCTION", "SHOW_REF"):
            name = node.get("function", {}).get("function_name", "SHOW")
            raise SandboxError(
                f"table function {name!r} is not allowed; use the tables {', '.join(sorted(tables))}"
            )
        if kind == "BASE_TABLE":
            name = str(node["table_name"])
            if node.get("schema_name") or node.get("catalog_name") or name.casefold() not in known:
                raise SandboxError(
                    f"there is no table {name!r}; there are {', '.join(sorted(tables))}"
                )


def _check_functions(nodes: list[dict[str, Any]]) -> None:
    for node in nodes:
        if "function_name" not in node:
            if node.get("class") == "LAMBDA":
                raise SandboxError("lambda functions are not allowed in SQL here")
            continue
        name = str(node["function_name"]).casefold()
        if name not in _FUNCTIONS:
            raise SandboxError(f"function {name!r} is not allowed in SQL here")
        if name in _SEARCHES:
            _check_searched(node["children"], name)
        if name in _PATTERNS:
            _check_pattern(node["children"][1], quick=name in ("~~", "!~~"))


def _check_growth(nodes: list[dict[str, Any]], *, shown: list[dict[str, Any]]) -> None:
    """Check that no text grows beyond memory, query within query or row by row.

    Args:
        nodes: of the statement.
        shown: the list of its outermost SELECT.
    """
    called = [(str(n["function_name"]).casefold(), n) for n in nodes if "function_name" in n]
    joined = sum(
        len(node["children"]) - (name != "concat_ws") for name, node in called if name in _JOINS
    )
    if joined > MAX_JOINED:
        raise SandboxError(f"it puts {joined} texts together; at most {MAX_JOINED} are joined here")
    if joined and any(node.get("type") == "RECURSIVE_CTE_NODE" for node in nodes):
        raise SandboxError("a recursive query may not put texts together here")
    for name, node in called:
        alone = node.get("class") == "FUNCTION" and any(node is item for item in shown)
        if name in _GATHERS and not alone:
            raise SandboxError(f"{name} may only stand by itself in the outermost SELECT here")


def _check_searched(children: list[dict[str, Any]], name: str) -> None:
    """Check what a text is searched for: DuckDB takes the product of both lengths, in one step as with patterns."""
    searched = children[1] if len(children) > 1 else {}
    value = searched.get("value", {}).get("value") if searched.get("class") == "CONSTANT" else None
    if not isinstance(value, str | int | float):
        raise SandboxError(f"what {name} searches for must be a plain value here")


def _check_pattern(pattern: dict[str, Any], *, quick: bool) -> None:
    """Check a pattern of LIKE.

    DuckDB is quick with `%` alone where letters must be the same. Else each `%` multiplies the time that it takes by
    the length of the text, in one step that an interrupt cannot stop.
    """
    value = pattern.get("value", {}).get("value") if pattern.get("class") == "CONSTANT" else None
    if not isinstance(value, str):
        raise SandboxError("the pattern of LIKE must be a plain text here")
    if value.count("%") > MAX_WILDCARDS and ("_" in value or not quick):
        raise SandboxError(
            f"a pattern of ILIKE, or with _, may have % {MAX_WILDCARDS} times here; LIKE without _ as often as you want"
        )


def _maps(node: dict[str, Any]) -> list[dict[str, Any]]:
    cte = node.get("cte_map")
    return list(cte["map"]) if isinstance(cte, dict) else []


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Walk the tree without recursion, so that a deep one cannot overflow the stack."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def run(connection: "DuckDBPyConnection", sql: str, *, seconds: float = SECONDS) -> Result:
    """Run a checked statement in its own cursor, for at most `seconds`; SandboxError says what went wrong."""
    import duckdb  # heavy; needed only once a question is about data

    cursor = connection.cursor()

    def stop() -> None:
        with contextlib.suppress(duckdb.Error):  # the query may have ended at this very moment
            cursor.interrupt()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        cursor.execute(sql)
        columns = [str(item[0]) for item in cursor.description or []]
        rows = cursor.fetchmany(MAX_ROWS + 1)
    except duckdb.InterruptException as error:
        raise SandboxError(
            f"the query ran longer than {seconds:g} s and was stopped; ask for less"
        ) from error
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        raise SandboxError("the query needs more memory than it may use; ask for less") from error
    except duckdb.Error as error:
        raise SandboxError(f"the query failed: {_one_line(error)}") from error
    finally:
        timer.cancel()
        cursor.close()
    kept = _bounded(rows[:MAX_ROWS])
    return Result(columns=columns, rows=kept, more=len(rows) > len(kept))


def _bounded(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return rows up to the limit of characters, the first one always, with long texts cut to a share of it."""
    kept: list[list[Any]] = []
    room = MAX_CHARS
    for row in rows:
        cells = [plain(cell, limit=min(MAX_TEXT, MAX_CHARS // len(row))) for cell in row]
        room -= len(json.dumps(cells, ensure_ascii=False))
        if kept and room < 0:
            break
        kept.append(cells)
    return kept


def _one_line(error: Exception) -> str:
    """Return the first line of an error of DuckDB; what follows quotes the statement."""
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
