"""Whether the agent that holds the floor gets it back from a turn that another served. Pure."""

from graphs.machine import Event, Phase
from graphs.state import State


def question_stands(state: State) -> bool:
    """Tell whether the holder of the floor still waits for an answer to what it asked.

    It does if this turn was a request of its own, even one that the holder was offered and declined. It does not if
    the turn was taken for its answer and it could do nothing with that, or if it broke.
    """
    floor = state.get("floor") or {}
    if floor.get("phase") != Phase.AWAITING_INPUT:
        return False
    record = state["decision"]
    ends = {run["event"] for run in record["runs"] if run["agent"] == floor["agent"]}
    return not ends or (ends == {Event.DECLINED} and record["event"] == Event.NEW_REQUEST)
