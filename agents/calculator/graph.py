"""The calculator's subgraph: understand, then arithmetic, units or the symbolic engine, then the answer.

It knows how the pieces follow each other; the reading, the computing and the wording are pure functions elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any, Literal, Protocol

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agents.calculator import exact, units
from agents.calculator.followup import complete
from agents.calculator.options import Options
from agents.calculator.parser import parse
from agents.calculator.phrases import understand
from agents.calculator.pool import shared_pool
from agents.calculator.problems import NotACalculation, NotRational, Refused
from agents.calculator.syntax import MAX_CHARACTERS
from agents.calculator.tasks import Result, Task
from agents.calculator.wording import word
from agents.calculator.words import tidy
from agents.contract import AgentContext, AgentState, declined, done

_MAX_SENTENCE = 600
_MATHEMATICAL = re.compile(
    r"[\d+\-*/^().,!%=√\s]|sqrt|sin|cos|tan|ln|log|exp|[xyz]\b", re.IGNORECASE
)
_OF_A_UNIT = re.compile(r"(?<![\w.,)^/*] )(?<![\w.,)^/*])(\d+)/(\d+) (?=[a-zA-Z])")
"""A fraction of a unit, "1/2 cup"; else a number binds its unit tighter than a division does, as in "100 km / 2 h"."""

_BARE = re.compile(r"(?=[^\d]*\d)(?=.*[+*/^()×÷√])[\d\s+\-*/^().,%=×÷√!]{1,200}")  # noqa: RUF001
"""Numbers and signs and no word: who writes that wants it computed, and a language model would guess."""

Step = Literal["arithmetic", "units", "symbolic", "answer"]


class Node(Protocol):
    """A node of this graph; LangGraph's types want the parameter's name too."""

    def __call__(self, state: CalculatorState) -> Any:
        """Return the update of the state."""
        ...


class CalculatorState(AgentState, total=False):
    """What one calculation holds on its way through the graph."""

    task: Task
    """What was understood."""
    result: Result
    """What was computed, or why not."""
    step: Step
    """The node that goes on."""


def build_graph(options: Options) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Return the compiled subgraph."""
    builder = StateGraph(CalculatorState, context_schema=AgentContext)
    builder.add_node("understand", read)
    builder.add_node("arithmetic", _guarded(partial(_arithmetic, options=options)))
    builder.add_node("units", _guarded(_units))
    builder.add_node("symbolic", _guarded(partial(_symbolic, options=options)))
    builder.add_node("answer", _answer_with(options))
    builder.add_edge(START, "understand")
    builder.add_conditional_edges(
        "understand", _next, ["arithmetic", "units", "symbolic", "answer"]
    )
    builder.add_conditional_edges("arithmetic", _next, ["symbolic", "answer"])
    builder.add_edge("units", "answer")
    builder.add_edge("symbolic", "answer")
    builder.add_edge("answer", END)
    return builder.compile(name="calculator")


def _next(state: CalculatorState) -> Step:
    return state["step"]


def read(state: CalculatorState) -> dict[str, Any]:
    """Understand the request; a text that is none of ours goes straight to `answer`, with the reason."""
    if state.get("event") == "cancel":
        return {"step": "answer", "result": Result()}
    try:
        task = _task(state["request"], state.get("memory") or {})
    except NotACalculation as problem:
        return {"step": "answer", "result": Result(unread=str(problem))}
    except Refused as problem:
        return {"step": "answer", "result": Result(refused=str(problem))}
    step: Step = "symbolic"
    if task["kind"] in ("convert", "quantity"):
        step = "units"
    elif task["kind"] in ("arithmetic", "check"):
        step = "arithmetic"
    return {"step": step, "task": task}


