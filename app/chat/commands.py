"""The slash commands of the chat. Each changes the session or shows something; none runs a turn."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import dropwhile, takewhile
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig
from rich.console import Group, RenderableType
from rich.text import Text

from agents.approvals import told_together
from agents.errors import InputError, RoutingError
from app.candidates import agents_table, models_table
from app.chat import view
from app.view import QUIET, facts, money
from graphs import Context, Services
from graphs.feedback import evidence_of, source_of, word_on
from graphs.inferred import kept_share
from graphs.machine import Phase
from graphs.picture import draw
from graphs.routing.choice import preference_weight
from graphs.routing.feedback import Kind
from graphs.saved import check_values
from graphs.spoken import Ended, question
from graphs.threads import MomaGraph

_ASKING = frozenset({Phase.AWAITING_INPUT, Phase.AWAITING_APPROVAL, Phase.AWAITING_CHOICE})


@dataclass(slots=True)
class Session:
    """What the chat remembers besides the thread."""

    graph: MomaGraph
    services: Services
    thread: str
    context: Context = field(default_factory=Context)
    record: dict[str, Any] | None = None
    phase: str = Phase.IDLE.value
    turns: int = 0
    answered: str = ""
    """The answer of the thread's last turn."""
    asked: str = ""
    """The question that is still open."""
    spent_usd: float = 0.0
    saved_usd: float = 0.0
    leaving: bool = False

    async def enter(self, thread: str) -> None:
        """Go to a thread and take up where it stands.

        Raises:
            InputError: the id cannot be kept.
            CheckpointError: the thread could not be read, or is damaged.
        """
        place: RunnableConfig = {"configurable": {"thread_id": check_thread(thread)}}
        snapshot = await self.graph.aget_state(place)
        values = snapshot.values
        check_values(values.items())
        self.thread = thread
        self.phase = values.get("phase", Phase.IDLE.value)
        self.turns = values.get("turn", 0)
        self.record = values.get("decision" if _cut_short(values) else "record")
        self.answered = _last_answer(values)
        self.asked = self.answered if self.phase in _ASKING else ""
        if snapshot.interrupts:
            self.answered = self.asked = question(
                told_together([pending.value for pending in snapshot.interrupts])
            )

    def keep(self, ended: Ended) -> None:
        """Remember how a turn ended."""
        self.record, self.phase, self.answered = ended.record, ended.phase, ended.answer
        self.asked = ended.answer if ended.phase in _ASKING else ""
        self.turns = ended.record.get("turn", self.turns)
        cost = ended.record.get("cost_usd") or 0.0
        best = (ended.record.get("always_best") or {}).get("cost_usd") or 0.0
        self.spent_usd += cost
        self.saved_usd += max(0.0, best - cost)


def _last_answer(values: Mapping[str, Any]) -> str:
    """Return the answer of the last finished turn; what a turn that was cut short left behind it is none."""
    said: list[BaseMessage] = list(values.get("messages") or ())
    requests = [place for place, message in enumerate(said) if message.type == "human"]
    if requests and _cut_short(values):
        said = said[: requests[-1]]
    answers = dropwhile(lambda message: message.type == "human", reversed(said))
    told = [str(m.text) for m in takewhile(lambda m: m.type != "human", answers) if m.type == "ai"]
    return "\n\n".join(reversed(told))


def _cut_short(values: Mapping[str, Any]) -> bool:
    begun, finished = values.get("decision") or {}, values.get("record") or {}
    return begun.get("id") != finished.get("id")


Handler = Callable[[Session, str], Awaitable[RenderableType]]


async def run_command(session: Session, line: str) -> RenderableType:
    """Run a line that begins with a slash and return what to show.

    Raises:
        MomaError: the command is unknown or its argument is wrong.
    """
    name, _, argument = line.strip().partition(" ")
    if name not in COMMANDS:
        raise InputError(f"no command {name[:40]!r}; /help lists them")
    return await COMMANDS[name][1](session, argument.strip())


def check_thread(thread: str) -> str:
    """Return a thread id that can be kept.

    Raises:
        InputError: empty, too long, or with characters that do not print.
    """
    if not 0 < len(thread) <= 200 or not thread.isprintable():
        raise InputError(f"the thread {thread[:40]!r} is not 1 to 200 printable characters")
    return thread


def where(session: Session) -> RenderableType:
    """Return the thread, where it stands, and the question that is open in it."""
    stands = f"turn {session.turns}, {session.phase}" if session.turns else "new"
    line = Text(f"thread {session.thread} · {stands}", style=QUIET)
    return Group(line, view.answer(session.asked)) if session.asked else line


