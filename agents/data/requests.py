"""Recognises requests that need no query: what tables there are, what one holds, SQL typed by the user."""

import re
from collections.abc import Sequence

from agents.data.schema import Table
from agents.data.words import contains, stem, tokens

_TABLES = re.compile(
    r"(?:what|which|show|list|display|give|see|tell|do you have|have you)\b.*"
    r"\b(?:tables?|files?|datasets?|data ?sets?|databases?|schemas?)\b"
    r"|what data\b.*|(?:show|describe|list)(?: me)?(?: all)?(?: the| my| our)? data|(?:tables|schema|files|datasets)",
    re.IGNORECASE,
)
_DEFINITION = re.compile(
    r"what(?:'s| is) an?\b|what are (?!the|my|our|your|these|all)", re.IGNORECASE
)
_DESCRIBE = re.compile(
    r"\b(?:describe|schema|structure|columns?|fields?|what(?:'s| is) in|what does|look like)\b",
    re.IGNORECASE,
)
_LOCAL = frozenset(
    "what which show list display give see tell me do i you we have has is are there can the a "
    "my our your all of in about "
    "table file dataset data set database schema csv parquet json sqlite available loaded "
    "please describe columns column "
    "field structure does look like contain for s with and it to access know which any query "
    "ask stored how many on "
    "folder hold inside type name work use got".split()
)
_KIND = (
    r"(?:data|data ?(?:files?|sets?|bases?|tables?|folder)|tables?|spreadsheets?|records"
    r"|(?:csv|tsv|parquet|json|sqlite)(?:s| files?| tables?| data)?)"
)
_SPEAKS_OF_DATA = re.compile(
    rf"\b(?:my|our|your|these|those|uploaded|loaded) (?:[\w-]+ )?{_KIND}\b(?! plan)"
    rf"|\b(?:in|from|across) (?:all )?the {_KIND}\b"
    r"|[\w-]+\.(?:csv|tsv|parquet|jsonl?|ndjson|db|sqlite3?)\b",
    re.IGNORECASE,
)
_MAKES = re.compile(
    r"(?:(?:please|can you|could you|would you|help me) )*(?:write|create|generate|draft|make|explain|implement|code"
    r"|convert|design|build|how (?:do|can|would|should|to)|what is|what's|why)\b",
    re.IGNORECASE,
)
_SQL = re.compile(
    r"^\s*(?:```(?:sql)?\s*(?P<fenced>.+?)\s*```|(?P<bare>(?:select|with)\b.+))\s*$",
    re.IGNORECASE | re.DOTALL,
)
_STATEMENT = re.compile(
    r"^\s*(?:insert\s+into|update\s+\S+\s+set|delete\s+from|drop\s+table|alter\s+table|attach\s+'"
    r"|create\s+(?:or\s+replace\s+)?(?:table|view)|copy\s+.+\s+to\s+'|install\s+\w+\s*;?\s*$"
    r"|pragma\s+\w+|set\s+\w+\s*=).*",
    re.IGNORECASE | re.DOTALL,
)
_CLAUSE = re.compile(r"\bfrom\b|[*,(;]|^\s*select\s+\d", re.IGNORECASE)


def asks_for_tables(text: str) -> bool:
    """Tell whether the text asks what data there is, and nothing else."""
    return (
        bool(_TABLES.search(text))
        and not _DEFINITION.match(text.strip())
        and _only_local(text, allowed=())
    )


def asks_what_a_word_means(text: str) -> bool:
    """Tell whether the text asks for a definition, as in "what is a product?"."""
    return _DEFINITION.match(text.strip()) is not None and len(text.split()) <= 4


def speaks_of_data(text: str) -> bool:
    """Tell whether the text clearly asks about data files of the user's own, whatever there are."""
    if asks_for_tables(text) or typed_sql(text):
        return True
    return bool(_SPEAKS_OF_DATA.search(text)) and not _MAKES.match(text.strip())


def described_table(text: str, known: Sequence[Table]) -> Table | None:
    """Return the table whose columns the text asks for, if it asks for nothing else."""
    if not _DESCRIBE.search(text):
        return None
    words = [token.stem for token in tokens(text)]
    named = [table for table in known if contains(words, table.words)]
    if named:
        table = max(named, key=lambda item: len(item.words))
        return table if _only_local(text, allowed=table.words) else None
    return known[0] if len(known) == 1 and _only_local(text, allowed=()) else None


def typed_sql(text: str) -> str | None:
    """Return the SQL that the user typed, in a fence or bare; None if the text is a sentence."""
    match = _SQL.match(text)
    if match and match["fenced"]:
        return match["fenced"].strip().rstrip(";").strip()
    if _STATEMENT.match(text) or (match and _CLAUSE.search(text) and _reads_as_sql(text)):
        return text.strip().rstrip(";").strip()
    return None


def _reads_as_sql(text: str) -> bool:
    import duckdb  # heavy; needed only once a text may be SQL

    try:
        return len(duckdb.extract_statements(text)) > 0
    except duckdb.Error:
        return False


def _only_local(text: str, *, allowed: Sequence[str]) -> bool:
    local = {stem(word) for word in _LOCAL} | set(allowed)
    return all(token.stem in local for token in tokens(text))
