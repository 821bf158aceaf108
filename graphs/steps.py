"""Says which steps of a run may go to the disk together with a later one, and which must be there before it goes on.

A node that only decides does nothing but return its update: if that is lost, it decides again at no cost. So what comes
before it need not be on the disk when it begins. What comes before a node that acts (an agent, a model's answer) must
be, and so must the last step, before the turn is acknowledged. Where what an act brought is kept by itself
(`graphs.results`), what its node returns can be had again as well. This module knows no store.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import WRITES_IDX_MAP, Checkpoint, CheckpointMetadata
from langgraph.graph import START

from graphs.run_config import with_configurable

__all__ = ["NOTHING_KNOWN", "Nodes", "Steps", "led_to", "path_of", "steps_of", "with_steps"]

_PLACE = "__moma_steps"
"""Where a run's `Steps` stand in `configurable`."""
_TO = "branch:to:"
"""What LangGraph calls the channels by which an edge leads to a node."""
_BEFORE_NODE = ", "
"""LangGraph's path of a task that an edge led to ends with the node."""
_SENT = "__pregel_tasks"
"""LangGraph's channel of tasks that were sent to a node, not led by an edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """What is known of a graph's nodes; of all others nothing is."""

    deciding: frozenset[str] = frozenset()
    """Those that only decide."""
    repeatable: frozenset[str] = frozenset()
    """Those that act, but return the same if they run again, with what was kept."""
    graphs: frozenset[str] = frozenset()
    """Those that run a state graph of their own, of which only the start is known: it has no body."""


NOTHING_KNOWN = Nodes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The steps of one run."""

    thread: str
    nodes: Nodes
    space: str = ""
    """LangGraph's checkpoint namespace of the graph."""
    left: "list[asyncio.Future[None]]" = field(default_factory=list)
    """What goes to the disk later, in its order."""

    def may_wait(self, checkpoint: Checkpoint, metadata: CheckpointMetadata) -> bool:
        """Whether only nodes that decide come after a checkpoint."""
        channels = checkpoint["channel_values"]
        following = led_to(checkpoint) | ({START} & channels.keys())  # the start has no body
        of_run = metadata.get("source") in ("input", "loop") and _SENT not in channels
        return of_run and bool(following) and following <= self.nodes.deciding | {START}

    def writes_may_wait(self, channels: Iterable[str], task_path: str) -> bool:
        """Whether what a task wrote can be had again; an error or an interrupt cannot."""
        node = task_path.rpartition(_BEFORE_NODE)[2]
        again = node in self.nodes.deciding | self.nodes.repeatable | {START}
        return again and WRITES_IDX_MAP.keys().isdisjoint(channels)

    async def settle(self) -> None:
        """Return when all that was left is on the disk.

        Raises:
            Exception: what the store raised; something is not.
        """
        while self.left:
            await self.left.pop(0)


def led_to(checkpoint: Checkpoint) -> set[str]:
    """Return the nodes to which edges lead from a checkpoint."""
    channels = checkpoint["channel_values"]
    return {name.removeprefix(_TO) for name in channels if name.startswith(_TO)}


def path_of(node: str) -> str:
    """Return the path of what a node writes beside its task."""
    return f"{_BEFORE_NODE}{node}"


def with_steps(config: RunnableConfig | None, steps: Steps) -> RunnableConfig:
    """Return the config of a run whose saver is told of `steps`."""
    return with_configurable(config, **{_PLACE: steps})


def steps_of(config: RunnableConfig) -> Steps | None:
    """Return the steps of the run that stores something; None where everything must be on the disk first."""
    place: dict[str, Any] = config["configurable"]
    steps, space = place.get(_PLACE), place.get("checkpoint_ns", "")
    if not isinstance(steps, Steps) or steps.thread != str(place["thread_id"]):
        return None
    # Graphs within the run inherit the config, and their nodes may have the same names.
    if space and not ("|" not in space and space.partition(":")[0] in steps.nodes.graphs):
        return None
    return replace(steps, nodes=NOTHING_KNOWN, space=space) if space else steps