async def _why(session: Session, _unused: str) -> RenderableType:
    try:
        return view.why(session.record)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise InputError(
            f"the record of the last turn is damaged ({type(error).__name__}); the next turn writes its own"
        ) from error


async def _good(session: Session, _unused: str) -> RenderableType:
    return await _word(session, 1.0)


async def _bad(session: Session, _unused: str) -> RenderableType:
    return await _word(session, 0.0)


async def _edited(session: Session, argument: str) -> RenderableType:
    if not argument:
        return Text("Write the answer as it should have been behind /edit.")
    return await _word(session, kept_share(session.answered, argument), Kind.EDIT)


async def _word(session: Session, reward: float, kind: Kind = Kind.THUMB) -> RenderableType:
    """Keep what the user thinks of the last answer."""
    services, record = session.services, session.record
    if services.options.feedback == "off":
        return Text("Feedback is not kept: set MOMA_PROFILE and MOMA_FEEDBACK=live (or record).")
    turn = evidence_of(record) if record else None
    if record is None or turn is None:
        return Text("There is no answer of a model that was chosen by the profile.")
    source = source_of(session.context.user)
    word = word_on(turn, decision=str(record["id"]), reward=reward, source=source, kind=kind)
    try:
        await services.learn(word)
    except RoutingError as error:
        raise RoutingError(f"{error}; say it again") from None
    did = "well" if reward > 0.5 else "badly"
    return Text(f"Kept: {turn['model']} did {did}.")


async def _agents(session: Session, _: str) -> RenderableType:
    return agents_table(session.services, context=session.context, phase=session.phase)


async def _models(session: Session, _: str) -> RenderableType:
    return models_table(session.services, context=session.context)


async def _prefer(session: Session, argument: str) -> RenderableType:
    if argument:
        preference_weight(argument)
        session.context = replace(session.context, preference=argument)
    current = session.services.preference(session.context)
    return Text(f"preference {current} (cost, auto, performance, or 0 to 1)")


async def _budget(session: Session, argument: str) -> RenderableType:
    if argument:
        session.context = replace(session.context, budget_usd=_amount(argument))
    limit = session.services.left(session.context, thread=session.thread).usd
    return facts(
        {
            "a turn may cost": "any amount" if limit is None else money(limit),
            "spent in this session": money(session.spent_usd),
            "saved against always the best model": money(session.saved_usd),
        }
    )


def _amount(argument: str) -> float | None:
    if argument == "none":
        return None
    try:
        amount = float(argument.removeprefix("$"))
    except ValueError:
        amount = -1.0
    if not 0 <= amount < float("inf"):
        raise InputError(f"the budget {argument!r} is not an amount in USD such as 0.01, or none")
    return amount


async def _checked(session: Session, argument: str) -> RenderableType:
    if argument:
        if argument not in ("on", "off"):
            raise InputError(f"/checked: given {argument!r:.40}, expected on or off")
        session.context = replace(session.context, checked=argument == "on")
    on = session.services.checked(session.context)
    return Text(f"answers of models are {'' if on else 'not '}checked before they are shown")


async def _thread(session: Session, argument: str) -> RenderableType:
    if argument:
        await session.enter(argument)
    return where(session)


async def _graph(session: Session, _: str) -> RenderableType:
    picture = Text(draw(session.graph, phase=session.phase), style=QUIET)
    return Group(picture, view.phases(session.phase))


async def _help(_: Session, __: str) -> RenderableType:
    return facts({name: text for name, (text, _) in COMMANDS.items()})


async def _quit(session: Session, _: str) -> RenderableType:
    session.leaving = True
    return Text("Goodbye.", style=QUIET)


COMMANDS: dict[str, tuple[str, Handler]] = {
    "/why": ("who answered the last turn, and why", _why),
    "/good": ("say that the last answer was good", _good),
    "/bad": ("say that it was bad", _bad),
    "/edit": ("the last answer as it should have been", _edited),
    "/agents": ("the agents, and why one is masked", _agents),
    "/models": ("the models, and why one is masked", _models),
    "/prefer": ("cost, auto, performance, or 0 (cheapest) to 1 (best)", _prefer),
    "/checked": (
        "on: hold a model's answer back, check it, ask a dearer one if need be; or off",
        _checked,
    ),
    "/budget": ("the most that a turn may cost, in USD, or none", _budget),
    "/thread": ("this thread; with an id: go to that one", _thread),
    "/graph": ("the state machine as a Mermaid graph, and the phase", _graph),
    "/help": ("this list", _help),
    "/quit": ("leave; so does Ctrl-D. Ctrl-C stops an answer", _quit),
}
