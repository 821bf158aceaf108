"""Chooses the model for an agent of LangChain's: `create_agent(..., middleware=[ModelChoice(services)])`.

A model is chosen once a turn, by the user's message, so that no loop of tools changes it in the middle; the calls go
through the gateway, with its fallbacks, deadlines and budgets. It needs the package `langchain`, which MoMA does not.
"""

import asyncio
import functools
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, NotRequired, cast

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.runtime import Runtime

from agents.errors import MomaError, NoModelError, SetupError
from graphs import record as records
from graphs.gateway.chat_model import GatewayChatModel
from graphs.gateway.ledger import Ledger
from graphs.nodes.models import allowed_models, choose_models
from graphs.nodes.plugins import fixed_answer
from graphs.permits import judged_by
from graphs.policy.tools import tool_refusal
from graphs.routing.quality import Prediction
from graphs.services import Services
from graphs.state import Context, State
from graphs.turn import text_of

try:
    from langchain.agents.middleware import (
        AgentMiddleware,
        AgentState,
        ModelRequest,
        ModelResponse,
        hook_config,
    )
except ImportError:
    raise SetupError(
        "graphs.middleware needs the package langchain; install it: pip install 'langchain>=1,<2'"
    ) from None

__all__ = ["ModelChoice"]

_TURNS_AT_ONCE = 10_000
_Caller = Callable[[Any], Context | None]


class ModelChoiceState(AgentState[Any]):
    """What the choice keeps in the agent's state."""

    moma_turn: NotRequired[str]
    """Which turn it is, for its budget."""
    moma_models: NotRequired[list[str]]
    """The models for this turn: the first answers, the others stand in for it."""
    moma_record: NotRequired[dict[str, Any]]
    """The decision record: frontier, masks and reasons."""


