"""The data agent's subgraph: open the files, understand the question, get SQL, run it, answer. It routes no turn.

The folder belongs to whoever runs MoMA and is the same for every user; nothing in it is ever changed.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, cast

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from agents.contract import AgentContext, AgentState, declined, done, failed, needs_input
from agents.data import requests, show
from agents.data.database import Database, Library
from agents.data.model_sql import write_sql
from agents.data.query import Query
from agents.data.sandbox import SandboxError
from agents.data.understand import (
    Ask,
    NoReading,
    Reading,
    Understood,
    choose,
    continue_query,
    understand,
)
from agents.folders import names_file
from agents.replies import read_reply

MAX_REQUEST = 10_000
_KINDS = (
    "without a model that writes SQL I answer counts, sums, averages, filters, top-n and schema "
    "questions about one table"
)


class DataState(AgentState, total=False):
    """What the agent works on during one turn."""

    step: str
    """The node that comes next."""
    title: str
    """What the query computes, in English."""
    sql: str
    """The statement to run."""
    result: dict[str, Any]
    """Columns, rows, and whether there are more."""
    last: dict[str, Any]
    """The query to keep for a follow-up."""
    notes: list[str]
    """Lines that the answer must add."""
    pending: dict[str, Any]
    """The question that waits for one word of the user."""
    reason: str
    """Why the request is refused."""


class DataAgent:
    """The nodes, over one library of loaded folders."""

    def __init__(self, *, folder: Path, library: Library) -> None:
        self._folder = folder
        self._library = library

    def understand(self, state: DataState, runtime: Runtime[AgentContext]) -> DataState:
        """Decide what the request asks for."""
        if state.get("event") == "cancel" or (
            self._pending(state) and read_reply(state["request"]) in ("cancel", "deny")
        ):
            return DataState(step="cancel")
        text = state["request"].strip()
        if len(text) > MAX_REQUEST:
            return _refuse(
                f"the request has {len(text):,} characters; at most {MAX_REQUEST:,} are read"
            )
        database = self._open(runtime)
        if not database.tables:
            advice = show.no_tables(runtime.context.home / self._folder, database.skipped)
            if requests.speaks_of_data(text):  # a model would guess what is in the user's own files
                return cast(DataState, {**done(advice), "step": END})
            return _refuse(" ".join(advice.split()))
        if requests.asks_for_tables(text) or requests.described_table(text, database.tables):
            return DataState(step="catalogue")
        sql = requests.typed_sql(text)
        if sql is not None:
            return DataState(step="execute", sql=sql, title="Result", last={}, notes=[])
        if requests.asks_what_a_word_means(text):
            return _refuse("the text asks what a word means, not what the data files hold")
        question, understood, bindings, base = self._read(state, text, database, runtime)
        unread = [skipped for skipped in database.skipped if names_file(text, skipped.file)]
        if unread and not isinstance(understood, Reading):  # a model would make up what is in them
            return cast(DataState, {**done("\n\n".join(show.skipped_lines(unread))), "step": END})
        return self._plan(question, understood, bindings, base, runtime)

    def _read(
        self, state: DataState, text: str, database: Database, runtime: Runtime[AgentContext]
    ) -> tuple[str, Understood, dict[str, str], dict[str, Any]]:
        """Read the text as a reply to what was asked, as a follow-up, or as a question of its own."""
        memory, today = state.get("memory") or {}, runtime.context.now.date()
        pending = self._pending(state)
        if pending:
            question, bindings = _answered(pending, text)
            base = dict(pending["base"])
            if question:
                understood = _reread(question, base, database, bindings=bindings, today=today)
                return question, understood, bindings, base
        base = dict(memory.get("last") or {})
        understood = _reread(text, base, database, bindings={}, today=today)
        return text, understood, {}, base

    def _plan(
        self,
        question: str,
        understood: Understood,
        bindings: Mapping[str, str],
        base: dict[str, Any],
        runtime: Runtime[AgentContext],
    ) -> DataState:
        if isinstance(understood, Reading):
            notes = [f"I did not use: {', '.join(understood.unused)}."] if understood.unused else []
            query = understood.query
            return DataState(
                step="execute", sql=query.sql, title=str(query), last=query.to_json(), notes=notes
            )
        pending = {"question": question, "bindings": dict(bindings), "base": base}
        if isinstance(understood, Ask):
            choice = {
                "key": understood.key,
                "options": list(understood.options),
                "text": understood.question,
            }
            return DataState(step="ask", pending={**pending, **choice})
        if not understood.about_data:
            return _refuse(understood.reason)
        if runtime.context.capable and runtime.context.model is not None:
            return DataState(step="write_sql", title="Result", last={}, pending=pending)
        if understood.word:
            text = f"{understood.reason}. What should I look for instead?"
            choice = {"key": f"~{understood.word}", "options": [], "text": text}
            return DataState(step="ask", pending={**pending, **choice})
        return _refuse(f"{understood.reason}; {_KINDS}")

    def catalogue(self, state: DataState, runtime: Runtime[AgentContext]) -> AgentState:
        """Answer what tables there are, or what one holds."""
        database = self._open(runtime)
        table = requests.described_table(state["request"], database.tables)
        if table is None:
            rows = [[t.name, t.rows, len(t.columns)] for t in database.tables]
            text = show.tables(database.tables, database.skipped)
            return done(
                text, data={"sql": "", "columns": ["table", "rows", "columns"], "rows": rows}
            )
        rows = [[column.name, column.type] for column in table.columns]
        return done(
            show.description(table), data={"sql": "", "columns": ["column", "type"], "rows": rows}
        )

    def write_sql(self, state: DataState, runtime: Runtime[AgentContext]) -> DataState:
        """Have the model write the statement; one second try if the first is refused."""
        model, database, problem = runtime.context.model, self._open(runtime), ""
        assert model is not None
        for _ in range(2):
            sql = write_sql(
                model,
                state["pending"]["question"],
                tables=database.tables,
                today=runtime.context.now.date(),
                problem=problem,
            )
            if not sql:
                break
            try:
                result = database.select(sql)
            except SandboxError as error:
                problem = str(error)
                continue
            kept = {"columns": result.columns, "rows": result.rows, "more": result.more}
            note = "The SQL was written by a language model; check that it asks what you meant."
            return DataState(step="answer", sql=sql, result=kept, notes=[note])
        return _refuse(
            f"no SQL could be written for this question{f': {problem}' if problem else ''}"
        )

    def execute(self, state: DataState, runtime: Runtime[AgentContext]) -> DataState:
        """Run the statement in the sandbox."""
        try:
            result = self._open(runtime).select(state["sql"])
        except SandboxError as error:
            return _refuse(str(error))
        kept = {"columns": result.columns, "rows": result.rows, "more": result.more}
        return DataState(step="answer", result=kept)

    def answer(self, state: DataState, runtime: Runtime[AgentContext]) -> AgentState:
        """Show the result, the SQL, and what was left out."""
        database, result = self._open(runtime), state["result"]
        used = [t for t in database.tables if t.note and t.name == state["last"].get("table")]
        notes = [*state["notes"], *[f"Note: {table.note}." for table in used]]
        text = show.answer(state["title"], sql=state["sql"], notes=notes, **result)
        data = {"sql": state["sql"], "columns": result["columns"], "rows": result["rows"]}
        return done(text, data=data, memory={"last": state["last"]} if state["last"] else {})

    def ask(self, state: DataState) -> AgentState:
        """Ask for the one word that is missing."""
        pending = state["pending"]
        memory = {"pending": pending, "last": pending["base"]}
        return needs_input(show.question(pending["text"], pending["options"]), memory=memory)

    def cancel(self, state: DataState) -> AgentState:
        """Forget the open question and the last query."""
        held = bool(state.get("memory"))
        return done(
            "Cancelled; I forgot the last data question."
            if held
            else "There was no data question to cancel."
        )

    def refuse(self, state: DataState) -> AgentState:
        """Give the request back to the router with the reason."""
        return failed(state["reason"]) if state.get("sql") else declined(state["reason"])

    def _open(self, runtime: Runtime[AgentContext]) -> Database:
        return self._library.open(runtime.context.home / self._folder)

    def _pending(self, state: DataState) -> dict[str, Any] | None:
        return (state.get("memory") or {}).get("pending")


def compile_graph(
    *, folder: Path
) -> "CompiledStateGraph[DataState, AgentContext, DataState, DataState]":
    """Return the compiled subgraph that reads `folder`, which is relative to the agents' home unless absolute."""
    agent = DataAgent(folder=folder, library=Library())
    graph = StateGraph(DataState, context_schema=AgentContext)
    for name in (
        "understand",
        "catalogue",
        "write_sql",
        "execute",
        "answer",
        "ask",
        "cancel",
        "refuse",
    ):
        graph.add_node(name, getattr(agent, name))
    graph.add_edge(START, "understand")
    graph.add_conditional_edges(
        "understand", _step, ["catalogue", "write_sql", "execute", "ask", "cancel", "refuse", END]
    )
    graph.add_conditional_edges("write_sql", _step, ["answer", "refuse"])
    graph.add_conditional_edges("execute", _step, ["answer", "refuse"])
    for name in ("catalogue", "answer", "ask", "cancel", "refuse"):
        graph.add_edge(name, END)
    return graph.compile(name="data")


