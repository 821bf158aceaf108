"""The calendar's subgraph: understand the words, compute one reading of them, try the next reading if it has no sense.

It reads no clock but the context's and no catalogue.
"""

from collections.abc import Callable, Hashable
from datetime import UTC, date
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from agents.calendar import answer_clocks, answer_days, answer_spans
from agents.calendar.answer import Answer
from agents.calendar.followups import follow_up, with_last_place
from agents.calendar.frame import Frame
from agents.calendar.grammar import Kind, Question, bare_day, candidates
from agents.calendar.options import Options
from agents.calendar.trouble import EDGE, ImpossibleError, MissingError, NotUnderstoodError
from agents.calendar.wording import LONGEST_REQUEST, plain
from agents.contract import AgentContext, AgentState, declined, done, needs_input

Answerer = Callable[[Question, Frame], Answer]
Step = Literal["tell_time", "add_time", "measure", "look_up_day", "ask", "decline", "cancel", "end"]
_REPLYING = frozenset({"continue", "affirm", "deny", "choose"})
_GUESS = "guess"
"""Marks a reading of what may be no follow-up at all: it may be answered, not asked about."""
STEPS: dict[Kind, tuple[Step, Answerer]] = {
    "time": ("tell_time", answer_clocks.tell_time),
    "zone": ("tell_time", answer_clocks.tell_zone),
    "convert": ("tell_time", answer_clocks.convert_time),
    "difference": ("tell_time", answer_clocks.compare_zones),
    "changes": ("tell_time", answer_clocks.tell_changes),
    "shift": ("add_time", answer_days.shift_day),
    "until": ("measure", answer_spans.count_until),
    "since": ("measure", answer_spans.count_since),
    "between": ("measure", answer_spans.count_between),
    "length": ("measure", answer_spans.measure_period),
    "age": ("measure", answer_spans.tell_age),
    "day": ("look_up_day", answer_days.describe_day),
    "check": ("look_up_day", answer_days.check_day),
    "week": ("look_up_day", answer_days.number_day),
    "weekdates": ("look_up_day", answer_days.date_week),
    "leap": ("look_up_day", answer_days.judge_leap),
    "nextleap": ("look_up_day", answer_days.next_leap),
}
"""The node and the function that answer each kind of question."""


class CalendarState(AgentState, total=False):
    """The readings of the request that are still to be tried."""

    questions: list[Question]
    """The readings left, the likeliest first."""
    missing: dict[str, Any]
    """What to ask if no reading works: the text, the slot it fills, the question."""


def build_graph(
    options: Options,
) -> "CompiledStateGraph[CalendarState, AgentContext, CalendarState, CalendarState]":
    """Compile the calendar agent."""

    def compute(state: CalendarState, runtime: Runtime[AgentContext]) -> AgentState:
        return _compute(state, _frame(state, runtime.context, options))

    graph = StateGraph(CalendarState, context_schema=AgentContext)
    graph.add_node("understand", _understand)
    graph.add_node("ask", _ask)
    graph.add_node("decline", _decline)
    graph.add_node("cancel", _cancel)
    steps = sorted({step for step, _ in STEPS.values()})
    paths: dict[Hashable, str] = {name: name for name in (*steps, "ask", "decline")}
    graph.add_edge(START, "understand")
    graph.add_conditional_edges("understand", _next_step, paths | {"cancel": "cancel"})
    for step in steps:
        graph.add_node(step, compute)
        graph.add_conditional_edges(step, _next_step, paths | {"end": END})
    for last in ("ask", "decline", "cancel"):
        graph.add_edge(last, END)
    return graph.compile(name="calendar")


def _understand(state: CalendarState) -> dict[str, Any]:
    """List what the request may ask, a reply to the agent's own question first."""
    request, memory = state["request"], state.get("memory") or {}
    found: list[Question] = []
    if len(request) <= LONGEST_REQUEST:
        words = plain(request)
        last = memory.get("question")
        # What routing takes for a request of its own is no reply.
        if (pending := memory.get("pending")) and state.get("event") in _REPLYING:
            found.append({**pending["question"], pending["slot"]: _reply(words)})
        found += with_last_place(candidates(words), last)
        if last:
            sure = state.get("event") in _REPLYING
            found += [{**q, **({} if sure else {_GUESS: "yes"})} for q in follow_up(words, last)]
        found += bare_day(words)
    return {"questions": found, "missing": {}, "outcome": {}}


def _reply(words: str) -> str:
    """Return a reply without the words that lead to what was asked for."""
    for lead in ("i was born on ", "i was born in ", "i mean ", "in ", "on ", "near "):
        words = words.removeprefix(lead)
    return words


def _frame(state: CalendarState, context: AgentContext, options: Options) -> Frame:
    now = context.now if context.now.tzinfo else context.now.replace(tzinfo=UTC)
    that = (state.get("memory") or {}).get("that")
    return Frame(
        now=now.replace(microsecond=0),
        day_first=options.date_order == "DMY",
        that=date.fromisoformat(that) if that else None,
    )


def _compute(state: CalendarState, frame: Frame) -> AgentState:
    """Answer the first reading, or leave the others to the next step."""
    question, *others = state["questions"]
    guess, question = _GUESS in question, {k: v for k, v in question.items() if k != _GUESS}
    try:
        answer = STEPS[question["kind"]][1](question, frame)  # type: ignore[index]
    except NotUnderstoodError:
        return CalendarState(questions=others)
    except MissingError as error:
        if guess:
            return CalendarState(questions=others)
        missing = {"text": str(error), "slot": error.slot, "question": question}
        return CalendarState(questions=others, missing=state.get("missing") or missing)
    except ImpossibleError as error:
        return done(str(error), data={"refused": str(error)}, memory=state.get("memory"))
    except OverflowError:  # a day next to the first or the last one of datetime
        return done(EDGE, data={"refused": EDGE}, memory=state.get("memory"))
    memory: dict[str, Any] = {"question": question}
    if that := answer.that or frame.that:
        memory["that"] = that.isoformat()
    return done(answer.markdown, data={"kind": question["kind"], **answer.data}, memory=memory)


def _next_step(state: CalendarState) -> Step:
    if state.get("event") == "cancel":
        return "cancel"
    if (state.get("outcome") or {}).get("event"):
        return "end"
    if state["questions"]:
        return STEPS[state["questions"][0]["kind"]][0]  # type: ignore[index]
    return "ask" if state.get("missing") else "decline"


def _ask(state: CalendarState) -> AgentState:
    missing = state["missing"]
    pending = {"question": missing["question"], "slot": missing["slot"]}
    return needs_input(missing["text"], memory={"pending": pending})


def _decline(state: CalendarState) -> AgentState:
    return declined(
        "The request is no question about dates, durations or time zones that the calendar can read in full."
    )


def _cancel(state: CalendarState) -> AgentState:
    return done("Dropped. I keep nothing of that question.")