class ModelChoice(AgentMiddleware[ModelChoiceState, Any]):
    """Gives each turn of an agent the model with the best predicted quality for its price."""

    state_schema = ModelChoiceState

    def __init__(self, services: Services, *, caller: _Caller = lambda context: Context()) -> None:
        """Keep what chooses.

        Args:
            services: the models, routers and gateway.
            caller: makes of the agent's own context who is calling and what they may have.
        """
        super().__init__()
        self._services, self._caller = services, caller
        self._ledgers: OrderedDict[str, Ledger] = OrderedDict()

    @hook_config(can_jump_to=["end"])
    def before_agent(self, state: ModelChoiceState, runtime: Runtime[Any]) -> dict[str, Any]:
        """Choose for the turn, from synchronous code."""
        try:
            prediction = self._services.router().predict(_request(state["messages"]))
        except MomaError:
            prediction = None  # the choice opens to the declared default; the masks do not
        return self._chosen(state, runtime, prediction)

    @hook_config(can_jump_to=["end"])
    async def abefore_agent(self, state: ModelChoiceState, runtime: Runtime[Any]) -> dict[str, Any]:
        """Choose for the turn."""
        try:
            router = await self._services.loaded_router(
                seconds=self._services.gateway.limits.turn / 2
            )
            predict = partial(router.predict, _request(state["messages"]))
            prediction = await self._services.in_pool(predict)
        except MomaError:
            prediction = None
        # Masks may read a file of what was spent, and the policy the turn.
        return await asyncio.to_thread(self._chosen, state, runtime, prediction)

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Let the chosen model answer, from synchronous code."""
        return handler(self._under_policy(request, self._model(request, _no_loop())))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Let the chosen model answer."""
        here = asyncio.get_running_loop()
        model = await self._services.with_books(self._model, request, here)
        return await handler(self._under_policy(request, model))

    def _chosen(
        self, state: ModelChoiceState, runtime: Runtime[Any], prediction: Prediction | None
    ) -> dict[str, Any]:
        context, turn = self._context(runtime), uuid.uuid4().hex
        seen = _seen(state["messages"], turn)
        if (fixed := fixed_answer(judged_by(self._services.permits, seen, context))) is not None:
            return {"messages": [AIMessage(fixed)], "jump_to": "end", "moma_models": []}
        chosen = choose_models(
            seen["decision"], seen, context, self._services, prediction=prediction
        )
        order = chosen["models"]["order"]
        self._books(turn, context)
        return {"moma_turn": turn, "moma_models": order, "moma_record": chosen["models"]}

    def _under_policy(
        self, request: ModelRequest[Any], model: GatewayChatModel
    ) -> ModelRequest[Any]:
        """Return the request with the chosen model, and with what the policy's rules say of prompt and tools."""
        state = cast(ModelChoiceState, request.state)
        seen = _seen(state["messages"], state.get("moma_turn"))
        judged = judged_by(self._services.permits, seen, self._context(request.runtime))
        if judged is None:
            return request.override(model=model)
        rules = judged.plugins("tools")
        tools = [tool for tool in request.tools if not _is_refused(tool, rules)]
        prompts = dict.fromkeys(str(f["system_prompt"]) for f in judged.plugins("system_prompt"))
        if prompts:
            own = [request.system_prompt] if request.system_prompt else []
            prompt = SystemMessage("\n\n".join([*prompts, *own]))
            request = request.override(system_message=prompt)
        return request.override(model=model, tools=tools)

    def _context(self, runtime: Runtime[Any]) -> Context:
        return self._caller(runtime.context) or Context()

    def _books(self, turn: str, context: Context) -> Ledger:
        """Return the books of a turn; one that goes on in another process has new ones."""
        if turn not in self._ledgers:
            spender = self._services.spender(context, spent=0.0, thread=None)
            self._ledgers[turn] = self._services.budgets.ledger(spender)
            while len(self._ledgers) > _TURNS_AT_ONCE:
                self._ledgers.popitem(last=False)
        return self._ledgers[turn]

    def _model(
        self, request: ModelRequest[Any], loop: asyncio.AbstractEventLoop
    ) -> GatewayChatModel:
        """Return the model of this turn.

        Raises:
            NoModelError: no model may serve, or none that may can call tools.
        """
        context, state = self._context(request.runtime), cast(ModelChoiceState, request.state)
        # The order stands in the agent's state, which its tools may write: the masks are asked again.
        seen = _seen(state["messages"], state.get("moma_turn"))
        allowed, refused = allowed_models(seen, context, self._services)
        order = [m for m in state.get("moma_models") or () if m in allowed]
        models = self._services.gateway.models
        fit = [m for m in models if not request.tools or "tools" in models[m].abilities]
        able = [m for m in order if m in fit]
        if not able:
            lack = "may serve" if not order else "that may serve can call tools"
            # Said here: a run that fails hands back no state, where the record with the masks is.
            because = dict.fromkeys(r.reason for r in refused if r.candidate in fit)
            raise NoModelError(f"no model {lack}: {'; '.join(because) or 'none was chosen'}")
        ledger = self._books(state.get("moma_turn") or "", context)
        return GatewayChatModel(
            gateway=self._services.gateway,
            order=tuple(able),
            ledger=ledger,
            deadline=self._services.gateway.deadline(),
            caller=context.user,
            loop=loop,
        )


def _seen(messages: Sequence[AnyMessage], turn: str | None = None) -> State:
    """Return what masks and the choice read of a turn, which the policy judges once."""
    record = records.begin(thread=None, turn=0, phase="", event="", versions={})
    record = {**record, "id": turn} if turn else record
    return cast(State, {"messages": [*messages], "decision": record})


def _is_refused(tool: Any, rules: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a rule keeps a tool from the model; one without a name, which no list can hold, is kept by any."""
    name = _name_of(tool)
    return bool(rules) and (not name or bool(tool_refusal(name, rules)))


def _name_of(tool: Any) -> str:
    """Return the name under which the model is given a tool, its type where its provider runs it; empty for neither."""
    if isinstance(tool, BaseTool):
        return tool.name
    try:
        given = tool if isinstance(tool, dict) and "type" in tool else convert_to_openai_tool(tool)
    except (TypeError, ValueError):
        return ""
    kind = str(given.get("type") or "")
    named = given.get(kind)
    # A JSON schema has a type too; what it describes is called by its title.
    names = (named if isinstance(named, dict) else {}, given, {"name": given.get("title")})
    return next((str(n["name"]) for n in names if n.get("name")), kind)


def _request(messages: Sequence[AnyMessage]) -> str:
    newest = next((m for m in reversed(messages) if isinstance(m, HumanMessage)), None)
    return "" if newest is None else text_of(newest.content)


@functools.cache
def _no_loop() -> asyncio.AbstractEventLoop:
    """Return a loop that nothing runs in: the model asks only whether it is the one of its caller."""
    loop = asyncio.new_event_loop()
    loop.close()
    return loop
