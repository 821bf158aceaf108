"""A policy at work: its judge, and the gate before calls of tools and messages to agents.

An engine never changes; another policy is another engine. It knows no files and no graph.
"""

from graphs.policy.gate import Gate
from graphs.policy.judge import Judge, Judgement
from graphs.policy.policy import Policy
from graphs.policy.request import Reads, Request

__all__ = ["Engine"]


class Engine:
    """A policy with its signals made ready."""

    def __init__(self, policy: Policy, reader: Reads) -> None:
        self.policy = policy
        self._judge = Judge(policy, reader)
        self.gate = Gate(policy, reader, judge=self._judge)
        """Rules on calls of tools and on messages to agents."""

    @property
    def hash(self) -> str:
        """The policy's hash."""
        return self._judge.decider.hash

    def judge(self, request: Request) -> Judgement:
        """Return what the policy says of a turn."""
        return self._judge.judge(request)
