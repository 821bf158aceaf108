"""What the policy says of a turn: asked once, and kept beside the graph while the turn runs.

It is never read from the thread's state, which agents write. It knows no masks' order and no routing.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from typing import Any

from agents.errors import MomaError, RoutingError
from graphs.judged_turn import judged_turn, tool_names
from graphs.masks import Permit
from graphs.policy.engine import Engine
from graphs.policy.judge import Judgement
from graphs.policy.live import LivePolicy
from graphs.state import Context, State
from graphs.timed_pool import TimedPool

__all__ = ["Judged", "Permits", "judged_by", "with_policy"]

_TURNS_AT_ONCE = 10_000
_Key = tuple[str, str, frozenset[str], tuple[str, ...]]
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

    def plugins(self, type_: str) -> list[Mapping[str, Any]]:
        """Return the fields of a plugin in every rule in question, the chosen rule first."""
        return [p.fields for p in self.judgement.verdict.plugins(type_)] if self.judgement else []


def judged_by(permits: "Permits | None", state: State, context: Context | None) -> Judged | None:
    """Return what the policy says of the turn of `state`; None without a policy."""
    return permits.of(state, context) if permits else None


async def with_policy(state: State, context: Context | None, permits: "Permits | None") -> State:
    """Return the state with what the policy says of the turn in its record; as it is, without a policy.

    A turn that began without a policy, or in a process with another one, is judged by the one that is in force here.
    """
    if permits is None:
        return state
    said = (await permits.ready(state, context)).plain()
    record = state["decision"]
    before = record.get("policy") or {}
    if said["hash"] is not None and before.get("hash") == said["hash"]:
        return state
    versions = {**record["versions"], "policy": said["hash"]}
    return {**state, "decision": {**record, "versions": versions, "policy": said}}


class Permits:
    """The judgements of the turns that are under way."""

    def __init__(
        self, policy: LivePolicy, *, default_grants: frozenset[str], zone: tzinfo, seconds: float
    ) -> None:
        """Nothing is judged yet.

        Args:
            policy: what judges.
            default_grants: what every caller has.
            zone: of the process, for signals of time.
            seconds: the longest that judging may take; what takes longer lets nothing serve.
        """
        self.policy = policy
        self._default_grants, self._zone = default_grants, zone
        # A classifier is foreign code and may hang: it holds up turns until the limit and no longer.
        self._pool = TimedPool(workers=2, seconds=seconds, name="moma-policy")
        self._turns: OrderedDict[_Key, Judged] = OrderedDict()
        self._lock = threading.Lock()

    async def ready(self, state: State, context: Context | None) -> Judged:
        """Return what the policy says of the turn of `state`; its signals are read in a thread, under a time limit."""
        key = _key(state, context)
        known = self._turns.get(key)
        if known is not None:
            return known
        try:
            return await self._pool.run(partial(self.of, state, context))
        except RoutingError as error:
            return self._kept(key, _closed(f"reading the turn: {error}"))

    def of(self, state: State, context: Context | None) -> Judged:
        """Return what the policy says of the turn of `state`, asked here and now if it was not before."""
        key = _key(state, context)
        known = self._turns.get(key)
        return known or self._kept(key, self._judge(state, context))

    def close(self) -> None:
        """Judge no more turns."""
        self._pool.close()
        self.policy.close()

    def _kept(self, key: _Key, judged: Judged) -> Judged:
        """Keep the first judgement of a turn, which goes on under that one."""
        with self._lock:
            judged = self._turns.setdefault(key, judged)
            while len(self._turns) > _TURNS_AT_ONCE:
                self._turns.popitem(last=False)
        return judged

    def _judge(self, state: State, context: Context | None) -> Judged:
        try:
            request = judged_turn(
                state, context, default_grants=self._default_grants, zone=self._zone
            )
            engine = self.policy.engine()
            judgement = engine.judge(request)
        except MomaError as error:
            return _closed(str(error))
        except Exception as error:  # noqa: BLE001 whatever breaks in a policy, it closes and does not open
            _log.warning("the policy could not be asked", exc_info=True)
            return _closed(type(error).__name__)
        return Judged(
            permit=_permit(judgement), grants=judgement.grants, engine=engine, judgement=judgement
        )


def _key(state: State, context: Context | None) -> _Key:
    """Return what a judgement is of: another caller, or one with other grants or tools, has another."""
    given = context or Context()
    return state["decision"]["id"], given.user, frozenset(given.grants), tool_names(given.call)


def _closed(fault: str) -> Judged:
    return Judged(permit=Permit(rule=None, fault=fault), grants=frozenset())


def _permit(judgement: Judgement) -> Permit:
    verdict = judgement.verdict
    models, agents = verdict.models, verdict.agents
    in_order = verdict.rule is not None and verdict.rule.in_order
    return Permit(
        rule=verdict.rule_name,
        models=None if models is None else frozenset(models),
        agents=None if agents is None else frozenset(agents),
        shut=judgement.shut,
        order=models or () if in_order else (),
        doubt="; ".join(verdict.faults),
    )
