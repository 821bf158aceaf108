"""What the policy says of a turn: asked once, and kept beside the graph while the turn runs.

It is never read from the thread's state, which agents write. It knows no masks' order and no routing.
"""

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from langchain_core.messages import AnyMessage

from agents.errors import MomaError
from graphs.gateway.models import count_tokens
from graphs.masks import Permit
from graphs.policy.engine import Engine, Judgement
from graphs.policy.live import LivePolicy
from graphs.policy.request import Request
from graphs.state import Context, State
from graphs.turn import modalities_of, text_of

__all__ = ["Judged", "Permits", "with_policy"]

_TURNS_AT_ONCE = 10_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the policy says of one turn."""

    permit: Permit
    grants: frozenset[str]
    """What the caller holds."""
    engine: Engine | None = None
    """The policy by which the turn was judged; None if it could not be asked."""
    judgement: Judgement | None = None

    def plain(self) -> dict[str, Any]:
        """Return it as the decision record holds it."""
        if self.judgement is None:
            return {"hash": None, "rule": None, "fault": self.permit.fault}
        return self.judgement.plain()

    def plugin(self, type_: str) -> Mapping[str, Any] | None:
        """Return the fields of a plugin of the chosen rule, None if it has none."""
        plugin = self.judgement.verdict.plugin(type_) if self.judgement else None
        return plugin.fields if plugin else None


async def with_policy(state: State, context: Context | None, permits: "Permits | None") -> State:
    """Return the state with what the policy says of the turn in its record; as it is, without a policy."""
    if permits is None or state["decision"].get("policy") is not None:
        return state
    judged = await permits.ready(state, context)
    record = state["decision"]
    said = judged.plain()
    versions = {**record["versions"], "policy": said["hash"]}
    return {**state, "decision": {**record, "versions": versions, "policy": said}}


class Permits:
    """The judgements of the turns that are under way."""

    def __init__(self, policy: LivePolicy, *, default_grants: frozenset[str], zone: tzinfo) -> None:
        self.policy = policy
        self._default_grants, self._zone = default_grants, zone
        self._turns: OrderedDict[str, Judged] = OrderedDict()
        self._lock = threading.Lock()

    async def ready(self, state: State, context: Context | None) -> Judged:
        """Return what the policy says of the turn of `state`; its signals are read in a thread."""
        known = self._turns.get(state["decision"]["id"])
        if known is not None:
            return known
        return await asyncio.to_thread(self.of, state, context)

    def of(self, state: State, context: Context | None) -> Judged:
        """Return what the policy says of the turn of `state`, asked now if it was not before."""
        turn = state["decision"]["id"]
        known = self._turns.get(turn)
        if known is not None:
            return known
        judged = self._judge(self._request(state, context))
        with self._lock:
            judged = self._turns.setdefault(turn, judged)
            while len(self._turns) > _TURNS_AT_ONCE:
                self._turns.popitem(last=False)
        return judged

    def _judge(self, request: Request) -> Judged:
        try:
            engine = self.policy.engine()
            judgement = engine.judge(request)
        except MomaError as error:
            fault = str(error)
        except Exception as error:  # noqa: BLE001 whatever breaks in a policy, it closes and does not open
            _log.warning("the policy could not be asked", exc_info=True)
            fault = type(error).__name__
        else:
            return Judged(
                permit=_permit(judgement),
                grants=judgement.grants,
                engine=engine,
                judgement=judgement,
            )
        return Judged(permit=Permit(rule=None, fault=fault), grants=frozenset())

    def _request(self, state: State, context: Context | None) -> Request:
        given = context or Context()
        messages, record = state["messages"], state["decision"]
        said = [text_of(m.content) for m in messages if m.type == "human"]
        return Request(
            text=_served(state, said[-1] if said else ""),
            previous=tuple(said[:-1]),
            tokens=count_tokens(text_of(m.content) for m in messages),
            user=given.user,
            grants=frozenset(given.grants) | self._default_grants,
            now=datetime.fromisoformat(record["ts"]).astimezone(self._zone),
            phase=record["phase_from"] or "idle",
            holder=state.get("active_agent"),
            modalities=_modalities(messages),
            tools=tuple(_tool_names(given.call)),
        )


def _served(state: State, last: str) -> str:
    """Return the text that the policy reads: the message, and what it is about if that is another text.

    A message that only chooses among agents stands for the request before it, and an agent that hands over may word
    the request anew: neither gets past the policy.
    """
    request = state.get("request") or ""
    return last if request in last else f"{request}\n{last}"


def _modalities(messages: list[AnyMessage]) -> frozenset[str]:
    kinds = [modalities_of(m.content) for m in messages[-1:]]
    return frozenset({"text"}).union(*kinds)


def _tool_names(call: Mapping[str, Any]) -> list[str]:
    return [str(tool["function"]["name"]) for tool in call.get("tools") or ()]


def _permit(judgement: Judgement) -> Permit:
    verdict = judgement.verdict
    models, agents = verdict.models, verdict.agents
    listed = verdict.rule.algorithm if verdict.rule else None
    return Permit(
        rule=verdict.rule_name,
        models=None if models is None else frozenset(models),
        agents=None if agents is None else frozenset(agents),
        shut=judgement.shut,
        order=models or () if listed is not None and listed.type == "static" else (),
        doubt="; ".join(verdict.faults),
    )