def _task(request: str, memory: dict[str, Any]) -> Task:
    if len(request) > MAX_CHARACTERS:
        sample = request[:300]
        if len(_MATHEMATICAL.sub("", sample)) < len(sample) / 5:
            raise Refused(
                f"The calculation has {len(request):,} characters; I read up to {MAX_CHARACTERS:,}."
            )
        raise NotACalculation("it is too long for a calculation")
    text = tidy(request)
    if len(text) > _MAX_SENTENCE and len(_MATHEMATICAL.sub("", text)) > len(text) / 3:
        raise NotACalculation("it is too long for a calculation in words")
    text, aside = complete(text, memory)
    task = understand(text)
    if aside:
        task["aside"] = aside
    return task


def _guarded(compute: Callable[[Task], dict[str, Any]]) -> Node:
    """Return a node that computes the task and turns a refusal into a result."""

    def node(state: CalculatorState) -> dict[str, Any]:
        try:
            return {"step": "answer", **compute(state["task"])}
        except Refused as problem:
            return {"step": "answer", "result": Result(refused=str(problem))}
        except NotACalculation as problem:
            return {"step": "answer", "result": Result(unread=str(problem))}
        except NotRational:  # a letter among the units, as in "5 F J"
            return {"step": "answer", "result": Result(unread="it is no quantity that I know")}

    return node


def _arithmetic(task: Task, *, options: Options) -> dict[str, Any]:
    try:
        if task["kind"] == "check":
            left, right = (exact.evaluate(parse(side)) for side in task["equations"][0])
            return {"result": Result(holds=left == right)}
        value = exact.check_size(exact.evaluate(parse(task["text"])))
    except NotRational:
        return {"step": "symbolic"}
    return {"result": Result(exact=str(value), note=_aside(task, digits=options.digits))}


def _aside(task: Task, *, digits: int) -> str:
    """Return the other reading of a follow-up, as a remark."""
    if not task.get("aside"):
        return ""
    other = understand(task["aside"])
    try:
        value = str(exact.evaluate(parse(other["text"])))
    except NotRational:
        return ""  # a remark is not worth a second round through the symbolic engine
    said = word(other, Result(exact=value), digits=digits).data
    return f"({other['label']}, the last result, is {other.get('symbol', '')}{said['value']}.)"


def _units(task: Task) -> dict[str, Any]:
    source = parse(_OF_A_UNIT.sub(r"(\1/\2) ", task["text"]), units=True)
    if task["kind"] == "convert":
        amount, unit = units.convert(source, parse(task["unit"], units=True))
    else:
        amount, unit = units.simplest(units.evaluate(source))
    return {"result": Result(exact=str(Fraction(amount)), unit=unit)}


def _symbolic(task: Task, *, options: Options) -> dict[str, Any]:
    names = {"transform": task.get("form", ""), "arithmetic": "evaluate", "check": "solve"}
    request = {
        "task": names.get(task["kind"], task["kind"]),
        "text": task.get("text", ""),
        "variable": task.get("variable", ""),
        "equations": task.get("equations", []),
        "digits": max(task.get("digits", options.digits), task.get("places", 0) + options.digits),
    }
    found = shared_pool(options.seconds).run(request)
    if task["kind"] == "check":
        return {"result": Result(holds=found["kind"] == "all")}
    return {"result": found}


def _answer_with(options: Options) -> Node:
    def answer(state: CalculatorState) -> AgentState:
        if state.get("event") == "cancel":
            had = bool(state.get("memory"))
            return done("Dropped the last result." if had else "There was nothing to drop.")
        result = state["result"]
        if "unread" in result and _BARE.fullmatch(state["request"]):
            return done(f"I cannot read that as a calculation: {result['unread']}.")
        if "unread" in result:
            return declined(f"not a calculation: {result['unread']}")
        if "refused" in result:
            return done(
                result["refused"],
                data={"refused": result["refused"]},
                memory=state.get("memory") or {},
            )
        said = word(state["task"], result, digits=options.digits)
        return done(said.text, data=said.data, memory=said.memory)

    return answer