def _step(state: DataState) -> str:
    return state["step"]


def _refuse(reason: str) -> DataState:
    return DataState(step="refuse", reason=reason)


def _reread(
    question: str,
    base: Mapping[str, Any],
    database: Database,
    *,
    bindings: Mapping[str, str],
    today: date,
) -> Understood:
    """Read the question as a follow-up if it begins like one or says nothing on its own, else by itself."""
    last = _last_query(base)
    if last is not None:
        continued = continue_query(
            question, last, tables=database.tables, today=today, bindings=bindings
        )
        if continued is not None:
            return continued
    alone = understand(question, tables=database.tables, today=today, bindings=bindings)
    if last is None or not isinstance(alone, NoReading) or alone.about_data:
        return alone
    continued = continue_query(
        question, last, tables=database.tables, today=today, bindings=bindings, marked=False
    )
    return continued or alone


def _last_query(base: Mapping[str, Any]) -> Query | None:
    try:
        return Query.from_json(base) if base else None
    except (KeyError, TypeError):  # memory of another version: the question then stands alone
        return None


def _answered(pending: Mapping[str, Any], reply: str) -> tuple[str, dict[str, str]]:
    """Return the question with the reply put in, or nothing if the reply does not answer it."""
    question, bindings, key = (
        str(pending["question"]),
        dict(pending["bindings"]),
        str(pending["key"]),
    )
    if key.startswith("~"):
        short = reply.strip(" .!?")
        return (
            (question.replace(key[1:], short), bindings)
            if 0 < len(short.split()) <= 4
            else ("", bindings)
        )
    choice = choose(reply, pending["options"])
    return (question, {**bindings, key: choice}) if choice else ("", bindings)
