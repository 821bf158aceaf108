"""Lets a language model write the SELECT for a question that the rules cannot read. It runs nothing itself.

The model sees the tables' names, columns, types and a few values, never whole rows; what it writes is checked and run
in the same sandbox as everything else.
"""

import json
import re
from collections.abc import Sequence
from datetime import date

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, SystemMessage

from agents.data.sandbox import MAX_SQL
from agents.data.schema import Table

_INSTRUCTION = """\
You write one DuckDB SELECT statement that answers a question about these tables. Today is {today}.
{tables}
Use only these tables and columns, quote identifiers with double quotes, call no table function.
Answer with JSON only: {{"sql": "SELECT ..."}}. If the tables cannot answer the question: {{"sql": ""}}."""
_MAX_TABLES = 20
_MAX_VALUES = 8


def write_sql(
    model: BaseChatModel, question: str, *, tables: Sequence[Table], today: date, problem: str = ""
) -> str:
    """Return the statement that the model proposes; empty if it gives none.

    Args:
        model: the chat model of the turn.
        question: what the user asked.
        tables: the tables it may use.
        today: the day of the turn, for words such as "last month".
        problem: why the statement that it wrote before was refused.
    """
    instruction = _INSTRUCTION.format(
        today=today.isoformat(),
        tables="\n".join(_describe(table) for table in tables[:_MAX_TABLES]),
    )
    asked = f"Question: {question}" + (
        f"\nYour last statement was refused: {problem}" if problem else ""
    )
    reply = model.invoke([SystemMessage(instruction), HumanMessage(asked)])
    return read_sql(reply.text)


def read_sql(text: str) -> str:
    """Return the statement in a model's reply, which must be one JSON object with the key `sql`."""
    bare = re.sub(r"^```(?:json)?\s*|\s*```$", "", text.strip())
    if len(bare) > 2 * MAX_SQL:
        return ""
    try:
        data = json.loads(bare)
    except (json.JSONDecodeError, RecursionError):
        return ""
    sql = data.get("sql") if isinstance(data, dict) else None
    return sql.strip().rstrip(";").strip() if isinstance(sql, str) else ""


def _describe(table: Table) -> str:
    columns = []
    for column in table.columns:
        values = [spellings[0] for spellings in column.values.values()]
        few = (
            f", one of {json.dumps(values, ensure_ascii=False)}"
            if 0 < len(values) <= _MAX_VALUES
            else ""
        )
        columns.append(f'  "{column.name}" {column.type}{few}')
    return f'Table "{table.name}" ({table.rows} rows):\n' + "\n".join(columns)
