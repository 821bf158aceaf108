"""Runs one turn of the graph and tells what happens as it happens, as a person reads it. It knows no screen."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.runnables import RunnableConfig

from agents.approvals import told_together
from graphs.record import checking_told
from graphs.state import Context
from graphs.threads import MomaGraph


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of the answer, to be appended."""

    text: str


@dataclass(frozen=True, slots=True)
class Noted:
    """A line on what is going on: an agent's progress."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The turn is over."""

    answer: str
    record: dict[str, Any]
    approval: dict[str, Any] | None = None
    """What an agent wants a yes for; the next message answers it."""
    phase: str = ""

    @property
    def served_by(self) -> dict[str, str]:
        """Who answered."""
        return self.record.get("served_by") or {"kind": "router", "id": "none"}

    def plain(self) -> dict[str, Any]:
        """Return the turn as `--json` prints it."""
        return {"answer": self.answer, "served_by": self.served_by, "record": self.record}


HOW: dict[str, Any] = {"stream_mode": ["messages", "custom"], "subgraphs": True}
"""How a graph is streamed so that `Reading` can read it."""


@dataclass(slots=True)
class Words:
    """The words of a turn's answer, from messages and pieces of messages."""

    answer: str = ""
    streamed: str = ""
    """What has come of a message in pieces, until the whole of it follows."""
    whole: bool = False
    """A message is complete: what comes is another, below it."""

    def new(self, message: AIMessage) -> str:
        """Take in a message or a piece of one; return what of it has not been said yet."""
        said = str(message.text)
        if isinstance(message, AIMessageChunk):
            self.streamed += said
        else:
            # A model that breaks off is followed by the whole: what it said, and why it is cut.
            said, self.streamed = said.removeprefix(self.streamed), ""
        if said and self.whole:
            said, self.whole = f"\n\n{said}", False
        self.answer += said
        self.whole |= not isinstance(message, AIMessageChunk) and bool(self.answer)
        return said


@dataclass(slots=True)
class Reading(Words):
    """What has come of a turn: takes the parts of its stream and says what each of them tells."""

    record: dict[str, Any] = field(default_factory=dict)
    approval: dict[str, Any] | None = None
    phase: str = ""

    def take(self, part: Any) -> Said | Noted | None:
        """Take in a part of a stream made as `HOW` says; return what a reader is to be told of it."""
        namespace, mode, content = part
        if mode == "messages":
            # What an agent's own model says is a draft; the agent's outcome comes at the top level.
            if not namespace and isinstance(content[0], AIMessage):
                said = self.new(content[0])
                return Said(said) if said else None
        elif (noted := _progress(content)) is not None:
            return Noted(noted)
        elif not namespace:  # an agent's own events cannot pass for the orchestrator's
            self.note(content)
        return None

    def note(self, event: Any) -> str | None:
        """Take in an event of the orchestrator; return its kind, None of what is none."""
        kind = event.get("type") if isinstance(event, dict) else None
        if kind in ("route", "turn", "phase"):
            self.record, self.phase = event["record"], event.get("phase", self.phase)
        if kind == "phase":
            self.approval = told_together(event["asked"])
        return kind

    def end(self) -> Iterator[Said | Ended]:
        """Yield what is left to tell when the stream has ended."""
        if self.approval is not None:
            asked = question(self.approval)
            self.answer += asked
            yield Said(asked)
        yield Ended(
            answer=self.answer, record=self.record, approval=self.approval, phase=self.phase
        )


async def run_turn(
    graph: MomaGraph, text: str, *, thread: str, context: Context
) -> AsyncIterator[Said | Noted | Ended]:
    """Send `text` to a thread and yield what happens; the last is `Ended`.

    Raises:
        MomaError: the turn was not taken; its text is one line.
    """
    given = {"messages": [{"role": "user", "content": text}]}
    config: RunnableConfig = {"configurable": {"thread_id": thread}}
    turn = Reading()
    parts: AsyncIterator[Any] = graph.astream(given, config, context=context, **HOW)
    async for part in parts:
        if (event := turn.take(part)) is not None:
            yield event
    for last in turn.end():
        yield last


def question(approval: dict[str, Any]) -> str:
    """Return what an agent wants a yes for, as Markdown."""
    asked = str(approval.get("question") or "Is that all right?")
    details = [f"- {detail}" for detail in approval.get("details") or ()]
    return "\n".join([asked, "", *details]).strip()


def _progress(part: Any) -> str | None:
    """Return the line to show for an agent's progress or a check; None for any other event."""
    if isinstance(part, dict) and part.get("type") == "checked":
        return checking_told(part)
    if not isinstance(part, dict) or part.get("type") != "progress":
        return None
    of = f" of {part['of']}" if part.get("of") else ""
    return f"{part.get('agent', '')}: {part.get('done', '')}{of} {part.get('text', '')}".strip()
