"""The slash commands of the chat. Each changes the session or shows something; none runs a turn."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from agents.errors import InputError
from app.chat import view
from graphs import Context, Services
from graphs.machine import Phase
from graphs.masks import Moment, Need, mask_agents, model_refusal
from graphs.routing.choice import preference_weight
from graphs.threads import MomaGraph


@dataclass(slots=True)
class Session:
    """What the chat remembers besides the thread."""

    graph: MomaGraph
    services: Services
    thread: str
    context: Context = field(default_factory=Context)
    record: dict[str, Any] | None = None
    phase: str = Phase.IDLE.value
    spent_usd: float = 0.0
    saved_usd: float = 0.0
    leaving: bool = False


Handler = Callable[[Session, str], RenderableType]


def run_command(session: Session, line: str) -> RenderableType:
    """Run a line that begins with a slash and return what to show.

    Raises:
        MomaError: the command is unknown or its argument is wrong.
    """
    name, _, argument = line.strip().partition(" ")
    if name not in COMMANDS:
        raise InputError(f"no command {name}; /help lists them")
    return COMMANDS[name][1](session, argument.strip())


def _why(session: Session, _unused: str) -> RenderableType:
    return view.why(session.record)


def _agents(session: Session, _: str) -> RenderableType:
    services = session.services
    cards = services.cards()
    refused = mask_agents(
        cards,
        caller=services.caller(session.context),
        moment=Moment(phase=session.phase),
        runnable=services.runnable(),
    )[1]
    because = {refusal.candidate: refusal.reason for refusal in refused}
    return view.agents_table((i, c.description, because.get(i, "")) for i, c in cards.items())


def _models(session: Session, _: str) -> RenderableType:
    services = session.services
    caller, need = (
        services.caller(session.context),
        Need(tokens=1, residency=services.options.residency),
    )
    rows: list[tuple[str, str, str, str]] = []
    for facts in services.model_facts(input_tokens=1):
        price = services.gateway.models[facts.id].price
        refusal = model_refusal(facts, caller=caller, need=need)
        rows.append(
            (
                facts.id,
                f"{price.input:g} / {price.output:g}" if price else "unknown",
                f"{facts.context_tokens:,}",
                refusal.reason if refusal else "",
            )
        )
    return view.models_table(rows)


def _prefer(session: Session, argument: str) -> RenderableType:
    if argument:
        preference_weight(argument)
        session.context = replace(session.context, preference=argument)
    current = session.services.preference(session.context)
    return Text(f"preference {current} (cost, auto, performance, or 0 to 1)")


def _budget(session: Session, argument: str) -> RenderableType:
    if argument:
        session.context = replace(session.context, budget_usd=_amount(argument))
    limit = session.services.budget(session.context)
    return view.facts(
        {
            "a turn may cost": "any amount" if limit is None else view.money(limit),
            "spent in this session": view.money(session.spent_usd),
            "saved against always the best model": view.money(session.saved_usd),
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


def _thread(session: Session, argument: str) -> RenderableType:
    if argument:
        session.thread = check_thread(argument)
        session.record, session.phase = None, Phase.IDLE.value
    return Text(f"thread {session.thread}")


def check_thread(thread: str) -> str:
    """Return a thread id that can be kept.

    Raises:
        InputError: empty, too long, or with characters that do not print.
    """
    if not 0 < len(thread) <= 200 or not thread.isprintable():
        raise InputError(f"the thread {thread[:40]!r} is not 1 to 200 printable characters")
    return thread


def _graph(session: Session, _: str) -> RenderableType:
    drawn = session.graph.get_graph().draw_mermaid()
    lines = [line for line in drawn.splitlines() if not line.lstrip().startswith("classDef")]
    return Text("\n".join([f"phase {session.phase}", "", *lines]))


def _help(_: Session, __: str) -> RenderableType:
    return view.facts({name: text for name, (text, _) in COMMANDS.items()})


def _quit(session: Session, _: str) -> RenderableType:
    session.leaving = True
    return Text("")


COMMANDS: dict[str, tuple[str, Handler]] = {
    "/why": ("who answered the last turn, and why", _why),
    "/agents": ("the agents, and why one is masked", _agents),
    "/models": ("the models, and why one is masked", _models),
    "/prefer": ("cost, auto, performance, or 0 (cheapest) to 1 (best)", _prefer),
    "/budget": ("the most that a turn may cost, in USD, or none", _budget),
    "/thread": ("go to another thread", _thread),
    "/graph": ("the state machine as a Mermaid graph, and the phase", _graph),
    "/help": ("this list", _help),
    "/quit": ("leave; so does Ctrl-D", _quit),
}
